"""A factory whose model is another one each time: what wasn't loaded is named, before an image is seen."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import torch

from reprcheck.models import resolve_model
from tests.models.made import images, line

NETS = """
import numpy as np
import torch

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.head = torch.nn.Conv2d(3, 4, 3), torch.nn.Linear(4, 2)
        self.register_buffer("scale", torch.ones(1), persistent=False)

    def forward(self, x):
        return self.head(self.conv(x).mean((2, 3))) * self.scale

def loaded():
    net = Net()
    net.load_state_dict({k: torch.ones_like(v) for k, v in net.state_dict().items()})
    return net

def partly():
    net = loaded()
    net.head = torch.nn.Linear(4, 2)
    return net

def buffered():
    net = loaded()
    net.scale = torch.from_numpy(np.random.rand(1).astype(np.float32))
    return net

def seeded(seed=0):
    torch.manual_seed(seed)
    return Net()

def random_callable():
    weights = np.random.default_rng().random((3, 2), np.float32)
    return lambda x: x.mean((2, 3)) @ weights

def fixed_callable():
    weights = np.ones((3, 2), np.float32)
    return lambda x: x.mean((2, 3)) @ weights

calls = []
def once():
    calls.append(1)
    if len(calls) > 1:
        raise RuntimeError("called twice")
    return loaded()
"""


@pytest.fixture(scope="module")
def nets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("second") / "nets.py"
    path.write_text(NETS)
    return path


@pytest.mark.parametrize(
    ("factory", "named"),
    [
        ("partly", "head.weight, head.bias"),
        ("buffered", "scale"),
        ("random_callable", "what the function is made of"),
    ],
)
def test_what_was_not_loaded_is_named(nets: Path, factory: str, named: str) -> None:
    model = resolve_model(f"py:{nets}:{factory}")
    assert line(lambda: model.encoder(3).encode(images(1))) == (
        f"model=py:{nets}:{factory}: not loaded, another each time the factory is called: {named}; "
        "load them from the checkpoint, or seed the draw where it is meant: torch.manual_seed(0)"
    )


@pytest.mark.parametrize("factory", ["loaded", "seeded?seed=3", "fixed_callable", "once"])
def test_what_is_the_same_each_time_runs(nets: Path, factory: str) -> None:
    model = resolve_model(f"py:{nets}:{factory}")
    _ = model.digest  # calls the factory, whose own draws are its business
    before = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002
    assert model.encoder(3).encode(images(1)).shape == (1, 2)
    assert torch.equal(before[0], torch.get_rng_state())
    assert before[1:] == (random.getstate(), np.random.get_state()[1].tolist())  # noqa: NPY002


def test_a_warm_run_calls_the_factory_once(nets: Path) -> None:
    model = resolve_model(f"py:{nets}:once")
    assert model.encoder(3).digest() != model.untrained(3, 0).digest()
    assert model.inner.network.factory.calls == [1]
