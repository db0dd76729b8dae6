"""The paper's finding, on real images: the same network is blocked on cells and passes on photographs."""

from pathlib import Path

import pytest

import reprcheck
from reprcheck.policy import Policy

SHARED = Path(__file__).resolve().parents[2] / ".." / "shared"
WEIGHTS = SHARED / "weights" / "tf_efficientnet_lite0" / "tf_efficientnet_lite0.safetensors"
MODEL = f"timm:tf_efficientnet_lite0?pretrained=false&checkpoint={WEIGHTS}&size=96"
POLICY = Policy(twins=3, repeats=1, limited_release=True, settings=("jurkat:phase/*", "cifar10:*"))

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not WEIGHTS.is_file(), reason="the real images and weights are not beside the checkout"),
]


def by_diagnostic(card):
    found = {}
    for cell in card.cells:
        found.setdefault(cell.diagnostic, set()).add(cell.status)
    return found


def test_the_network_is_blocked_on_cells(cache):
    card = reprcheck.check(MODEL, SHARED / "data" / "jurkat", POLICY, limit=300, cache_dir=cache)
    assert not card.gate.released
    assert by_diagnostic(card)["beats_untrained"] <= {"fail", "inconclusive"}
    assert all(cell.effect < 0 for cell in card.cells if cell.diagnostic == "beats_untrained")
    assert any("jurkat:phase/probe/2 beats_untrained" in reason for reason in card.gate.blocked_by)


def test_the_same_network_passes_on_photographs(cache):
    card = reprcheck.check(MODEL, SHARED / "data" / "cifar10", POLICY, limit=300, cache_dir=cache)
    assert by_diagnostic(card) == {
        "beats_untrained": {"pass"},
        "beats_structure": {"not_applicable"},
        "beats_texture": {"pass"},
        "beyond_intensity": {"pass"},
    }
    assert card.gate.released
