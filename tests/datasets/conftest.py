from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.minisets import write_dataset


@pytest.fixture
def make_dataset(tmp_path: Path) -> Callable[..., Path]:
    """Write a miniature dataset folder: `write_dataset` in a folder of its own, ``name`` under tmp_path."""

    def make(name: str = "mini", **options: Any) -> Path:
        return write_dataset(tmp_path / name, **options)

    return make
