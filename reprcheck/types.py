"""The nouns of reprcheck as frozen dataclasses: dataset, task, scores, evidence, verdict, scorecard.

Numpy only. Everything that flows from one layer to the next is one of these; what a word means is in
`docs/design.md`. Layers add functions, never fields of their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Kind = Literal["culture", "tissue", "natural"]
MODEL = "model"
"""What the model under test is called among the encoders that a setting lists."""
Status = Literal["pass", "fail", "inconclusive", "error", "waived", "not_applicable"]
Aggregation = Literal["mean", "median"]
Outcome = Literal["released", "blocked", "not_enough_evidence", "undecided"]
Qualification = Literal["discriminating", "saturated", "no_signal", "underpowered"]


@dataclass(frozen=True)
class Image:
    """One decoded sample.

    Attributes
    ----------
    pixels : float32[C, H, W]
        Values in [0, 1]: the stored value over the dataset's ``value_range``, or over its dtype's range.
    mask : int32[H, W] or None
        Label image of the objects (0 is background), where the dataset has one.
    types : int32[H, W] or None
        Beside a mask, where the dataset has them: position from 1 in ``Dataset.cell_types`` of the type of the cell at
        each pixel; 0 where there is none, or its type isn't known.
    values : float32[C, F] or None
        Facts of the stored values, see `reprcheck.datasets.images.values`; None where there is no file.
    remarks : tuple of str
        What was interpreted in reading it, each worded to follow "24 images: "; the same words for the same thing.
    """

    pixels: NDArray[np.float32]
    mask: NDArray[np.int32] | None = None
    types: NDArray[np.int32] | None = None
    values: NDArray[np.float32] | None = None
    remarks: tuple[str, ...] = ()


class ImageSource(Protocol):
    """Where a dataset's images come from: files, or a simulator. Both methods must be safe to call from any process."""

    def content(self, index: int) -> str:
        """Return a digest that changes whenever the pixels, mask or types of sample ``index`` might; no decoding."""

    def read(self, index: int) -> Image:
        """Decode sample ``index``; all samples have one shape (C, H, W). Raises UserError that names the file."""


class Encoder(Protocol):
    """Anything that maps images to vectors: the model under test, an untrained twin, a baseline."""

    @property
    def name(self) -> str:
        """For people; never an identity."""

    def digest(self) -> str:
        """Return the digest of everything that shapes the vectors but the images; no torch where it can be helped."""

    def encode(self, images: Sequence[Image]) -> NDArray[np.float32]:
        """Return float32[N, D] for N images of one shape; row i depends on image i alone."""


@dataclass(frozen=True)
class Grouping:
    """Groups of units that have one label each, which a card doesn't answer for: the units may not be independent.

    Attributes
    ----------
    columns : tuple of str
        Of the table: what the card may name, one, or several with the same groups.
    called : str
        How a sentence names them.
    unit : str
        How the card would name them as unit; blank for folders, which no column names.
    n_groups, n_units : int
        Groups that hold several units, and units in these.
    testable : bool
        Whether every class has several groups, so that folds over them could be made.
    """

    columns: tuple[str, ...]
    called: str
    unit: str
    n_groups: int
    n_units: int
    testable: bool


