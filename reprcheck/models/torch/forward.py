"""Pixels in, vectors out: the forward pass. The one place that runs a network.

All batches of images of one shape have one size, the last one padded with zeros, so that a vector doesn't depend on how
many images came along. Everything is float32, TF32 is off and cuDNN deterministic; a SPEC may ask for half the bits. On
a CPU a batch is small enough for the caches and runs on one core, and several batches side by side, of one network or
of several: cores that wait for each other within one small network are slow, on a shared machine very slow; and sums
don't depend on how many cores there are. Measured on two cores with three networks at 224 pixels, batches of 8 take 0.6
to 0.9 of the time of batches of 32, and a convolutional network whose channels lie last in memory 0.85 to 0.98 of that.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.parameter import is_lazy

from reprcheck.errors import UserError
from reprcheck.models.channels import ChannelPlan
from reprcheck.models.failure import users_code
from reprcheck.models.files_read import only_known
from reprcheck.models.network import Network
from reprcheck.models.preprocessing import Preprocessing
from reprcheck.models.readout import Readout
from reprcheck.models.repeat_check import RepeatCheck
from reprcheck.models.torch.device import device
from reprcheck.models.torch.preparation import Preparation
from reprcheck.models.torch.readout import NetworkReader
from reprcheck.models.torch.rescaling import rescaling, weight_layers
from reprcheck.models.torch.twins import batch_norms
from reprcheck.turns import running, turn

BATCH = 32
"""Images per forward pass on an accelerator."""
CPU_BATCH = 8
"""Images per forward pass on a CPU."""
PIXELS = BATCH * 384 * 384
"""Most pixels per channel and forward pass: larger images go in smaller batches."""
DEVICE_TURN = threading.Lock()
"""Held while a network runs on an accelerator, which takes one at a time."""
BUILD_TURN = threading.Lock()
"""Held while a network is built: weights are drawn from one generator, which belongs to the whole process."""
HALF = {"bf16": torch.bfloat16, "fp16": torch.float16}
"""What torch casts to, where a SPEC asks for less than float32."""


class Runner:
    """A built network on its device.

    Parameters
    ----------
    network : Network
    feed : Preprocessing
    plan : ChannelPlan
    readout : Readout

    Raises
    ------
    UserError
        For a network that can't be built, or a device that isn't there.
    """

    def __init__(self, network: Network, feed: Preprocessing, plan: ChannelPlan, readout: Readout) -> None:
        self.where, self.made_of = network.where, network.made_of
        self.repeats = network.in_chans if plan.policy == "replicate" else 1
        self.repeat_check = RepeatCheck(network.where, feed.precision)
        self.half = HALF.get(feed.precision)
        with BUILD_TURN:
            built = network.build()
        self.device = device()
        self.prepare = Preparation(feed, built, self.repeats, network.in_chans, self.device, network.where)
        self.size = self.prepare.size
        self.at_once = CPU_BATCH if self.device.type == "cpu" else BATCH
        self.layout = torch.channels_last if network.made_of is None else torch.contiguous_format
        self.module = built.module.eval().float().to(self.device).to(memory_format=self.layout)
        told = {feed.names_as: feed.names} if feed.names_as else None
        self.read = NetworkReader(self.module, readout, network.where, told)
        tensors = (*self.module.parameters(), *self.module.buffers())
        self.n_bytes = sum(tensor.nbytes for tensor in tensors if not is_lazy(tensor))

    @torch.inference_mode()
    def __call__(self, planes: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Return float32[N, D] for N planes float32[1 or in_chans, H, W].

        Raises
        ------
        UserError
            For a network that raises or doesn't return one vector per image, or whose vectors aren't each of one image.
        """
        n = min(self.at_once, batch_size(planes[0].shape[-2:], self.size))
        with one_core() if self.device.type == "cpu" else turn(DEVICE_TURN), precise:
            vectors = np.concatenate([self._batch(planes[i : i + n], n) for i in range(0, len(planes), n)])
            self.repeat_check.check(vectors, lambda: self._batch(planes[:1], 1))
            return vectors

    @torch.inference_mode()
    def adapt(self, planes: Iterable[NDArray[np.float32]]) -> None:
        """Set the running statistics of batch normalisation to averages over batches of planes, seen once.

        Only these layers are in training mode meanwhile. Batches have one size and no padding: what doesn't fill the
        last one is left out, unless there is no other.

        Parameters
        ----------
        planes : iterable of float32[1 or in_chans, H, W]
            Two at least.
        """
        norms = batch_norms(self.module)
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum, norm.training = None, True  # not norm.train(): timm's hold a dropout
        self._show(whole_batches(planes, self.size))
        for norm in norms:
            norm.training = False

    @torch.inference_mode()
    def rescale(self, planes: Iterable[NDArray[np.float32]]) -> None:
        """Rescale the weights, layer by layer, by what the first whole batch of planes makes of them.

        In float32, whatever is computed in afterwards: what is to be mended might vanish or overflow in less.

        Parameters
        ----------
        planes : iterable of float32[1 or in_chans, H, W]
            Two at least.
        """
        half, self.half = self.half, None
        with rescaling(self.module):
            self._show(islice(whole_batches(planes, self.size), 1))
        self.half = half

    def adapt_as(self, other: Runner) -> None:
        """Take over what another runner's network was adapted to: statistics of batch norm, rescaled weights."""
        for mine, theirs in zip(_adaptable(self.module), _adaptable(other.module), strict=True):
            mine.load_state_dict(theirs.state_dict())

    def _show(self, batches: Iterable[Sequence[NDArray[np.float32]]]) -> None:
        with one_core() if self.device.type == "cpu" else DEVICE_TURN, precise:
            for batch in batches:
                with running():  # what is shown before is counted as a batch; building and reading aren't
                    self._run(np.stack(batch))

    def _batch(self, planes: Sequence[NDArray[np.float32]], n: int) -> NDArray[np.float32]:
        pixels = np.zeros((n, *planes[0].shape), np.float32)
        pixels[: len(planes)] = planes
        return self._vectors(pixels)[: len(planes)]

    def _vectors(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return float32[N, D]; where an accelerator's memory is short, of half as many at a time from then on."""
        while True:
            n = min(self.at_once, len(pixels))
            parts = [pixels[i : i + n] for i in range(0, len(pixels), n)]
            try:
                return np.concatenate([self._run(part).float().cpu().numpy() for part in parts])
            except UserError as error:
                if n == 1 or not isinstance(error.__cause__, torch.OutOfMemoryError):
                    raise
            self.at_once = (n + 1) // 2
            if self.device.type == "cuda":
                torch.cuda.empty_cache()

    def _run(self, pixels: NDArray[np.float32]) -> torch.Tensor:
        with (
            users_code(self.where, "the model", "run it on one image by hand"),
            only_known(self.made_of, self.where),
        ):
            x = self.prepare(torch.from_numpy(pixels).to(self.device)).contiguous(memory_format=self.layout)
            with torch.autocast(self.device.type, self.half, enabled=self.half is not None, cache_enabled=False):
                vectors = self.read(x)
            return (
                vectors if len(x) == len(pixels) else vectors.float().reshape(len(pixels), -1, vectors.shape[1]).mean(1)
            )


def _adaptable(module: torch.nn.Module) -> list[torch.nn.Module]:
    return [*batch_norms(module), *weight_layers(module)]


def batch_size(shape: tuple[int, ...], size: int | None) -> int:
    """Return the most images per batch for images of (H, W), resized to ``size`` if given."""
    return max(1, min(BATCH, PIXELS // max(math.prod(shape), (size or 1) ** 2)))


def whole_batches(planes: Iterable[NDArray[np.float32]], size: int | None) -> Iterator[Sequence[NDArray[np.float32]]]:
    """Yield planes in batches of the usual size, two at least; a last one that isn't full only where it is the first.

    Parameters
    ----------
    planes : iterable of float32[C, H, W]
        Of one shape.
    size : int or None
        Side in pixels that they will be resized to.
    """
    batch: list[NDArray[np.float32]] = []
    first = True
    for plane in planes:
        batch.append(plane)
        if len(batch) == max(2, batch_size(plane.shape[-2:], size)):
            yield batch
            batch, first = [], False
    if batch and first:
        yield batch


class _Shared:
    """Settings of the whole process while any thread is inside: made by the first, put back by the last."""

    def __init__(self, make: Callable[[], AbstractContextManager[None]]) -> None:
        self.make, self.lock, self.inside, self.settings = make, threading.Lock(), 0, ExitStack()

    def __enter__(self) -> None:
        with self.lock:
            if not self.inside:
                self.settings.enter_context(self.make())
            self.inside += 1

    def __exit__(self, *raised: object) -> None:
        with self.lock:
            self.inside -= 1
            if not self.inside:
                self.settings.close()


@contextmanager
def _remember_cores() -> Iterator[None]:
    """Note how many cores torch had, and give this thread as many again."""
    global _cores_before
    _cores_before = torch.get_num_threads()
    yield
    torch.set_num_threads(_cores_before)


@contextmanager
def _precise() -> Iterator[None]:
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False):
            yield
    finally:
        torch.set_float32_matmul_precision(before)


_cores_before = 1
_remembering = _Shared(_remember_cores)
precise = _Shared(_precise)
"""Computes in true float32, and with deterministic convolutions, inside; restores the settings afterwards."""


@contextmanager
def one_core() -> Iterator[None]:
    """Keep torch to one core in this thread, inside; torch counts cores by thread, and for new threads together."""
    with _remembering:
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(_cores_before)
