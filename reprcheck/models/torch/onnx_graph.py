"""ONNX networks run by ONNX Runtime, their weights held as tensors of torch so that twins can be drawn.

The runtime gets its graph and its weights in memory, and runs on one core of a CPU, or on an NVIDIA device where a
build of it for that is installed.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from threading import Lock
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from reprcheck.errors import UserError
from reprcheck.models.failure import because, users_code
from reprcheck.models.network import BuiltNetwork
from reprcheck.models.onnx_file import OnnxFile
from reprcheck.models.preprocessing import Preprocessing
from reprcheck.models.torch.graph import Graph
from reprcheck.models.torch.redraw import NOISE, NOISE_REMEDY, noise, redraw

SMALLEST_STEP = 2.0**-40
"""A layer that spreads its outputs less gives nothing to divide by."""


def load(file: OnnxFile) -> Graph:
    """Return a network. The runtime gets its weights as they are when the first images come."""
    run = OnnxRun(file)
    return Graph(run, run.named(), file.dims[0])


def draw(built: BuiltNetwork, feed: Preprocessing, in_chans: int, seed: int, where: str) -> tuple[str, ...]:
    """Draw a network's weights afresh, in place, and return notes on what wasn't drawn honestly."""
    graph = built.module
    assert isinstance(graph, Graph)
    run = graph.run
    assert isinstance(run, OnnxRun)
    if not run.file.uses:
        raise UserError(where, "holds no weights that could be drawn afresh", "give the model as py: or exec:")
    notes = redraw(graph.weights, run.file.uses, seed)
    shown = noise(built, feed, in_chans, seed, where).numpy()
    shown = shown[np.arange(run.file.dims[0] or len(shown)) % len(shown)]
    with users_code(where, NOISE, NOISE_REMEDY):
        for layer, step in run.steps(shown).items():
            graph.weights[layer].div_(step)
    return notes


class OnnxRun(torch.nn.Module):
    """A network that ONNX Runtime runs, from float32[N, C, H, W] to one of its tensors."""

    def __init__(self, file: OnnxFile) -> None:
        super().__init__()
        self.file, self._turn, self._session = file, Lock(), None
        self.names = list(file.weights)
        self.held = torch.nn.ParameterList(
            torch.nn.Parameter(torch.from_numpy(np.array(values)), requires_grad=False)
            for values in file.weights.values()
        )

    def named(self) -> dict[str, torch.Tensor]:
        """Return the weights by name."""
        return {name: tensor.data for name, tensor in zip(self.names, self.held, strict=True)}

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the network's tensor for images."""
        session = self.session(x.device)
        out = session.run([self.file.output], {self.file.input: self._fed(x.cpu().numpy(), session)})[0]
        return torch.from_numpy(out).to(x.device)

    def session(self, device: torch.device) -> Any:
        """Return the runtime's session on a device. Raises UserError for a graph that it can't run."""
        with self._turn:
            if self._session is None:
                self._session = self._started(self._model(), device)
            return self._session

    def steps(self, shown: NDArray[np.float32]) -> dict[str, float]:
        """Return by what each layer's weights are divided, all before it being divided already."""
        model = self._model()
        steps = _measuring(model, self.file)
        session = self._started(model, torch.device("cpu"))
        values = session.run(list(steps.values()), {self.file.input: self._fed(shown, session)})
        found = {layer: float(value) for layer, value in zip(steps, values, strict=True)}
        return {layer: value for layer, value in found.items() if np.isfinite(value) and value > SMALLEST_STEP}

    def _fed(self, pixels: NDArray[np.float32], session: Any) -> NDArray[Any]:
        kind = session.get_inputs()[0].type
        pixels = pixels.transpose(0, 2, 3, 1) if self.file.is_channels_last else pixels
        return np.ascontiguousarray(pixels, {"tensor(float16)": np.float16, "tensor(double)": np.float64}.get(kind))

    def _model(self) -> Any:
        """Return the model with the weights as they are now, and the output that is asked for."""
        from onnx import ValueInfoProto, numpy_helper

        model = deepcopy(self.file.model)
        now = dict(zip(self.names, self.held, strict=True))
        for tensor in model.graph.initializer:
            if tensor.name in now:
                values = now[tensor.name].detach().cpu().numpy()
                tensor.CopyFrom(
                    numpy_helper.from_array(values.astype(self.file.weights[tensor.name].dtype), tensor.name)
                )
        if self.file.output not in [one.name for one in model.graph.output]:
            model.graph.output.append(ValueInfoProto(name=self.file.output))
        return model

    def _started(self, model: Any, device: torch.device) -> Any:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4
        providers: list[Any] = ["CPUExecutionProvider"]
        if device.type == "cuda" and "CUDAExecutionProvider" in onnxruntime.get_available_providers():
            settings = {"device_id": device.index or 0, "use_tf32": 0, "cudnn_conv_algo_search": "DEFAULT"}
            providers.insert(0, ("CUDAExecutionProvider", settings))
        try:
            return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=providers)
        except Exception as error:
            what = f"ONNX Runtime can't run it: {because(error)}"
            raise UserError(str(self.file.path), what, "check it with onnx.checker, or export it again") from None


