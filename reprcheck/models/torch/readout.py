"""From what a network returns to one vector per image, as a `Readout` declares it. Imports torch.

What can't be read is refused with what there is: the keys or places of an output, their shapes, and what to write.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from reprcheck.errors import UserError, did_you_mean
from reprcheck.models.readout import Readout

METHODS = ("predict", "forward_features", "encode_image", "get_image_features")
"""Methods that networks have under which they return features, in the order in which they are proposed."""
LISTED = 8
"""Parts of an output that a message lists."""


class NetworkReader:
    """Calls a network and reads its output; several threads may call at once.

    Parameters
    ----------
    module : torch.nn.Module
    readout : Readout
    where : str
        What an error names.
    told : mapping of str to tuple of str, optional
        What it is told of the images, by keyword.

    Raises
    ------
    UserError
        For a method or a layer that the network hasn't.
    """

    def __init__(
        self, module: nn.Module, readout: Readout, where: str, told: Mapping[str, tuple[str, ...]] | None = None
    ) -> None:
        self.module, self.readout, self.where, self.told = module, readout, where, told or {}
        self._call = module if readout.method is None else self._method(readout.method)
        self._seen = threading.local()
        if readout.features is not None:
            self._layer(readout.features).register_forward_hook(self._keep)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Return float[N, D] for float32[N, C, H, W].

        Raises
        ------
        UserError
            For an output that isn't one vector per image, and that nothing declared makes one.
        """
        self._seen.output = None
        out = self._call(x, **self.told)
        if self.readout.features is not None:
            out = self._seen.output
            if out is None:
                raise UserError(self.where, f"the layer {self.readout.features} doesn't run", "name one that does")
        for part in (self.readout.key or "").split(".") if self.readout.key else ():
            out = self._part(out, part, len(x))
        if self.readout.pool is not None and isinstance(out, torch.Tensor):
            out = self._pooled(out.float(), self.readout.pool)
        if isinstance(out, torch.Tensor) and out.ndim == 2 and len(out) == len(x) and out.shape[1]:
            return out
        raise self._unread(out, len(x))

    def _keep(self, layer: nn.Module, given: object, output: object) -> None:
        self._seen.output = output

    def _method(self, name: str) -> Callable[..., object]:
        method = getattr(self.module, name, None)
        if callable(method):
            return method  # type: ignore[no-any-return]
        known = {n for n in dir(type(self.module)) if not n.startswith("_")} - set(dir(nn.Module))
        raise UserError(
            self.where, f"{type(self.module).__name__} has no method {name!r}", did_you_mean(name, {*known, "forward"})
        )

    def _layer(self, name: str) -> nn.Module:
        layers: dict[str, nn.Module] = dict(self.module.named_modules())
        if name and name in layers:
            return layers[name]
        kind = type(self.module).__name__
        raise UserError(self.where, f"{kind} has no layer {name!r}", did_you_mean(name, filter(None, layers)))

    def _part(self, out: Any, key: str, n: int) -> object:
        parts = _parts(out)
        if key in parts:
            return parts[key]
        if isinstance(out, Sequence) and key.lstrip("-").isdigit() and -len(out) <= int(key) < len(out):
            return out[int(key)]
        raise UserError(
            self.where,
            f"no {key!r} in the network's output, {_described(out)}",
            did_you_mean(key, parts) if parts else "leave key out",
        )

    def _pooled(self, x: torch.Tensor, pool: str) -> torch.Tensor:
        if x.ndim == 4 and pool == "mean":
            return x.mean((1, 2) if getattr(self.module, "output_fmt", None) == "NHWC" else (2, 3))
        if x.ndim != 3:
            remedy = "leave pool out, or add method=forward_features" if x.ndim == 2 else "write pool=mean"
            raise UserError(self.where, f"pool={pool} is of tokens [N, T, D]; the output is {list(x.shape)}", remedy)
        if pool == "map":
            return self._normed(self._attention()(x))
        prefix = self.prefix
        if pool == "cls":
            if prefix == 0 or getattr(self.module, "has_class_token", True) is False:
                raise UserError(self.where, f"{_kind(self.module)} has no class token", "write pool=mean")
            return self._normed(x[:, 0])
        if prefix is None:
            what = f"how many of the {x.shape[1]} tokens come before those of patches isn't known"
            raise UserError(self.where, what, "add prefix_tokens=1, say: the class token and registers together")
        if prefix >= x.shape[1] or (pool == "cls+mean" and prefix == 0):
            what = f"pool={pool} with {prefix} prefix tokens, but the output is {list(x.shape)}"
            raise UserError(self.where, what, "set prefix_tokens to those before the patches")
        mean = self._normed(x[:, prefix:].mean(1))
        return mean if pool == "mean" else torch.cat([self._normed(x[:, 0]), mean], 1)

    @property
    def prefix(self) -> int | None:
        """How many tokens come before those of patches: as declared, else as the network says, else None."""
        declared = self.readout.prefix_tokens
        return prefix_tokens(self.module) if declared is None else declared

    def _attention(self) -> nn.Module:
        attention = getattr(self.module, "attn_pool", None)
        if isinstance(attention, nn.Module):
            return attention
        raise UserError(self.where, f"{_kind(self.module)} has no attn_pool, which pool=map needs", "write pool=mean")

    def _normed(self, x: torch.Tensor) -> torch.Tensor:
        """Apply the norm that a network of timm has behind its pooling in place of the one before it."""
        norm = getattr(self.module, "fc_norm", None) if self.readout.method == "forward_features" else None
        return norm(x) if isinstance(norm, nn.Module) else x

    def _unread(self, out: object, n: int) -> UserError:
        what = f"wrong output shape: {_described(out)}; expected [{n}, D] for {n} images"
        return UserError(self.where, what, self._remedy(out, n))

    def _remedy(self, out: object, n: int) -> str:
        if isinstance(out, torch.Tensor):
            if out.ndim == 4:
                return "add pool=mean to the SPEC, or pool it over height and width: x.mean((2, 3))"
            if out.ndim == 3 and len(out) == n:
                return "add pool=cls, pool=mean or pool=cls+mean to the SPEC, or pool the tokens in the network"
            return "return one vector per image"
        tensors = {key: value for key, value in _parts(out).items() if isinstance(value, torch.Tensor)}
        vectors = [key for key, value in tensors.items() if value.ndim == 2 and len(value) == n]
        tokens = [key for key, value in tensors.items() if value.ndim in (3, 4) and len(value) == n]
        method = next((name for name in METHODS if callable(getattr(self.module, name, None))), None)
        instead = f", or method={method}" if method and self.readout.method is None else ""
        if vectors:
            return f"add key={vectors[0]}{instead} to the SPEC, or return that tensor"
        if tokens:
            return f"add key={tokens[0]}&pool=mean{instead} to the SPEC, or return one vector per image"
        return f"add {instead[5:]} to the SPEC" if instead else "return one tensor of pooled features"


