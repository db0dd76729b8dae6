"""Whatever the cache keeps has a key that changes with each module of reprcheck that makes it, and with no other.

The package is copied, its modules are edited one by one, and every key is asked for again. Which modules make a value
is found out in two ways that share nothing with the keys: by the import statements in the bytecode that Python compiles
of each module, and by watching which modules run while a value is made.
"""

from __future__ import annotations

import dis
import shutil
import sys
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import cache, partial
from importlib import import_module
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from types import CodeType

import h5py
import imagecodecs
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tifffile
import torch
from PIL import Image as Pictures

import reprcheck
from reprcheck import protocols
from reprcheck.baselines import (
    CellProfiler,
    Composition,
    Intensity,
    MatchedEncoder,
    Pixels,
    Quantiles,
    Structure,
    Texture,
)
from reprcheck.baselines.expansions import expand
from reprcheck.baselines.matching import TargetHistograms
from reprcheck.code import reread
from reprcheck.datasets.images.files import FileImages, ImageLocation, Recipe
from reprcheck.datasets.images.windows import WindowImages
from reprcheck.datasets.public import public_set
from reprcheck.datasets.public.sets import bbbc013_plate
from reprcheck.datasets.simulate import Culture, SimulatedImages, Tissue
from reprcheck.diagnostics.bench import Bench
from reprcheck.diagnostics.contestants import Contestants
from reprcheck.diagnostics.score_arrays import to_arrays
from reprcheck.embed.aggregate import Groups
from reprcheck.embed.engine import Block, load_decoded
from reprcheck.embed.fill import DecodedImage, ImageView
from reprcheck.embed.rows import Rows
from reprcheck.models import ARCHITECTURES, AdaptationImages, adapt, draw_plain, resolve_model
from reprcheck.models.untrained_resnet import UntrainedResNet
from reprcheck.policy import Policy
from reprcheck.registry import PROTOCOLS
from reprcheck.studies import brightness, functions
from reprcheck.types import Image, Scores
from tests.tasks import classify_task, regress_task, vectors

