"""The code behind a value: what import statements lead to, and what of a source counts."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from reprcheck.code import MissingCode, code_digest, reached, reread

FILES = {
    "__init__.py": "from coded.face import given\n",
    "maker.py": """
        '''Makes values.'''
        from __future__ import annotations
        from typing import TYPE_CHECKING
        from coded import given
        from . import beside
        from reprcheck.seeding import rng
        if TYPE_CHECKING:
            from coded.types_only import Shape
        LIMIT = 3
        '''How many.'''
        def make(x: int):
            '''Make one.

            Of several lines.
            '''
            from coded.late import later
            text = '''two

            lines'''
            return later(x)  # by and by
        """,
    "face/__init__.py": """
        from coded.face.giver import given
        from coded.face.other import unasked
        def own(): ...
        """,
    "face/giver.py": "import numpy\ndef given(): return 1\n",
    "face/other.py": "unasked = 1\n",
    "beside.py": "import coded.maker\n",
    "late.py": "def later(x): return x\n",
    "types_only.py": "from coded.nowhere import Shape\n",
    "lazy/__init__.py": """
        from typing import TYPE_CHECKING
        if TYPE_CHECKING:
            from coded.late import later
        def __getattr__(name): ...
        """,
    "broken.py": "from coded.gone import thing\n",
    "broken_name.py": "from coded.face import nothing\n",
    "guarded.py": "try:\n    from coded.gone import thing\nexcept ImportError:\n    thing = None\n",
    "starred.py": "from coded.face import *\n",
    "lazily.py": "from coded.lazy import later\n",
    "of_face.py": "from coded.face import own\n",
}
BY_MAKER = {"maker", "beside", "face.giver", "late", ""}
"""The top package counts, since `import coded.maker` gives it to `beside`."""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A package of the files above, which no test imports."""
    for name, text in FILES.items():
        path = tmp_path / "coded" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path / "coded"
    reread()


def key(module="coded.maker"):
    reread()
    return code_digest(module)


def coded(module):
    reread()
    return {name.removeprefix("coded").removeprefix(".") for name in reached(module) if name.startswith("coded")}


def edit(path: Path, old: str, new: str):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_imports_are_followed_to_what_defines_a_name(folder):
    assert coded("coded.maker") == BY_MAKER
    assert {"reprcheck.seeding", "reprcheck.digest"} <= set(reached("coded.maker"))
    assert not any(name.startswith("numpy") for name in reached("coded.maker"))
    assert coded("coded.of_face") == {"of_face", "face", "face.giver", "face.other"}
    assert coded("coded.starred") == {"starred", "face", "face.giver", "face.other"}
    assert coded("coded.lazily") == {"lazily", "lazy", "late"}
    assert coded("coded.guarded") == {"guarded"}
    assert "coded" not in sys.modules


@pytest.mark.parametrize("module", ["maker", "beside", "late", "face/giver"])
def test_an_edit_of_what_is_reached_is_another_key(module, folder):
    before = key()
    with (folder / f"{module}.py").open("a") as file:
        file.write("MORE = 1\n")
    assert key() != before


@pytest.mark.parametrize("module", ["types_only", "face/other", "lazy/__init__", "broken", "starred"])
def test_an_edit_of_anything_else_is_not(module, folder):
    before = key()
    with (folder / f"{module}.py").open("a") as file:
        file.write("MORE = 1\n")
    assert key() == before


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("'''Makes values.'''", "'''Makes\n\nother # values.'''\n# and says so"),
        ("'''Make one.", "'''# Make one."),
        ("Of several lines.", "Of several\n\n\nlines."),
        ("LIMIT = 3", 'LIMIT = 3  # at "most"\n\n'),
        ("'''How many.'''", ""),
        ("# by and by", "# 'later'"),
        ("from coded.types_only import Shape", "from coded.other_types import Form"),
        ("LIMIT = 3", "\n\n\nLIMIT = 3"),
    ],
)
def test_what_is_said_does_not_count(old, new, folder):
    before = key()
    edit(folder / "maker.py", old, new)
    assert key() == before


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("LIMIT = 3", "LIMIT = 4"),
        ("LIMIT = 3", "LIMIT = 3; HASH = '#'"),
        ("two\n\n", "two\n\n\n"),
        ("    lines'''", "    lines # '''"),
        ("return later(x)", "return (later(x))"),
        ("from coded.late import later", "from coded.late import later as later"),
        ("def make(x: int)", "def make(x: float)"),
    ],
)
def test_what_is_done_counts(old, new, folder):
    before = key()
    edit(folder / "maker.py", old, new)
    assert key() != before


def test_strings_are_told_from_comments(folder):
    path = folder / "late.py"

    def with_text(text):
        path.write_text(text)
        return key()

    assert with_text("x = 'a # b'\n") != with_text("x = 'a # c'\n")
    assert with_text("x = f'{1}# b'  # d\n") == with_text("x = f'{1}# b'\n")
    assert with_text("x = '''\n# b\n'''\n") != with_text("x = '''\n# c\n'''\n")
    assert with_text("x = ('a'  # one\n 'b')\n") == with_text("x = ('a'  # two\n 'b')\n")
    assert with_text("x = ('ä#'  # one\n 'b#')\n") == with_text("x = ('ä#'  # two\n 'b#')\n")
    assert with_text("x = ('ä#'  # one\n 'b#')\n") != with_text("x = ('ä#'  # one\n 'c#')\n")
    assert with_text("x = 'a\\\n# b'\n") != with_text("x = 'a\\\n# c'\n")
    assert with_text("'''a # b'''; x = 1\n") != with_text("'''a # b'''; x = 2\n")


def test_a_face_that_gives_another_thing_by_the_name_is_another_key(folder):
    edit(folder / "face/giver.py", "def given(): return 1", "def given(): return 1\ndef taken(): return 2")
    before = key()
    edit(folder / "face/__init__.py", "import given", "import taken as given")
    assert key() != before


@pytest.mark.parametrize(
    ("module", "what"),
    [
        ("coded.no_such_module", "no module 'coded.no_such_module'"),
        ("reprcheck.no_such_module", "no module 'reprcheck.no_such_module'"),
        ("reprcheck.datasets.no_such_module", "no module"),
        ("no_such_package.module", "no module"),
        ("coded.broken", "coded.broken imports coded.gone: there is no module coded.gone"),
        ("coded.broken_name", "coded.broken_name imports coded.face: coded.face has no 'nothing'"),
    ],
)
def test_what_is_not_there_is_refused(module, what, folder):
    reread()
    with pytest.raises(MissingCode) as caught:
        code_digest(module)
    assert what in str(caught.value)


def test_a_module_that_moves_is_missed(folder):
    assert key()
    (folder / "late.py").rename(folder / "later.py")
    with pytest.raises(MissingCode, match=r"coded\.maker imports coded\.late"):
        key()


def test_another_process_and_another_hash_seed_agree(folder):
    code = "from reprcheck.code import code_digest; print(code_digest('reprcheck.baselines.structure.baseline'))"
    there = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert there == code_digest("reprcheck.baselines.structure.baseline")
