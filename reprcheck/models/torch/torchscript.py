"""Networks in TorchScript, looked through before torch reads them.

TorchScript is a small language of its own: it can't import Python, but it may write files (``torch.save``), read them
(``torch.from_file``) and call classes that are compiled into a process, some of them already when it is loaded. So its
text is searched first, and what isn't arithmetic on tensors is refused.
"""

from __future__ import annotations

import io
import re
import warnings
from pathlib import Path
from typing import Any

import torch

from reprcheck.errors import UserError
from reprcheck.models import archives
from reprcheck.models.failure import because
from reprcheck.models.torch.graph import Graph

REMEDY = "save it by torch.jit.save"
ALLOWED_CALLS = "prim|aten|quantized|quantized_decomposed|torchvision|mkldnn|mkldnn_prepacked|prepacked|profiler"
FORBIDDEN = re.compile(
    r"(?<!\.)\btorch\.(save|from_file|load|distributed\w*|jit|classes|_C|ops|package|hub)\b"
    r"|(?<!\.)\btorch\.dist_\w+"
    rf"|\bops\.(?!(?:{ALLOWED_CALLS})\.)\w+"
    r"|\bops\.aten\.(save|from_file)\b"
    r"|\b__torch__\.torch\.classes\.(?!quantized\b|xnnpack\b)\w+"
)
"""What reads or writes files, speaks to other processes, or is compiled into a process by somebody else."""


def load(path: Path, in_chans: int) -> Graph:
    """Return a network on the CPU.

    Raises
    ------
    UserError
        For what is no archive of TorchScript, calls more than arithmetic on tensors, can't be read by this version of
        torch, or takes another number of channels.
    """
    check(path)
    try:
        script = _loaded(path, torch.device("cpu"))
    except Exception as error:
        raise UserError(str(path), f"torch can't load it: {because(error)}", REMEDY) from None
    graph = Graph(Script(script), _weights(script))
    _refuse_other_channels(script, in_chans, path)
    return graph


def check(path: Path) -> None:
    """Raise UserError for what is no archive of TorchScript, or whose code does more than compute."""
    kind = "a TorchScript archive"
    files = archives.members(path, kind, REMEDY)
    for needed in ("data.pkl", "constants.pkl"):
        if needed not in files:
            hint = f"{REMEDY}; for weights alone write timm:NAME?checkpoint=FILE"
            raise UserError(str(path), f"isn't {kind}: it has no {needed}", hint)
    for name, full in files.items():
        if name.startswith("code/") and name.endswith(".py"):
            call = FORBIDDEN.search(archives.read_text(path, full))
            if call:
                what = f"its code calls {call[0]}, which may reach beyond tensors: nothing of it was run"
                raise UserError(str(path), what, "save the network without it")


class Script(torch.nn.Module):
    """A network in TorchScript. Tensors that freezing made constants follow it to another device by being read anew."""

    def __init__(self, script: Any) -> None:
        super().__init__()
        self.script = script
        self._device = torch.device("cpu")

    def forward(self, x: torch.Tensor) -> Any:
        """Return what the network makes of images."""
        if x.device != self._device:
            saved = io.BytesIO(self.script.save_to_buffer())
            self.script, self._device = _loaded(saved, x.device), x.device
        return self.script(x)


def _loaded(file: Path | io.BytesIO, device: torch.device) -> Any:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`torch.jit.load` is deprecated", FutureWarning)
        return torch.jit.load(file, map_location=device)  # type: ignore[no-untyped-call]


def _weights(script: Any) -> dict[str, torch.Tensor]:
    """Return parameters, buffers and tensors that are constants of the graph; changed in place, they change it."""
    named = {name: tensor.data for name, tensor in (*script.named_parameters(), *script.named_buffers())}
    known = {tensor.untyped_storage().data_ptr() for tensor in named.values()}
    for i, tensor in enumerate(_constants(script.graph)):
        if tensor.untyped_storage().data_ptr() not in known:
            named[f"constant.{i}"] = tensor
    return named


def _constants(graph: Any) -> list[torch.Tensor]:
    found = []
    for node in graph.findAllNodes("prim::Constant"):
        if node.hasAttribute("value") and node.kindOf("value") == "t":
            found.append(node.t("value"))
    return found


def _refuse_other_channels(script: Any, in_chans: int, path: Path) -> None:
    """Refuse a number of channels that the first weight of a convolution tells apart from what was asked for."""
    for name, tensor in script.named_parameters():
        if tensor.ndim == 4:
            if tensor.shape[1] not in (in_chans, 1):
                what = f"its first convolution ({name}) takes {tensor.shape[1]} channels, not {in_chans}"
                raise UserError(str(path), what, f"add in_chans={tensor.shape[1]}")
            return
