"""A survey: what a dataset's images and table tell before any model is asked, and what could mislead one.

The table's confounds come with the tasks; here is what needs the images, or takes a test: near-duplicates on both sides
of a fold, a label that follows the plate, and images whose size alone gives the label away. The tests are cheap ones.
Whether batch or position predict a label by a task's own protocol is for the audit and the scorecard.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from reprcheck import protocols
from reprcheck.baselines.pixels import thumbnail
from reprcheck.confounds import duplicates
from reprcheck.confounds.nuisance import size_vectors
from reprcheck.datasets.assemble import Reordered
from reprcheck.datasets.files import FileImages
from reprcheck.datasets.limit import strata
from reprcheck.datasets.plate import place
from reprcheck.datasets.windows import Windowed
from reprcheck.digest import digest
from reprcheck.policy import Policy
from reprcheck.protocols.folds import judged
from reprcheck.session import aggregated
from reprcheck.stats.qualify import permuted
from reprcheck.types import Dataset, Image, ImageSource, Scores, Task

Progress = Callable[[int, str], AbstractContextManager[Callable[[int], None]]]

SIDE = 12
"""Height and width of the thumbnails by which near-duplicates are found: those of the `pixels` baseline."""
PIXELS_EACH = 128
"""About so many pixels of each channel of an image stand for it in the dataset's quantiles."""
QUANTILES = (0.0, 0.01, 0.5, 0.99, 1.0)


