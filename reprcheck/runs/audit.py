"""A dataset audited: can its settings tell a trained model from an untrained one at all?

A setting can where a model has room to beat the untrained by more than the least that would be seen: the ceiling lies
further above the strongest untrained network than the minimum detectable effect. Without a model, one more untrained
network stands in its place, so that the answer is about the dataset alone. `examine` judges a described setting,
`audit` describes a dataset's settings and judges each; `reprcheck.reporters.audit` prints the result.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from reprcheck.baselines.names import reference_of
from reprcheck.confounds.groups import UNANSWERED
from reprcheck.diagnostics.beats_untrained import BEATS_UNTRAINED
from reprcheck.embed.cache import default_folder, open_cache
from reprcheck.errors import ReprcheckError
from reprcheck.file_memory import FileMemory
from reprcheck.models import Model, resolve_model
from reprcheck.models.untrained_resnet import UntrainedResNet
from reprcheck.policy import Policy, read_policy, registered_models
from reprcheck.progress import Screen
from reprcheck.runs.outlook import Outlook
from reprcheck.runs.pace import Pace
from reprcheck.runs.questions import Question, open_datasets, questions
from reprcheck.runs.recipes import UNTRAINED
from reprcheck.runs.session import Session
from reprcheck.types import MODEL, Cell, Dataset, Setting

ABSURD = 1000
"""A detectable effect this many times too large is not a matter of more units."""


@dataclass(frozen=True)
class Audit:
    """Whether a setting can tell a trained model from an untrained one.

    Attributes
    ----------
    setting : Setting
        Without a score of ``model``, unless one was given.
    headroom : float
        The ceiling minus the mean score of the strongest untrained network; NaN where all of these have collapsed.
    can_tell : bool
        The headroom is at least the minimum detectable effect, in a setting neither saturated nor underpowered.
    sentence : str
        The same in words, made from the numbers.
    mde : float
        By how much a model must beat the strongest untrained network to be seen beating all of them; see `detectable`.
    units_needed : int or None
        About how many units would make the headroom detectable, where more units are what is missing.
    cell : Cell or None
        Whether the model beats the untrained, where one was given.
    """

    setting: Setting
    headroom: float
    can_tell: bool
    sentence: str
    mde: float
    units_needed: int | None = None
    cell: Cell | None = None

    @property
    def sound(self) -> bool:
        """Whether the setting can tell and is known to hold a signal."""
        return self.can_tell and self.setting.qualification == "discriminating"


def audit(
    dataset: str | Path | Dataset,
    model: Any = None,
    policy: Policy | str | Path | None = None,
    *,
    limit: int | None = None,
    cache_dir: str | Path | None = None,
    cache_remote: str | None = None,
    ask: Callable[[Question], tuple[Cell, Setting | None]] | None = None,
) -> list[Audit]:
    """Audit every setting of a dataset that the policy requires.

    Parameters
    ----------
    dataset : str, Path or Dataset
        A name or a folder.
    model : str, torch.nn.Module, callable or Encoder, optional
        As for `reprcheck.check`. Without it an untrained ResNet stands in its place, and isn't shown.
    policy : Policy or path of a TOML file, optional
        Without it, the defaults.
    limit : int, optional
        Cut each task down to this many samples.
    cache_dir : str or Path, optional
        Without it, ``$REPRCHECK_CACHE`` or the user's cache folder.
    cache_remote : str, optional
        URL of a cache shared with other machines; without it, ``$REPRCHECK_CACHE_REMOTE``, or none.
    ask : callable, optional
        Answers a question about the model on the dataset, for instance in another process. Without it, questions are
        answered in this one.

    Raises
    ------
    UserError
        For anything the user can put right.

    Examples
    --------
    >>> [result.sentence for result in audit("sim-culture")]  # doctest: +SKIP
    """
    rules = policy if isinstance(policy, Policy) else read_policy(Path(policy) if policy is not None else None)
    folder = Path(cache_dir) if cache_dir is not None else default_folder()
    (opened,) = open_datasets([dataset], limit, rules, FileMemory(folder))
    pending = required(opened, rules)
    chosen = contestant(model, rules)
    if ask is None:
        plan = [(replace(question, model=chosen.name), opened) for question in pending]
        outlook = Outlook(Pace(folder), plan, Screen())
        ask = partial(outlook.ask, Session(rules, open_cache(folder, cache_remote), outlook), chosen, opened)
    answers = [_require_setting(*ask(replace(question, model=chosen.name))) for question in pending]
    if model is not None:
        return [examine(setting, rules, cell) for cell, setting in answers]
    return [replace(examine(without_model(setting), rules, cell), cell=None) for cell, setting in answers]


def _require_setting(cell: Cell, setting: Setting | None) -> tuple[Cell, Setting]:
    """Return a verdict with its setting. Raises ReprcheckError where the setting is missing."""
    if setting is None:
        raise ReprcheckError(f"{cell.setting}: {cell.statement}")
    return cell, setting


def contestant(model: Any, policy: Policy) -> Model:
    """Return the model that a SPEC or an object stands for; an untrained ResNet for None. Raises UserError."""
    names: Mapping[str, str] = {**registered_models(Path.cwd()), **policy.models}
    return UntrainedResNet() if model is None else resolve_model(model, names)


def required(dataset: Dataset, policy: Policy) -> list[Question]:
    """Return a question for every setting that the policy requires. Raises UserError where there is none."""
    by_setting = {
        question.setting: replace(question, diagnostic=BEATS_UNTRAINED.name)
        for question in questions([""], [dataset], policy)
    }
    return list(by_setting.values())


def without_model(setting: Setting) -> Setting:
    """Return a setting without what stood in the model's place."""
    scores = {name: interval for name, interval in setting.scores.items() if name != MODEL}
    selectivity = {name: numbers for name, numbers in setting.selectivity.items() if name != MODEL}
    return replace(setting, scores=scores, selectivity=selectivity)


