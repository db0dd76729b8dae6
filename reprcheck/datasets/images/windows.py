"""Images cut out of fields, as an `ImageSource`: the part that tiles and crops share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reprcheck.code import code_digest
from reprcheck.datasets.images import values
from reprcheck.datasets.images.files import FileImages
from reprcheck.datasets.images.fit import Fit, fit_image, fit_mask
from reprcheck.datasets.images.recent import RecentCache
from reprcheck.digest import digest
from reprcheck.types import Image

FIELD_BYTES = 128 * 2**20
"""Bytes of decoded fields to hold, at most."""


@dataclass(frozen=True)
class WindowImages:
    """An `ImageSource` of windows of fields.

    Attributes
    ----------
    fields : FileImages
    windows : int64[n, 5]
        Field, top, left, height and width of each; pixels beyond the field's border are zero.
    fit, size
        How windows are brought to one size; see `fit.fit_image`.
    """

    fields: FileImages
    windows: NDArray[np.int64]
    fit: Fit = "none"
    size: tuple[int, int] | None = None
    _recent: RecentCache[Image] = field(
        default_factory=lambda: RecentCache(FIELD_BYTES, _count_bytes), repr=False, compare=False
    )

    def content(self, index: int) -> str:
        """Return the digest of the field's content and the window's place in it."""
        number, *place = self.windows[index].tolist()
        return digest(
            "window",
            code_digest(__name__),
            self.fields.content(number, _clip_window(*place)),
            place,
            self.fit,
            self.size,
        )

    def extent(self, index: int) -> tuple[int, int]:
        """Return a window's height and width in pixels."""
        height, width = self.windows[index, 3:].tolist()
        return height, width

    def read(self, index: int) -> Image:
        """Decode the field, unless it was read last or can be read in part, and cut the window out."""
        number, *place = self.windows[index].tolist()
        if self.fields.reads_windows(number):
            cut = self.fields.read(number, _clip_window(*place))
        else:
            if (whole := self._recent.get(number)) is None:
                whole = self._recent.put(number, self.fields.read(number))
            rows, columns = _clip_window(*place)
            cut = _with_labels(whole, lambda plane: plane[rows, columns], whole.pixels[:, rows, columns])
            cut = replace(cut, values=values.cut(values.facts_of(whole), cut.pixels))
        pixels = fit_image(_pad(cut.pixels, *place), self.fit, self.size, self.fields.entries[number].row)
        return _with_labels(cut, lambda plane: fit_mask(_pad(plane, *place), self.fit, self.size), pixels)


def _with_labels(
    image: Image, change: Callable[[NDArray[np.int32]], NDArray[np.int32]], pixels: NDArray[np.float32]
) -> Image:
    """Return a copy of an image with these pixels, and with ``change`` applied to its mask and types."""
    mask, types = (None if plane is None else change(plane) for plane in (image.mask, image.types))
    return replace(image, pixels=pixels, mask=mask, types=types)


def _count_bytes(image: Image) -> int:
    return sum(plane.nbytes for plane in (image.pixels, image.mask, image.types) if plane is not None)


def _clip_window(top: int, left: int, height: int, width: int) -> tuple[slice, slice]:
    """Return a window's rows and columns without those before the first."""
    return slice(max(top, 0), max(top + height, 0)), slice(max(left, 0), max(left + width, 0))


def _pad(part: NDArray[Any], top: int, left: int, height: int, width: int) -> NDArray[Any]:
    """Return a copy of the part of a window that lies in its field, zeros around it."""
    y, x = max(-top, 0), max(-left, 0)
    whole = np.zeros((*part.shape[:-2], height, width), part.dtype)
    whole[..., y : y + part.shape[-2], x : x + part.shape[-1]] = part
    return whole
