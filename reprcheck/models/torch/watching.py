"""What the weights of a running graph are used for: the operators of torch are watched while it is shown noise once.

Whether a graph was traced, scripted, frozen or exported, its operators pass the same door, and a weight is known there
by its memory, through any number of views. So nothing of the graph's own text must be understood.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from reprcheck.models.torch.redraw import step
from reprcheck.models.weight_use import Role, Use, added, multiplied

NORMS: dict[str, tuple[tuple[int, Role], ...]] = {
    **dict.fromkeys(
        (
            "native_batch_norm",
            "_native_batch_norm_legit_no_training",
            "_native_batch_norm_legit",
            "_batch_norm_with_update",
            "_batch_norm_no_update",
            "cudnn_batch_norm",
            "batch_norm",
            "instance_norm",
        ),
        ((1, "scale"), (2, "shift"), (3, "mean"), (4, "variance")),
    ),
    **dict.fromkeys(("native_layer_norm", "layer_norm", "group_norm"), ((2, "scale"), (3, "shift"))),
    "native_group_norm": ((1, "scale"), (2, "shift")),
    "rms_norm": ((2, "scale"),),
    "_fused_rms_norm": ((2, "scale"),),
}
"""By operator: the places of its weights among its arguments, and their roles."""

LAYERS = {
    **dict.fromkeys(("convolution", "_convolution", "conv1d", "conv2d", "conv3d", "cudnn_convolution"), (1, 2)),
    **dict.fromkeys(("convolution_overrideable", "mkldnn_convolution", "linear", "_addmm_activation"), (1, 2)),
    **dict.fromkeys(("mm", "bmm", "matmul"), (1, None)),
    **dict.fromkeys(("addmm", "baddbmm"), (2, 0)),
}
"""By operator: the places of the weight and of the bias."""
LAYERS["_addmm_activation"] = (2, 0)

PASSING = {"clone", "_to_copy", "contiguous", "repeat", "lift_fresh_copy", "_reshape_copy", "constant_pad_nd"} | {
    name for side in ("1d", "2d") for name in (f"upsample_bicubic{side}", f"upsample_bilinear{side}", f"roll{side}")
}
"""Operators that give a weight on in other memory."""


class Watch(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes what weights are used for, inside.

    Parameters
    ----------
    weights : mapping of str to Tensor
    """

    def __init__(self, weights: Mapping[str, torch.Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.uses: dict[str, Use] = {}
        self._names = {_memory(tensor): name for name, tensor in weights.items() if tensor.numel()}
        self._held: list[torch.Tensor] = []  # copies of weights: their memory must not be given to others meanwhile

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run an operator, and note which weights it took."""
        name = func._schema.name.removeprefix("aten::").removesuffix("_")
        out = self.run(func, name, args, kwargs or {})
        if name in PASSING and (source := self.name_of(args[0])) and isinstance(out, torch.Tensor):
            self._names.setdefault(_memory(out), source)
            self._held.append(out)
        self._note(name, args)
        return out

    def run(self, func: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run an operator."""
        return func(*args, **kwargs)

    def name_of(self, value: object) -> str | None:
        """Return the name of the weight that a value is, or a view of."""
        return self._names.get(_memory(value)) if isinstance(value, torch.Tensor) and value.numel() else None

    def _note(self, operator: str, args: tuple[Any, ...]) -> None:
        for place, role in NORMS.get(operator, ()):
            self._use(args, place, Use(role))
        if operator in LAYERS:
            place, bias = LAYERS[operator]
            weight = args[place]
            self._use(args, place, Use("weight", fan_in(operator, weight)))
            if bias is not None:
                self._use(args, bias, Use("shift"))
        elif operator == "embedding":
            self._use(args, 0, Use("embedding"))
        elif operator in ("cat", "stack"):
            for part in args[0]:
                self._use((part,), 0, Use("embedding"))
        elif operator in ("add", "sub", "mul"):
            use = multiplied if operator == "mul" else added
            for place, value in enumerate(args[:2]):
                if self.name_of(value) and (found := use(tuple(value.shape))):
                    self._use(args, place, found)

    def _use(self, args: tuple[Any, ...], place: int, use: Use) -> None:
        if place < len(args) and (name := self.name_of(args[place])):
            self.uses.setdefault(name, use)


class Settle(Watch):  # type: ignore[no-untyped-call]
    """Divides the weights of each layer by the spread of what they make, when the layer first runs, inside."""

    def __init__(self, weights: Mapping[str, torch.Tensor]) -> None:
        super().__init__(weights)
        self._done: set[str] = set()

    def run(self, func: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run an operator; one with weights of its own a second time, once these were divided."""
        out = func(*args, **kwargs)
        weight = self.name_of(args[LAYERS[name][0]]) if name in LAYERS else None
        if weight is None or weight in self._done:
            return out
        self._done.add(weight)
        channel = 1 if "conv" in name else -1
        spread = out.double().movedim(channel, 0).flatten(1).var(1, correction=0).mean().sqrt().item()
        if (divisor := step(spread)) == 1:
            return out
        args[LAYERS[name][0]].div_(divisor)
        return func(*args, **kwargs)


def fan_in(operator: str, weight: torch.Tensor) -> int:
    """Return the number of values that an output is a sum over; of transposed convolutions about that."""
    if "conv" in operator:
        return weight.numel() // weight.shape[0]
    return int(weight.shape[-1 if operator == "linear" else -2])


@contextmanager
def watching(watch: Watch) -> Iterator[Watch]:
    """Watch operators inside, without gradients."""
    with torch.no_grad(), watch:
        yield watch


def _memory(value: torch.Tensor) -> int:
    return value.untyped_storage().data_ptr()