def strongest_untrained(setting: Setting) -> str | None:
    """Return the name of the untrained networks with the best mean score; None where all have collapsed."""
    means = {name: interval["mean"] for name, interval in setting.scores.items() if _is_untrained(name)}
    return max(sorted(means), key=lambda name: means[name]) if means else None


def _is_untrained(name: str) -> bool:
    return reference_of(name) == UNTRAINED.name


def detectable(setting: Setting, cell: Cell | None) -> float:
    """Return by how much a model must beat the strongest untrained network to be seen beating all of them.

    Where a model, or what stands in its place, was compared with each family, its minimum detectable effect over each
    counts from that family's mean: a family of scattered draws may be the harder one to beat without being the
    strongest. Else it is the setting's own.
    """
    name, means = strongest_untrained(setting), {n: interval["mean"] for n, interval in setting.scores.items()}
    comparisons = cell.details.get("comparisons", ()) if cell else ()
    untrained = [c for c in comparisons if _is_untrained(c["reference"]) and c["reference"] in means]
    to_reach = [means[c["reference"]] + c["mde"] for c in untrained]
    return max(to_reach) - means[name] if name and to_reach else float(setting.landmarks.get("mde", math.nan))


def examine(setting: Setting, policy: Policy, cell: Cell | None = None) -> Audit:
    """Judge from a setting's numbers whether it can tell a trained model from an untrained one.

    Parameters
    ----------
    setting : Setting
    policy : Policy
    cell : Cell, optional
        Whether a model beats the untrained.

    Examples
    --------
    >>> numbers = {"ceiling": 1.0, "mde": 0.12}
    >>> setting = Setting("d:t/probe/2", "d", "", "t", "probe/2", 96, 96, 4, "discriminating",
    ...                   {"untrained": {"mean": 0.55}}, landmarks=numbers)
    >>> examine(setting, Policy()).sentence
    'can tell: a model that beats the untrained by 0.120 or more is seen, and there is room for 0.450'
    """
    name, marks = strongest_untrained(setting), setting.landmarks
    headroom = marks.get("ceiling", math.nan) - setting.scores[name]["mean"] if name else math.nan
    mde = detectable(setting, cell)
    count, noun = count_resampled(setting, policy)
    clear_win = f"beats the untrained by {mde:.3f} or more"

    def conclude(can_tell: bool, sentence: str, units_needed: int | None = None) -> Audit:
        return Audit(setting, headroom, can_tell, sentence, mde, units_needed, cell)

    if doubt := next((note for note in setting.notes if note.startswith(UNANSWERED)), None):
        return conclude(False, f"can't tell: {doubt.removeprefix(UNANSWERED).removesuffix('.')}")
    if setting.qualification == "underpowered":
        least = max(policy.min_units, estimate_units(headroom, mde, count) or 0)
        return conclude(False, f"can't tell: {count} {noun}, and at least {least} are needed", least)
    if setting.qualification == "saturated":
        reached = f"{marks['trivial']:.3f} of {marks['ceiling']:.3f} is reached without training"
        return conclude(False, f"can't tell: {reached}, so that to pass says nothing; another metric or task is needed")
    if name is None:
        return conclude(False, "can't tell: no untrained network tells the images apart, so that there is none to beat")
    if math.isnan(mde):
        return conclude(False, "can't tell: too few untrained networks or units for a minimum detectable effect")
    if headroom < mde:
        needed = estimate_units(headroom, mde, count) if headroom > policy.margin else None
        more = f"more {noun} (about {needed}) or another metric are needed" if needed else "another metric is needed"
        room = f"there is room for {headroom:.3f} only"
        return conclude(False, f"can't tell: only a model that {clear_win} is seen, and {room}; {more}", needed)
    if setting.qualification == "no_signal":
        p = f"p = {marks['p']:.3f}"
        nothing = f"nothing here predicts the label better than permuted labels would ({p})"
        return conclude(True, f"can tell, if there is a signal: {nothing}; a model that {clear_win} would be seen")
    return conclude(True, f"can tell: a model that {clear_win} is seen, and there is room for {headroom:.3f}")


def estimate_units(effect: float, detectable: float, count: int) -> int | None:
    """Return about how many units make an effect detectable, where ``count`` make another one so.

    The standard error falls with the root of their number. None where no number does, or only an absurd one.

    Examples
    --------
    >>> estimate_units(0.04, 0.12, 96)
    864
    """
    if not (effect > 0 and detectable / effect < ABSURD):
        return None
    exact = float(count * (detectable / effect) ** 2)
    return math.ceil(exact - 1e-9 * exact)


def count_resampled(setting: Setting, policy: Policy) -> tuple[int, str]:
    """Return how many things the setting's intervals rest on, and what they are called."""
    return (setting.n_batches, "batches") if policy.resample == "batch" else (setting.n_units, "units")
