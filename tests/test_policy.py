"""The policy file: defaults, every key, and every mistake told with its file and key."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reprcheck.errors import UserError
from reprcheck.policy import Policy, read_policy, registered_models


def written(folder: Path, text: str, name: str = "policy.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def refused(path: Path) -> str:
    with pytest.raises(UserError) as caught:
        read_policy(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    assert read_policy(None) == Policy() == read_policy(written(tmp_path, "schema = 1"))
    assert (Policy().alpha, Policy().margin, Policy().min_units, Policy().twins) == (0.05, 0.02, 10, 5)
    assert Policy().diagnostics == ("beats_untrained", "beats_structure", "beats_texture", "beyond_intensity")
    assert Policy().requires("any:setting/at-all/1")


def test_every_key_is_read(tmp_path: Path) -> None:
    policy = read_policy(
        written(
            tmp_path,
            """
            schema = 1
            alpha = 0.01
            margin = 0
            min_units = 12
            twins = 8
            sample = 5000
            limited_release = true
            diagnostics = ["beats_untrained", "beats_structure"]
            settings = ["sim-*:*", "bbbc013:compound/probe/2"]
            baselines = ["cellprofiler"]
            [margins]
            beats_untrained = 0.05
            "beats_untrained@probe/2" = 0.1
            [models]
            mine = "py:my.package:build"
            """,
        )
    )
    assert policy == Policy(
        alpha=0.01,
        margin=0,
        min_units=12,
        twins=8,
        sample=5000,
        limited_release=True,
        diagnostics=("beats_untrained", "beats_structure"),
        settings=("sim-*:*", "bbbc013:compound/probe/2"),
        baselines=("cellprofiler",),
        margins={"beats_untrained": 0.05, "beats_untrained@probe/2": 0.1},
        models={"mine": "py:my.package:build"},
    )
    assert policy.margin_for("beats_untrained", "probe/2") == 0.1
    assert policy.margin_for("beats_untrained", "knn/1") == 0.05
    assert policy.margin_for("beats_structure", "probe/2") == 0
    assert policy.requires("sim-culture:dose/knn/1")
    assert policy.requires("bbbc013:compound/probe/2")
    assert not policy.requires("bbbc013:compound/knn/1")
    assert pickle.loads(pickle.dumps(policy)) == policy


def test_plain_is_json_and_leaves_names_out() -> None:
    plain = Policy(margin=0, models={"mine": "demo"}, margins={"b": 0, "a": 0.5}).plain()
    assert json.loads(json.dumps(plain)) == plain
    assert "models" not in plain
    assert repr(plain["margin"]) == "0.0"
    assert list(plain["margins"]) == ["a", "b"]
    assert not {"baselines", "sample"} & set(plain)
    assert Policy(sample=50_000).plain()["sample"] == 50_000
    assert Policy(baselines=("cellprofiler",)).plain()["baselines"] == ["cellprofiler"]


@pytest.mark.parametrize(
    "line",
    [
        "alpha = 0",
        "alpha = 0.5",
        "alpha = nan",
        "alpha = '0.05'",
        "margin = 2",
        "margin = -0.1",
        "margin = true",
        "min_units = 1",
        "min_units = 10.0",
        "twins = 1",
        "twins = true",
        "sample = 1",
        "sample = 100.0",
        "limited_release = 1",
        "diagnostics = []",
        "diagnostics = 'beats_untrained'",
        "diagnostics = ['beats_untrained', 'beats_untrained']",
        "diagnostics = [['beats_untrained']]",
        "settings = ['']",
        "settings = [1]",
        "baselines = 'cellprofiler'",
        "baselines = ['cellprofiler', 'cellprofiler']",
        "margins = 0.02",
        "models = 'demo'",
    ],
)
def test_a_wrong_value_names_its_key(tmp_path: Path, line: str) -> None:
    assert f": {line.partition(' ')[0]}: " in refused(written(tmp_path, f"schema = 1\n{line}"))


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ("[margins]\nbeats_untrained = 'low'", "margins.beats_untrained"),
        ("[margins]\nbeats_untrained = 1.5", "margins.beats_untrained"),
        ("[margins]\n'beats_untrained@probe' = 0.1", "margins.beats_untrained@probe"),
        ("[models]\nmine = 3", "models.mine"),
        ("[models]\nmine = ' '", "models.mine"),
    ],
)
def test_a_wrong_entry_names_its_key(tmp_path: Path, table: str, key: str) -> None:
    assert f": {key}: " in refused(written(tmp_path, f"schema = 1\n{table}"))


def test_a_misspelled_key_is_named_with_the_right_one(tmp_path: Path) -> None:
    assert "did you mean margin?" in refused(written(tmp_path, "schema = 1\nmargn = 0.1"))
    text = "schema = 1\n[margins]\nbeats_untrianed = 0.1"
    assert "did you mean beats_untrained?" in refused(written(tmp_path, text))


def test_a_policy_without_a_known_schema_is_refused(tmp_path: Path) -> None:
    assert "write schema = 1" in refused(written(tmp_path, "alpha = 0.05"))
    assert "schema 2 is not known" in refused(written(tmp_path, "schema = 2"))
    assert "schema True is not known" in refused(written(tmp_path, "schema = true"))


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    assert "no such file" in refused(tmp_path / "missing.toml")
    assert "is a folder, not a file; check the path" in refused(tmp_path)
    assert "isn't valid TOML" in refused(written(tmp_path, "schema = "))
    (tmp_path / "latin.toml").write_bytes(b"# \xb5m")
    assert "isn't UTF-8 text" in refused(tmp_path / "latin.toml")


@given(margin=st.floats(0, 0.99), protocol=st.sampled_from(["probe/2", "knn/1"]))
def test_the_most_specific_margin_wins(margin: float, protocol: str) -> None:
    diagnostic = "beats_untrained"
    assert Policy(margin=margin).margin_for(diagnostic, protocol) == margin
    assert Policy(margins={diagnostic: margin}).margin_for(diagnostic, protocol) == margin
    both = Policy(margins={diagnostic: 0.999, f"{diagnostic}@{protocol}": margin})
    assert both.margin_for(diagnostic, protocol) == margin
    assert both.margin_for("beats_structure", protocol) == both.margin


def test_registered_models(tmp_path: Path) -> None:
    assert registered_models(tmp_path) == {}
    written(tmp_path, "[tool.other]\nx = 1", "pyproject.toml")
    assert registered_models(tmp_path) == {}
    written(tmp_path, "[tool.reprcheck.models]\nmine = 'timm:resnet18'", "pyproject.toml")
    assert registered_models(tmp_path) == {"mine": "timm:resnet18"}


@pytest.mark.parametrize("text", ["[tool.reprcheck.models]\nmine = 1", "[tool.reprcheck]\nmodels = 'x'", "tool ="])
def test_wrongly_registered_models_are_refused(tmp_path: Path, text: str) -> None:
    written(tmp_path, text, "pyproject.toml")
    with pytest.raises(UserError, match=r"pyproject\.toml"):
        registered_models(tmp_path)


def test_a_policy_that_names_a_replaced_protocol_holds_for_the_one_in_its_place(tmp_path):
    path = tmp_path / "policy.toml"
    path.write_text(
        'schema = 1\nsettings = ["*/probe/1"]\nmargins = { "beats_untrained@probe/1" = 0.07 }\n'
        '[[waivers]]\ncell = "sim:dose/probe/1 beats_structure"\nreason = "known"\nowner = "me"\nexpires = 2099-01-01\n'
    )
    policy = read_policy(path)
    assert policy.requires("sim:dose/probe/2")
    assert not policy.requires("sim:dose/knn/1")
    assert policy.margin_for("beats_untrained", "probe/2") == 0.07
    assert policy.waivers[0].cell == "sim:dose/probe/2 beats_structure"


def test_a_margin_for_a_protocol_and_for_the_one_in_its_place_are_two_too_many(tmp_path):
    path = tmp_path / "policy.toml"
    path.write_text('schema = 1\nmargins = { "beats_untrained@probe/1" = 0.01, "beats_untrained@probe/2" = 0.07 }\n')
    with pytest.raises(UserError, match="beats_untrained@probe/2 has a margin too"):
        read_policy(path)
