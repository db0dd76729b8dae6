"""How fast embedding, protocols and statistics are, beside what people would write by hand. No part of the gate.

    make throughput

What is timed is the median of a few rounds, and its rivals run before each of them, so that a slow minute slows both.
Times of rivals are in ``extra_info`` of pytest-benchmark's JSON.
"""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegressionCV
from threadpoolctl import threadpool_limits

from benchmarks import loops
from reprcheck.cores import cores
from reprcheck.datasets.folder import open_folder
from reprcheck.embed.cache import Cache
from reprcheck.embed.embedder import Embedder
from reprcheck.models import draw_plain, resolve_model
from reprcheck.models.torch.device import device
from reprcheck.progress import bar
from reprcheck.protocols.features import prepare
from reprcheck.protocols.folds import folds
from reprcheck.protocols.knn import KNN
from reprcheck.protocols.probe import PROBE, STRENGTHS
from reprcheck.protocols.protocol import Protocol
from reprcheck.protocols.ridge import RIDGE
from reprcheck.stats.decision import compare
from reprcheck.types import Encoder, Task

ROUNDS = 3
IMAGES = 384
SIZES = [10**3, 10**4, 10**5]
"""Rows that protocols are timed at; see `scaled`."""
WIDTH = 384


def scaled() -> list[tuple[Protocol, int]]:
    """Return protocols with numbers of rows: a million where REPRCHECK_THROUGHPUT=all asks for most of an hour.

    Not of neighbours, which are compared with all others.
    """
    large = [10**6] if os.environ.get("REPRCHECK_THROUGHPUT") == "all" else []
    return [(one, n) for one in (PROBE, KNN, RIDGE) for n in (SIZES if one is KNN else [*SIZES, *large])]


def race(benchmark: Any, main: Callable[[], Any], rivals: Mapping[str, Callable[[], Any]], rounds: int = ROUNDS) -> Any:
    """Time ``main``, and each rival before every round of it; return what the last round of ``main`` returned."""
    seconds: dict[str, list[float]] = {name: [] for name in rivals}

    def run_rivals() -> None:
        for name, rival in rivals.items():
            start = time.perf_counter()
            rival()
            seconds[name].append(time.perf_counter() - start)

    made = benchmark.pedantic(main, setup=run_rivals, rounds=rounds)
    benchmark.extra_info.update(rivals=seconds, cores=cores(), device=str(device()))
    return made


# --- embedding ----------------------------------------------------------------------------------------------------


def networks(count: int, vits: int = 0) -> tuple[list[Encoder], list[torch.nn.Module]]:
    """Return untrained ResNets and ViTs as the engine has them, and as a loop by hand has them."""
    model = resolve_model(f"timm:resnet18?pretrained=false&size={loops.SIDE}")
    encoders: list[Any] = [model.untrained(3, k) for k in range(count)]
    encoders += [draw_plain(model, 3, "vit", k) for k in range(vits)]
    place = device()
    return encoders, [encoder.network.build().module.eval().to(place) for encoder in encoders]


class Embedding:
    """Embeds a folder with some encoders into a cache of its own, as the gate does."""

    def __init__(self, encoders: list[Encoder], folder: Path, caches: Path) -> None:
        self.encoders, self.folder, self.caches, self.number = encoders, folder, caches, count()

    def __call__(self) -> None:
        dataset = open_folder(self.folder)
        Embedder(Cache(self.caches / str(next(self.number))), bar).embed(
            dataset, (0, 1, 2), self.encoders, "throughput"
        )


@pytest.mark.parametrize("kind", ["png", "tiff"])
def test_one_network(benchmark: Any, tmp_path: Path, kind: str) -> None:
    folder = loops.write_images(tmp_path / "images", IMAGES, kind)
    encoders, modules = networks(1)
    images, place = loops.in_memory(folder), device()
    engine = Embedding(encoders, folder, tmp_path / "caches")
    engine()  # builds the network
    race(
        benchmark,
        engine,
        {
            "bare loop": lambda: loops.bare(modules, images, place),
            "DataLoader": lambda: loops.loaded(modules, folder, place, cores()),
        },
    )
    benchmark.extra_info.update(images=IMAGES, encoders=1)


def test_side_by_side(benchmark: Any, tmp_path: Path) -> None:
    n = IMAGES // 6
    folder = loops.write_images(tmp_path / "images", n, "png")
    encoders, modules = networks(6, vits=1)
    images, place, runs = loops.in_memory(folder), device(), count()
    engine = Embedding(encoders, folder, tmp_path / "caches")
    engine()
    race(
        benchmark,
        engine,
        {
            "bare loop": lambda: loops.bare(modules, images, place),
            "DataLoader": lambda: loops.loaded(modules, folder, place, cores()),
            "a file each": lambda: loops.file_each(modules, folder, place, cores(), tmp_path / f"files{next(runs)}"),
        },
    )
    benchmark.extra_info.update(images=n, encoders=len(encoders))


