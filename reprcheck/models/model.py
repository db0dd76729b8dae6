"""What every model can do, whatever its source: name itself, and make the encoders that a run compares.

`Model` is the contract; its sources are in `timm_source`, `demo_source`, `py_source`, `objects` and `emb`. `Feed` says
how pixels are prepared before a network sees them.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Literal, cast

import numpy as np
from numpy.typing import NDArray

from reprcheck.code import code_digest
from reprcheck.models import options
from reprcheck.models.channels import POLICIES, Policy
from reprcheck.models.spec import Spec
from reprcheck.types import Dataset, Encoder, Task

Architecture = Literal["resnet", "vit"]
"""Plain untrained networks: timm's ``resnet18`` and ``vit_tiny_patch16_224``."""

PLAIN_SIZE = 96
"""Side in pixels of what a plain network sees when the model has no input size of its own."""


@dataclass(frozen=True)
class Feed:
    """How pixels in [0, 1] are prepared for a network.

    Attributes
    ----------
    size : int or None
        Side in pixels that images are resized to (bilinear, antialiased). None: the size that the network insists on,
        if any, else the dataset's.
    normalise : {"model", "image"}
        Subtract the model's mean and divide by its standard deviation; or bring all that enters together (an image, or
        one channel of it under ``replicate``) to mean 0 and standard deviation 1.
    channels : {"native", "replicate"} or None
        The channel policy asked for.
    """

    size: int | None = None
    normalise: Literal["model", "image"] = "model"
    channels: Policy | None = None

    @classmethod
    def of(cls, spec: Spec) -> Feed:
        """Return what the SPEC's options ask for."""
        normalise = options.one_of(spec, "normalise", ("image",)) or "model"
        return cls(
            options.count(spec, "size"),
            cast(Literal["model", "image"], normalise),
            cast(Policy | None, options.one_of(spec, "channels", POLICIES)),
        )

    def sized(self, size: int | None) -> Feed:
        """Return the same at another size."""
        return replace(self, size=size)


@dataclass(frozen=True)
class Facts:
    """What decides which references a model gets. They take a built network to find out, so runs keep them.

    Attributes
    ----------
    batch_norm : bool
        The twins hold batch normalisation with running statistics, which can be calibrated.
    opaque : bool
        The twins could not be drawn honestly, and their ``notes`` say why.
    """

    batch_norm: bool = False
    opaque: bool = False


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

    @abstractmethod
    def encoder(self, n_channels: int) -> Encoder:
        """Return the model as an encoder of images with ``n_channels`` channels, under its channel policy.

        Raises
        ------
        UserError
            Where the policy asked for doesn't allow it, or the source has no network.
        """

    def notes(self, n_channels: int) -> tuple[str, ...]:
        """Return what must be told of how the model is shown such images: a sentence where not all channels at once."""
        return ()

    def notes_on(self, dataset: Dataset, task: Task) -> tuple[str, ...]:
        """Return what must be told of how the model is shown a task's images."""
        return self.notes(len(task.channels))

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

    def plain(self, n_channels: int, architecture: Architecture, k: int) -> Encoder:
        """Return a plain untrained network, ``untrained-resnet-{k}`` or ``untrained-vit-{k}``, fed as the model is.

        A model without a network of its own gets one that takes all channels at once, at `PLAIN_SIZE` pixels.
        """
        from reprcheck.models.timm_source import plain

        return plain(architecture, k, n_channels, n_channels, Feed(size=PLAIN_SIZE), None)


def safe(name: str) -> str:
    """Return a name that any file system takes.

    Examples
    --------
    >>> safe("timm/vit tiny?")
    'timm-vit-tiny'
    """
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.")[:80] or "model"


def name_of(spec: Spec) -> str:
    """Return the name a SPEC gives its model: its ``name`` option, else the target's own short name, and its seed."""
    given = options.text(spec, "name")
    if given:
        return safe(given)
    if "seed" in spec.options and spec.source in ("demo", "timm"):
        return safe(f"{spec.target or spec.source}-seed{spec.options['seed']}")
    if spec.source == "emb":
        return safe(Path(spec.target).stem)
    if spec.source == "py":
        module, _, factory = spec.target.rpartition(":")
        return safe(f"{Path(module).stem if module.endswith('.py') else module.rpartition('.')[2]}.{factory}")
    return safe(spec.target or spec.source)
