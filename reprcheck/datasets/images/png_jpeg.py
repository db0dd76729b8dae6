"""Read PNG and JPEG by Pillow; PNG of 16 bits and several channels by imagecodecs, since Pillow drops half of the bits.

Images are as a viewer shows them: palettes as colours, upright as EXIF says, without an alpha channel that is opaque.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from reprcheck.datasets.images import interpretation
from reprcheck.datasets.images.axes import StoredArray
from reprcheck.datasets.images.bounds import refuse_huge
from reprcheck.errors import UserError

_PNG, _JPEG, _BMP = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"BM"
"""First bytes of their files."""
_ORIENTATION = 0x0112
_GREY, _COLOUR, _GREY_ALPHA, _COLOUR_ALPHA = 0, 2, 4, 6
"""Colour types of PNG."""


def read_png_jpeg(path: Path, channels: int | None, where: str) -> StoredArray:
    """Return the array of a PNG or a JPEG.

    Parameters
    ----------
    path : Path
    channels : int or None
        Channels expected; None for a label image, whose palette is left alone.
    where : str

    Raises
    ------
    UserError
        For transparency, inks, animations and labels in a JPEG.
    OSError, or whatever else Pillow raises
        For a file that is truncated or damaged.
    """
    with _open_picture(path, where) as image:
        image.load()
        png, bits, colour = _read_png_header(path)
        if channels is None and not png:
            raise interpretation.lossy_labels(where)
        if getattr(image, "n_frames", 1) > 1 and image.format == "PNG":
            raise UserError(where, f"an animation of {image.n_frames} pictures", "write each to a file of its own")
        if image.mode == "CMYK":
            remedy = "write it again as RGB, or as grey"
            raise UserError(where, "holds inks (CMYK), which every viewer shows in its own way", remedy)
        remarks: list[str] = []
        if image.mode in ("P", "PA"):
            array = _read_palette(image, channels, remarks, where)
        elif bits == 16 and colour in (_COLOUR, _GREY_ALPHA, _COLOUR_ALPHA):
            import imagecodecs

            array = np.asarray(imagecodecs.png_decode(path.read_bytes()))
        elif image.mode == "1":
            array = np.asarray(image).astype(bool)
        elif image.mode in ("I", "I;16B"):
            array = np.asarray(image).astype(np.uint16)  # a 16-bit PNG, widened or byte-swapped by Pillow
        else:
            array = np.asarray(image)
        step = 255 // (2**bits - 1) if colour == _GREY and bits in (2, 4) else 1  # to which Pillow has spread them
        if "transparency" in image.info and image.mode not in ("P", "PA"):
            _check_key(array, np.asarray(image.info["transparency"]) * step, where)
        if channels is None and step > 1:
            array = array // step
        orientation = _read_orientation(path, image)
        if orientation > 1:
            remarks.append(interpretation.oriented(orientation))
        return StoredArray(
            shape=array.shape,
            colour_last=array.ndim == 3,
            array=array,
            alpha="transparency" if image.mode in ("LA", "RGBA") else "",
            orientation=orientation,
            remarks=tuple(remarks),
        )


def png_jpeg_header(path: Path, where: str) -> StoredArray:
    """Return the height and width of a PNG or a JPEG, as a shape, and its orientation."""
    with _open_picture(path, where) as image:
        return StoredArray((image.height, image.width), False, orientation=_read_orientation(path, image))


def _explain_format(path: Path, where: str) -> Exception:
    """Return the error for a file that is neither PNG nor JPEG, from its header alone."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as other:
            remedy = "write it as what its name says"
            return UserError(where, f"named {path.suffix}, and holds {other.format}", remedy)
    except (UnidentifiedImageError, Image.DecompressionBombError):
        return ValueError("neither PNG nor JPEG")


@contextmanager
def _open_picture(path: Path, where: str) -> Iterator[Any]:
    """Open a picture in the format of its first bytes, since its name may be wrong, and in no other.

    Pillow would otherwise try formats for which it starts other programs, and warn of pictures that can be read.
    """
    from PIL.BmpImagePlugin import BmpImageFile
    from PIL.JpegImagePlugin import JpegImageFile
    from PIL.PngImagePlugin import PngImageFile

    with path.open("rb") as file:
        start = file.read(len(_PNG))
    openers = {_PNG: PngImageFile, _JPEG: JpegImageFile}
    if path.suffix.lower() == ".bmp":  # for one public set; in a dataset folder the name is refused before
        openers[_BMP] = BmpImageFile
    opener = next((opener for magic, opener in openers.items() if start.startswith(magic)), None)
    if opener is None:
        raise _explain_format(path, where)
    with opener(path) as image:
        bands = len(image.getbands())
        refuse_huge((image.height, image.width, *([bands] if bands > 1 else [])), where)
        yield image


def _read_palette(image: Any, channels: int | None, remarks: list[str], where: str) -> NDArray[Any]:
    """Return the colours or brightness that numbers of a palette stand for; for a label image, the numbers."""
    numbers = np.asarray(image)
    if channels is None:
        return numbers
    rgba = np.asarray(image.convert("RGBA"))
    interpretation.check_opaque(rgba[..., 3], None, where)
    if channels == 1:
        remarks.append(interpretation.BRIGHTNESS)
        palette = np.zeros((256, 3), np.uint8)
        palette[numbers] = rgba[..., :3]
        return interpretation.brightness(palette, where)(numbers)
    remarks.append(interpretation.COLOURED)
    return rgba[..., :3]


def _check_key(array: NDArray[Any], key: NDArray[Any], where: str) -> None:
    """Raise UserError where a pixel has the colour that stands for transparency."""
    same = array == key
    opaque = ~(same.all(axis=-1) if array.ndim == 3 else same)
    interpretation.check_opaque(opaque, None, where)


def _read_png_header(path: Path) -> tuple[bool, int, int]:
    """Return whether a file is a PNG, and its bits and colour type (8 and 0 where it isn't), from its IHDR chunk."""
    with path.open("rb") as file:
        start = file.read(26)
    png = len(start) == 26 and start[12:16] == b"IHDR"
    return (True, start[24], start[25]) if png else (False, 8, 0)


def _read_orientation(path: Path, image: Any) -> int:
    """Return a picture's orientation, 1 if its EXIF data have none."""
    from PIL import Image

    raw = _read_png_exif(path) if image.format == "PNG" else image.info.get("exif", b"")
    exif = Image.Exif()
    if raw:
        exif.load(raw)
    orientation = exif.get(_ORIENTATION, 1)
    return orientation if orientation in range(2, 9) else 1


def _read_png_exif(path: Path) -> bytes:
    """Return the EXIF data of a PNG, wherever its chunk lies, without decoding the picture."""
    with path.open("rb") as file:
        file.seek(8)
        for length, kind in iter(lambda: _read_chunk(file), (0, b"")):
            if kind == b"eXIf":
                return file.read(length)
            if kind == b"IEND":
                break
            file.seek(length + 4, 1)
    return b""


def _read_chunk(file: BinaryIO) -> tuple[int, bytes]:
    """Return the length and kind of the next chunk; 0 and nothing at the end of the file."""
    head = file.read(8)
    return (int.from_bytes(head[:4], "big"), head[4:]) if len(head) == 8 else (0, b"")
