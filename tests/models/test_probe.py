"""What is found of a model by asking it: brightness, the order of channels, its company; and what it gave before."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from reprcheck.models import resolve_model
from reprcheck.models.pin import Pin
from reprcheck.models.probe import probe, probe_images
from tests.models.made import TINY, images, line

NETS = """
import numpy as np
import torch

class Net(torch.nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.kind = kind
        self.conv = torch.nn.Conv2d(3, 6, 3, stride=2, bias=False)

    def forward(self, x):
        if self.kind == "larger":  # the epsilon is meant for values up to 255
            x = (x - x.mean((2, 3), keepdim=True)) / (x.var((2, 3), keepdim=True) + 0.5).sqrt()
            return self.conv(x).amax((2, 3))
        if self.kind == "blind":
            x = x.mean(1, keepdim=True).expand(-1, 3, -1, -1)
        y = self.conv(x).relu()
        if self.kind == "company":
            y = y - y.mean(0, keepdim=True) / 2
        return y.mean((2, 3)) * (0 if self.kind == "constant" else 1)

def net(kind="plain"):
    torch.manual_seed(0)
    return Net(kind)

def means():
    return lambda x: x.mean((2, 3))
"""
CHANNELS = ("DNA", "ER", "actin")


@pytest.fixture(scope="module")
def nets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("probe") / "nets.py"
    path.write_text(NETS)
    return path


def found(spec: str) -> dict[str, str]:
    return {finding.text: finding.remedy for finding in probe(resolve_model(spec), CHANNELS)}


@pytest.mark.parametrize("spec", ["net", "net?normalise=image", "net?kind=larger&range=0..255", "means"])
def test_a_model_that_is_well_has_nothing_to_do(nets: Path, spec: str) -> None:
    findings = found(f"py:{nets}:{spec}")
    assert not any(findings.values()), findings
    numbers = 3 if spec == "means" else 6
    assert f"gives {numbers} numbers for images of 3 channels and 96 pixels" in findings
    assert len(findings) == 5


@pytest.mark.parametrize(
    ("kind", "seen", "remedy"),
    [
        ("larger", "with range=0..255: the network normalises values larger than", "look up what range its authors"),
        ("blind", "channels in another order give the same vectors", "channel-blind, or channels= is wrong"),
        ("company", "an image's vector isn't the same when it is seen again, alone", "call eval() on the network"),
        ("constant", "all images have one vector", "see that weights were loaded"),
    ],
)
def test_what_is_wrong_is_told_with_what_to_do(nets: Path, kind: str, seen: str, remedy: str) -> None:
    (said,) = [(text, todo) for text, todo in found(f"py:{nets}:net?kind={kind}").items() if seen in text]
    assert said[1].startswith(remedy)


def test_brightness_that_comes_through_a_normalisation_is_told(nets: Path) -> None:
    findings = found(f"py:{nets}:net?percentiles=1,99")
    assert not any(findings.values())
    model = resolve_model(f"py:{nets}:net")
    model.inner.__class__ = type("Claims", (type(model.inner),), {"evens_brightness": True})
    texts = [finding.text for finding in probe(model, CHANNELS) if finding.remedy]
    assert len(texts) == 1
    assert texts[0].endswith("though brightness is normalised")


def test_the_images_are_the_same_everywhere() -> None:
    first = probe_images(2, 16)
    np.testing.assert_array_equal(first[0].pixels, probe_images(2, 16)[0].pixels)
    assert len({image.pixels.tobytes() for image in first}) == len(first)
    assert [round(float(plane.max()), 3) for plane in first[0].pixels] == [0.6, 0.4]


@pytest.fixture
def pinned(nets: Path, tmp_path: Path) -> tuple[str, Path]:
    """A SPEC, and the pin of what it gives."""
    spec, path = f"py:{nets}:net", tmp_path / "net.pin.json"
    path.write_text(Pin.take(resolve_model(spec), CHANNELS).text())
    return spec, path


def test_a_model_that_gives_what_it_gave_is_judged(pinned: tuple[str, Path]) -> None:
    spec, pin = pinned
    model = resolve_model(f"{spec}?pin={pin}")
    plain = resolve_model(spec)
    assert model.digest == plain.digest
    assert model.encoder(3).digest() != plain.encoder(3).digest()
    np.testing.assert_array_equal(model.encoder(3).encode(images(2)), plain.encoder(3).encode(images(2)))
    assert model.encoder(2).encode(images(2, 2)).shape == (2, 12)
    assert model.untrained(3, 0).digest() == plain.untrained(3, 0).digest()
    assert model.notes(3) == ("Pinned: the model gave the known vector before it was judged.",)


def test_one_that_does_not_is_refused(pinned: tuple[str, Path]) -> None:
    spec, pin = pinned
    told = line(lambda: resolve_model(f"{spec}?kind=blind&pin={pin}").encoder(3).encode(images(1)))
    assert "the known image's vector is" in told
    assert "away from the pinned one (0.001 is allowed); see what changed: weights, versions or options" in told
    other = f"timm:{TINY}?pretrained=false&pin={pin}"
    told = line(lambda: resolve_model(other).encoder(3).encode(images(1)))
    assert "the pinned vector has 6 numbers, this one " in told


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (None, "no such file; write it with reprcheck pin"),
        ("{", "is no pin: "),
        ("{}", "is no pin: 'channels'"),
        ('{"channels": ["a"], "vector": ["x"]}', "is no pin: could not convert"),
    ],
)
def test_what_is_no_pin(tmp_path: Path, content: str | None, expected: str) -> None:
    path = tmp_path / "a.pin.json"
    if content is not None:
        path.write_text(content)
    assert f"{path}: {expected}" in line(lambda: resolve_model(f"demo?pin={path}"))


def test_a_pin_of_another_version_is_not_read(pinned: tuple[str, Path]) -> None:
    spec, pin = pinned
    pin.write_text(json.dumps(json.loads(pin.read_text()) | {"schema": 2}))
    assert "version 2 isn't known; read it with a newer reprcheck" in line(lambda: resolve_model(f"{spec}?pin={pin}"))


def test_vectors_that_are_there_already_are_not_pinned(pinned: tuple[str, Path], tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", np.zeros((2, 2), np.float32))
    told = line(lambda: resolve_model(f"emb:{tmp_path / 'v.npy'}?pin={pinned[1]}"))
    assert "can't be compared with a pin; leave pin out" in told
