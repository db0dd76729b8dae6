"""What vectors show of how they came about: sentences for a scorecard's notes, beside which columns were judged.

Nothing here decides anything. Vectors of low rank, of whole numbers, or with rows that sum to one may be predictions,
cluster numbers or projections that somebody fitted with the very labels that they are then asked for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from reprcheck.models.vectors.stored import few
from reprcheck.seeding import rng
from reprcheck.types import Task

SMALLEST = 1e-4
"""Singular value of the standardised vectors over the largest, below which a direction doesn't count."""
MOST_ROWS = 4096
"""Rows that the rank is taken from."""
FEW = 10
"""Directions that are few for vectors nobody fitted to these labels."""
NEARLY = 0.99
"""Share of samples told right, or of a value's variance, that is nearly all."""
RUNS = 6
"""Runs of column names shown."""


def signs(
    values: NDArray[np.float32], names: Sequence[str], left_out: Mapping[str, tuple[str, ...]], rows: str, task: Task
) -> tuple[str, ...]:
    """Return what is to be told of vectors, as sentences.

    Parameters
    ----------
    values : float32[n, D]
        Of the task's samples, all finite.
    names : sequence of str
        Of the D columns; empty where the file names none.
    left_out : mapping of str to tuple of str
        Names of columns that weren't used, by reason.
    rows : str
        How rows were found.
    task : Task
    """
    x = values.astype(np.float64)
    r = rank(x)
    columns = f"{x.shape[1]} {'column' if x.shape[1] == 1 else 'columns'}"
    named = f" ({runs(names)})" if names else ""
    sentences = [f"Vectors: {columns}{named} of rank {r}; {rows}."]
    for reason, out in left_out.items():
        sentences.append(f"Left out of the vectors, {reason}: {runs(out)} ({len(out)}).")
    called = list(names) or [str(j) for j in range(x.shape[1])]
    return (*sentences, *_columns(x, called), *_rows(x, task), *_fitted(x, r, task))


def rank(x: NDArray[np.float64]) -> int:
    """Return the rank of centred and standardised vectors, float64[n, D]; of many, of `MOST_ROWS` of them."""
    if len(x) > MOST_ROWS:
        x = x[np.sort(rng("rank", len(x)).choice(len(x), MOST_ROWS, replace=False))]
    spread = x.std(0)
    x = (x - x.mean(0))[:, spread > 0] / spread[spread > 0]
    if not x.size:
        return 0
    power = np.linalg.eigvalsh(x.T @ x if x.shape[1] < len(x) else x @ x.T)
    return int((power > SMALLEST**2 * power[-1]).sum())


def runs(names: Sequence[str]) -> str:
    r"""Return names, those that differ by a last number from first to last; where that is long, by how they begin.

    Examples
    --------
    >>> runs(["f0", "f1", "f2", "area"]), runs([f"Cells_{a}" for a in "abcdefg"])
    ("'f0' to 'f2', 'area'", "'Cells_a' and 6 more of Cells")
    """
    groups = [list(group) for _, group in groupby(names, key=lambda name: re.sub(r"\d+\]?$", "", name))]
    parts = [f"{few([g[0]])} to {few([g[-1]])}" if len(g) > 2 else few(g) for g in groups]
    if len(parts) > RUNS:
        by_stem: dict[str, list[str]] = {}
        for name in names:
            by_stem.setdefault(re.split(r"[_\-. \[]", name)[0], []).append(name)
        parts = [
            few(g) if len(g) < 3 else f"{few([g[0]])} and {len(g) - 1} more of {stem}" for stem, g in by_stem.items()
        ]
    return ", ".join(parts[:RUNS]) + (f" and {len(parts) - RUNS} more" if len(parts) > RUNS else "")


def _columns(x: NDArray[np.float64], names: Sequence[str]) -> list[str]:
    sentences = []
    constant = np.ptp(x, axis=0) == 0
    whole = (x == np.round(x)).all(0) & ~constant
    for hit, what in (
        (constant, "hold one value for all samples"),
        (whole, "hold whole numbers: counts, or numbers of clusters or of classes, which are names and no amounts"),
    ):
        if hit.any():
            which = runs([name for name, at in zip(names, hit, strict=True) if at])
            sentences.append(f"Of the vectors' columns {int(hit.sum())} of {len(hit)} {what}: {which}.")
    return sentences


def _rows(x: NDArray[np.float64], task: Task) -> list[str]:
    sentences = []
    blank = int((x == 0).all(1).sum())
    distinct = len({row.tobytes() for row in x})
    if blank:
        sentences.append(f"Vectors of {blank} of {len(x)} samples are all zero.")
    if distinct < len(x):
        sentences.append(f"Samples share vectors: {len(x)} samples have {distinct} different ones.")
    width, classes = x.shape[1], len(task.classes)
    if width > 1 and (x >= 0).all() and np.allclose(x.sum(1), 1, atol=1e-3):
        one = "one-hot predictions" if ((x == 0) | (x == 1)).all() else "probabilities"
        sentences.append(f"Each vector sums to one, as {one} do, of a head that may have been fitted with labels.")
    elif width > 1 and (x <= 1e-6).all() and np.allclose(np.exp(x).sum(1), 1, atol=1e-3):
        sentences.append("Each vector sums to one once exponentiated, as log-probabilities of a fitted head do.")
    elif 1 < width == classes:
        sentences.append(f"The vectors have as many columns as {task.name} has classes ({classes}), as logits have.")
    return sentences


def _fitted(x: NDArray[np.float64], r: int, task: Task) -> list[str]:
    """Return a sentence where vectors may have been fitted with the task's labels."""
    may = "They may have been fitted with these labels, as LDA, PLS or a classifier's outputs are; this run can't tell."
    classes = len(task.classes)
    if 0 < r <= classes - 1:
        return [f"The vectors' rank is {r}, with {classes} classes. {may}"]
    if not 0 < r <= FEW or len(x) <= 2 * FEW:
        return []
    spread = x.std(0)
    x = (x - x.mean(0))[:, spread > 0] / spread[spread > 0]
    if task.kind == "regress":
        y = task.y - task.y.mean()
        share = 1 - ((y - x @ np.linalg.lstsq(x, y)[0]) ** 2).sum() / max(float((y**2).sum()), 1e-300)
        what = f"{share:.2f} of the value's variance is linear in the vectors, of rank {r}"
    else:
        codes = np.unique(task.y, return_inverse=True)[1]
        means = np.stack([x[codes == c].mean(0) for c in range(codes.max() + 1)])
        nearest = ((x[:, None, :] - means) ** 2).sum(2).argmin(1)
        share = float((nearest == codes).mean())
        what = f"{share:.2f} of samples lie nearest to the mean of their own class, in vectors of rank {r}"
    return [f"{what}. {may}"] if share >= NEARLY else []
