"""Image towers of open_clip: what ``encode_image`` gives, twins by its own initialisation."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from reprcheck.models import resolve_model
from reprcheck.models.torch.state import state_digest
from tests.models.made import images, line

open_clip = pytest.importorskip("open_clip")

VISION = {"image_size": 32, "layers": 2, "width": 32, "head_width": 16, "patch_size": 8}
TEXT = {"context_length": 8, "vocab_size": 50, "width": 16, "heads": 2, "layers": 1}
PREPARED = {"mean": [0.4, 0.5, 0.6], "std": [0.2, 0.2, 0.2]}


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small CLIP."""
    folder = tmp_path_factory.mktemp("clip") / "small"
    folder.mkdir()
    config = {"model_cfg": {"embed_dim": 16, "vision_cfg": VISION, "text_cfg": TEXT}, "preprocess_cfg": PREPARED}
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(4)
        module = open_clip.CLIP(16, VISION, TEXT)
    save_file(module.state_dict(), folder / "open_clip_model.safetensors")
    return folder


def test_a_stored_tower_gives_what_encode_image_gives(stored: Path) -> None:
    shown = images(3)
    module = open_clip.CLIP(16, VISION, TEXT).eval()
    module.load_state_dict(load_file(stored / "open_clip_model.safetensors"))
    pixels = torch.from_numpy(np.stack([image.pixels for image in shown]))
    mean, std = (torch.tensor(PREPARED[key]).view(1, 3, 1, 1) for key in ("mean", "std"))
    with torch.no_grad():
        expected = module.encode_image((pixels - mean) / std).numpy()
    model = resolve_model(f"clip:local-dir:{stored}")
    assert model.name == "small"
    np.testing.assert_allclose(model.encoder(3).encode(shown), expected, rtol=1e-4, atol=1e-5)
    assert model.facts().size == 32
    first, again, other = (model.network.twin(k).build().module for k in (0, 0, 1))
    assert state_digest(first) == state_digest(again) != state_digest(other)
    sizes = [np.abs(encoder.encode(shown)).mean() for encoder in (model.encoder(3), model.untrained(3, 0))]
    assert 0.1 < sizes[0] / sizes[1] < 10
    assert "Untrained twins: the configuration's network, initialised by open_clip." in model.notes(3)


def test_what_can_not_be_loaded(stored: Path, tmp_path: Path) -> None:
    assert line(lambda: resolve_model("clip:RN50")).endswith("a name alone has no weights; add checkpoint=FILE")
    assert "has weights of its own" in line(lambda: resolve_model(f"clip:local-dir:{stored}?checkpoint=x"))
    weights = stored / "open_clip_model.safetensors"
    misnamed = resolve_model(f"clip:RN5?checkpoint={weights}")
    assert "open_clip has no model 'RN5'; did you mean RN50?" in line(lambda: misnamed.encoder(3).encode(images(1)))
    (tmp_path / "open_clip_config.json").write_text((stored / "open_clip_config.json").read_text())
    model = resolve_model(f"clip:local-dir:{tmp_path}")
    assert "has no weights in safetensors" in line(lambda: model.encoder(3).encode(images(1)))
    tensors = load_file(weights)
    save_file({k: v for k, v in tensors.items() if k != "visual.proj"}, tmp_path / "open_clip_model.safetensors")
    assert "open_clip raised RuntimeError" in line(lambda: model.encoder(3).encode(images(1)))
