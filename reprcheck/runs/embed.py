"""Every vector that a gate asks for, computed ahead of it: for schedulers that run many jobs, and for nights.

The gate's own way through `reprcheck.runs.opponents` is gone, and nothing is scored; so there is no second list of what
a gate needs.
"""

from __future__ import annotations

from dataclasses import dataclass

from threadpoolctl import threadpool_limits

from reprcheck.embed.parts import ALL, Part, PartEmbedder
from reprcheck.models import Model
from reprcheck.policy import Policy
from reprcheck.registry import DIAGNOSTICS
from reprcheck.runs.opponents import Opponents
from reprcheck.types import Cell, Dataset


@dataclass(frozen=True)
class Assignment:
    """All vectors of a model's run on a dataset, or those of a part of the samples.

    Attributes
    ----------
    model, dataset : str
        Their names.
    part : Part
    """

    model: str
    dataset: str
    part: Part = ALL

    @property
    def key(self) -> tuple[str, str, str]:
        """Tells it from others, and from questions."""
        return self.model, self.dataset, f"part {self.part}"

    def error(self, statement: str) -> Cell:
        """Return a cell that says why it wasn't done."""
        return Cell.without_evidence(*self.key, "error", statement)


@dataclass(frozen=True)
class Tally:
    """What an assignment came to.

    Attributes
    ----------
    n_encoders : int
        An encoder that is shown several sets of channels counts several times.
    n_vectors : int
        Of the assignment, all of which the cache has now.
    n_added : int
        How many of them it lacked.
    n_for_others : int
        Vectors of other parts that it lacked, and that this one rests on.
    """

    n_encoders: int
    n_vectors: int
    n_added: int
    n_for_others: int


def embed(model: Model, dataset: Dataset, policy: Policy, embedder: PartEmbedder) -> Tally:
    """Embed whatever the required questions about a model need, and score nothing.

    Parameters
    ----------
    model : Model
    dataset : Dataset
        With the tasks that the policy requires.
    policy : Policy
    embedder : PartEmbedder

    Raises
    ------
    UserError
        For what the user can put right.
    """
    opponents = Opponents(policy, embedder)
    matched = any(DIAGNOSTICS.get(name).matched for name in policy.diagnostics)
    with threadpool_limits(1):
        for channels in dict.fromkeys(task.channels for task in dataset.tasks.values()):
            opponents.embed_first(model, dataset, channels)
            opponents.on_images(model, dataset, channels)
            if matched:
                opponents.on_matched_images(model, dataset, channels)
    sizes = embedder.sizes.values()
    return Tally(len(sizes), sum(sizes), embedder.n_added, embedder.n_for_others)
