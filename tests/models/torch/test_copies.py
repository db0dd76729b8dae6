"""A network of the user's runs on all cores, in copies: none is in two threads, and all give the same vectors."""

from __future__ import annotations

from threading import Lock

import numpy as np
import pytest
import torch

from reprcheck.embed import fill, workers
from reprcheck.embed.cache import Cache
from reprcheck.embed.engine import embed
from reprcheck.embed.fill import ImageView
from reprcheck.models import AdaptationImages, adapt, resolve_model
from reprcheck.models.torch import encoder as torch_encoder
from tests.embed.test_engine import quiet
from tests.models.made import images

N = fill.BATCH * 8
BUSY = Lock()


class Own(torch.nn.Module):
    """Keeps state while it runs, and notes who runs at once."""

    most, inside = 0, 0

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer, self.norm, self.held = torch.nn.Conv2d(3, 8, 3), torch.nn.BatchNorm2d(8), None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        with BUSY:
            Own.inside += 1
            Own.most = max(Own.most, Own.inside)
        self.held = x
        for _ in range(20):
            y = self.norm(self.layer(self.held)).mean((2, 3))
        assert self.held is x, "another thread ran this copy"
        with BUSY:
            Own.inside -= 1
        return y


class Pictures:
    """An image source in memory."""

    def __init__(self) -> None:
        self.shown = images(N, side=24)

    def content(self, index: int) -> str:
        return str(index)

    def read(self, index: int):
        return self.shown[index]


def vectors(encoder, folder) -> np.ndarray:
    view = ImageView(Pictures(), np.arange(N), (0, 1, 2))
    return embed(view, [encoder], Cache(folder), quiet)[0].vectors


@pytest.fixture
def own(monkeypatch):
    monkeypatch.setattr(Own, "most", 0)
    monkeypatch.setattr(workers, "cores", lambda: 4)
    monkeypatch.setattr(torch_encoder, "cores", lambda: 4)
    return resolve_model(Own())


@pytest.mark.parametrize("adapted", [False, True])
def test_copies_give_the_vectors_of_one(own, tmp_path, adapted):
    def make():
        encoder = own.untrained(3, 0)
        return adapt(encoder, AdaptationImages(("a", "b"), lambda: images(2, seed=5))) if adapted else encoder

    expected = make().encode(Pictures().shown)
    found = vectors(make(), tmp_path)
    assert Own.most > 1
    assert np.array_equal(found, expected)


def test_a_network_whose_copies_take_too_much_memory_is_shown_a_batch_at_a_time(own, tmp_path, monkeypatch):
    monkeypatch.setattr(torch_encoder, "COPIED_BYTES", 1000)
    vectors(own.encoder(3), tmp_path)
    assert Own.most == 1
