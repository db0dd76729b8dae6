"""Networks of ``torch.export``, once `reprcheck.models.exported` has looked through the file."""

from __future__ import annotations

import io
import logging
import zipfile
from pathlib import Path
from typing import Any

import torch

from reprcheck.errors import UserError
from reprcheck.models import archives, exported
from reprcheck.models.failure import because
from reprcheck.models.torch.device import device
from reprcheck.models.torch.graph import Graph


def load(path: Path, images: exported.Images) -> Graph:
    """Return a network on the CPU. Raises UserError for one that this version of torch can't load."""
    _refuse_unsafe_samples(path)
    logger = logging.getLogger("torch.export")
    before, logger.disabled = logger.disabled, True  # it logs a traceback before it raises
    try:
        program = torch.export.load(path)
        module = program.module(check_guards=False)  # guards are texts of the file, compiled as Python
    except Exception as error:
        raise UserError(str(path), f"torch can't load it: {because(error)}", exported.REMEDY) from None
    finally:
        logger.disabled = before
    _move(module)
    weights = {name: tensor.data for name, tensor in (*module.named_parameters(), *module.named_buffers())}
    return Graph(module, weights, images.batch)


def _refuse_unsafe_samples(path: Path) -> None:
    """Refuse example inputs that aren't plain tensors: torch would unpickle them all the same."""
    files = archives.members(path, exported.KIND, exported.REMEDY)
    if exported.SAMPLES not in files:
        return
    with zipfile.ZipFile(path) as archive:
        raw = archive.read(files[exported.SAMPLES])
    try:
        if raw:
            torch.load(io.BytesIO(raw), weights_only=True)
    except Exception:
        what = "its example inputs are no plain tensors, and would have to be unpickled: nothing of it was run"
        raise UserError(str(path), what, exported.REMEDY) from None


def _move(module: Any) -> None:
    """Let tensors that the graph makes on the way lie on the device that it will run on."""
    for node in module.graph.nodes:
        if "device" in node.kwargs:
            node.kwargs = {**node.kwargs, "device": device()}
    module.recompile()
