"""Models that aren't torch modules: callables on numpy arrays, and objects that are encoders already.

Both get images at the dataset's size, in [0, 1]. What they return is checked here, so that a mistake is one line.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reprcheck.code import code_digest
from reprcheck.digest import digest
from reprcheck.errors import UserError
from reprcheck.models.channels import NAMED, NATIVE, ChannelPlan, by_place, choose, joined
from reprcheck.models.failure import users_code
from reprcheck.models.files_read import only_known
from reprcheck.models.identity import Identity
from reprcheck.models.model import Model
from reprcheck.models.repeat_check import RepeatCheck
from reprcheck.models.second_build import SecondBuild
from reprcheck.seeding import seed
from reprcheck.types import Encoder, Image

BATCH = 32
"""Images per call of a callable, always: the last batch is filled up with its last image."""

ArrayFunction = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""float32[N, C, H, W] to float32[N, D]."""


class CallableModel(Model):
    """A callable on numpy arrays.

    Parameters
    ----------
    spec, name, where : str
    function : callable
        float32[N, C, H, W] in [0, 1] to float32[N, D]; with a method ``untrained(seed)``, which returns such a
        callable, it has untrained twins.
    identity : str
        Digest of what the callable is made of.
    in_chans : int or None
        Channels it takes; None: any.
    channels : str or None
        The channel policy asked for.
    roles : tuple of str
        What the channels it takes are.
    made_of : Identity or None
        What it may read and import while it runs; None: anything.
    again : SecondBuild or None
        What makes it once more, to know that it is the same.
    told : tuple of str
        What must be told of it: sentences.
    """

    def __init__(
        self,
        spec: str,
        name: str,
        where: str,
        function: ArrayFunction,
        identity: str,
        in_chans: int | None = None,
        channels: str | None = None,
        roles: tuple[str, ...] = (),
        made_of: Identity | None = None,
        again: SecondBuild | None = None,
        told: tuple[str, ...] = (),
    ) -> None:
        self.spec, self.name, self.where, self.function = spec, name, where, function
        self.identity, self.in_chans, self.made_of, self.told = identity, in_chans, made_of, told
        self.channels, self.roles, self.again = channels, roles, again

    @cached_property
    def digest(self) -> str:
        """Digest of what the callable is made of."""
        return digest("model", "callable", self.identity, self.in_chans, self.channels, *self.roles)

    def on(self, channels: Sequence[str]) -> Model:
        """Return the same, with the channels that it is asked to be shown by their places."""
        return _on(self, channels)

    def encoder(self, n_channels: int) -> Encoder:
        """Return the callable as an encoder."""
        return self._encoder(self.name, self.function, self.identity, n_channels, self.again)

    def notes(self, n_channels: int) -> tuple[str, ...]:
        """Return what must be told of the callable."""
        return self.told

    def untrained(self, n_channels: int, k: int) -> Encoder | None:
        """Return the callable's own ``untrained(seed)``, or None."""
        own = getattr(self.function, "untrained", None)
        if not callable(own):
            return None
        draw = seed("twin", k)
        with only_known(self.made_of, self.where):
            function = _untrained(own, draw, self.where)
        return self._encoder(f"untrained-{k}", function, digest(self.identity, "draw", draw), n_channels)

    def _encoder(
        self, name: str, function: ArrayFunction, identity: str, n_channels: int, again: SecondBuild | None = None
    ) -> CallableEncoder:
        plan = choose(self.in_chans, n_channels, self.channels, self.where)
        return CallableEncoder(name, self.where, function, identity, plan, self.in_chans or 1, self.made_of, again)


