"""Networks in TorchScript, looked through before torch reads them.

TorchScript is a small language of its own: it can't import Python, but it may write files (``torch.save``), read them
(``torch.from_file``) and call classes that are compiled into a process, some of them already when it is loaded. So its
text is searched first, as its own lexer reads it, and what isn't arithmetic on tensors is refused, as is a module that
is named by itself, since it could be called under another name.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator
from functools import reduce
from pathlib import Path
from typing import Any

import torch

from reprcheck.errors import UserError
from reprcheck.models import archives
from reprcheck.models.failure import because
from reprcheck.models.torch.graph import Graph

REMEDY = "save it by torch.jit.save"
OPERATORS = re.compile(
    r"prim|aten|quantized|quantized_decomposed|torchvision|mkldnn|mkldnn_prepacked|prepacked|profiler"
)
"""Kinds of operators, ``ops.KIND.NAME``, of which calls are let through."""
FORBIDDEN = re.compile(r"save|from_file|load|distributed\w*|dist_\w+|autograd|jit|classes|_C|ops|package|hub")
"""Names that read or write files, speak to other processes, or lead to other modules."""
SILENT = re.compile(
    r'"""(?:\\.|(?!""")[^\\])*"""'
    r"|'''(?:\\.|(?!''')[^\\])*'''"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'(?:\\.|[^'\\\n])*'"
    r"|#[^\n]*|\\[^\S\n]*\n",
    re.DOTALL,
)
"""Texts, comments and the ends of lines that go on, as TorchScript's lexer knows them: nothing of it is run."""
MODULES = re.compile(r"(?<![\w.])(torch|ops)\b(?:\s*\.\s*(\w+))?(?:\s*\.\s*(\w+))?")
CLASSES = re.compile(r"\b__torch__\s*\.\s*torch\s*\.\s*classes\s*\.\s*(?!quantized\b|xnnpack\b)\w+")
"""Compiled into a process by somebody else."""


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
            for call in _reaching_out(archives.read_text(path, full)):
                what = f"its code calls {call}, which may reach beyond tensors: nothing of it was run"
                raise UserError(str(path), what, "save the network without it")


def _reaching_out(text: str) -> Iterator[str]:
    """Yield what a file of code names that isn't arithmetic on tensors."""
    code = SILENT.sub(lambda part: " " if part[0].startswith(("#", "\\")) else '""', text)
    for found in MODULES.finditer(code):
        module, *names = (name or "" for name in found.groups())
        called = names[0] if module == "torch" else names[1]
        if not called or FORBIDDEN.fullmatch(called) or (module == "ops" and not OPERATORS.fullmatch(names[0])):
            yield ".".join(filter(None, (module, *names[: 1 if module == "torch" else 2])))
    yield from (re.sub(r"\s", "", found[0]) for found in CLASSES.finditer(code))


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
    """Return parameters, buffers, other tensors that it holds, and constants; changed in place, they change it."""
    named = {name: tensor.data for name, tensor in (*script.named_parameters(), *script.named_buffers())}
    constants = ((f"constant.{i}", tensor) for i, tensor in enumerate(_constants(script.graph)))
    for name, tensor in (*_attributes(script), *constants):
        if tensor.untyped_storage().data_ptr() not in {one.untyped_storage().data_ptr() for one in named.values()}:
            named[name] = tensor.data
    return named


def _attributes(script: Any) -> Iterator[tuple[str, torch.Tensor]]:
    """Yield the tensors that the graph reads from its modules, those in lists and mappings too."""
    paths: dict[str, tuple[str, ...]] = {}
    graph = script.inlined_graph  # whose nodes live as long as it does
    for node in graph.findAllNodes("prim::GetAttr"):
        path = (*paths.get(node.inputsAt(0).debugName(), ()), node.s("name"))
        paths[node.output().debugName()] = path
        value = reduce(getattr, path, script)
        parts = (
            value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list | tuple) else ()
        )
        for more, part in ((None, value), *parts):
            if isinstance(part, torch.Tensor):
                yield ".".join((*path, *([] if more is None else [str(more)]))), part


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
