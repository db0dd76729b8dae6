from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from timm.layers import BatchNormAct2d

from reprcheck.models import AdaptationImages, Facts, adapt, draw_plain, resolve_model
from reprcheck.models.torch.adapted import AdaptedEncoder
from reprcheck.models.torch.twins import batch_norms
from reprcheck.types import Encoder, Image
from tests.models.made import TINY, elsewhere, images

MEAN, SPREAD = 0.3, 4.0


class Normed(torch.nn.Module):
    """Two convolutions with batch norm, on values far from mean 0 and variance 1; the second one's is timm's."""

    def __init__(self, drop: float = 0.0) -> None:
        super().__init__()
        self.conv1, self.norm1 = torch.nn.Conv2d(3, 8, 3), torch.nn.BatchNorm2d(8)
        self.drop = torch.nn.Dropout(drop)
        self.conv2, self.norm2 = torch.nn.Conv2d(8, 6, 3, 2), BatchNormAct2d(6, drop_layer=torch.nn.Dropout2d)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = torch.relu(self.norm1(self.conv1((x - MEAN) * SPREAD)))
        return self.norm2(self.conv2(self.drop(y))).mean((2, 3))


def of(pictures: Sequence[Image], *ids: str) -> AdaptationImages:
    return AdaptationImages(ids or tuple(str(i) for i in range(len(pictures))), lambda: iter(pictures))


def twin(pictures: Sequence[Image], module: torch.nn.Module | None = None, channels: int = 3) -> AdaptedEncoder:
    found = adapt(resolve_model(module or Normed()).untrained(channels, 0), of(pictures))
    assert isinstance(found, AdaptedEncoder)
    return found


def pixels(pictures: Sequence[Image]) -> torch.Tensor:
    return torch.from_numpy(np.stack([picture.pixels for picture in pictures]))


def standardised(x: torch.Tensor, mean: torch.Tensor, var: torch.Tensor) -> torch.Tensor:
    return (x - mean.view(1, -1, 1, 1)) / (var.view(1, -1, 1, 1) + 1e-5).sqrt()


