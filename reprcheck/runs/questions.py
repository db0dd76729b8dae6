"""What a run must answer: the chosen datasets, and one question for each required cell. Nothing is computed here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from reprcheck.datasets import catalogue
from reprcheck.datasets.table.cutting import sample_units
from reprcheck.errors import Option, UserError, did_you_mean
from reprcheck.file_memory import FileMemory, remembering
from reprcheck.policy import Policy
from reprcheck.registry import DIAGNOSTICS, REFERENCES
from reprcheck.types import Cell, Dataset


@dataclass(frozen=True)
class Question:
    """One required cell, before it is asked."""

    model: str
    dataset: str
    task: str
    protocol: str
    diagnostic: str

    @property
    def setting(self) -> str:
        """The setting's id."""
        return f"{self.dataset}:{self.task}/{self.protocol}"

    @property
    def key(self) -> tuple[str, str, str]:
        """The key by which the gate finds the cell."""
        return self.model, self.setting, self.diagnostic

    def error(self, statement: str) -> Cell:
        """Return the cell of a question that has no verdict, and why."""
        return Cell.without_evidence(*self.key, "error", statement)


def questions(models: Iterable[str], datasets: Iterable[Dataset], policy: Policy) -> list[Question]:
    """Return every cell the policy requires of these models on these datasets.

    Raises
    ------
    UserError
        Where the policy names a diagnostic or a baseline that isn't known, asks for a baseline that isn't installed, or
        requires no setting of these datasets.
    """
    datasets = list(datasets)
    for name in policy.diagnostics:
        DIAGNOSTICS.get(name, "policy: diagnostics")
    if policy.baselines:
        optional = _optional_baselines()
        for name in policy.baselines:
            if name not in optional:
                what = f"no optional baseline named {name!r}"
                raise UserError("policy: baselines", what, did_you_mean(name, optional))
            REFERENCES.get(name, "policy: baselines").must_be_usable("policy: baselines")
    required = _questions(models, datasets, policy)
    if not required:
        patterns, names = ", ".join(policy.settings), ", ".join(dataset.name for dataset in datasets)
        raise UserError("policy: settings", f"{patterns} matches no setting of {names}", "correct the patterns")
    return required


def _optional_baselines() -> list[str]:
    """Return what a policy may ask for: ours that say so, and all that extensions bring."""
    ours = [name for name in REFERENCES.own if getattr(REFERENCES.get(name), "optional", False)]
    return [*ours, *(name for name in REFERENCES.names() if name not in REFERENCES.own)]


def _questions(models: Iterable[str], datasets: Iterable[Dataset], policy: Policy) -> list[Question]:
    return [
        question
        for model in models
        for dataset in datasets
        for task in dataset.tasks.values()
        for protocol in task.protocols
        for diagnostic in policy.diagnostics
        if policy.requires((question := Question(model, dataset.name, task.name, protocol, diagnostic)).setting)
    ]


def open_datasets(
    chosen: list[str | Path | Dataset], limit: int | None, policy: Policy, memory: FileMemory
) -> list[Dataset]:
    """Open datasets by name or folder, or the embedded default where none is chosen; with the tasks a policy requires.

    Of each there are as many samples as the policy wants; the images of others are never embedded. A dataset that the
    policy requires nothing of keeps its tasks. Image files whose digests are in ``memory`` aren't read.

    Raises
    ------
    UserError
        Where one can't be opened, or two bear the same name.
    """
    entries = chosen or list(catalogue.DEFAULT)
    with remembering(memory):
        sets = [entry if isinstance(entry, Dataset) else catalogue.load(entry, limit=limit) for entry in entries]
    for i, opened in enumerate(sets):
        if opened.name in {other.name for other in sets[:i]}:
            raise UserError(
                Option("dataset", entries[i]), f"a second dataset named {opened.name!r}", "rename it on its card"
            )
    return [_required_of(opened, policy) for opened in sets]


def _required_of(dataset: Dataset, policy: Policy) -> Dataset:
    tasks = {
        name: task
        for name, task in dataset.tasks.items()
        if any(policy.requires(f"{dataset.name}:{name}/{protocol}") for protocol in task.protocols)
    }
    tasks = tasks or dict(dataset.tasks)
    if policy.sample is not None:
        tasks = {name: sample_units(task, policy.sample) for name, task in tasks.items()}
    return replace(dataset, tasks=tasks)
