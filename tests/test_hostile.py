"""Hostile data end in one line, whichever door they come through, before memory is taken for what they promise."""

from __future__ import annotations

import json
import os
import re
import socket
import sys
import tracemalloc
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import reprcheck
import reprcheck.datasets.catalogue
import reprcheck.datasets.folder
from reprcheck.cli import main
from tests import hostile
from tests.minisets import write_dataset

Change = Callable[[Path], object]
IMAGE = "images/003.tif"
ROW = "samples.csv line 5"
PASSWORDS = Path("/etc/passwd")
MOST_MEMORY = 48 * 2**20
"""Bytes that may be allocated for what is refused: a text of the largest card, some times over."""


def instead(name: str, data: bytes | Callable[[], bytes]) -> Change:
    """Write other bytes in place of a file; called late, so that large ones aren't made where they aren't used."""
    return lambda folder: (folder / name).write_bytes(data if isinstance(data, bytes) else data())


def image(suffix: str, data: bytes | Callable[[], bytes]) -> Change:
    """Write an image in place of one, and call it so in the table."""

    def change(folder: Path) -> None:
        name = IMAGE.replace(".tif", suffix)
        (folder / IMAGE).unlink()
        instead(name, data)(folder)
        renamed(IMAGE, name)(folder)

    return change


def renamed(old: str, new: str) -> Change:
    def change(folder: Path) -> None:
        path = folder / "samples.csv"
        path.write_text(path.read_text().replace(old, new), encoding="utf-8")

    return change


