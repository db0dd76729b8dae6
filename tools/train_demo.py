"""Train the demo model on simulated experiments and write its weights into the package.

    python tools/train_demo.py

One network learns the causes of both simulators at once, from experiments whose seeds the gate never shows; brightness
is no cause to learn but one to see past, so contrast is changed at random. Minutes on two cores; progress is shown.
Equal arguments give equal weights on one kind of machine.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from safetensors.torch import save
from torch import nn

from reprcheck.datasets.simulate import Culture, SimulatedImages, Simulation, Tissue
from reprcheck.models.torch import demo

FIRST_SEED = 1000
"""Experiments take this seed and the ones after it; the gate's experiments have seed 0."""

LOSS_WEIGHT = {"localisation": 0.5, "texture": 1.0, "arrangement": 1.0, "polarity": 1.0, "shape": 0.5, "count": 0.3}
SMOOTHING = 0.05
IGNORED = -100
"""Label of a field for a cause of the other simulator."""


@dataclass(frozen=True)
class Fields:
    """Training fields of both simulators.

    Attributes
    ----------
    pixels : uint8[N, 3, H, W]
    labels : dict of str to int64[N]
        Class codes per head, one head per simulator and cause; `IGNORED` where it does not apply.
    """

    pixels: torch.Tensor
    labels: dict[str, torch.Tensor]


def main() -> None:
    """Read the arguments, simulate, train, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--experiments", type=int, default=8, help="experiments per simulator, 480 fields each")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, default=demo.WEIGHTS)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.use_deterministic_algorithms(True)
    console = Console()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        fields = simulate(args.experiments, args.threads, progress)
        network = train(fields, args.epochs, progress)
    write(network, args.out)
    console.print(f"{args.out}: {args.out.stat().st_size / 1e6:.2f} MB")


def simulate(experiments: int, workers: int, progress: Progress) -> Fields:
    """Render the training experiments."""
    plans = [
        kind(seed=FIRST_SEED + k, batches=20, units=24, fields=1)
        for kind in (Culture, Tissue)
        for k in range(experiments)
    ]
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        pixels = [*progress.track(pool.map(_render, plans), total=len(plans), description="simulating")]
    tables = pd.concat([plan.table().assign(simulator=plan.name) for plan in plans], ignore_index=True)
    labels = {}
    for kind in (Culture, Tissue):
        for cause, classes in kind.causes.items():
            codes = tables[cause].map({name: code for code, name in enumerate(classes)})
            labels[f"{kind.name}/{cause}"] = torch.tensor(
                np.where(tables["simulator"] == kind.name, codes, IGNORED).astype(np.int64)
            )
    return Fields(torch.from_numpy(np.concatenate(pixels)), labels)


def _render(plan: Simulation) -> NDArray[np.uint8]:
    images = SimulatedImages(plan, plan.table())
    return np.stack([np.rint(images.read(i).pixels * 255).astype(np.uint8) for i in range(len(images))])


def train(fields: Fields, epochs: int, progress: Progress, batch: int = 32, rate: float = 1.5e-3) -> nn.Module:
    """Return the demo network trained to tell every cause, one linear head each."""
    network = demo.build(seed=0).train().to(memory_format=torch.channels_last)
    draw = torch.Generator().manual_seed(0)
    torch.manual_seed(0)
    heads = nn.ModuleDict(
        {name: nn.Linear(demo.DIMENSION, int(codes.max()) + 1) for name, codes in fields.labels.items()}
    )
    parameters = [*network.parameters(), *heads.parameters()]
    optimiser = torch.optim.AdamW(parameters, lr=rate, weight_decay=0.02)
    steps = epochs * (len(fields.pixels) // batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, steps, pct_start=0.15)
    task = progress.add_task("training", total=steps)
    for epoch in range(epochs):
        losses: dict[str, list[float]] = {name: [] for name in heads}
        for rows in _batches(len(fields.pixels), batch, draw):
            pixels = augment(fields.pixels[rows].float() / 255, draw)
            vectors = network(pixels.contiguous(memory_format=torch.channels_last))
            total = torch.zeros(())
            for name, head in heads.items():
                loss = _loss(head(vectors), fields.labels[name][rows])
                total = total + LOSS_WEIGHT[name.split("/")[1]] * loss
                losses[name].append(loss.item())
            optimiser.zero_grad()
            total.backward()
            optimiser.step()
            schedule.step()
            progress.advance(task)
        means = "  ".join(f"{name} {np.mean(values):.3f}" for name, values in losses.items())
        progress.console.print(f"epoch {epoch + 1}/{epochs}  {means}", soft_wrap=True)
    return network.eval()


def _batches(count: int, size: int, draw: torch.Generator) -> Iterator[torch.Tensor]:
    order = torch.randperm(count, generator=draw)
    return (order[start : start + size] for start in range(0, count - size + 1, size))


def _loss(scores: torch.Tensor, codes: torch.Tensor) -> torch.Tensor:
    """Return the mean cross-entropy over the fields a head applies to; 0 where there is none."""
    known = codes != IGNORED
    total = nn.functional.cross_entropy(scores[known], codes[known], label_smoothing=SMOOTHING, reduction="sum")
    return total / known.sum().clamp(min=1)


def augment(pixels: torch.Tensor, draw: torch.Generator) -> torch.Tensor:
    """Turn, mirror and re-expose fields, so that neither orientation nor brightness can be relied on.

    Parameters
    ----------
    pixels : float32[N, 3, H, W] in [0, 1]
    draw : torch.Generator

    Returns
    -------
    float32[N, 3, H, W] in [0, 1]
        Three in five with a random gain and gamma per channel, the others with a histogram borrowed from two fields.
    """
    pixels = torch.rot90(pixels, int(torch.randint(4, (), generator=draw)), (2, 3))
    if torch.rand((), generator=draw) < 0.5:
        pixels = pixels.flip(3)
    count = len(pixels)
    gamma = torch.exp(0.25 * torch.randn(count, 3, 1, 1, generator=draw))
    gain = torch.exp(0.3 * torch.randn(count, 3, 1, 1, generator=draw))
    exposed = pixels.clamp(min=1e-4) ** gamma * gain
    borrowers = torch.randperm(count, generator=draw)[: 2 * count // 5]
    lenders = pixels[torch.randperm(count, generator=draw)[: 2 * len(borrowers)]].flatten(2).sort(dim=2).values
    share = torch.rand(len(borrowers), 1, 1, generator=draw)
    histogram = share * lenders[: len(borrowers)] + (1 - share) * lenders[len(borrowers) :]
    jitter = torch.rand(len(borrowers), *pixels.shape[1:], generator=draw) / 255
    order = (pixels[borrowers] + jitter).flatten(2).argsort(dim=2)
    exposed[borrowers] = (
        torch.empty_like(histogram).scatter_(2, order, histogram).view(len(borrowers), *pixels.shape[1:])
    )
    return exposed.clamp(0, 1)


def write(network: nn.Module, path: Path) -> None:
    """Write the weights under a temporary name, then rename: a killed run leaves the old file as it was."""
    weights = {name: value.contiguous() for name, value in network.state_dict().items()}
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    with os.fdopen(handle, "wb") as file:
        file.write(save(weights))
        file.flush()
        os.fsync(file.fileno())
    Path(temporary).chmod(0o644)
    os.replace(temporary, path)


if __name__ == "__main__":
    main()
