"""``reprcheck describe``, ``doctor`` and ``pin``: what a model is fed and gives, whether it is well, what it gave."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reprcheck.cli.shell import positive, show
from reprcheck.exits import Exit

if TYPE_CHECKING:
    from reprcheck.models.model import Model


def add_describe(commands: Any) -> None:
    """Add ``describe``: what reaches a model and what is taken from it?"""
    command = commands.add_parser(
        "describe",
        help="what a model is fed and what is taken from it",
        description="Build a model and print what reaches it (channels, size, values), what is taken from it (method, "
        "key, pooling), and what its untrained twins are. With a dataset, of the images that its tasks show.",
        epilog="Exit status: 0; 4 for a model that can't be had, or gives no vectors.",
    )
    add_model(command)
    command.add_argument("dataset", nargs="?", metavar="DATASET", help="a dataset's name, or a folder")
    command.set_defaults(run=run_describe)


def run_describe(options: argparse.Namespace) -> int:
    """Print a row for each fact, for each choice of channels that a task shows.

    Raises
    ------
    UserError
        For a model or a dataset that can't be had.
    """
    from reprcheck.datasets.catalogue import load
    from reprcheck.models.description import describe

    model = _model(options.model)
    if options.dataset is None:
        shown: list[Sequence[str]] = [_channels(model, options)]
    else:
        dataset = load(options.dataset)
        tasks = dataset.tasks.values()
        shown = [*sorted({tuple(dataset.channels[channel] for channel in task.channels) for task in tasks})]
    for channels in shown:
        rows = [*describe(model, channels)]
        if options.dataset is not None:
            rows.insert(3, ("images", ", ".join(channels)))
        width = max(len(name) for name, _ in rows)
        show([f"{name:{width}}  {text}" for name, text in rows])
    return Exit.FINE


def add_doctor(commands: Any) -> None:
    """Add ``doctor``: is all there that a run needs, and is the model well?"""
    command = commands.add_parser(
        "doctor",
        help="is all there that a run needs, and does a model answer as it should?",
        description="Look at the device, the cache, extras, extensions and the way to a hub; of a model, whether every "
        "weight was loaded, an image has one vector, and what brightness and the order of channels do to it.",
        epilog="Exit status: 0 if all is fine, else 1.",
    )
    command.add_argument("model", nargs="?", metavar="MODEL", help="a SPEC or a registered name")
    _add_channels(command)
    command.add_argument("--cache-dir", metavar="DIR", help="default: $REPRCHECK_CACHE, else the user's cache")
    command.set_defaults(run=run_doctor)


def run_doctor(options: argparse.Namespace) -> int:
    """Print a line for each finding: fine, or what to do."""
    from reprcheck.embed.cache import default_folder
    from reprcheck.errors import UserError
    from reprcheck.models.probe import Finding, probe
    from reprcheck.runs.doctor import examine

    findings = list(examine(Path(options.cache_dir) if options.cache_dir else default_folder()))
    if options.model is not None:
        try:
            model = _model(options.model)
            findings += probe(model, _channels(model, options))
        except UserError as error:
            findings.append(Finding(f"{error.where}: {error.what}", error.remedy or "correct it"))
    for finding in findings:
        show([f"to do  {finding.text}; {finding.remedy}" if finding.remedy else f"fine   {finding.text}"])
    return Exit.BLOCKED if any(finding.remedy for finding in findings) else Exit.FINE


def add_pin(commands: Any) -> None:
    """Add ``pin``: write down what a model gives for a known image."""
    command = commands.add_parser(
        "pin",
        help="write down a model's vector of a known image",
        description="Write a model's vector of an image that is made the same everywhere. With pin=FILE in its SPEC a "
        "model must give that vector before it is judged.",
        epilog="Exit status: 0; 4 for a model that can't be asked, or a file that can't be written.",
    )
    add_model(command)
    command.add_argument("--out", metavar="FILE", help="default: NAME.pin.json")
    command.set_defaults(run=run_pin)


def run_pin(options: argparse.Namespace) -> int:
    """Write the pin, and print where it is.

    Raises
    ------
    UserError
        For a model that can't be asked.
    """
    from reprcheck.models.pin import Pin
    from reprcheck.scorecard.atomic import replace_text

    model = _model(options.model)
    path = Path(options.out or f"{model.name}.pin.json")
    pin = Pin.take(model, _channels(model, options))
    replace_text(path, pin.text(), remedy="choose another file with --out")
    joint = "&" if "?" in model.spec else "?"
    show([f"written: {path}, {len(pin.vector)} numbers; judge with --model='{model.spec}{joint}pin={path}'"])
    return Exit.FINE


def add_model(command: argparse.ArgumentParser) -> None:
    """Add the model, and the channels of the images that are made for it."""
    command.add_argument("model", metavar="MODEL", help="a SPEC or a registered name")
    _add_channels(command)


def _add_channels(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--channels", metavar="N|NAMES", help="of the images shown: how many, or DNA,actin (default: what it takes)"
    )


def _model(spec: str) -> Model:
    from reprcheck.models import resolve_model
    from reprcheck.policy import registered_models

    return resolve_model(spec, registered_models(Path.cwd()))


def _channels(model: Model, options: argparse.Namespace) -> Sequence[str]:
    """Return the names of channels that images are made with: as asked for, else as many as the model takes."""
    asked = options.channels
    if asked is not None and not asked.isdigit():
        return tuple(asked.split(","))
    n = model.input(3).in_chans if asked is None else positive(asked)
    return tuple(f"channel {i}" for i in range(n))