@dataclass(frozen=True, eq=False)
class Task:
    """A question with a known answer, resolved against a dataset's table; n samples, in order of sample id.

    Compared and hashed by identity.

    Attributes
    ----------
    name : str
    kind : {"classify", "regress"}
    rows : int64[n]
        Positions in ``Dataset.ids``.
    y : int64[n] or float64[n]
        Class codes (index into ``classes``), or the value to regress.
    classes : tuple of str
        Sorted class names; empty for a regression.
    units, batches : str[n]
        The independent unit and the technical group of each sample.
    holdout : {"batch", "unit"} or None
        What folds never split. None: folds are stratified over units.
    protocols : tuple of str
        Protocol ids, such as ``"probe/1"``.
    channels : tuple of int
        Channels of the dataset that the task shows to encoders.
    control : bool[n] or None
        Which samples are controls, where the task names them.
    notes : tuple of str
        What was left out, and which confounds were seen: sentences for the scorecard.
    positions : str[n] or None
        Where on the plate each sample lay (``B03``, or a row or column), where the card names the column.
    replicates : str[n] or None
        Samples with one value (blank aside) are repeated measurements of one thing: their labels should agree.
    aggregate : {"mean", "median"} or None
        How the vectors of a unit's samples become one, before anything is scored; see `reprcheck.embed.aggregate`.
    innermost : str[n] or None
        The unit whose samples these are, of nested ones the innermost; None where nothing is aggregated.
    metadata : str[n, k] or None
        What else the card says is known of each sample, as k columns; blank where not known.
    sizes : float64[n, 2] or None
        Height and width in pixels of each stored image, where a fit makes one size of several.
    depths : float64[n, 3] or None
        Bits of each image's stored values, bits that their levels amount to, and a number for the kind of type; where
        they differ between images.
    test : bool[n] or None
        Of a fixed split: which samples are judged, once, by what the others teach. None: folds judge all.
    groups : tuple of Grouping
        Groups of units that the card doesn't answer for: with any, no verdict can be had.
    """

    name: str
    kind: Literal["classify", "regress"]
    rows: NDArray[np.int64]
    y: NDArray[Any]
    classes: tuple[str, ...]
    units: NDArray[np.str_]
    batches: NDArray[np.str_]
    holdout: Literal["batch", "unit"] | None
    protocols: tuple[str, ...]
    channels: tuple[int, ...]
    control: NDArray[np.bool_] | None = None
    notes: tuple[str, ...] = ()
    positions: NDArray[np.str_] | None = None
    replicates: NDArray[np.str_] | None = None
    aggregate: Aggregation | None = None
    innermost: NDArray[np.str_] | None = None
    metadata: NDArray[np.str_] | None = None
    sizes: NDArray[np.float64] | None = None
    depths: NDArray[np.float64] | None = None
    test: NDArray[np.bool_] | None = None
    groups: tuple[Grouping, ...] = ()

    def take(self, positions: NDArray[np.int64]) -> Task:
        """Return the task on some of its samples, in the order of ``positions`` int64[m]: every array has n rows."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        arrays: dict[str, Any] = {name: x[positions] for name, x in values.items() if isinstance(x, np.ndarray)}
        return replace(self, **arrays)


@dataclass(frozen=True)
class Dataset:
    """Images, a sample table and tasks.

    Attributes
    ----------
    name, kind, channels
        As on the card.
    ids : str[N]
        Sample ids, sorted.
    table_row : int64[N]
        Row (from 0) of each sample in the table as the user wrote it: the order of an ``emb:FILE.npy``.
    images : ImageSource
        Indexed like ``ids``.
    tasks : mapping of str to Task
    digest : str
        Of the card, the table and every image's content.
    limit : int or None
        Samples a task was cut down to, where the user asked for it.
    license, citation, source : str
        As on the card; printed, never judged.
    cell_types : tuple of str
        As on the card; empty where the images don't tell types.
    key : str
        Column of the table that the ids come from.
    columns : mapping of str to str[N]
        Every column of the table, those that the card doesn't name too, as text aligned with ``ids``; blank is "".
    """

    name: str
    kind: Kind
    channels: tuple[str, ...]
    ids: NDArray[np.str_]
    table_row: NDArray[np.int64]
    images: ImageSource
    tasks: Mapping[str, Task]
    digest: str
    limit: int | None = None
    license: str = ""
    citation: str = ""
    source: str = ""
    cell_types: tuple[str, ...] = ()
    key: str = "id"
    columns: Mapping[str, NDArray[np.str_]] = field(default_factory=dict)


@dataclass(frozen=True)
class Scores:
    """What a protocol returns: one score per unit, higher is better, and the predictions behind it.

    Attributes
    ----------
    units : str[n_units]
        Sorted names of the units judged: those of a task that have a judged sample.
    values : float64[n_units]
        Score per unit; the mean over units is the protocol's headline metric (balanced accuracy, R2, concordance).
    bits : float64[n_units] or None
        Usable information per unit in bits (Xu et al. 2020), where the protocol predicts probabilities.
    predictions : float64[n] or int64[n] or None
        Out-of-fold prediction of each sample, where the protocol makes one; -1 or NaN for a sample without.
    runs : tuple of Scores
        What this is the mean of, where folds were drawn several times; its predictions are those of the first.
    matches : int64[n] or None
        Where labels are told by a match: the position of each sample's, -1 for a sample without a candidate.
    """

    units: NDArray[np.str_]
    values: NDArray[np.float64]
    bits: NDArray[np.float64] | None = None
    predictions: NDArray[Any] | None = None
    runs: tuple[Scores, ...] = ()
    matches: NDArray[np.int64] | None = None


@dataclass(frozen=True)
class Evidence:
    """The numbers behind a verdict.

    Attributes
    ----------
    effect, low, high : float
        Mean over units of the model's score minus the reference's, and its two one-sided bounds at ``alpha``.
    margin, alpha : float
        What ``low`` must exceed, and the one-sided error rate.
    mde : float
        Minimum detectable effect: the true effect that passes with probability 0.9.
    n_units : int
    reference : str
        The encoder (or family) compared with.
    p : float
        One-sided p of "the true effect is at most the margin"; never 0.
    covers : str
        What the interval doesn't cover, where the units lie within few batches: ``"these 6 batches, not new ones"``.
    per_batch : mapping of str to float
        The effect in each of these batches; empty where ``covers`` is.
    units_needed : int or None
        About how many units would let an effect of this size pass, with probability 0.9; None where no number would:
        it lies below the margin, or draws differ too much.
    """

    effect: float
    low: float
    high: float
    margin: float
    alpha: float
    mde: float
    n_units: int
    reference: str
    p: float
    covers: str = ""
    per_batch: Mapping[str, float] = field(default_factory=dict)
    units_needed: int | None = None

    @property
    def status(self) -> Status:
        """``pass`` if ``low`` exceeds the margin, ``fail`` if ``high`` is below it, else ``inconclusive``."""
        if self.low > self.margin:
            return "pass"
        return "fail" if self.high < self.margin else "inconclusive"


@dataclass(frozen=True)
class Cell:
    """One verdict: a model, in a setting, asked by a diagnostic. Its fields are those of the scorecard's JSON."""

    model: str
    setting: str
    diagnostic: str
    status: Status
    effect: float | None
    low: float | None
    high: float | None
    margin: float | None
    alpha: float | None
    mde: float | None
    n_units: int | None
    reference: str | None
    statement: str
    details: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def without_evidence(
        cls, model: str, setting: str, diagnostic: str, status: Status, statement: str, n_units: int | None = None
    ) -> Cell:
        """Return a cell that rests on no comparison."""
        return cls(model, setting, diagnostic, status, None, None, None, None, None, None, n_units, None, statement)


