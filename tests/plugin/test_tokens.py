"""A new user's network, as it is in the docs, is judged by one command line."""

from __future__ import annotations

import re
from pathlib import Path

import torch

from tests.minisets import write_dataset

DOCS = (Path(__file__).resolve().parents[2] / "docs" / "models.md").read_text(encoding="utf-8")


def test_a_five_channel_vit_that_returns_tokens_is_judged_by_one_command_line(gate, tmp_path: Path) -> None:
    (code,) = (block for block in re.findall(r"```python\n(.*?)```", DOCS, re.DOTALL) if "class ViT" in block)
    (tmp_path / "vit.py").write_text(code)
    (option,) = re.findall(r"--model='(py:vit\.py:make\?[^']+)'", DOCS)
    scope: dict = {}
    exec(compile(code, "vit.py", "exec"), scope)
    torch.save(scope["ViT"]().state_dict(), tmp_path / "vit.pt")
    write_dataset(tmp_path / "mini", shape=(5, 32, 32), card={"channels": ["DNA", "ER", "RNA", "AGP", "Mito"]})
    spec = option.replace("vit.py", f"{tmp_path}/vit.py") + f"&weights={tmp_path}/vit.pt"
    policy = tmp_path / "policy.toml"
    policy.write_text('schema = 1\ntwins = 2\nrepeats = 1\nmin_units = 2\nsettings = ["mini:state/probe/2"]\n')
    done = gate(f"--model={spec}", f"--dataset={tmp_path}/mini", f"--policy={policy}")
    assert len(done.statuses) == 4
    assert "error" not in done.statuses.values(), done.text
    (setting,) = done.card["settings"]
    assert "Output: pool=cls, of the model and its untrained twins." in setting["notes"]
    assert {"model", "untrained", "untrained-vit"} <= setting["scores"].keys()
