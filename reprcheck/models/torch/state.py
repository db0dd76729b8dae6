"""What a thing of torch is made of: the bytes of tensors, the parts of modules, the archive of compiled ones."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.parameter import is_lazy

from reprcheck.digest import digest
from reprcheck.models.own_code import UnknownIdentityError

Parts = list[tuple[str, Any]]
"""Name and value of each."""

PASSING = re.compile(rb"___torch_mangle_\d+\.|reprcheck_model_\w+")
"""Names in a compiled module that depend on what a process compiled before, and on where a file lies."""

OPERATORS = ("aten.", "prims.", "quantized.", "torchvision.")
"""Operators that a version of torch tells; others are somebody's own."""


def state_digest(module: torch.nn.Module) -> str:
    """Return the digest of a module's parameters and buffers: names, dtypes, shapes and bytes."""
    return digest("state", [(name, str(t.dtype), list(t.shape), _bytes(t)) for name, t in sorted(_tensors(module))])


def differing(module: object, other: object) -> list[str]:
    """Return the parameters and buffers that two modules of one kind don't share, by name; none of anything else."""
    if not isinstance(module, torch.nn.Module) or not isinstance(other, torch.nn.Module):
        return []
    theirs = dict(_tensors(other))
    return [
        name
        for name, tensor in _tensors(module)
        if not is_lazy(tensor) and (name not in theirs or not np.array_equal(_bytes(tensor), _bytes(theirs[name])))
    ]


def torch_parts(value: object) -> Parts | None:
    """Return what a thing of torch is made of; None for anything else, and for what is made of its attributes.

    Raises
    ------
    Untold
        For a generator, and for a tensor that holds no bytes or not in rows.
    """
    if isinstance(value, torch.Tensor):
        return _tensor(value)
    if isinstance(value, torch.jit.ScriptModule | torch.jit.ScriptFunction):
        return _archive(value)
    if isinstance(value, torch.nn.Module):
        return _module(value)
    if isinstance(value, torch.Generator):
        raise UnknownIdentityError("is a random generator, whose state running changes")
    if isinstance(value, torch._ops.OpOverload | torch._ops.OpOverloadPacket) and str(value).startswith(OPERATORS):
        return [("operator", str(value))]
    if isinstance(value, torch.device):  # where a network runs is no part of what it is
        return []
    return None


def _module(module: torch.nn.Module) -> Parts:
    held = dict(vars(module))
    compiled = held.get("_orig_mod")
    if compiled is not None:
        return [("compiled", compiled)]
    if isinstance(module, torch.fx.GraphModule):
        del held["_graph"]  # the code that it was written as is there too
    hooks = {name: held.pop(name) for name in list(held) if "hooks" in name and isinstance(held[name], dict)}
    keys = sorted({key for some in hooks.values() for key in some})  # counted up over all modules of a process
    ordered = {name: [(keys.index(key), hook) for key, hook in some.items()] for name, some in hooks.items()}
    return sorted({**held, **ordered}.items())


def _tensor(tensor: torch.Tensor) -> Parts:
    about: Parts = [("dtype", str(tensor.dtype)), ("shape", tuple(tensor.shape))]
    own = vars(tensor) if type(tensor) not in (torch.Tensor, torch.nn.Parameter) else {}
    try:
        if tensor.layout == torch.sparse_coo:
            packed = tensor.detach().coalesce()
            return [*about, ("indices", packed.indices()), ("values", packed.values())]
        if tensor.is_quantized:
            return [*about, ("scheme", str(tensor.qscheme())), ("values", tensor.detach().dequantize())]
        return [*about, ("bytes", _bytes(tensor)), *sorted(own.items())]
    except (RuntimeError, NotImplementedError, TypeError) as error:
        raise UnknownIdentityError(
            f"is a tensor of {tensor.dtype} on {tensor.device}, whose bytes can't be read"
        ) from error


def _archive(compiled: Any) -> Parts:
    """Return the files that a compiled module would be saved as, but for those on where its source lay."""
    with zipfile.ZipFile(io.BytesIO(compiled.save_to_buffer())) as archive:
        names = [name for name in archive.namelist() if not name.endswith((".debug_pkl", "/serialization_id"))]
        parts = [(PASSING.sub(b"", name.encode()).decode(), PASSING.sub(b"", archive.read(name))) for name in names]
    return sorted(parts)


def _tensors(module: torch.nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    yield from module.named_parameters(remove_duplicate=False)
    yield from module.named_buffers(remove_duplicate=False)


def _bytes(tensor: torch.Tensor) -> NDArray[np.uint8]:
    flat = tensor.detach().cpu().resolve_conj().resolve_neg().contiguous().reshape(-1)
    return flat.view(torch.uint8).numpy() if flat.numel() else np.empty(0, np.uint8)
