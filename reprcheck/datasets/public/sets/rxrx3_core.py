"""RxRx3-core: one site of each of 222,601 wells, its six channels as JPEG 2000 within Parquet shards.

A row of a shard is one channel of one well. The shards' keys give the position of each channel, so reading a well needs
only the other wells of its row group. The embeddings published beside the images aren't read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reprcheck.code import code_digest
from reprcheck.datasets.card.card import Card
from reprcheck.datasets.images import decode
from reprcheck.datasets.images.files import Recipe
from reprcheck.datasets.images.recent import RecentCache
from reprcheck.datasets.public import checks as layout
from reprcheck.digest import digest
from reprcheck.errors import UserError
from reprcheck.file_memory import remembered_digest
from reprcheck.types import Image

HELD = 256 * 2**20
"""Bytes of row groups held at most."""
_SHARD = re.compile(r"train-\d{5}-of-(\d{5})\.parquet")
_COLUMNS = ("well_id", "experiment_name", "plate", "address", "gene", "treatment", "perturbation_type")


def table(root: Path) -> pd.DataFrame:
    """Return `metadata_rxrx3_core.csv` with the key of each well's images.

    Parameters
    ----------
    root : Path
        Holds the table and ``data/train-00000-of-00035.parquet`` to the last.

    Returns
    -------
    pandas.DataFrame
        ``knockout`` is the gene of a CRISPR well; blank for controls, and for genes that one guide alone knocks out.

    Raises
    ------
    UserError
        For a table or column that isn't there.
    """
    wells = layout.text_table(root / "metadata_rxrx3_core.csv", *_COLUMNS)
    knocked = (wells["perturbation_type"] == "CRISPR") & (wells["gene"] != "EMPTY_control")
    return wells.assign(
        key=wells["experiment_name"] + "/Plate" + wells["plate"] + "/" + wells["address"] + "_s1",
        knockout=layout.in_two(wells["gene"].where(knocked, ""), wells["treatment"]),
    )


def images(root: Path, table: pd.DataFrame, card: Card) -> ShardImages:
    """Return the wells' images, in order of the table.

    Raises
    ------
    UserError
        For a shard that isn't there, or a well without one of its channels.
    """
    folder = layout.need(root / "data")
    shards = _find_shards(folder)
    keys = [_read_keys(shard) for shard in shards]
    index = pd.Index(np.concatenate(keys))
    if not index.is_unique:
        raise layout.not_as_published(folder, f"two images {index[index.duplicated()][0]!r}")
    image_keys = [f"{key}_{channel}" for key in table["key"] for channel in range(1, len(card.channels) + 1)]
    rows = index.get_indexer(image_keys).astype(np.int64)
    if len(missing := np.flatnonzero(rows < 0)):
        raise layout.not_as_published(folder, f"no image {image_keys[missing[0]]!r}")
    starts = np.cumsum([0, *map(len, keys)])[:-1]
    return ShardImages(tuple(shards), starts, rows.reshape(-1, len(card.channels)), Recipe.of(card))


def _weight(blobs: list[bytes]) -> int:
    return sum(map(len, blobs))


@dataclass(frozen=True, eq=False)
class ShardImages:
    """An `ImageSource` over Parquet shards; picklable, safe between threads.

    Attributes
    ----------
    shards : tuple of Path
    starts : int64[n_shards]
        The first row of each, counted over all of them.
    rows : int64[n, C]
        The row, counted so, of each sample's channels.
    recipe : Recipe
    """

    shards: tuple[Path, ...]
    starts: NDArray[np.int64]
    rows: NDArray[np.int64]
    recipe: Recipe
    _held: RecentCache[list[bytes]] = field(default_factory=lambda: RecentCache(HELD, _weight), repr=False)
    _digests: dict[Path, str] = field(default_factory=dict, repr=False)

    def content(self, index: int) -> str:
        """Return the digest of a sample's shards, its rows in them, and the code that decodes; no decoding."""
        places = [(self._digest(shard), row) for shard, row in map(self._place, self.rows[index])]
        return digest("rxrx3-core", code_digest(__name__), places, self.recipe.value_range, self.recipe.clip)

    def read(self, index: int) -> Image:
        """Decode a sample; raises UserError for an image that can't be decoded, or channels of several sizes."""
        import imagecodecs

        planes: list[NDArray[Any]] = []
        for shard, row in map(self._place, self.rows[index]):
            where = f"{shard} row {row + 1}"
            try:
                planes.append(imagecodecs.jpeg2k_decode(self._blob(shard, row)))
            except Exception as error:  # each library has kinds of its own
                raise UserError(where, f"can't be decoded ({error})", "fetch the shard again") from None
            if planes[-1].ndim != 2 or planes[-1].shape != planes[0].shape:
                raise UserError(where, "not one plane of the size of the well's others", "fetch the shard again")
        return Image(decode.scale(np.stack(planes), self.recipe.value_range, where, self.recipe.clip))

    def _place(self, row: np.int64) -> tuple[Path, int]:
        """Return the shard of a row, and where it is in it."""
        shard = int(np.searchsorted(self.starts, row, side="right")) - 1
        return self.shards[shard], int(row - self.starts[shard])

    def _digest(self, shard: Path) -> str:
        if shard not in self._digests:
            self._digests[shard] = remembered_digest(shard)
        return self._digests[shard]

    def _blob(self, path: Path, row: int) -> bytes:
        """Return an image as stored, its row group held for the images beside it."""
        from pyarrow.parquet import ParquetFile

        with ParquetFile(path) as shard:
            sizes: list[int] = [
                shard.metadata.row_group(group).num_rows for group in range(shard.metadata.num_row_groups)
            ]
            ends = np.cumsum(sizes)
            group = int(np.searchsorted(ends, row, side="right"))
            if (blobs := self._held.get((path, group))) is None:
                cells = shard.read_row_group(group, columns=["jp2"]).column("jp2").to_pylist()
                blobs = self._held.put((path, group), [_bytes(cell) for cell in cells])
        return blobs[row - int(ends[group]) + sizes[group]]


def _bytes(cell: Any) -> bytes:
    """Return what a cell holds: the bytes, or the record of bytes and path that an image column stores."""
    stored: bytes = cell["bytes"] if isinstance(cell, dict) else cell
    return stored


def _find_shards(folder: Path) -> list[Path]:
    shards = sorted(path for path in folder.iterdir() if _SHARD.fullmatch(path.name))
    if not shards:
        raise layout.not_as_published(folder, "no shard such as train-00000-of-00035.parquet")
    total = int(shards[0].stem[-5:])
    if len(shards) != total:
        raise UserError(str(folder), f"{len(shards)} of {total} shards", "fetch the others too")
    return shards


def _read_keys(shard: Path) -> NDArray[Any]:
    import pyarrow.parquet as pq

    try:
        return np.asarray(pq.read_table(shard, columns=["__key__"]).column("__key__").to_pylist(), dtype=object)
    except Exception as error:  # pyarrow raises many kinds
        raise UserError(str(shard), f"not a shard of images ({error})", "fetch the shard again") from None
