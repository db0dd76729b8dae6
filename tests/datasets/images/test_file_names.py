"""A table's names find the files they mean, on whatever system they were written; what could mean two is refused."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reprcheck.datasets.catalogue import load
from reprcheck.datasets.images.file_names import FileNames, leads_out
from reprcheck.errors import UserError
from tests.minisets import write_dataset

N = 12


def renamed(folder: Path, rename: Any, column: str = "path", **options: Any) -> Path:
    """Write a dataset whose image i is of value i, and put other names in its table."""
    write_dataset(folder, images=[np.full((1, 8, 8), i, np.uint8) for i in range(N)], shape=(1, 8, 8), **options)
    path = folder / "samples.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    cells = [line.split(",") for line in lines[1:]]
    for row in cells:
        row[1] = rename(row[1])
    text = "\n".join([lines[0], *(",".join(row) for row in cells)]) + "\n"
    path.write_text(text, encoding="utf-8")
    return folder


def values(folder: Path) -> list[int]:
    dataset = load(folder)
    return [round(float(dataset.images.read(i).pixels.mean()) * 255) for i in range(len(dataset.ids))]


@pytest.mark.parametrize(
    ("rename", "root", "note"),
    [
        (lambda name: name, None, None),
        (
            lambda name: name.replace("/", "\\"),
            None,
            "12 names are written with backslashes, which are read as /.",
        ),
        (lambda name: "./" + name.replace("/", "//"), None, None),
        (lambda name: "D:\\Ada\\screen7\\" + name.replace("/", "\\"), "d:/ada/screen7", "backslashes"),
        (lambda name: "\\\\server\\share\\" + name.replace("/", "\\"), "\\\\SERVER\\share\\", "backslashes"),
        (lambda name: "/mnt/old/screen7/" + name, "/mnt/old/screen7", None),
        (lambda name: "file:///mnt/old%20disk/" + name, "/mnt/old disk", "file: URLs"),
        (lambda name: "file:///C:/x/" + name, "C:\\x", "file: URLs"),
        (lambda name: name.upper(), None, "Files: 12 names are unlike the file's in upper and lower case only."),
    ],
)
def test_a_name_finds_its_file(tmp_path: Path, rename: Any, root: str | None, note: str | None) -> None:
    folder = renamed(tmp_path / "mini", rename, card={"root": root})
    assert values(folder) == list(range(N))
    told = [text for text in load(folder).tasks["state"].notes if text.startswith("Files")]
    assert len(told) == (note is not None)
    assert all(str(note) in text for text in told)


@pytest.mark.parametrize(("on_disk", "in_table"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_unicode_forms_of_one_name(tmp_path: Path, on_disk: str, in_table: str) -> None:
    folder = renamed(
        tmp_path / "mini", lambda name: unicodedata.normalize(in_table, name.replace("images/", "Präparat é/"))
    )
    (folder / "images").rename(folder / unicodedata.normalize(on_disk, "Präparat é"))
    assert values(folder) == list(range(N))
    assert any("12 names are unlike the file's in Unicode form only" in n for n in load(folder).tasks["state"].notes)


def test_two_files_or_two_names_are_refused(tmp_path: Path) -> None:
    for name in ("A.png", "a.png", "\u00e9.png", "x.png"):
        (tmp_path / name).touch()
    names = FileNames(tmp_path)
    assert [names.find(name, "t") for name in ("A.png", "a.png", "none.png")] == ["A.png", "a.png", "none.png"]
    assert names.find("e\u0301.png", "t") == "\u00e9.png"
    assert len(names.notes()) == 1
    (tmp_path / "B.png").touch()
    (tmp_path / "b.PNG").touch()
    with pytest.raises(UserError, match=r"no file 'b.png' in the folder, and 2 that differ in case only: 'B.png', 'b"):
        FileNames(tmp_path).find("b.png", "t")
    for first, then in (("x.png", "X.png"), ("X.png", "x.png")):
        names = FileNames(tmp_path)
        names.find(first, "t")
        with pytest.raises(UserError, match="one file is there for both"):
            names.find(then, "t")


def test_a_file_that_really_is_called_so_is_taken(tmp_path: Path) -> None:
    (tmp_path / "a\\b.png").touch()
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b.png").touch()
    names = FileNames(tmp_path)
    assert (names.find("a\\b.png", "t"), names.notes()) == ("a\\b.png", ())


def refused(folder: Path) -> str:
    with pytest.raises(UserError) as caught:
        load(folder)
    return str(caught.value).replace(f"{folder}/", "")


def test_places_elsewhere_are_refused_with_what_to_write(tmp_path: Path) -> None:
    folder = renamed(tmp_path / "mini", lambda name: "D:\\Ada\\screen7\\" + name.replace("/", "\\"))
    assert refused(folder) == (
        "samples.csv line 2 column path: 'D:\\\\Ada\\\\screen7\\\\images\\\\000.tif' lies outside the folder; "
        'the folder has its end: say on the card what stands for the folder, root = "D:/Ada/screen7"'
    )
    folder = renamed(tmp_path / "url", lambda name: "https://example.org/" + name)
    assert "is a URL, and images aren't fetched one by one; put the file in the folder" in refused(folder)
    folder = renamed(tmp_path / "czi", lambda name: name.replace(".tif", ".CZI"))
    assert refused(folder).endswith("convert it to OME-TIFF (bfconvert) or OME-Zarr (bioformats2raw)")


def test_folders_of_files_in_a_column_of_their_own(tmp_path: Path) -> None:
    options = {"extra": {"where": ["D:\\old\\images\\"] * N}, "card": {"root": "D:\\old"}}
    folder = renamed(tmp_path / "mini", lambda name: Path(name).name, columns={"folders": {"path": "where"}}, **options)
    assert values(folder) == list(range(N))
    folder = renamed(tmp_path / "odd", lambda name: name, columns={"folders": {"pat": "where"}}, **options)
    assert refused(folder).endswith("'pat' is no column of image, mask or types; did you mean path?")
    folder = renamed(tmp_path / "none", lambda name: name, columns={"folders": {"path": "there"}}, **options)
    assert refused(folder).startswith("samples.csv: no column 'there', which [columns] folders names")


def test_names_have_no_say_in_identity(tmp_path: Path) -> None:
    plain = renamed(tmp_path / "a", lambda name: name)
    other = renamed(tmp_path / "b", lambda name: "D:\\" + name.replace("/", "\\"), card={"root": "D:\\"})
    assert load(plain).digest == load(other).digest


@pytest.mark.parametrize("name", ["../a.png", "/a.png", "C:/a.png", "C:\\a.png", "a/../../b.png"])
def test_what_leads_out(name: str) -> None:
    assert leads_out(name)
