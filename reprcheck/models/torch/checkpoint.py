"""Checkpoint files: read without unpickling code, and loaded strictly, so that no weight is left at its random draw."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import takewhile
from pathlib import Path

import torch
from safetensors.torch import load_file

from reprcheck.errors import UserError
from reprcheck.models.failure import because, listed

WRAPPERS = ("state_dict", "model")
"""Keys under which training scripts keep the tensors."""

PREFIXES = ("module", "teacher", "student", "backbone", "encoder", "model", "_orig_mod")
"""What training scripts put before the names of a network's tensors, one behind the other."""

Tensors = Mapping[str, torch.Tensor]


def read(path: Path) -> dict[str, torch.Tensor]:
    """Return the tensors of a ``.safetensors`` file, or of any other as ``torch.save`` wrote it.

    Raises
    ------
    UserError
        For a file that can't be read, holds anything but plain tensors, or would have to be unpickled.
    """
    try:
        if path.suffix == ".safetensors":
            return dict(load_file(path))
        found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        what = f"can't be read as weights: {because(error)}"
        raise UserError(str(path), what, "save the state_dict as .safetensors") from None
    for key in WRAPPERS:
        if isinstance(found, Mapping) and isinstance(found.get(key), Mapping):
            found = found[key]
    if not isinstance(found, Mapping) or not all(isinstance(value, torch.Tensor) for value in found.values()):
        raise UserError(str(path), "isn't a mapping of names to tensors", "save the model's state_dict")
    return {str(key): value for key, value in found.items()}


def without(tensors: Tensors, classifier: str | tuple[str, ...] | None) -> dict[str, torch.Tensor]:
    """Return the tensors but those of the classifier, named as in timm's configuration."""
    names = (classifier,) if isinstance(classifier, str) else tuple(classifier or ())
    return {key: value for key, value in tensors.items() if not key.startswith(tuple(f"{name}." for name in names))}


def below(tensors: Tensors, prefix: str, module: torch.nn.Module, path: Path) -> dict[str, torch.Tensor]:
    """Return the tensors whose keys begin with a prefix, without it; the others belong to something else.

    Raises
    ------
    UserError
        Where none does; or, without a prefix, where the module's tensors are below one that training scripts write.
    """
    if prefix:
        found = {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}
        if not found:
            what = f"none of its {len(tensors)} keys begins with {prefix!r}"
            raise UserError(str(path), what, f"they begin like {next(iter(tensors), 'nothing')}")
        return found
    wanted = module.state_dict().keys()
    if not wanted & tensors.keys():
        counts = Counter(begin for key in tensors if (begin := _wrapping(key)) and key.removeprefix(begin) in wanted)
        if counts:
            begin = counts.most_common(1)[0][0]
            n = sum(key.startswith(begin) for key in tensors)
            what = f"{n} of its {len(tensors)} keys begin with {begin!r}, as training scripts write them"
            raise UserError(str(path), what, f"add prefix={begin} to take these")
    return dict(tensors)


def _wrapping(key: str) -> str:
    """Return the known prefixes that a key begins with: ``teacher.backbone.``."""
    parts = list(takewhile(PREFIXES.__contains__, key.split(".")))
    return "".join(f"{part}." for part in parts)


def misfits(module: torch.nn.Module, tensors: Tensors) -> list[str]:
    """Return what keeps tensors from fitting a module, one phrase per key, sorted by key.

    Batch counters (``num_batches_tracked``) may be missing: inference doesn't read them.
    """
    wanted = module.state_dict()
    found = []
    for key in sorted({*wanted, *tensors}):
        if key not in wanted:
            found.append(f"{key} is not in the network")
        elif key not in tensors:
            if not key.endswith("num_batches_tracked"):
                found.append(f"{key} is missing")
        elif wanted[key].shape != tensors[key].shape:
            found.append(f"{key} has shape {list(tensors[key].shape)}, not {list(wanted[key].shape)}")
    return found


def load(module: torch.nn.Module, tensors: Tensors, path: Path, name: str) -> None:
    """Load tensors into a module in place. Raises UserError that lists the keys that don't fit."""
    problems = misfits(module, tensors)
    if problems:
        what = f"doesn't fit {name}: {len(problems)} of {len(tensors)} keys: {listed(problems, '; ')}"
        raise UserError(str(path), what, "check the model's name, in_chans and size")
    module.load_state_dict(dict(tensors), strict=False)