@dataclass(frozen=True)
class Setting:
    """A dataset's task under a protocol, as seen in one run.

    Attributes
    ----------
    n_samples : int
        Of the task, judged or not.
    n_units, n_batches : int
        With a judged sample.
    scores : mapping of str to mapping
        Encoder to the ``mean`` of its score over units, ``low`` and ``high``.
    landmarks : mapping of str to float
        The numbers that qualify the setting: ``chance`` (mean under permuted labels), ``chance_high`` (their upper
        5 %), ``p`` (of "nothing beats permuted labels"), ``trivial`` (the best encoder nobody trained), ``ceiling``
        (the best score there is), ``noise`` (the noise floor: what split halves differ by between untrained draws).
    selectivity : mapping of str to mapping
        Encoder to ``task``, ``control`` (its score on random labels) and their difference ``selectivity``, where the
        protocol is a probe and units are replicated.
    """

    id: str
    dataset: str
    dataset_digest: str
    task: str
    protocol: str
    n_samples: int
    n_units: int
    n_batches: int
    qualification: Qualification
    scores: Mapping[str, Mapping[str, float]]
    notes: tuple[str, ...] = ()
    limit: int | None = None
    landmarks: Mapping[str, float] = field(default_factory=dict)
    selectivity: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Gate:
    """The decision, and the cells and reasons that stand against a release.

    Attributes
    ----------
    outcome : {"released", "blocked", "not_enough_evidence", "undecided"}
        ``not_enough_evidence``: nothing but inconclusive cells blocks. ``undecided``: the run hasn't ended, or ended
        before all its verdicts were in.
    blocked_by : tuple of str
        Empty where it is released, and only there.
    """

    outcome: Outcome
    blocked_by: tuple[str, ...]

    @property
    def released(self) -> bool:
        """Whether every required cell passed."""
        return self.outcome == "released"


@dataclass(frozen=True)
class Scorecard:
    """All cells of one model's run. Everything but ``run`` is the same for the same inputs.

    Attributes
    ----------
    model : mapping
        ``spec``, ``name``, ``digest``.
    policy : mapping
        The policy in force, as plain values.
    settings : tuple of Setting
    cells : tuple of Cell
    gate : Gate
    run : mapping
        ``time``, ``host``, ``device``, ``versions``, ``timings``.
    """

    model: Mapping[str, str]
    policy: Mapping[str, Any]
    settings: tuple[Setting, ...]
    cells: tuple[Cell, ...]
    gate: Gate
    run: Mapping[str, Any]
    schema: int = 1
