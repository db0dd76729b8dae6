"""Which references a model meets: twins, shuffled weights, plain ResNets where twins fail, baselines; and a session."""

import contextlib
import sys
from dataclasses import replace

import numpy as np
import pytest
import tifffile
import torch
from scipy import ndimage

from reprcheck import seeding
from reprcheck.baselines.cellprofiler import CellProfiler
from reprcheck.baselines.matching import TargetHistograms
from reprcheck.baselines.structure.features import feature_names
from reprcheck.datasets.catalogue import load
from reprcheck.datasets.images.files import FileImages
from reprcheck.diagnostics.contestants import Contestants
from reprcheck.embed.cache import Cache
from reprcheck.embed.embedder import Embedder
from reprcheck.errors import UserError
from reprcheck.models import Model, resolve_model
from reprcheck.models.network_model import NetworkModel
from reprcheck.models.torch.forward import Runner
from reprcheck.policy import Policy
from reprcheck.runs import opponents
from reprcheck.runs.benches import Benches
from reprcheck.runs.opponents import Opponents
from reprcheck.runs.questions import Question, questions
from reprcheck.runs.session import Session
from reprcheck.types import Image
from tests.minisets import noise_images, write_dataset

pytestmark = pytest.mark.usefixtures("small_networks")
K = 3
LABELS = ["a", "b"] * 6


class Net(torch.nn.Module):
    """One channel in, six numbers out."""

    def __init__(self, norm=torch.nn.BatchNorm2d, opaque=False):
        super().__init__()
        self.conv, self.norm = torch.nn.Conv2d(1, 6, 5), norm(6) if norm else torch.nn.Identity()
        self.scale = torch.nn.Parameter(torch.randn(6)) if opaque else 1.0

    def forward(self, x):
        return torch.relu(self.norm(self.conv(x))).mean((2, 3)) * self.scale


class Flat(Net):
    """Its twins give one vector for all images, but for the first ``good`` of them."""

    good = 0

    def untrained(self, seed):
        twin = Net()
        if seed not in [seeding.seed("twin", k) for k in range(self.good)]:
            torch.nn.init.zeros_(twin.conv.weight)
        return twin


@pytest.fixture(scope="module")
def mini(tmp_path_factory):
    return load(write_dataset(tmp_path_factory.mktemp("mini"), labels=LABELS, shape=(1, 32, 32), signal=4.0))


@contextlib.contextmanager
def quiet(total, title):
    yield lambda _: None


def met(model, dataset, folder, matched=False):
    """Embed what a model meets on a dataset's images, or on matched ones."""
    meeting = Opponents(Policy(twins=K, repeats=1), Embedder(Cache(folder), quiet))
    made = model if isinstance(model, Model) else resolve_model(model)
    return (meeting.on_matched_images if matched else meeting.on_images)(made, dataset, (0,))


def baselines(dataset, folder, *asked):
    return Opponents(Policy(baselines=asked), Embedder(Cache(folder), quiet)).baselines(dataset, (0,))


def sizes(*args, **kwargs):
    return {name: len(family) for name, family in met(*args, **kwargs).untrained.items()}


PLAIN = dict.fromkeys(("untrained-conv", "untrained-resnet", "untrained-vit"), K)


@pytest.mark.parametrize(
    ("model", "shown", "matched"),
    [
        (Net(), {"untrained": K, "untrained-calibrated": K}, {"untrained": K, "untrained-calibrated": K}),
        (Net(norm=None), {"untrained": K}, {"untrained": K}),
        (Net(norm=None, opaque=True), {"untrained": K, "shuffled": K}, {"untrained": K}),
        (lambda x: x.mean((2, 3)), {}, PLAIN),
    ],
)
def test_the_families_of_a_model(mini, tmp_path, model, shown, matched):
    assert sizes(model, mini, tmp_path) == PLAIN | shown
    assert sizes(model, mini, tmp_path, matched=True) == matched


def test_the_families_of_vectors(mini, tmp_path):
    np.save(tmp_path / "v.npy", np.random.default_rng(0).normal(size=(12, 5)).astype(np.float32))
    found = met(resolve_model(f"emb:{tmp_path}/v.npy"), mini, tmp_path)
    assert {name: len(family) for name, family in found.untrained.items()} == PLAIN
    assert found.embedding.ids == found.untrained["untrained-vit"][0].ids


