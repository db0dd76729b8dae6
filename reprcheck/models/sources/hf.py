"""``hf:org/name[@REVISION]``, ``hf:FOLDER``: a network of transformers (extra ``transformers``), as `AutoModel` has it.

Its values are brought to what its image processor says; ``key=`` or ``pool=`` say what of its output is taken. Weights
come from safetensors, and all that the network holds must be among them. Code that lies beside the weights is run only
where ``trust=`` pins it: to the commit that was read, or to the digest of the code in a folder.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

from reprcheck.digest import digest, installed
from reprcheck.errors import UserError, clipped
from reprcheck.models import hub, options
from reprcheck.models.network import BuiltNetwork, Network
from reprcheck.models.network_model import NetworkModel
from reprcheck.models.preprocessing import FEED, Preprocessing
from reprcheck.models.readout import READOUT, Readout
from reprcheck.models.sources.source import Source
from reprcheck.models.spec import Spec
from reprcheck.seeding import seed

PROCESSOR, PROCESSORS = "preprocessor_config.json", "processor_config.json"
"""Where it is said how images are prepared: by an image processor alone, or under ``image_processor``."""
COMMIT = r"[0-9a-f]{40}"
"""A commit, after which the hub's cache names a folder."""
BESIDE = r"[A-Za-z_]\w*\.[A-Za-z_]\w*"
"""How a configuration names a class in a file beside it."""
TWINS = "the configuration's network, initialised by transformers"


class HuggingFace(Source):
    """Networks of transformers by repository or folder."""

    target = "org/name"
    options = ("trust", "in_chans", *FEED, *READOUT)
    what = "a network of transformers (extra `transformers`)"
    example = "hf:org/name@REVISION?key=pooler_output"
    twins = TWINS

    def open(self, spec: Spec) -> NetworkModel:
        """Return the model; asks no hub. Raises UserError for bad options, and where transformers isn't installed."""
        feed = Preprocessing.of(spec)
        if find_spec("transformers") is None:
            raise UserError(spec.where, "needs transformers", "pip install 'reprcheck[transformers]'")
        network = TransformersNetwork(
            spec.where, spec.target, options.text(spec, "trust"), channels=options.count(spec, "in_chans")
        )
        return NetworkModel(str(spec), self.name_of(spec), network, feed, Readout.of(spec))

    def short_name(self, spec: Spec) -> str:
        """Return the last part of the name, without the revision."""
        return Path(spec.target.partition("@")[0]).name


HF = HuggingFace()


