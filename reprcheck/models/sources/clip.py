"""``clip:NAME?checkpoint=FILE``, ``clip:hf-hub:org/name[@REVISION]``, ``clip:local-dir:DIR``: a CLIP's image tower.

Of open_clip (extra ``clip``), with what its ``encode_image`` gives, not normalised. Weights of both towers are loaded
strictly; those of a hub or a folder must be safetensors. Images are brought to the side, mean and standard deviation
that its configuration says.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar

from reprcheck.digest import digest, file_digest, installed
from reprcheck.errors import UserError
from reprcheck.models import hub, options
from reprcheck.models.network import BuiltNetwork, Network
from reprcheck.models.network_model import NetworkModel
from reprcheck.models.preprocessing import FEED, Preprocessing
from reprcheck.models.readout import READOUT, Readout
from reprcheck.models.sources.source import Source
from reprcheck.models.spec import Spec
from reprcheck.seeding import seed

CONFIG = "open_clip_config.json"
HUB, FOLDER = "hf-hub:", "local-dir:"
"""What a target begins with that isn't a name of open_clip's."""
WEIGHTS = ("*.safetensors", "*.bin", "*.pth")
"""What open_clip may take weights from in a folder."""
TWINS = "the configuration's network, initialised by open_clip"


class Clip(Source):
    """Image towers by open_clip's names, or where they are stored."""

    target = "NAME"
    what = "the image tower of a CLIP of open_clip (extra `clip`)"
    example = "clip:ViT-B-32?checkpoint=weights.safetensors"
    options = ("checkpoint", *FEED, *READOUT)
    twins = TWINS

    def open(self, spec: Spec) -> NetworkModel:
        """Return the model; asks no hub. Raises UserError for bad options, and where open_clip isn't installed."""
        feed, given = Preprocessing.of(spec), options.text(spec, "checkpoint")
        stored = spec.target.startswith((HUB, FOLDER))
        if stored == (given is not None):
            what = f"{spec.target} has weights of its own" if stored else "a name alone has no weights"
            raise UserError(spec.where, what, "leave checkpoint out" if stored else "add checkpoint=FILE")
        checkpoint = None if given is None else Path(given).expanduser()
        if checkpoint is not None and not checkpoint.is_file():
            raise UserError(spec.where, f"no checkpoint file {given}", "check the path")
        if find_spec("open_clip") is None:
            raise UserError(spec.where, "needs open_clip", "pip install 'reprcheck[clip]'")
        network = ClipNetwork(spec.where, spec.target, checkpoint)
        return NetworkModel(str(spec), self.name_of(spec), network, feed, Readout.of(spec))

    def short_name(self, spec: Spec) -> str:
        """Return open_clip's name, or the last part of a folder's or a repository's."""
        stored = spec.target.startswith((HUB, FOLDER))
        return Path(spec.target.partition(":")[2].partition("@")[0]).name if stored else spec.target


CLIP = Clip()


@dataclass(frozen=True)
class ClipNetwork(Network):
    """The image tower of a CLIP.

    Attributes
    ----------
    where, target : str
    checkpoint : Path or None
        Weights of a network that is named; None for one that is stored.
    draw : int or None
        Seed of its weights; None: those of its files.
    """

    where: str
    target: str
    checkpoint: Path | None
    draw: int | None = None
    twins: ClassVar[str] = TWINS

    @property
    def in_chans(self) -> int:
        """Number of channels the network takes."""
        return 3

    @cached_property
    def folder(self) -> Path | None:
        """Where it is stored, for what isn't a name; asks the hub where it isn't here."""
        for begin in (HUB, FOLDER):
            if self.target.startswith(begin):
                return hub.folder_of(self.target.removeprefix(begin), self.where, CONFIG)
        return None

    def identity(self) -> str:
        """Return the digest of the architecture, and of the weights or the seed."""
        architecture = self.target if self.folder is None else digest(hub.contents(self.folder, CONFIG))
        if self.draw is not None:
            weights: object = self.draw
        elif self.checkpoint is not None:
            weights = file_digest(self.checkpoint)
        else:
            assert self.folder is not None
            weights = hub.contents(self.folder, *WEIGHTS)
        return digest("clip", installed("open_clip_torch", "timm", "torch"), architecture, weights)

    def build(self) -> BuiltNetwork:
        """Return the image tower on the CPU. Raises UserError."""
        from reprcheck.models.torch import clip_build

        return clip_build.build(self.target, self.folder, self.checkpoint, self.draw, self.where)

    def twin(self, k: int) -> ClipNetwork:
        """Return the ``k``-th untrained twin."""
        return replace(self, draw=seed("twin", k))
