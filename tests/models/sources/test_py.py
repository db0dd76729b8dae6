from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from reprcheck.models import draw_plain, resolve_model
from tests.models.made import elsewhere, images, line

NETS = """
import torch
from sibling import SCALE

class Net(torch.nn.Module):
    def __init__(self, width, in_chans):
        super().__init__()
        self.conv = torch.nn.Conv2d(in_chans, width, 3)
    def forward(self, x):
        return self.conv(x).mean((2, 3)) * SCALE

def net(width=4, in_chans=3, seed=0):
    torch.manual_seed(seed)
    return Net(width, in_chans)

def means(by=1):
    return lambda x: x.mean((2, 3)) * by

def table(path):
    import numpy as np
    weights = np.load(path)
    return lambda x: x.mean((2, 3)) @ weights

def broken():
    raise ValueError("no\\nweights")

def number():
    return 3

def mapped():
    torch.manual_seed(0)
    net = Net(4, 3)
    net.forward = lambda x: {"features": x}
    return net
"""


@pytest.fixture
def nets(tmp_path: Path) -> Path:
    (tmp_path / "sibling.py").write_text("SCALE = 2.0\n")
    (tmp_path / "nets.py").write_text(NETS)
    return tmp_path / "nets.py"


@pytest.fixture(autouse=True)
def _forget_the_sibling() -> None:
    sys.modules.pop("sibling", None)


def test_a_file_s_factory_makes_a_module(nets: Path) -> None:
    before = list(sys.path)
    model = resolve_model(f"py:{nets}:net?width=6")
    assert model.name == "nets.net"
    assert model.encoder(3).encode(images(2)).shape == (2, 6)
    assert model.encoder(2).encode(images(2, 2)).shape == (2, 12)
    assert model.untrained(3, 0).encode(images(2)).shape == (2, 6)
    assert draw_plain(model, 3, "resnet", 0).encode(images(2)).shape == (2, 256)
    assert sys.path == before
    assert "nets" not in sys.modules


def test_resolving_does_not_run_the_user_s_code(tmp_path: Path) -> None:
    (tmp_path / "loud.py").write_text("raise SystemError('ran')\n")
    model = resolve_model(f"py:{tmp_path / 'loud.py'}:make")
    assert "importing loud.py raised SystemError: ran" in line(lambda: model.digest)


def test_own_options_reach_a_factory_that_names_them(nets: Path) -> None:
    model = resolve_model(f"py:{nets}:net?in_chans=1&size=16&normalise=image&name=one")
    assert model.name == "one"
    assert model.inner.network.in_chans == 1
    assert model.encoder(1).encode(images(2, 1)).shape == (2, 4)


def test_an_importable_module_s_factory(nets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = nets.parent / "reprcheck_test_package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "made.py").write_text("def means():\n    return lambda x: x.mean((2, 3))\n")
    monkeypatch.chdir(nets.parent)
    model = resolve_model("py:reprcheck_test_package.made:means")
    assert model.name == "made.means"
    assert model.encoder(2).encode(images(2, 2)).shape == (2, 2)
    del sys.modules["reprcheck_test_package"], sys.modules["reprcheck_test_package.made"]


def test_digests_do_not_know_the_name_of_the_file(nets: Path) -> None:
    other = nets.with_name("other.py")
    shutil.copy(nets, other)
    for factory in ("net", "means"):
        digest = resolve_model(f"py:{nets}:{factory}").digest
        assert resolve_model(f"py:{other}:{factory}?name=nice").digest == digest
        other.write_text(NETS.replace("mean((2, 3))", "amax((2, 3))"))
        assert resolve_model(f"py:{other}:{factory}").digest != digest
        shutil.copy(nets, other)
    assert resolve_model(f"py:{nets}:means?by=2").digest != resolve_model(f"py:{nets}:means").digest
    assert resolve_model(f"py:{nets}:net?seed=1").digest != resolve_model(f"py:{nets}:net").digest


def test_an_argument_that_names_a_file_counts_by_its_bytes(nets: Path) -> None:
    a, b = nets.with_name("a.npy"), nets.with_name("b.npy")
    np.save(a, np.eye(2, dtype=np.float32))
    np.save(b, np.eye(2, dtype=np.float32))
    digest = resolve_model(f"py:{nets}:table?path={a}").digest
    assert resolve_model(f"py:{nets}:table?path={b}").digest == digest
    np.save(b, np.ones((2, 2), np.float32))
    assert resolve_model(f"py:{nets}:table?path={b}").digest != digest


def test_digests_are_the_same_in_another_process(nets: Path) -> None:
    start = "import sys; from reprcheck.models import resolve_model as resolve; "
    code = f"{start}print(*(resolve(s).digest for s in sys.argv[1:]))"
    specs = [f"py:{nets}:net", f"py:{nets}:means?by=2"]
    twin = f"{start}print(resolve(sys.argv[1]).untrained(2, 1).digest())"
    assert elsewhere(code, *specs) == " ".join(resolve_model(spec).digest for spec in specs)
    assert elsewhere(twin, specs[0]) == resolve_model(specs[0]).untrained(2, 1).digest()


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("broken", "the factory raised ValueError: no weights; call broken() by hand"),
        ("number", "a int is no model; give a torch.nn.Module"),
        ("nett", "nets.py has no factory 'nett'; did you mean net?"),
        ("net?depth=3", "the factory raised TypeError: net() got an unexpected keyword argument 'depth'"),
        ("means?size=64", "size can be asked of a torch module only, not of a function"),
        (
            "mapped",
            "wrong output shape: dict of features [8, 3, 32, 32]; expected [8, D] for 8 images; add key=features",
        ),
    ],
)
def test_mistakes_in_factories(nets: Path, target: str, expected: str) -> None:
    spec = f"py:{nets}:{target}"
    assert line(lambda: resolve_model(spec).encoder(3).encode(images(1))).startswith(f"model={spec}: {expected}")


def test_mistakes_in_targets(tmp_path: Path) -> None:
    assert (
        line(lambda: resolve_model("py:nets"))
        == "model=py:nets: 'nets' names no factory; write py:package.module:factory"
    )
    assert line(lambda: resolve_model("py:no.py:make")) == "model=py:no.py:make: no file no.py; check the path"
    told = line(lambda: resolve_model("py:not_a_module_at_all:make").digest)
    assert "importing not_a_module_at_all raised ModuleNotFoundError" in told
    bad = tmp_path / "bad.py"
    bad.write_text("def make(:\n")
    assert f"model=py:{bad}:make: importing bad.py raised SyntaxError" in line(
        lambda: resolve_model(f"py:{bad}:make").digest
    )
