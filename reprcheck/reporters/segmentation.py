"""A measured segmentation in a terminal, and as JSON: overall, by batch, and the images to look at first."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from reprcheck.reporters import wording
from reprcheck.reporters.console import lines
from reprcheck.reporters.wording import one_line

if TYPE_CHECKING:
    from reprcheck.runs.segmentation import Segmentation, SegmentationQuality, SegmentedImage

SCHEMA = 1
"""Version of the JSON's format."""
NAMED = 5
"""Worst and slowest images that are named."""


@dataclass(frozen=True)
class SegmentationReport:
    """A measured segmentation, ready to be printed; rich can print it as it is.

    Attributes
    ----------
    measured : Segmentation
    """

    measured: Segmentation

    def lines(self, width: int = 80, color: bool = True) -> list[str]:
        """Return the report's lines, none wider than ``width``; without colour where NO_COLOR is set."""
        return lines(self, width, color)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the heading, the table by batch, and the images to look at."""
        measured = self.measured
        count = wording.counted(len(measured.images), "image")
        summary = f"{count} segmented as if without a mask, from: {one_line(measured.channel)}"
        yield Text.assemble((one_line(measured.dataset), "bold"), f"  {summary}", overflow="fold")
        if measured.without_mask:
            yield Text(f"{wording.counted(measured.without_mask, 'image')} without a mask left out", style="yellow")
        yield Text()
        yield _table(measured)
        if poor := worst(measured.images):
            yield Text()
            yield _list_images("worst", poor)
        yield Text()
        yield _list_images("slowest", slowest(measured.images))
        yield Text(
            "\nF1: an object found is right where its intersection with one of the mask exceeds half of their union. "
            "Off by: objects too many or too few, and as a share of those in the mask. F1, off by and ms are means "
            "over images.",
            style="dim",
        )


def worst(images: Iterable[SegmentedImage]) -> list[SegmentedImage]:
    """Return the images with the lowest F1, the lowest first; what is perfect isn't among them."""
    return sorted((image for image in images if image.agreement.f1 < 1), key=lambda image: image.agreement.f1)[:NAMED]


def slowest(images: Iterable[SegmentedImage]) -> list[SegmentedImage]:
    """Return the images whose segmentation took longest, the longest first."""
    return sorted(images, key=lambda image: -image.seconds)[:NAMED]


def to_json(measured: Segmentation) -> str:
    """Return a measured segmentation as JSON."""
    document = {
        "schema": SCHEMA,
        "dataset": measured.dataset,
        "channel": measured.channel,
        "without_mask": measured.without_mask,
        "quality": asdict(measured.quality),
        "batches": {name: asdict(quality) for name, quality in measured.batches.items()},
        "images": [
            {"sample": image.sample, "batch": image.batch}
            | asdict(image.agreement)
            | {"f1": image.agreement.f1, "seconds": round(image.seconds, 6)}
            for image in measured.images
        ],
    }
    return json.dumps(document, indent=2, allow_nan=False)


def _table(measured: Segmentation) -> Table:
    table = _columns("batch", "images", "objects", "found", "F1", "off by", "share", "ms")
    table.add_row("all", *_row(measured.quality), style="bold")
    if len(measured.batches) > 1:
        for name, quality in measured.batches.items():
            table.add_row(Text(one_line(name)), *_row(quality))
    return table


def _row(quality: SegmentationQuality) -> tuple[str, ...]:
    share = wording.ABSENT if quality.relative_error is None else f"{quality.relative_error:.0%}"
    counts = (str(quality.images), str(quality.true), str(quality.found))
    return (*counts, wording.score(quality.f1), f"{quality.count_error:.1f}", share, f"{quality.seconds * 1000:.0f}")


def _list_images(title: str, images: Iterable[SegmentedImage]) -> Table:
    table = _columns(title, "objects", "found", "F1", "ms")
    for image in images:
        counts = (str(image.agreement.true), str(image.agreement.found))
        numbers = (wording.score(image.agreement.f1), f"{image.seconds * 1000:.0f}")
        table.add_row(Text(one_line(image.sample)), *counts, *numbers)
    return table


def _columns(first: str, *numbers: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    table.add_column(first, overflow="fold")
    for name in numbers:
        table.add_column(name, justify="right", no_wrap=True)
    return table
