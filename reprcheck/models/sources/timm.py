"""``timm:NAME``, ``timm:hf-hub:org/name[@REVISION]``, ``timm:local-dir:DIR``: a network of timm.

Four ways to weights: ``checkpoint=FILE`` (loaded strictly; the digest is that of the file's bytes), a repository or a
folder that timm saved (the same, of its files), ``pretrained=false`` alone (an untrained draw, of seed 0 or of
``seed=N``), and a name alone (timm downloads; the digest is that of the tensors, so that one needs torch). The network
is built without its classifier, and gives timm's own pooled features. Any other option is a keyword of the
architecture: ``init_values=1e-5``, ``reg_tokens=8``, ``depths=2,2,6,2``, a class of timm or torch by its name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

from reprcheck.digest import digest, file_digest, installed
from reprcheck.errors import UserError, did_you_mean
from reprcheck.models import hub, options
from reprcheck.models.network import BuiltNetwork, Network
from reprcheck.models.network_model import NetworkModel
from reprcheck.models.preprocessing import FEED, Preprocessing
from reprcheck.models.readout import READOUT, Readout
from reprcheck.models.sources.source import EVERYWHERE, Source
from reprcheck.models.spec import Option, Spec
from reprcheck.seeding import seed

FIXED_DRAW = 0
"""Seed of the model ``timm:NAME?pretrained=false``."""
HUB, FOLDER = "hf-hub:", "local-dir:"
"""What a target begins with that isn't a name of timm's."""
WEIGHTS = ("*.safetensors", "*.bin", "*.pth")
OURS = {
    "num_classes": "the classifier is left out already",
    "checkpoint_path": "write checkpoint=FILE",
    "img_size": "write size=224",
    **dict.fromkeys(("pretrained_cfg", "pretrained_cfg_overlay", "cache_dir"), "write timm:local-dir:DIR"),
}
"""Keywords of timm that another option stands for."""
ALIKE = 0.8
"""How alike an option and one of ours must be for a misspelling; keywords of timm are less so."""
CHECKPOINTS = (".safetensors", ".pth", ".pt", ".bin", ".ckpt")


class Timm(Source):
    """Networks by timm's names."""

    target = "NAME"
    what = "a network of timm: by its name, of a hub, or in a folder"
    example = "timm:resnet18?pretrained=false&checkpoint=weights.safetensors&size=96"
    options = ("pretrained", "checkpoint", "prefix", "seed", "in_chans", *FEED, *READOUT)
    more = "any keyword of the architecture"
    twins = "timm's own initialisation"

    def open(self, spec: Spec) -> NetworkModel:
        """Return the model; raises UserError for bad options and a checkpoint that isn't there."""
        checkpoint = options.text(spec, "checkpoint")
        stored = spec.target.startswith((HUB, FOLDER))
        pretrained = options.flag(spec, "pretrained", default=checkpoint is None)
        if checkpoint and (pretrained or stored):
            first = "pretrained=true" if pretrained else spec.target
            raise UserError(spec.where, f"{first} and a checkpoint ask for two sets of weights", "drop one of them")
        draw = options.count(spec, "seed")
        if draw and (checkpoint or pretrained):
            raise UserError(
                spec.where, "a seed draws weights, but others are asked for", "write pretrained=false&seed=1"
            )
        if checkpoint and not Path(checkpoint).expanduser().is_file():
            raise UserError(spec.where, f"no checkpoint file {checkpoint}", "check the path")
        prefix = options.text(spec, "prefix")
        if prefix and not checkpoint:
            raise UserError(spec.where, "prefix= is of a checkpoint's keys", "add checkpoint=FILE")
        feed = Preprocessing.of(spec)
        network = TimmNetwork(
            spec.where,
            spec.target,
            options.count(spec, "in_chans") or 3,
            feed.size,
            Path(checkpoint).expanduser() if checkpoint else None,
            None if pretrained or checkpoint else draw or FIXED_DRAW,
            self._keywords(spec),
            prefix or "",
        )
        return NetworkModel(str(spec), self.name_of(spec), network, feed, Readout.of(spec))

    def short_name(self, spec: Spec) -> str:
        """Return timm's name, or the last part of a folder's or a repository's."""
        inner = Spec(spec.source, _without_source(spec.target), spec.options)
        return super().short_name(inner)

    def suggestion(self, text: str) -> str:
        """Return a remedy for the bare name of a network of timm's, or of a file of weights."""
        if Path(text).suffix in CHECKPOINTS:
            return f"for weights of a network of timm write timm:NAME?checkpoint={text}"
        return f"for a network of timm write timm:{text}" if _is_timms(text.partition(".")[0]) else ""

    def _keywords(self, spec: Spec) -> dict[str, Option]:
        """Return the options that are keywords of the architecture. Raises UserError for a misspelt one of ours."""
        known = (*EVERYWHERE, *self.options)
        keywords = {key: value for key, value in spec.options.items() if key not in known}
        for key in keywords:
            if key in OURS:
                raise UserError(spec.where, f"timm's {key} isn't taken here", OURS[key])
            if get_close_matches(key, known, 1, ALIKE):
                raise UserError(spec.where, f"{spec.source} has no option {key!r}", did_you_mean(key, known))
        return keywords


