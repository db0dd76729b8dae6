"""`data init`, then `data check`, then `load`: what the gate gets is what the folder holds, by value."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from itertools import chain, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reprcheck.cli import main
from reprcheck.datasets.catalogue import load
from tests.cases import write_case
from tests.datasets.draft.layouts import MICROSCOPES, Shot, write
from tests.minisets import write_image

N = 24


def begun(folder: Path, capsys: Any) -> tuple[Any, str, list[str]]:
    """Return what is loaded of a folder after ``data init``, what that printed, and what ``data check`` tells."""
    assert main(["data", "init", str(folder)]) == 0
    out = capsys.readouterr().out
    assert main(["data", "check", str(folder), "--json"]) == 0, capsys.readouterr().out
    notes = json.loads(capsys.readouterr().out)["notes"].values()
    return load(folder), out, list(chain.from_iterable(notes))


def values(dataset: Any) -> list[list[int]]:
    """Return the mean of each channel of each image, as stored."""
    return [
        np.rint(dataset.images.read(i).pixels.mean((1, 2)) * 255).astype(int).tolist() for i in range(len(dataset.ids))
    ]


@pytest.mark.parametrize("microscope", MICROSCOPES)
def test_a_plate_in_class_folders(tmp_path: Path, capsys: Any, microscope: str) -> None:
    name, channel_name = MICROSCOPES[microscope]
    shots = [Shot(*at) for at in product((1, 2), (1, 2, 3), (1, 2), (1, 2), (1, 2, 3))]
    value = {shot: 10 * shot.row + 3 * shot.column + 60 * shot.channel + 20 * shot.field + shot.z for shot in shots}
    folder = write(tmp_path / "plate", {f"{('dmso', 'taxol')[s.column % 2]}/{name(s)}": v for s, v in value.items()})
    dataset, out, notes = begun(folder, capsys)
    assert dataset.channels == (channel_name(1), channel_name(2))
    (task,) = dataset.tasks.values()
    assert task.classes == ("dmso", "taxol")
    middle = [shot for shot in shots if shot.z == 2 and shot.channel == 1]
    assert len(task.rows) == len(middle)  # one slice of each stack, and no slice as channel
    label = {s: ("dmso", "taxol")[s.column % 2] for s in middle}
    expected = {(s.well, label[s], value[s], value[Shot(s.row, s.column, s.field, 2, 2)]) for s in middle}
    found = values(dataset)
    assert expected == {
        (str(unit), task.classes[y], *found[row]) for unit, y, row in zip(task.units, task.y, task.rows, strict=True)
    }
    assert "z: 3 slices of an image, a file and a row each" in out
    assert any(note.startswith("Guessed by `data init`: unit (well)") and "label label" in note for note in notes)


def table_of(n: int = N) -> dict[str, list[str]]:
    return {
        "key": [f"s{i:03}" for i in range(n)],
        "path": [f"img/s{i:03}.png" for i in range(n)],
        "well": [f"w{i % 12:02}" for i in range(n)],
        "treatment": [["DMSO", "taxol"][i % 2] for i in range(n)],
        "dose": [f"{i / 4:g}" for i in range(n)],
    }


def with_images(folder: Path) -> Path:
    return write(folder, {name: 10 * i for i, name in enumerate(table_of()["path"])})


def text(columns: dict[str, list[str]], separator: str = ",", end: str = "\n") -> str:
    rows = [list(columns), *zip(*columns.values(), strict=True)]
    return end.join(separator.join(f'"{cell}"' if separator in cell else cell for cell in row) for row in rows) + end


def changed(**columns: Callable[[str], str]) -> dict[str, list[str]]:
    return {name: [columns.get(name, str)(cell) for cell in cells] for name, cells in table_of().items()}


DIALECTS: dict[str, tuple[str, bytes, str]] = {
    "plain": ("samples.csv", text(table_of()).encode(), ""),
    "mark": ("samples.csv", text(table_of()).encode("utf-8-sig"), ""),
    "German": ("samples.csv", text(changed(dose=lambda c: c.replace(".", ",")), ";", "\r\n").encode(), "semicolon"),
    "quoted commas": ("samples.csv", text(changed(dose=lambda c: c.replace(".", ","))).encode(), "decimal commas"),
    "tabs": ("my plate.tsv", text(table_of(), "\t", "\r").encode(), "cells end at a tab"),
    "UTF-16": ("samples.csv", text(table_of(), "\t").encode("utf-16"), "read as UTF-16"),
    "backslashes": ("samples.csv", text(changed(path=lambda c: c.replace("/", "\\"))).encode(), "backslashes"),
    "case": ("samples.csv", text(changed(path=str.upper)).encode(), "upper and lower case"),
    "a drive": ("t.csv", text(changed(path=lambda c: "D:\\x\\" + c.replace("/", "\\"))).encode(), "root: D:/x"),
    "a drive, flat": ("t.csv", text(changed(path=lambda c: "D:\\old\\" + c[4:])).encode(), "root: D:/old"),
    "URLs": ("t.csv", text(changed(path=lambda c: "file:///mnt/a%20b/" + c)).encode(), "root: /mnt/a b"),
    "pandas": ("samples.csv", text({"": [str(i) for i in range(N)], **table_of()}).encode(), "counts the rows"),
}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_table_in_any_dialect(tmp_path: Path, capsys: Any, dialect: str) -> None:
    name, content, note = DIALECTS[dialect]
    folder = with_images(tmp_path / "plate")
    if "flat" in dialect:
        for path in (folder / "img").iterdir():
            path.rename(folder / path.name)
    (folder / name).write_bytes(content)
    dataset, out, _ = begun(folder, capsys)
    assert note in out
    right = table_of()
    assert dataset.ids.tolist() == right["key"]
    assert values(dataset) == [[10 * i] for i in range(N)]
    assert sorted(dataset.tasks) == ["dose", "treatment"]
    assert dataset.tasks["dose"].y.tolist() == [i / 4 for i in range(N)]
    task = dataset.tasks["treatment"]
    assert task.units.tolist() == right["well"]
    assert [task.classes[y] for y in task.y] == right["treatment"]


def test_an_excel_table_beside_its_lock(tmp_path: Path, capsys: Any) -> None:
    import openpyxl

    folder = with_images(tmp_path / "plate")
    book = openpyxl.Workbook()
    columns = {**table_of(), "dose": [i / 4 for i in range(N)]}
    for row in [list(columns), *zip(*columns.values(), strict=True)]:
        book.active.append(row)
    book.save(folder / "plate 7.xlsx")
    (folder / "~$plate 7.xlsx").write_bytes(b"lock")
    dataset, out, _ = begun(folder, capsys)
    assert "table: plate 7.xlsx, 24 rows, copied to samples.csv, which alone is read from now on" in out
    assert dataset.tasks["dose"].y.tolist() == [i / 4 for i in range(N)]
    assert values(dataset) == [[10 * i] for i in range(N)]


def test_columns_of_cellprofiler(tmp_path: Path, capsys: Any) -> None:
    names = [f"s{i:03}" for i in range(N)]
    folder = write(tmp_path / "plate", {f"img/{n}_{c}.png": 10 * i + c for i, n in enumerate(names) for c in (1, 2)})
    table = {
        "ImageNumber": [str(i) for i in range(N)],
        "FileName_DNA": [f"{name}_1.png" for name in names],
        "PathName_DNA": ["C:\\Users\\ada\\screen\\img"] * N,
        "URL_DNA": [f"file:///C:/Users/ada/screen/img/{name}_1.png" for name in names],
        "FileName_Actin": [f"{name}_2.png" for name in names],
        "PathName_Actin": ["C:\\Users\\ada\\screen\\img"] * N,
        "Metadata_Well": [f"A{i % 12:02}" for i in range(N)],
        "treatment": ["DMSO", "taxol"] * 12,
    }
    with (folder / "Image.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerows([list(table), *zip(*table.values(), strict=True)])
    dataset, out, _ = begun(folder, capsys)
    assert dataset.channels == ("DNA", "Actin")
    assert sorted(values(dataset)) == [[10 * i + 1, 10 * i + 2] for i in range(N)]
    assert len(set(dataset.tasks["treatment"].units.tolist())) == 12
    assert "folders: PathName_DNA before FileName_DNA, PathName_Actin before FileName_Actin" in out
    assert "URL_DNA: left out, since it names the files of FileName_DNA" in out


def test_what_comes_second_is_named(tmp_path: Path, capsys: Any) -> None:
    folder = with_images(tmp_path / "plate")
    more = {"patient": [f"p{i % 6}" for i in range(N)], "plate": list("ab") * 12, "run": list("aabb") * 6}
    (folder / "samples.csv").write_text(text({**table_of(), **more}), encoding="utf-8")
    _, out, notes = begun(folder, capsys)
    assert (
        "unit: patient (its name, and 6 values; verdicts are about these, not about images; runner-up: well, 12" in out
    )
    assert "batch: plate (its name, and 2 values; runner-up: run, 2 values)" in out
    assert "Unit: patient; columns that repeat, not on the card, and could be it: well (12 values)." in notes


def test_guesses_are_told_until_they_were_looked_at(tmp_path: Path, capsys: Any) -> None:
    folder = with_images(tmp_path / "plate")
    table = {key: cells for key, cells in table_of().items() if key not in ("dose", "well")}
    (folder / "samples.csv").write_text(text({**table, "slot": [f"x{i % 8}" for i in range(N)]}), encoding="utf-8")
    dataset, out, notes = begun(folder, capsys)
    assert "unit: each sample by itself (no other column sounds like donors, patients, slides or wells)" in out
    assert any("unit (each sample by itself)" in note and "tasks.treatment (label treatment)" in note for note in notes)
    assert (
        "Unit: each sample by itself; columns that repeat, not on the card, and could be it: slot (8 values)." in notes
    )
    card = (folder / "dataset.toml").read_text(encoding="utf-8")
    lines = [line for line in card.splitlines() if not line.startswith("guessed")]
    (folder / "dataset.toml").write_text("\n".join(lines), encoding="utf-8")
    after = load(folder)
    assert not any("Guessed" in note for note in after.tasks["treatment"].notes)
    assert after.digest == dataset.digest


def test_the_case_of_other_systems(tmp_path: Path, capsys: Any) -> None:
    folder = write_case("windows_paths", tmp_path / "case")
    means = {}
    for name in ("case", "21_cr", "21_semicolon", "21_tab", "21_utf16", "21_index", "21_pathname"):
        if name == "21_pathname":
            assert main(["data", "init", str(tmp_path / name)]) == 0
        dataset = load(tmp_path / name)
        means[name] = [round(float(dataset.images.read(i).pixels.mean()) * 255, 1) for i in range(len(dataset.ids))]
        assert len(set(next(iter(dataset.tasks.values())).units.tolist())) == 12
    assert folder.name in means
    assert all(found == means["case"] for found in means.values())
    assert means["case"][:3] == pytest.approx([43.6, 47.5, 51.4], abs=0.3)
    assert main(["data", "check", str(tmp_path / "21_nul")]) == 4
    assert "holds NUL bytes" in capsys.readouterr().out


def test_the_case_of_unicode_forms(tmp_path: Path) -> None:
    dataset = load(write_case("nfc_nfd", tmp_path / "case"))
    means = [float(dataset.images.read(i).pixels.mean()) * 255 for i in range(len(dataset.ids))]
    assert np.diff(means) == pytest.approx([4] * 23, abs=0.5)
    assert any("unlike the file's in Unicode form only" in note for note in dataset.tasks["t"].notes)


def test_codes_with_underscores_are_no_doses(tmp_path: Path, capsys: Any) -> None:
    folder = write_case("underscore_numbers", tmp_path / "case")
    (folder / "dataset.toml").unlink()
    assert main(["data", "init", str(folder)]) == 0
    card = (folder / "dataset.toml").read_text(encoding="utf-8")
    assert "regress" not in card.replace("classify | regress", "")
    assert "ridge" not in card


def test_a_vendors_format_is_told_how_to_be_converted(tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "a.czi").touch()
    assert main(["data", "init", str(tmp_path)]) == 4
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "convert it to OME-TIFF (bfconvert) or OME-Zarr (bioformats2raw)" in err
    (tmp_path / "samples.csv").write_text("id,path,label\n1,a.czi,x\n", encoding="utf-8")
    assert main(["data", "init", str(tmp_path)]) == 4
    assert "(column path names .czi); convert it to OME-TIFF" in capsys.readouterr().err
    write_image(tmp_path / "b.png", np.zeros((8, 8), np.uint8))