def test_with_baselines(benchmark: Any, tmp_path: Path) -> None:
    """All that a model meets on the images as they are: its family, plain networks and the hand-made baselines."""
    n = IMAGES // 6
    folder = loops.write_images(tmp_path / "images", n, "png")
    encoders, modules = networks(6, vits=1)
    dataset, images, place = open_folder(folder), loops.in_memory(folder), device()
    engine = Embedding([*encoders, *hand_made(dataset)], folder, tmp_path / "caches")
    engine()
    rivals = {
        "bare loop": lambda: loops.bare(modules, images, place),
        "one decode": lambda: loops.decode(folder),
        "baselines alone": Embedding(hand_made(dataset), folder, tmp_path / "baselines"),
    }
    race(benchmark, engine, rivals)
    benchmark.extra_info.update(images=n, encoders=len(engine.encoders))


def hand_made(dataset: Any) -> list[Encoder]:
    """Return the baselines that a gate embeds of a dataset."""
    from reprcheck.baselines.matching import Quantiles
    from reprcheck.baselines.reference import Baseline
    from reprcheck.registry import REFERENCES

    offered = [REFERENCES.get(name) for name in REFERENCES.own]
    chosen = [one for one in offered if isinstance(one, Baseline) and not one.optional]
    encoders = [baseline.encoder(dataset, dataset.channels) for baseline in chosen]
    return [*(encoder for encoder in encoders if encoder is not None), Quantiles()]


# --- protocols ----------------------------------------------------------------------------------------------------


def made(n: int, width: int, classes: int = 8, signal: float = 0.1, seed: int = 0) -> tuple[np.ndarray, Task]:
    """Return vectors float32[n, D] whose spectrum falls as a network's does, and a task of n units in 50 batches."""
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.arange(n) % classes)
    scale = (np.arange(1, width + 1) ** -0.7).astype(np.float32)
    x = rng.standard_normal((n, width), np.float32) + signal * rng.standard_normal((classes, width), np.float32)[y]
    x *= scale
    x = x @ np.linalg.qr(rng.standard_normal((width, width)))[0].astype(np.float32)
    task = Task(
        name="made",
        kind="classify",
        rows=np.arange(n),
        y=y,
        classes=tuple(map(str, range(classes))),
        units=np.char.mod("%07d", np.arange(n)),
        batches=np.char.mod("%02d", rng.integers(0, 50, n)),
        holdout="batch",
        protocols=("probe/2", "knn/1"),
        channels=(0,),
    )
    return x, task


def regression(task: Task) -> Task:
    return replace(task, kind="regress", y=task.y.astype(float), classes=(), protocols=("ridge/1",))


def score(protocol: Protocol, x: np.ndarray, task: Task) -> Any:
    folds.cache_clear()
    with threadpool_limits(1):  # as a session does
        return protocol.score([x], task)


@pytest.mark.parametrize(("n", "width"), [(4_000, 384), (20_000, 768)], ids=["4000x384", "20000x768"])
def test_probe_beside_scikit_learn(benchmark: Any, n: int, width: int) -> None:
    """The first outer fold alone is given to scikit-learn, whose time is counted as often as there are folds."""
    x, task = made(n, width)
    first = folds(task)[0]
    a, b = prepare([x], first.train, first.test)
    inner = [tuple(np.searchsorted(first.train, rows) for rows in split) for split in first.inner]
    model = LogisticRegressionCV(
        Cs=list(STRENGTHS), cv=inner, class_weight="balanced", scoring="neg_log_loss", max_iter=1000
    )
    rivals = {"LogisticRegressionCV, a fold": lambda: model.fit(a, task.y[first.train])}
    ours = race(benchmark, lambda: score(PROBE, x, task), rivals, rounds=1)
    truth = task.y[first.test]
    shares = [float((found == truth).mean()) for found in (ours.predictions[first.test], model.predict(b))]
    benchmark.extra_info.update(rows=n, width=width, folds=len(folds(task)), accuracy=shares)


@pytest.mark.parametrize("n", [10**5])
def test_neighbours_beside_the_bare_product(benchmark: Any, n: int) -> None:
    x, task = made(n, WIDTH)
    splits = [(x[fold.train], x[fold.test]) for fold in folds(task)]

    def product() -> None:
        for among, queries in splits:
            for start in range(0, len(queries), 1024):
                queries[start : start + 1024] @ among.T

    race(benchmark, lambda: score(KNN, x, task), {"bare product": product}, 1)
    benchmark.extra_info.update(rows=n, width=WIDTH)


@pytest.mark.parametrize(("protocol", "n"), scaled(), ids=lambda value: getattr(value, "id", value))
def test_scale(benchmark: Any, protocol: Protocol, n: int) -> None:
    x, task = made(n, WIDTH)
    benchmark.pedantic(score, (protocol, x, regression(task) if protocol is RIDGE else task))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    benchmark.extra_info.update(rows=n, width=WIDTH, protocol=protocol.id, peak_bytes=peak, cores=cores())


@pytest.mark.parametrize("n", [*SIZES, 10**6])
def test_statistics(benchmark: Any, n: int) -> None:
    """One comparison with a family of five draws, of units that are right or wrong; a cell has one a reference."""
    rng = np.random.default_rng(0)
    units = np.char.mod("%07d", np.arange(n))
    model, draws = (rng.random(n) < 0.8).astype(float), (rng.random((5, n)) < 0.5).astype(float)
    benchmark.pedantic(compare, (model, draws, units), rounds=ROUNDS)
    benchmark.extra_info.update(rows=n)
