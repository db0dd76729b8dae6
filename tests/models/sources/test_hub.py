"""Entry points of a ``hubconf.py``: code of the user's, as ``py:`` has it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from reprcheck.models import resolve_model
from tests.models.made import images, line

CONF = """
dependencies = ["torch"]
import torch
from parts import Net

def net(width=4, pretrained=True):
    \"\"\"A network.\"\"\"
    torch.manual_seed(width)
    return Net(width)
"""
PARTS = """
import torch

class Net(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv = torch.nn.Conv2d(3, width, 3)

    def forward(self, x):
        return self.conv(x).mean((2, 3))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "repo").mkdir()
    (tmp_path / "repo" / "hubconf.py").write_text(CONF)
    (tmp_path / "repo" / "parts.py").write_text(PARTS)
    return tmp_path / "repo"


def test_an_entry_point_is_called_with_the_options(folder: Path) -> None:
    model = resolve_model(f"hub:{folder}:net?width=6&size=16")
    assert model.name == "repo.net"
    assert model.spec == f"hub:{folder}:net?width=6&size=16"
    assert model.encoder(3).encode(images(2)).shape == (2, 6)
    same = resolve_model(f"py:{folder}/hubconf.py:net?width=6&size=16")
    np.testing.assert_array_equal(same.encoder(3).encode(images(2)), model.encoder(3).encode(images(2)))
    first, again, other = (model.untrained(3, k).encode(images(2)) for k in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.isclose(first, other).any()


def test_what_is_no_entry_point(folder: Path) -> None:
    told = line(lambda: resolve_model(f"hub:{folder}:nett").digest)
    assert "hubconf.py has no factory 'nett'; did you mean net?" in told
    assert "names no entry point; write hub:DIR:entry" in line(lambda: resolve_model("hub:repo"))
    assert "no hubconf.py in nowhere" in line(lambda: resolve_model("hub:nowhere:net"))
