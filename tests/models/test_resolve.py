from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from reprcheck.errors import UserError
from reprcheck.models import Model, device_name, draw_plain, resolve_model
from reprcheck.models.sources.emb import VectorFile
from reprcheck.types import Image

from .made import TINY, elsewhere, images, line


class Net(torch.nn.Module):
    def __init__(self, pool: bool = True) -> None:
        super().__init__()
        self.conv, self.pool = torch.nn.Conv2d(2, 4, 3), pool

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.conv(x)
        return x.mean((2, 3)) if self.pool else x


class Sums:
    """An encoder by its shape alone."""

    name = "sums"

    def __init__(self, scale: float = 1.0) -> None:
        self.scale = scale

    def digest(self) -> str:
        return f"sums {self.scale}"

    def encode(self, shown: list[Image]) -> np.ndarray:
        return np.stack([self.scale * image.pixels.sum((1, 2)) for image in shown])

    def untrained(self, seed: int) -> Sums:
        return Sums(float(seed % 7 + 2))


def scaled(x: np.ndarray, by: float = 1.0) -> np.ndarray:
    return x.mean((2, 3)) * np.float32(by)


def test_the_package_and_digests_of_files_need_no_torch(checkpoint: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", np.zeros((2, 2), np.float32))
    code = """
import sys
from reprcheck.models import device_name, draw_plain, resolve_model as resolve
for spec in sys.argv[1:]:
    model = resolve(spec)
    print(model.digest, draw_plain(model, 2, "vit", 0).digest(), draw_plain(model, 2, "resnet", 1).digest())
    if not spec.startswith("emb"):
        print(model.encoder(2).digest(), model.untrained(2, 0).digest())
assert device_name() == "none"
assert not {"torch", "timm"} & set(sys.modules)
"""
    specs = [f"timm:{TINY}?checkpoint={checkpoint}", f"timm:{TINY}?pretrained=false", f"emb:{tmp_path / 'v.npy'}"]
    found = elsewhere(code, *specs).splitlines()
    here = []
    for spec in specs:
        model = resolve_model(spec)
        vit, resnet = draw_plain(model, 2, "vit", 0), draw_plain(model, 2, "resnet", 1)
        here.append(f"{model.digest} {vit.digest()} {resnet.digest()}")
        twin = model.untrained(2, 0)
        if twin:
            here.append(f"{model.encoder(2).digest()} {twin.digest()}")
    assert found == here


def test_a_module_is_a_model_and_is_left_as_it_is() -> None:
    net = Net().train()
    model = resolve_model(net)
    before = {key: value.clone() for key, value in net.state_dict().items()}
    assert (model.name, model.spec) == ("Net", "object:Net")
    vectors = model.encoder(2).encode(images(3, channels=2))
    expected = net(torch.from_numpy(np.stack([image.pixels for image in images(3, channels=2)]))).detach().numpy()
    np.testing.assert_allclose(vectors, expected, atol=1e-6)
    assert net.training
    assert all(torch.equal(before[key], value) for key, value in net.state_dict().items())
    assert model.encoder(5).encode(images(1, channels=5)).shape == (1, 20)


def test_a_module_s_digest_is_of_weights_settings_and_code() -> None:
    net = Net()
    digest = resolve_model(net).digest
    assert resolve_model(net).digest == digest
    assert resolve_model(Net()).digest != digest
    net.pool = False
    assert resolve_model(net).digest != digest
    net.pool = True
    with torch.no_grad():
        net.conv.weight[0, 0, 0, 0] += 1
    assert resolve_model(net).digest != digest


def test_a_module_is_told_from_its_state_when_it_was_given() -> None:
    net = Net()
    model = resolve_model(net)
    expected = resolve_model(net).encoder(2).encode(images(1, channels=2))
    with torch.no_grad():
        net.conv.weight.zero_()
    np.testing.assert_array_equal(model.encoder(2).encode(images(1, channels=2)), expected)


def test_an_encoder_is_a_model_with_its_own_twins() -> None:
    model = resolve_model(Sums())
    assert model.name == "sums"
    shown = images(2, channels=2)
    np.testing.assert_allclose(model.encoder(2).encode(shown), [image.pixels.sum((1, 2)) for image in shown])
    twin = model.untrained(2, 3)
    assert twin is not None
    assert twin.name == "untrained-3"
    assert twin.digest() != model.encoder(2).digest()
    assert resolve_model(Sums(2)).digest != model.digest


def test_a_callable_is_a_model_without_twins() -> None:
    model = resolve_model(scaled)
    assert model.name == "scaled"
    assert model.untrained(2, 0) is None
    assert model.encoder(4).encode(images(40, channels=4)).shape == (40, 4)
    plain = draw_plain(model, 2, "resnet", 1)
    assert plain.name == "untrained-resnet-1"
    assert plain.encode(images(2, channels=2, side=40)).shape == (2, 256)


def test_a_callable_s_own_twins() -> None:
    class Drawn:
        def __init__(self, seed: int = 0) -> None:
            self.weights = np.random.default_rng(seed).random((2, 3), np.float32)

        def __call__(self, x: np.ndarray) -> np.ndarray:
            return x.mean((2, 3)) @ self.weights

        def untrained(self, seed: int) -> Drawn:
            return Drawn(seed)

    model = resolve_model(Drawn())
    encoders = [model.encoder(2), model.untrained(2, 0), model.untrained(2, 1)]
    assert len({encoder.digest() for encoder in encoders}) == 3
    assert len({encoder.encode(images(2, 2)).tobytes() for encoder in encoders}) == 3


def test_a_callable_s_vector_does_not_depend_on_its_company() -> None:
    weights = np.random.default_rng(0).standard_normal((2, 50)).astype(np.float32)
    encoder = resolve_model(lambda x: x.mean((2, 3)) @ weights).encoder(2)
    shown = images(40, 2)
    pieces = [encoder.encode(shown[:3]), encoder.encode(shown[3:])]
    np.testing.assert_array_equal(np.concatenate(pieces), encoder.encode(shown))


def test_a_callable_s_digest_follows_what_it_holds() -> None:
    def closed(weights: np.ndarray):
        return lambda x: x.mean((2, 3)) @ weights

    class Held:
        def __init__(self, by: float) -> None:
            self.by = by

        def __call__(self, x: np.ndarray) -> np.ndarray:
            return scaled(x, self.by)

    same = [partial(scaled, by=2.0), closed(np.eye(2)), Held(1.0), Held(1.0).__call__]
    again = [partial(scaled, by=2.0), closed(np.eye(2)), Held(1.0), Held(1.0).__call__]
    other = [partial(scaled, by=3.0), closed(2 * np.eye(2)), Held(2.0), Held(2.0).__call__]
    digests = [[resolve_model(thing).digest for thing in things] for things in (same, again, other)]
    assert digests[0] == digests[1]
    assert not set(digests[0]) & set(digests[2])
    assert len(set(digests[0])) == 4


def test_a_callable_with_a_secret_is_refused() -> None:
    class Session:
        def __init__(self) -> None:
            self.rng = np.random.default_rng(0)

        def __call__(self, x: np.ndarray) -> np.ndarray:
            return x.mean((2, 3))

    told = line(lambda: resolve_model(Session()))
    assert told.startswith("model Session: no digest can be made of this Session (")
    assert told.endswith("; give it a method digest() that returns a text made from its weights")
    Session.digest = lambda self: "v1"
    assert resolve_model(Session()).encoder(2).encode(images(1, channels=2)).shape == (1, 2)


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (lambda x: x, "wrong output shape: float32[32, 2, 32, 32]; expected float32[32, D] for 32 images"),
        (lambda x: x.mean((1, 2, 3)), "wrong output shape: float32[32]; expected"),
        (lambda x: x.mean((2, 3))[:5], "wrong output shape: float32[5, 2]; expected"),
        (lambda x: x.mean((2, 3)) > 0, "wrong output shape: bool[32, 2]; expected"),
        (lambda x: None, "wrong output: NoneType; expected float32[32, D]"),
        (lambda x: 1 / 0, "the model raised ZeroDivisionError: division by zero"),
    ],
)
def test_what_a_callable_returns_is_checked(made, expected: str) -> None:
    told = line(lambda: resolve_model(made).encoder(2).encode(images(2, channels=2)))
    assert told.startswith(f"model lambda: {expected}")


