"""A Ray cluster as the engine: the vectors of one process, whatever happens to an actor."""

import contextlib
import os
import pickle
import signal
from dataclasses import dataclass

import numpy as np
import pytest

from reprcheck.cores import LIMIT
from reprcheck.datasets.catalogue import load
from reprcheck.embed.cache import Cache
from reprcheck.embed.cluster import TRIES, Actor, Cluster, DeadActorError, Job
from reprcheck.embed.engine import decoded_key, embed
from reprcheck.embed.fill import BATCH, Gap, ImageView
from reprcheck.embed.parts import ALL
from reprcheck.errors import UserError
from reprcheck.models import resolve_model
from reprcheck.policy import Policy
from reprcheck.runs.session import Session
from tests.embed.test_engine import Means, Source
from tests.minisets import write_dataset
from tests.runs.test_embed import assert_alike, vectors

ray = pytest.importorskip("ray")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Ray's of itself

MODEL = """
import torch

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.norm = torch.nn.Conv2d(1, 6, 5), torch.nn.BatchNorm2d(6)

    def forward(self, x):
        return torch.relu(self.norm(self.conv(x))).mean((2, 3))
"""
POLICY = Policy(twins=2, repeats=1, settings=("*/knn/1",))


@pytest.fixture(scope="module")
def two_workers():
    """Start a cluster on this machine that has room for two actors."""
    from ray.cluster_utils import Cluster as LocalCluster

    cluster = LocalCluster(initialize_head=True, head_node_args={"num_cpus": 1, "object_store_memory": 2**27})
    cluster.add_node(num_cpus=1, object_store_memory=2**27)
    yield cluster.address
    ray.shutdown()
    cluster.shutdown()


@contextlib.contextmanager
def quiet(total, title):
    yield lambda _: None


@dataclass
class Deadly(Source):
    """Kills another process that reads one of its images, the first that does."""

    folder: str = ""

    def read(self, index):
        if index == 2 * BATCH + 5 and os.getpid() != int(self.names[0]) and not os.listdir(self.folder):
            with open(f"{self.folder}/death", "x"):
                pass
            os.kill(os.getpid(), signal.SIGKILL)
        return super().read(index)

    def content(self, index):
        return str(self.numbers[index])


def means():
    return [Means(1.0), Means(2.0)]


def run(source, folder, address=None):
    view = ImageView(source, np.arange(len(source.numbers)), (0, 1))
    more = {"fill": Cluster(address, {}, {}).fill(means)} if address else {}
    return embed(view, means(), Cache(folder), quiet, **more)


def test_a_killed_worker_loses_its_batch_only(tmp_path, two_workers):
    (tmp_path / "deaths").mkdir()
    source = Deadly(list(range(8 * BATCH)), [str(os.getpid())], folder=str(tmp_path / "deaths"))
    blocks = run(source, tmp_path / "ray", two_workers)
    assert len(os.listdir(source.folder)) == 1
    for block, expected in zip(blocks, run(source, tmp_path / "local"), strict=True):
        assert block.digest == expected.digest
        assert block.vectors.tobytes() == expected.vectors.tobytes()


class Begun:
    """Counts tries as the actor of that name does, all of them as one."""

    class count:
        n = 0

        @classmethod
        def remote(cls, first):
            return cls.n


@pytest.fixture
def actor(tmp_path, monkeypatch):
    """An actor in this process, which finds an image that can't be read."""
    monkeypatch.chdir(".")  # an actor goes elsewhere, and stays
    monkeypatch.setattr(ray, "get", lambda value: value)
    monkeypatch.setenv(LIMIT, "2")
    view = ImageView(Broken(list(range(4 * BATCH))), np.arange(4 * BATCH), (0, 1))
    keys = tuple(encoder.digest() for encoder in means())
    contents, decoded = tuple(map(str, view.rows)), (None,) * len(view.rows)
    gap = Gap(view, contents, decoded_key((0, 1)), decoded, keys, (), (None, None), "", 60.0)
    return Actor(pickle.dumps(Job(gap, means, Cache(tmp_path, crowded=True), str(tmp_path))), Begun, 1)


def outcome(actor, batch):
    row = actor({"first": np.array([batch * BATCH]), "end": np.array([(batch + 1) * BATCH])})
    return pickle.loads(row["outcome"][0])


def test_what_is_raised_travels_as_it_is(actor):
    assert outcome(actor, 0).n_vectors == 2 * BATCH
    mistake = outcome(actor, 1)
    assert isinstance(mistake, UserError)
    assert str(mistake) == f"image {BATCH + 1}: truncated"


def test_a_batch_that_kills_every_worker_ends_the_run(actor, monkeypatch):
    monkeypatch.setattr(Begun.count, "n", TRIES + 1)
    error = outcome(actor, 2)
    assert isinstance(error, DeadActorError)
    assert str(error).startswith("3 processes died while they embedded images 64 to 95")


def test_a_machine_with_other_code_is_told(actor, monkeypatch):
    monkeypatch.setattr(Means, "digest", lambda encoder: "another")
    assert "means is made of other things; give all machines the same" in str(outcome(actor, 0))


class Broken(Source):
    """An image of the second batch can't be read."""

    def read(self, index):
        if index == BATCH + 1:
            raise UserError(f"image {index}", "truncated")
        return super().read(index)


def test_a_model_and_all_that_it_meets_come_out_as_in_one_process(tmp_path, two_workers):
    dataset = load(write_dataset(tmp_path / "mini", labels=["a", "b"] * 15, shape=(1, 24, 24), signal=4.0))
    (tmp_path / "net.py").write_text(MODEL)
    tallies = {}
    for engine in ("ray", "local"):
        model = resolve_model(f"py:{tmp_path}/net.py:Net")
        more = {"engine": Cluster(two_workers, {"": model}, {"": dataset}).fill} if engine == "ray" else {}
        tallies[engine] = Session(POLICY, Cache(tmp_path / engine), quiet, **more).embed(model, dataset, ALL)
    assert tallies["ray"] == tallies["local"]
    assert_alike(vectors(tmp_path / "ray"), vectors(tmp_path / "local"))


def test_an_address_without_a_cluster_is_one_line(tmp_path, monkeypatch):
    def refuse(*given, **more):
        raise ConnectionError("refused")

    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", refuse)
    with pytest.raises(UserError, match="ray_address=nothing:1: no Ray cluster answers"):
        run(Source([1]), tmp_path, "nothing:1")
