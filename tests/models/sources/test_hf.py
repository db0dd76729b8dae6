"""Networks of transformers: their own vectors, twins from the configuration, and code that only trust lets run."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from reprcheck.models import resolve_model
from reprcheck.models.torch.state import state_digest
from tests.models.made import elsewhere, images, line

transformers = pytest.importorskip("transformers")

MEAN = [0.4, 0.5, 0.6]
CODE = """
from pathlib import Path
import torch
from transformers import PretrainedConfig, PreTrainedModel

Path("PLACE").touch()

class Config(PretrainedConfig):
    model_type = "own"

class Net(PreTrainedModel):
    config_class = Config
    def __init__(self, config):
        super().__init__(config)
        self.proj = torch.nn.Linear(3, 8)
        self.post_init()
    def forward(self, x):
        return self.proj(x.mean((2, 3)))
"""


@pytest.fixture(scope="module")
def vit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small vision transformer, and how its images are prepared."""
    folder = tmp_path_factory.mktemp("hf") / "vit"
    sides = {"image_size": 32, "patch_size": 8, "hidden_size": 32, "intermediate_size": 64}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        module = transformers.ViTModel(transformers.ViTConfig(num_hidden_layers=2, num_attention_heads=2, **sides))
    for parameter in module.parameters():
        parameter.data += 0.02 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(2))
    module.save_pretrained(folder)
    prepared = {"image_mean": MEAN, "image_std": [0.2] * 3, "size": {"height": 32, "width": 32}}
    (folder / "preprocessor_config.json").write_text(json.dumps(prepared))
    return folder


def by_hand(folder: Path, shown: list) -> np.ndarray:
    module = transformers.AutoModel.from_pretrained(folder)
    pixels = torch.from_numpy(np.stack([image.pixels for image in shown]))
    with torch.no_grad():
        return module((pixels - torch.tensor(MEAN).view(1, 3, 1, 1)) / 0.2).pooler_output.numpy()


def encode(spec: str) -> np.ndarray:
    return resolve_model(spec).encoder(3).encode(images(2))


def test_a_folder_gives_the_network_s_own_vectors(vit: Path, tmp_path: Path) -> None:
    shown = images(3)
    model = resolve_model(f"hf:{vit}?key=pooler_output")
    assert model.name == "vit"
    np.testing.assert_allclose(model.encoder(3).encode(shown), by_hand(vit, shown), rtol=1e-4, atol=1e-5)
    told = line(lambda: encode(f"hf:{vit}"))
    assert "last_hidden_state [8, 17, 32], pooler_output [8, 32]" in told
    assert "add key=pooler_output to the SPEC" in told
    assert encode(f"hf:{vit}?key=last_hidden_state&pool=cls+mean").shape == (2, 64)
    assert model.facts().size == 32
    copy = tmp_path / "copy"
    shutil.copytree(vit, copy)
    assert resolve_model(f"hf:{copy}?key=pooler_output").digest == model.digest
    prepared = json.loads((copy / "preprocessor_config.json").read_text())
    (copy / "preprocessor_config.json").write_text(json.dumps(prepared | {"image_std": [0.3] * 3}))
    assert resolve_model(f"hf:{copy}?key=pooler_output").digest != model.digest


def test_bytes_that_are_not_rescaled_are_given_as_such(vit: Path, tmp_path: Path) -> None:
    shutil.copytree(vit, tmp_path / "bytes")
    given = {"do_rescale": False, "image_mean": [255 * m for m in MEAN], "image_std": [51.0] * 3}
    (tmp_path / "bytes" / "preprocessor_config.json").write_text(json.dumps(given))
    same = encode(f"hf:{tmp_path / 'bytes'}?key=pooler_output")
    np.testing.assert_allclose(same, encode(f"hf:{vit}?key=pooler_output"), rtol=1e-4, atol=1e-5)


def test_twins_are_the_library_s_own_draws(vit: Path) -> None:
    network = resolve_model(f"hf:{vit}").network
    own, first, again, other = (one.build().module for one in (network, *(network.twin(k) for k in (0, 0, 1))))
    shapes = [{name: tensor.shape for name, tensor in module.state_dict().items()} for module in (own, first)]
    assert shapes[0] == shapes[1]
    assert state_digest(first) == state_digest(again) != state_digest(other)
    for name, tensor in own.named_parameters():
        assert not torch.isclose(tensor, first.get_parameter(name)).all(), name
    model = resolve_model(f"hf:{vit}?key=pooler_output")
    sizes = [np.abs(encoder.encode(images(2))).mean() for encoder in (model.encoder(3), model.untrained(3, 0))]
    assert 0.1 < sizes[0] / sizes[1] < 10
    assert "Untrained twins: the configuration's network, initialised by transformers." in model.notes(3)
    assert model.untrained(3, 0).digest() != model.untrained(3, 1).digest()


def test_a_twin_is_the_same_in_every_process(vit: Path) -> None:
    code = """
import sys, torch
from reprcheck.models import resolve_model
from reprcheck.models.torch.state import state_digest
torch.manual_seed(5)
print(state_digest(resolve_model(sys.argv[1]).network.twin(3).build().module))
"""
    here = state_digest(resolve_model(f"hf:{vit}").network.twin(3).build().module)
    assert elsewhere(code, f"hf:{vit}").split()[-1] == here


