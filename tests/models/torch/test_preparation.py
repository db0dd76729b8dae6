"""What reaches a network: values, sizes and channels, seen through a network that gives back what it was given."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from reprcheck.models import draw_plain, resolve_model
from reprcheck.models.preprocessing import FEED
from reprcheck.types import Image
from tests.models.made import images, line

NETS = """
import torch

class Mirror(torch.nn.Module):
    def forward(self, x):
        return x.flatten(1)

def mirror():
    return Mirror()

class Summing(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(2, 3, 1, bias=False)

    def forward(self, x):
        return self.conv(x).mean((2, 3))

class Named(torch.nn.Module):
    def forward(self, x, markers):
        return x.mean((2, 3)) * torch.tensor([len(marker) for marker in markers])

def named():
    return Named()

def summing():
    torch.manual_seed(0)
    return Summing()

def ranged(range="none"):
    net = Mirror()
    net.range = range
    return net

def means():
    return lambda x: x.mean((2, 3))
"""
NAMES = ("ER", "DNA", "actin")
SHOWN = images(2, 3, side=8)
PIXELS = np.stack([image.pixels for image in SHOWN])


@pytest.fixture(scope="module")
def nets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("preparation") / "nets.py"
    path.write_text(NETS)
    return path


def fed(nets: Path, asked: str, shown: list[Image] = SHOWN) -> np.ndarray:
    """Return what the network got of some images, float32[N, values]."""
    model = resolve_model(f"py:{nets}:mirror?{asked}")
    return model.on(NAMES[: len(shown[0].pixels)]).encoder(len(shown[0].pixels)).encode(shown)


def flat(pixels: np.ndarray) -> np.ndarray:
    return pixels.reshape(len(pixels), -1)


def stretched(low: float, high: float) -> np.ndarray:
    bounds = np.percentile(PIXELS, [low, high], axis=(2, 3), keepdims=True)
    return ((PIXELS - bounds[0]) / (bounds[1] - bounds[0])).clip(0, 1)


def standardised(axis: tuple[int, ...]) -> np.ndarray:
    return (PIXELS - PIXELS.mean(axis, keepdims=True)) / PIXELS.std(axis, keepdims=True)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("size=8", PIXELS),
        ("range=0..255", 255 * PIXELS),
        ("range=-1..1", 2 * PIXELS - 1),
        ("mean=0.5&std=0.25", (PIXELS - 0.5) / 0.25),
        ("range=0..255&mean=100,110,120&std=50", (255 * PIXELS - np.reshape([100, 110, 120], (3, 1, 1))) / 50),
        ("normalise=image", standardised((1, 2, 3))),
        ("normalise=channel", standardised((2, 3))),
        ("percentiles=0,100", stretched(0, 100)),
        ("percentiles=5,95&range=0..255", 255 * stretched(5, 95)),
        ("size=4&fit=crop&resize=8", PIXELS[:, :, 2:6, 2:6]),
        ("size=4&interpolation=nearest", PIXELS[:, :, 1::2, 1::2]),
    ],
)
def test_values_and_sizes(nets: Path, asked: str, expected: np.ndarray) -> None:
    np.testing.assert_allclose(fed(nets, asked), flat(expected), rtol=1e-4, atol=1e-5)


def test_a_crop_keeps_the_shape_of_things(nets: Path) -> None:
    ramp = np.broadcast_to(np.linspace(0, 1, 16, dtype=np.float32), (1, 8, 16))
    found = fed(nets, "size=4&fit=crop&in_chans=1", [Image(ramp)]).reshape(4, 4)
    np.testing.assert_allclose(np.diff(found), 2 / 15, rtol=1e-4)


def test_tiles_are_averaged(nets: Path) -> None:
    tall = [Image(image.pixels[:, :, :5]) for image in SHOWN]
    found = fed(nets, "size=4&fit=tile", tall)
    expected = np.stack([image.pixels[:, :, :4].reshape(3, 2, 4, 4).mean(1) for image in tall])
    np.testing.assert_allclose(found, flat(expected), rtol=1e-5)
    small = fed(nets, "size=16&fit=tile")
    np.testing.assert_array_equal(small, fed(nets, "size=16"))


def test_a_cubic_stays_between_black_and_white(nets: Path) -> None:
    edge = Image(np.repeat(np.float32([0, 0, 0, 1, 1, 1])[None, None], 6, axis=1))
    found = fed(nets, "size=12&interpolation=bicubic&in_chans=1", [edge])
    assert (found.min(), found.max()) == (0, 1)


@pytest.mark.parametrize(
    ("asked", "places"),
    [
        ("channels=select:actin,ER", [[2, 0]]),
        ("channels=select:2,DNA", [[2, 1]]),
        ("channels=map:DNA=nucleus,ER=tubulin&roles=tubulin,nucleus", [[0, 1]]),
        ("channels=map:DNA=nucleus,*=protein&roles=protein,nucleus", [[0, 1], [2, 1]]),
    ],
)
def test_channels_by_name(nets: Path, asked: str, places: list[list[int]]) -> None:
    expected = np.concatenate([flat(PIXELS[:, shown]) for shown in places], 1)
    np.testing.assert_array_equal(fed(nets, f"in_chans=2&{asked}"), expected)


def test_a_role_may_stay_black(nets: Path) -> None:
    found = fed(nets, "in_chans=3&channels=map:DNA=nucleus,-=ER,actin=actin&roles=nucleus,ER,actin").reshape(
        PIXELS.shape
    )
    np.testing.assert_array_equal(found, PIXELS[:, [1, 0, 2]] * np.reshape(np.float32([1, 0, 1]), (3, 1, 1)))


def test_selected_channels_are_shown_alone_where_the_network_takes_another_number(nets: Path) -> None:
    found = fed(nets, "in_chans=1&channels=select:actin,ER").reshape(2, 2, 8, 8)
    np.testing.assert_array_equal(found, PIXELS[:, [2, 0]])
    notes = resolve_model(f"py:{nets}:mirror?in_chans=1&channels=select:actin,ER").on(NAMES).notes(3)
    (note,) = notes
    assert note.startswith("Channels: the model is shown 2 of the 3 alone, and their vectors are joined (channels=repl")


def test_a_network_that_asks_is_told_what_its_channels_are(nets: Path) -> None:
    model = resolve_model(f"py:{nets}:named?names_as=markers&in_chans=2&channels=select:actin,ER").on(NAMES)
    means = PIXELS[:, [2, 0]].mean((2, 3))
    np.testing.assert_allclose(model.encoder(3).encode(SHOWN), means * [len("actin"), len("ER")], rtol=1e-5)
    others = resolve_model(f"py:{nets}:named?names_as=markers").on(("DAPI", "ER", "RNA"))
    assert (
        others.encoder(3).digest() != resolve_model(f"py:{nets}:named?names_as=markers").on(NAMES).encoder(3).digest()
    )


def test_a_callable_is_shown_channels_by_name_too(nets: Path) -> None:
    model = resolve_model(f"py:{nets}:means?channels=select:actin").on(NAMES)
    np.testing.assert_allclose(model.encoder(3).encode(SHOWN), PIXELS[:, [2]].mean((2, 3)), rtol=1e-5)


def test_a_plain_network_is_shown_what_the_model_is_in_values_of_its_own(nets: Path) -> None:
    spec = f"py:{nets}:mirror?in_chans=2&channels=select:actin,ER"
    for architecture in ("conv", "resnet"):
        plain, ranged = (
            draw_plain(resolve_model(f"{spec}{asked}").on(NAMES), 3, architecture, 0)
            for asked in ("", "&range=0..255&mean=3&std=2")
        )
        assert plain.network.in_chans == 2
        np.testing.assert_array_equal(plain.encode(SHOWN), ranged.encode(SHOWN))


def test_a_stem_takes_more_channels_and_the_twin_s_too(nets: Path) -> None:
    model = resolve_model(f"py:{nets}:summing?channels=stem")
    grey = [Image(np.repeat(image.pixels[:1], 4, axis=0)) for image in SHOWN]
    pair = [Image(image.pixels[:2]) for image in grey]
    for encoder in (model.encoder, lambda n: model.untrained(n, 0)):
        np.testing.assert_allclose(encoder(4).encode(grey), encoder(2).encode(pair), rtol=1e-5)
    assert model.notes(4) == ("Channels: the first layer was changed from 2 channels to 4 (channels=stem).",)
    assert model.notes(2) == ()
    told = line(lambda: resolve_model(f"py:{nets}:mirror?channels=stem").encoder(4).encode(grey))
    assert told.endswith("channels=stem, but Mirror has no convolution of 3 channels; write channels=replicate")


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("range=255", "range=255 isn't a low and a high number; write range=0..255"),
        ("range=1..0", "range=1..0 isn't a low and a high number"),
        ("mean=0.5", "mean and std belong together; give both, or neither"),
        ("mean=a&std=1", "mean=a isn't numbers; write mean=0,1, say"),
        ("mean=0.5&std=0", "std isn't above 0"),
        ("mean=0.1,0.2&std=1", "mean has 2 values, and the network takes 3 channels; give one for all channels"),
        ("percentiles=1,101", "percentiles lie between 0 and 100; write percentiles=1,99"),
        ("normalise=image&range=0..255", "normalise=image leaves nothing of range, mean and std; drop one of them"),
        ("normalise=pixel", "normalise=pixel isn't known"),
        ("resize=256&size=224", "resize is the side that a smaller size is cut from; write fit=crop&resize=256"),
        ("fit=crop&resize=100&size=224", "resize is the side that a smaller size is cut from"),
        ("fit=tile", "fit=tile needs a size; add size=224, say"),
        ("channels=select:", "channels=select: names no channel; write channels=select:DNA, say"),
        ("channels=replicate&names_as=markers", "names_as tells a network its channels, but they are shown in several"),
        ("channels=natve", "channels=natve isn't known; did you mean native?"),
        ("channels=select:DAPI", "the images have no channel 'DAPI'; known: DNA, ER, actin"),
        (
            "channels=map:DNA=nucleus",
            "channels=map needs the network's own channels; add roles=nucleus,ER, in its order",
        ),
        ("channels=map:DNA&roles=a", "'DNA' in channels=map isn't CHANNEL=ROLE; write map:DNA=nucleus,ER=ER"),
        ("channels=map:DNA=b&roles=a", "the network has no role 'b'; known: a"),
        ("channels=map:DNA=a,ER=a&roles=a", "two channels are mapped to the role a; keep one"),
        ("channels=map:DNA=a&roles=a,b", "no channel is mapped to the role b; map one to it, or write -=b to leave it"),
        ("channels=map:*=a,*=b&roles=a,b", "two roles are shown the channels in turn; write * for one of them"),
        ("channels=map:DNA=a,ER=b&roles=a,b", "channels=native, but the model takes 3 channels and the images have 2"),
    ],
)
def test_what_can_not_be_is_one_line(nets: Path, asked: str, expected: str) -> None:
    assert f": {expected}" in line(lambda: fed(nets, asked))


def test_all_of_it_is_part_of_the_identity(nets: Path) -> None:
    asked = [
        *("size=8", "range=0..255", "range=0..1", "mean=0.5&std=0.5", "percentiles=1,99", "normalise=channel"),
        *("size=8&fit=crop", "size=8&fit=crop&resize=9", "size=8&interpolation=bicubic", "channels=select:0,1,2"),
        *("channels=select:2,1,0", "channels=map:0=a,1=b,2=c&roles=a,b,c", "channels=map:0=a,1=b,2=c&roles=a,c,b"),
    ]
    models = [resolve_model(f"py:{nets}:mirror?{one}") for one in asked]
    assert len({model.digest for model in models}) == len(asked)
    encoders = {model.on(NAMES).encoder(3).digest() for model in models}
    assert len(encoders) == len(asked) - 1  # the roles of one list in their order are a selection of the same channels
    assert models[1].notes(3) == ("Input: range=0..255, for the model and its untrained twins.",)


def test_a_factory_that_names_an_option_keeps_it_to_itself(nets: Path) -> None:
    model = resolve_model(f"py:{nets}:ranged?range=narrow")
    np.testing.assert_array_equal(model.encoder(3).encode(SHOWN), flat(PIXELS))


def test_a_callable_prepares_its_images_itself(nets: Path) -> None:
    values = {"size": "8", "normalise": "image", "precision": "bf16", "range": "0..1", "percentiles": "1,99"}
    values |= {
        "fit": "crop",
        "interpolation": "nearest",
        "names_as": "markers",
        "mean": "0&std=1",
        "std": "1&mean=0",
        "resize": "9&fit=crop",
    }
    for option in FEED:
        asked = f"{option}={values[option]}" if option in values else "channels=stem" if option == "channels" else None
        if asked:
            told = line(lambda asked=asked: resolve_model(f"py:{nets}:means?{asked}").digest)
            assert "of a torch module" in told
