"""What is asked: a task with its labels and units, and the dataset that it belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from reprcheck.types.images import ImageSource, Kind

Aggregation = Literal["mean", "median"]


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
        Protocol ids, such as ``"probe/2"``.
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
