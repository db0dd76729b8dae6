"""An ONNX file: what it takes and gives, its weights, and what each of them is for. Nothing of it is run here.

Weights that lie beside the file are read by us, and only from its own folder: the runtime gets all of them in memory
and opens no file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reprcheck.digest import digest, file_digest
from reprcheck.errors import UserError, clipped, did_you_mean
from reprcheck.models.weight_use import FEWEST, Role, Use, added, multiplied
from reprcheck.plain_files import links_out, obstacle

MOST_CHANNELS = 64
"""A fixed side that is larger isn't taken for a number of channels."""
FLOATS = ("float32", "float16", "float64")

NORMS: dict[str, tuple[tuple[int, Role], ...]] = {
    "BatchNormalization": ((1, "scale"), (2, "shift"), (3, "mean"), (4, "variance")),
    **dict.fromkeys(
        ("LayerNormalization", "InstanceNormalization", "GroupNormalization", "RMSNormalization"),
        ((1, "scale"), (2, "shift")),
    ),
    "SimplifiedLayerNormalization": ((1, "scale"),),
    "SkipLayerNormalization": ((2, "scale"), (3, "shift"), (4, "shift")),
}
"""By operator: the places of its weights among its inputs, and their roles."""
LAYERS: dict[str, tuple[int, int | None]] = {
    **dict.fromkeys(("Conv", "ConvTranspose", "FusedConv", "Gemm", "FusedGemm", "Attention"), (1, 2)),
    **dict.fromkeys(("MatMul", "FusedMatMul", "MatMulInteger", "ConvInteger", "MatMulNBits"), (1, None)),
    **dict.fromkeys(("QLinearConv", "QLinearMatMul"), (3, None)),
}
"""By operator: the places of the weight and of the bias."""
PASSING = {
    *("Identity", "Transpose", "Reshape", "Cast", "Unsqueeze", "Squeeze", "Expand", "Flatten", "Slice", "Split"),
    *("Tile", "DequantizeLinear", "Resize"),
}
"""Operators that give a weight on."""


@dataclass(frozen=True)
class Layer:
    """A node with weights that are summed over: its place among the nodes, its weight, and how many outputs it has."""

    node: int
    weight: str
    outputs: int


