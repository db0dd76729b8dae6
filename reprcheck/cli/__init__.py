"""The command line: what is asked of datasets and policies, beside the gate, which is pytest's.

Its exit statuses are those of `reprcheck.exits`. A command is a function that adds its options to ``commands`` and
names what runs it. What a command needs is imported when it runs, so that ``--help`` is quick.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from reprcheck.cli.embed import add_embed
from reprcheck.cli.gate import add_gate
from reprcheck.cli.listing import add_list
from reprcheck.cli.models import add_describe, add_doctor, add_pin
from reprcheck.cli.report import add_report
from reprcheck.cli.shell import add_run_options, show, spelled, terminal
from reprcheck.errors import ReprcheckError, SpelledMistakeError, UserError, closest, did_you_mean, printable
from reprcheck.exits import MEANING, Exit

if TYPE_CHECKING:
    from reprcheck.policy import Policy
    from reprcheck.runs.audit import Audit


_NO_CHOICE = re.compile(r"(.*invalid choice: )'(.*)' \(choose from (.*)\)")
"""How argparse words a command that it doesn't know."""


class Parser(argparse.ArgumentParser):
    """A parser that reports a mistake in one line, with what was meant and the exit status that mistakes have."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.set_defaults(parser=self)  # of a command within a command, the innermost is left in what was parsed

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Return the options; what no parser knows is reported by the command that it was given to."""
        options, unknown = self.parse_known_args(args, namespace)
        if unknown:
            options.parser.unknown(unknown[0])
        return options

    def unknown(self, argument: str) -> NoReturn:
        """Exit with an argument that isn't known."""
        name = argument.partition("=")[0]
        if not name.startswith("-"):
            self.error(f"one argument too many: {argument}")
        meant = closest(name, re.findall(r"--[a-z][a-z-]*", self.format_help()))
        self.error(f"no option {name}" + (f"; did you mean {meant}?" if meant else ""))

    def error(self, message: str) -> NoReturn:
        """Exit with the mistake."""
        if match := _NO_CHOICE.fullmatch(message):
            known = re.findall(r"[\w-]+", match[3])
            message = f"no command {match[2]}; {did_you_mean(match[2], known)}"
        self.exit(Exit.MISTAKE, f"ERROR: {printable(message)} (see {self.prog} --help)\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status.

    Parameters
    ----------
    arguments : sequence of str, optional
        Without it, the process's own.
    """
    try:
        options = parser().parse_args(arguments)
        return int(options.run(options))
    except UserError as mistake:
        print(f"ERROR: {mistake.line(spelled)}", file=sys.stderr)
        return Exit.MISTAKE
    except SpelledMistakeError as mistake:
        print(f"ERROR: {mistake}", file=sys.stderr)
        return Exit.MISTAKE
    except ReprcheckError as failure:
        print(f"ERROR: {printable(str(failure))}", file=sys.stderr)
        return Exit.BLOCKED
    except SystemExit:
        show(())
        raise
    except KeyboardInterrupt:
        print("stopped; what was computed is in the cache", file=sys.stderr)
        return Exit.INTERRUPTED


def parser() -> Parser:
    """Return the parser of all commands."""
    from importlib.metadata import version

    parser = Parser(
        prog="reprcheck",
        description="A release gate for microscopy representation models.\n"
        "The gate itself is run by pytest: pytest benchmarks/ --model=SPEC.",
        epilog="exit status:\n"
        + "".join(f"  {status:2d}  {meaning}\n" for status, meaning in MEANING.items())
        + "Under pytest 3 (internal error) and 5 (no test collected) keep their meaning.\n"
        "Every status but 0 blocks.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"reprcheck {version('reprcheck')}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=Parser)
    add_gate(commands)
    add_report(commands)
    add_list(commands)
    add_describe(commands)
    add_doctor(commands)
    add_pin(commands)
    add_embed(commands)
    add_audit(commands)
    add_suggest_margin(commands)
    add_calibrate(commands)
    add_data(commands)
    add_cache(commands)
    return parser


def add_audit(commands: Any) -> None:
    """Add ``audit``: can a dataset's settings tell a trained model from an untrained one?"""
    command = commands.add_parser(
        "audit",
        help="can this benchmark tell trained from untrained?",
        description="Show, for every setting of a dataset, where chance, untrained networks, hand-made baselines and "
        "the ceiling lie, and whether there is room to tell a trained model from an untrained one.",
        epilog="Exit status: 0 if at least one setting of every dataset is discriminating and can tell, else 1; 4 for "
        "a mistake in what was asked.",
    )
    add_dataset_options(command)
    command.add_argument(
        "--model",
        metavar="SPEC",
        help="show this model too, and whether it beats the untrained (default: an untrained network stands in)",
    )
    command.add_argument("--json", action="store_true", help="print JSON to standard output")
    command.set_defaults(run=run_audit)


def run_audit(options: argparse.Namespace) -> int:
    """Print the audit of every dataset."""
    from reprcheck.reporters.audit import AuditReport, by_dataset, to_json

    _, audits = run_audits(options, options.model)
    show(to_json(audits).splitlines() if options.json else AuditReport(audits).lines(*terminal()))
    return Exit.FINE if all(any(a.sound for a in audits) for audits in by_dataset(audits).values()) else Exit.BLOCKED


def add_suggest_margin(commands: Any) -> None:
    """Add ``suggest-margin``: what margin does the noise between untrained networks ask for?"""
    command = commands.add_parser(
        "suggest-margin",
        help="a margin for a policy, from the noise there is",
        description="Suggest, for every setting of a dataset, a margin that the choice of units alone doesn't give "
        "one untrained network over another, and print the largest of each protocol as lines for a policy file.",
        epilog="Exit status: 0, or 1 where no setting has a noise floor; 4 for a mistake in what was asked.",
    )
    add_dataset_options(command)
    command.set_defaults(run=run_suggest_margin)


def run_suggest_margin(options: argparse.Namespace) -> int:
    """Print a margin for every setting of every dataset."""
    from reprcheck.reporters.margins import MarginReport
    from reprcheck.runs.margins import suggest

    policy, audits = run_audits(options, None)
    suggestions = [suggest(audit.setting, policy) for audit in audits]
    show(MarginReport(suggestions, policy).lines(*terminal()))
    return Exit.FINE if any(suggestion.margin is not None for suggestion in suggestions) else Exit.BLOCKED


def add_calibrate(commands: Any) -> None:
    """Add ``calibrate``: how often is the gate wrong?"""
    command = commands.add_parser(
        "calibrate",
        help="the gate's own error rates, by simulation",
        description="Measure the gate's error rates and write them as calibration.json and calibration.md. Studies not "
        "named keep what is there. Real images are taken from ../shared/data where they are.",
        epilog="Exit status: 0 if every rate keeps its bounds, else 1; 4 for a mistake in what was asked.",
    )
    command.add_argument("study", nargs="*", metavar="STUDY", help="which studies to run (default: all)")
    command.add_argument("--quick", action="store_true", help="few trials: a look, not the table that counts")
    command.add_argument("--out", metavar="DIR", default="reports/calibration", help="where to write (%(default)s)")
    command.set_defaults(run=run_calibrate)


def run_calibrate(options: argparse.Namespace) -> int:
    """Run studies, write the table, and print what doesn't hold.

    Raises
    ------
    UserError
        For a study that there isn't.
    """
    from reprcheck.errors import did_you_mean
    from reprcheck.progress import bar
    from reprcheck.studies.table import STUDIES, calibrate, summary

    for name in options.study:
        if name not in STUDIES:
            raise UserError(f"calibrate {name}", "no such study", did_you_mean(name, STUDIES))
    rows = calibrate(options.study or STUDIES, not options.quick, bar, Path(options.out))
    show([*summary(rows), f"written to {options.out}: calibration.json, calibration.md"])
    return Exit.FINE if all(row.holds for row in rows) else Exit.BLOCKED


def add_data(commands: Any) -> None:
    """Add ``data``: a group of commands about datasets."""
    from reprcheck.cli.datasets import add_check, add_init, add_show
    from reprcheck.cli.public import add_fetch, add_list, add_where
    from reprcheck.cli.segmentation import add_segmentation
    from reprcheck.cli.simulate import add_causality

    group = commands.add_parser("data", help="begin, check and show a dataset folder; fetch public sets")
    under = group.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=Parser)
    for add in (add_init, add_check, add_show, add_list, add_fetch, add_where, add_segmentation, add_causality):
        add(under)


