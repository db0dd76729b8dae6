"""A pinned model: one whose vector of a known image was written down once, and is compared before it is judged again.

What a pin tells is whether weights, libraries and preparation still give what they gave when it was written: by the
authors of a release, or by whoever last checked. `PinnedModel` compares before the model sees its first image;
vectors from the cache were compared when they were computed, since the pin is part of their key.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from reprcheck.digest import digest, installed
from reprcheck.errors import UserError
from reprcheck.models.model import Model
from reprcheck.models.probe import probe_images, side_of
from reprcheck.models.repeat_check import TOLERANCE
from reprcheck.models.spec import Spec
from reprcheck.models.stand_in import StandIn
from reprcheck.types import Encoder, Image

SCHEMA = 1


@dataclass(frozen=True)
class Pin:
    """A known image's vector.

    Attributes
    ----------
    spec, model_digest : str
        Of the model when it was written; for people.
    channels : tuple of str
        Of the image: that of `probe_images` for their number and ``side``, the first one.
    side : int
    vector : tuple of float
    tolerance : float
        Of the vector's largest value.
    versions : str
        For people.
    schema : int
    """

    spec: str
    model_digest: str
    channels: tuple[str, ...]
    side: int
    vector: tuple[float, ...]
    tolerance: float
    versions: str
    schema: int = SCHEMA

    @classmethod
    def take(cls, model: Model, channels: Sequence[str]) -> Pin:
        """Ask a model for its vector of the known image. Raises UserError for a model that can't be asked."""
        encoder = model.on(channels).encoder(len(channels))
        side = side_of(encoder)
        vector = encoder.encode(_known(len(channels), side))[0]
        return cls(
            model.spec,
            model.digest,
            tuple(channels),
            side,
            tuple(float(f"{value:.6g}") for value in vector),
            TOLERANCE[getattr(getattr(encoder, "feed", None), "precision", "fp32")],
            installed("reprcheck", "torch", "timm"),
        )

    @classmethod
    def read(cls, path: Path) -> Pin:
        """Read a pin from its file. Raises UserError where it is none."""
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            pin = cls(
                **{**values, "channels": tuple(values["channels"]), "vector": tuple(map(float, values["vector"]))}
            )
        except FileNotFoundError:
            raise UserError(str(path), "no such file", "write it with reprcheck pin") from None
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise UserError(str(path), f"is no pin: {error}", "write it with reprcheck pin") from None
        if pin.schema != SCHEMA:
            raise UserError(str(path), f"version {pin.schema} isn't known", "read it with a newer reprcheck")
        return pin

    def text(self) -> str:
        """Return what its file holds."""
        return json.dumps(asdict(self), indent=1) + "\n"

    def compare(self, vector: NDArray[np.float32], where: str) -> None:
        """Compare a vector of the known image. Raises UserError with how far it is away."""
        expected = np.array(self.vector)
        remedy = "see what changed: weights, versions or options; if it is meant, write it anew with reprcheck pin"
        if vector.shape != expected.shape:
            what = f"the pinned vector has {len(expected)} numbers, this one {len(vector)}"
            raise UserError(where, what, remedy)
        largest = np.abs(expected).max()
        away = float(np.abs(vector - expected).max() / largest) if largest else float(np.abs(vector).max())
        if not away <= self.tolerance:
            what = f"the known image's vector is {away:.2g} of its largest value away from the pinned one"
            raise UserError(where, f"{what} ({self.tolerance:g} is allowed)", remedy)


class PinnedModel(StandIn):
    """A model that must give a known vector before it is asked anything else; its twins needn't.

    Parameters
    ----------
    inner : Model
    pin : Pin
    asked : Spec
        As it was asked for, with its pin.
    """

    def __init__(self, inner: Model, pin: Pin, asked: Spec) -> None:
        self.model, self.pin, self.asked = inner, pin, asked
        self.spec, self.name = str(asked), inner.name

    @property
    def inner(self) -> Model:
        """The model without its pin."""
        return self.model

    def code_key(self) -> str:
        """Return the digest of the code that makes the model's encoders."""
        return self.inner.code_key()

    def on(self, channels: Sequence[str]) -> Model:
        """Return the model as it is shown images with these channels, pinned."""
        bound = self.inner.on(channels)
        return self if bound is self.inner else PinnedModel(bound, self.pin, self.asked)

    def encoder(self, n_channels: int) -> Encoder:
        """Return the model as an encoder that compares first."""
        return PinnedEncoder(self.inner, n_channels, self.pin, self.asked.where)

    def notes(self, n_channels: int) -> tuple[str, ...]:
        """Return what must be told of the model, and that it is pinned."""
        return (*self.inner.notes(n_channels), "Pinned: the model gave the known vector before it was judged.")


class PinnedEncoder:
    """An encoder that compares the known image's vector before it encodes its first images."""

    def __init__(self, model: Model, n_channels: int, pin: Pin, where: str) -> None:
        self.model, self.pin, self.where = model, pin, where
        self.inner = model.encoder(n_channels)
        self.is_same_input = n_channels == len(pin.channels) and model.on(pin.channels) is model
        self.name, self._compared, self._turn = self.inner.name, False, Lock()

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the report must know."""
        return tuple(getattr(self.inner, "notes", ()))

    @property
    def thread_safe(self) -> bool:
        """Whether several threads may encode at once."""
        return bool(getattr(self.inner, "thread_safe", False))

    def digest(self) -> str:
        """Return the digest of the encoder and of what it must give."""
        return digest("pinned", self.inner.digest(), self.pin.channels, self.pin.side, self.pin.vector)

    def encode(self, images: Sequence[Image]) -> NDArray[np.float32]:
        """Return float32[N, D] for N images. Raises UserError where the model isn't the one that was pinned."""
        with self._turn:
            if not self._compared:
                names = self.pin.channels
                known = self.inner if self.is_same_input else self.model.on(names).encoder(len(names))
                self.pin.compare(known.encode(_known(len(names), self.pin.side))[0], self.where)
                self._compared = True
        return self.inner.encode(images)


def _known(n_channels: int, side: int) -> list[Image]:
    return probe_images(n_channels, side)[:1]
