"""Untrained twins of torch modules: the same architecture, its weights drawn afresh from a seed.

A module that knows how to initialise itself (``reset_parameters``) does. Tensors that no module resets are redrawn from
a normal distribution with their own mean and standard deviation, and that is noted: such a twin keeps a trace of
training, the scale of those weights.

Beside them, what else makes a reference of a network: which of its layers hold batch normalisation, to be adapted
(`reprcheck.models.torch.adapted`), and its own weights shuffled.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy

import torch
from torch.nn.modules.batchnorm import _BatchNorm

from reprcheck.seeding import rng


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Draw from ``seed`` on the CPU inside, and leave the global generator as it was found."""
    with torch.random.fork_rng(devices=[]), torch.device("cpu"):
        torch.default_generator.manual_seed(seed)
        yield


def reinitialised(module: torch.nn.Module, seed: int) -> tuple[torch.nn.Module, tuple[str, ...]]:
    """Return a copy of a module with weights drawn from ``seed``, and notes on what wasn't drawn honestly.

    Parameters
    ----------
    module : torch.nn.Module
        On the CPU; left as it is.
    seed : int

    Returns
    -------
    torch.nn.Module
        Running statistics at mean 0 and variance 1.
    tuple of str
        Sentences; empty where every weight was reset by its own module.
    """
    twin = deepcopy(module)
    redrawn: list[str] = []
    constant: list[str] = []
    kept: list[str] = []
    with seeded(seed), torch.no_grad():
        for name, part in twin.named_modules():
            reset = getattr(part, "reset_parameters", None) or getattr(part, "_reset_parameters", None)
            if callable(reset):
                reset()
                continue
            for key, tensor in part.named_parameters(recurse=False):
                (redrawn if _redraw(tensor) else constant).append(f"{name}.{key}".lstrip("."))
            for key, tensor in part.named_buffers(recurse=False):
                if not _reset_statistic(key, tensor) and tensor.is_floating_point():
                    kept.append(f"{name}.{key}".lstrip("."))
    notes = (
        note(redrawn, "redrawn with the trained tensor's mean and standard deviation, no module resets it"),
        note(constant, "kept, a constant that no module resets"),
        note(kept, "kept, a buffer that no module resets"),
    )
    return twin, tuple(filter(None, notes))


def batch_norms(module: torch.nn.Module) -> list[_BatchNorm]:
    """Return the layers that normalise by running statistics: batch norm of any dimension, timm's and synchronised."""
    return [part for part in module.modules() if isinstance(part, _BatchNorm) and part.track_running_stats]


def shuffle(module: torch.nn.Module, k: int) -> None:
    """Permute every parameter within itself, in place, and every floating buffer; tensors shared are permuted once.

    Parameters
    ----------
    module : torch.nn.Module
        On the CPU.
    k : int
        Which permutation: it follows from ``k`` and the tensor's name.
    """
    buffers = [(name, tensor) for name, tensor in module.named_buffers() if tensor.is_floating_point()]
    with torch.no_grad():
        for name, tensor in [*module.named_parameters(), *buffers]:
            order = torch.from_numpy(rng("shuffled", k, name).permutation(tensor.numel()))
            tensor.copy_(tensor.flatten()[order].view(tensor.shape))


def _redraw(tensor: torch.Tensor) -> bool:
    """Redraw a tensor in place, unless all its values are one."""
    if not tensor.is_floating_point() or tensor.numel() < 2 or not tensor.std() > 0:
        return False
    mean, sd = tensor.float().mean(), tensor.float().std()
    tensor.copy_(torch.randn(tensor.shape) * sd + mean)
    return True


def _reset_statistic(key: str, tensor: torch.Tensor) -> bool:
    start = {"running_mean": 0.0, "running_var": 1.0}.get(key)
    if start is not None:
        tensor.fill_(start)
    return start is not None


def note(names: list[str], what: str) -> str:
    """Return a sentence on tensors of a twin, of which the first is named; "" for none."""
    if not names:
        return ""
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"untrained twin: {names[0]}{more} {what}"
