"""Vectors ahead of a gate: those that it asks for and no others, the same in one job or in many."""

import contextlib
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import chain

import numpy as np
import pytest
import torch

from reprcheck.cli import main
from reprcheck.datasets.catalogue import load
from reprcheck.embed.cache import Cache
from reprcheck.embed.embedder import Embedder
from reprcheck.embed.parts import ALL, Part
from reprcheck.embed.upkeep import list_keys
from reprcheck.models import resolve_model
from reprcheck.models.torch.forward import Runner
from reprcheck.policy import Policy
from reprcheck.runs.benches import Benches
from reprcheck.runs.session import Session
from tests.minisets import noise_images, write_dataset

pytestmark = pytest.mark.usefixtures("small_networks")
LABELS = ["a", "b"] * 35
POLICY = Policy(twins=2, repeats=1, settings=("*/knn/1",))


class Net(torch.nn.Module):
    """One channel in, six numbers out."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = torch.nn.Conv2d(1, 6, 5), torch.nn.BatchNorm2d(6)

    def forward(self, x):
        return torch.relu(self.norm(self.conv(x))).mean((2, 3))


class Flat(Net):
    """Its twins give one vector for all images."""

    def untrained(self, seed):
        twin = Net()
        torch.nn.init.zeros_(twin.conv.weight)
        return twin


class Dazzled(Net):
    """Its twins give a vector that isn't finite for one image, which is the last."""

    def untrained(self, seed):
        return BlindForWhite()


