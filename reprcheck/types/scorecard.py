"""What is decided: evidence, verdicts, settings as seen in a run, and the scorecard that holds them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Status = Literal["pass", "fail", "inconclusive", "error", "waived", "not_applicable"]
Outcome = Literal["released", "blocked", "not_enough_evidence", "undecided"]
Qualification = Literal["discriminating", "saturated", "no_signal", "underpowered"]
MODEL = "model"
"""What the model under test is called among the encoders that a setting lists."""


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