def test_what_an_encoder_returns_is_checked() -> None:
    class Bad(Sums):
        def encode(self, shown: list[Image]) -> np.ndarray:
            return np.zeros((1, 2), np.float32)

    told = line(lambda: resolve_model(Bad()).encoder(2).encode(images(3, channels=2)))
    assert told.startswith("model sums: wrong output shape: float32[1, 2]; expected float32[3, D] for 3 images")


def test_nan_is_passed_on() -> None:
    found = resolve_model(lambda x: np.full((len(x), 2), np.nan, np.float32)).encoder(2).encode(images(2, channels=2))
    assert np.isnan(found).all()


def test_wrong_output_of_a_module() -> None:
    told = line(lambda: resolve_model(Net(pool=False)).encoder(2).encode(images(2, channels=2)))
    assert told == (
        "model Net: wrong output shape: [8, 4, 30, 30], a feature map; expected [8, D] for 8 images; "
        "add pool=mean to the SPEC, or pool it over height and width: x.mean((2, 3))"
    )


def test_a_module_that_raises_is_one_line() -> None:
    told = line(lambda: resolve_model(torch.nn.Linear(5, 2)).encoder(3).encode(images(2)))
    assert told.startswith("model Linear: the model raised RuntimeError: mat1 and mat2 shapes")