class OnnxFile:
    """An ONNX file.

    Parameters
    ----------
    path : Path
    output : str or None
        The tensor to take: one of its outputs, or any other within it.

    Raises
    ------
    UserError
        For what is no such file, keeps weights outside of its folder, doesn't take one batch of images, or has no such
        output.
    """

    def __init__(self, path: Path, output: str | None = None) -> None:
        self.path = path
        self.model = _parsed(path)
        self._files = [self._beside(tensor) for tensor in self._tensors() if _is_outside(tensor)]
        self.input, self.dims = self._images()
        self.output = self._chosen(output)

    @property
    def content(self) -> str:
        """Digest of the file and of those that its weights lie in."""
        return digest(file_digest(self.path), [file_digest(path) for path in sorted(set(self._files))])

    @property
    def is_channels_last(self) -> bool:
        """Whether images enter as N, H, W, C."""
        first, last = self.dims[1], self.dims[3]
        return not _is_channels(first) and _is_channels(last)

    @property
    def channels(self) -> int | None:
        """Channels that it takes, where that is fixed."""
        return self.dims[3] if self.is_channels_last else self.dims[1]

    @property
    def sides(self) -> tuple[int | None, int | None]:
        """Height and width that it takes, where these are fixed."""
        return (self.dims[1], self.dims[2]) if self.is_channels_last else (self.dims[2], self.dims[3])

    @cached_property
    def weights(self) -> dict[str, NDArray[Any]]:
        """Tensors of floats that it holds, and those of whole numbers that a layer multiplies with."""
        from onnx import numpy_helper

        self._read_outside()
        found = {}
        for tensor in self.model.graph.initializer:
            try:
                values = numpy_helper.to_array(tensor)
            except (ValueError, TypeError) as error:
                what = f"its weight {clipped(tensor.name)!r} can't be read ({error})"
                raise UserError(str(self.path), what, "export the network again") from None
            quantised = tensor.name in self.uses and values.size > 1
            if values.size and (values.dtype.name in FLOATS or quantised):
                found[tensor.name] = values
        return found

    @cached_property
    def uses(self) -> dict[str, Use]:
        """What weights are for, by name, of which an operator tells it."""
        return self._walked[0]

    @cached_property
    def layers(self) -> list[Layer]:
        """The layers whose weights are floats, in the order in which they run."""
        return self._walked[1]

    @cached_property
    def _walked(self) -> tuple[dict[str, Use], list[Layer]]:
        shapes = {tensor.name: tuple(tensor.dims) for tensor in self.model.graph.initializer}
        sources = {name: (name, False) for name in shapes}
        uses: dict[str, Use] = {}
        layers: list[Layer] = []

        def note(name: str, use: Use | None) -> None:
            if name in sources and use is not None:
                uses.setdefault(sources[name][0], use)

        for i, node in enumerate(self.model.graph.node):
            taken, operator = list(node.input), node.op_type
            if operator in PASSING and taken and taken[0] in sources:
                source, flipped = sources[taken[0]]
                sources.update(dict.fromkeys(node.output, (source, flipped != (operator == "Transpose"))))
            for place, role in NORMS.get(operator, ()):
                if place < len(taken):
                    note(taken[place], Use(role))
            if operator in LAYERS:
                place, bias = LAYERS[operator]
                if operator == "MatMul" and taken[0] in sources and taken[1] not in sources:
                    place = 0
                if taken[place] in sources:
                    source, flipped = sources[taken[place]]
                    n_in, n_out = _width(node, shapes[source], flipped, place)
                    if operator in ("Conv", "Gemm", "MatMul") and place == 1 and source not in uses:
                        layers.append(Layer(i, source, n_out))
                    note(taken[place], Use("weight", n_in))
                if bias is not None and bias < len(taken):
                    note(taken[bias], Use("shift"))
            elif operator == "Gather" and taken[0] in sources and len(shapes[sources[taken[0]][0]]) > 1:
                note(taken[0], Use("embedding"))
            elif operator == "Concat":
                for name in taken:
                    if name in sources and np.prod(shapes[sources[name][0]]) >= FEWEST:
                        note(name, Use("embedding"))
            elif operator in ("Add", "Sub", "Mul"):
                kind = multiplied if operator == "Mul" else added
                for name in taken:
                    if name in sources:
                        note(name, kind(shapes[sources[name][0]]))
        return uses, layers

    def _tensors(self) -> Iterator[Any]:
        """Yield every tensor of the model, those of nested graphs and functions too."""
        waiting: list[Any] = [self.model.graph, *self.model.functions]
        while waiting:
            part = waiting.pop()
            yield from getattr(part, "initializer", ())
            for sparse in getattr(part, "sparse_initializer", ()):
                yield from (sparse.values, sparse.indices)
            for node in part.node:
                for attribute in node.attribute:
                    yield from (attribute.t, *attribute.tensors)
                    waiting += [attribute.g, *attribute.graphs]

    def _beside(self, tensor: Any) -> Path:
        """Return the file beside the model that a tensor lies in. Raises UserError for one elsewhere."""
        location = _outside(tensor).get("location", "")
        path, folder = self.path.parent / location, self.path.parent
        if not location or Path(location).is_absolute() or ".." in Path(location).parts or links_out(path, folder):
            what = f"its weights lie in {clipped(location)!r}, outside of its folder: nothing was read"
            raise UserError(str(self.path), what, "save it with its weights beside it, or within it")
        if why := obstacle(path):
            raise UserError(str(self.path), f"{location}, where its weights lie, {why}", "copy it beside the model")
        return path

    def _read_outside(self) -> None:
        """Bring weights that lie beside the file into the model."""
        for tensor in self._tensors():
            if _is_outside(tensor):
                about, path = _outside(tensor), self._beside(tensor)
                start, size = int(about.get("offset", 0)), path.stat().st_size
                length = int(about.get("length", size - start))
                if start < 0 or length < 0 or start + length > size:
                    what = f"{path.name} is too short for its weight {clipped(tensor.name)!r}"
                    raise UserError(str(self.path), what, "copy both files again")
                with path.open("rb") as file:
                    file.seek(start)
                    tensor.raw_data = file.read(length)
                del tensor.external_data[:]
                tensor.data_location = 0

    def _images(self) -> tuple[str, tuple[int | None, ...]]:
        held = {tensor.name for tensor in self.model.graph.initializer}
        inputs = [one for one in self.model.graph.input if one.name not in held]
        if len(inputs) == 1:
            dims = [dim.dim_value or None for dim in inputs[0].type.tensor_type.shape.dim]
            if len(dims) == 4:
                return inputs[0].name, tuple(dims)
        names = ", ".join(clipped(one.name) for one in inputs)
        what = f"takes {len(inputs)} inputs ({names}), not one batch of images float32[N, C, H, W]"
        raise UserError(str(self.path), what, "export the network with images as its only input")

    def _chosen(self, asked: str | None) -> str:
        outputs = [one.name for one in self.model.graph.output]
        if asked is None and len(outputs) == 1:
            return str(outputs[0])
        if asked is None:
            raise UserError(str(self.path), f"has outputs {', '.join(outputs)}", f"add output={outputs[0]}, say")
        inner = [name for node in self.model.graph.node for name in node.output]
        if asked not in (*outputs, *inner):
            raise UserError(str(self.path), f"has no output {asked!r}", did_you_mean(asked, outputs))
        return asked


def _parsed(path: Path) -> Any:
    import onnx

    try:
        model = onnx.load(path, load_external_data=False)
    except Exception as error:
        what = f"isn't an ONNX file ({type(error).__name__})"
        raise UserError(str(path), what, "export the network again") from None
    for node in list(model.graph.node):  # a weight that is written as a node becomes one like the others
        values = [attribute.t for attribute in node.attribute if attribute.name == "value"]
        if node.op_type == "Constant" and values:
            values[0].name = node.output[0]
            model.graph.initializer.append(values[0])
            model.graph.node.remove(node)
    if not model.graph.node:
        raise UserError(str(path), "isn't an ONNX file: it has no operators", "export the network again")
    return model


def _is_outside(tensor: Any) -> bool:
    return bool(tensor.data_location == 1 or len(tensor.external_data))


def _outside(tensor: Any) -> dict[str, str]:
    return {entry.key: entry.value for entry in tensor.external_data}


def _is_channels(side: int | None) -> bool:
    return side is not None and side <= MOST_CHANNELS


def _width(node: Any, shape: tuple[int, ...], flipped: bool, place: int) -> tuple[int, int]:
    """Return how many values a layer's outputs are sums over, and how many outputs it has for each place."""
    if "Conv" in node.op_type:
        return int(np.prod(shape[1:])), shape[0]
    n_in, n_out = (shape[-2:] if len(shape) > 1 else (shape[0], 1))[:: -1 if flipped else 1]
    if place == 0 or any(attribute.name == "transB" and attribute.i for attribute in node.attribute):
        n_in, n_out = n_out, n_in
    return n_in, n_out
