"""Duplicate images on both sides of a fold: a probe is then tested on images that it was trained on.

Equal pixels are known by their digest. Near-duplicates (a copy saved again, the next slice or time point, a shifted
crop) are looked for among thumbnails, where ordinary images of one condition can be alike as well: cells alone in
their crops correlate by 0.99 and more. So a pair counts only where it is much nearer than chance would have it among
the images around it, by a test that learns from these images how fast neighbours follow upon each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reprcheck.confounds.design import SHOWN

CORRELATION = 0.9
"""Near-duplicates' thumbnails correlate by more than this, in the mean over channels."""
IN_CHANNEL = 0.8
"""And by this in each channel that carries content."""
FAINT = 0.02
"""A channel with less than this share of the contrast of the image's strongest carries no content."""
GAP = 0.5
"""Near-duplicates are nearer than this times the distance to the next image."""
EXPECTED = 0.05
"""Images with near-duplicates that chance may bring about, in expectation, per dataset."""
NEIGHBOURS = 50
"""Nearest images by which chance is judged; of these up to half may be near-duplicates."""
_NEAREST = 2e-3
"""Distances below this are float32's rounding: they count as this."""
_FLAT = 1e-6
"""Contrast, as a share of a thumbnail's length, that is float32's rounding."""
_BLOCK = 256

Group = NDArray[np.int64]
"""Positions of samples with the same pixels."""


@dataclass(frozen=True)
class Duplicates:
    """How many pairs of samples show the same image, or nearly so.

    Attributes
    ----------
    exact, near : int
        Pairs with the same pixels, and near-duplicates, of samples tested in different folds.
    conflicting : int
        Pairs with different labels, whichever their folds: with the same pixels, or near-duplicates of two classes.
    n_samples : int
        Samples with a duplicate of either kind in another fold.
    notes : tuple of str
        A sentence for each of the counts that isn't 0.
    """

    exact: int = 0
    near: int = 0
    conflicting: int = 0
    n_samples: int = 0
    notes: tuple[str, ...] = ()


def duplicates(
    ids: Sequence[str],
    vectors: NDArray[np.float32],
    test_fold: NDArray[Any],
    labels: NDArray[Any] | None = None,
    *,
    names: Sequence[str] | None = None,
    channels: int = 1,
    across: str = "on both sides of a fold",
    blank: NDArray[np.bool_] | None = None,
) -> Duplicates:
    """Count the duplicates that folds separate.

    Parameters
    ----------
    ids : sequence of str
        Digest of each sample's pixels, such as ``Block.ids``.
    vectors : float32[n, D]
        Thumbnails, channel by channel: the `Pixels` baseline before `components`.
    test_fold : int64[n] or str[n]
        The fold in which each sample is tested; it is trained on in all others. Or any names that keep samples apart.
    labels : int64[n], str[n] or float64[n], optional
        Classes, or values to regress: ``Task.y``. Of near-duplicates only classes can be at odds.
    names : sequence of str, optional
        Sample ids for the notes; without them samples are numbered from 0.
    channels : int
        Channels in a thumbnail. Each is judged by itself: a stain, a vignette or darkness that images share makes none
        alike.
    across : str
        Where two samples of different ``test_fold`` lie, for the notes.
    blank : bool[n], optional
        Samples of one value throughout, which say nothing and are nobody's copy.

    Returns
    -------
    Duplicates

    Notes
    -----
    With d_1 <= d_2 <= ... the distances of an image to its neighbours (of thumbnails whose channels are centred and of
    one length each), the j nearest are near-duplicates where they correlate by more than 0.9 in the mean of channels,
    d_j < d_(j+1) / 2, and the gap is beyond chance; those that correlate by less than 0.8 in a channel aren't. Channels
    with less than 2 % of the contrast of an image's strongest carry no content: in both images of a pair, or neither.
    Were the images around scattered as a Poisson process of dimension m, j log(d_(j+1) / d_j) would be exponential of
    rate m, and the sum of log(d_K / d_i) over i = j+1 .. K-1 a gamma variable of that rate: it is how Levina and Bickel
    (NIPS 2004) estimate m. The tail of their ratio is (1 + ratio)^-(K-1-j), whatever m. Times n images, and j (j+1)
    for the choice of j, it must stay below 0.05, seen from both images of a pair.

    Where cells are few pixels wide, thumbnails don't show that an image is another shifted by a pixel; and where each
    image has more than 25 near-duplicates, none are left to compare with: neither is found. A mirrored or rotated
    copy is another image.

    Examples
    --------
    >>> import numpy as np
    >>> images = np.random.default_rng(0).normal(size=(4, 9)).astype(np.float32)
    >>> folds = np.array([0, 0, 1, 1])
    >>> duplicates(["a", "b", "c", "a"], images[[0, 1, 2, 0]], folds, names=["k", "l", "m", "n"]).notes
    ('Confound: 1 pair of samples with the same pixels lies on both sides of a fold: k and n.',)
    """
    names = [f"sample {i}" for i in range(len(ids))] if names is None else names
    positions = np.arange(len(ids)) if blank is None else np.flatnonzero(~blank)
    groups = _groups(ids, positions)
    copies = [(group, group) for group in groups if len(group) > 1]
    first = np.array([group[0] for group in groups], np.int64)
    alike = [(groups[a], groups[b]) for a, b in near_pairs(vectors[first], channels)]
    exact, near = _Pairs(copies, _codes(test_fold)), _Pairs(alike, _codes(test_fold))
    odd = _Pairs([], _codes(test_fold))
    if labels is not None:
        odd = _Pairs(copies if labels.dtype.kind == "f" else copies + alike, _codes(labels))
    notes = (
        exact.sentence("Confound", "with the same pixels", "lie", across, names),
        near.sentence("Confound", "with nearly the same pixels", "lie", across, names),
        odd.sentence("Label noise", "with the same or nearly the same pixels", "differ", "in label", names),
    )
    return Duplicates(
        exact=exact.count,
        near=near.count,
        conflicting=odd.count,
        n_samples=len(exact.samples | near.samples),
        notes=tuple(note for note in notes if note),
    )


