"""Every tissue entry of the catalogue: it parses, its card holds together, and it owns up to what wasn't checked."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from reprcheck.datasets.public import entry, names, open_public
from reprcheck.errors import UserError

TISSUE = [name for name in names() if entry(name).card.kind == "tissue"]


def test_the_tissue_sets_are_there() -> None:
    assert {"breakhis", "crc-val-he-7k", "imc-breast", "kather2016"} <= set(TISSUE)
    assert {"nct-crc-he", "pannuke", "patchcamelyon"} <= set(TISSUE)


@pytest.mark.parametrize("name", TISSUE)
def test_an_entry_holds_together(name: str) -> None:
    found = entry(name)
    card = found.card
    assert card.name == name
    assert card.license
    assert card.citation
    assert card.source
    assert found.homepage.startswith("https://")
    assert found.verified
    assert found.unverified
    assert found.traps
    assert found.splits
    assert found.files or found.how
    assert all(file.url.endswith(file.name) for file in found.files)
    sentences = (*found.verified, *found.unverified, *found.traps, found.splits)
    assert all(sentence.endswith(".") and "\n" not in sentence for sentence in sentences)
    for task in card.tasks:
        assert set(task.channels or ()) <= set(card.channels)
        assert task.holdout != "batch" or card.columns.batch
    reader = import_module(f"reprcheck.datasets.public.{name.replace('-', '_')}")
    assert bool(card.columns.image) != hasattr(reader, "images")


@pytest.mark.parametrize("name", TISSUE)
def test_a_set_that_is_not_here_tells_how_it_is_had(name: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="not here yet") as caught:
        open_public(name, folder=tmp_path / "none")
    assert caught.value.remedy == (f"run: reprcheck data fetch {name}" if entry(name).files else entry(name).how)
