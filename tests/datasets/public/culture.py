"""What the tests of the cell culture sets share: flat pictures, tab-separated tables, and how a layout is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from reprcheck.datasets.public import open_public
from reprcheck.datasets.public.checks import REMEDY
from reprcheck.errors import UserError
from reprcheck.types import Dataset

MISSING = f"isn't here, and is part of the published set; {REMEDY}"
"""What a refusal says of a file or folder."""


def flat(value: int, shape: tuple[int, int] = (4, 6), dtype: Any = np.uint8) -> NDArray[Any]:
    """A picture of one grey level, so that a channel is known by it."""
    return np.full(shape, value, dtype)


def levels(dataset: Dataset, sample: str, scale: int = 255) -> list[int]:
    """The grey level of each channel of a sample, each of which must be flat."""
    pixels = dataset.images.read(dataset.ids.tolist().index(sample)).pixels
    assert pixels.dtype == np.float32
    assert (pixels.max((1, 2)) == pixels.min((1, 2))).all()
    return np.rint(pixels[:, 0, 0] * scale).astype(int).tolist()


def write_tabbed(path: Path, table: Mapping[str, Sequence[Any]]) -> None:
    """Write columns as a tab-separated file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [table, *zip(*table.values(), strict=True)]
    path.write_text("".join("\t".join(map(str, row)) + "\n" for row in rows), encoding="utf-8")


def refused(name: str, folder: Path) -> str:
    """The one line that a folder is refused with, paths relative to it; an empty one is no folder of a set."""
    (folder / "README.txt").touch()
    with pytest.raises(UserError) as caught:
        open_public(name, folder=folder)
    message = str(caught.value)
    assert "\n" not in message
    return message.replace(f"{folder}/", "")


def without_column(path: Path, column: str) -> None:
    """Rename a column of a table's header."""
    header, rest = path.read_text(encoding="utf-8").split("\n", 1)
    assert column in header
    path.write_text(header.replace(column, "renamed", 1) + "\n" + rest, encoding="utf-8")
