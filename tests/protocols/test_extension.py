"""A protocol that another distribution brings, from its entry point to the scorecard."""

import sys

import pytest

import reprcheck
from reprcheck.datasets.catalogue import load
from reprcheck.errors import UserError
from reprcheck.policy import Policy
from reprcheck.registry import PROTOCOLS
from tests.minisets import write_dataset

ECHO = """
import numpy as np
from reprcheck.protocols import Protocol
from reprcheck.protocols.features import per_unit
from reprcheck.types import Scores


class Echo(Protocol):
    id = "echo/1"
    kinds = ("classify",)

    def score(self, blocks, task, repeat=0):
        predicted = (blocks[0][:, 0] > np.median(blocks[0][:, 0])).astype(int)
        return Scores(*per_unit((predicted == task.y).astype(float), task), predictions=predicted)


ECHO, NO_PROTOCOL = Echo(), object()
"""


@pytest.fixture
def echo(tmp_path, monkeypatch):
    """Install a distribution with a protocol, one that isn't, and one that goes by another name."""
    (tmp_path / "echoing.py").write_text(ECHO)
    folder = tmp_path / "echoing-1.2.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: echoing\nVersion: 1.2\n")
    lines = "echo/1 = echoing:ECHO\nmute/1 = echoing:NO_PROTOCOL\necho/2 = echoing:ECHO\n"
    (folder / "entry_points.txt").write_text(f"[reprcheck.protocols]\n{lines}")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(vars(PROTOCOLS), "_entries", raising=False)
    yield
    vars(PROTOCOLS).pop("_entries", None)
    sys.modules.pop("echoing", None)


@pytest.mark.usefixtures("echo")
def test_it_is_asked_by_a_card_and_its_setting_is_in_the_scorecard(tmp_path):
    assert PROTOCOLS.origin("echo/1") == "echoing 1.2"
    task = {"protocols": ["echo/1", "knn/1"]}
    write_dataset(tmp_path / "mini", labels=["a", "b"] * 12, shape=(1, 16, 16), signal=40.0, task=task)
    policy = Policy(twins=2, repeats=1, settings=("*/echo/1",), diagnostics=("beats_untrained",))
    card = reprcheck.check(lambda x: x.mean((2, 3)), tmp_path / "mini", policy, cache_dir=tmp_path / "cache")
    (setting,), (cell,) = card.settings, card.cells
    assert (setting.id, setting.protocol, cell.setting) == ("mini:state/echo/1", "echo/1", "mini:state/echo/1")
    assert (setting.scores["model"]["mean"], setting.landmarks["chance"], setting.selectivity) == (1.0, 0.5, {})


@pytest.mark.usefixtures("echo")
@pytest.mark.parametrize(("name", "why"), [("mute/1", "is no Protocol"), ("echo/2", "calls itself 'echo/1'")])
def test_a_card_that_asks_by_what_is_no_such_protocol_is_told_whose_it_is(tmp_path, name, why):
    write_dataset(tmp_path / "mini", task={"protocols": [name]})
    broken = rf"\[tasks\.state\] protocols: the protocol '{name}' of echoing 1\.2 can't be loaded: .* {why}"
    with pytest.raises(UserError, match=broken):
        load(tmp_path / "mini")
