"""An untrained network of a foreign architecture, behind a callable: nobody can draw its twins, and it doesn't pass."""

from __future__ import annotations

import contextlib
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch.nn import functional

from reprcheck.datasets.catalogue import load
from reprcheck.embed.cache import Cache
from reprcheck.models import resolve_model
from reprcheck.policy import Policy
from reprcheck.runs.questions import Question
from reprcheck.runs.session import Session
from tests.minisets import write_dataset

N, SIDE = 120, 32
WIDTH, DEPTH = 24, 6


class Filters:
    """Convolutions at full resolution with He's initialisation, group norm, mean pooling."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        sizes = [1, *[WIDTH] * DEPTH]
        self.weights = [
            (rng.normal(size=(wide, before, 3, 3)) * (2 / (9 * before)) ** 0.5).astype(np.float32)
            for before, wide in pairwise(sizes)
        ]

    def __call__(self, x: np.ndarray) -> np.ndarray:
        y = torch.from_numpy(np.ascontiguousarray(x))
        with torch.no_grad():
            for weights in self.weights:
                y = torch.relu(functional.group_norm(functional.conv2d(y, torch.from_numpy(weights), padding=1), 6))
        return y.mean((2, 3)).numpy()


def read_mark(x: np.ndarray) -> np.ndarray:
    """Return whether the grey level of the first pixel is odd: it is in one class, and no filter of edges sees it."""
    odd = np.round(x[:, 0, 0, 0] * 255) % 2
    return np.stack([odd, 1 - odd], 1).astype(np.float32)


@contextlib.contextmanager
def quiet(total, title):
    yield lambda _: None


@pytest.fixture(scope="module")
def ask(tmp_path_factory):
    """Return a function that asks a model of noisy images with short lines: along the sides, or aslant."""
    folder, rng = tmp_path_factory.mktemp("lines"), np.random.default_rng(0)
    labels, directions = ["aslant", "along"] * (N // 2), {"aslant": ((1, 1), (1, -1)), "along": ((0, 1), (1, 0))}
    pictures, steps = [], np.arange(-3, 4)
    for label in labels:
        x = rng.normal(size=(SIDE, SIDE))
        for y0, x0, which in zip(*rng.integers(3, SIDE - 3, (2, 10)), rng.integers(2, size=10), strict=True):
            down, right = directions[label][which]
            x[y0 + down * steps, x0 + right * steps] += 1.5
        picture = (rng.uniform(90, 160) + rng.uniform(20, 40) * x / x.std()).clip(0, 255).astype(np.uint8)
        picture[0, 0] = picture[0, 0] // 2 * 2 + (label == "along")
        pictures.append(picture[None])
    dataset = load(write_dataset(folder / "mini", labels=labels, images=pictures, shape=(1, SIDE, SIDE)))
    run = Session(Policy(repeats=1), Cache(folder / "cache"), quiet)

    def asked(model):
        named = resolve_model(model)
        return run.ask(named, dataset, Question(named.name, "mini", "state", "probe/2", "beats_untrained"))

    return asked


@pytest.mark.parametrize("seed", range(5))
def test_an_untrained_network_nobody_knows_does_not_pass(ask, seed):
    cell, setting = ask(Filters(seed))
    assert cell.status != "pass", (cell.statement, setting.scores)


def test_whoever_knows_more_than_any_untrained_network_passes(ask):
    cell, _ = ask(read_mark)
    assert cell.status == "pass", cell.statement
