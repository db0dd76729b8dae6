"""A small dataset in memory whose table, units and labels are known, and files of vectors for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from reprcheck.models import resolve_model
from reprcheck.models.sources.emb import VectorFile
from reprcheck.types import Dataset, Image, Task

N = 24
LABELS = np.arange(N) // 2 % 2
UNITS = np.array([f"w{i // 2:02}" for i in range(N)])
PLATES = np.array([f"p{i // 2 % 3}" for i in range(N)])
DOSES = np.array([["0.0", "10.0"][code] for code in LABELS])
SITES = np.array([str(i * 7 % 5) for i in range(N)])
IDS = np.array([f"s{i:02}" for i in range(N)])
NOISE = np.random.default_rng(5).normal(size=(N, 3)).astype(np.float32)


class Nothing:
    def content(self, index: int) -> str:
        return ""

    def read(self, index: int) -> Image:
        raise AssertionError


def task(rows: Sequence[int] = range(N), **changes: Any) -> Task:
    at = np.array(rows)
    made: dict[str, Any] = {
        **{"name": "state", "kind": "classify", "rows": at, "y": LABELS[at], "classes": ("off", "on")},
        **{"units": UNITS[at], "batches": PLATES[at], "holdout": None, "protocols": ("knn/1",), "channels": (0,)},
    }
    return Task(**(made | changes))


def wells(
    ids: Sequence[str] = IDS,  # type: ignore[assignment]
    *,
    key: str = "well_image",
    order: Sequence[int] | None = None,
    tasks: Sequence[Task] | None = None,
    columns: Mapping[str, Sequence[str]] | None = None,
) -> Dataset:
    """24 images of 12 wells on 3 plates, two labels; ``order`` is the row of each in the table."""
    table = {
        key: np.array(ids),
        "well": UNITS,
        "plate": PLATES,
        "state": np.array(["off", "on"])[LABELS],
        "dose": DOSES,
        "site": SITES,
    } | {name: np.array(values) for name, values in (columns or {}).items()}
    rows = np.arange(N) if order is None else np.array(order)
    chosen = {one.name: one for one in (tasks if tasks is not None else [task()])}
    return Dataset("wells", "culture", ("DNA",), np.array(ids), rows, Nothing(), chosen, "d", key=key, columns=table)


def model(path: Path, options: str = "") -> VectorFile:
    found = resolve_model(f"emb:{path}{'?' + options if options else ''}")
    assert isinstance(found, VectorFile)
    return found


def parquet(folder: Path, columns: Mapping[str, Any] | pd.DataFrame, name: str = "v.parquet") -> Path:
    pd.DataFrame(columns).to_parquet(folder / name)
    return folder / name


def noted(path: Path, dataset: Dataset, options: str = "") -> str:
    """What the scorecard's notes say of the dataset's first task, in one text."""
    return " ".join(model(path, options).notes_on(dataset, next(iter(dataset.tasks.values()))))
