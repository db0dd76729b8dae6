"""Networks that are compiled graphs in a file: known by its bytes, their twins drawn tensor by tensor."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Self

from reprcheck.digest import digest, file_digest, installed
from reprcheck.errors import UserError
from reprcheck.models.network import BuiltNetwork, Network
from reprcheck.models.preprocessing import Preprocessing
from reprcheck.models.spec import Spec
from reprcheck.seeding import seed

TWINS = "each tensor redrawn by the operator it feeds"


@dataclass(frozen=True)
class GraphNetwork(Network):
    """A compiled graph.

    Attributes
    ----------
    where : str
    path : Path
    feed : Preprocessing
        How images are prepared for it.
    channels : int or None
        Channels it takes, where the SPEC says so.
    draw : int or None
        Seed of its weights; None: those of the file.
    """

    where: str
    path: Path
    feed: Preprocessing
    channels: int | None = None
    draw: int | None = None
    libraries: ClassVar[tuple[str, ...]] = ("torch",)
    twins: ClassVar[str] = TWINS
    has_layers: ClassVar[bool] = False

    @property
    def in_chans(self) -> int:
        """Number of channels the network takes: as the SPEC says, else as the file does, else 3."""
        return self.channels or self._declared_channels or 3

    @cached_property
    def _declared_channels(self) -> int | None:
        """Channels that the file says it takes, where it does."""
        return None

    def identity(self) -> str:
        """Return the digest of the file, or of it and the seed."""
        drawn = () if self.draw is None else (self.draw, *self.feed.key)
        return digest(type(self).__name__, installed(*self.libraries), self._content, self.in_chans, drawn)

    @cached_property
    def _content(self) -> str:
        return file_digest(self.path)

    @property
    def notes(self) -> tuple[str, ...]:
        """What was not drawn honestly, for a twin; draws it."""
        return () if self.draw is None else self._notes

    @cached_property
    def _notes(self) -> tuple[str, ...]:
        return self._drawn()[1]

    def build(self) -> BuiltNetwork:
        """Return the graph on the CPU. Raises UserError."""
        return self.load() if self.draw is None else self._drawn()[0]

    @abstractmethod
    def load(self) -> BuiltNetwork:
        """Return the graph with the weights of its file. Raises UserError."""

    def refuse(self, channels: int | None, height: int | None, width: int | None) -> None:
        """Raise UserError where a file takes images that aren't square, or other channels than were asked for."""
        if height != width:
            what = f"takes images of {height} x {width} pixels; only squares can be asked for"
            raise UserError(str(self.path), what, "export it for squares, or with free sizes")
        if self.channels and channels and self.channels != channels:
            what = f"was exported for {channels} channels, not {self.channels}"
            raise UserError(str(self.path), what, f"write in_chans={channels}, or leave it out")

    def draw_weights(self, built: BuiltNetwork, draw: int) -> tuple[str, ...]:
        """Draw the weights of a built network afresh, and return notes on what wasn't drawn honestly."""
        from reprcheck.models.torch import graph

        return graph.draw(built, self.feed, self.in_chans, draw, self.where)

    def _drawn(self) -> tuple[BuiltNetwork, tuple[str, ...]]:
        assert self.draw is not None
        built = self.load()
        return built, self.draw_weights(built, self.draw)

    def twin(self, k: int) -> Self:
        """Return the ``k``-th untrained twin."""
        return replace(self, draw=seed("twin", k))


def file_of(spec: Spec) -> Path:
    """Return the file that a SPEC names. Raises UserError where there is none."""
    path = Path(spec.target).expanduser()
    if not path.is_file():
        raise UserError(spec.where, f"no file {spec.target}", "check the path")
    return path
