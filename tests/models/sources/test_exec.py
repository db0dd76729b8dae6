"""Encoders in processes of their own: the reference of the docs, and others that misbehave, each in one line."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest

from reprcheck.models import Model, resolve_model
from tests.models.made import ROOT, images, line

REFERENCE = ROOT / "examples/exec/encoder.py"
DESCRIBES = 'say({"identity": "x", "channels": None})'


def opened(script: Path, more: str = "") -> Model:
    return resolve_model(f"exec:{quote(f'{sys.executable} {script}')}{more}")


@pytest.fixture(scope="module")
def reference() -> Model:
    return opened(REFERENCE, "?name=reference")


def written(folder: Path, *answers: str) -> Path:
    """Write an encoder that does these things, one for each request."""
    start = "import json, sys, time\nout = sys.stdout.buffer\n"
    start += "def say(told, data=b''): out.write(json.dumps(told).encode() + b'\\n' + data); out.flush()\n"
    start += "def hear():\n    told = json.loads(sys.stdin.buffer.readline())\n"
    start += "    sys.stdin.buffer.read(told.get('bytes', 0))\n"
    path = folder / "encoder.py"
    path.write_text(start + "".join(f"hear()\n{answer}\n" for answer in answers))
    return path


def told(script: Path, more: str = "") -> str:
    said = line(lambda: opened(script, more).encoder(3).encode(images(2)))
    where, _, rest = said.partition(f"{script.name}{more}: ")
    assert where.startswith("model=exec:")
    return rest


def test_the_reference_gives_its_vectors_and_others_once_it_is_drawn_afresh(reference: Model) -> None:
    shown = images(40, side=24)
    found = reference.encoder(3).encode(shown)
    assert (found.shape, found.dtype) == ((40, 32), np.float32)
    grid = np.linspace(0, 23, 8).astype(int)
    small = np.stack([image.pixels[:, grid][:, :, grid].reshape(-1) for image in shown])
    weights = np.random.default_rng(0).normal(size=(192, 32)).astype(np.float32)
    np.testing.assert_allclose(found, np.maximum(small @ weights, 0), rtol=1e-4, atol=1e-5)
    twins = [reference.untrained(3, k) for k in (0, 1, 0)]
    first, second, again = (twin.encode(shown[:4]) for twin in twins)
    np.testing.assert_array_equal(first, again)
    assert not np.isclose(first, second).all()
    assert len({twin.digest() for twin in twins}) == 2
    assert reference.notes(3) == ("Untrained twins: the encoder's own verb `untrained`, where it has it.",)
    assert reference.on(["DNA", "ER", "AGP"]).notes(3) == reference.notes(3)
    assert reference.encoder(1).encode(images(2, channels=1)).shape == (2, 32)


def test_an_encoder_is_known_by_what_it_says_and_by_the_files_of_its_command(reference: Model, tmp_path: Path) -> None:
    copy = Path(shutil.copy(REFERENCE, tmp_path / "other.py"))
    assert opened(copy).digest == reference.digest
    assert opened(copy).name == "other"
    copy.write_text(copy.read_text() + "# edited\n")
    edited = opened(copy).digest
    assert edited != reference.digest
    copy.write_text(copy.read_text().replace("draw(0)", "draw(1)"))
    assert opened(copy).digest not in (edited, reference.digest)


def test_what_a_command_says_is_part_of_what_an_encoder_is_known_by(tmp_path: Path) -> None:
    script = written(tmp_path, DESCRIBES)
    program = tmp_path / "run.sh"
    program.write_text(f"#!/bin/sh\nexec {sys.executable} {script}\n")
    program.chmod(0o755)
    (tmp_path / "w.npy").write_text("1")

    def known(command: str) -> str:
        return resolve_model(f"exec:{quote(command)}").digest

    asked = f"{sys.executable} {script}"
    option = f"{asked} --weights={tmp_path}/w.npy"
    found = [known(command) for command in (asked, f"{asked} 1", f"{asked} 2", option, str(program))]
    (tmp_path / "w.npy").write_text("2")
    program.write_text(program.read_text() + "# edited\n")
    found += [known(option), known(str(program))]
    assert len(set(found)) == len(found)
    assert known(asked) == found[0]


def test_one_that_can_not_be_drawn_has_no_twins(tmp_path: Path) -> None:
    model = opened(written(tmp_path, DESCRIBES))
    assert model.untrained(3, 0) is None
    assert model.notes(3) == ()


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([], "the encoder ended (exit status 0); run the command by hand"),
        (["sys.exit('no weights here')"], "the encoder ended (exit status 1); its last words: no weights here"),
        (
            ["print('loading', flush=True)"],
            "the encoder wrote 'loading' to standard output, where only answers belong; let it print to standard error",
        ),
        (["say({'error': 'out of\\nmemory'})"], "the encoder reports: out of memory"),
        (["say({'channels': 3})"], "the encoder describes itself with identity None; answer with a text that changes"),
        (["say({'identity': 'x', 'channels': 0})"], "the encoder describes itself with channels 0"),
        ([DESCRIBES], "the encoder ended (exit status 0)"),
        ([DESCRIBES, "say({'bytes': -1})"], "the encoder announces -1 bytes"),
        ([DESCRIBES, "say({'bytes': 9}, b'123456789')"], "the encoder sends arrays that aren't safetensors"),
        ([DESCRIBES, "say({})"], "the encoder sent no arrays in place of vectors"),
        (
            [
                DESCRIBES,
                "import numpy as np; from safetensors.numpy import save\n"
                "data = save({'vectors': np.zeros((2, 3, 4), np.float32)}); say({'bytes': len(data)}, data)",
            ],
            "wrong output shape: float32[2, 3, 4]; expected float32[32, D] for 32 images",
        ),
    ],
    ids=[
        "silent",
        "dies",
        "junk",
        "error",
        "nameless",
        "channels",
        "ends",
        "bytes",
        "no arrays",
        "no vectors",
        "shape",
    ],
)
def test_what_goes_wrong_is_one_line(answers: list[str], expected: str, tmp_path: Path) -> None:
    assert told(written(tmp_path, *answers)).startswith(expected)


@pytest.mark.parametrize("answers", [["time.sleep(60)"], [DESCRIBES, "out.write(b'{'); out.flush(); time.sleep(60)"]])
def test_one_that_hangs_is_given_up(answers: list[str], tmp_path: Path) -> None:
    expected = "the encoder gave no answer within 1 s; run the command by hand"
    assert told(written(tmp_path, *answers), "?timeout=1") == expected


def test_commands_that_can_not_be_started() -> None:
    assert "the command can't be started: [Errno 2] No such file" in line(lambda: resolve_model("exec:no-such").digest)
    assert "the command can't be started: No closing quotation" in line(lambda: resolve_model("exec:python 'a").digest)
