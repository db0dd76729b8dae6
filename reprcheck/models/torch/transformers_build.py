"""Build networks of transformers, strictly: what its files don't hold isn't left at random. Imports transformers."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
import transformers

from reprcheck.errors import UserError
from reprcheck.models.failure import because, listed
from reprcheck.models.torch.twins import seeded

POOLER = "pooler."
"""Begins the names of a head that transformers adds where the weights have none."""


def build(folder: Path, where: str, trusts: bool, draw: int | None, code: str) -> torch.nn.Module:
    """Return a network on the CPU.

    Parameters
    ----------
    folder : Path
        With its configuration and weights.
    where : str
    trusts : bool
        Whether the code in the folder may be run.
    draw : int or None
        Seed of the weights; None: those of the folder.
    code : str
        What must be written to trust the code.

    Raises
    ------
    UserError
        For a network whose code isn't trusted, files that can't be read, and weights that leave some of it at random.
    """
    given: dict[str, Any] = {"trust_remote_code": trusts, "local_files_only": True}
    with _quiet():
        try:
            config = transformers.AutoConfig.from_pretrained(folder, **given)
            if draw is not None:
                with seeded(draw):
                    return _drawn(config, folder, trusts)
            if not any(folder.glob("*.safetensors")):
                what = f"{folder} has no weights in safetensors"
                raise UserError(where, what, "save them by save_pretrained, which writes model.safetensors")
            return _loaded(config, folder, where, given)
        except UserError:
            raise
        except Exception as error:
            if "trust_remote_code" in str(error) and not trusts:
                names = ", ".join(sorted(path.name for path in folder.glob("*.py"))) or "another repository"
                what = f"the network is code of its own ({names}): nothing of it was run"
                raise UserError(where, what, f"read it, then add trust={code}") from None
            what = f"transformers raised {because(error)}"
            raise UserError(where, what, "check the files, and whether this version of transformers knows it") from None


def _drawn(config: Any, folder: Path, trusts: bool) -> torch.nn.Module:
    config.name_or_path = str(folder)
    module: torch.nn.Module = transformers.AutoModel.from_config(config, trust_remote_code=trusts, dtype=torch.float32)
    return module.float()


def _loaded(config: Any, folder: Path, where: str, given: dict[str, Any]) -> torch.nn.Module:
    wanted = {"config": config, "use_safetensors": True, "output_loading_info": True, "dtype": torch.float32}
    module, told = transformers.AutoModel.from_pretrained(folder, **wanted, **given)
    missing = sorted({*told["missing_keys"], *(key for key, *_ in told.get("mismatched_keys", ()))})
    if missing and all(key.startswith(POOLER) for key in missing) and hasattr(module, "pooler"):
        module.pooler = None  # a random head, whose output nobody has trained
        missing = []
    if missing:
        what = f"{len(missing)} of its tensors aren't in the weights, and would be random: {listed(missing)}"
        raise UserError(where, what, "check that configuration and weights belong together")
    assert isinstance(module, torch.nn.Module)
    return module


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep transformers from logging what is told in one line, and from drawing bars."""
    logger = logging.getLogger("transformers")
    before, logger.disabled = logger.level, False
    bars = transformers.utils.logging.is_progress_bar_enabled()
    logger.setLevel(logging.CRITICAL)
    transformers.utils.logging.disable_progress_bar()
    try:
        yield
    finally:
        logger.setLevel(before)
        if bars:
            transformers.utils.logging.enable_progress_bar()