def test_a_second_run_builds_reads_and_calibrates_nothing(mini, tmp_path, monkeypatch):
    model = Net()
    for matched in (False, True):
        first = met(model, mini, tmp_path, matched)
        with monkeypatch.context() as patched:
            for thing, name in ((NetworkModel, "facts"), (type(mini.images), "read"), (Runner, "__call__")):
                patched.setattr(thing, name, lambda *a: pytest.fail("done again"))
            again = met(model, mini, tmp_path, matched)
        assert [b.digest for family in again.untrained.values() for b in family] == [
            b.digest for family in first.untrained.values() for b in family
        ]


def test_calibration_does_not_depend_on_names_or_rows(tmp_path, monkeypatch):
    monkeypatch.setattr(opponents, "ADAPTATION_IMAGES", 8)
    pictures, order = noise_images(LABELS, (1, 32, 32), 4.0), np.random.default_rng(0).permutation(12)
    model, found = Net(), []
    for name, at in (("one", range(12)), ("other", order)):
        made = write_dataset(tmp_path / name, labels=[LABELS[i] for i in at], images=[pictures[i] for i in at])
        found.append(met(model, load(made), tmp_path / f"cache-{name}").untrained["untrained-calibrated"])
    for one, other in zip(*found, strict=True):
        assert one.source == other.source
        assert one.ids != other.ids
        np.testing.assert_array_equal(one.vectors, other.vectors[[other.ids.index(i) for i in one.ids]])


def test_calibration_follows_the_images_shown(mini, tmp_path):
    other = load(write_dataset(tmp_path / "mini", labels=LABELS, shape=(1, 32, 32), signal=5.0))
    model = Net()
    first, second = (met(model, dataset, tmp_path).untrained for dataset in (mini, other))
    assert first["untrained-calibrated"][0].source != second["untrained-calibrated"][0].source
    assert first["untrained"][0].source == second["untrained"][0].source


def test_images_for_all_twins_are_decoded_once(mini, tmp_path, monkeypatch):
    reads = []
    real = type(mini.images).read
    monkeypatch.setattr(type(mini.images), "read", lambda self, i: reads.append(i) or real(self, i))
    met(Net(), mini, tmp_path)
    assert sorted(reads) == list(range(12))


@pytest.mark.parametrize("matched", [False, True], ids=["as they are", "matched"])
@pytest.mark.parametrize("good", [0, 1, 2])
def test_plain_families_stand_in_for_collapsed_twins_on_matched_images(mini, tmp_path, monkeypatch, good, matched):
    monkeypatch.setattr(Flat, "good", good)
    twins = dict.fromkeys(("untrained", "untrained-calibrated", "untrained-rescaled"), K)
    found = met(Flat(), mini, tmp_path, matched)
    sizes = {name: len(family) for name, family in found.untrained.items()}
    assert sizes == twins | (PLAIN if good < 2 or not matched else {})
    assert len(found.opponents.get("untrained", ())) == good


def test_plain_families_are_embedded_once_for_models_of_one_input(mini, tmp_path, monkeypatch):
    models = Net(), Net(norm=None, opaque=True), lambda x: x.max((2, 3))
    names = set(PLAIN)
    first, second, third = (met(model, mini, tmp_path).untrained for model in models)

    def sources(families):
        return {name: [block.source for block in families[name]] for name in names}

    assert sources(first) == sources(second)
    assert sources(first)["untrained-conv"] == sources(third)["untrained-conv"]
    assert len({source for several in sources(first).values() for source in several}) == 3 * K


class Folded(torch.nn.Module):
    """Convolutions and nothing that normalises, as where exporters folded batch norm into them: the signal fades."""

    def __init__(self, depth=24):
        super().__init__()
        self.first = torch.nn.Conv2d(1, 16, 3, 2)
        self.rest = torch.nn.ModuleList(torch.nn.Conv2d(16, 16, 3, padding=1) for _ in range(depth))

    def forward(self, x):
        x = self.first(x)
        for layer in self.rest:
            x = layer(torch.relu(x))
        return x.mean((2, 3))


