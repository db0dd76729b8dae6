"""What every model can do, whatever its source: name itself, and make the encoders that a run compares.

`Model` is the contract. Models come from a `reprcheck.models.sources.source.Source`, or from an object (`objects`).
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from reprcheck.code import code_digest
from reprcheck.models.preprocessing import Input, Preprocessing
from reprcheck.types import Dataset, Encoder, Task

PLAIN_SIZE = 96
"""Side in pixels of what a plain network sees when the model has no input size of its own."""


@dataclass(frozen=True)
class Facts:
    """What decides which references a model gets. They take a built network to find out, so runs keep them.

    Attributes
    ----------
    batch_norm : bool
        The twins hold batch normalisation with running statistics, which can be adapted.
    opaque : bool
        The twins could not be drawn honestly, and their ``notes`` say why.
    size : int or None
        Side in pixels that the architecture insists on, where it does.
    """

    batch_norm: bool = False
    opaque: bool = False
    size: int | None = None


class Model(ABC):
    """A model under test.

    Attributes
    ----------
    spec : str
        The SPEC in full, or what the object is.
    name : str
        Short and safe as a file name; never an identity.
    """

    spec: str
    name: str
    embeds_images: ClassVar[bool] = True
    """Whether it can be shown images other than those of the dataset."""

    @cached_property
    @abstractmethod
    def digest(self) -> str:
        """Digest of weights, architecture and preprocessing, for the scorecard; not of the code that runs it."""

    def code_key(self) -> str:
        """Return the digest of the code that makes its encoders."""
        return code_digest(type(self).__module__)

    def on(self, channels: Sequence[str]) -> Model:
        """Return the model as it is shown images with these channels; itself, unless it asks for some by name.

        Raises
        ------
        UserError
            Where there is no channel of a name that it asks for.
        """
        return self

    @abstractmethod
    def encoder(self, n_channels: int) -> Encoder:
        """Return the model as an encoder of images with ``n_channels`` channels, under its channel policy.

        Raises
        ------
        UserError
            Where the policy asked for doesn't allow it, or the source has no network.
        """

    @property
    def evens_brightness(self) -> bool:
        """Whether images are normalised one by one, so that how bright one is doesn't reach the model."""
        return False

    def in_range(self, low: float, high: float) -> Model | None:
        """Return the model fed values in another range; None where it can't be, or a range was asked for."""
        return None

    def notes(self, n_channels: int) -> tuple[str, ...]:
        """Return what must be told of how the model is shown such images: a sentence where not all channels at once."""
        return ()

    def notes_on(self, dataset: Dataset, task: Task) -> tuple[str, ...]:
        """Return what must be told of how the model is shown a task's images."""
        channels = [dataset.channels[channel] for channel in task.channels]
        return self.on(channels).notes(len(channels))

    def vectors(self, dataset: Dataset) -> NDArray[np.float32] | None:
        """Return vectors computed elsewhere, float32[N, D] in the order of ``dataset.ids``; None for a network."""
        return None

    @abstractmethod
    def untrained(self, n_channels: int, k: int) -> Encoder | None:
        """Return the ``k``-th untrained twin, ``untrained-{k}``; None where the model can't be initialised afresh.

        The twin's ``notes`` (tuple of str) say what could not be initialised honestly.
        """

    def facts(self) -> Facts:
        """Return what is known of the untrained twins; a model without a network of torch holds nothing to know."""
        return Facts()

    def shuffled(self, n_channels: int, k: int) -> Encoder | None:
        """Return the trained network with each tensor permuted within itself, ``shuffled-{k}``; None without one."""
        return None

    def input(self, n_channels: int) -> Input:
        """Return what a plain untrained network is to take, beside this model, of images with ``n_channels`` channels.

        Without a network of its own: all channels at once, at `PLAIN_SIZE` pixels.
        """
        return Input(n_channels, Preprocessing(size=PLAIN_SIZE))


def safe(name: str) -> str:
    """Return a name that any file system takes.

    Examples
    --------
    >>> safe("timm/vit tiny?")
    'timm-vit-tiny'
    """
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.")[:80] or "model"
