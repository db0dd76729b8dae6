"""A cached answer is of the model that ran: whole sessions, before and after an edit of what the model is made of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import reprcheck
from reprcheck.policy import Policy
from tests.cases import write_case
from tests.minisets import write_dataset

pytestmark = pytest.mark.usefixtures("small_networks")
POLICY = Policy(twins=2, settings=("*/knn/1",), diagnostics=("beats_structure",), repeats=1)
MODEL = """
from pathlib import Path
import numpy as np
import helper
HERE = Path(__file__).parent
def by_helper():
    return lambda x: helper.features(x)
class Slots:
    __slots__ = ("w",)
    def __init__(self): self.w = np.load(HERE / "w.npy")
    def __call__(self, x): return (x.mean((2, 3)) @ self.w).astype(np.float32)
def by_slots():
    return Slots()
def by_global():
    global W
    W = np.load(HERE / "w.npy")
    return use_global
def use_global(x): return (x.mean((2, 3)) @ W).astype(np.float32)
"""
KNOWING = "import numpy as np\ndef features(x):\n    return x.mean((2, 3)) * np.float32([1, 2, 3])\n"
IGNORANT = KNOWING.replace("x.mean", "0 * x.mean")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("stale")
    write_dataset(place / "data", labels=["a", "b"] * 24, shape=(1, 16, 16), signal=60.0)
    (place / "model.py").write_text(MODEL)
    return place


def asked(place: Path, factory: str, data: str = "data") -> tuple[float, str]:
    """Return the model's score and its digest, as the scorecard has them."""
    spec = f"py:{place}/model.py:{factory}"
    card = reprcheck.check(spec, place / data, policy=POLICY, cache_dir=place / "cache")
    (setting,) = card.settings
    return setting.scores["model"]["mean"], card.model["digest"]


@pytest.mark.parametrize("factory", ["by_helper", "by_slots", "by_global"])
def test_an_edit_is_scored_again(factory: str, place: Path) -> None:
    (place / "helper.py").write_text(KNOWING)
    np.save(place / "w.npy", np.float32([[1, 2, 3]]))
    before = asked(place, factory)
    assert before[0] == 1
    assert asked(place, factory) == before
    (place / "helper.py").write_text(IGNORANT)
    np.save(place / "w.npy", np.float32([[0, 0, 0]]))
    after = asked(place, factory)
    assert after[0] == pytest.approx(0.5, abs=0.1)
    assert after[1] != before[1]


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_case("stale_cache", tmp_path_factory.mktemp("case") / "stale_cache")


@pytest.mark.parametrize("factory", ["by_helper", "by_weights", "by_closure", "by_slots", "by_global"])
def test_the_case(factory: str, case: Path) -> None:
    helper = (case / "helper.py").read_text().replace("0 * ", "").replace("x.max(", "x.mean(")
    np.save(case / "w.npy", np.ones((1, 3), np.float32))
    (case / "helper.py").write_text(helper.replace("x.mean(", "x.max("))
    assert asked(case, factory, ".")[0] == 1
    (case / "helper.py").write_text(helper.replace("x.mean(", "0 * x.mean("))
    np.save(case / "w.npy", np.zeros((1, 3), np.float32))
    assert asked(case, factory, ".")[0] == pytest.approx(0.5, abs=0.1)