@pytest.mark.parametrize("matched", [False, True], ids=["as they are", "matched"])
def test_twins_whose_signal_fades_are_rescaled_and_the_report_says_so(mini, tmp_path, matched):
    found, again = (met(Folded(), mini, tmp_path / cache, matched) for cache in ("one", "other"))
    assert {f"untrained-{k}": "constant" for k in range(K)} == found.collapsed
    assert set(found.opponents) == {"untrained-rescaled"} | (set() if matched else set(PLAIN))
    assert found.notes == (
        f"Untrained twins: in {K} of {K} the signal fades (most features spread over fewer than 64 steps of the floats "
        "they have); they were also rescaled layer by layer.",
    )
    for one, other in zip(found.untrained["untrained-rescaled"], again.untrained["untrained-rescaled"], strict=True):
        np.testing.assert_array_equal(one.vectors, other.vectors)


def test_no_brightness_enters_what_twins_are_adapted_to_on_matched_images(tmp_path):
    pictures, model = noise_images(LABELS, (1, 32, 32), 4.0), Net()
    dim = [(picture // 2).astype(picture.dtype) for picture in pictures]
    bright, found = [(2 * picture).astype(picture.dtype) for picture in dim], []
    for name, shown in (("dim", dim), ("bright", bright)):
        dataset = load(write_dataset(tmp_path / name, labels=LABELS, images=shown))
        meeting = Opponents(Policy(twins=K, repeats=1), Embedder(Cache(tmp_path / "cache"), quiet))
        target = TargetHistograms(np.linspace(0, 1, 256, dtype=np.float32)[None])
        images = meeting.adaptation_images(dataset, (0,), target)
        found.append({image.pixels.tobytes() for image in images.read()})
        assert images.ids != meeting.adaptation_images(dataset, (0,)).ids
    assert found[0] == found[1]
    assert met(model, dataset, tmp_path / "other", matched=True).untrained["untrained-calibrated"]


def test_the_structural_baseline_is_told_types(tmp_path):
    folder = write_dataset(tmp_path / "typed", labels=LABELS, shape=(1, 32, 32), masks=True, types=("tumour", "stroma"))
    dataset = load(folder)
    made = baselines(dataset, tmp_path / "cache")
    found = made["structure"].vectors
    np.testing.assert_array_equal(made["composition"].vectors, found[:, len(feature_names()) :])
    np.testing.assert_array_equal(made["cell_count"].vectors, found)
    columns = feature_names(dataset.cell_types)
    assert found.shape == (12, len(columns))
    assert found[:, columns.index("types.share.tumour")].tolist() == [1, 0] * 6


def test_an_aggregated_task_is_judged_on_units(tmp_path):
    units = [f"w{i // 2:02}" for i in range(24)]
    labels = ["ab"[i // 2 % 2] for i in range(24)]
    folder = write_dataset(
        tmp_path / "mini", labels=labels, units=units, shape=(1, 32, 32), signal=9.0, task={"aggregate": "mean"}
    )
    dataset, run = load(folder), Session(Policy(twins=2, repeats=1), Cache(tmp_path / "cache"), quiet)
    model = resolve_model(lambda x: x.mean((2, 3)))
    question = Question(model.name, "mini", "state", "knn/1", "beats_untrained")
    matching = replace(question, diagnostic="beyond_intensity")
    before = [(one.title, set(one.lacking)) for one in run.passes(model, dataset, [question, matching])]
    titles = ["mini: baselines", *(f"mini: {model.name} and 2 untrained{matched}" for matched in ("", ", matched"))]
    assert before == [(title, {24}) for title in titles]
    benches = Benches(Policy(twins=2, repeats=1), Embedder(Cache(tmp_path / "cache"), quiet))
    bench = benches.of_model(model, dataset, dataset.tasks["state"], "knn/1")
    assert bench.ids.tolist() == bench.task.units.tolist() == sorted(set(units))
    assert {len(block.vectors) for block in (bench.embedding, *bench.baselines.values())} == {12}
    images = np.stack([dataset.images.read(i).pixels.mean() for i in range(24)])
    np.testing.assert_allclose(bench.embedding.vectors[:, 0], images.reshape(12, 2).mean(1), rtol=1e-4)
    cell, setting = run.ask(model, dataset, question)
    assert (setting.n_samples, setting.n_units, cell.n_units) == (12, 12, 12)
    assert [set(one.lacking) for one in run.passes(model, dataset, [question])] == [{0}, {0}]
    assert [set(one.lacking) for one in run.passes(model, dataset, [matching])] == [{0}, {0}, {24}]


def grained(folder):
    """Write masked fields of one object each, coarse in one class and fine in the other; some labels are wrong."""
    rng = np.random.default_rng(0)
    labels = ["coarse", "fine"] * 24
    grain = rng.normal(size=(48, 24, 24))
    fields = [ndimage.gaussian_filter(x, 1) if y == "coarse" else x for x, y in zip(grain, labels, strict=True)]
    images = [(128 + 30 * x / x.std()).clip(0, 255).astype(np.uint8)[None] for x in fields]
    told = [labels[i - 1] if i % 24 < 2 else label for i, label in enumerate(labels)]
    return write_dataset(folder, labels=told, images=images, shape=(1, 24, 24), masks=True)


def test_a_model_that_knows_what_cellprofiler_does_must_not_pass_where_the_policy_asks_for_it(tmp_path):
    pytest.importorskip("cp_measure", reason="cp-measure, of the extra cellprofiler, is not installed")
    folder = grained(tmp_path / "mini")
    mask = load(folder).images.read(0).mask
    model = resolve_model(lambda x: CellProfiler(("c0",), "culture").encode([Image(image, mask) for image in x]))
    asked = Question(model.name, "mini", "state", "knn/1", "beats_structure")
    found = {}
    for baselines in ((), ("cellprofiler",)):
        run = Session(Policy(twins=2, repeats=1, baselines=baselines), Cache(tmp_path / "cache"), quiet)
        found[baselines] = run.ask(model, load(folder), asked)
    without, with_it = found.values()
    assert without[0].status == "pass"
    assert "cellprofiler" not in without[1].scores
    assert with_it[0].status != "pass"
    assert with_it[0].reference.startswith("cellprofiler")
    assert with_it[1].scores["cellprofiler"] == with_it[1].scores["model"]


def test_photographs_have_no_use_for_cellprofiler(tmp_path):
    photographs = load(write_dataset(tmp_path / "mini", labels=LABELS, card={"kind": "natural"}))
    assert set(baselines(photographs, tmp_path / "cache", "cellprofiler")) == {"texture", "intensity", "pixels"}


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("cellprofiller", "no optional baseline named 'cellprofiller'; did you mean cellprofiler?"),
        ("cellprofiler", "cellprofiler needs cp-measure, which isn't installed; pip install 'reprcheck[cellprofiler]'"),
    ],
)
def test_a_baseline_that_can_not_be_had_is_told_before_anything_is_asked(mini, monkeypatch, name, told):
    monkeypatch.setitem(sys.modules, "cp_measure", None)
    with pytest.raises(UserError) as caught:
        questions(["made"], [mini], Policy(baselines=(name,)))
    assert str(caught.value) == f"policy: baselines: {told}"


def test_what_was_interpreted_is_told_by_a_run_that_decodes_nothing_too(tmp_path, monkeypatch):
    folder = write_dataset(tmp_path / "mini", labels=LABELS, shape=(1, 32, 32), card={"kind": "natural"})
    for path in sorted((folder / "images").iterdir())[3:7]:
        tifffile.imwrite(path, 255 - tifffile.imread(path), photometric="miniswhite")

    def notes(dataset):
        benches = Benches(Policy(twins=K, repeats=1), Embedder(Cache(tmp_path / "cache"), quiet))
        task = dataset.tasks["state"]
        pixels = benches.opponents.baselines(dataset, (0,))["pixels"]
        return benches.of(Contestants(pixels, {}), dataset, task, "knn/1").notes

    expected = (
        "4 of 12 images (such as s03): stored with 0 as white (PhotometricInterpretation MinIsWhite): inverted, as "
        "viewers show it.",
    )
    assert notes(load(folder)) == expected
    monkeypatch.setattr(FileImages, "read", lambda *args: pytest.fail("decoded again"))
    assert notes(load(folder)) == expected
