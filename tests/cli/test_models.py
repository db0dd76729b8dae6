"""``reprcheck describe``, ``doctor`` and ``pin``."""

from __future__ import annotations

from pathlib import Path

import pytest

from reprcheck.cli import main
from reprcheck.models import resolve_model
from tests.minisets import write_dataset
from tests.models.made import images

NETS = """
import torch

class Vit(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = torch.nn.Conv2d(2, 6, 16, 16)

    def forward(self, x):
        return self.embed(x).flatten(2).transpose(1, 2)

def net():
    torch.manual_seed(0)
    return Vit()

def unloaded():
    return Vit()
"""


@pytest.fixture(scope="module")
def nets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cli") / "nets.py"
    path.write_text(NETS)
    return path


def rows(text: str) -> dict[str, str]:
    return {part[0]: part[1].strip() for part in (line.split("  ", 1) for line in text.splitlines())}


def test_describe_says_what_reaches_a_network_and_what_is_taken(nets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = f"py:{nets}:net?pool=mean&prefix_tokens=1&size=64&range=0..255&mean=3&std=2&name=vit"
    assert main(["describe", spec]) == 0
    said = rows(capsys.readouterr().out)
    assert said["model"] == "vit"
    assert said["digest"] == resolve_model(spec).digest
    assert said["channels"] == "all 2 at once, as they are (native)"
    assert said["size"] == "64 x 64, squeezed, bilinear"
    assert said["values"] == "0 to 255, less (3), over (2)"
    assert (said["method"], said["pool"]) == ("forward", "mean, 1 prefix tokens")
    assert said["vector"] == "6 numbers, float32"
    assert said["untrained twins"] == "the same architecture, every weight drawn afresh"


def test_describe_says_how_a_dataset_s_channels_enter(
    nets: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_dataset(tmp_path / "mini", shape=(3, 16, 16), card={"channels": ["DNA", "ER", "actin"]})
    asked = "channels=map:DNA=nucleus,*=protein&roles=protein,nucleus&normalise=channel&fit=crop&size=32&resize=48"
    assert main(["describe", f"py:{nets}:net?pool=cls&{asked}", str(tmp_path / "mini")]) == 0
    said = rows(capsys.readouterr().out)
    assert said["images"] == "DNA, ER, actin"
    assert said["channels"] == "ER+DNA; then actin+DNA"
    assert said["roles"] == "protein, nucleus"
    assert said["size"] == "32 x 32, the middle, the shorter side at 48, bilinear"
    assert said["values"] == "each channel of an image to mean 0 and standard deviation 1"
    assert said["vector"] == "12 numbers, float32"


def test_describe_explains_replicated_channels(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["describe", "timm:test_efficientnet?pretrained=false", "--channels=DNA,ER"]) == 0
    said = rows(capsys.readouterr().out)
    assert said["channels"] == "each of 2 alone, repeated to 3, the vectors side by side (replicate)"
    assert said["values"] == "0 to 1, less (0.485, 0.456, 0.406), over (0.229, 0.224, 0.225)"


def test_the_doctor_finds_a_machine_and_a_model_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert main(["doctor", "demo", f"--cache-dir={tmp_path / 'cache'}"]) == 0
    text = capsys.readouterr().out
    assert all(line.startswith("fine   ") for line in text.splitlines())
    assert "fine   networks run on cpu" in text or "fine   networks run on cuda" in text
    assert f"fine   the cache {tmp_path / 'cache'} can be written" in text
    assert "fine   extras: " in text
    assert "HF_HUB_OFFLINE is set: models of a hub are those that were fetched before" in text
    assert "fine   gives 96 numbers for images of 3 channels and 96 pixels" in text


def test_the_doctor_says_what_to_do(
    nets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REPRCHECK_DEVICE", "abacus")
    (tmp_path / "file").write_text("")
    assert main(["doctor", "timm:resnet", f"--cache-dir={tmp_path / 'file'}"]) == 1
    told = [line for line in capsys.readouterr().out.splitlines() if line.startswith("to do  ")]
    assert "REPRCHECK_DEVICE=abacus: no such device" in told[0]
    assert (
        told[1]
        == f"to do  the cache {tmp_path / 'file'} can't be written: File exists; choose another: REPRCHECK_CACHE"
    )
    assert "timm has no model 'resnet'; did you mean timm:resnet" in told[2]
    monkeypatch.delenv("REPRCHECK_DEVICE")
    assert main(["doctor", f"py:{nets}:unloaded?pool=cls", f"--cache-dir={tmp_path}"]) == 1
    (told,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("to do  ")]
    assert "not loaded, another each time the factory is called: embed.weight, embed.bias; load them" in told


def test_a_pin_is_written_and_judged_with(
    nets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    spec = f"py:{nets}:net?pool=cls"
    assert main(["pin", spec]) == 0
    said = capsys.readouterr().out
    assert said == f"written: nets.net.pin.json, 6 numbers; judge with --model='{spec}&pin=nets.net.pin.json'\n"
    assert resolve_model(f"{spec}&pin=nets.net.pin.json").encoder(2).encode(images(1, 2)).shape == (1, 6)
