"""The identity of a torch module in memory: its tensors, its architecture, its settings and its classes' source."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from reprcheck.digest import digest, file_digest, installed

LIBRARIES = ("torch", "timm", "torchvision")
"""Packages whose classes are told by their version."""


def state_digest(module: torch.nn.Module) -> str:
    """Return the digest of a module's parameters and buffers: names, dtypes, shapes and bytes."""
    return digest("state", [(name, str(t.dtype), list(t.shape), _bytes(t)) for name, t in sorted(_tensors(module))])


def module_digest(module: torch.nn.Module) -> str:
    """Return the digest of a module: its state, its printed architecture, plain settings and source code.

    The source is that of the files that define the classes of its submodules; what those files import is not followed.
    """
    made_of = (str(module), _settings(module), _sources(module), getattr(module, "code", None))
    return digest("module", installed(*LIBRARIES), state_digest(module), *made_of)


def _tensors(module: torch.nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    yield from module.named_parameters(remove_duplicate=False)
    yield from module.named_buffers(remove_duplicate=False)


def _bytes(tensor: torch.Tensor) -> NDArray[np.uint8]:
    flat = tensor.detach().cpu().contiguous().reshape(-1)
    return flat.view(torch.uint8).numpy() if flat.numel() else np.empty(0, np.uint8)


def _settings(module: torch.nn.Module) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return each submodule's plain attributes, which its printed form may leave out."""

    def plain(value: Any) -> bool:
        if isinstance(value, tuple | list):
            return all(plain(item) for item in value)
        return value is None or isinstance(value, bool | int | float | str)

    def of(part: torch.nn.Module) -> list[tuple[str, str]]:
        kept = {k: v for k, v in vars(part).items() if not k.startswith("_") and k != "training" and plain(v)}
        return [(key, repr(kept[key])) for key in sorted(kept)]

    return [(name, of(part)) for name, part in module.named_modules()]


def _sources(module: torch.nn.Module) -> list[str]:
    sources = set()
    for kind in {type(part) for part in module.modules()}:
        if kind.__module__.partition(".")[0] not in LIBRARIES:
            sources.add(_source(kind))
    return sorted(sources)


def _source(kind: type) -> str:
    try:
        path = Path(inspect.getsourcefile(kind) or "")
        return file_digest(path) if path.is_file() else digest(inspect.getsource(kind))
    except (TypeError, OSError):  # defined where no source is kept: the printed architecture has to do
        return digest(kind.__qualname__)