@dataclass
class Sights:
    """What is kept of each image that was looked at, by its number.

    Attributes
    ----------
    digests : dict of int to tuple of str
        Of each channel's pixels.
    thumbnails : dict of int to float32[C, 12, 12]
    values : dict of int to float32[C, n]
        Some of the pixels, and the lowest and highest.
    """

    digests: dict[int, tuple[str, ...]] = field(default_factory=dict)
    thumbnails: dict[int, NDArray[np.float32]] = field(default_factory=dict)
    values: dict[int, NDArray[np.float32]] = field(default_factory=dict)

    def look(self, number: int, image: Image) -> None:
        """Keep what is needed of an image."""
        flat = image.pixels.reshape(len(image.pixels), -1)
        some = flat[:, :: flat.shape[1] // PIXELS_EACH | 1]  # an odd step doesn't stay in one column
        self.digests[number] = tuple(digest(channel) for channel in image.pixels)
        self.thumbnails[number] = thumbnail(image.pixels, SIDE)
        self.values[number] = np.hstack([some, flat.min(1, keepdims=True), flat.max(1, keepdims=True)])

    def renumbered(self, old: Mapping[int, int]) -> Sights:
        """Return what was kept of some images under new numbers, each given its old one."""
        return Sights(
            {new: self.digests[number] for new, number in old.items()},
            {new: self.thumbnails[number] for new, number in old.items()},
            {new: self.values[number] for new, number in old.items()},
        )


@dataclass(frozen=True)
class Survey:
    """What was seen of a dataset.

    Attributes
    ----------
    dataset : Dataset
    sizes : int64[N, 2] or None
        Stored height and width of each sample, before it is fitted; None where images have one size by construction.
    quantiles : float64[C, 5]
        Lowest value, 1 %, median, 99 % and highest of each channel, over the samples of any task; in [0, 1].
    notes : mapping of str to tuple of str
        Of each task: what was left out, and every confound found.
    """

    dataset: Dataset
    sizes: NDArray[np.int64] | None
    quantiles: NDArray[np.float64]
    notes: Mapping[str, tuple[str, ...]]


def survey(
    dataset: Dataset, progress: Progress, seen: Sights | None = None, hints: Mapping[str, tuple[str, ...]] | None = None
) -> Survey:
    """Survey a dataset.

    Parameters
    ----------
    dataset : Dataset
    progress : callable
        Such as `reprcheck.progress.bar`.
    seen : Sights, optional
        Of images that were looked at already, by row of the table; without it they are decoded.
    hints : mapping, optional
        Sentences for each task that the table alone tells (see `reprcheck.datasets.hints`).

    Returns
    -------
    Survey
    """
    used = np.unique(np.concatenate([task.rows for task in dataset.tasks.values()]))
    if seen is None or isinstance(_source(dataset), Windowed):  # what was looked at were fields
        sights = Sights()
        with progress(len(used), "decoding") as advance:
            for row in used.tolist():
                sights.look(row, dataset.images.read(row))
                advance(1)
    else:
        sights = seen.renumbered(dict(zip(used.tolist(), dataset.table_row[used].tolist(), strict=True)))
    sizes = stored_sizes(dataset, used)
    values = np.hstack([sights.values[row] for row in used.tolist()])
    return Survey(
        dataset,
        sizes,
        np.quantile(values.astype(np.float64), QUANTILES, axis=1).T,
        {
            name: (*task.notes, *(hints or {}).get(name, ()), *_notes(task, dataset.ids, sights, sizes))
            for name, task in dataset.tasks.items()
        },
    )


def label_groups(task: Task) -> tuple[list[str], NDArray[np.int64]]:
    """Return names and codes: of classes, or of quantile bins of a regression's label."""
    if task.classes:
        return list(task.classes), task.y
    _, codes = np.unique(strata(task.y), return_inverse=True)
    bins = [task.y[codes == code] for code in range(codes.max() + 1)]
    return [f"{b.min():.3g} to {b.max():.3g}" if np.ptp(b) else f"{b.min():.3g}" for b in bins], codes


def stored_sizes(dataset: Dataset, rows: NDArray[np.int64]) -> NDArray[np.int64] | None:
    """Return int64[N, 2], the stored height and width of some samples (else 0), where images are whole files."""
    images, source = dataset.images, _source(dataset)
    if not (isinstance(images, Reordered) and isinstance(source, FileImages)):
        return None
    sizes = np.zeros((len(dataset.ids), 2), np.int64)
    known: dict[tuple[Path, ...], tuple[int, int]] = {}  # frames of one stack are of one size
    for row in rows.tolist():
        number = int(images.order[row])
        files = source.entries[number].files
        if files not in known:
            known[files] = source.extent(number)
        sizes[row] = known[files]
    return sizes


def _source(dataset: Dataset) -> ImageSource:
    return dataset.images.images if isinstance(dataset.images, Reordered) else dataset.images


def _notes(task: Task, ids: NDArray[np.str_], sights: Sights, sizes: NDArray[np.int64] | None) -> list[str]:
    policy = Policy()
    found = [note for protocol in task.protocols for note in protocols.notes(protocol, aggregated(task))]
    found += [_few(task, policy), *_along_the_plate(task, policy)]
    if sizes is not None:
        found.append(size_gives_away(task, sizes[task.rows], policy.alpha))
    return [*(sentence for sentence in found if sentence), *_duplicates(task, ids, sights)]


def _few(task: Task, policy: Policy) -> str:
    """Return a sentence where there are too few units for a verdict, or too few batches to reach beyond them."""
    units, batches = (len(np.unique(names[judged(task)])) for names in (task.units, task.batches))
    if units < policy.min_units:
        return f"Underpowered: {units} units, and a verdict needs at least {policy.min_units}."
    if 1 < batches < policy.min_units:
        least = f"at least {policy.min_units} are needed"
        return f"Verdicts will cover these {batches} batches, not new ones: for that, {least}."
    return ""


def size_gives_away(task: Task, sizes: NDArray[np.int64], alpha: float) -> str:
    """Return a sentence where the stored size of images alone predicts the label; "" where it doesn't.

    Parameters
    ----------
    task : Task
    sizes : int64[n, 2]
        Height and width of each sample of the task, as stored.
    alpha : float
        Above this p of "labels permuted against the predictions do as well", there is nothing to say.

    Notes
    -----
    Out-of-fold, with the task's own folds: a vote of the nearest sizes (``knn/1``), or for a regression ``ridge/1``.
    """
    vectors = size_vectors(sizes)
    if not (vectors != vectors[:1]).any():
        return ""
    protocol = "knn/1" if task.kind == "classify" else "ridge/1"
    scores = protocols.score(protocol, [vectors], task)
    p = permuted(replace(task, batches=np.full(len(task.y), "all")), [scores], alpha)["p"]
    if p > alpha:
        return ""
    guess = protocols.chance(protocol, task)
    return (
        f"Confound: image size alone predicts the label: {scores.values.mean():.2f} by {protocol}, "
        f"{guess:.2f} by chance (p = {p:.3f})."
    )


def _along_the_plate(task: Task, policy: Policy) -> list[str]:
    """Return a sentence for rows and for columns along which a regression's label, controls aside, rises or falls."""
    if task.kind != "regress" or task.positions is None:
        return []
    kept = np.ones(len(task.y), bool) if task.control is None else ~task.control
    part = replace(task, y=task.y[kept], units=task.units[kept], batches=task.batches[kept])
    places = [place(str(name)) for name in task.positions[kept]]
    found = []
    for axis in ("row", "column"):
        numbers = [getattr(at, axis) for at in places]
        if None in numbers or min(len(set(numbers)), len(np.unique(part.y))) < 2:
            continue
        along = np.array(numbers, np.float64)
        related = float(spearmanr(along, part.y).statistic)
        p = permuted(part, [Scores(part.units, along, predictions=s * along) for s in (1, -1)], policy.alpha)["p"]
        if p <= policy.alpha:
            aside = "" if task.control is None else ", controls aside"
            found.append(
                f"Confound: the label {'rises' if related > 0 else 'falls'} along the plate's {axis}s{aside}: rank "
                f"correlation {related:.2f} (p = {p:.3f})."
            )
    return found


def _duplicates(task: Task, ids: NDArray[np.str_], sights: Sights) -> tuple[str, ...]:
    rows, channels = task.rows.tolist(), list(task.channels)
    side, across = protocols.sides(task.protocols[0], task)
    return duplicates(
        [digest([sights.digests[row][c] for c in channels]) for row in rows],
        np.stack([sights.thumbnails[row][channels].ravel() for row in rows]),
        side,
        labels=task.y,
        names=ids[task.rows].tolist(),
        channels=len(channels),
        across=across,
    ).notes
