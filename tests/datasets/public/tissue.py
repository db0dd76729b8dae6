"""What the layout tests of the tissue sets share: a tile in plain colours, and the sentence of a refusal."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from reprcheck.datasets.public import open_public
from reprcheck.errors import UserError

RGB = (200, 100, 50)


def write_colour(path: Path, size: tuple[int, int], rgb: tuple[int, int, int] = RGB) -> None:
    """Write an RGB image of one colour, (height, width), as TIFF or PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.full((*size, 3), rgb, np.uint8)
    if path.suffix == ".tif":
        tifffile.imwrite(path, pixels, photometric="rgb")
    else:
        Image.fromarray(pixels).save(path)


def refused(name: str, folder: Path) -> str:
    """Return the one line in which a set's layout is refused, the folder's path taken out."""
    with pytest.raises(UserError) as caught:
        open_public(name, folder=folder)
    message = str(caught.value)
    assert "\n" not in message
    return message.replace(f"{folder}/", "").replace(str(folder), "FOLDER")
