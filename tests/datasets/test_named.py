"""Datasets that extensions bring: opened and listed by name, and refused where they aren't what they say."""

import pytest

from reprcheck.cli import main
from reprcheck.datasets.catalogue import load
from reprcheck.datasets.named import NamedDataset
from reprcheck.datasets.simulate import Culture, Plan, dataset
from reprcheck.errors import UserError
from reprcheck.registry import DATASETS
from tests.installed import forget, write_metadata


class Grains(NamedDataset):
    def open(self, limit):
        return dataset(Culture(plan=Plan(label={"texture": 0.5}), batches=2, units=8), "grains", limit=limit)


class Nothing(NamedDataset):
    def open(self, limit):
        return None


GRAINS, NOTHING = Grains(), Nothing()


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Return a function that installs datasets, of which ``grains`` is one."""
    monkeypatch.syspath_prepend(tmp_path)
    forget(DATASETS)

    def install(**entries):
        write_metadata(tmp_path, DATASETS.group, "alpha", "2.0", {"grains": f"{__name__}:GRAINS", **entries})

    yield install
    forget(DATASETS)


def test_one_is_opened_by_its_name(install):
    install()
    assert load("grains").name == "grains"
    assert len(load("grains", limit=20).tasks["texture"].rows) <= 20


def test_its_name_is_proposed_and_listed(install, capsys):
    install()
    with pytest.raises(UserError, match=r"no such folder, simulated or public dataset; did you mean grains\?"):
        load("grain")
    assert main(["data", "list"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "grains  of the extension alpha 2.0"


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("NOTHING", "open returned a NoneType, not a Dataset"),
        ("GRAINS", "open returned one named 'grains', not a Dataset"),
    ],
)
def test_one_that_is_not_what_it_says_is_refused(install, name, what):
    install(other=f"{__name__}:{name}")
    told = rf"dataset=other: the dataset 'other' of alpha 2\.0 raised TypeError: {what} named 'other'; report it"
    with pytest.raises(UserError, match=told):
        load("other")


@pytest.mark.parametrize("name", ["sim-culture", "bbbc021"])
def test_none_has_a_name_of_ours(install, name):
    install(**{name: f"{__name__}:GRAINS"})
    with pytest.raises(UserError, match=rf"both reprcheck and alpha 2\.0 bring a dataset named '{name}'; uninstall"):
        load("sim-culture", limit=20)