def _measuring(model: Any, file: OnnxFile) -> dict[str, str]:
    """Let each layer of a model divide what it makes by the power of two nearest to its spread.

    The spread is that over images and positions within each channel, and its root mean square over channels.

    Returns
    -------
    dict of str to str
        By a layer's weight, the output that tells by what was divided.
    """
    from onnx import TensorProto, helper, numpy_helper

    graph, nodes, steps = model.graph, list(model.graph.node), {}
    opset = next((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), 1)

    def constant(name: str, values: Sequence[float] | float | NDArray[np.int64]) -> str:
        array = values if isinstance(values, np.ndarray) else np.asarray(values, np.float32)
        graph.initializer.append(numpy_helper.from_array(array, name))
        return name

    layers = {layer.node: layer for layer in file.layers if file.weights.get(layer.weight) is not None}
    arranged = []
    for i, node in enumerate(nodes):
        arranged.append(node)
        if i not in layers:
            continue
        layer, out = layers[i], node.output[0]
        kind = helper.np_dtype_to_tensor_dtype(file.weights[layer.weight].dtype)
        p = f"reprcheck_{i}_"
        node.output[0] = f"{p}raw"
        if node.op_type == "Conv":
            shape = np.array([0, layer.outputs, -1], np.int64)
            axes = [0, 2]
        else:
            shape, axes = np.array([-1, layer.outputs], np.int64), [0]

        def mean(taken: str, given: str, over: list[int] | None, p: str = p) -> Any:
            if over is None:
                return helper.make_node("ReduceMean", [taken], [given], keepdims=0)
            if opset >= 18:
                return helper.make_node("ReduceMean", [taken, constant(f"{given}_axes", np.array(over))], [given])
            return helper.make_node("ReduceMean", [taken], [given], axes=over)

        arranged += [
            helper.make_node("Cast", [f"{p}raw"], [f"{p}single"], to=TensorProto.FLOAT),
            helper.make_node("Reshape", [f"{p}single", constant(f"{p}shape", shape)], [f"{p}flat"]),
            mean(f"{p}flat", f"{p}mean", axes),
            helper.make_node("Sub", [f"{p}flat", f"{p}mean"], [f"{p}centred"]),
            helper.make_node("Mul", [f"{p}centred", f"{p}centred"], [f"{p}squared"]),
            mean(f"{p}squared", f"{p}variance", None),
            helper.make_node("Log", [f"{p}variance"], [f"{p}log"]),
            helper.make_node("Mul", [f"{p}log", constant(f"{p}half", 0.5 / np.log(2))], [f"{p}halved"]),
            helper.make_node("Round", [f"{p}halved"], [f"{p}power"]),
            helper.make_node("Pow", [constant(f"{p}two", 2.0), f"{p}power"], [f"{p}step"]),
            helper.make_node("Cast", [f"{p}step"], [f"{p}typed"], to=kind),
            helper.make_node("Div", [f"{p}raw", f"{p}typed"], [out]),
        ]
        graph.output.append(helper.make_tensor_value_info(f"{p}step", TensorProto.FLOAT, []))
        steps[layer.weight] = f"{p}step"
    del graph.node[:]
    graph.node.extend(arranged)
    return steps
