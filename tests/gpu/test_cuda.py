"""On a CUDA device: vectors are deterministic, near those of a CPU, and several networks share one device."""

from __future__ import annotations

import numpy as np
import pytest

import reprcheck
from reprcheck.embed.cache import Cache
from reprcheck.models import resolve_model
from reprcheck.policy import Policy
from tests.models.made import TINY, images

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")

NEAR = 1e-3
"""Of a vector's largest value: what another order of summation may change."""


def vectors(spec: str, where: str, monkeypatch: pytest.MonkeyPatch, n: int = 70) -> np.ndarray:
    monkeypatch.setenv("REPRCHECK_DEVICE", where)
    return resolve_model(spec).encoder(3).encode(images(n))


@pytest.mark.parametrize("name", [TINY, "resnet18", "vit_tiny_patch16_224"])
def test_vectors_are_those_of_a_cpu(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = f"timm:{name}?pretrained=false"
    here, there = (vectors(spec, where, monkeypatch) for where in ("cpu", "cuda"))
    assert np.abs(here - there).max() < NEAR * np.abs(here).max()


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_vectors_are_the_same_again(precision: str, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = f"timm:resnet18?pretrained=false&precision={precision}"
    one, other = (vectors(spec, "cuda", monkeypatch) for _ in range(2))
    assert np.array_equal(one, other)


def test_a_vector_doesnt_depend_on_how_many_came_along(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = "timm:resnet18?pretrained=false"
    assert np.array_equal(vectors(spec, "cuda", monkeypatch, 33)[:5], vectors(spec, "cuda", monkeypatch, 5))


def test_a_short_memory_halves_the_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPRCHECK_DEVICE", "cuda")
    encoder = resolve_model("timm:resnet50?pretrained=false&size=512").encoder(3)
    whole = encoder.encode(images(32))
    torch.cuda.empty_cache()
    total = torch.cuda.mem_get_info()[1]
    mine = torch.cuda.memory_allocated()
    torch.cuda.set_per_process_memory_fraction((mine + 2**30) / total)  # a batch of 32 takes several times as much
    try:
        halved = encoder.encode(images(32))
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert encoder.runner.at_once < 32
    assert np.abs(whole - halved).max() < NEAR * np.abs(whole).max()


def test_a_model_and_its_families_share_the_device(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The gate's verdicts are those of a run on a CPU: effects differ by no more than a unit or two."""
    policy = Policy(settings=("*/knn/1",), twins=2)
    cards = []
    for where in ("cpu", "cuda"):
        monkeypatch.setenv("REPRCHECK_DEVICE", where)
        cards.append(reprcheck.check("demo", policy=policy, cache_dir=tmp_path / where))
    for here, there in zip(*(card.cells for card in cards), strict=True):
        assert here.key == there.key
        assert (here.effect is None) == (there.effect is None)
        if here.effect is not None:
            assert here.effect == pytest.approx(there.effect, abs=0.05)
    assert list((Cache(tmp_path / "cuda").folder / "vectors").iterdir())
