"""A contact sheet: a few images of each label of each task on one picture, to be looked at before anything is computed.

One hue for each channel, stretched to the values of the images shown; red, green and blue stay as they are. What the
sheet shows is what encoders are shown: images as fitted, in the task's channels.
"""

from __future__ import annotations

import colorsys
import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from reprcheck.reporters.wording import one_line
from reprcheck.runs.survey import label_groups
from reprcheck.types import Dataset, Image, Task

EACH = 8
"""Images shown of each label."""
LABELS = 12
"""Labels shown of each task."""
STRETCH = (1.0, 99.7)
"""Percentiles of a channel's values that become black and full colour."""

_CELL, _GAP, _MARGIN, _LABEL, _LINE = 112, 6, 16, 176, 18
_INK, _FAINT, _PAPER = (235, 235, 235), (150, 150, 150), (24, 24, 24)
_FEW: dict[int, tuple[float, ...]] = {2: (0.36, 0.83), 3: (0.58, 0.36, 0.95), 4: (0.6, 0.36, 0.14, 0.88)}
"""Hues that stay apart where they overlap: of two channels green and magenta, and so on."""


def contact_sheet(dataset: Dataset) -> bytes:
    """Return a PNG with a row of images for each label of each task.

    Parameters
    ----------
    dataset : Dataset
        Images shown are spread over a label's samples, in order of id. A regression's label is cut at its quantiles.
    """
    sections = []
    for task in dataset.tasks.values():
        names, codes = label_groups(task)
        sample_rows = [task.rows[codes == code][_spread(int((codes == code).sum()))] for code in range(len(names))][
            :LABELS
        ]
        images = [[dataset.images.read(int(row)) for row in rows] for rows in sample_rows]
        sections.append(_section(dataset, task, names, images))
    width = max(section.width for section in sections)
    sheet = Pillow.new("RGB", (width, sum(section.height for section in sections)), _PAPER)
    top = 0
    for section in sections:
        sheet.paste(section, (0, top))
        top += section.height
    file = io.BytesIO()
    sheet.save(file, "PNG")
    return file.getvalue()


def _spread(n: int) -> NDArray[np.int64]:
    """Return up to `EACH` of n positions, evenly spread."""
    return np.unique(np.linspace(0, n - 1, min(EACH, n)).round().astype(np.int64))


def _section(dataset: Dataset, task: Task, names: Sequence[str], rows: Sequence[Sequence[Image]]) -> Pillow.Image:
    """Return a task's part of the sheet: its name, its channels in their colours, and a row for each label."""
    channels = [dataset.channels[c] for c in task.channels]
    stacks = [[image.pixels[list(task.channels)] for image in row] for row in rows]
    natural = channels == ["R", "G", "B"]
    hues = [colours(len(dataset.channels))[c] for c in task.channels]
    low, high = _stretch([pixels for row in stacks for pixels in row])
    head = _MARGIN + 2 * _LINE
    width = 2 * _MARGIN + _LABEL + EACH * (_CELL + _GAP)
    section = Pillow.new("RGB", (width, head + len(rows) * (_CELL + _GAP) + _MARGIN), _PAPER)
    draw = ImageDraw.Draw(section)
    draw.text((_MARGIN, _MARGIN), _cut(f"{dataset.name}:{task.name}", width, 16), _INK, _font(16))
    if not natural:
        _name_channels(draw, channels, hues, width)
    for r, (name, stack) in enumerate(zip(names, stacks, strict=False)):
        top = head + r * (_CELL + _GAP)
        draw.text((_MARGIN, top + _CELL // 2 - 8), _cut(name, _LABEL - _GAP, 13), _INK, _font(13))
        for i, pixels in enumerate(stack):
            rgb = np.moveaxis(pixels, 0, -1) if natural else composite(pixels, hues, low, high)
            picture = _fit(rgb)
            left = _MARGIN + _LABEL + i * (_CELL + _GAP)
            section.paste(picture, (left + (_CELL - picture.width) // 2, top + (_CELL - picture.height) // 2))
    if len(names) > len(rows):
        more = f"and {len(names) - len(rows)} more labels"
        draw.text((_MARGIN, section.height - _MARGIN - 4), more, _FAINT, _font(11))
    return section


def composite(
    pixels: NDArray[np.float32],
    hues: Sequence[tuple[float, float, float]],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return float64[H, W, 3]: each channel in its colour, light upon light, so that none hides another.

    Parameters
    ----------
    pixels : float32[C, H, W]
    hues : C colours
        Red, green and blue in [0, 1].
    low, high : float64[C]
        Values that become black and full colour.
    """
    dark = np.ones((*pixels.shape[1:], 3))
    for channel, hue, bottom, top in zip(pixels, hues, low, high, strict=True):
        light = np.clip((channel - bottom) / (top - bottom), 0, 1)
        dark *= 1 - light[..., None] * np.array(hue)
    return 1 - dark


def colours(n: int) -> list[tuple[float, float, float]]:
    """Return n colours, far apart in hue; white for one."""
    if n == 1:
        return [(1.0, 1.0, 1.0)]
    hues = _FEW.get(n) or tuple(i / n for i in range(n))
    return [colorsys.hsv_to_rgb(hue, 0.85, 1.0) for hue in hues]


def _stretch(stacks: Sequence[NDArray[np.float32]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    values = np.hstack([pixels.reshape(len(pixels), -1)[:, ::7] for pixels in stacks]).astype(np.float64)
    low, high = np.percentile(values, STRETCH, axis=1)
    high = np.where(high > low, high, values.max(axis=1))  # a sparse channel
    return low, np.where(high > low, high, low + 1)


def _fit(rgb: NDArray[np.floating]) -> Pillow.Image:
    """Return a picture that fills a cell: small images by whole pixels, so that what is shown is what is there."""
    picture = Pillow.fromarray((np.clip(rgb, 0, 1) * 255).round().astype(np.uint8))
    scale = _CELL / max(picture.size)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return picture.resize(size, Pillow.Resampling.NEAREST if scale > 1 else Pillow.Resampling.LANCZOS)


def _name_channels(
    draw: ImageDraw.ImageDraw, channels: Sequence[str], hues: Sequence[tuple[float, float, float]], width: int
) -> None:
    left = float(_MARGIN)
    for name, hue in zip(channels, hues, strict=True):
        text, font = one_line(name), _font(11)
        length = draw.textlength(text, font)
        if left + length > width - _MARGIN:
            draw.text((left, _MARGIN + _LINE + 2), "…", _FAINT, font)
            return
        draw.text((left, _MARGIN + _LINE + 2), text, tuple(round(255 * part) for part in hue), font)
        left += length + 10


def _cut(text: str, room: int, size: int) -> str:
    """Return text on one line, cut where it would be longer than ``room`` pixels."""
    text, font = one_line(text), _font(size)
    while text and font.getlength(text) > room:
        text = text[:-2] + "…"
    return text


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
