"""Images of several sizes made one: padded, resized or cropped around their centre, and masks along with them."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from reprcheck.datasets.images.axes import times
from reprcheck.errors import UserError

Fit = Literal["none", "pad", "resize", "crop"]
FITS: tuple[Fit, ...] = ("none", "pad", "resize", "crop")


def fit_image(pixels: NDArray[np.float32], fit: Fit, size: tuple[int, int] | None, where: str) -> NDArray[np.float32]:
    """Return float32[C, H, W] fitted to ``size``.

    Parameters
    ----------
    pixels : float32[C, Y, X]
    fit : {"none", "pad", "resize", "crop"}
        "pad": centred with zeros around; a larger image is cut evenly. "resize": linear, anti-aliased. "crop": centred.
    size : (int, int) or None
        Height and width in pixels; None with "none".
    where : str

    Raises
    ------
    UserError
        For an image smaller than a crop.
    """
    if size is None or fit == "none" or pixels.shape[1:] == size:
        return pixels
    if fit == "resize":
        from skimage.transform import resize

        fitted: NDArray[np.float32] = resize(  # type: ignore[no-untyped-call]
            np.moveaxis(pixels, 0, -1), size, order=1, anti_aliasing=True
        )
        return np.ascontiguousarray(np.moveaxis(np.clip(fitted, 0, 1), -1, 0), dtype=np.float32)
    if fit == "crop" and (pixels.shape[1] < size[0] or pixels.shape[2] < size[1]):
        raise UserError(
            where, f"{times(pixels.shape[1:])} pixels, smaller than the crop of {times(size)}", 'use fit = "pad"'
        )
    return _centre(pixels, size)


def fit_mask(mask: NDArray[np.int32], fit: Fit, size: tuple[int, int] | None) -> NDArray[np.int32]:
    """Return int32[H, W]: a mask fitted as `fit_image` fits its image, "resize" by nearest neighbour."""
    if size is None or fit == "none" or mask.shape == size:
        return mask
    if fit == "resize":
        rows, columns = (
            ((np.arange(new) + 0.5) * old / new).astype(int) for old, new in zip(mask.shape, size, strict=True)
        )
        return mask[np.ix_(rows, columns)]
    return _centre(mask, size)


def _centre(array: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    """Return an array cut or padded with zeros around its centre, along the last two axes."""
    fitted = np.zeros((*array.shape[:-2], *size), dtype=array.dtype)
    source, target = [], []
    for old, new in zip(array.shape[-2:], size, strict=True):
        common = min(old, new)
        source.append(slice((old - common) // 2, (old - common) // 2 + common))
        target.append(slice((new - common) // 2, (new - common) // 2 + common))
    fitted[..., target[0], target[1]] = array[..., source[0], source[1]]
    return fitted
