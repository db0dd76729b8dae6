"""Where networks run: as the user's environment says, else on an accelerator where there is one."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from reprcheck.errors import UserError
from reprcheck.models.failure import because

if TYPE_CHECKING:
    import torch

DEVICE = "REPRCHECK_DEVICE"
"""Environment variable that names the torch device; unset: ``cuda`` where there is one, else ``cpu``."""


def device() -> torch.device:
    """Return the device that networks run on. Raises UserError for one that isn't there."""
    import torch

    asked = os.environ.get(DEVICE) or ("cuda" if torch.cuda.is_available() else "cpu")
    try:
        torch.empty(0, device=asked)
        return torch.device(asked)
    except Exception as error:
        raise UserError(f"{DEVICE}={asked}", f"no such device: {because(error)}", "use cpu, cuda or cuda:1") from None


def device_name() -> str:
    """Return where networks run, for people: as asked for, ``cuda (NVIDIA ...)`` or ``cpu``.

    Torch isn't imported for this: a run that hasn't needed it answers ``none``.
    """
    torch = sys.modules.get("torch")
    if torch is None:
        return "none"
    there = torch.cuda.is_available()
    asked = os.environ.get(DEVICE) or ("cuda" if there else "cpu")
    return f"{asked} ({torch.cuda.get_device_name(asked)})" if there and asked.startswith("cuda") else asked
