"""Which engine is asked for, and how a cluster is shared out."""

import pytest

from reprcheck.cli import main
from reprcheck.embed import engines
from reprcheck.embed.cluster import size_actors
from reprcheck.embed.engines import Engine
from reprcheck.errors import UserError


def test_ray_that_isnt_installed_is_one_line(monkeypatch, capsys):
    monkeypatch.setattr(engines, "find_spec", lambda name: None)
    assert main(["embed", "demo", "sim-culture", "--engine=ray"]) == 4
    line = "ERROR: --engine=ray: Ray isn't installed; pip install 'reprcheck[ray]'\n"
    assert capsys.readouterr().err == line


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (("rey",), "engine=rey: no such engine; did you mean ray?"),
        (("local", "head:6379"), "ray_address=head:6379: no cluster is asked for; add engine=ray"),
    ],
)
def test_an_engine_that_there_isnt_is_one_line(asked, message):
    with pytest.raises(UserError) as caught:
        Engine(*asked)
    assert str(caught.value) == message


def test_a_part_is_for_schedulers_not_for_clusters(monkeypatch, capsys):
    monkeypatch.setattr(engines, "find_spec", lambda name: name)
    assert main(["embed", "demo", "sim-culture", "--engine=ray", "--shard=1/2"]) == 4
    assert "--shard=1/2: a cluster embeds all parts; leave it out" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        ([{"CPU": 1.0}, {"CPU": 1.0}], (2, 1, 0)),
        ([{"CPU": 64.0}, {"CPU": 8.0}, {}], (9, 8, 0)),
        ([{"CPU": 128.0}], (8, 16, 0)),
        ([{"CPU": 24.0, "GPU": 2.0}, {"CPU": 64.0}], (2, 12, 1)),
        ([{"CPU": 4.0, "GPU": 8.0}], (8, 1, 1)),
    ],
)
def test_an_actor_has_a_gpu_where_there_are_any_else_cores(nodes, expected):
    alive = [{"Alive": True, "Resources": resources} for resources in nodes]
    assert size_actors([*alive, {"Alive": False, "Resources": {"CPU": 2.0}}]) == expected
