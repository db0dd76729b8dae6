"""``onnx:FILE[?output=NAME]``: a network in ONNX, run by ONNX Runtime (extra ``onnx``).

Images reach it in [0, 1], at the size that it was exported for where that is fixed, channels first or last as it takes
them: normalisation belongs into the graph. ``output=`` names what is taken: one of its outputs, or any tensor inside.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar

from reprcheck.errors import UserError
from reprcheck.models import options
from reprcheck.models.graph_network import TWINS, GraphNetwork, file_of
from reprcheck.models.network import BuiltNetwork
from reprcheck.models.network_model import NetworkModel
from reprcheck.models.onnx_file import OnnxFile
from reprcheck.models.preprocessing import FEED, Preprocessing
from reprcheck.models.readout import READOUT, Readout
from reprcheck.models.sources.source import Source
from reprcheck.models.spec import Spec


class Onnx(Source):
    """Networks by their ONNX file."""

    target = "FILE.onnx"
    what = "a network in ONNX (extra `onnx`)"
    example = "onnx:encoder.onnx?output=features"
    options = ("output", "in_chans", *(key for key in FEED if key != "precision"), *READOUT)
    twins = TWINS

    def open(self, spec: Spec) -> NetworkModel:
        """Return the model; reads nothing. Raises UserError for a file that isn't there, and bad options."""
        path = file_of(spec)
        if find_spec("onnx") is None or find_spec("onnxruntime") is None:
            raise UserError(spec.where, "needs onnx and onnxruntime", "pip install 'reprcheck[onnx]'")
        feed = Preprocessing.of(spec)
        network = OnnxNetwork(
            spec.where, path, feed, options.count(spec, "in_chans"), output=options.text(spec, "output")
        )
        return NetworkModel(str(spec), self.name_of(spec), network, feed, Readout.of(spec))

    def short_name(self, spec: Spec) -> str:
        """Return the file's name without its ending."""
        return Path(spec.target).stem


ONNX = Onnx()


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
        height, width = file.sides
        if height != width:
            what = f"takes images of {height} x {width} pixels; only squares can be asked for"
            raise UserError(str(self.path), what, "export it for squares, or with free sizes")
        if self.channels and file.channels and self.channels != file.channels:
            what = f"takes {file.channels} channels, not {self.channels}"
            raise UserError(str(self.path), what, f"write in_chans={file.channels}, or leave it out")
        return BuiltNetwork(onnx_graph.load(file), (0.0,) * self.in_chans, (1.0,) * self.in_chans, height)

    def draw_weights(self, built: BuiltNetwork, draw: int) -> tuple[str, ...]:
        """Draw the weights of a built network afresh, and return notes."""
        from reprcheck.models.torch import onnx_graph

        return onnx_graph.draw(built, self.feed, self.in_chans, draw, self.where)