class BlindForWhite(Net):
    def forward(self, x):
        return super().forward(x) / x.flatten(1).std(1, keepdim=True).gt(0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    images = noise_images(LABELS, (1, 24, 24), 4.0)
    images[-1] = np.full_like(images[-1], 255)
    return write_dataset(tmp_path_factory.mktemp("mini"), labels=LABELS, images=images)


@pytest.fixture(scope="module")
def mini(folder):
    return load(folder)


@contextlib.contextmanager
def quiet(total, title):
    yield lambda _: None


def session(folder):
    return Session(POLICY, Cache(folder), quiet)


def set_up(model, dataset, folder):
    """Embed what a gate does before it scores."""
    benches = Benches(POLICY, Embedder(Cache(folder), quiet))
    for task in dataset.tasks.values():
        benches.of_model(model, dataset, task, "knn/1").matched()


def vectors(folder):
    cache = Cache(folder)
    return {key.key: dict(cache.load("vectors", key.key)) for key in list_keys(cache) if key.kind == "vectors"}


def assert_alike(one, other):
    assert one.keys() == other.keys()
    for key in one:
        assert one[key].keys() == other[key].keys()
        assert all(np.array_equal(row, other[key][row_id], equal_nan=True) for row_id, row in one[key].items())


@pytest.mark.parametrize("model", [Net(), Flat(), Dazzled(), lambda x: x.mean((2, 3))], ids=lambda m: type(m).__name__)
def test_a_gate_embeds_nothing_afterwards_and_would_have_embedded_the_same(mini, tmp_path, monkeypatch, model):
    model = resolve_model(model)
    parts = [session(tmp_path / "parts").embed(model, mini, Part(i, 3)) for i in (3, 1, 2)]
    ahead = vectors(tmp_path / "parts")
    with monkeypatch.context() as patched:
        for thing, name in ((Runner, "__call__"), (type(mini.images), "read")):
            patched.setattr(thing, name, lambda *given: pytest.fail("done again"))
        set_up(model, mini, tmp_path / "parts")
    assert_alike(vectors(tmp_path / "parts"), ahead)
    set_up(model, mini, tmp_path / "gate")
    assert_alike(vectors(tmp_path / "gate"), ahead)
    assert sum(part.n_added + part.n_for_others for part in parts) == sum(map(len, ahead.values()))


def test_a_job_is_restartable_and_counts_what_was_there(mini, tmp_path):
    model = resolve_model(Net())
    first, again = (session(tmp_path).embed(model, mini, Part(2, 2)) for _ in range(2))
    assert (first.n_added, again.n_added, again.n_for_others) == (first.n_vectors, 0, 0)
    assert first.n_for_others == 32  # the quantiles of the images of part 1
    whole = session(tmp_path).embed(model, mini, ALL)
    assert whole.n_vectors - whole.n_added == first.n_vectors + first.n_for_others


def test_jobs_at_once_fill_one_cache(mini, tmp_path):
    model = resolve_model(Net())
    with ThreadPoolExecutor(3) as pool:
        jobs = [pool.submit(session(tmp_path).embed, model, mini, Part(i, 3)) for i in (1, 2, 3)]
        assert all(job.result().n_vectors for job in jobs)
    assert session(tmp_path).embed(model, mini, ALL).n_added == 0


def test_another_machine_finds_in_the_shared_cache_what_is_embedded_ahead(mini, tmp_path):
    (tmp_path / "share").mkdir()
    caches = [Cache(tmp_path / name, remote=f"file://{tmp_path}/share") for name in "ab"]
    model = resolve_model(Net())
    first, second = (Session(POLICY, cache, quiet).embed(model, mini, ALL) for cache in caches)
    assert (first.n_added, second.n_added) == (first.n_vectors, 0)


def test_a_policy_without_matched_images_embeds_none(mini, tmp_path):
    model, policy = resolve_model(Net()), replace(POLICY, diagnostics=("beats_untrained",))
    tally = Session(policy, Cache(tmp_path), quiet).embed(model, mini, ALL)
    matched = 1 + 2 + 2  # the model, its twins, and these calibrated
    assert tally.n_encoders == session(tmp_path).embed(model, mini, ALL).n_encoders - matched


def test_nobody_waits_for_a_key_that_another_job_fills(mini, tmp_path):
    cache = Cache(tmp_path, crowded=True)
    with Cache(tmp_path).lock("vectors", "k"), cache.lock("vectors", "k"):
        cache.add("vectors", "k", {"0" * 40: np.zeros(2, np.float32)})


@pytest.mark.parametrize(("n", "count"), [(0, 1), (1, 3), (70, 1), (70, 3), (1000, 7)])
def test_parts_are_disjoint_and_cover_all(n, count):
    positions = [list(Part(i, count).positions(n)) for i in range(1, count + 1)]
    assert list(chain(*positions)) == list(range(n))
    for i in range(1, count + 1):
        assert sorted(part.number for part in Part(i, count).others()) == [j for j in range(1, count + 1) if j != i]


@pytest.mark.parametrize("typed", ["0/4", "5/4", "x", "1", "-1/4", "1/4/2", "1/0", "٣/4"])
def test_a_part_that_there_isnt_is_one_line(capsys, typed):
    with pytest.raises(SystemExit) as stopped:
        main(["embed", "demo", "sim-culture", f"--shard={typed}"])
    assert stopped.value.code == 4
    (line,) = capsys.readouterr().err.splitlines()
    assert "is no part; 2/8 is the second of eight" in line


@pytest.mark.usefixtures("forked")
def test_the_command_says_what_was_done(folder, tmp_path, capsys):
    np.save(tmp_path / "v.npy", np.random.default_rng(0).normal(size=(len(LABELS), 4)).astype(np.float32))
    (tmp_path / "policy.toml").write_text("schema = 1\ntwins = 2\nsettings = ['*/knn/1']\n")
    more = [f"--policy={tmp_path}/policy.toml", f"--cache-dir={tmp_path}/cache", "--shard=2/2"]
    assert main(["embed", f"emb:{tmp_path}/v.npy", str(folder), *more]) == 0
    line = r"v on .* 2/2: 418 vectors of 11 encoders; 0 were there, 418 added, and 32 of other parts in \d+ s\n"
    assert re.fullmatch(line, capsys.readouterr().out)
    assert main(["embed", "nothing", "sim-culture"]) == 4
    assert capsys.readouterr().err.startswith("ERROR: nothing: ")
