"""ONNX: which of its tensors is taken, and weights that lie beside the file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from reprcheck.models import resolve_model
from tests.models.made import images, line, real

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

WEIGHT = np.random.default_rng(0).normal(size=(32, 3, 3, 3)).astype(np.float32)


def model(path: Path, outputs: tuple[str, ...] = ("pooled",), last: bool = False) -> Path:
    """Write a network of one convolution, its features flattened; channels first or last."""
    from onnx import TensorProto, helper, numpy_helper

    nodes = [
        helper.make_node("Conv", ["first" if last else "images", "w"], ["map"]),
        helper.make_node("GlobalAveragePool", ["map"], ["mean"]),
        helper.make_node("Flatten", ["mean"], ["pooled"]),
    ]
    if last:
        nodes.insert(0, helper.make_node("Transpose", ["images"], ["first"], perm=[0, 3, 1, 2]))
    dims = ["n", "h", "w", 3] if last else ["n", 3, "h", "w"]
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, dims)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [numpy_helper.from_array(WEIGHT, "w")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def beside(path: Path, location: str) -> Path:
    """Write the network with its weights in another file, which isn't written."""
    found = onnx.load(model(path))
    (tensor,) = found.graph.initializer
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    path.write_bytes(found.SerializeToString())
    return path


def vectors(spec: str) -> np.ndarray:
    return resolve_model(spec).encoder(3).encode(images(3, side=16))


def test_the_output_is_chosen_where_there_are_several(tmp_path: Path) -> None:
    expected = vectors(f"onnx:{model(tmp_path / 'one.onnx')}")
    both = model(tmp_path / "two.onnx", ("map", "pooled"))
    assert line(lambda: vectors(f"onnx:{both}")).endswith("two.onnx: has outputs map, pooled; add output=map, say")
    np.testing.assert_array_equal(vectors(f"onnx:{both}?output=pooled"), expected)
    inner = model(tmp_path / "inner.onnx", ("map",))
    np.testing.assert_array_equal(vectors(f"onnx:{inner}?output=pooled"), expected)
    assert line(lambda: vectors(f"onnx:{both}?output=poled")).endswith("has no output 'poled'; did you mean pooled?")
    digests = {resolve_model(f"onnx:{both}?output={name}").digest for name in ("pooled", "mean")}
    assert len(digests) == 2


def test_channels_may_lie_last(tmp_path: Path) -> None:
    first, last = model(tmp_path / "a.onnx"), model(tmp_path / "b.onnx", last=True)
    np.testing.assert_allclose(vectors(f"onnx:{last}"), vectors(f"onnx:{first}"), rtol=1e-5)


def test_weights_may_lie_beside_the_file_and_count(tmp_path: Path) -> None:
    path = beside(tmp_path / "net.onnx", "net.bin")
    assert "net.bin, where its weights lie, can't be read" in line(lambda: vectors(f"onnx:{path}"))
    (tmp_path / "net.bin").write_bytes(WEIGHT.tobytes())
    digest = resolve_model(f"onnx:{path}").digest
    np.testing.assert_array_equal(vectors(f"onnx:{path}"), vectors(f"onnx:{model(tmp_path / 'whole.onnx')}"))
    (tmp_path / "net.bin").write_bytes((2 * WEIGHT).tobytes())
    assert resolve_model(f"onnx:{path}").digest != digest
    (tmp_path / "net.bin").write_bytes(WEIGHT.tobytes()[:-4])
    assert "its weight 'w' can't be read" in line(lambda: vectors(f"onnx:{path}"))


@pytest.mark.parametrize("how", ["climbs", "absolute", "link"])
def test_weights_outside_of_the_folder_are_not_read(how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret, folder = tmp_path / "secret.bin", tmp_path / "model"
    secret.write_bytes(WEIGHT.tobytes())
    folder.mkdir()
    (folder / "link.bin").symlink_to(secret)
    location = {"climbs": "../secret.bin", "absolute": str(secret), "link": "link.bin"}[how]
    path = beside(folder / "net.onnx", location)
    read: list[Path] = []
    opened = Path.open
    monkeypatch.setattr(Path, "open", lambda self, *args: read.append(self.resolve()) or opened(self, *args))
    told = line(lambda: vectors(f"onnx:{path}"))
    assert told.endswith("outside of its folder: nothing was read; save it with its weights beside it, or within it")
    assert secret not in read


def test_a_real_network_of_microscopy() -> None:
    path = real("ufish/v1.0-alldata-ufish_c32.onnx")
    spec = f"onnx:{path}?output=/bottom/conv2/Add_output_0&range=0..255"
    told = line(lambda: resolve_model(spec).encoder(1).encode(images(1, channels=1, side=32)))
    assert "a feature map" in told
    assert "add pool=mean to the SPEC" in told
    found = resolve_model(f"{spec}&pool=mean")
    vectors = [encoder.encode(images(3, channels=1, side=64)) for encoder in (found.encoder(1), found.untrained(1, 0))]
    assert [part.shape for part in vectors] == [(3, 32)] * 2
    own, drawn = (np.abs(part).mean() for part in vectors)
    assert 0.1 < own / drawn < 10
