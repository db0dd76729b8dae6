"""What is taken from a network as an image's vector: the method that is called, a part of its output, how it is pooled.

One declaration for every source of networks: `READOUT` names its options, `Readout.of` reads them from a SPEC. The
network's own default, with nothing declared, is one vector per image from ``forward``. What is declared is part of the
model's identity, and untrained networks of its architecture are read in the same way.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal, cast, get_args

from reprcheck.models import options
from reprcheck.models.spec import Spec

Pool = Literal["cls", "mean", "cls+mean", "map"]
POOLS: tuple[Pool, ...] = get_args(Pool)
"""The first token; the mean of the tokens behind the prefix, or of a feature map; both side by side; the network's own
attention pooling."""


@dataclass(frozen=True)
class Readout:
    """What is taken from a network.

    Attributes
    ----------
    method : str or None
        Called with the images in place of the network itself: ``forward_features``, ``encode_image``, ``predict``.
    features : str or None
        A layer by its name in the network (``blocks.5``), whose output is taken instead of the network's.
    key : str or None
        A part of what was returned: a key of a dict, a place in a tuple, an attribute of an object; dots lead on.
    pool : {"cls", "mean", "cls+mean", "map"} or None
        How tokens or a feature map become one vector.
    prefix_tokens : int or None
        Tokens before those of patches (class token and registers), where the network itself doesn't say.
    """

    method: str | None = None
    features: str | None = None
    key: str | None = None
    pool: Pool | None = None
    prefix_tokens: int | None = None

    @classmethod
    def of(cls, spec: Spec) -> Readout:
        """Return what the SPEC's options declare. Raises UserError for a value that none of them can have."""
        method = options.text(spec, "method")
        return cls(
            None if method == "forward" else method,
            options.text(spec, "features"),
            options.text(spec, "key"),
            cast(Pool | None, options.one_of(spec, "pool", POOLS)),
            options.count(spec, "prefix_tokens", least=0),
        )

    @property
    def declared(self) -> tuple[str, ...]:
        """What makes vectors differ, as a SPEC has it: ``("method=forward_features", "pool=cls")``."""
        values = ((field.name, getattr(self, field.name)) for field in fields(self))
        return tuple(f"{name}={value}" for name, value in values if value is not None)


READOUT = tuple(field.name for field in fields(Readout))
"""The options of a SPEC that `Readout.of` reads."""
