"""Scores as the cache keeps them: named arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reprcheck.types import Scores


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
