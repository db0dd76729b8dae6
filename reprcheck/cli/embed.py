"""``reprcheck embed``: whatever a gate would ask of a model, into the cache; by one job, or by many at once."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reprcheck.cli.shell import add_run_options, show, spelled
from reprcheck.errors import Option, ReprcheckError, SpelledMistakeError, UserError
from reprcheck.exits import Exit

if TYPE_CHECKING:
    from reprcheck.embed.parts import Part
    from reprcheck.runs.child import Answer


def add_embed(commands: Any) -> None:
    """Add ``embed``: everything that a gate would embed, ahead of it."""
    command = commands.add_parser(
        "embed",
        help="compute ahead what a gate will ask for, in one job or many",
        description="Compute into the cache every vector that the gate will ask for of a model on a dataset: the "
        "model's, its untrained networks' and the hand-made baselines', on the images as they are and matched. "
        "Nothing is scored. With --shard, n jobs embed a part each, at once or one after another, into one cache.",
        epilog="Exit status: 0 once all of it is in the cache, else 1; 4 for a mistake in what was asked.",
    )
    command.add_argument("model", metavar="MODEL", help="a SPEC or a registered name")
    command.add_argument("dataset", metavar="DATASET", help="a dataset's name, or a folder")
    command.add_argument(
        "--shard", type=shard, metavar="i/n", help="embed the i-th of n parts of the samples: 1/4 is the first of four"
    )
    command.add_argument("--engine", metavar="NAME", default="local", help="local, or ray, a cluster (default: local)")
    address = "of the Ray cluster (default: $RAY_ADDRESS, else one of this machine's own)"
    command.add_argument("--ray-address", metavar="ADDRESS", help=address)
    add_run_options(command)
    command.set_defaults(run=run_embed)


def shard(text: str) -> Part:
    """Return a part of the samples, for argparse."""
    from reprcheck.embed.parts import Part

    try:
        return Part.read(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def run_embed(options: argparse.Namespace) -> int:
    """Embed, and say how many vectors were added.

    Raises
    ------
    SpelledMistakeError, ReprcheckError
        For a mistake of the user's, and for anything else that ended it.
    """
    try:
        answer = _embed(options)
    except UserError as mistake:
        raise SpelledMistakeError(mistake.line(spelled_here)) from None
    if answer.mistake:
        raise SpelledMistakeError(answer.mistake)
    if answer.tally is None:
        raise ReprcheckError(answer.cell.statement if answer.cell else "nothing was embedded")
    tally, of_part = answer.tally, f" {options.shard}" if options.shard else ""
    others = f", and {tally.n_for_others:,} of other parts" if tally.n_for_others else ""
    counts = f"{tally.n_vectors:,} vectors of {tally.n_encoders} encoders"
    news = f"{tally.n_vectors - tally.n_added:,} were there, {tally.n_added:,} added{others} in {answer.seconds:.0f} s"
    show([f"{answer.model} on {options.dataset}{of_part}: {counts}; {news}"])
    return Exit.FINE


def _embed(options: argparse.Namespace) -> Answer:
    from datetime import date

    from reprcheck.embed.cache import open_cache
    from reprcheck.embed.engines import LOCAL, Engine
    from reprcheck.embed.parts import ALL
    from reprcheck.embed.workers import BATCH_TIMEOUT
    from reprcheck.file_memory import FileMemory
    from reprcheck.models import resolve_model
    from reprcheck.policy import read_policy, registered_models
    from reprcheck.runs.child import Child, Setup
    from reprcheck.runs.embed import Assignment
    from reprcheck.runs.questions import open_datasets, questions

    engine = Engine(options.engine, options.ray_address)
    if options.shard and engine != LOCAL:
        raise UserError(Option("shard", options.shard), "a cluster embeds all parts", "leave it out")
    policy = read_policy(Path(options.policy) if options.policy else None)
    model = resolve_model(options.model, {**registered_models(Path.cwd()), **policy.models})
    cache = open_cache(options.cache_dir, options.cache_remote)
    (dataset,) = open_datasets([options.dataset], options.limit, policy, FileMemory(cache.folder, options.rehash))
    questions([model.name], [dataset], policy)  # what a gate would refuse
    timeout = options.batch_timeout or BATCH_TIMEOUT
    by_name = {model.name: model}, {dataset.name: dataset}
    setup = Setup(*by_name, policy, cache, date.today(), spelled_here, batch_timeout=timeout, engine=engine)
    with Child(setup) as child:
        return child.ask(Assignment(model.name, dataset.name, options.shard or ALL))


def spelled_here(option: Option) -> str:
    """Return an option as this command has it: the model is an argument without a name too."""
    if option.name == "model":
        return option.value if option.value is not None else "MODEL"
    return spelled(option)
