"""Scores as the cache keeps them: averaged over draws of the folds, and as named arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reprcheck.types import Scores


def mean(runs: Sequence[Scores]) -> Scores:
    """Return the mean of scores of one contest over draws of the folds."""
    return replace(average(runs), predictions=runs[0].predictions, runs=tuple(runs)) if len(runs) > 1 else runs[0]


def average(draws: Sequence[Scores]) -> Scores:
    """Return scores averaged over draws, unit by unit and run by run."""
    bits = [s.bits for s in draws if s.bits is not None]
    runs = tuple(average(run) for run in zip(*(s.runs for s in draws), strict=True))
    values = np.mean([s.values for s in draws], axis=0)
    return Scores(draws[0].units, values, np.mean(bits, axis=0) if bits else None, runs=runs)


def to_arrays(scores: Scores) -> dict[str, NDArray[Any]]:
    """Return scores as arrays that `from_arrays` takes back."""
    arrays = {
        "values": scores.values,
        "bits": scores.bits,
        "predictions": scores.predictions,
        "matches": scores.matches,
    }
    for r, run in enumerate(scores.runs):
        arrays |= {f"values-{r}": run.values, f"bits-{r}": run.bits}
    units = np.frombuffer("\n".join(scores.units).encode(), np.uint8)
    return {"units": units} | {name: array for name, array in arrays.items() if array is not None}


def from_arrays(arrays: Mapping[str, NDArray[Any]]) -> Scores:
    """Return the scores that `to_arrays` took apart."""
    units = np.array(bytes(arrays["units"]).decode().split("\n"))
    count = sum(name.startswith("values-") for name in arrays)
    runs = tuple(Scores(units, arrays[f"values-{r}"], arrays.get(f"bits-{r}")) for r in range(count))
    predictions, matches = arrays.get("predictions"), arrays.get("matches")
    return Scores(units, arrays["values"], arrays.get("bits"), predictions, runs, matches)
