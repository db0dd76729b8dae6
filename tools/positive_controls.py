"""Train a small network on one half of a real set, and ask the gate about it on the other half.

    python tools/positive_controls.py SETS WORK --weights FILE

A gate that blocks everybody is no gate: what a network learned from cells, or from tissue, in minutes must pass where
one trained on photographs doesn't. ``SETS`` holds the sets, a folder each (`CONTROLS`); trained networks are kept in
``WORK``. Each half is learned from, and the other one judged. What came of it goes to ``reports/positive/``; what is
there isn't run again.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass, replace
from importlib.metadata import version
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from positive_network import PositiveNet, vary
from positive_table import NAME
from rich.console import Console
from safetensors.torch import load_file, save_file
from torch import nn

import reprcheck
from reprcheck.datasets import catalogue
from reprcheck.datasets.table.cutting import limit_task
from reprcheck.digest import digest
from reprcheck.seeding import rng, seed
from reprcheck.types import Dataset, Scorecard, Task

KEPT = Path(__file__).resolve().parents[1] / "reports" / "positive" / NAME
UNITS = (200, 400, 800)
DRAWS = 3
"""Choices of the units to be judged, for each half and number of them."""
PHOTOGRAPHS = "timm:tf_efficientnet_lite0?pretrained=false&size=96&checkpoint={weights}"
BATCH, RATE = 32, 2e-3
ASKED = ("control", "half", "model", "units", "draw")
"""What tells runs apart."""


@dataclass(frozen=True)
class Control:
    """A set, a task of it, and how long a network learns it.

    Attributes
    ----------
    dataset, task : str
    card : str
        The set's card, in the place of its own.
    apart : str
        Column of the table that the halves are told apart by: none of its values is in both.
    learned : str
        What the network was trained on, in a word.
    stride : int
        Of the network's first convolution.
    epochs : int
    """

    dataset: str
    task: str
    card: str
    apart: str
    learned: str
    stride: int
    epochs: int


JURKAT = Control(
    dataset="jurkat",
    task="phase",
    card="""
schema = 1
allow_outside = true
name = "jurkat"
kind = "culture"
channels = ["brightfield", "DNA-PI", "darkfield"]
value_range = [0, 4095]
[columns]
sample = "image_id"
image = "path"
frame = "index"
unit = "image_id"
batch = "experiment"
[tasks.phase]
kind = "classify"
label = "label"
where = { experiment = "Experiment_1" }
channels = ["brightfield", "darkfield"]
min_per_class = 100
protocols = ["probe/2", "knn/1"]
""",
    apart="image_id",
    learned="cells",
    stride=1,
    epochs=24,
)
OSTEOSARCOMA = Control(
    dataset="osteosarcoma",
    task="tumour",
    card="""
schema = 1
allow_outside = true
name = "osteosarcoma"
kind = "tissue"
channels = ["R", "G", "B"]
value_range = [0, 255]
[columns]
sample = "image_id"
image = "path"
unit = "slide"
batch = "patient"
[tiles]
size = 128
max_white = 0.8
[tasks.tumour]
kind = "classify"
label = "label"
holdout = "unit"
protocols = ["probe/2", "knn/1"]
""",
    apart="slide",
    learned="tissue",
    stride=2,
    epochs=12,
)
CONTROLS = {control.dataset: control for control in (JURKAT, OSTEOSARCOMA)}


def main() -> None:
    """Read the arguments; train, judge and write, control by control."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--weights", type=Path, help="of tf_efficientnet_lite0, trained on photographs: is asked, too")
    parser.add_argument("--control", choices=CONTROLS, action="append", help="only this one; may be repeated")
    parser.add_argument("--units", type=int, action="append", help=f"instead of {UNITS}; may be repeated")
    parser.add_argument("--draws", type=int, default=DRAWS)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, default=KEPT)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.use_deterministic_algorithms(True)
    console = Console()
    runs: list[dict[str, Any]] = json.loads(args.out.read_text(encoding="utf-8"))["runs"] if args.out.exists() else []
    done = {tuple(run[key] for key in ASKED) for run in runs}
    for name in args.control or CONTROLS:
        control = CONTROLS[name]
        dataset = open_set(args.sets / name, args.work / name, control)
        task = dataset.tasks[control.task]
        for half in (0, 1):
            learns = in_half(dataset, control, half)
            weights = args.work / f"{name}-{half}.safetensors"
            if not weights.exists():
                save_file(train(dataset, task.take(np.flatnonzero(learns)), control, half, console), weights)
            judged = task.take(np.flatnonzero(~learns))
            network = build(task, control, weights)
            sizes = [n for n in args.units or UNITS if n <= len(judged.rows)]
            for n, draw in product(sizes, range(args.draws)):
                asked = choose(dataset, judged, n, draw)
                models: dict[str, Any] = {f"trained on {control.learned}": network}
                if args.weights and n == sizes[-1] and draw == 0:
                    models["trained on photographs"] = PHOTOGRAPHS.format(weights=args.weights)
                for who, model in models.items():
                    if (name, half, who, n, draw) not in done:
                        runs.append(kept_of(reprcheck.check(model, asked), name, half, who, n, draw))
                        console.print(told(runs[-1]), soft_wrap=True)
                        write(runs, args.out)