class CallableEncoder:
    """A callable on numpy arrays under a channel policy."""

    notes: tuple[str, ...] = ()

    def __init__(
        self,
        name: str,
        where: str,
        function: ArrayFunction,
        identity: str,
        plan: ChannelPlan,
        repeats: int,
        made_of: Identity | None = None,
        again: SecondBuild | None = None,
    ) -> None:
        self.name, self.where, self.function, self.identity = name, where, function, identity
        self.plan, self.repeats, self.made_of, self.again = plan, repeats, made_of, again
        self.steady = RepeatCheck(where)

    def digest(self) -> str:
        """Return the digest of what the callable is made of and of the channel policy."""
        return digest("encoder", "callable", code_digest(__name__), self.identity, *self.plan.key, self.repeats)

    def encode(self, images: Sequence[Image]) -> NDArray[np.float32]:
        """Return float32[N, D] for N images.

        Raises
        ------
        UserError
            Where the callable raises, returns another shape, or its vectors aren't each of one image.
        """
        if not images:
            return np.empty((0, 0), np.float32)
        if self.again is not None and self.made_of is not None:
            self.again.check_callable(self.function, self.made_of.digest)
        shown = self.plan.planes(images)
        found = np.concatenate([self._batch(shown[i : i + BATCH]) for i in range(0, len(shown), BATCH)])
        self.steady.check(found, lambda: self._batch(shown[:1]))
        return joined(found, len(images))

    def _batch(self, shown: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        pixels = np.stack([*shown, *[shown[-1]] * (BATCH - len(shown))])
        if self.plan.policy == "replicate":
            pixels = np.repeat(pixels, self.repeats, axis=1)
        with (
            users_code(self.where, "the model", "run it on one image by hand"),
            only_known(self.made_of, self.where),
        ):
            out = self.function(pixels)
        return _checked(out, BATCH, self.where)[: len(shown)]


class EncoderModel(Model):
    """An object that is an encoder: it has ``digest()`` and ``encode(images)``, as `reprcheck.types.Encoder` says.

    Its digest tells its state; ``code`` is the digest of its source and of what that imports.

    ``input.channels``, where it has one, is the number of channels it takes; ``untrained(seed)``, where it has one,
    returns an encoder.
    """

    def __init__(
        self,
        spec: str,
        name: str,
        where: str,
        inner: Encoder,
        code: str,
        in_chans: int | None = None,
        channels: str | None = None,
        roles: tuple[str, ...] = (),
    ) -> None:
        self.spec, self.name, self.where, self.inner, self.code = spec, name, where, inner, code
        self.channels, self.roles = channels, roles
        self.in_chans = in_chans or getattr(getattr(inner, "input", None), "channels", None)

    @cached_property
    def digest(self) -> str:
        """The encoder's own digest, and the channel policy."""
        own = _own_digest(self.inner, self.where)
        return digest("model", "encoder", own, self.code, self.in_chans, self.channels, *self.roles)

    def on(self, channels: Sequence[str]) -> Model:
        """Return the same, with the channels that it is asked to be shown by their places."""
        return _on(self, channels)

    def encoder(self, n_channels: int) -> Encoder:
        """Return the encoder under the channel policy."""
        return self._encoder(self.name, self.inner, n_channels)

    def untrained(self, n_channels: int, k: int) -> Encoder | None:
        """Return the encoder's own ``untrained(seed)``, or None."""
        own = getattr(self.inner, "untrained", None)
        if not callable(own):
            return None
        twin = _untrained(own, seed("twin", k), self.where)
        if not is_encoder(twin):
            what = f"untrained(seed) returned {type(twin).__name__}"
            raise UserError(self.where, what, "return an object with digest() and encode(images)")
        return self._encoder(f"untrained-{k}", twin, n_channels)

    def _encoder(self, name: str, inner: Encoder, n_channels: int) -> CheckedEncoder:
        plan = choose(self.in_chans, n_channels, self.channels, self.where)
        return CheckedEncoder(name, self.where, inner, self.code, plan, self.in_chans or 1)


class CheckedEncoder:
    """A user's encoder under a channel policy, its answers checked."""

    def __init__(self, name: str, where: str, inner: Encoder, code: str, plan: ChannelPlan, repeats: int) -> None:
        self.name, self.where, self.inner, self.code = name, where, inner, code
        self.plan, self.repeats = plan, repeats
        self.steady = RepeatCheck(where)

    @property
    def notes(self) -> tuple[str, ...]:
        """The encoder's own notes, where it has any."""
        return tuple(getattr(self.inner, "notes", ()))

    def digest(self) -> str:
        """Return the digest of the encoder's own, of its code and of the channel policy."""
        own = _own_digest(self.inner, self.where)
        return digest("encoder", "encoder", code_digest(__name__), own, self.code, *self.plan.key, self.repeats)

    def encode(self, images: Sequence[Image]) -> NDArray[np.float32]:
        """Return float32[N, D] for N images.

        Raises
        ------
        UserError
            Where the encoder raises, returns another shape, or its vectors aren't each of one image.
        """
        shown = images if self.plan == NATIVE else [self._shown(plane) for plane in self.plan.planes(images)]
        found = self._encoded(shown)
        if images:
            self.steady.check(found, lambda: self._encoded(shown[:1]))
        return joined(found, len(images))

    def _encoded(self, shown: Sequence[Image]) -> NDArray[np.float32]:
        with users_code(self.where, "the model", "run it on one image by hand"):
            out = self.inner.encode(shown)
        return _checked(out, len(shown), self.where)

    def _shown(self, plane: NDArray[np.float32]) -> Image:
        return Image(np.repeat(plane, self.repeats, axis=0) if self.plan.policy == "replicate" else plane)


def _on(model: CallableModel | EncoderModel, channels: Sequence[str]) -> Model:
    asked = model.channels or ""
    if asked.partition(":")[0] not in NAMED:
        return model
    bound = copy(model)
    bound.channels = by_place(asked, channels, model.roles, model.where)
    return bound


def is_encoder(thing: object) -> bool:
    """Say whether an object has what an encoder needs."""
    return callable(getattr(thing, "encode", None)) and callable(getattr(thing, "digest", None))


def _own_digest(encoder: Encoder, where: str) -> str:
    with users_code(where, "digest()", "call it by hand"):
        found = encoder.digest()
    if not isinstance(found, str) or not found:
        raise UserError(where, f"digest() returned {found!r}", "return a text that changes with the weights")
    return found


def _untrained(own: Callable[[int], Any], draw: int, where: str) -> Any:
    with users_code(where, "untrained(seed)", "call it with a whole number by hand"):
        return own(draw)


def _checked(out: object, n: int, where: str) -> NDArray[np.float32]:
    if not isinstance(out, np.ndarray):
        raise UserError(where, f"wrong output: {type(out).__name__}; expected float32[{n}, D]", "return a numpy array")
    if out.ndim != 2 or len(out) != n or not out.shape[1] or out.dtype.kind != "f":
        what = f"wrong output shape: {out.dtype}{list(out.shape)}; expected float32[{n}, D] for {n} images"
        raise UserError(where, what, "return one vector of floats per image")
    return out.astype(np.float32, copy=False)
