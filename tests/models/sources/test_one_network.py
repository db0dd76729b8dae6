"""One real network through several sources: the same vectors, however it was saved."""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import load_file
from timm.models import save_for_hf
from torch import nn

from reprcheck.models import resolve_model
from tests.models.graphs import save
from tests.models.made import ROOT, images, real

NAME = "tf_efficientnet_lite0"
SIDE = 96
CODE = f"""
import timm, torch
from safetensors.torch import load_file

class Encoder(torch.nn.Module):
    def __init__(self, weights):
        super().__init__()
        self.network = timm.create_model({NAME!r}, num_classes=0)
        tensors = load_file(weights)
        self.network.load_state_dict({{k: v for k, v in tensors.items() if not k.startswith("classifier.")}})

    def forward(self, x):
        return self.network((x - 0.5) / 0.5)

def make(weights):
    return Encoder(weights).eval()
"""


@pytest.fixture(scope="module")
def weights() -> Path:
    return real(f"{NAME}/{NAME}.safetensors")


@pytest.fixture(scope="module")
def expected(weights: Path) -> np.ndarray:
    return vectors(f"timm:{NAME}?checkpoint={weights}&size={SIDE}")


def vectors(spec: str) -> np.ndarray:
    return resolve_model(spec).encoder(3).encode(images(3, side=SIDE))


def bare(weights: Path) -> nn.Module:
    network = timm.create_model(NAME, num_classes=0)
    network.load_state_dict({k: v for k, v in load_file(weights).items() if not k.startswith("classifier.")})
    return network.eval()


class Normalised(nn.Module):
    """The network with its own preparation of pixels in [0, 1]."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.network((x - 0.5) / 0.5)


def graph(kind: str, source: str) -> Callable[[Path, Path], str]:
    def made(weights: Path, folder: Path) -> str:
        path = save(Normalised(bare(weights)), folder / f"lite0.{source}", kind, side=SIDE)
        return f"{source}:{path}?size={SIDE}"

    return made


def local_dir(weights: Path, folder: Path) -> str:
    save_for_hf(bare(weights), folder / "timm", model_args={"num_classes": 0}, safe_serialization=True)
    return f"timm:local-dir:{folder / 'timm'}?size={SIDE}"


def transformers_folder(weights: Path, folder: Path) -> str:
    save_for_hf(bare(weights), folder / "timm", safe_serialization=True)
    config = folder / "timm" / "config.json"
    told = json.loads(config.read_text())
    del told["model_args"]  # transformers gives the number of classes itself
    config.write_text(json.dumps(told))
    return f"hf:{folder / 'timm'}?size={SIDE}&key=pooler_output"


def process(weights: Path, folder: Path) -> str:
    (folder / "encoder.py").write_text(CODE)
    example = (ROOT / "examples" / "exec" / "encoder.py").read_text()
    first, embed, last = example.partition("def embed(weights, images):")
    own = """
    import torch
    from encoder import make
    with torch.inference_mode():
        return make(sys.argv[1])(torch.from_numpy(images)).numpy()
"""
    (folder / "answers.py").write_text(first + embed + own + last[last.index("\n\n\ndef answer") :])
    return f"exec:{sys.executable} {folder / 'answers.py'} {weights}"


def factory(weights: Path, folder: Path) -> str:
    (folder / "encoder.py").write_text(CODE)
    return f"py:{folder / 'encoder.py'}:make?weights={weights}&size={SIDE}"


WAYS = {
    "timm folder": local_dir,
    "hf": transformers_folder,
    "torchscript": graph("traced", "torchscript"),
    "pt2": graph("pt2", "pt2"),
    "onnx": graph("onnx", "onnx"),
    "py": factory,
    "exec": process,
}
NEEDS = {"onnx": ("onnx", "onnxruntime"), "hf": ("transformers",)}


def error(found: np.ndarray, expected: np.ndarray) -> float:
    return float(np.abs(found - expected).max() / np.abs(expected).max())


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_one_network_gives_the_same_vectors_however_it_was_saved(way: str, weights, expected, tmp_path: Path) -> None:
    for package in NEEDS.get(way, ()):
        pytest.importorskip(package)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        spec = WAYS[way](weights, tmp_path)
    assert error(vectors(spec), expected) < 1e-4
