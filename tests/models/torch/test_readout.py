"""What is taken from a network: a method, a layer, a part of its output, pooled; and what is said where none fits."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from reprcheck.models import resolve_model
from reprcheck.models.readout import READOUT
from tests.models.made import images, line

NETS = """
from collections import namedtuple
from types import SimpleNamespace
import torch

Pair = namedtuple("Pair", "tokens pooled")

class Vit(torch.nn.Module):
    '''Five channels; a class token, two registers and four patches of width 6.'''

    def __init__(self, shape):
        super().__init__()
        self.shape = shape
        self.embed = torch.nn.Conv2d(5, 6, 16, 16)
        self.prefix = torch.nn.Parameter(torch.randn(1, 3, 6))
        self.block = torch.nn.Linear(6, 6)

    def tokens(self, x):
        patches = self.embed(x).flatten(2).transpose(1, 2)
        return self.block(torch.cat([self.prefix.expand(len(x), -1, -1) + patches.mean(1, keepdim=True), patches], 1))

    def forward(self, x):
        tokens = self.tokens(x)
        return {
            "tokens": lambda: tokens,
            "dict": lambda: {"x_norm": tokens, "cls": tokens[:, 0]},
            "nested": lambda: [{"a": 1, "b": tokens[:, 0]}],
            "named": lambda: Pair(tokens, tokens[:, 0]),
            "object": lambda: SimpleNamespace(last_hidden_state=tokens),
            "map": lambda: self.embed(x),
            "text": lambda: "tokens",
        }[self.shape]()

    def encode_image(self, x):
        return self.tokens(x)[:, 0]

def net(shape="tokens"):
    torch.manual_seed(0)
    return Vit(shape)

def own(pool="none"):
    torch.manual_seed(0)
    net = Vit("dict")
    net.forward = net.encode_image if pool == "cls" else None
    return net
