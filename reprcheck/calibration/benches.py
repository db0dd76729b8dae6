"""Benches for contestants that a study makes itself: on the simulated sets, and on the real ones where they are.

The real sets are looked for in ``shared/data`` beside the checkout; whoever lacks them measures on the simulated ones
alone, and each study says which sets it saw.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reprcheck import datasets
from reprcheck.datasets.simulate import NAMES
from reprcheck.diagnostics.bench import Bench, Contestants
from reprcheck.embed.cache import Cache, default_folder
from reprcheck.embed.engine import Block, Progress
from reprcheck.models import Calibration
from reprcheck.policy import Policy
from reprcheck.session import Session, positions
from reprcheck.types import Dataset, Encoder, Task

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
"""Where real sets lie, if anywhere."""


@dataclass(frozen=True)
class Asked:
    """A setting that a study asks in."""

    dataset: Dataset
    task: Task
    protocol: str

    @property
    def name(self) -> str:
        """The setting's id."""
        return f"{self.dataset.name}:{self.task.name}/{self.protocol}"


def opened(limits: Mapping[str, int | None]) -> list[Dataset]:
    """Open those of the named sets that are here, each task cut down to its limit."""
    found = []
    for name, limit in limits.items():
        if name in NAMES:
            found.append(datasets.load(name, limit=limit))
        elif (SHARED / name).is_dir():
            found.append(datasets.load(SHARED / name, limit=limit))
    return found


def asked(sets: Iterable[Dataset], settings: Sequence[str]) -> Iterator[Asked]:
    """Return the settings named ``dataset:task/protocol/version``, whether or not the card asks by that protocol."""
    by_name = {one.name: one for one in sets}
    for setting in settings:
        name, _, rest = setting.partition(":")
        task, _, protocol = rest.partition("/")
        if name in by_name:
            yield Asked(by_name[name], by_name[name].tasks[task], protocol)


class Benches(Session):
    """A session that also makes benches of blocks; all that it computes is kept in the usual cache."""

    def __init__(self, policy: Policy, progress: Progress) -> None:
        super().__init__(policy, Cache(default_folder()), progress)

    def of(self, at: Asked, model: Block, untrained: Mapping[str, tuple[Block, ...]] | None = None) -> Bench:
        """Return a bench in a setting for one block of its task's samples, and the untrained families beside it."""
        return self.bench("made", at.dataset, at.task, at.protocol, Contestants(model, untrained or {}))

    def blocks(self, dataset: Dataset, task: Task, encoders: Sequence[Encoder], title: str) -> list[Block]:
        """Embed all samples that share the task's channels, and return the task's."""
        at = positions(dataset, task)
        return [block.take(at) for block in self._embed(dataset, task.channels, encoders, f"{dataset.name}: {title}")]

    def calibration(self, dataset: Dataset, task: Task) -> Calibration:
        """Return the images that batch normalisation is calibrated on."""
        return self._calibration(dataset, task.channels, None)
