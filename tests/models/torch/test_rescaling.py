"""Twins rescaled layer by layer: every layer passes the signal on, whatever its kind, and nothing else changes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch

from reprcheck.models import RESCALED, AdaptationImages, adapt, resolve_model
from reprcheck.stats.collapse import collapse, float_steps, lost_signal
from reprcheck.types import Image
from tests.models.made import images


class Deep(torch.nn.Module):
    """Convolutions of three kinds and two linear layers, without normalisation; one layer runs twice."""

    def __init__(self) -> None:
        super().__init__()
        self.unused = torch.nn.Linear(7, 7)
        self.last = torch.nn.Linear(8, 6)
        self.first, self.again = torch.nn.Conv2d(3, 8, 3), torch.nn.Conv2d(8, 8, 3, padding=1)
        self.back = torch.nn.ConvTranspose2d(8, 8, 3)
        self.tokens = torch.nn.Linear(8, 8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.first(x))
        for layer in (self.again, self.again, self.back):
            x = torch.relu(layer(x))
        x = torch.relu(self.tokens(x.movedim(1, -1)))
        return self.last(x).mean((1, 2))


def rescaled(module: torch.nn.Module, pictures: Sequence[Image], **options: str):
    model = resolve_model(module)
    twin = model.untrained(3, 0)
    return twin, adapt(twin, AdaptationImages(tuple(map(str, range(len(pictures)))), lambda: iter(pictures)), RESCALED)


def test_every_layer_passes_on_what_tells_images_and_places_apart() -> None:
    pictures = images(32)
    twin, encoder = rescaled(Deep(), pictures)
    assert encoder.name == "rescaled-0"
    module, spreads = encoder.runner.module, {}

    def note(layer: torch.nn.Module, _: object, output: torch.Tensor) -> None:
        values = output.flatten(0, -2) if isinstance(layer, torch.nn.Linear) else output.movedim(1, -1).flatten(0, -2)
        spreads.setdefault(layer, float(values.var(0, correction=0).mean().sqrt()))

    layers = [part for part in module.modules() if hasattr(part, "weight")]
    for layer in layers:
        layer.register_forward_hook(note)
    with torch.no_grad():
        module(torch.from_numpy(np.stack([picture.pixels for picture in pictures])))
    assert set(layers) - set(spreads) == {module.unused}
    assert list(spreads.values()) == pytest.approx([1.0] * 5, abs=1e-3)
    before = twin.runner.module.state_dict()
    for name, tensor in module.state_dict().items():
        assert torch.equal(tensor, before[name]) == ("bias" in name or "unused" in name), name


def test_a_network_that_forgot_its_images_tells_them_apart_again() -> None:
    pictures = images(40)
    pool = (torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
    hidden = [torch.nn.Sequential(torch.nn.Conv2d(8, 8, 3, padding=1), torch.nn.ReLU()) for _ in range(24)]
    twin, encoder = rescaled(torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), *hidden, *pool), pictures)
    forgotten, vectors = twin.encode(pictures), encoder.encode(pictures)
    assert lost_signal(forgotten) == "fades"
    assert collapse(forgotten) is not None
    assert lost_signal(vectors) is collapse(vectors) is None
    assert np.median(float_steps(vectors)) > 1e4
    np.testing.assert_array_equal(
        vectors, rescaled(torch.nn.Sequential(*encoder.network.module), pictures)[1].encode(pictures)
    )


def test_weights_that_are_not_a_layer_s_own_and_flat_layers_stay() -> None:
    pictures = images(8)
    normed = torch.nn.utils.parametrizations.weight_norm(torch.nn.Conv2d(3, 4, 3))
    flat = torch.nn.Conv2d(4, 4, 1)
    module = torch.nn.Sequential(
        normed,
        flat,
        torch.nn.Hardtanh(9, 9.5),
        torch.nn.Conv2d(4, 2, 1),
        torch.nn.AdaptiveAvgPool2d(1),
        torch.nn.Flatten(),
    )
    twin, encoder = rescaled(module, pictures)
    mine, before = encoder.runner.module.state_dict(), twin.runner.module.state_dict()
    assert [name for name in mine if not torch.equal(mine[name], before[name])] == ["1.weight"]
