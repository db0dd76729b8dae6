"""Compiled graphs: the vectors of the network they were made of, and untrained twins drawn tensor by tensor."""

from __future__ import annotations

import json
import pickle
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from reprcheck.models import Model, resolve_model
from tests.models.graphs import SIDE, WIDTH, save, trained
from tests.models.made import elsewhere, images, line

SOURCE = {"traced": "torchscript", "scripted": "torchscript", "frozen": "torchscript", "pt2": "pt2", "onnx": "onnx"}
KINDS = [pytest.param(kind, marks=pytest.mark.filterwarnings("ignore::DeprecationWarning"), id=kind) for kind in SOURCE]


@pytest.fixture(scope="module")
def network() -> nn.Module:
    return trained()


@pytest.fixture(scope="module")
def path(network: nn.Module, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return the file of a kind of graph, saved once."""
    folder = tmp_path_factory.mktemp("graphs")

    @cache
    def made(kind: str) -> Path:
        if kind == "onnx":
            pytest.importorskip("onnx")
            pytest.importorskip("onnxruntime")
        return save(network, folder / f"{kind}.{SOURCE[kind]}", kind)

    return made


def opened(path: Path, kind: str, more: str = "") -> Model:
    return resolve_model(f"{SOURCE[kind]}:{path}?size={SIDE}{more}")


def by_hand(network: nn.Module, n: int) -> np.ndarray:
    with torch.no_grad():
        return network(torch.from_numpy(np.stack([image.pixels for image in images(n)]))).numpy()


def weights(model: Model, k: int | None = None) -> dict[str, torch.Tensor]:
    network = model.network if k is None else model.network.twin(k)
    return network.build().module.weights


@pytest.mark.parametrize("kind", KINDS)
def test_a_graph_gives_the_vectors_of_its_network(kind: str, network: nn.Module, path) -> None:
    model = opened(path(kind), kind)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_allclose(again.encoder(3).encode(images(9)), by_hand(network, 9), rtol=1e-4, atol=1e-5)
    assert model.encoder(2).encode(images(2, channels=2)).shape == (2, 2 * (SIDE // 4 + 1) * WIDTH)
    assert model.notes(3) == ("Untrained twins: each tensor redrawn by the operator it feeds.",)


@pytest.mark.parametrize("kind", KINDS)
def test_its_twins_share_its_shape_and_none_of_its_weights(kind: str, path) -> None:
    model = opened(path(kind), kind)
    own, first, second = weights(model), weights(model, 0), weights(model, 1)
    assert {name: tensor.shape for name, tensor in own.items()} == {name: t.shape for name, t in first.items()}
    learned = [name for name, tensor in own.items() if tensor.is_floating_point() and tensor.numel() > 1]
    assert sum(own[name].numel() for name in learned) > 30_000
    for name in learned:
        assert not torch.isclose(own[name], first[name]).any() or own[name].numel() < 100, name
        assert not torch.equal(own[name], first[name]), name
        assert torch.equal(first[name], second[name]) == (len(torch.unique(first[name])) == 1), name
    assert model.network.twin(0).notes == ()


@pytest.mark.parametrize("kind", KINDS)
def test_its_twins_keep_activations_at_a_trained_network_s_order_of_magnitude(kind: str, network, path) -> None:
    sizes = opened(path(kind), kind).untrained(3, 0).encode(images(2)).reshape(2, -1, WIDTH)[:, :-1].mean((0, 2))
    usual = by_hand(network, 2).reshape(2, -1, WIDTH)[:, :-1].mean((0, 2))
    np.testing.assert_array_less(np.abs(np.log(sizes / usual)), np.log(12))


@pytest.mark.parametrize("kind", [param for param in KINDS if param.id in ("frozen", "pt2", "onnx")])
def test_shuffled_weights_are_shuffled_in_the_graph(kind: str, network: nn.Module, path) -> None:
    model = opened(path(kind), kind)
    found = model.shuffled(3, 0).encode(images(2))
    assert not np.allclose(found, by_hand(network, 2), rtol=0.05)


def test_a_twin_is_the_same_in_every_process(path) -> None:
    specs = [f"{SOURCE[kind]}:{path(kind)}?size={SIDE}" for kind in ("frozen", "onnx")]
    code = """
import sys, torch
from reprcheck.models import resolve_model
from reprcheck.models.torch.state import state_digest
torch.manual_seed(5)
for spec in sys.argv[1:]:
    print(state_digest(resolve_model(spec).network.twin(3).build().module))
"""
    from reprcheck.models.torch.state import state_digest

    here = [state_digest(resolve_model(spec).network.twin(3).build().module) for spec in specs]
    assert elsewhere(code, *specs).split() == here


@pytest.mark.parametrize("kind", KINDS)
def test_a_graph_is_known_by_its_bytes(kind: str, path, tmp_path: Path) -> None:
    model = opened(path(kind), kind)
    copy = tmp_path / "copy.graph"
    copy.write_bytes(path(kind).read_bytes())
    assert opened(copy, kind).digest == model.digest
    assert opened(copy, kind, "&normalise=image").digest != model.digest
    assert model.untrained(3, 0).digest() != model.encoder(3).digest() != model.untrained(3, 1).digest()
    save(trained(1), copy, kind)
    assert opened(copy, kind).digest != model.digest


@pytest.mark.parametrize("kind", [param for param in KINDS if param.id in ("pt2", "onnx")])
def test_a_graph_of_fixed_batches_is_shown_whole_ones_at_its_own_size(kind: str, network, path, tmp_path: Path) -> None:
    path(kind)
    fixed = save(network, tmp_path / "fixed.graph", kind, batch=3)
    model = resolve_model(f"{SOURCE[kind]}:{fixed}")
    np.testing.assert_allclose(model.encoder(3).encode(images(4)), by_hand(network, 4), rtol=1e-4, atol=1e-5)
    assert model.facts().size == SIDE
    assert model.encoder(3).encode(images(1, side=40)).shape == (1, (SIDE // 4 + 1) * WIDTH)


def test_channels_that_a_graph_doesn_t_take(path) -> None:
    assert line(lambda: opened(path("traced"), "traced", "&in_chans=2").encoder(2).encode(images(1, 2))).endswith(
        "its first convolution (stem.weight) takes 3 channels, not 2; add in_chans=3"
    )
    assert "was exported for 3 channels, not 2" in line(
        lambda: opened(path("pt2"), "pt2", "&in_chans=2").encoder(2).encode(images(1, 2))
    )


def test_files_that_are_none(tmp_path: Path) -> None:
    for source in ("torchscript", "pt2", "onnx"):
        if source == "onnx":
            pytest.importorskip("onnxruntime")
        assert line(lambda source=source: resolve_model(f"{source}:no.file")).endswith(
            "no file no.file; check the path"
        )
        (tmp_path / "text").write_text("hello")
        told = line(lambda source=source: resolve_model(f"{source}:{tmp_path / 'text'}").encoder(3).encode(images(1)))
        assert told.startswith(f"{tmp_path / 'text'}: isn't an") or "isn't a TorchScript archive" in told
    torch.save({"w": torch.ones(2)}, tmp_path / "weights.pt")
    told = line(lambda: resolve_model(f"torchscript:{tmp_path / 'weights.pt'}").encoder(3).encode(images(1)))
    assert told.endswith(
        "it has no constants.pkl; save it by torch.jit.save; for weights alone write timm:NAME?checkpoint=FILE"
    )


def rewritten(path: Path, out: Path, change: Callable[[str, bytes], tuple[str, bytes]]) -> Path:
    """Write an archive again, each file of it changed."""
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(out, "w") as new:
        for entry in old.infolist():
            name, content = change(entry.filename, old.read(entry))
            new.writestr(name, content)
    return out


@pytest.mark.parametrize("kind", ["traced", "pt2"])
@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("../up.py", "lies outside of its folder"),
        ("/abs/up.py", "lies outside of its folder"),
        ("other/x", "its files don't lie in one folder"),
    ],
    ids=["climbs", "absolute", "two folders"],
)
def test_archives_that_climb(kind: str, name: str, why: str, path, tmp_path: Path) -> None:
    odd = rewritten(path(kind), tmp_path / "odd", lambda old, content: (old, content))
    with zipfile.ZipFile(odd, "a") as archive:
        archive.writestr(name, b"x")
    assert why in line(lambda: opened(odd, kind).encoder(3).encode(images(1)))
    assert not (tmp_path.parent / "up.py").exists()


class Writes(nn.Module):
    """Writes a file when it runs."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        torch.save(x, "PLACE")
        return x.mean((2, 3))


@pytest.mark.filterwarnings("ignore:`torch.jit.load` is deprecated:FutureWarning")
def test_torchscript_that_writes_files_is_refused_before_it_runs(tmp_path: Path) -> None:
    place = tmp_path / "written"
    save(Writes(), tmp_path / "writes.pt", "scripted")
    odd = rewritten(
        tmp_path / "writes.pt", tmp_path / "odd.pt", lambda name, text: (name, text.replace(b"PLACE", bytes(place)))
    )
    told = line(lambda: resolve_model(f"torchscript:{odd}").encoder(3).encode(images(1)))
    assert told == (
        f"{odd}: its code calls torch.save, which may reach beyond tensors: nothing of it was run; "
        "save the network without it"
    )
    assert not place.exists()
    torch.jit.load(odd)(torch.zeros(1, 3, 4, 4))
    assert place.exists(), "the archive does what it is refused for"


@pytest.mark.parametrize(
    ("call", "named"),
    [
        ("torch. save", "torch.save"),
        ("torch .save", "torch.save"),
        ("torch.\\\n    save", "torch.save"),
        ("(torch # not a call\n    ).save", "torch"),
        ("torch.autograd.save", "torch.autograd"),
        ("ops. aten . save", "ops.aten.save"),
        ('getattr(torch, "save")', "torch"),
        ('"".format(torch).save', "torch"),
    ],
    ids=["blank", "blank before", "next line", "comment", "by way of autograd", "operator", "getattr", "alone"],
)
def test_torchscript_that_hides_a_call_is_refused(call: str, named: str, path, tmp_path: Path) -> None:
    line_of_code = f'  _ = {call}(x, "{tmp_path}/written")\n  return'.encode()

    def hidden(name: str, content: bytes) -> tuple[str, bytes]:
        return name, content.replace(b"  return", line_of_code) if name.endswith(".py") else content

    odd = rewritten(path("scripted"), tmp_path / "odd.pt", hidden)
    told = line(lambda: resolve_model(f"torchscript:{odd}").encoder(3).encode(images(1)))
    assert f"its code calls {named}, which may reach beyond tensors: nothing of it was run" in told
    assert not (tmp_path / "written").exists()


class Holds(nn.Module):
    """Keeps weights that are neither parameters nor buffers."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.others = torch.randn(3, 16), [torch.randn(16, 16), torch.randn(16)]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean((2, 3)) @ self.first @ self.others[0] + self.others[1]


def test_twins_share_no_tensor_that_a_script_keeps_as_an_attribute(tmp_path: Path) -> None:
    model = resolve_model(f"torchscript:{save(Holds(), tmp_path / 'holds.pt', 'scripted')}")
    shown = images(4)
    found, twin = model.encoder(3).encode(shown), model.untrained(3, 0).encode(shown)
    assert not np.isclose(found, twin).any()


def program(change: Callable[[dict], None]) -> Callable[[str, bytes], tuple[str, bytes]]:
    """Change the program of an exported network."""

    def rewrite(name: str, content: bytes) -> tuple[str, bytes]:
        if name.endswith("models/model.json"):
            told = json.loads(content)
            change(told)
            content = json.dumps(told).encode()
        return name, content

    return rewrite


def call(target: str) -> Callable[[dict], None]:
    return lambda told: told["graph_module"]["graph"]["nodes"][0].update(target=target)


def size(expression: str) -> Callable[[dict], None]:
    def change(told: dict) -> None:
        tensors = told["graph_module"]["graph"]["tensor_values"]
        tensors["x"]["sizes"][0] = {"as_expr": {"expr_str": expression, "hint": {"as_int": 2}}}

    return change


def arguments(told: dict) -> None:
    told["graph_module"]["signature"]["input_specs"][0]["parameter"]["arg"]["name"] = "x=print('ran')"


def tree(told: dict) -> None:
    called = told["graph_module"]["module_call_graph"][0]["signature"]
    called["in_spec"] = called["in_spec"].replace("builtins.tuple", "collections.defaultdict", 1)


@pytest.mark.parametrize(
    "change",
    [
        *map(call, ("torch.os.system", "torch.ops.aten.from_file.default", "_operator.methodcaller")),
        *map(size, ("open('PLACE','w')", "exec(chr(1))", "s77.__class__", "1" * 60 + "!x")),
        *(arguments, tree),
    ],
    ids=[
        "system",
        "reads a file",
        "calls a method",
        "opens",
        "executes",
        "attribute",
        "takes long to read",
        "names code",
        "imports",
    ],
)
def test_an_export_that_says_what_none_would_is_refused_before_torch_reads_it(
    change, path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = rewritten(path("pt2"), tmp_path / "odd.pt2", program(change))
    monkeypatch.setattr(torch.export, "load", lambda *_: pytest.fail("torch read it"))
    told = line(lambda: opened(odd, "pt2").encoder(3).encode(images(1)))
    assert "which no export writes and torch might run: nothing of it was run; export the network again" in told


class Ran:
    """Writes a file where it is unpickled."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self) -> tuple:
        return Path.touch, (self.place,)


def test_an_export_with_pickles_is_refused_before_any_is_read(path, tmp_path: Path) -> None:
    place = tmp_path / "ran"
    pickled = tmp_path / "pickled"
    torch.save(Ran(place), pickled)

    def samples(name: str, content: bytes) -> tuple[str, bytes]:
        return name, pickled.read_bytes() if name.endswith("sample_inputs/model.pt") else content

    def constants(name: str, content: bytes) -> tuple[str, bytes]:
        told = {"config": {"c": {"path_name": "opaque_obj_0", "use_pickle": True}}}
        return name, json.dumps(told).encode() if name.endswith("constants_config.json") else content

    for change in (samples, constants):
        odd = rewritten(path("pt2"), tmp_path / "odd.pt2", change)
        assert "would have to be unpickled" in line(lambda odd=odd: opened(odd, "pt2").encoder(3).encode(images(1)))
        assert not place.exists()