def pipe(name: str) -> Change:
    def change(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        os.mkfifo(folder / name)

    return change


def directory(name: str) -> Change:
    def change(folder: Path) -> None:
        (folder / name).unlink()
        (folder / name).mkdir()

    return change


def link(name: str, target: str | Path) -> Change:
    def change(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(target)

    return change


def sparse(name: str, size: int) -> Change:
    """Make a file of nothing, without the disk it would take."""
    return lambda folder: os.truncate(folder / name, size)


def listening(name: str) -> Change:
    def change(folder: Path) -> None:
        (folder / name).unlink()
        old = Path.cwd()
        os.chdir(folder / Path(name).parent)  # the path of a socket has to be short
        try:
            with socket.socket(socket.AF_UNIX) as server:
                server.bind(Path(name).name)
        finally:
            os.chdir(old)

    return change


def card(text: str | Callable[[], str]) -> Change:
    """Put lines before those of the card."""

    def change(folder: Path) -> None:
        path = folder / "dataset.toml"
        path.write_text((text if isinstance(text, str) else text()) + "\n" + path.read_text(), encoding="utf-8")

    return change


def store(more: Callable[[Path], object] = lambda path: None, **said: Any) -> Change:
    """Put an OME-Zarr in place of an image."""

    def change(folder: Path) -> None:
        (folder / IMAGE).unlink()
        more(hostile.write_zarr(folder / "images/003.zarr", **said))
        renamed(IMAGE, "images/003.zarr")(folder)

    return change


MOST = "536,870,912 are the most"
SMALLER = "cut it into smaller images, or write it as OME-Zarr, of which crops and tiles read only what they need"
AGAIN = "write the file again, or remove the row"
AT = f"images/003.SUFFIX ({ROW})"
HUGE = f"holds 2,000,000 x 2,000,000 values, and {MOST}; {SMALLER}"
LONG = "n" * 300

IMAGES: dict[str, tuple[Change, str]] = {
    "png": (image(".png", hostile.png()), f"{AT}: {HUGE}"),
    "png, deep colour": (
        image(".png", hostile.png(30_000, 30_000, 16, 2)),
        f"{AT}: holds 30,000 x 30,000 x 3 values, and {MOST}; {SMALLER}",
    ),
    "jpeg": (image(".jpg", hostile.jpeg()), f"{AT}: holds 65,000 x 65,000 values, and {MOST}; {SMALLER}"),
    "tiff": (image(".tif", hostile.tiff()), f"{AT}: {HUGE}"),
    "tiff, packed": (image(".tif", hostile.tiff(compression=8)), f"{AT}: {HUGE}"),
    "bigtiff": (image(".tif", hostile.tiff(big=True)), f"{AT}: {HUGE}"),
    "tiff, one tile": (
        image(".tif", hostile.tiff(12, 12, tile=2**20)),
        f"{AT}: is cut into strips or tiles of 1,048,576 x 1,048,576 values, and {MOST}; write it in smaller tiles",
    ),
    "ome-tiff": (
        image(".tif", lambda: hostile.described_tiff(hostile.ome(SizeZ=10**9))),
        f"{AT}: its OME-XML names 1,000,000,000 planes, and 1,000,000 are the most; {AGAIN}",
    ),
    "ome-tiff, amplified": (
        image(".tif", lambda: hostile.described_tiff(hostile.amplifying())),
        f"{AT}: can't be decoded, truncated or damaged (ParseError: limit on input amplification factor (from DTD and "
        f"entities) breached: line 1, column 519); {AGAIN}",
    ),
    "npy": (
        image(".npy", hostile.npy()),
        f"{AT}: can't be decoded, truncated or damaged (its header says 2,000,000 x 2,000,000 values of float32, and 0 "
        f"bytes follow); {AGAIN}",
    ),
    "npy of nothing": (
        image(".npy", hostile.npy(descr="|V0")),
        f"{AT}: holds |V0, not numbers; write integers or floats",
    ),
    "npy of objects": (
        image(".npy", hostile.npy((3,), "|O", b"cos\nsystem\n(S'touch /tmp/owned'\ntR.")),
        f"{AT}: holds Python objects, which are never unpickled; save an array of integers or floats",
    ),
    "npy, negative": (
        image(".npy", hostile.npy((-2, 3))),
        f"{AT}: can't be decoded, truncated or damaged (its header says -2 x 3 values of float32, and 0 bytes follow); "
        f"{AGAIN}",
    ),
    "postscript": (
        image(".png", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n"),
        f"{AT}: named .png, and holds EPS; write it as what its name says",
    ),
    "an empty png": (
        image(".png", b""),
        f"{AT}: can't be decoded, truncated or damaged (ValueError: neither PNG nor JPEG); {AGAIN}",
    ),
    "ome-zarr": (
        store(),
        f"images/003.zarr ({ROW}): asks for 4,000,000,000,000 values, and {MOST}; choose a coarser `level`, or cut "
        "crops or tiles",
    ),
    "ome-zarr of one chunk": (
        store(shape=(12, 12), chunk=2**20),
        f"images/003.zarr ({ROW}): is cut into chunks of 1,048,576 x 1,048,576 values, and {MOST}; write it in smaller "
        "chunks",
    ),
    "ome-zarr of single pixels": (
        store(shape=(4000, 4000), chunk=1),
        f"images/003.zarr ({ROW}): lies in more than 1,000,000 chunks; write it in larger chunks",
    ),
    "a chunk that is a link": (
        store(lambda path: (path / "0/0.0").symlink_to(PASSWORDS), shape=(12, 12), chunk=12),
        f"images/003.zarr ({ROW}): its chunk 0/0.0 is a link that leads out of the store; copy the chunk into "
        "the store",
    ),
    "a chunk that is a pipe": (
        store(lambda path: os.mkfifo(path / "0/0.0"), shape=(12, 12), chunk=12),
        f"images/003.zarr ({ROW}): its chunk 0/0.0 is a named pipe, not a file; write the store again",
    ),
    "a mask": (
        instead("masks/003.png", hostile.png()),
        f"masks/003.png ({ROW}): {HUGE}",
    ),
    "types": (
        instead("types/003.png", hostile.png()),
        f"types/003.png ({ROW}): {HUGE}",
    ),
    "a pipe": (
        pipe(IMAGE),
        f"{ROW} column path: '{IMAGE}' is a named pipe, not a file; put the image there, or remove the row",
    ),
    "a socket": (
        listening(IMAGE),
        f"{ROW} column path: '{IMAGE}' is a socket, not a file; put the image there, or remove the row",
    ),
    "a device": (
        link(IMAGE, "/dev/zero"),
        f"{ROW} column path: '{IMAGE}' is a device, not a file; put the image there, or remove the row",
    ),
    "a folder": (
        directory(IMAGE),
        f"{ROW} column path: '{IMAGE}' is a folder, not a file; put the image there, or remove the row",
    ),
    "a link out": (
        link(IMAGE, PASSWORDS),
        f"{ROW} column path: '{IMAGE}' is a link that leads out of the folder; copy the image into the folder, or "
        "write allow_outside = true on the card",
    ),
    "a link in a circle": (
        link(IMAGE, "003.tif"),
        f"{ROW} column path: '{IMAGE}' can't be read (Too many levels of symbolic links); put the image there, or "
        "remove the row",
    ),
    "dots": (
        renamed(IMAGE, "../../etc/passwd.png"),
        f"{ROW} column path: '../../etc/passwd.png' lies outside the folder; move the image inside, or write "
        "allow_outside = true on the card",
    ),
    "a long name": (
        renamed(IMAGE, f"images/{LONG}.tif"),
        f"{ROW} column path: no file 'images/{LONG}.tif' in the folder; put the images back, or remove the rows",
    ),
    "control codes": (
        renamed(IMAGE, "images/\x1b[31m\u202e003.tif"),
        f"{ROW} column path: no file 'images/\\x1b[31m\\u202e003.tif' in the folder; put the images back, or remove "
        "the rows",
    ),
}
WINDOWED = ("ome-zarr", "ome-zarr of single pixels")
"""Images of which a part could be read: as a whole they are of another size first."""
TOO_LARGE = "dataset.toml: larger than 1 MiB, which no such file needs; check what it is"
DEEP = "dataset.toml: nested deeper than 32 levels; write it flat"
OTHERS: dict[str, tuple[Change, str]] = {
    "lists in lists": (card(f"a = {'[' * 5000}{']' * 5000}"), DEEP),
    "lists in lists, open": (card(f"a = {'[' * 5000}"), DEEP),
    "tables in tables": (card(f"a = {'{a = ' * 5000}1{'}' * 5000}"), DEEP),
    "a key of many parts": (card(".".join(["a"] * 200_000) + " = 1"), DEEP),
    "a quoted key of many parts": (card(" . ".join(['"a b"'] * 100_000) + " = 1"), DEEP),
    "a table of many parts": (card(f"{'.'.join(['a'] * 5000)} = 1"), DEEP),
    "as many keys as a megabyte has": (
        card(lambda: "".join(f"k{i} = {i}\n" for i in range(300_000))),
        TOO_LARGE,
    ),
    "a card without end": (sparse("dataset.toml", 2**40), TOO_LARGE),
    "a number of 5,000 digits": (
        card(f"a = {'9' * 5000}"),
        "dataset.toml: isn't valid TOML (Exceeds the limit (4300 digits) for integer string conversion: value has 5000 "
        "digits; use sys.set_int_max_str_digits() to increase the limit); put the line right",
    ),
    "a number of 100,000 hexadecimal digits": (
        instead("dataset.toml", f"schema = 0x{'f' * 100_000}".encode()),
        "dataset.toml: isn't valid TOML (a whole number of more than 64 bits); put the line right",
    ),
    "a card that is a pipe": (pipe("dataset.toml"), "dataset.toml: is a named pipe, not a file; check the path"),
    "a card that is a folder": (directory("dataset.toml"), "dataset.toml: is a folder, not a file; check the path"),
    "a card that is a device": (
        link("dataset.toml", "/dev/zero"),
        "dataset.toml: is a device, not a file; check the path",
    ),
    "a card that is a link": (
        link("dataset.toml", PASSWORDS),
        "dataset.toml: is a link that leads out of the folder; copy the card into the folder",
    ),
    "a card in a circle": (
        link("dataset.toml", "dataset.toml"),
        "dataset.toml: can't be read (Too many levels of symbolic links); check the path",
    ),
    "an image to be padded": (
        card('fit = "pad"\nsize = [2000000, 2000000]'),
        f"dataset.toml size: asks for 2,000,000 x 2,000,000 values, and {MOST}; write fewer pixels",
    ),
    "control codes on the card": (
        card('fit = "\\u001b[2J\\u202e"'),
        "dataset.toml fit: '\\x1b[2J\\u202e' is unknown; known: crop, none, pad, resize",
    ),
    "a long value on the card": (
        card(f'fit = "{"x" * 100_000}"'),
        f"dataset.toml fit: '{'x' * 98}… is unknown; known: crop, none, pad, resize",
    ),
    "a table that is a pipe": (
        pipe("samples.csv"),
        "samples.csv: is a named pipe, not a file; write the sample table, one row per sample",
    ),
    "a table that is a folder": (
        directory("samples.csv"),
        "samples.csv: is a folder, not a file; write the sample table, one row per sample",
    ),
    "a table that is a link": (
        link("samples.csv", PASSWORDS),
        "samples.csv: is a link that leads out of the folder; write allow_outside = true on the card",
    ),
    "a table without end": (
        sparse("samples.csv", 2**40),
        "samples.csv: 1,099,511,627,776 bytes, and 1,073,741,824 are the most that is read; check what it is",
    ),
    "an empty table": (
        instead("samples.csv", b""),
        "samples.csv line 1: no header; write the names of the columns on line 1",
    ),
    "a long line": (
        instead("samples.csv", lambda: b"id,path,label\n" + b"a," * 2**20),
        "samples.csv line 2: longer than 1,048,576 characters; write one line per sample",
    ),
    "a long header": (
        instead("samples.csv", lambda: b"a," * 2**20),
        "samples.csv line 1: longer than 1,048,576 characters; write one line per sample",
    ),
    "many columns": (
        instead("samples.csv", lambda: ",".join(f"c{i}" for i in range(60_000)).encode()),
        "samples.csv line 1: 60,000 columns, too many for a table of samples; keep the columns that the card names",
    ),
    "a giant cell": (
        instead("samples.csv", lambda: b'id,path,label\ns00,"' + b"x\n" * 100_000),
        "samples.csv line 65538: can't be read as CSV (field larger than field limit (131072)); put it right",
    ),
    "zeros in the table": (
        instead("samples.csv", b"id,path,label\ns00,\0,a\n"),
        "samples.csv line 2: holds NUL bytes: cut short or damaged; write it again",
    ),
}


@pytest.fixture(scope="module", autouse=True)
def _everything_imported(tmp_path_factory: Any) -> None:
    """Modules take memory too, and time while it is traced."""
    folder = write_dataset(tmp_path_factory.mktemp("good") / "mini", masks=True, types=["t"])
    for command in (["check"], ["check", "--json"], ["show", f"--out={folder}/sheet.png"], ["init", "--force"]):
        assert main(["data", *command, str(folder)]) == 0
    hostile.write_zarr(folder / "x.zarr")
    import zarr

    zarr.open_array(str(folder / "x.zarr/0"), mode="r", zarr_format=2)


@contextmanager
def little_memory() -> Iterator[None]:
    """Fail where more is allocated, for however short a time."""
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < MOST_MEMORY, f"{peak / 2**20:.0f} MiB"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A dataset with masks and types to be spoilt."""
    return write_dataset(tmp_path / "mini", masks=True, types=["t"])


def problems(folder: Path, capsys: Any) -> list[str]:
    """Return what ``data check`` finds, files named relative to the folder."""
    assert main(["data", "check", str(folder), "--json"]) == 4
    out, err = capsys.readouterr()
    assert err == ""
    return [found["line"].replace(f"{folder}/", "") for found in json.loads(out)["problems"]]


def open_and_read(folder: Path) -> None:
    """Do with a dataset what the gate does before it asks a model."""
    opened = reprcheck.datasets.catalogue.load(folder)
    for row in range(len(opened.ids)):
        opened.images.content(row)
        opened.images.read(row)


@pytest.mark.parametrize("case", [*IMAGES, *OTHERS])
def test_hostile_data_end_in_one_line(folder: Path, capsys: Any, case: str, recwarn: Any) -> None:
    """By ``data check``, by ``audit`` and from Python alike, and nothing that could act on a terminal is printed."""
    change, line = (IMAGES | OTHERS)[case]
    change(folder)
    suffix = re.search(r"images/003(\.\w+)", (folder / "samples.csv").read_text()) if case in IMAGES else None
    line = line.replace(".SUFFIX", suffix[1] if suffix else "")
    with little_memory(), pytest.raises(reprcheck.UserError) as caught:
        open_and_read(folder)
    told = str(caught.value).replace(f"{folder}/", "")
    assert told == line or (case in WINDOWED and told.startswith(f"images/003.zarr ({ROW}): "))
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    with little_memory():
        assert line in problems(folder, capsys)
    assert main(["data", "show", str(folder), f"--out={folder}/sheet.png"]) == 4
    out = "".join(capsys.readouterr())
    assert all(c.isprintable() or c == "\n" for c in out)
    assert not recwarn.list


@pytest.mark.parametrize(
    "case", ["tiff", "a chunk that is a link", "a pipe", "lists in lists", "a long line", "control codes"]
)
def test_an_audit_ends_in_the_same_line(folder: Path, capsys: Any, case: str, tmp_path: Path) -> None:
    change, line = (IMAGES | OTHERS)[case]
    change(folder)
    assert main(["audit", str(folder), f"--cache-dir={tmp_path}/cache"]) == 4
    out, err = capsys.readouterr()
    assert out == ""
    assert err.replace(f"{folder}/", "") == f"ERROR: {line.replace('SUFFIX', 'tif')}\n"


@pytest.mark.parametrize("case", ["png", "tiff", "npy", "npy of objects", "a pipe", "a link in a circle"])
def test_init_passes_over_what_it_can_not_read(folder: Path, capsys: Any, case: str) -> None:
    """It guesses from the other images, and names nothing that isn't a plain file of the folder."""
    (folder / "dataset.toml").unlink()
    IMAGES[case][0](folder)
    with little_memory():
        assert main(["data", "init", str(folder)]) == 0
    (folder / "dataset.toml").unlink()
    assert capsys.readouterr().err == ""
    spoilt = next(path for path in (folder / "images").iterdir() if path.stem == "003")
    (folder / "samples.csv").unlink()
    with little_memory():
        assert main(["data", "init", str(folder)]) == 0
    assert (f"images/{spoilt.name}" in (folder / "samples.csv").read_text()) == spoilt.is_file()


def test_a_file_that_shrinks_while_it_is_read_is_told(folder: Path) -> None:
    """A stack too large to be held is read frame by frame, and never mapped, which would end the process."""
    frames, side = 80, 1024
    stack = folder / "images/003.npy"
    np.lib.format.open_memmap(stack, "w+", np.uint32, (frames, side, side))[5] = 7
    rows = "".join(f"s{i},images/003.npy,{'ab'[i % 2]},{i}\n" for i in range(12))
    (folder / "samples.csv").write_text("id,path,label,frame\n" + rows)
    (folder / "dataset.toml").write_text(
        'schema = 1\nname = "mini"\nkind = "culture"\nchannels = ["c"]\nvalue_range = [0, 7]\n'
        'columns = { sample = "id", image = "path", frame = "frame" }\n'
        'tasks.state = { kind = "classify", label = "label", protocols = ["knn/1"] }\n'
    )
    seen = reprcheck.datasets.folder.open_folder(folder)
    order = {str(name): row for row, name in enumerate(seen.ids)}
    with little_memory():
        assert (seen.images.read(order["s5"]).pixels == 1).all()
        assert (seen.images.read(order["s4"]).pixels == 0).all()
    os.truncate(stack, 4 * side)
    with pytest.raises(reprcheck.UserError, match=r"80 x 1,024 x 1,024 values of uint32, and 3,968 bytes follow"):
        seen.images.read(order["s6"])


@pytest.mark.skipif(sys.platform == "win32", reason="permissions are another matter there")
@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("dataset.toml", "dataset.toml: can't be read (Permission denied); check the path"),
        (
            "samples.csv",
            "samples.csv: can't be read (Permission denied); write the sample table, one row per sample",
        ),
        (IMAGE, f"{IMAGE} ({ROW}): can't be read (Permission denied); check the file"),
        ("masks/003.png", f"masks/003.png ({ROW}): can't be read (Permission denied); check the file"),
    ],
)
def test_what_may_not_be_read_is_told(folder: Path, capsys: Any, name: str, line: str) -> None:
    """As somebody who may not: root may read everything."""
    for path in (folder, *folder.parents):
        if path.stat().st_uid == os.getuid() and len(path.parts) > 2:
            path.chmod(0o755)
    (folder / name).chmod(0)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        assert line in problems(folder, capsys)
    finally:
        os.seteuid(user)


def test_nothing_of_what_a_link_points_to_is_told(folder: Path, capsys: Any) -> None:
    """Not as a name of a column, nor as the pixels of a chunk, nor on a contact sheet."""
    secret = folder.parent / "secret"
    secret.write_text("hunter2,password,token\n1,2,3\n" * 8)
    for name in ("samples.csv", "dataset.toml"):
        before = (folder / name).read_bytes()
        link(name, secret)(folder)
        for command in (["check", folder], ["show", folder, f"--out={folder}/sheet.png"], ["init", folder, "--force"]):
            main(["data", *map(str, command)])
            assert "hunter2" not in "".join(capsys.readouterr()), command
        (folder / name).unlink()
        (folder / name).write_bytes(before)


def test_pillow_warns_of_no_bomb_that_is_read(folder: Path) -> None:
    """An image beyond the size at which Pillow warns is read, without a warning, or refused by its own line."""
    from PIL import Image

    (folder / IMAGE).unlink()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        old, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, 10
        try:
            Image.fromarray(np.full((12, 12), 9, np.uint8)).save(folder / "images/003.png")
            renamed(IMAGE, "images/003.png")(folder)
            seen = reprcheck.datasets.folder.open_folder(folder)
            assert (seen.images.read(3).pixels == np.float32(9 / 255)).all()
        finally:
            Image.MAX_IMAGE_PIXELS = old
