"""Recipes: each opens, each network that a library can build gives what the recipe says, and a lab adds its own."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import pytest
import torch

from reprcheck.models import resolve_model
from reprcheck.models.network_model import NetworkModel
from reprcheck.models.recipe import Recipe, names, read_recipe
from reprcheck.models.torch.readout import NetworkReader
from reprcheck.registry import SOURCES
from tests.models.made import ROOT, TINY, images, line

RECIPES = [read_recipe(name, "here") for name in names()]
BUILT = [recipe for recipe in RECIPES if recipe.network is not None]

MINE = f"""
title = "Mine"
model = "timm:{TINY}"
dimension = 256
licence = "ours"
citation = "none"
answer = "the pooled map"
verified = []
unverified = []

[options]
pretrained = false
range = "0..255"
"""


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    (tmp_path / "mine.toml").write_text(MINE)
    return tmp_path / "mine.toml"


def name_of(recipe: Recipe) -> str:
    return recipe.name


def asked(recipe: Recipe, folder: Path) -> str:
    """Return a SPEC of the recipe that needs no hub, with all that must be given."""
    (folder / "net.py").write_text("def make(): raise RuntimeError('opened too early')\n")
    (folder / "weights.pth").write_text("read too early")
    said = {"from": f"{folder}/net.py:make", "trust": "0" * 40, "checkpoint": f"{folder}/weights.pth"}
    said["channels"] = "map:DNA=nucleus,ER=er,AGP=microtubules,*=protein"
    return f"recipe:{recipe.name}?" + "&".join(f"{option}={said[option]}" for option in recipe.needs)


@pytest.mark.parametrize("recipe", RECIPES, ids=name_of)
def test_it_opens_without_a_hub_and_bears_its_name(recipe: Recipe, tmp_path: Path) -> None:
    source = recipe.model.partition(":")[0]
    assert source in SOURCES.own
    pytest.importorskip({"hf": "transformers", "clip": "open_clip"}.get(source, "timm"))
    model = resolve_model(asked(recipe, tmp_path).removesuffix("?"))
    assert model.name == recipe.name
    assert model.spec.startswith(f"{source}:")


@pytest.mark.parametrize("recipe", [recipe for recipe in RECIPES if recipe.needs], ids=name_of)
def test_what_it_needs_is_asked_for(recipe: Recipe) -> None:
    option = next(iter(recipe.needs))
    assert line(lambda: resolve_model(f"recipe:{recipe.name}")).startswith(
        f"model=recipe:{recipe.name}: the recipe {recipe.name} needs {option}=; give "
    )


@pytest.mark.parametrize("recipe", BUILT, ids=name_of)
def test_its_network_gives_as_many_numbers_as_it_says(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if recipe.network.library == "transformers":
        transformers = pytest.importorskip("transformers")
        keywords = {**recipe.network.keywords, "num_hidden_layers": 2}
        transformers.AutoConfig.for_model(recipe.network.name, **keywords).save_pretrained(tmp_path)
        spec = f"recipe:{recipe.name}?from={tmp_path}"
        monkeypatch.setattr("reprcheck.models.torch.transformers_build.seeded", lambda draw: nullcontext())
    else:
        spec = f"recipe:{recipe.name}?pretrained=false&depth=2"
        if "checkpoint" in recipe.needs:
            (tmp_path / "weights.pth").write_text("not read")
            spec += f"&checkpoint={tmp_path / 'weights.pth'}"
        monkeypatch.setattr("reprcheck.models.torch.timm_build.seeded", lambda draw: nullcontext())
    model = resolve_model(spec)
    assert isinstance(model, NetworkModel)
    with torch.device("meta"):  # shapes alone: no weights are drawn, nothing is computed
        module = model.network.twin(0).build().module.eval()
        side, channels = recipe.options["size"], recipe.options.get("in_chans", 3)
        vectors = NetworkReader(module, model.readout, "here")(torch.zeros(2, channels, side, side))
    assert vectors.shape == (2, recipe.dimension)


def test_a_lab_adds_one_as_a_file(mine: Path) -> None:
    model = resolve_model(f"recipe:{mine}")
    assert model.name == "mine"
    assert model.encoder(3).encode(images(1)).shape == (1, 256)
    assert model.notes(3) == ("Input: range=0..255, for the model and its untrained twins.",)
    same = resolve_model(f"timm:{TINY}?pretrained=false&range=0..255")
    assert model.digest == same.digest
    other = resolve_model(f"recipe:{mine}?range=0..1&seed=3&name=other")
    assert other.name == "other"
    assert other.digest == resolve_model(f"timm:{TINY}?pretrained=false&seed=3&range=0..1").digest


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (("title", "titel"), "unknown key; did you mean title?"),
        (('title = "Mine"', ""), "no title; add it"),
        (('"timm:', '"'), "names no source; write timm:NAME, say"),
        (('"timm:', '"recipe:'), "is a recipe of a recipe; name its source"),
        (("= 256", "= "), "is no TOML: "),
        (("range =", "ranges ="), "ranges"),
        (("[options]", "network = { type = 3 }\n[options]"), "it has library, name and keywords"),
    ],
    ids=["misspelt", "missing", "no source", "recipe", "no toml", "bad option", "bad network"],
)
def test_what_is_wrong_with_one_is_one_line(mine: Path, edit: tuple[str, str], expected: str) -> None:
    mine.write_text(MINE.replace(*edit))
    assert expected in line(lambda: resolve_model(f"recipe:{mine}"))


def test_a_recipe_that_there_is_not() -> None:
    assert line(lambda: resolve_model("recipe:uni2h")).endswith("no recipe 'uni2h'; did you mean uni2-h?")
    assert line(lambda: resolve_model("recipe:no.toml")).endswith("no file no.toml; check the path")


def test_the_page_is_made_from_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "tools")
    import recipes_page

    assert recipes_page.PAGE.read_text(encoding="utf-8") == recipes_page.written()