def near_pairs(vectors: NDArray[np.float32], channels: int = 1) -> NDArray[np.int64]:
    """Return pairs of near-duplicates, by the rule of `duplicates`.

    Parameters
    ----------
    vectors : float32[n, D]
        One thumbnail for each different image.
    channels : int

    Returns
    -------
    int64[p, 2]
        Positions, the smaller first; sorted. A thumbnail without contrast is in none.
    """
    x, position = _directions(vectors, channels)
    k = min(NEIGHBOURS, len(x) - 1)
    if k < 3:
        return np.zeros((0, 2), np.int64)
    flat, pairs = x.reshape(len(x), -1), set[tuple[int, int]]()
    for start in range(0, len(x), _BLOCK):
        pairs |= _nearest(flat, np.arange(start, min(start + _BLOCK, len(x))), k)
    mutual = sorted((a, b) for a, b in pairs if a < b and (b, a) in pairs and _alike(x[a], x[b]))
    return position[np.array(mutual, np.int64).reshape(-1, 2)]


def _directions(vectors: NDArray[np.float32], channels: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return thumbnails float32[m, C, d] of unit length, and the positions of those with any contrast.

    Each channel that carries content is centred and has one share of the length, the others are 0.
    """
    x = vectors.reshape(len(vectors), channels, vectors.shape[1] // channels)
    size = np.linalg.norm(x, axis=(1, 2))
    x = x - x.mean(axis=2, keepdims=True, dtype=np.float64).astype(np.float32)
    contrast = np.linalg.norm(x, axis=2)
    carries = (contrast > _FLAT * size[:, None]) & (contrast > FAINT * contrast.max(axis=1, keepdims=True))
    positions = np.flatnonzero(carries.any(axis=1))
    share = (
        np.where(carries, 1 / np.where(carries, contrast, 1), 0) / np.sqrt(np.maximum(carries.sum(axis=1), 1))[:, None]
    )
    return (x * share[:, :, None]).astype(np.float32)[positions], positions


def _alike(a: NDArray[np.float32], b: NDArray[np.float32]) -> bool:
    """Return whether two thumbnails, as `_directions` returns them, correlate in each channel that carries content."""
    first, second = np.linalg.norm(a, axis=1), np.linalg.norm(b, axis=1)
    return bool(((first > 0) == (second > 0)).all() and ((a * b).sum(axis=1) >= IN_CHANNEL * first * second).all())


def _nearest(x: NDArray[np.float32], block: NDArray[np.int64], k: int) -> set[tuple[int, int]]:
    """Return pairs of an image of the block and its near-duplicate; only images with a correlate are examined."""
    similarity = x[block] @ x.T
    similarity[np.arange(len(block)), block] = -2
    near = similarity.max(axis=1) > CORRELATION
    block, similarity = block[near], similarity[near]
    if not len(block):
        return set()
    nearest = np.argpartition(-similarity, k - 1, axis=1)[:, :k]
    similarity = np.take_along_axis(similarity, nearest, axis=1)
    order = np.argsort(-similarity, axis=1, kind="stable")
    nearest, similarity = np.take_along_axis(nearest, order, axis=1), np.take_along_axis(similarity, order, axis=1)
    distance = np.sqrt(np.maximum(2 - 2 * similarity.astype(np.float64), 0))
    count = near_duplicates(distance, len(x))
    return {(int(i), int(j)) for i, js, c in zip(block, nearest, count, strict=True) for j in js[:c]}


def near_duplicates(distance: NDArray[np.float64], n: int) -> NDArray[np.int64]:
    """Return how many of an image's nearest neighbours are near-duplicates.

    Parameters
    ----------
    distance : float64[b, K]
        Sorted distances of each of b images to its K nearest neighbours, as vectors of unit length.
    n : int
        Images in the dataset.

    Returns
    -------
    int64[b]
    """
    k = distance.shape[1]
    log = np.log(np.maximum(distance, _NEAREST))
    count = np.zeros(len(distance), np.int64)
    for j in range(1, k // 2 + 1):
        gap = log[:, j] - log[:, j - 1]
        spread = np.sum(log[:, -1:] - log[:, j:-1], axis=1)
        expected = n * j * (j + 1) * (1 + j * gap / np.maximum(spread, 1e-12)) ** -(k - 1 - j)
        alike = distance[:, j - 1] ** 2 < 2 * (1 - CORRELATION)
        count[alike & (gap > -np.log(GAP)) & (expected < EXPECTED)] = j
    return count


@dataclass(frozen=True)
class _Pairs:
    """Pairs of samples, one from each of two groups (or two from one), that differ in their code: of fold or label."""

    groups: Sequence[tuple[Group, Group]]
    codes: NDArray[np.int64]

    def __iter__(self) -> Iterator[tuple[int, int]]:
        for a, b in self.groups:
            for i in a:
                yield from ((int(i), int(j)) for j in b[self.codes[b] != self.codes[i]] if a is not b or i < j)

    @cached_property
    def count(self) -> int:
        """How many there are; groups can be too large to count their pairs one by one."""
        return sum(self._across(a, b) // (2 if a is b else 1) for a, b in self.groups)

    def _across(self, a: Group, b: Group) -> int:
        n = int(self.codes[np.concatenate([a, b])].max()) + 1
        same = np.bincount(self.codes[a], minlength=n) @ np.bincount(self.codes[b], minlength=n)
        return len(a) * len(b) - int(same)

    @cached_property
    def samples(self) -> set[int]:
        """The samples in them."""
        both = [(a, b) for first, second in self.groups for a, b in ((first, second), (second, first))]
        return {int(i) for a, b in both for i in a if (self.codes[b] != self.codes[i]).any()}

    def sentence(self, opening: str, kind: str, verb: str, rest: str, names: Sequence[str]) -> str:
        """Return a sentence that counts the pairs and names the first; "" where there are none."""
        if not self.count:
            return ""
        pairs, verb = ("1 pair", f"{verb}s") if self.count == 1 else (f"{self.count} pairs", verb)
        examples = ", ".join(f"{names[i]} and {names[j]}" for i, j in islice(self, SHOWN))
        more = f", and {self.count - SHOWN} more" if self.count > SHOWN else ""
        return f"{opening}: {pairs} of samples {kind} {verb} {rest}: {examples}{more}."


def _groups(ids: Sequence[str], among: NDArray[np.int64]) -> list[Group]:
    """Group positions by digest, in order of the first of each."""
    positions_of: dict[str, list[int]] = {}
    for position in among.tolist():
        positions_of.setdefault(ids[position], []).append(position)
    return [np.array(positions, np.int64) for positions in positions_of.values()]


def _codes(values: NDArray[Any]) -> NDArray[np.int64]:
    return np.unique(values, return_inverse=True)[1].astype(np.int64)
