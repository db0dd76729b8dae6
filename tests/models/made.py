"""Small images, networks and checkpoints for the tests of models."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from reprcheck.errors import UserError
from reprcheck.types import Image

ROOT = Path(__file__).resolve().parents[2]
WEIGHTS = ROOT / "../shared/weights"
TINY = "test_efficientnet"
"""timm's smallest network: 99,196 weights and batch norm."""


def images(n: int, channels: int = 3, side: int = 32, seed: int = 0) -> list[Image]:
    rng = np.random.default_rng(seed)
    return [Image(rng.random((channels, side, side), np.float32)) for _ in range(n)]


def real(file: str) -> Path:
    path = WEIGHTS / file
    if not path.is_file():
        pytest.skip(f"needs the real weights {file}, which are not here")
    return path


def line(call: Callable[[], object]) -> str:
    """Return the one line that a mistake is told in."""
    with pytest.raises(UserError) as caught:
        call()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def elsewhere(code: str, *arguments: str) -> str:
    """Return what code prints in a fresh process."""
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert not done.returncode, done.stderr
    return done.stdout.strip()