def prefix_tokens(module: nn.Module) -> int | None:
    """Return how many tokens a network says come before those of patches; None where it doesn't say.

    timm's networks have ``num_prefix_tokens``; those of transformers a class token among their embeddings, and
    ``num_register_tokens`` in their configuration.
    """
    said = getattr(module, "num_prefix_tokens", None)
    if isinstance(said, int):
        return said
    if hasattr(getattr(module, "embeddings", None), "cls_token") and hasattr(module, "config"):
        return 1 + int(getattr(module.config, "num_register_tokens", 0) or 0)
    return None


def _parts(out: object) -> dict[str, object]:
    """Return the parts of an output by what a SPEC's ``key`` calls them."""
    if isinstance(out, Mapping):
        return {str(key): value for key, value in out.items()}
    named = getattr(out, "_fields", None)
    if isinstance(out, Sequence) and not isinstance(out, str):
        return dict(zip(named or map(str, range(len(out))), out, strict=True))
    held = {} if isinstance(out, torch.Tensor) or not hasattr(out, "__dict__") else vars(out)
    return {key: value for key, value in held.items() if not key.startswith("_")}


def _described(out: object) -> str:
    if isinstance(out, torch.Tensor):
        return f"{list(out.shape)}" + {3: ", tokens", 4: ", a feature map"}.get(out.ndim, "")
    parts = _parts(out)
    if not parts:
        return f"{_kind(out)}, not a tensor"
    shown = [
        f"{key} {list(value.shape) if isinstance(value, torch.Tensor) else _kind(value)}"
        for key, value in list(parts.items())[:LISTED]
    ]
    more = f" and {len(parts) - LISTED} more" if len(parts) > LISTED else ""
    return f"{_kind(out)} of {', '.join(shown)}{more}"


def _kind(thing: object) -> str:
    return type(thing).__name__