def add_cache(commands: Any) -> None:
    """Add ``cache``: a group of commands about what was computed."""
    from reprcheck.cli.cache import add_du, add_export, add_gc, add_import, add_ls, add_verify

    group = commands.add_parser("cache", help="list, check, shrink and carry what was computed")
    under = group.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=Parser)
    for add in (add_ls, add_du, add_verify, add_gc, add_export, add_import):
        add(under)


def add_dataset_options(command: argparse.ArgumentParser) -> None:
    """Add the options of every command that looks at datasets."""
    command.add_argument("dataset", nargs="+", metavar="DATASET", help="a simulated dataset's name, or a folder")
    add_run_options(command)


def run_audits(options: argparse.Namespace, model: str | None) -> tuple[Policy, list[Audit]]:
    """Return the policy, and the audits of all datasets; mistakes are raised before anything is computed.

    Raises
    ------
    UserError
    """
    from dataclasses import replace
    from datetime import date

    from reprcheck.embed.cache import open_cache
    from reprcheck.embed.workers import BATCH_TIMEOUT
    from reprcheck.file_memory import FileMemory
    from reprcheck.policy import read_policy
    from reprcheck.runs.audit import audit, contestant, required
    from reprcheck.runs.child import Child, Setup
    from reprcheck.runs.questions import open_datasets

    policy = read_policy(Path(options.policy) if options.policy else None)
    model_given = None if model is None else contestant(model, policy)
    cache = open_cache(options.cache_dir, options.cache_remote)
    datasets = open_datasets(list(options.dataset), options.limit, policy, FileMemory(cache.folder, options.rehash))
    judged_model = model_given or contestant(None, policy)
    plan = [replace(question, model=judged_model.name) for d in datasets for question in required(d, policy)]
    setup = Setup(
        {judged_model.name: judged_model},
        {d.name: d for d in datasets},
        policy,
        cache,
        date.today(),
        spelled,
        plan,
        batch_timeout=options.batch_timeout or BATCH_TIMEOUT,
    )
    with Child(setup) as child:
        return policy, [result for d in datasets for result in audit(d, model_given, policy, ask=child.verdict)]