PACKAGE = Path(reprcheck.__file__).parent
MODULES = {
    ".".join(("reprcheck", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
}
IMAGE = Image(np.random.default_rng(0).random((3, 64, 64), np.float32))
MASK = np.zeros((64, 64), np.int32)
MASK[5:15, 5:15], MASK[30:45, 30:40] = 1, 2
TYPED = Image(IMAGE.pixels, MASK, MASK)
CLASSES, NUMBERS = classify_task(), regress_task(levels=5)
SCORES = Scores(np.array(["a"]), np.array([0.5]))


@dataclass(frozen=True)
class Computation:
    """Something whose result is kept.

    Attributes
    ----------
    key : callable
        Returns what its result is kept under, or what that is made of.
    made_by : tuple of str
        The modules, without ``reprcheck.``, of what makes it.
    run : callable or None
        Makes it; None where what makes it isn't installed.
    """

    key: Callable[[], str]
    made_by: tuple[str, ...]
    run: Callable[[], object] | None = None


COMPUTATIONS: dict[str, Callable[[Path], Computation]] = {}
"""By name: made in a folder of its own."""


ENCODERS: list[str] = []
"""Names of those that are vectors."""


def add(name: str) -> Callable[[Callable[[Path], Computation]], None]:
    def register(make: Callable[[Path], Computation]) -> None:
        COMPUTATIONS[name] = make

    return register


def of_encoder(name: str, encoder: Callable[[], object], *made_by: str, image: Image | None = TYPED) -> None:
    """Add the vectors of an encoder, a new one each time; with an image, it is also run on that."""

    def computation(folder: Path) -> Computation:
        one = encoder()
        return Computation(lambda: encoder().digest(), made_by, None if image is None else lambda: one.encode([image]))

    COMPUTATIONS[name] = computation
    ENCODERS.append(name)


def of_images(name: str, make: Callable[[Path], object], *made_by: str) -> None:
    """Add the contents of a source of images, of which the first is decoded."""

    def computation(folder: Path) -> Computation:
        source = make(folder)
        return Computation(lambda: source.content(0), made_by, lambda: source.read(0))

    COMPUTATIONS[name] = computation


class Recorded:
    """A cache that has all, and notes what it was asked for."""

    def get(self, kind: str, key: str, names: object) -> dict[str, np.ndarray]:
        self.key = key
        return to_arrays(SCORES)

    def load(self, kind: str, key: str) -> Rows:
        self.key = key
        return Rows([])


CHANNELS = ("dna", "actin", "tubulin")
of_encoder("intensity", Intensity, "baselines.intensity")
of_encoder("pixels", Pixels, "baselines.pixels")
of_encoder("texture", Texture, "baselines.texture.baseline")
of_encoder("structure", lambda: Structure(CHANNELS, "culture", ("a", "b")), "baselines.structure.baseline")
of_encoder("structure, segmented", lambda: Structure(CHANNELS, "culture"), "baselines.structure.baseline", image=IMAGE)
of_encoder("composition", lambda: Composition(("a", "b")), "baselines.structure.baseline")
of_encoder(
    "cellprofiler",
    lambda: CellProfiler(CHANNELS, "culture"),
    "baselines.cellprofiler",
    image=TYPED if find_spec("cp_measure") else None,
)
of_encoder("quantiles", Quantiles, "baselines.matching")
TARGET = TargetHistograms.mean(Quantiles().encode([IMAGE]), 3)
of_encoder("matched", lambda: MatchedEncoder(Intensity(), TARGET), "baselines.matching", "baselines.intensity")
of_encoder("demo", lambda: resolve_model("demo").encoder(3), "models.torch.encoder", "models.sources.demo")
of_encoder("demo's twin", lambda: resolve_model("demo").untrained(3, 0), "models.torch.encoder", "models.sources.demo")
of_encoder(
    "demo, shuffled",
    lambda: resolve_model("demo").shuffled(3, 0),
    *("models.torch.encoder", "models.network", "models.sources.demo"),
)
SEEN = AdaptationImages(("a", "b"), lambda: [IMAGE, TYPED])
of_encoder(
    "demo's twin, calibrated",
    lambda: adapt(resolve_model("demo").untrained(3, 0), SEEN),
    *("models.torch.adapted", "models.sources.demo"),
)
NAMED = "timm:test_resnet?pretrained=false"
of_encoder("timm", lambda: resolve_model(NAMED).encoder(3), "models.torch.encoder", "models.sources.timm")
of_encoder("timm's twin", lambda: resolve_model(NAMED).untrained(3, 1), "models.torch.encoder", "models.sources.timm")
for architecture in ARCHITECTURES:
    of_encoder(
        f"untrained {architecture}",
        lambda architecture=architecture: draw_plain(resolve_model(NAMED), 3, architecture, 0),
        *("models.torch.encoder", "models.plain"),
    )
of_encoder(
    "the null model",
    lambda: UntrainedResNet().encoder(3),
    *("models.torch.encoder", "models.plain"),
)
NET = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
of_encoder("module", lambda: resolve_model(NET).encoder(3), "models.torch.encoder", "models.torch.module")
of_encoder("module's twin", lambda: resolve_model(NET).untrained(3, 0), "models.torch.encoder", "models.torch.module")


def means(x: np.ndarray) -> np.ndarray:
    return x.mean((2, 3))


FUNCTION, OBJECT = resolve_model(means).encoder(3), resolve_model(brightness.Waves(0, 8)).encoder(3)
of_encoder("function", lambda: FUNCTION, "models.functions")
of_encoder("object", lambda: OBJECT, "models.functions", "studies.brightness")
of_encoder("a study's levels", brightness.Levels, "studies.brightness")
of_encoder("a study's waves", lambda: brightness.Waves(0, 8), "studies.brightness")


def study_computations() -> None:
    ids = tuple(map(str, range(len(CLASSES.y))))
    base = Block("source", ids, vectors(CLASSES))
    levels = Block("levels", ids, np.ones((len(ids), 2 * brightness.LEVELS), np.float32))
    learns = np.arange(len(ids)) % 2 == 0

    def fitted() -> Block:
        return brightness.fitted(base, levels, CLASSES.y, learns, "forest", True, ("name",))

    made: dict[str, tuple[Callable[[], Block], str]] = {
        "a study's function": (lambda: functions.mapped(base, "kernel", 4, ("name",)), "studies.functions"),
        "a study's histogram": (lambda: brightness.drawn(base, levels, "64 bins", 4, ("n",)), "studies.brightness"),
        "a study's fit": (fitted, "studies.brightness"),
        "aggregated": (
            lambda: Groups("mean", np.unique(CLASSES.units), (np.arange(3),)).block(base),
            "embed.aggregate",
        ),
    }
    for name, (block, module) in made.items():
        COMPUTATIONS[name] = lambda folder, block=block, module=module: Computation(
            lambda: block().source, (module,), block
        )


study_computations()


def bench(protocol: str, cache: object) -> Bench:
    task = NUMBERS if protocol in ("ridge/1", "dose-response/1") else CLASSES
    block = Block("source", tuple(map(str, range(len(task.y)))), vectors(task))
    return Bench(
        model="made",
        dataset="made",
        dataset_digest="0" * 40,
        kind="culture",
        limit=None,
        task=task,
        protocol=protocol,
        policy=Policy(twins=2, repeats=2),
        cache=cache,
        progress=lambda total, title: nullcontext(lambda _: None),
        contestants=Contestants(block, {}),
        baselines={},
        thumbnails=block,
        ids=np.array(block.ids),
        matched=lambda: None,
    )


def scored(protocol: str, forest: bool = False) -> Computation:
    def key() -> str:
        cache = Recorded()
        asked = bench(protocol, cache)
        asked.fitted(asked.embedding) if forest else asked.scores([asked.embedding])
        return cache.key

    task = bench(protocol, Recorded()).task
    scorer = protocols.get(protocol)
    score = scorer.by_forest if forest else scorer.score
    made_by = (type(scorer).__module__.removeprefix("reprcheck."), "diagnostics.score_arrays")
    return Computation(key, made_by, lambda: score(vectors(task) if forest else [vectors(task)], task))


for protocol in PROTOCOLS.names():
    COMPUTATIONS[f"scores of {protocol}"] = lambda folder, protocol=protocol: scored(protocol)
for protocol in ("knn/1", "nsc/1", "nscb/1"):
    COMPUTATIONS[f"forest beside {protocol}"] = lambda folder, protocol=protocol: scored(protocol, forest=True)


@add("an expansion")
def expansion(folder: Path) -> Computation:
    asked = bench("knn/1", Recorded())
    return Computation(
        lambda: asked.expansions(asked.embedding)[0].source,
        ("baselines.expansions",),
        partial(expand, asked.embedding.vectors, 4, 0),
    )


class One:
    """One image that nobody has to decode."""

    def content(self, index: int) -> str:
        return "content"

    def read(self, index: int) -> Image:
        return TYPED


@add("what an image decoded to")
def what_was_decoded(folder: Path) -> Computation:
    def key() -> str:
        cache = Recorded()
        load_decoded(ImageView(One(), np.array([], np.int64), (0, 1, 2)), cache)
        return cache.key

    shown = ImageView(One(), np.array([0]), (0, 1))
    return Computation(key, ("embed.engine",), lambda: DecodedImage.of(shown.read(0)))


@add("facts of demo's twins")
def facts_of_demo(folder: Path) -> Computation:
    model = resolve_model("demo")
    return Computation(model.code_key, ("models.network_model", "models.sources.demo"), model.facts)


@add("facts of timm's twins")
def facts_of_timm(folder: Path) -> Computation:
    model = resolve_model(NAMED)
    return Computation(model.code_key, ("models.network_model", "models.sources.timm"), model.facts)


@add("facts of a factory's twins")
def facts_of_factory(folder: Path) -> Computation:
    (folder / "factory.py").write_text(
        "import torch\ndef make():\n"
        "    return torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())\n"
    )
    model = resolve_model(f"py:{folder}/factory.py:make")
    return Computation(model.code_key, ("models.sources.py",), model.facts)


def written(folder: Path, recipe: Recipe | None = None) -> FileImages:
    tifffile.imwrite(folder / "image.tif", (IMAGE.pixels * 255).astype(np.uint8), photometric="minisblack")
    Pictures.fromarray(MASK.astype(np.uint8)).save(folder / "mask.png")
    row = ImageLocation((folder / "image.tif",), None, folder / "mask.png", "line 2", folder / "mask.png")
    return FileImages([row], recipe or Recipe(3, (0.0, 255.0), "resize", (32, 32), cell_types=2))


def windowed(folder: Path) -> WindowImages:
    return WindowImages(written(folder, Recipe(3, cell_types=2)), np.array([[0, 2, 2, 8, 8]]))  # of a field as it is


of_images("files", written, "datasets.images.files")
of_images("windows of files", windowed, "datasets.images.windows")
for simulation in (Culture(), Tissue()):
    of_images(
        f"{simulation.name}'s images",
        lambda folder, simulation=simulation: SimulatedImages(simulation, simulation.table()),
        f"datasets.simulate.{simulation.name[4:]}",
        "datasets.simulate.simulation",
    )
of_images(
    "sim-tissue's images with types",
    lambda folder: SimulatedImages(Tissue(), Tissue().table(), types=True),
    *("datasets.simulate.tissue", "datasets.simulate.simulation"),
)


PUBLIC: dict[str, Callable[[Path], dict[str, object]]] = {}
"""What writes the files of each public set whose reader opens images itself."""


def of_public(name: str, write: Callable[[Path], dict[str, object]], *made_by: str) -> None:
    """Add the images of a public set: ``write`` leaves the files of one sample and returns its row of the table."""
    PUBLIC[name] = write
    of_images(
        name, lambda folder: opened(name, folder, write(folder)), *(f"datasets.public.{module}" for module in made_by)
    )


def opened(name: str, folder: Path, row: dict[str, object], **said: object) -> object:
    """Return the images of a set of one sample; what its card says may be said otherwise."""
    reader = import_module(f"reprcheck.datasets.public.sets.{name.replace('-', '_')}")
    table = pd.DataFrame({key: [value] for key, value in row.items()})
    return reader.images(folder, table, replace(public_set(name).card, **said))


def photograph(folder: Path) -> dict[str, object]:
    Pictures.new("RGB", (200, 160)).save(folder / "a.JPEG")
    return {"path": "a.JPEG"}


def record(folder: Path) -> dict[str, object]:
    (folder / "cifar-10-batches-bin").mkdir()
    (folder / "cifar-10-batches-bin/test_batch.bin").write_bytes(bytes(3073))
    return {"file": "test_batch", "row": 0}


def array(folder: Path) -> dict[str, object]:
    (folder / "28").mkdir()
    np.save(folder / "28/test_images.npy", np.zeros((1, 28, 28, 3), np.uint8))
    return {"split": "test", "row": 0}


def grey_array(folder: Path) -> dict[str, object]:
    row = array(folder)
    np.save(folder / "28/test_images.npy", np.zeros((1, 28, 28), np.uint8))
    return row


def patches_with_masks(folder: Path) -> dict[str, object]:
    for kind, planes in (("images", 3), ("masks", 6)):
        place = folder / f"Fold 1/{kind}/fold1"
        place.mkdir(parents=True)
        np.save(place / f"{kind}.npy", np.zeros((1, 256, 256, planes)))
    return {"fold": 1, "row": 0}


def patch(folder: Path) -> dict[str, object]:
    with h5py.File(folder / "camelyonpatch_level_2_split_test_x.h5", "w") as file:
        file["x"] = np.zeros((1, 96, 96, 3), np.uint8)
    return {"split": "test", "row": 0}


def shard(folder: Path) -> dict[str, object]:
    (folder / "data").mkdir()
    plane = imagecodecs.jpeg2k_encode(np.zeros((16, 16), np.uint8), level=0)
    shards = {"__key__": [f"a_{channel}" for channel in range(1, 7)], "jp2": [plane] * 6}
    pq.write_table(pa.table(shards), folder / "data/train-00000-of-00001.parquet")
    return {"key": "a"}


def strip(folder: Path) -> dict[str, object]:
    Pictures.new("L", (60 * 4, 20)).save(folder / "a.png")
    return {"path": "a.png", "crop": "a"}


def stack(folder: Path) -> dict[str, object]:
    metals = [channel.split()[0] for channel in public_set("imc-breast").card.channels]
    panel = folder / "Data_publication/Basel_Zuri_StainingPanel.csv"
    panel.parent.mkdir()
    lines = [f"{metal},{number}" for number, metal in enumerate(metals, 1)]
    panel.write_text("\n".join(("Metal Tag,FullStack", *lines)) + "\n")
    tifffile.imwrite(folder / "a.tiff", np.zeros((len(metals), 8, 8), np.float32), photometric="minisblack")
    tifffile.imwrite(folder / "b.tiff", np.zeros((8, 8), np.uint16), photometric="minisblack")
    return {"stack": "a.tiff", "mask": "b.tiff", "core": "a"}


def plate(folder: Path) -> FileImages:
    for name in ("a.BMP", "b.BMP"):
        Pictures.new("L", (20, 20)).save(folder / name)
    rows = pd.DataFrame({"gfp": ["a.BMP"], "dna": ["b.BMP"], "well": ["A01"]})
    return bbbc013_plate.images(folder, rows, public_set("bbbc013-plate").card)


of_public("imagenette", photograph, "sets.imagenette")
of_public("cifar10", record, "array_rows", "sets.cifar10")
for name, write in (("bloodmnist", array), ("pathmnist", array), ("tissuemnist", grey_array)):
    of_public(name, write, "array_rows", "mnist_like")
of_public("pannuke", patches_with_masks, "arrays", "sets.pannuke")
of_public("patchcamelyon", patch, "arrays", "sets.patchcamelyon")
of_public("rxrx3-core", shard, "sets.rxrx3_core")
for name in ("chammi-allen", "chammi-hpa", "chammi-cp"):
    of_public(name, strip, "chammi")
of_public("imc-breast", stack, "sets.imc_breast")
of_images("bbbc013-plate", plate, "datasets.images.files")


@pytest.fixture(scope="module")
def computations(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Computation]:
    return {name: make(tmp_path_factory.mktemp("made")) for name, make in COMPUTATIONS.items()}


@pytest.fixture(scope="module")
def changed(computations: dict[str, Computation], tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """By computation, the modules whose edit changed its key."""
    copy = shutil.copytree(PACKAGE, tmp_path_factory.mktemp("copy") / "reprcheck")
    found: dict[str, set[str]] = {name: set() for name in computations}

    def keys() -> dict[str, str]:
        reread()
        return {name: computation.key() for name, computation in computations.items()}

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(reprcheck.__spec__, "submodule_search_locations", [str(copy)])
        patched.setattr(reprcheck.__spec__, "origin", str(copy / "__init__.py"))
        patched.setitem(brightness.FITTED, "forest", lambda z, y, judged, state: judged)
        before = keys()
        reach = set().union(*(closure(starts(computation)) for computation in computations.values()))
        for modules in (*({module} for module in reach), MODULES.keys() - reach):  # those that nobody reaches at once
            edited = {copy / MODULES[module].relative_to(PACKAGE): module for module in modules}
            for path in edited:
                path.write_text(path.read_text(encoding="utf-8") + "EDITED = 1\n", encoding="utf-8")
            for name, key in keys().items():
                if key != before[name]:
                    found[name] |= modules
            for path, module in edited.items():
                shutil.copyfile(MODULES[module], path)
    reread()
    return found


@pytest.mark.parametrize("name", COMPUTATIONS)
def test_its_key_changes_with_the_modules_that_its_makers_import(name, computations, changed):
    assert changed[name] == closure(starts(computations[name]))


@pytest.mark.parametrize("name", COMPUTATIONS)
def test_its_key_changes_with_the_modules_that_run(name, computations, changed):
    run = computations[name].run
    if run is None:
        pytest.skip("cp-measure, of the extra cellprofiler, is not installed")
    assert watched(run) <= changed[name]


@pytest.mark.parametrize("module", ["registry", "datasets.card.card", "reporters.wording"])
def test_no_vectors_are_lost_where_something_else_is_declared_or_told(module, computations, changed):
    assert not [name for name in ENCODERS if f"reprcheck.{module}" in changed[name]]


@pytest.mark.parametrize("name", PUBLIC)
def test_its_key_changes_with_what_the_card_says_of_pixels(name, tmp_path):
    row = PUBLIC[name](tmp_path)
    said = [{"value_range": (0.0, 200.0)}, {"value_range": (0.0, 201.0)}]
    if name not in ("pannuke", "patchcamelyon") and not name.startswith("chammi"):  # whose readers never clip
        said.append({"value_range": (0.0, 201.0), "clip": not public_set(name).card.clip})
    contents = [opened(name, tmp_path, row, **card).content(0) for card in said]
    assert len(set(contents)) == len(said)


def watched(run: Callable[[], object]) -> set[str]:
    """Return the modules of reprcheck of which a function runs."""
    names = {str(path): module for module, path in MODULES.items()}
    found = set()

    def note(frame, event, argument):
        if event == "call" and (module := names.get(frame.f_code.co_filename)):
            found.add(module)

    sys.setprofile(note)
    try:
        run()
    finally:
        sys.setprofile(None)
    return found


def starts(computation: Computation) -> set[str]:
    return {f"reprcheck.{module}" for module in computation.made_by}


def closure(modules: set[str]) -> set[str]:
    found, waiting = set(modules), list(modules)
    while waiting:
        new = imported(waiting.pop()) - found
        found |= new
        waiting += new
    return found


@cache
def imported(module: str) -> set[str]:
    """Return the modules of reprcheck that a module imports from: where each name was defined."""
    source = MODULES[module].read_text(encoding="utf-8").replace("if TYPE_CHECKING:", "if 0:")
    found = set()
    for package, names in statements(compile(source, module, "exec")):
        assert names, f"{module} imports {package} whole"
        found |= {home(package, name) for name in names}
    return found - {module}


def statements(code: CodeType) -> list[tuple[str, tuple[str, ...]]]:
    """Return modules of reprcheck that bytecode imports from, and the names."""
    steps, found = list(dis.get_instructions(code)), []
    for names, step in pairwise(steps):
        if step.opname == "IMPORT_NAME" and str(step.argval).partition(".")[0] == "reprcheck":
            found.append((step.argval, names.argval))
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            found += statements(constant)
    return found


def home(package: str, name: str) -> str:
    """Return where a name that a module or a package gives was defined."""
    if f"{package}.{name}" in MODULES:
        return f"{package}.{name}"
    if MODULES[package].name != "__init__.py":
        return package
    passed_on = statements(compile(MODULES[package].read_text(encoding="utf-8"), package, "exec"))
    behind = [other for other, names in passed_on if name in names]
    return home(behind[0], name) if behind else package