"""


@pytest.fixture(scope="module")
def nets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("readout") / "nets.py"
    path.write_text(NETS)
    return path


@pytest.fixture(scope="module")
def tokens(nets: Path) -> np.ndarray:
    """The tokens float32[2, 7, 6] of the two images that every test shows."""
    model = resolve_model(f"py:{nets}:net")
    shown = torch.from_numpy(np.stack([image.pixels for image in images(2, 5)]))
    with torch.inference_mode():
        return model.inner.network.module.tokens(shown).numpy()


def mean(tokens: np.ndarray) -> np.ndarray:
    return tokens[:, 3:].mean(1)


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ("pool=cls", lambda t: t[:, 0]),
        ("pool=mean&prefix_tokens=3", mean),
        ("pool=mean&prefix_tokens=0", lambda t: t.mean(1)),
        ("pool=cls+mean&prefix_tokens=3", lambda t: np.concatenate([t[:, 0], mean(t)], 1)),
        ("method=encode_image", lambda t: t[:, 0]),
        ("method=tokens&pool=cls", lambda t: t[:, 0]),
        ("features=block&pool=mean&prefix_tokens=3", mean),
        ("shape=dict&key=cls", lambda t: t[:, 0]),
        ("shape=dict&key=x_norm&pool=mean&prefix_tokens=3", mean),
        ("shape=nested&key=0.b", lambda t: t[:, 0]),
        ("shape=named&key=pooled", lambda t: t[:, 0]),
        ("shape=named&key=-1", lambda t: t[:, 0]),
        ("shape=named&key=1", lambda t: t[:, 0]),
        ("shape=object&key=last_hidden_state&pool=cls", lambda t: t[:, 0]),
    ],
)
def test_what_is_declared_is_taken(nets: Path, tokens: np.ndarray, declared: str, expected) -> None:
    model = resolve_model(f"py:{nets}:net?{declared}")
    vectors = model.encoder(5).encode(images(2, 5))
    np.testing.assert_allclose(vectors, expected(tokens), rtol=1e-4, atol=1e-5)
    twin = model.untrained(5, 0)
    assert twin.encode(images(2, 5)).shape == vectors.shape
    assert twin.digest() != resolve_model(f"py:{nets}:net").untrained(5, 0).digest()


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ("", "wrong output shape: [8, 7, 6], tokens; expected [8, D] for 8 images; add pool=cls, pool=mean or"),
        (
            "shape=dict",
            "wrong output shape: dict of x_norm [8, 7, 6], cls [8, 6]; expected [8, D] for 8 images; "
            "add key=cls, or method=encode_image to the SPEC, or return that tensor",
        ),
        ("shape=named", "wrong output shape: Pair of tokens [8, 7, 6], pooled [8, 6]; expected"),
        (
            "shape=object",
            "wrong output shape: SimpleNamespace of last_hidden_state [8, 7, 6]; expected [8, D] for 8 images; "
            "add key=last_hidden_state&pool=mean",
        ),
        ("shape=nested", "wrong output shape: list of 0 dict; expected"),
        ("shape=map", "wrong output shape: [8, 6, 2, 2], a feature map; expected [8, D] for 8 images; add pool=mean"),
        ("shape=text", "wrong output shape: str, not a tensor; expected"),
        ("shape=dict&key=clss", "no 'clss' in the network's output, dict of x_norm [8, 7, 6], cls [8, 6]; did you"),
        ("shape=named&key=2", "no '2' in the network's output, Pair of"),
        ("method=encode_images", "Vit has no method 'encode_images'; did you mean encode_image?"),
        ("features=blok", "Vit has no layer 'blok'; did you mean block?"),
        ("method=encode_image&features=nowhere.1", "Vit has no layer 'nowhere.1'; known: block, embed"),
        ("pool=mean", "how many of the 7 tokens come before those of patches isn't known; add prefix_tokens=1, say"),
        ("pool=mean&prefix_tokens=7", "pool=mean with 7 prefix tokens, but the output is [8, 7, 6]"),
        ("pool=cls+mean&prefix_tokens=0", "pool=cls+mean with 0 prefix tokens, but"),
        ("pool=cls&prefix_tokens=0", "Vit has no class token; write pool=mean"),
        ("pool=map", "Vit has no attn_pool, which pool=map needs; write pool=mean"),
        ("method=encode_image&pool=cls", "pool=cls is of tokens [N, T, D]; the output is [8, 6]; leave pool out"),
        ("shape=map&pool=cls", "pool=cls is of tokens [N, T, D]; the output is [8, 6, 2, 2]; write pool=mean"),
        ("pool=avg", "pool=avg isn't known; known: cls, cls+mean, map, mean"),
        ("prefix_tokens=-1", "prefix_tokens=-1 isn't a whole number from 0; write prefix_tokens=1, say"),
    ],
)
def test_what_does_not_fit_is_told_with_what_there_is(nets: Path, declared: str, expected: str) -> None:
    spec = f"py:{nets}:net?{declared}" if declared else f"py:{nets}:net"
    told = line(lambda: resolve_model(spec).encoder(5).encode(images(2, 5)))
    assert told.startswith(f"model={spec}: {expected}")


def test_all_of_it_is_part_of_the_identity(nets: Path) -> None:
    asked = ["", "pool=cls", "pool=mean", "method=tokens", "key=a", "features=block", "prefix_tokens=1"]
    models = [resolve_model(f"py:{nets}:net?{declared}" if declared else f"py:{nets}:net") for declared in asked]
    assert len({model.digest for model in models}) == len({m.encoder(5).digest() for m in models}) == len(asked)
    forward = resolve_model(f"py:{nets}:net?method=forward")
    assert (forward.digest, forward.notes(5)) == (models[0].digest, ())
    assert models[1].notes(5) == ("Output: pool=cls, of the model and its untrained twins.",)


def test_a_factory_that_names_an_option_keeps_it_to_itself(nets: Path) -> None:
    model = resolve_model(f"py:{nets}:own?pool=cls")
    assert model.encoder(5).encode(images(2, 5)).shape == (2, 6)
    assert model.notes(5) == ()


def test_only_a_module_can_be_read_so(tmp_path: Path) -> None:
    (tmp_path / "means.py").write_text("def make(): return lambda x: x.mean((2, 3))\n")
    for option in READOUT:
        value = {"pool": "cls", "prefix_tokens": "1"}.get(option, "a")
        told = line(lambda asked=f"{option}={value}": resolve_model(f"py:{tmp_path / 'means.py'}:make?{asked}").digest)
        assert f"{option} can be asked of a torch module only" in told


def vectors(spec: str, channels: int = 3, side: int = 160) -> np.ndarray:
    return resolve_model(spec).encoder(channels).encode(images(2, channels, side))


@pytest.mark.parametrize(("name", "pool"), [("test_vit", "cls"), ("test_vit3", "map"), ("test_vit4", "mean")])
def test_a_network_of_timm_says_its_prefix_and_its_norm(name: str, pool: str) -> None:
    spec = f"timm:{name}?seed=1&pretrained=false"
    features = f"{spec}&method=forward_features"
    np.testing.assert_allclose(vectors(f"{features}&pool={pool}"), vectors(spec), rtol=1e-4, atol=1e-5)


def test_layers_are_read_by_each_thread_for_itself() -> None:
    encoder = resolve_model("timm:test_vit?pretrained=false&features=blocks.1&pool=cls").encoder(3)
    shown = [images(2, side=160, seed=seed) for seed in range(4)]
    alone = [encoder.encode(some) for some in shown]
    with ThreadPoolExecutor(4) as threads:
        for one, other in zip(alone, threads.map(encoder.encode, shown), strict=True):
            np.testing.assert_array_equal(one, other)


def test_a_feature_map_is_pooled_as_its_network_lays_it_out() -> None:
    spec = "timm:test_efficientnet?pretrained=false&method=forward_features&pool=mean"
    np.testing.assert_allclose(
        vectors(spec, side=64), vectors("timm:test_efficientnet?pretrained=false", side=64), rtol=1e-4, atol=1e-5
    )


def test_a_network_of_transformers_says_its_prefix() -> None:
    from reprcheck.models.torch.readout import prefix_tokens

    net = torch.nn.Module()
    net.embeddings = torch.nn.Module()
    net.embeddings.cls_token = torch.nn.Parameter(torch.zeros(1, 1, 6))
    assert prefix_tokens(net) is None
    net.config = SimpleNamespace()
    assert prefix_tokens(net) == 1
    net.config.num_register_tokens = 4
    assert prefix_tokens(net) == 5