@dataclass(frozen=True)
class TransformersNetwork(Network):
    """A network of transformers.

    Attributes
    ----------
    where, target : str
    trust : str or None
        The revision of its own code that may be run.
    draw : int or None
        Seed of its weights; None: those of its files.
    channels : int or None
        Channels it takes, where its configuration doesn't say.
    """

    where: str
    target: str
    trust: str | None
    draw: int | None = None
    channels: int | None = None
    twins: ClassVar[str] = TWINS

    @cached_property
    def folder(self) -> Path:
        """Where its files lie; asks the hub where they aren't here."""
        return hub.folder_of(self.target, self.where)

    @cached_property
    def config(self) -> Mapping[str, Any]:
        """What its configuration says."""
        return self._read(hub.CONFIG)

    @property
    def in_chans(self) -> int:
        """Number of channels the network takes."""
        if self.channels:
            return self.channels
        inner = self.config.get("vision_config")
        said = self.config if not isinstance(inner, dict) else {**inner, **self.config}
        return int(said.get("num_channels") or (_timm(self.config).get("input_size") or (3,))[0])

    def identity(self) -> str:
        """Return the digest of the configuration, the weights or the seed, and the code that is trusted."""
        code = hub.contents(self.folder, "**/*.py") if self.trust else {}
        weights = self.draw if self.draw is not None else hub.contents(self.folder, "*.safetensors")
        made_of = hub.contents(self.folder, hub.CONFIG, PROCESSOR, PROCESSORS), code, weights
        more = [self.channels] if self.channels else []
        return digest("hf", installed("transformers", "timm", "torch"), *made_of, *more)

    def build(self) -> BuiltNetwork:
        """Return the network on the CPU. Raises UserError."""
        from reprcheck.models.torch import transformers_build

        self._refuse_other_code()
        module = transformers_build.build(self.folder, self.where, self.trust is not None, self.draw, self.code)
        mean, std, size = self._values()
        return BuiltNetwork(module, mean, std, size)

    def twin(self, k: int) -> TransformersNetwork:
        """Return the ``k``-th untrained twin."""
        return replace(self, draw=seed("twin", k))

    @cached_property
    def code(self) -> str:
        """What ``trust=`` must say: the commit of what came from a hub, or the digest of the code in a folder."""
        commit = self.folder.name
        if not hub.is_folder(self.target) and re.fullmatch(COMMIT, commit):
            return commit
        return digest(hub.contents(self.folder, "**/*.py"))

    def _refuse_other_code(self) -> None:
        if self.trust is None:
            return
        if self.trust != self.code:
            what = f"its code is at {self.code}, and {self.trust} is trusted: nothing of it was run"
            raise UserError(self.where, what, "read the code as it is, or name the revision that you read")
        elsewhere = [name for name in _named(self.config.get("auto_map")) if not re.fullmatch(BESIDE, name)]
        if elsewhere:
            place, dashes, _ = elsewhere[0].partition("--")
            which = "in another repository" if dashes else "outside of its folder"
            what = f"its code lies {which} ({clipped(place)}): nothing of it was run"
            raise UserError(self.where, what, "copy it beside the weights, and trust that folder")

    def _values(self) -> tuple[tuple[float, ...], tuple[float, ...], int | None]:
        """Return mean and standard deviation of pixels in [0, 1], and the side, as the image processor has them."""
        said, network = self._processor(), _timm(self.config)
        to_byte = 255 * float(said.get("rescale_factor", 1 / 255)) if said.get("do_rescale", True) else 255.0
        normalises = said.get("do_normalize", True)
        mean, std = (
            tuple(float(value) / to_byte for value in (said.get(f"image_{name}") or network.get(name) or (start,)))
            if normalises
            else (start / to_byte,)
            for name, start in (("mean", 0.0), ("std", 1.0))
        )
        if len(mean) not in (1, self.in_chans):  # of an image processor for another number of channels
            mean, std = (sum(mean) / len(mean),), (sum(std) / len(std),)
        size = said.get("crop_size") if said.get("do_center_crop") else said.get("size")
        return mean, std, _side(size) or _side(network.get("input_size")) or _side(self.config.get("image_size"))

    def _processor(self) -> Mapping[str, Any]:
        """Return what the image processor says."""
        inner = self._read(PROCESSORS).get("image_processor")
        return self._read(PROCESSOR) or (inner if isinstance(inner, dict) else {})

    def _read(self, name: str) -> Mapping[str, Any]:
        path = self.folder / name
        try:
            said = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise UserError(str(path), f"can't be read ({error})", "download it again") from None
        if not isinstance(said, dict):
            raise UserError(str(path), "is no JSON object", "download it again")
        return said


def _timm(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return how timm prepares images, where the network is one of timm's in transformers' clothes."""
    said = config.get("pretrained_cfg")
    return said if isinstance(said, dict) else {}


def _side(size: Any) -> int | None:
    if isinstance(size, dict):
        sides = [value for key in ("height", "width", "shortest_edge") if (value := size.get(key))]
        return int(sides[0]) if sides and len(set(sides)) == 1 else None
    if isinstance(size, list) and size:
        return int(size[-1])
    return size if isinstance(size, int) else None


def _named(auto_map: Any) -> list[str]:
    """Return the classes that a configuration names, nested as they may be."""
    values = list(auto_map.values()) if isinstance(auto_map, dict) else []
    return [name for value in values for name in (value if isinstance(value, list) else [value]) if name]