class Masking(Net):
    """Looks at half of the pixels, drawn anew in each pass."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(torch.nn.functional.dropout(x, 0.5, training=True))


def noisy(x: np.ndarray) -> np.ndarray:
    return x.mean((2, 3)) + np.random.default_rng().normal(size=(len(x), 1)).astype(np.float32)


def relative(x: np.ndarray) -> np.ndarray:
    return x.mean((2, 3)) - x.mean((0, 2, 3))


@pytest.mark.parametrize("thing", [Masking(), noisy, relative])
def test_a_vector_that_does_not_depend_on_its_image_alone_is_refused(thing: object) -> None:
    told = line(lambda: resolve_model(thing).encoder(2).encode(images(2, channels=2)))
    assert told.endswith(
        ": an image's vector isn't the same when it is seen again, alone; "
        "call eval() on the network: no dropout, no random masking, no statistics of the batch"
    )


@pytest.mark.parametrize("thing", [3, None, Net, b"timm:resnet18"])
def test_what_is_no_model(thing: object) -> None:
    told = line(lambda: resolve_model(thing))
    assert "is no model; give a torch.nn.Module, a callable float32[N, C, H, W] -> [N, D], or an object" in told


def test_a_model_resolves_to_itself() -> None:
    model = resolve_model(f"timm:{TINY}?pretrained=false")
    assert resolve_model(model) is model
    assert isinstance(model, Model)


def test_registered_names_give_the_model_its_name() -> None:
    model = resolve_model("tiny", {"tiny": f"timm:{TINY}?pretrained=false"})
    assert model.name == "tiny"
    assert model.digest == resolve_model(f"timm:{TINY}?pretrained=false").digest


def test_the_device_is_an_environment_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPRCHECK_DEVICE", "cpu")
    assert device_name() == "cpu"
    monkeypatch.setenv("REPRCHECK_DEVICE", "abacus")
    told = line(lambda: resolve_model(Net()).encoder(2).encode(images(1, channels=2)))
    assert told.startswith("REPRCHECK_DEVICE=abacus: no such device: RuntimeError")
    assert told.endswith("; use cpu, cuda or cuda:1")


def test_the_demo_ships() -> None:
    model = resolve_model("demo")
    shown = images(2, channels=1, side=64)
    trained, twin = model.encoder(1), model.untrained(1, 0)
    assert twin is not None
    assert model.name == "demo"
    assert trained.encode(shown).shape == twin.encode(shown).shape
    assert not np.array_equal(trained.encode(shown), twin.encode(shown))
    assert trained.digest() != twin.digest()
    assert line(lambda: resolve_model("demo?pretrained=true")).startswith(
        "model=demo?pretrained=true: demo has no option"
    )


def test_emb_is_precomputed(tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", np.zeros((2, 2), np.float32))
    assert isinstance(resolve_model(f"emb:{tmp_path / 'v.npy'}"), VectorFile)
    assert "torch" in sys.modules  # here; the test above shows that nothing of reprcheck needed it


def test_errors_are_user_errors() -> None:
    with pytest.raises(UserError):
        resolve_model("nothing")
