from __future__ import annotations

import gc
import importlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from reprcheck.models import resolve_model
from reprcheck.models.identity import identity

from .kinds import KINDS, edit, write
from .made import ROOT, elsewhere, images, line

DIGESTS = """
import json, sys, warnings
from reprcheck.models import resolve_model as resolve
warnings.simplefilter("error")
print(json.dumps({kind: resolve(f"py:{path}:make").digest for kind, path in json.loads(sys.argv[1]).items()}))
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("kinds")
    for i, kind in enumerate(KINDS):
        write(place / str(i), kind)
    return place


@pytest.fixture(scope="module")
def digests(place: Path) -> dict[str, str]:
    return {kind: resolve_model(f"py:{place / str(i)}/model.py:make").digest for i, kind in enumerate(KINDS)}


def test_no_two_models_share_a_digest(digests: dict[str, str]) -> None:
    assert len(set(digests.values())) == len(KINDS) > 50


@pytest.mark.parametrize("kind", KINDS)
def test_an_edit_of_the_part_is_another_model_and_taken_back_the_same(
    kind: str, digests: dict[str, str], tmp_path: Path
) -> None:
    spec = f"py:{write(tmp_path, kind)}:make"
    assert resolve_model(spec).digest == digests[kind]
    edit(tmp_path, kind)
    assert resolve_model(spec).digest != digests[kind]
    write(tmp_path, kind)
    assert resolve_model(spec).digest == digests[kind]


def test_another_process_folder_file_name_and_hash_seed_are_the_same_model(
    place: Path, digests: dict[str, str], tmp_path: Path
) -> None:
    specs = {}
    for i, kind in reversed([*enumerate(KINDS)]):  # in another order, too
        folder = tmp_path / f"moved{i}"
        shutil.copytree(place / str(i), folder, ignore=shutil.ignore_patterns("__pycache__"))
        specs[kind] = str((folder / "model.py").rename(folder / "renamed.py"))
    done = subprocess.run(
        [sys.executable, "-c", DIGESTS, json.dumps(specs)],
        env=os.environ | {"PYTHONHASHSEED": "1", "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.returncode, done.stderr
    assert json.loads(done.stdout) == digests


def spec(folder: Path, source: str, **files: str) -> str:
    """Write a model whose factory is ``make``, and files beside it."""
    folder.mkdir(exist_ok=True, parents=True)
    for name, content in files.items():
        (folder / f"{name}.py").write_text(content)
    (folder / "model.py").write_text(source)
    return f"py:{folder}/model.py:make"


SECRETS = {
    "an open file": ("open(__file__)", "TextIOWrapper"),
    "a buffer": ("__import__('io').BytesIO(b'1')", "BytesIO"),
    "a generator": ("(i for i in range(3))", "generator"),
    "numpy's random generator": ("__import__('numpy').random.default_rng(0)", "Generator"),
    "numpy's random state": ("__import__('numpy').random.RandomState(0)", "RandomState"),
    "python's random generator": ("__import__('random').Random(0)", "Random"),
    "torch's random generator": ("__import__('torch').Generator()", "random generator"),
    "a tensor without bytes": ("__import__('torch').empty(2, device='meta')", "tensor of torch.float32 on meta"),
    "a thread": ("__import__('threading').Thread()", "Thread"),
    "a database": ("__import__('sqlite3').connect(':memory:')", "Connection"),
    "a struct of C": ("__import__('zlib').compressobj()", "Compress"),
    "a function in C": ("__import__('numpy').frompyfunc(lambda a: a, 1, 1)", "ufunc"),
}
HOLDERS = {
    "global": ("S = {}\ndef run(x): return S\ndef make(): return run", "its S is "),
    "closure": ("def make():\n    s = {}\n    return lambda x: s", "its s is "),
    "attribute": (
        "class Net:\n    def __init__(self): self.s = [{}]\n    def __call__(self, x): return x\nmake = Net",
        "its s.[0] is ",
    ),
    "module": (
        "import torch\ndef make():\n    net = torch.nn.Flatten()\n"
        "    net.register_forward_hook(lambda m, x, y, s=[{}]: s)\n    return net",
        " is ",
    ),
}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # of the file that nobody closes
@pytest.mark.parametrize("holder", HOLDERS)
@pytest.mark.parametrize("secret", SECRETS)
def test_what_cannot_be_told_is_refused_with_the_remedy(secret: str, holder: str, tmp_path: Path) -> None:
    made, name = SECRETS[secret]
    source, place = HOLDERS[holder]
    if holder == "module" and secret not in ("a struct of C", "torch's random generator"):
        made, name = "__import__('threading').Thread()", "Thread"  # of the others a module can't be copied
    told = line(lambda: resolve_model(spec(tmp_path, source.format(made))).digest)
    assert "no digest can be made of this " in told
    assert place in told
    assert name in told
    assert told.endswith("; give it a method digest() that returns a text made from its weights")
    gc.collect()  # the file is closed here, and in no later test


def test_locks_loggers_and_the_environment_are_no_state(tmp_path: Path) -> None:
    source = (
        "import logging, os, threading\nlog = logging.getLogger(__name__)\nlock = threading.Lock()\n"
        "def run(x):\n    with lock:\n        log.debug(os.environ.get('HOME'))\n    return x\ndef make(): return run"
    )
    first = resolve_model(spec(tmp_path / "a", source)).digest
    os.environ["REPRCHECK_TEST_IDENTITY"] = "1"
    try:
        assert resolve_model(spec(tmp_path / "b", source)).digest == first
    finally:
        del os.environ["REPRCHECK_TEST_IDENTITY"]


READS = """
import numpy as np
from pathlib import Path
HERE = Path(__file__).parent
class Net:
    def __call__(self, x):
        return (x.mean((2, 3)) @ np.load(HERE / ".".join(("w", "npy")))).astype(np.float32)