def test_what_the_weights_do_not_hold_is_not_left_at_random(vit: Path, tmp_path: Path) -> None:
    folder = tmp_path / "half"
    shutil.copytree(vit, folder)
    tensors = load_file(folder / "model.safetensors")
    headless = {name: tensor for name, tensor in tensors.items() if not name.startswith("pooler.")}
    save_file(headless, folder / "model.safetensors", {"format": "pt"})
    assert "pooler_output" not in line(lambda: encode(f"hf:{folder}")).partition("; add")[2]
    assert encode(f"hf:{folder}?key=last_hidden_state&pool=cls").shape == (2, 32)
    lost = next(name for name in headless if name.endswith("cls_token"))
    save_file({k: v for k, v in headless.items() if k != lost}, folder / "model.safetensors", {"format": "pt"})
    assert "of its tensors aren't in the weights, and would be random: " in line(lambda: encode(f"hf:{folder}"))
    (folder / "model.safetensors").unlink()
    torch.save(tensors, folder / "pytorch_model.bin")
    assert "has no weights in safetensors" in line(lambda: encode(f"hf:{folder}"))


@pytest.fixture
def own_code(tmp_path: Path) -> tuple[Path, Path]:
    """A folder whose network is code of its own, and the file that it writes where it runs."""
    place, folder = tmp_path / "ran", tmp_path / "own"
    folder.mkdir()
    (folder / "own.py").write_text(CODE.replace("PLACE", str(place)))
    classes = {"AutoConfig": "own.Config", "AutoModel": "own.Net"}
    (folder / "config.json").write_text(json.dumps({"model_type": "own", "auto_map": classes}))
    save_file(
        {"proj.weight": torch.ones(8, 3), "proj.bias": torch.zeros(8)}, folder / "model.safetensors", {"format": "pt"}
    )
    return folder, place


@pytest.fixture(autouse=True)
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let transformers copy such code into a folder of the test's."""
    monkeypatch.setattr(transformers.dynamic_module_utils, "HF_MODULES_CACHE", str(tmp_path / "modules"))


def test_code_of_its_own_runs_only_as_it_is_trusted(own_code: tuple[Path, Path], monkeypatch) -> None:
    folder, place = own_code
    told = line(lambda: encode(f"hf:{folder}"))
    assert "the network is code of its own (own.py): nothing of it was run; read it, then add trust=" in told
    trust = told.rpartition("trust=")[2]
    wrong = line(lambda: encode(f"hf:{folder}?trust=main"))
    assert f"its code is at {trust}, and main is trusted: nothing of it was run" in wrong
    assert not place.exists()
    monkeypatch.setattr("sys.path", [*__import__("sys").path])
    assert encode(f"hf:{folder}?trust={trust}").shape == (2, 8)
    assert place.exists()
    (folder / "own.py").write_text((folder / "own.py").read_text() + "# edited\n")
    place.unlink()
    assert "nothing of it was run" in line(lambda: encode(f"hf:{folder}?trust={trust}"))
    assert not place.exists()


def test_code_in_another_repository_can_not_be_trusted(own_code: tuple[Path, Path]) -> None:
    folder, place = own_code
    told = json.loads((folder / "config.json").read_text())
    told["auto_map"]["AutoModel"] = "evil/code--own.Net"
    (folder / "config.json").write_text(json.dumps(told))
    trust = resolve_model(f"hf:{folder}").network.code
    said = line(lambda: encode(f"hf:{folder}?trust={trust}"))
    assert "its code lies in another repository (evil/code): nothing of it was run" in said
    assert not place.exists()


def test_code_outside_of_a_trusted_folder_is_not_run(own_code: tuple[Path, Path], tmp_path: Path) -> None:
    folder, place = own_code
    trust = resolve_model(f"hf:{folder}").network.code
    other = tmp_path / "elsewhere"
    shutil.copytree(folder, other)
    told = json.loads((folder / "config.json").read_text())
    told["auto_map"]["AutoModel"] = f"{other}/own.Net"
    (folder / "config.json").write_text(json.dumps(told))
    assert "its code lies outside of its folder" in line(lambda: encode(f"hf:{folder}?trust={trust}"))
    assert not place.exists()


def test_a_folder_that_is_named_as_a_commit_is_trusted_by_its_code(own_code: tuple[Path, Path], tmp_path: Path) -> None:
    folder, place = own_code
    commit = "0123456789" * 4
    shutil.copytree(folder, tmp_path / commit)
    assert "nothing of it was run" in line(lambda: encode(f"hf:{tmp_path / commit}?trust={commit}"))
    assert not place.exists()


def test_how_images_are_prepared_is_read_where_several_processors_say_so(vit: Path, tmp_path: Path) -> None:
    folder = tmp_path / "vit"
    shutil.copytree(vit, folder)
    said = json.loads((folder / "preprocessor_config.json").read_text())
    (folder / "preprocessor_config.json").unlink()
    bare = resolve_model(f"hf:{folder}").digest
    (folder / "processor_config.json").write_text(json.dumps({"image_processor": said}))
    taken = "?key=pooler_output"
    np.testing.assert_array_equal(encode(f"hf:{folder}{taken}"), encode(f"hf:{vit}{taken}"))
    assert resolve_model(f"hf:{folder}").digest != bare
