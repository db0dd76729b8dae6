"""What can be asked for by name: ours, extensions', and what is told of those that can't be used."""

import pytest

from reprcheck.errors import UserError
from reprcheck.registry import ExtensionWarning, Registry
from tests.installed import write_metadata

GROUP = "reprcheck.shapes"


class Shape:
    pass


class Hexagon(Shape):
    pass


HEXAGON, CIRCLE = Hexagon(), Shape()
NO_SHAPE = object()


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Return a function that installs a distribution with entry points in the group."""
    monkeypatch.syspath_prepend(tmp_path)

    def install(distribution, version, **entries):
        write_metadata(tmp_path, GROUP, distribution, version, entries)

    return install


def shapes():
    return Registry(GROUP, "shape", f"{__name__}:Shape", {"hexagon": f"{__name__}:HEXAGON"})


def test_ours_come_first_and_extensions_are_sorted(install):
    install("zeta", "1.0", zigzag=f"{__name__}:CIRCLE", circle=f"{__name__}:CIRCLE")
    install("alpha", "2.0", oval=f"{__name__}:CIRCLE")
    assert shapes().names() == ("hexagon", "circle", "oval", "zigzag")
    assert dict(shapes().things())["oval"] is CIRCLE


def test_a_thing_is_what_its_line_says_and_knows_where_it_comes_from(install):
    install("alpha", "2.0", oval=f"{__name__}:CIRCLE")
    assert shapes().get("hexagon") is HEXAGON
    assert (shapes().origin("hexagon"), shapes().origin("oval")) == ("reprcheck", "alpha 2.0")


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(UserError, match=r"card\.toml: no shape named 'hexagn'; did you mean hexagon\?"):
        shapes().get("hexagn", "card.toml")


@pytest.mark.parametrize("where", ["no_such_module:SHAPE", f"{__name__}:NOT_THERE", f"{__name__}:NO_SHAPE"])
def test_a_broken_extension_is_a_warning_that_names_its_distribution(install, where):
    install("alpha", "2.0", oval=where)
    found = shapes()
    with pytest.warns(ExtensionWarning, match=r"the shape 'oval' of alpha 2\.0 can't be loaded"):
        assert [name for name, _ in found.things()] == ["hexagon"]


def test_whoever_asks_for_a_broken_extension_is_told_what_to_do(install):
    install("alpha", "2.0", oval="no_such_module:SHAPE")
    with pytest.raises(UserError, match=r"policy: .*of alpha 2\.0 can't be loaded: .*; repair or uninstall alpha"):
        shapes().get("oval", "policy")


def test_what_is_broken_of_ours_is_our_mistake():
    with pytest.raises(ModuleNotFoundError):
        Registry(GROUP, "shape", f"{__name__}:Shape", {"hexagon": "no_such_module:SHAPE"}).get("hexagon")


def test_no_name_is_given_twice(install):
    install("alpha", "2.0", hexagon=f"{__name__}:CIRCLE")
    with pytest.raises(UserError, match=r"both reprcheck and alpha 2\.0 bring a shape named 'hexagon'"):
        shapes().names()


def test_nothing_is_imported_before_it_is_asked_for(install):
    install("alpha", "2.0", oval="no_such_module:SHAPE")
    assert "oval" in shapes().names()


def test_what_an_extension_raises_names_its_distribution(install):
    install("alpha", "2.0", oval=f"{__name__}:CIRCLE")
    found = shapes()
    told = r"--x: the shape 'oval' of alpha 2\.0 raised ValueError: 3; report it to the authors of alpha"
    with pytest.raises(UserError, match=told), found.running("oval", "--x"):
        raise ValueError(3)
    with pytest.raises(UserError, match=r"^y: z$"), found.running("oval"):
        raise UserError("y", "z")
    with pytest.raises(ValueError, match="4"), found.running("hexagon"):
        raise ValueError(4)


def test_a_thing_under_another_name_than_its_own_is_refused(install, monkeypatch):
    install("alpha", "2.0", oval=f"{__name__}:CIRCLE")
    monkeypatch.setattr(CIRCLE, "name", "circle", raising=False)
    with pytest.raises(UserError, match=r"alpha 2\.0 can't be loaded: .* calls itself 'circle'"):
        shapes().get("oval")