make = Net
"""


def test_a_file_read_in_the_call_is_refused_unless_the_digest_follows_it(tmp_path: Path) -> None:
    np.save(tmp_path / "w.npy", np.ones((3, 2), np.float32))
    told = line(lambda: resolve_model(spec(tmp_path, READS)).encoder(3).encode(images(2)))
    assert told.endswith(
        "the model reads w.npy while it runs, which its digest doesn't follow; "
        "read it when the model is made, or give the model a method digest()"
    )
    kept = READS.replace(
        "class Net", "import functools\n@functools.cache\ndef load(path): return np.load(path)\nclass Net"
    )
    kept = kept.replace("@ np.load(", "@ load(").replace("make = Net", "def make():\n    Net()(np.ones((1, 3, 2, 2)))")
    told = line(lambda: resolve_model(spec(tmp_path, kept + "\n    return Net()")).encoder(3).encode(images(2)))
    assert "the model reads w.npy while it runs" in told  # what the cache remembers was forgotten
    named = READS.replace('".".join(("w", "npy"))', '"w.npy"')
    answers = READS.replace("class Net:", "class Net:\n    def digest(self): return 'v1'")
    for source in (named, answers):
        assert resolve_model(spec(tmp_path, source)).encoder(3).encode(images(2)).shape == (2, 2)


def test_a_module_imported_in_the_call_by_a_made_up_name_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = (
        "import importlib\ndef make(): return run\n"
        "def run(x): return importlib.import_module('a'.join(('l', 'te'))).f(x)"
    )
    late = "def f(x): return x.mean((2, 3))"
    monkeypatch.syspath_prepend(tmp_path)
    told = line(lambda: resolve_model(spec(tmp_path, source, late=late)).encoder(3).encode(images(2)))
    assert "the model reads late.py while it runs" in told
    sys.modules.pop("late")
    (tmp_path / "late.py").unlink()
    named = source.replace("'a'.join(('l', 'te'))", "'late'")
    assert resolve_model(spec(tmp_path, named, late=late)).encoder(3).encode(images(2)).shape == (2, 3)
    sys.modules.pop("late")


def test_a_module_s_forward_may_not_read_either(tmp_path: Path) -> None:
    source = (
        "import torch, numpy as np\nclass Net(torch.nn.Module):\n    def forward(self, x):\n"
        "        return x.mean((2, 3)) * float(np.load(self.folder + '/w.npy').sum())\n"
        f"def make():\n    net = Net()\n    net.folder = {str(tmp_path / 'data')!r}\n    return net"
    )
    (tmp_path / "data").mkdir()
    np.save(tmp_path / "data/w.npy", np.ones(1, np.float32))
    told = line(lambda: resolve_model(spec(tmp_path / "code", source)).encoder(3).encode(images(2)))
    assert "the model reads w.npy while it runs" in told


def test_what_a_model_writes_it_may_read(tmp_path: Path) -> None:
    source = (
        "import numpy as np, tempfile, os\ndef run(x):\n    with tempfile.TemporaryDirectory() as d:\n"
        "        np.save(d + '/x.npy', x.mean((2, 3)))\n        return np.load(d + '/x.npy')\ndef make(): return run"
    )
    assert resolve_model(spec(tmp_path, source)).encoder(3).encode(images(2)).shape == (2, 3)


def test_two_models_of_one_process_have_their_own_helpers(tmp_path: Path) -> None:
    source = "import helper\ndef make(): return lambda x: helper.f(x)"
    one = resolve_model(spec(tmp_path / "one", source, helper="def f(x): return x.mean((2, 3))"))
    two = resolve_model(spec(tmp_path / "two", source, helper="def f(x): return x.max((2, 3))"))
    assert one.digest != two.digest
    shown = images(2)
    np.testing.assert_allclose(one.encoder(3).encode(shown), [i.pixels.mean((1, 2)) for i in shown], rtol=1e-5)
    np.testing.assert_allclose(two.encoder(3).encode(shown), [i.pixels.max((1, 2)) for i in shown])


def test_a_helper_imported_in_the_call_is_not_another_model_s(tmp_path: Path) -> None:
    source = "import helper\ndef run(x):\n    import helper\n    return helper.f(x)\ndef make(): return run"
    one = resolve_model(spec(tmp_path / "one", source, helper="def f(x): return x.mean((2, 3))"))
    assert one.encoder(3).encode(images(2)).shape == (2, 3)
    two = resolve_model(spec(tmp_path / "two", source, helper="def f(x): return x.max((2, 3))"))
    assert two.encoder(3).encode(images(2)).shape == (2, 3)
    told = line(lambda: one.encoder(3).encode(images(2)))
    assert "the model imports helper while it runs, and this process has loaded another helper since" in told


def test_a_module_of_that_name_from_elsewhere_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other/helper.py").write_text("def f(x): return x")
    monkeypatch.syspath_prepend(tmp_path / "other")
    sys.modules.pop("helper", None)
    importlib.import_module("helper")
    try:
        source = "import helper\ndef make(): return lambda x: helper.f(x)"
        told = line(lambda: resolve_model(spec(tmp_path / "own", source, helper="def f(x): return -x")).digest)
        assert "it imports helper, and this process has imported another helper before, from " in told
    finally:
        del sys.modules["helper"]


def test_an_installed_package_is_known_by_its_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = tmp_path / "site"
    code = spec(tmp_path / "code", "import installed_thing\ndef make(): return lambda x: installed_thing.f(x)")

    def install(version: str, body: str) -> None:
        info = site / f"installed_thing-{version}.dist-info"
        for old in site.glob("*.dist-info"):
            shutil.rmtree(old)
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: installed-thing\nVersion: {version}\n")
        (info / "RECORD").write_text("installed_thing.py,,\n")
        (site / "installed_thing.py").write_text(body)

    def digest() -> str:
        done = subprocess.run(
            [
                sys.executable,
                "-c",
                "import sys; from reprcheck.models import resolve_model as resolve; print(resolve(sys.argv[1]).digest)",
                code,
            ],
            env=os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{site}"},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    install("1.0", "def f(x): return x")
    first = digest()
    install("1.0", "def f(x): return 2 * x")
    assert digest() == first
    install("1.1", "def f(x): return 2 * x")
    assert digest() != first
    shutil.rmtree(next(site.glob("*.dist-info")))  # a module that nothing installed is the user's own: by its source
    own = digest()
    (site / "installed_thing.py").write_text("def f(x): return 3 * x")
    assert digest() != own


def test_a_callable_of_numpy_needs_no_torch(tmp_path: Path) -> None:
    code = spec(tmp_path, "import helper\ndef make(): return helper.f", helper="import numpy as np\nf = np.ravel")
    told = elsewhere(
        "import sys; from reprcheck.models import resolve_model; resolve_model(sys.argv[1]).digest\n"
        "print('torch' in sys.modules)",
        code,
    )
    assert told == "False"


@pytest.mark.parametrize("kind", ["module", "arrays"])
def test_a_hundred_megabytes_are_told_in_about_a_second(kind: str) -> None:
    weights = np.random.default_rng(0).random((25, 1024, 1024), np.float32)
    net = torch.nn.Module()
    net.weights = torch.nn.Parameter(torch.from_numpy(weights))
    thing = net if kind == "module" else lambda x: weights
    identity(thing, "model")
    start = time.process_time()
    identity(thing, "model")
    assert time.process_time() - start < 2


def test_a_package_s_factory_is_told_as_a_file_s_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digests = []
    for place, scale in (("a", "1.0"), ("b", "1.0"), ("c", "2.0")):
        folder = tmp_path / place / "reprcheck_test_pack"
        source = "from . import helper\ndef make(by=1): return lambda x: helper.f(x) * by"
        spec(folder, source, helper=f"def f(x): return x.mean((2, 3)) * {scale}", __init__="")
        monkeypatch.chdir(folder.parent)
        model = resolve_model("py:reprcheck_test_pack.model:make")
        shown = images(2)
        expected = [image.pixels.mean((1, 2)) * float(scale) for image in shown]
        np.testing.assert_allclose(model.encoder(3).encode(shown), expected, rtol=1e-5)
        digests.append(model.digest)
        assert resolve_model("py:reprcheck_test_pack.model:make?by=2").digest != model.digest
    assert digests[0] == digests[1] != digests[2]


def test_an_object_in_memory_is_told_with_what_its_module_imports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec(tmp_path, "import reprcheck_test_deep as deep\ndef f(x): return deep.g(x)")
    deep = tmp_path / "reprcheck_test_deep.py"
    deep.write_text("def g(x): return x * 1.0")
    (tmp_path / "model.py").rename(tmp_path / "reprcheck_test_held.py")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    held = importlib.import_module("reprcheck_test_held")
    first = resolve_model(held.f).digest
    assert resolve_model(held.f).digest == first
    deep.write_text("def g(x): return x * 2.0")
    importlib.reload(held.deep)
    assert resolve_model(held.f).digest != first
    deep.write_text("def g(x): return x * 1.0")
    importlib.reload(held.deep)
    assert resolve_model(held.f).digest == first
    for name in ("reprcheck_test_held", "reprcheck_test_deep"):
        del sys.modules[name]
