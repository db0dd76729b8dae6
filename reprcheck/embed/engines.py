"""What runs encoders: this process, or a Ray cluster."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

from reprcheck.embed.fill import fill_here
from reprcheck.errors import Option, UserError, did_you_mean

if TYPE_CHECKING:
    from reprcheck.embed.fill import Fill, Recipe
    from reprcheck.models import Model
    from reprcheck.types import Dataset

ENGINES = ("local", "ray")


@dataclass(frozen=True)
class Engine:
    """What runs encoders, as it was asked for.

    Parameters
    ----------
    name : {"local", "ray"}
        The process itself, or a Ray cluster.
    address : str or None
        The cluster's.

    Raises
    ------
    UserError
        For another name, an address without a cluster, or where Ray isn't installed.
    """

    name: str = "local"
    address: str | None = None

    def __post_init__(self) -> None:
        """Check what was asked for."""
        if self.name not in ENGINES:
            raise UserError(Option("engine", self.name), "no such engine", did_you_mean(self.name, ENGINES))
        if self.name == "local" and self.address is not None:
            remedy = "add ", Option("engine", "ray")
            raise UserError(Option("ray-address", self.address), "no cluster is asked for", remedy)
        if self.name == "ray" and find_spec("ray") is None:
            raise UserError(Option("engine", "ray"), "Ray isn't installed", "pip install 'reprcheck[ray]'")

    def filler(self, models: Mapping[str, Model], datasets: Mapping[str, Dataset]) -> Callable[[Recipe], Fill]:
        """Return what fills gaps with the vectors of a recipe's encoders; nothing of the models is built yet."""
        if self.name == "local":
            return lambda recipe: fill_here
        from reprcheck.embed.cluster import Cluster

        return Cluster(self.address, models, datasets).fill


LOCAL = Engine()