def write(runs: list[dict[str, Any]], path: Path) -> None:
    """Write what came of all runs so far."""
    path.parent.mkdir(parents=True, exist_ok=True)
    versions = {package: version(package) for package in ("torch", "numpy", "scikit-learn")}
    path.write_text(json.dumps({"versions": versions, "runs": runs}, indent=1) + "\n", encoding="utf-8")


def open_set(folder: Path, place: Path, control: Control) -> Dataset:
    """Open the set in ``folder`` under the control's card, from a place of its own."""
    place.mkdir(parents=True, exist_ok=True)
    for name in ("images", "samples.csv"):
        if not (place / name).exists():
            (place / name).symlink_to((folder / name).resolve())
    (place / "dataset.toml").write_text(control.card, encoding="utf-8")
    return catalogue.load(place)


def in_half(dataset: Dataset, control: Control, half: int) -> NDArray[np.bool_]:
    """Return which of the task's samples the network of a half learns from, bool[n]; the other half is judged."""
    rows = dataset.tasks[control.task].rows
    apart = dataset.columns[control.apart][rows]
    names = np.unique(apart)
    first = rng("positive control", control.dataset).permutation(names)[: len(names) // 2]
    return np.isin(apart, first) == (half == 0)


def choose(dataset: Dataset, task: Task, n: int, draw: int) -> Dataset:
    """Return the set with about n samples of the task, another choice for each draw, each of them a unit."""
    named = np.array([f"{name} {draw}" for name in dataset.ids])
    chosen = limit_task(task, named, n)
    chosen = replace(chosen, units=dataset.ids[chosen.rows], notes=())
    return replace(dataset, tasks={task.name: chosen}, digest=digest(dataset.digest, chosen.rows.tolist()))


def build(task: Task, control: Control, weights: Path | None = None) -> PositiveNet:
    """Return the control's network, with weights drawn from a seed or read from a file."""
    torch.manual_seed(seed("positive control", control.dataset) % 2**31)
    network = PositiveNet(len(task.channels), control.stride)
    if weights:
        network.load_state_dict(load_file(weights))
    return network.eval()


def train(dataset: Dataset, task: Task, control: Control, half: int, console: Console) -> dict[str, torch.Tensor]:
    """Return the weights after learning to tell the classes of a task."""
    stored = [dataset.images.read(row).pixels[list(task.channels)] for row in task.rows.tolist()]
    pixels, codes = torch.from_numpy(np.stack(stored)), torch.from_numpy(task.y)
    network = build(task, control).train().to(memory_format=torch.channels_last)
    head = nn.Linear(PositiveNet.WIDTH, len(task.classes))
    weight = 1 / torch.bincount(codes).clamp(min=1).sqrt()
    loss_of = nn.CrossEntropyLoss(weight / weight.mean(), label_smoothing=0.05)
    parameters = [*network.parameters(), *head.parameters()]
    optimiser = torch.optim.AdamW(parameters, RATE, weight_decay=0.05)
    draw = torch.Generator().manual_seed(half)
    steps = control.epochs * (len(codes) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, steps, pct_start=0.2)
    for epoch in range(control.epochs):
        right = 0
        for rows in torch.randperm(len(codes), generator=draw)[: len(codes) // BATCH * BATCH].split(BATCH):
            scores = head(network(vary(pixels[rows], draw).contiguous(memory_format=torch.channels_last)))
            loss = loss_of(scores, codes[rows])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            right += int((scores.argmax(1) == codes[rows]).sum())
        console.print(
            f"{control.dataset}, half {half}: epoch {epoch + 1} of {control.epochs}, {right / len(codes):.2f} right"
        )
    return {name: tensor.contiguous() for name, tensor in network.state_dict().items()}


def kept_of(card: Scorecard, name: str, half: int, who: str, n: int, draw: int) -> dict[str, Any]:
    """Return what is kept of a scorecard: every cell's verdict with its evidence, and every encoder's score."""
    keys = ("setting", "diagnostic", "status", "effect", "low", "margin", "reference")
    asked = dict(zip(ASKED, (name, half, who, n, draw), strict=True))
    cells = [{key: getattr(cell, key) for key in keys} for cell in card.cells]
    scores = {at.id: {one: score["mean"] for one, score in at.scores.items()} for at in card.settings}
    return asked | {"outcome": card.gate.outcome, "cells": cells, "scores": scores}


def told(run: dict[str, Any]) -> str:
    """Return one line on a run."""
    held_up = [cell for cell in run["cells"] if cell["status"] != "pass"]
    names = ", ".join(f"{cell['diagnostic']} in {cell['setting']}: {cell['status']}" for cell in held_up)
    asked = f"{run['control']}, half {run['half']}, {run['model']}, {run['units']} units, draw {run['draw']}"
    return f"{asked}: {len(run['cells']) - len(held_up)} of {len(run['cells'])} cells pass. {names}"


if __name__ == "__main__":
    main()