TIMM = Timm()


@dataclass(frozen=True)
class TimmNetwork(Network):
    """A network of timm without its classifier.

    Attributes
    ----------
    where : str
    name : str
        timm's name, with or without a tag; or where it is stored, as the SPEC has it.
    channels : int
        Channels it takes.
    size : int or None
        Side in pixels, for the architectures that are built for one.
    checkpoint : Path or None
    draw : int or None
        Seed of the weights, where there is no checkpoint. Neither: timm's pretrained weights, or those of a folder.
    keywords : mapping of str to bool, int, float or str
        Of the architecture.
    prefix : str
        What the checkpoint's keys begin with; others aren't read.
    """

    where: str
    name: str
    channels: int
    size: int | None
    checkpoint: Path | None
    draw: int | None
    keywords: Mapping[str, Option] = field(default_factory=dict)
    prefix: str = ""

    @property
    def in_chans(self) -> int:
        """Number of channels the network takes."""
        return self.channels

    def identity(self) -> str:
        """Return the digest of weights and architecture."""
        return self._identity

    @cached_property
    def _identity(self) -> str:
        architecture = self.name if self.folder is None else digest(hub.contents(self.folder, hub.CONFIG))
        more = [self.keywords] if self.keywords else []
        made_of = self.channels, self.size, *self._weights(), *more, *([self.prefix] if self.prefix else [])
        return digest("timm", installed("timm", "torch"), architecture, *made_of)

    @cached_property
    def folder(self) -> Path | None:
        """Where it is stored, for what isn't a name of timm's; asks the hub where it isn't here."""
        if self.name.startswith(HUB):
            return hub.folder_of(self.name.removeprefix(HUB), self.where)
        if self.name.startswith(FOLDER):
            path = Path(self.name.removeprefix(FOLDER)).expanduser()
            if not path.is_dir():
                raise UserError(self.where, f"no folder {path}", "check the path")
            return hub.folder_of(str(path), self.where)
        return None

    def _weights(self) -> tuple[str, int | str]:
        if self.checkpoint:
            return "file", file_digest(self.checkpoint)
        if self.draw is not None:
            return "draw", self.draw
        if self.folder is not None:
            return "files", digest(hub.contents(self.folder, *WEIGHTS))
        from reprcheck.models.torch.state import state_digest

        return "state", state_digest(self.build().module)

    def build(self) -> BuiltNetwork:
        """Return the network on the CPU. Raises UserError."""
        from reprcheck.models.torch import timm_build

        folder = None if self.folder is None else str(self.folder)
        network = timm_build.Blueprint(self.where, folder or self.name, self.channels, self.size, self.keywords)
        if folder is not None:
            return timm_build.build_stored(network, self.draw)
        return timm_build.build(network, self.checkpoint, self.draw, self.prefix)

    def twin(self, k: int) -> TimmNetwork:
        """Return the ``k``-th untrained twin: shared by all checkpoints of the architecture."""
        return replace(self, checkpoint=None, draw=seed("twin", k), prefix="")


def _without_source(target: str) -> str:
    stored = target.startswith((HUB, FOLDER))
    return Path(target.partition(":")[2].partition("@")[0]).name if stored else target


def _is_timms(name: str) -> bool:
    """Return whether timm has a network of this name, from its source: importing it would import torch."""
    spec = find_spec("timm") if re.fullmatch(r"[a-z]\w+", name) else None
    folders = spec.submodule_search_locations if spec else None
    wanted = f"\ndef {name}("
    return any(
        wanted in path.read_text("utf-8") for folder in folders or () for path in Path(folder).glob("models/*.py")
    )
