"""How good the segmentation behind the `Structure` baseline is on a dataset that has masks.

Where a dataset has none, that baseline is as strong as its segmentation. Masks tell how strong: every image is
segmented as if it had none, and the objects found are compared with those of its mask.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reprcheck.baselines.segmentation import nuclear_channel, segment
from reprcheck.embed.engine import Progress
from reprcheck.errors import UserError
from reprcheck.progress import bar
from reprcheck.runs.agreement import Agreement, measure_agreement
from reprcheck.types import Dataset


@dataclass(frozen=True)
class SegmentedImage:
    """One image, segmented.

    Attributes
    ----------
    sample, batch : str
    agreement : Agreement
        Of the objects found with those of the mask.
    seconds : float
        That the segmentation took.
    """

    sample: str
    batch: str
    agreement: Agreement
    seconds: float


@dataclass(frozen=True)
class SegmentationQuality:
    """What segmented images come to; every image counts the same, however many objects it has.

    Attributes
    ----------
    images, true, found : int
        Images, objects in their masks, objects found.
    f1 : float
        Mean over images.
    count_error : float
        Mean over images of the objects too many or too few.
    relative_error : float or None
        The same as a share of an image's objects, over images that have any; None where none has.
    seconds : float
        Mean over images.
    """

    images: int
    true: int
    found: int
    f1: float
    count_error: float
    relative_error: float | None
    seconds: float

    @classmethod
    def of(cls, images: Sequence[SegmentedImage]) -> SegmentationQuality:
        """Return the quality of at least one segmented image."""
        agreements = [image.agreement for image in images]
        relative = [error for a in agreements if (error := a.relative_error) is not None]
        return cls(
            images=len(images),
            true=sum(a.true for a in agreements),
            found=sum(a.found for a in agreements),
            f1=float(np.mean([a.f1 for a in agreements])),
            count_error=float(np.mean([a.count_error for a in agreements])),
            relative_error=float(np.mean(relative)) if relative else None,
            seconds=float(np.mean([image.seconds for image in images])),
        )


@dataclass(frozen=True)
class Segmentation:
    """The images of a dataset that have a mask, segmented.

    Attributes
    ----------
    dataset : str
    channel : str
        What shows the objects: a channel's name, ``"hematoxylin"``, or ``"mean of all channels"``.
    images : tuple of SegmentedImage
        In order of sample id; at least one.
    without_mask : int
        Images left out.
    """

    dataset: str
    channel: str
    images: tuple[SegmentedImage, ...]
    without_mask: int = 0

    @property
    def quality(self) -> SegmentationQuality:
        """The quality over all images."""
        return SegmentationQuality.of(self.images)

    @property
    def batches(self) -> dict[str, SegmentationQuality]:
        """The quality over each batch's images, in order of the batches' names."""
        names = sorted({image.batch for image in self.images})
        return {name: SegmentationQuality.of([one for one in self.images if one.batch == name]) for name in names}


def assess_segmentation(dataset: Dataset, progress: Progress = bar) -> Segmentation:
    """Segment every image of a dataset's tasks that has a mask, from all of the dataset's channels.

    Parameters
    ----------
    dataset : Dataset
    progress : Progress
        Makes progress bars.

    Raises
    ------
    UserError
        Where no image has a mask, or one can't be decoded.

    Examples
    --------
    >>> assess_segmentation(dataset).quality.f1  # doctest: +SKIP
    0.87
    """
    batches = {int(r): str(b) for task in dataset.tasks.values() for r, b in zip(task.rows, task.batches, strict=True)}
    images = []
    with progress(len(batches), f"{dataset.name}: segmentation") as advance:
        for row in sorted(batches):
            image = dataset.images.read(row)
            if image.mask is not None:
                start = time.perf_counter()
                objects = segment(image.pixels, dataset.channels, dataset.kind)
                seconds = time.perf_counter() - start
                images.append(
                    SegmentedImage(str(dataset.ids[row]), batches[row], measure_agreement(objects, image.mask), seconds)
                )
            advance(1)
    if not images:
        remedy = 'name the column of label images on its card: [columns] mask = "COLUMN"'
        raise UserError(dataset.name, "no image has a mask to compare with", remedy)
    return Segmentation(dataset.name, _name_channel(dataset), tuple(images), len(batches) - len(images))


def _name_channel(dataset: Dataset) -> str:
    channel = nuclear_channel(dataset.channels, dataset.kind)
    if isinstance(channel, int):
        return dataset.channels[channel]
    return "mean of all channels" if channel == "mean" else channel
