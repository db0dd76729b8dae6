"""Build image towers of open_clip: its weights loaded strictly, or drawn. Imports open_clip."""

from __future__ import annotations

import logging
from pathlib import Path

import open_clip
import torch

from reprcheck.errors import UserError, did_you_mean
from reprcheck.models.failure import because
from reprcheck.models.network import BuiltNetwork
from reprcheck.models.torch.twins import seeded


def build(name: str, folder: Path | None, checkpoint: Path | None, draw: int | None, where: str) -> BuiltNetwork:
    """Return an image tower on the CPU.

    Parameters
    ----------
    name : str
        Of open_clip's, unless it is stored in a ``folder``.
    folder, checkpoint : Path or None
        Where the weights are: one of both.
    draw : int or None
        Seed of the weights; None: those of the files.
    where : str

    Raises
    ------
    UserError
        For an unknown name, and weights that aren't safe, can't be read or don't fit.
    """
    if folder is None and name not in open_clip.list_models():
        raise UserError(where, f"open_clip has no model {name!r}", did_you_mean(name, open_clip.list_models()))
    if folder is not None and draw is None and not any(folder.glob("*.safetensors")):
        raise UserError(where, f"{folder} has no weights in safetensors", "save them so")
    weights = None if draw is not None or checkpoint is None else str(checkpoint)
    loads = {"load_weights": draw is None, "pretrained_text": False, "pretrained_image": False}
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)  # what it warns of is decided here: which weights are loaded
    try:
        with seeded(draw or 0):
            named = name if folder is None else f"local-dir:{folder}"
            tower = open_clip.create_model(named, weights, precision="fp32", device="cpu", **loads).visual
    except Exception as error:
        what = f"open_clip raised {because(error)}"
        raise UserError(where, what, "check that the weights are of this architecture") from None
    finally:
        logging.disable(before)
    assert isinstance(tower, torch.nn.Module)
    said = tower.preprocess_cfg
    assert isinstance(said, dict)
    size = said["size"]
    side = size if isinstance(size, int) else int(size[0])
    return BuiltNetwork(tower, tuple(said["mean"]), tuple(said["std"]), side)
