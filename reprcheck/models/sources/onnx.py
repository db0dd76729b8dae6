"""``onnx:FILE[?output=NAME]``: a network in ONNX, run by ONNX Runtime (extra ``onnx``).

Images reach it in [0, 1], at the size that it was exported for where that is fixed, channels first or last as it takes
them: normalisation belongs into the graph. ``output=`` names what is taken: one of its outputs, or any tensor inside.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from typing import Any, ClassVar

from reprcheck.errors import UserError
from reprcheck.models import options
from reprcheck.models.graph_network import GraphNetwork
from reprcheck.models.network import BuiltNetwork
from reprcheck.models.onnx_file import OnnxFile
from reprcheck.models.sources.graph import GraphSource
from reprcheck.models.spec import Spec


@dataclass(frozen=True)
class OnnxNetwork(GraphNetwork):
    """A network in ONNX.

    Attributes
    ----------
    output : str or None
        The tensor that is taken.
    """

    output: str | None = None
    libraries: ClassVar[tuple[str, ...]] = ("onnxruntime",)

    @cached_property
    def _file(self) -> OnnxFile:
        return OnnxFile(self.path, self.output)

    @cached_property
    def _declared_channels(self) -> int | None:
        return self._file.channels

    @cached_property
    def _content(self) -> str:
        return f"{self._file.content} {self._file.output}"

    def load(self) -> BuiltNetwork:
        """Return the network with its file's weights. Raises UserError."""
        from reprcheck.models.torch import onnx_graph

        file = OnnxFile(self.path, self.output)
        self.refuse(file.channels, *file.sides)
        return BuiltNetwork(onnx_graph.load(file), (0.0,) * self.in_chans, (1.0,) * self.in_chans, file.sides[0])

    def draw_weights(self, built: BuiltNetwork, draw: int) -> tuple[str, ...]:
        """Draw the weights of a built network afresh, and return notes."""
        from reprcheck.models.torch import onnx_graph

        return onnx_graph.draw(built, self.feed, self.in_chans, draw, self.where)


class Onnx(GraphSource):
    """Networks by their ONNX file."""

    target = "FILE.onnx"
    what = "a network in ONNX (extra `onnx`)"
    example = "onnx:encoder.onnx?output=features"
    options = ("output", *(key for key in GraphSource.options if key != "precision"))
    network = OnnxNetwork

    def more_of(self, spec: Spec) -> dict[str, Any]:
        """Return the output that is asked for. Raises UserError where no ONNX Runtime is installed."""
        if find_spec("onnx") is None or find_spec("onnxruntime") is None:
            raise UserError(spec.where, "needs onnx and onnxruntime", "pip install 'reprcheck[onnx]'")
        return {"output": options.text(spec, "output")}


ONNX = Onnx()
