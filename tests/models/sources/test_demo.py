"""The demo model: small, deterministic, trained, and unlike its untrained twins."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch

from reprcheck.datasets.simulate import open_simulated
from reprcheck.models.torch import demo


@pytest.fixture(scope="module")
def batch() -> torch.Tensor:
    """Twelve fields of the default culture, float32[12, 3, 96, 96]."""
    images = open_simulated("sim-culture")[2]
    return torch.from_numpy(np.stack([images.read(i).pixels for i in range(0, 36, 3)]))


def embed(network: torch.nn.Module, pixels: torch.Tensor) -> torch.Tensor:
    with torch.inference_mode():
        vectors: torch.Tensor = network(pixels)
    return vectors


def test_constants_need_no_torch() -> None:
    code = (
        "import sys; from reprcheck.models.torch import demo\n"
        "assert demo.WEIGHTS.is_file()\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_weights_are_small() -> None:
    assert demo.WEIGHTS.stat().st_size < 2_000_000


@pytest.mark.parametrize("sides", [(64, 64), (96, 96), (80, 131)])
def test_any_size_gives_one_vector_per_image(sides: tuple[int, int]) -> None:
    vectors = embed(demo.build(), torch.rand(2, demo.CHANNELS, *sides, generator=torch.Generator().manual_seed(0)))
    assert vectors.shape == (2, demo.DIMENSION)
    assert vectors.dtype == torch.float32
    assert torch.isfinite(vectors).all()


@pytest.mark.parametrize("seed", [None, 3])
def test_building_again_gives_the_same_network(seed: int | None, batch: torch.Tensor) -> None:
    assert torch.equal(embed(demo.build(seed), batch), embed(demo.build(seed), batch))


def test_building_leaves_the_random_state_alone() -> None:
    before = torch.random.get_rng_state()
    demo.build(7)
    assert torch.equal(before, torch.random.get_rng_state())


def test_a_vector_depends_on_its_image_alone(batch: torch.Tensor) -> None:
    network = demo.build()
    together, alone = embed(network, batch), torch.cat([embed(network, one[None]) for one in batch])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)


def test_twins_share_the_architecture_and_differ_in_their_weights(batch: torch.Tensor) -> None:
    trained, twin, other = demo.build(), demo.build(1), demo.build(2)
    shapes = [{name: value.shape for name, value in net.state_dict().items()} for net in (trained, twin)]
    assert shapes[0] == shapes[1]
    vectors = [embed(net, batch) for net in (trained, twin, other)]
    assert not torch.allclose(vectors[0], vectors[1])
    assert not torch.allclose(vectors[1], vectors[2])


def test_a_twin_is_not_collapsed(batch: torch.Tensor) -> None:
    vectors = embed(demo.build(1), batch)
    spread = torch.linalg.svdvals((vectors - vectors.mean(0)).double())
    assert torch.pdist(vectors).min() > 1e-3 * vectors.norm(dim=1).mean()
    assert spread[0].square() / spread.square().sum() < 0.95