@torch.no_grad()
def by_hand(module: Normed, batches: Sequence[torch.Tensor]) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Return the mean and the variance that enter each layer, averaged over batches."""
    found: list[list[torch.Tensor]] = [[], [], [], []]
    for x in batches:
        x = module.conv1((x - MEAN) * SPREAD)
        found[0].append(x.mean((0, 2, 3)))
        found[1].append(x.var((0, 2, 3)))
        x = module.conv2(torch.relu(standardised(x, x.mean((0, 2, 3)), x.var((0, 2, 3), correction=0))))
        found[2].append(x.mean((0, 2, 3)))
        found[3].append(x.var((0, 2, 3)))
    means = [torch.stack(values).mean(0) for values in found]
    return [(means[0], means[1]), (means[2], means[3])]


def statistics(encoder: Encoder) -> list[tuple[torch.Tensor, torch.Tensor]]:
    assert isinstance(encoder, AdaptedEncoder)
    return [(norm.running_mean, norm.running_var) for norm in batch_norms(encoder.runner.module)]


def test_what_enters_batch_norm_is_standardised_on_the_adaptation_images() -> None:
    pictures = images(32)
    module = twin(pictures).runner.module
    entered = {}
    for norm in batch_norms(module):
        norm.register_forward_hook(lambda norm, args, _: entered.update({norm: args[0]}))
    with torch.no_grad():
        module(pixels(pictures))
    assert len(entered) == 2
    for norm, x in entered.items():
        x = standardised(x, norm.running_mean, norm.running_var)
        torch.testing.assert_close(x.mean((0, 2, 3)), torch.zeros(x.shape[1]), atol=1e-4, rtol=0)
        torch.testing.assert_close(x.var((0, 2, 3)), torch.ones(x.shape[1]), atol=1e-3, rtol=0)


@pytest.mark.parametrize(("n", "sizes"), [(96, (32, 32, 32)), (64, (32, 32)), (63, (32,)), (5, (5,)), (2, (2,))])
def test_statistics_are_averages_over_whole_batches(n: int, sizes: tuple[int, ...]) -> None:
    pictures = images(n)
    encoder = twin(pictures)
    batches = pixels(pictures[: sum(sizes)]).split(sizes)
    for found, expected in zip(statistics(encoder), by_hand(encoder.runner.module, batches), strict=True):
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)


def test_each_channel_is_a_plane_where_channels_are_replicated() -> None:
    pictures = images(20, channels=2)
    alone = [Image(np.repeat(i.pixels[c : c + 1], 3, axis=0)) for i in pictures for c in (0, 1)]
    for two, three in zip(statistics(twin(pictures, channels=2)), statistics(twin(alone)), strict=True):
        torch.testing.assert_close(two, three)
    assert twin(pictures, channels=2).encode(pictures).shape == (20, 12)


def test_large_images_go_in_small_batches_but_never_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reprcheck.models.torch.forward.PIXELS", 1)
    pictures = images(5)
    encoder = twin(pictures)
    batches = pixels(pictures[:4]).split(2)
    for found, expected in zip(statistics(encoder), by_hand(encoder.runner.module, batches), strict=True):
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)


def test_only_batch_norm_is_in_training_mode_and_nothing_afterwards() -> None:
    seen = set()

    class Watched(Normed):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            seen.update((type(part), part.training) for part in self.modules())
            return super().forward(x)

    pictures = images(40)
    encoder = twin(pictures, Watched(drop=0.5))
    vectors = encoder.encode(pictures)
    assert (torch.nn.BatchNorm2d, True) in seen
    assert (BatchNormAct2d, True) in seen
    assert {kind for kind, training in seen if training} == {torch.nn.BatchNorm2d, BatchNormAct2d}
    assert not any(part.training for part in encoder.runner.module.modules())
    np.testing.assert_array_equal(vectors[:3], encoder.encode(pictures[:3]))


def test_a_twin_is_another_encoder_once_adapted_and_the_same_each_time() -> None:
    model, pictures = resolve_model(Normed()), images(40)
    plain = model.untrained(3, 0)
    first, second = (adapt(plain, of(pictures)) for _ in range(2))
    np.testing.assert_array_equal(first.encode(pictures), second.encode(pictures))
    assert not np.allclose(first.encode(pictures), plain.encode(pictures))
    assert first.name == "calibrated-0"
    assert adapt(draw_plain(model, 3, "resnet", 1), of(pictures)).name == "calibrated-resnet-1"


def test_the_digest_follows_the_images_and_the_twin() -> None:
    model = resolve_model(f"timm:{TINY}?pretrained=false")
    twins = [model.untrained(3, k) for k in (0, 1)]
    chosen = (("a", "b"), ("a", "c"), ("b", "a"))
    digests = [adapt(twin, of([], *ids)).digest() for twin in twins for ids in chosen]
    assert len({*digests, *(twin.digest() for twin in twins)}) == 8
    assert adapt(twins[0], of([], *chosen[0])).digest() == digests[0]


def test_images_are_read_with_the_first_encoding_and_once() -> None:
    pictures, read = images(4), []
    encoder = adapt(
        resolve_model(Normed()).untrained(3, 0), AdaptationImages(("a",), lambda: read.append(1) or pictures)
    )
    encoder.digest()
    assert not read
    for _ in range(2):
        encoder.encode(pictures)
    assert read == [1]


def test_a_digest_needs_no_torch() -> None:
    code = (
        "import sys; from reprcheck.models import AdaptationImages, adapt, resolve_model\n"
        "adapt(resolve_model('demo').untrained(3, 0), AdaptationImages(('a',), list)).digest()\n"
        "print('torch' in sys.modules)"
    )
    assert elsewhere(code) == "False"


def test_what_has_no_network_can_not_be_adapted() -> None:
    with pytest.raises(TypeError, match="no network"):
        adapt(resolve_model(lambda x: x.mean((2, 3))).encoder(3), of([]))


def test_batch_norm_is_found_whatever_its_kind() -> None:
    kinds = (torch.nn.BatchNorm1d(2), torch.nn.BatchNorm3d(2), torch.nn.SyncBatchNorm(2), BatchNormAct2d(2))
    others = (torch.nn.BatchNorm2d(2, track_running_stats=False), torch.nn.InstanceNorm2d(2), torch.nn.LayerNorm(2))
    assert batch_norms(torch.nn.Sequential(*kinds, *others)) == list(kinds)


def test_synchronised_batch_norm_is_adapted_too() -> None:
    pictures = images(32)
    plain = torch.nn.Sequential(torch.nn.BatchNorm2d(3), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
    both = [statistics(twin(pictures, m)) for m in (plain, torch.nn.SyncBatchNorm.convert_sync_batchnorm(plain))]
    torch.testing.assert_close(*both)
    torch.testing.assert_close(both[0][0][0], pixels(pictures).mean((0, 2, 3)))


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (f"timm:{TINY}?pretrained=false", Facts(batch_norm=True)),
        ("timm:test_vit?pretrained=false", Facts(size=160)),
        ("demo", Facts(batch_norm=True)),
        (Normed(), Facts(batch_norm=True)),
        (torch.nn.Conv2d(3, 2, 3), Facts()),
        (timm.create_model("test_vit", num_classes=0), Facts(opaque=True, size=160)),
        (lambda x: x.mean((2, 3)), Facts()),
    ],
)
def test_the_facts_of_a_model(model: object, expected: Facts) -> None:
    assert resolve_model(model).facts() == expected


def test_the_facts_of_a_factory_s_model(tmp_path: Path) -> None:
    file = tmp_path / "net.py"
    file.write_text("import torch\ndef net():\n    return torch.nn.Sequential(torch.nn.BatchNorm2d(3))\n")
    assert resolve_model(f"py:{file}:net").facts() == Facts(batch_norm=True)
    assert resolve_model(f"py:{file}:net").shuffled(3, 0).name == "shuffled-0"
