"""Every entry of a cell culture set parses, holds together, and says what was checked and what was not."""

from __future__ import annotations

from importlib import import_module

import pytest

from reprcheck.datasets.public import entry, names, open_public
from reprcheck.errors import UserError
from tests.datasets.public.culture import MISSING

CULTURE = (
    *("bbbc013-plate", "bbbc021", "chammi-allen", "chammi-cp", "chammi-hpa"),
    *("cpjump1", "rxrx1", "rxrx1-wilds", "rxrx3-core"),
)


@pytest.mark.parametrize("name", CULTURE)
def test_an_entry_holds_together(name, tmp_path):
    assert name in names()
    found = entry(name)
    card = found.card
    assert card.kind == "culture"
    assert found.homepage.startswith("https://")
    assert all([found.title, found.splits, found.verified, found.unverified, found.traps])
    assert all([card.license, card.citation, card.source])
    assert all(sentence.endswith(".") for sentence in (*found.verified, *found.unverified, *found.traps))
    assert found.files or found.how
    for file in found.files:
        assert file.url.startswith("https://")
        assert file.sha256 is None or len(file.sha256) == 64
        assert file.name.endswith(".zip") == (file.unpack == "zip")
    assert len({file.name for file in found.files}) == len(found.files)
    reader = import_module(f"reprcheck.datasets.public.{name.replace('-', '_')}")
    assert bool(card.columns.image) != hasattr(reader, "images")
    with pytest.raises(UserError, match="not here yet"):
        open_public(name, folder=tmp_path / "nothing")
    with pytest.raises(
        UserError,
        match=MISSING,
    ):
        open_public(name, folder=tmp_path)
