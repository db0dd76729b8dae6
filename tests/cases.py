"""The case folders of ``../shared/cases``, written by their own makers: for tests, which skip where they are absent."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

CASES = Path(__file__).resolve().parents[1] / "../shared/cases"


def write_case(name: str, out: Path, *options: str) -> Path:
    """Write a case into a folder and return the folder; some makers take options."""
    maker = CASES / name / "make.py"
    if not maker.is_file():
        pytest.skip("the shared cases are not beside this checkout")
    subprocess.run([sys.executable, str(maker), str(out), *options], check=True)
    return out
