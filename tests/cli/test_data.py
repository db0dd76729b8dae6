"""`reprcheck data`: each kind of bad dataset in one line, several at once, what good ones say, and how one begins."""

from __future__ import annotations

import json
import re
import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from reprcheck.cli import main
from reprcheck.datasets.folder import open_folder
from reprcheck.errors import UserError
from tests.datasets.stores import write_image as write_store
from tests.minisets import write_dataset, write_image, write_table
from tests.traps import TRAPS

SHARED = Path(__file__).resolve().parents[2] / "../shared/data"
N = 12
Change = Callable[[Path], None]


def check(folder: Path, capsys: Any) -> tuple[int, dict[str, Any]]:
    """Run ``data check --json``; return the exit status and the document, its folder's name taken out of it."""
    status = main(["data", "check", str(folder), "--json"])
    return status, json.loads(capsys.readouterr().out.replace(f"{folder}/", "").replace(str(folder), "FOLDER"))


def cell(line: int, old: str, new: str) -> Change:
    """Change a line of the table."""

    def change(folder: Path) -> None:
        path = folder / "samples.csv"
        lines = path.read_text().splitlines()
        assert old in lines[line - 1]
        lines[line - 1] = lines[line - 1].replace(old, new)
        path.write_text("\n".join(lines) + "\n")

    return change


def picture(name: str, values: Any) -> Change:
    """Write another image, or other bytes, in place of one."""

    def change(folder: Path) -> None:
        if isinstance(values, bytes):
            (folder / name).write_bytes(values)
        else:
            write_image(folder / name, values)

    return change


def nothing(folder: Path) -> None:
    """Change nothing: the options have made the mistake."""


def open_and_read(folder: Path) -> None:
    """Open a dataset, and decode it."""
    dataset = open_folder(folder)
    for row in range(len(dataset.ids)):
        dataset.images.read(row)


def cut_in_half(folder: Path) -> None:
    whole = (folder / "images/003.tif").read_bytes()
    (folder / "images/003.tif").write_bytes(whole[: len(whole) // 2])


GREY = np.zeros((1, 12, 12), np.uint8)
NAN = np.where(np.eye(12) > 0, np.nan, 0.5).astype(np.float32)[None]
FLOATS = [np.full((1, 12, 12), 0.5, np.float32)] * N
BAD: dict[str, tuple[dict[str, Any], Change, str]] = {
    "no card": (
        {},
        lambda f: (f / "dataset.toml").unlink(),
        "FOLDER: no dataset.toml; write the card (see the dataset guide)",
    ),
    "no table": (
        {},
        lambda f: (f / "samples.csv").unlink(),
        "FOLDER: no samples.csv (samples.tsv, samples.parquet, samples.xlsx or samples.xlsm); write the sample table, "
        "one row per sample",
    ),
    "card not utf-8": (
        {},
        lambda f: (f / "dataset.toml").write_bytes(b"name = '\xff'"),
        "dataset.toml: isn't UTF-8 text (invalid start byte); save it as UTF-8",
    ),
    "unknown key": (
        {"card": {"licence": "CC0"}},
        nothing,
        "dataset.toml licence: unknown key; did you mean license?",
    ),
    "missing key": (
        {"card": {"kind": None}},
        nothing,
        "dataset.toml kind: missing; add kind to the card",
    ),
    "mistyped value": (
        {"card": {"kind": "cultur"}},
        nothing,
        "dataset.toml kind: 'cultur' is unknown; did you mean culture?",
    ),
    "wrong type": (
        {"card": {"channels": "DNA"}},
        nothing,
        "dataset.toml channels: 'DNA' is not a list of texts; write a list of texts",
    ),
    "fit without size": (
        {"card": {"fit": "pad"}},
        nothing,
        'dataset.toml size: missing, and fit = "pad" needs it; add size = [height, width]',
    ),
    "unknown column key": (
        {"columns": {"wells": "unit"}},
        nothing,
        "dataset.toml [columns] wells: unknown key; "
        "known: batch, distinct, folders, frame, ignored, image, mask, metadata, position, sample, types, unit",
    ),
    "no image column": (
        {"columns": {"image": None}},
        nothing,
        "dataset.toml [columns] image: missing; name the column of image files",
    ),
    "unknown protocol": (
        {"task": {"protocols": ["probe/9"]}},
        nothing,
        "dataset.toml [tasks.state] protocols: unknown protocol 'probe/9'; did you mean probe/2?",
    ),
    "protocol of another kind": (
        {"task": {"protocols": ["ridge/1"]}},
        nothing,
        "dataset.toml [tasks.state] protocols: 'ridge/1' scores tasks of kind 'regress', and this one is "
        "'classify'; known for 'classify': knn/1, nsc/1, nscb/1, probe/2",
    ),
    "column not there": (
        {"columns": {"batch": "plate"}},
        nothing,
        "samples.csv: no column 'plate', which [columns] batch names; did you mean path?",
    ),
    "label not there": (
        {"task": {"label": "stat"}},
        nothing,
        "samples.csv: no column 'stat', which [tasks.state] label names; known: id, label, path",
    ),
    "unnamed column": (
        {},
        cell(1, "label", ""),
        "samples.csv line 1: column 3 has no name; name it or remove it",
    ),
    "blank id": (
        {},
        cell(4, "s02", ""),
        "samples.csv line 4 column id: blank sample id; give each row an id",
    ),
    "duplicate id": (
        {},
        cell(9, "s07", "s02"),
        "samples.csv line 9 column id: sample 's02' is on line 4 too; give each row an id of its own",
    ),
    "ragged row": (
        {},
        cell(6, ",a", ",a,b"),
        "samples.csv line 6: 4 cells, and the header has 3; put the row right (quote cells that hold a comma)",
    ),
    "no rows": (
        {},
        lambda f: (f / "samples.csv").write_text("id,path,label\n"),
        "samples.csv: no samples; add one row per sample",
    ),
    "missing file": (
        {},
        lambda f: (f / "images/004.tif").unlink(),
        "samples.csv line 6 column path: no file 'images/004.tif' in the folder; put the images back, or remove "
        "the rows",
    ),
    "blank file": (
        {},
        cell(6, "images/004.tif", ""),
        "samples.csv line 6 column path: no image file; name the file, relative to the folder",
    ),
    "outside": (
        {},
        cell(6, "images/", "../"),
        "samples.csv line 6 column path: '../004.tif' lies outside the folder; move the image inside, or write "
        "allow_outside = true on the card",
    ),
    "unknown format": (
        {},
        cell(6, ".tif", ".gif"),
        "images/004.gif (samples.csv line 6): unknown image format '.gif'; write it again as PNG or TIFF",
    ),
    "not an image": (
        {"suffix": ".png"},
        picture("images/004.png", b"no image"),
        "can't be decoded, truncated or damaged",
    ),
    "truncated": (
        {},
        cut_in_half,
        "can't be decoded, truncated or damaged",
    ),
    "wrong channels": (
        {},
        picture("images/004.tif", np.zeros((3, 12, 12), np.uint8)),
        "images/004.tif (samples.csv line 6): found 3 channels, expected 1 (shape 3 x 12 x 12); put `channels` "
        "right on the card, or leave the image's row out of the task by `where`",
    ),
    "several sizes": (
        {},
        picture("images/004.tif", np.zeros((1, 9, 12), np.uint8)),
        "images/004.tif (samples.csv line 6): 9 x 12 pixels, and images must be of one size (000.tif is 12 x 12); add "
        'fit = "pad" (or "resize", "crop") and size = [height, width] to dataset.toml',
    ),
    "smaller than the crop": (
        {"card": {"fit": "crop", "size": [12, 12]}},
        picture("images/004.tif", np.zeros((1, 9, 12), np.uint8)),
        'images/004.tif (samples.csv line 6): 9 x 12 pixels, smaller than the crop of 12 x 12; use fit = "pad"',
    ),
    "mask of another size": (
        {"masks": True},
        picture("masks/004.png", np.zeros((9, 9), np.uint16)),
        "masks/004.png (samples.csv line 6): the mask is 9 x 9 pixels, its image 12 x 12; write the mask at the "
        "size of its image",
    ),
    "missing mask": (
        {"masks": True},
        lambda f: (f / "masks/004.png").unlink(),
        "samples.csv line 6 column mask: no file 'masks/004.png' in the folder; put the images back, or remove "
        "the rows",
    ),
    "types of another size": (
        {"masks": True, "types": ("x", "y")},
        picture("types/004.png", np.zeros((9, 9), np.uint16)),
        "types/004.png (samples.csv line 6): the type image is 9 x 9 pixels, its image 12 x 12; write the type image "
        "at the size of its image",
    ),
    "a type without a name": (
        {"masks": True, "types": ("x", "y")},
        picture("types/004.png", np.full((12, 12), 3, np.uint16)),
        "types/004.png (samples.csv line 6): a type 3, and cell_types names 1 to 2; name every type there, or write 0 "
        "where there is none",
    ),
    "missing types": (
        {"masks": True, "types": ("x", "y")},
        lambda f: (f / "types/004.png").unlink(),
        "samples.csv line 6 column types: no file 'types/004.png' in the folder; put the images back, or remove "
        "the rows",
    ),
    "types without names": (
        {"masks": True, "types": ("x", "y"), "card": {"cell_types": None}},
        nothing,
        "dataset.toml cell_types: missing, and [columns] types needs it; name the types of values 1, 2 and so on",
    ),
    "types without masks": (
        {"types": ("x", "y")},
        nothing,
        "dataset.toml [columns] types: has no effect without mask; add mask: label images of the same cells",
    ),
    "not finite": (
        {"images": FLOATS, "suffix": ".npy"},
        picture("images/004.npy", NAN),
        "images/004.npy (samples.csv line 6): holds values that are not finite (NaN or infinity); replace them, "
        "then write it again",
    ),
    "floats out of range": (
        {"images": FLOATS, "suffix": ".npy"},
        picture("images/004.npy", GREY.astype(np.float32) + 7),
        "images/004.npy (samples.csv line 6): floats from 7 to 7, outside [0, 1]; say on the card what becomes 0 "
        "and 1: value_range = [low, high]",
    ),
    "bad frame": (
        {"extra": {"z": ["0"] * 11 + ["x"]}, "columns": {"frame": "z"}},
        nothing,
        "samples.csv line 13 column z: 'x' is no frame number; count frames from 0",
    ),
    "no such frame": (
        {"extra": {"z": ["0"] * 11 + ["3"]}, "columns": {"frame": "z"}},
        nothing,
        "images/011.tif (samples.csv line 13): no frame 3: the file holds 1 (counted from 0); put the frame "
        "column right",
    ),
    "label no number": (
        {"labels": [float(i) for i in range(N)]},
        cell(5, ",3.0", ",high"),
        "samples.csv line 5 column label: 'high' is not a number; write a finite number, or leave the cell blank "
        "to leave the row out",
    ),
    "label constant": (
        {"labels": [1.0] * N},
        nothing,
        "samples.csv column label ([tasks.state]): the label is 1 in all 12 samples; a regression needs a label "
        "that varies",
    ),
    "one class": (
        {"labels": ["a"] * N},
        nothing,
        "samples.csv column label ([tasks.state]): one class only (a); a task needs two or more classes",
    ),
    "no rows left": (
        {"task": {"where": {"label": "c"}}},
        nothing,
        "samples.csv column label ([tasks.state]): where label names 'c', and no row holds it; the column holds a, b",
    ),
    "no labels": (
        {"labels": [""] * N},
        nothing,
        "samples.csv column label: no rows left for [tasks.state]: all are left out by where, exclude or a blank "
        "label; loosen the filters, or fill in the labels",
    ),
    "blank unit": (
        {"units": ["u", "v", "w"] * 4},
        cell(5, ",u", ","),
        "samples.csv line 5 column unit: blank unit; name the unit of each sample of a task",
    ),
    "class in one batch": (
        {"labels": ["a", "b"] * 5 + ["c", "c"], "batches": ["p"] * 6 + ["q"] * 6, "task": {"holdout": "batch"}},
        nothing,
        'samples.csv column batch ([tasks.state]): class c is found in one batch only (q), so holdout = "batch" '
        "can't both learn and test it; exclude the class, or add it in another batch",
    ),
    "class in one unit": (
        {"labels": ["a", "b"] * 5 + ["c", "c"], "units": [f"u{i // 2}" for i in range(N)]},
        nothing,
        "samples.csv column unit ([tasks.state]): class c is found in one unit only (u5), so folds over units "
        "can't both learn and test it; exclude the class, or add it in another unit",
    ),
    "one batch": (
        {"batches": ["p"] * N, "task": {"holdout": "batch"}},
        nothing,
        'samples.csv column batch ([tasks.state]): all samples are in one batch (p), and holdout = "batch" needs '
        'two or more; add samples of another batch, or use holdout = "unit": verdicts then cover this batch alone',
    ),
    "nested units at odds": (
        {"extra": {"well": list("wxyz" * 3), "donor": [*"ddee" * 2, *"edee"]}, "columns": {"unit": ["well", "donor"]}},
        nothing,
        "samples.csv line 10 column well: well w lies in 2 donors (d, e); give each well a name of its own, such "
        'as e-w, or leave well out of `unit`; if both together name a unit, write { join = ["donor", "well"] }',
    ),
    "controls match nothing": (
        {"task": {"control": {"column": "label", "equals": "DMSO"}}},
        nothing,
        "samples.csv column label ([tasks.state]): control names 'DMSO', and no row holds it; the column holds a, b",
    ),
    "field smaller than a tile": (
        {"card": {"tiles": {"size": 16}}, "labels": ["a", "b"], "images": [np.zeros((1, 16, 16), np.uint8), GREY]},
        nothing,
        "samples.csv line 3 column id: field s01 is smaller than a tile of 16 pixels; lower [tiles] size, or "
        "remove the row",
    ),
}
PARTS = {"not an image", "truncated"}
"""What a library says is in the message: its text is another from version to version."""


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_dataset_is_one_clear_line(tmp_path: Path, capsys: Any, kind: str) -> None:
    options, change, line = BAD[kind]
    folder = write_dataset(tmp_path / "mini", **options)
    change(folder)
    status, found = check(folder, capsys)
    told = [problem["line"] for problem in found["problems"]]
    assert status == 4
    if kind in PARTS:
        assert len(told) == 1
        end = re.escape("; write the file again, or remove the row")
        assert re.fullmatch(rf"images/00\d\.\w+ \(samples.csv line \d\): {re.escape(line)} \(.*\){end}", told[0])
    else:
        assert told == [line]
    with pytest.raises(UserError) as caught:
        open_and_read(folder)  # the strict door says the same
    assert [str(caught.value).replace(f"{folder}/", "").replace(str(folder), "FOLDER")] == told


def ruined(folder: Path) -> Path:
    """Write a dataset with a dozen mistakes, on all of its files."""
    write_dataset(
        folder,
        labels=["a", "b"] * 24,
        masks=True,
        units=[f"u{i // 2}" for i in range(48)],
        extra={"dose": [str(i) for i in range(48)]},
        card={"kind": "cell", "licence": "CC0"},
        tasks={
            "dose": {"kind": "regress", "label": "dose", "protocols": ["ridge/1"]},
            "lost": {"kind": "clasify", "label": "label", "protocols": ["prob/1"]},
        },
    )
    cell(4, "s02", "s02,")(folder)
    cell(8, "s06", "s05")(folder)
    cell(9, "images/", "../")(folder)
    cell(9, "u3", "")(folder)
    cell(10, "images/", "img/")(folder)
    for line in range(11, 46):
        cell(line, f",{line - 2}", ",high")(folder)
    for number in range(20, 32):
        (folder / f"images/{number:03}.tif").write_bytes(b"II*")
    write_image(folder / "masks/033.png", np.zeros((5, 5), np.uint8))
    write_image(folder / "images/034.tif", np.zeros((3, 12, 12), np.uint8))
    return folder


def test_all_mistakes_are_found_at_once(tmp_path: Path, capsys: Any) -> None:
    status, found = check(ruined(tmp_path / "mini"), capsys)
    told = [problem["line"].partition(": ")[0] for problem in found["problems"]]
    assert status == 4
    assert told == [
        "dataset.toml licence",
        "dataset.toml kind",
        "dataset.toml [tasks.lost] kind",
        "dataset.toml [tasks.lost] protocols",
        "samples.csv line 4",
        "samples.csv line 8 column id",
        "samples.csv line 9 column path",
        "samples.csv line 10 column path",
        "samples.csv line 9 column unit",
        *(f"samples.csv line {line} column dose" for line in range(11, 46)),
        *(f"images/{number:03}.tif (samples.csv line {number + 2})" for number in range(20, 32)),
        "masks/033.png (samples.csv line 35)",
        "images/034.tif (samples.csv line 36)",
    ]
    first = found["problems"][5]
    assert {key: first[key] for key in ("file", "row", "column", "problem", "remedy")} == {
        "file": "samples.csv",
        "row": "line 8",
        "column": "column id",
        "problem": "sample 's05' is on line 7 too",
        "remedy": "give each row an id of its own",
    }


@pytest.mark.parametrize("width", [80, 140])
def test_the_table_fits_and_tells_what_repeats_once(tmp_path: Path, capsys: Any, monkeypatch: Any, width: int) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.chdir(tmp_path)  # a long path would wrap
    ruined(Path("mini"))
    assert main(["data", "check", "mini"]) == 4
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= width
    text = " ".join(out.split())
    assert out.startswith("mini  58 problems")
    assert text.count("is not a number") == 1
    assert "and 34 more rows: line 12," in text
    assert "and 11 more images: images/021.tif," in text
    assert out.splitlines()[1].split()[0] == ("where" if width == 80 else "file")


def test_no_such_folder(capsys: Any, tmp_path: Path) -> None:
    for command in ("check", "init"):
        assert main(["data", command, str(tmp_path / "none")]) == 4
        err = capsys.readouterr().err
        assert err.startswith(f"ERROR: {tmp_path}/none: no such folder; name a folder that holds ")
        assert err.count("\n") == 1


def test_a_good_folder_is_one_line_and_its_notes(tmp_path: Path, capsys: Any) -> None:
    folder = write_dataset(tmp_path / "mini", batches=["p"] * 10 + ["q", "r"], labels=["a", "b"] * 6)
    assert main(["data", "check", str(folder / "dataset.toml")]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert out.startswith("mini 12 rows, 12 images decoded, 1 task: no problem")
    assert "- Confound: batches with one class only: q (a), r (b)." in out
    status, found = check(folder, capsys)
    assert (status, found["problems"], found["checked"]) == (0, [], {"rows": 12, "images": 12})
    assert "Confound: batches with one class only: q (a), r (b)." in found["notes"]["state"]


def test_a_mistake_hides_no_confound(tmp_path: Path, capsys: Any, monkeypatch: Any) -> None:
    """Sizes that differ are refused, and that they give the label away, as the batches do, is told all the same."""
    monkeypatch.setenv("COLUMNS", "120")
    n = 24
    sizes = [(1, 10, 10 + 2 * (i % 2)) for i in range(n)]
    images = [np.random.default_rng(i).integers(0, 256, size, dtype=np.uint8) for i, size in enumerate(sizes)]
    images[2] = images[0]
    folder = write_dataset(
        tmp_path / "mini", labels=["a", "b"] * (n // 2), batches=["p", "q"] * 6 + ["r"] * 12, images=images
    )
    status, found = check(folder, capsys)
    (problem,) = found["problems"]
    assert status == 4
    assert problem["line"] == (
        "images/001.tif (samples.csv line 3): 10 x 12 pixels, and images must be of one size (000.tif is 10 x 10; 11 "
        'more differ from it); add fit = "pad" (or "resize", "crop") and size = [height, width] to dataset.toml'
    )
    notes = found["notes"]["state"]
    assert "Confound: batches with one class only: p (a), q (b)." in notes
    assert any(note.startswith("Confound: image size alone predicts the label: 1.00") for note in notes), notes
    assert any("s00 and s02" in note or "s00, s02" in note for note in notes), notes
    assert main(["data", "check", str(folder)]) == 4
    assert "- Confound: batches with one class only: p (a), q (b)." in capsys.readouterr().out


def test_an_image_that_is_lost_hides_no_confound_and_folds_that_fail_neither(tmp_path: Path, capsys: Any) -> None:
    folder = write_dataset(tmp_path / "mini", labels=["a", "b"] * 6, batches=["p", "q"] * 6, task={"holdout": "batch"})
    (folder / "images/003.tif").unlink()
    status, found = check(folder, capsys)
    told = [problem["problem"] for problem in found["problems"]]
    assert (status, told[0]) == (4, "no file 'images/003.tif' in the folder")
    assert len(told) == 5  # both classes and both batches, and the file
    assert "Confound: classes found in one batch only: a (p), b (q)." in found["notes"]["state"]
    unseen = "Not looked at yet: values of pixels, and copies of images, of which 1 aren't seen."
    assert unseen in found["notes"]["state"]


def test_what_is_grouped_is_named_and_a_search_that_found_nothing_says_so(tmp_path: Path, capsys: Any) -> None:
    columns = {"unit": "well", "batch": "plate", "position": "place"}
    folder = write_dataset(tmp_path / "mini", columns=columns)
    assert main(["data", "check", str(folder)]) == 4
    out = " ".join(capsys.readouterr().out.split())
    assert "3 problems" in out
    assert all(f"no column '{name}'" in out for name in columns.values())
    assert "more image" not in out
    folder = write_dataset(tmp_path / "lost", labels=["a", "b", ""] * 4)
    assert main(["data", "check", str(folder)]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "- 4 samples left out: without a label." in out
    assert "- no confound found" in out


def test_names_in_messages_are_never_edited(tmp_path: Path, capsys: Any, monkeypatch: Any) -> None:
    """Not where a folder is called like an option, like a folder within it, or holds two blanks."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    for name in ("--dataset=", "images", "a  b"):
        write_dataset(tmp_path / name)
        (tmp_path / name / "images/004.tif").unlink()
        line = (
            f"{name}/samples.csv line 6 column path: no file 'images/004.tif' in the folder; put the images back, or "
        )
        assert main(["audit", "--", name]) == 4
        assert capsys.readouterr().err == f"ERROR: {line}remove the rows\n"
        assert main(["data", "check", "--", name]) == 4
        assert "no file 'images/004.tif' in the folder" in capsys.readouterr().out
    assert main(["audit", "--", "--dataset=x"]) == 4
    assert capsys.readouterr().err.startswith("ERROR: --dataset=x: no such folder, simulated or public dataset; ")


def test_zarr_images_are_decoded_too(tmp_path: Path, capsys: Any) -> None:
    folder = write_dataset(tmp_path / "zarr", shape=(1, 12, 12))
    for i in range(12):
        values = np.random.default_rng(i).integers(0, 256, (1, 12, 12), dtype=np.uint8)
        write_store(folder / "images" / f"{i:03}.zarr", [values], "CYX")
    table = folder / "samples.csv"
    table.write_text(table.read_text(encoding="utf-8").replace(".tif", ".zarr"), encoding="utf-8")
    status, found = check(folder, capsys)
    assert (status, found["checked"]["images"]) == (0, 12)
    shutil.rmtree(folder / "images/005.zarr/0")
    status, found = check(folder, capsys)
    assert (status, found["checked"]["images"]) == (4, 11)
    (problem,) = found["problems"]
    assert "005.zarr" in json.dumps(problem)


def test_rows_that_no_task_uses_are_not_decoded(tmp_path: Path, capsys: Any) -> None:
    folder = write_dataset(tmp_path / "mini", labels=["a", "b"] * 5 + ["", ""])
    (folder / "images/011.tif").write_bytes(b"no image")
    assert check(folder, capsys)[1]["checked"] == {"rows": 12, "images": 10}


# --- show ---------------------------------------------------------------------------------------------------------


def test_show_counts_and_draws(tmp_path: Path, capsys: Any, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    folder = write_dataset(
        tmp_path / "mini",
        labels=["a", "b", "a"] * 4,
        units=[f"u{i // 3}" for i in range(N)],
        batches=["p", "q"] * 6,
        shape=(3, 20, 16),
        tasks={"dose": {"kind": "regress", "label": "dose", "protocols": ["ridge/1"]}},
        extra={"dose": [str(i) for i in range(N)]},
    )
    assert main(["data", "show", str(folder)]) == 0
    out = capsys.readouterr().out
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert lines[0] == "mini culture, 12 samples, 2 tasks"
    assert "sizes: 20 x 16 (12)" in lines
    assert {"a 8 4 2", "b 4 4 2", "p 6 4 2", "u3 3 2 1", "0 to 2 3 1 2"} <= set(lines)
    assert lines[-1] == "contact sheet: contact-sheet.png"
    with Image.open(tmp_path / "contact-sheet.png") as sheet:
        assert sheet.mode == "RGB"
        assert np.asarray(sheet).std() > 10
    assert max(map(len, out.splitlines())) <= 80


def test_show_takes_a_name(tmp_path: Path, capsys: Any) -> None:
    assert main(["data", "show", "sim-culture-known", f"--out={tmp_path}/known.png"]) == 0
    assert "sizes: 96 x 96 (288)" in capsys.readouterr().out
    assert (tmp_path / "known.png").is_file()


def test_show_tells_what_is_wrong(tmp_path: Path, capsys: Any) -> None:
    folder = write_dataset(tmp_path / "mini")
    (folder / "images/004.tif").unlink()
    assert main(["data", "show", str(folder), f"--out={tmp_path}/sheet.png"]) == 4
    assert "no file 'images/004.tif'" in capsys.readouterr().out
    assert not (tmp_path / "sheet.png").exists()
    assert main(["data", "show", "nope"]) == 4
    assert main(["data", "show", str(folder), "--out=sheet.jpg"]) == 4
    assert "--out=sheet.jpg: not the name of a PNG file; let it end in .png" in capsys.readouterr().err


# --- init ---------------------------------------------------------------------------------------------------------


def begun(folder: Path, capsys: Any, status: int = 0) -> tuple[dict[str, Any], str]:
    """Run ``data init``, then ``data check`` for its exit status; return the card and what was printed."""
    assert main(["data", "init", str(folder)]) == 0
    out = capsys.readouterr().out
    assert main(["data", "check", str(folder)]) == status
    capsys.readouterr()
    return tomllib.loads((folder / "dataset.toml").read_text()), out


@pytest.mark.parametrize("table", ["samples.csv", "samples.parquet", "cells.csv"])
def test_init_from_a_table(tmp_path: Path, capsys: Any, table: str) -> None:
    import pandas as pd

    n = 24
    folder = write_dataset(
        tmp_path / "my plate",
        labels=["a", "b"] * 12,
        images=[np.zeros((2, 8 + i % 2, 9), np.uint8) for i in range(n)],
        shape=(2, 8, 9),
        extra={
            "plate": ["p", "p", "q", "q"] * 6,
            "well": [f"A{i // 4 + 1:02}" for i in range(n)],
            "donor": [f"d{i // 4}" for i in range(n)],
            "dose": list(range(n)),
        },
    )
    (folder / "dataset.toml").unlink()
    rows = pd.read_csv(folder / "samples.csv", dtype=str)
    (folder / "samples.csv").unlink()
    rows.to_parquet(folder / table) if table.endswith("parquet") else rows.to_csv(folder / table, index=False)
    card, out = begun(folder, capsys)
    assert card["columns"] == {"sample": "id", "image": "path", "unit": "donor", "batch": "plate", "position": "well"}
    assert (card["name"], card["channels"], card["fit"], card["size"]) == ("my-plate", ["c0", "c1"], "pad", [9, 9])
    assert card["tasks"]["label"] == {
        "kind": "classify",
        "label": "label",
        "holdout": "batch",
        "protocols": ["probe/2", "knn/1"],
    }
    assert card["tasks"]["dose"]["kind"] == "regress"
    assert "unit: donor (its name, and 6 values; verdicts are about these, not about images)" in out
    assert f"next: reprcheck data check {folder}" in out


def test_init_from_folders_of_classes(tmp_path: Path, capsys: Any) -> None:
    folder = tmp_path / "cells"
    for name in ("dead", "alive"):
        for i in range(6):
            (folder / "images" / name).mkdir(parents=True, exist_ok=True)
            write_image(folder / f"images/{name}/{i}.png", np.full((8, 8, 3), 20 * i, np.uint8))
    card, out = begun(folder, capsys)
    assert card["columns"] == {"sample": "id", "image": "path"}
    assert card["channels"] == ["R", "G", "B"]
    assert (
        "label: the folder that an image lies in (2 folders: alive, dead; 6 of 6 names recur in each, but only count"
        in out
    )
    assert open_folder(folder).tasks["label"].classes == ("alive", "dead")


def test_init_from_a_pattern_of_names(tmp_path: Path, capsys: Any) -> None:
    folder = tmp_path / "plate7"
    folder.mkdir()
    for i in range(16):
        for channel in ("gfp", "dapi"):
            name = f"{'AB'[i % 2]}{i // 4 + 1:02}_f{i // 2 % 2}_{('wt', 'ko')[i // 8]}_{channel}.tif"
            write_image(folder / name, np.full((8, 8), i, np.uint16))
    card, out = begun(folder, capsys)
    assert card["columns"] == {"sample": "id", "image": ["dapi", "gfp"], "unit": "well", "position": "well"}
    assert card["channels"] == ["dapi", "gfp"]
    assert "channels: dapi, gfp, a file each (16 images of 32 files)" in out
    task = open_folder(folder).tasks["label"]
    assert (task.classes, len(task.rows), len(set(task.units))) == (("ko", "wt"), 16, 8)


def test_init_without_a_label_says_what_is_left_to_do(tmp_path: Path, capsys: Any) -> None:
    folder = tmp_path / "plate"
    folder.mkdir()
    for i in range(4):
        write_image(folder / f"A{i + 1:02}_f00.png", np.full((8, 8), i, np.uint8))
    _, out = begun(folder, capsys, status=4)
    assert "label: not known, no name tells it; fill in the column of samples.csv" in out
    assert "# to be completed: fill in the column label of the table" in (folder / "dataset.toml").read_text()


def test_init_finds_masks_frames_and_the_range_of_floats(tmp_path: Path, capsys: Any) -> None:
    folder = tmp_path / "stack"
    (folder / "masks").mkdir(parents=True)
    write_image(folder / "stack.npy", np.linspace(-2, 900, 12 * 64, dtype=np.float32).reshape(12, 8, 8))
    write_table(
        folder / "samples.csv",
        {
            "cell": [f"c{i}" for i in range(12)],
            "file": ["stack.npy"] * 12,
            "index": list(range(12)),
            "state": ["x", "y"] * 6,
        },
    )
    card, _ = begun(folder, capsys)
    assert card["columns"]["frame"] == "index"
    assert card["value_range"] == [-2.0, 900.0]
    (folder / "dataset.toml").unlink()
    (folder / "samples.csv").unlink()
    (folder / "stack.npy").unlink()
    for i in range(8):
        write_image(folder / f"{('x', 'y')[i % 2]}_{i}.png", np.full((8, 8), i, np.uint8))
        write_image(folder / f"masks/{('x', 'y')[i % 2]}_{i}.png", np.eye(8, dtype=np.uint8))
    card, _ = begun(folder, capsys)
    assert card["columns"]["mask"] == "mask"


@pytest.mark.parametrize(("highest", "guessed"), [(3, ["type1", "type2", "type3"]), (21, None)])
def test_init_finds_types_beside_a_mask(tmp_path: Path, capsys: Any, highest: int, guessed: Any) -> None:
    folder = write_dataset(
        tmp_path / "mini", masks=True, types=[str(i) for i in range(highest)], labels=["a", "b"] * 12
    )
    table = folder / "samples.csv"
    table.write_text(table.read_text().replace("mask,types", "cells_mask,type_mask", 1))
    (folder / "dataset.toml").unlink()
    card, reasons = begun(folder, capsys)
    assert card["columns"]["mask"] == "cells_mask"
    assert card["columns"].get("types") == ("type_mask" if guessed else None)
    assert card.get("cell_types") == guessed
    assert card["columns"]["image"] == "path"
    assert ("types: none (the values of type_mask aren't whole numbers up to 20)" in reasons) == (guessed is None)


def test_init_leaves_out_what_has_no_folds(tmp_path: Path, capsys: Any) -> None:
    folder = write_dataset(
        tmp_path / "mini",
        labels=["a", "b"] * 20 + ["rare"],
        extra={"treatment": ["t"] * 20 + ["c"] * 21, "well": ["A1"] * 20 + ["A2"] * 21},
    )
    (folder / "dataset.toml").unlink()
    card, out = begun(folder, capsys)
    assert card["tasks"]["label"]["min_per_class"] == 10
    assert "task treatment: left out (class c is found in one unit only (A2), so folds over units can't both" in out


def test_init_never_overwrites_unless_told(tmp_path: Path, capsys: Any) -> None:
    folder = write_dataset(tmp_path / "mini")
    before = (folder / "dataset.toml").read_text()
    assert main(["data", "init", str(folder)]) == 4
    assert capsys.readouterr().err == f"ERROR: {folder}/dataset.toml: is there already; add --force to overwrite it\n"
    assert (folder / "dataset.toml").read_text() == before
    table = (folder / "samples.csv").read_text()
    assert main(["data", "init", str(folder), "--force"]) == 0
    assert (folder / "dataset.toml").read_text() != before
    assert (folder / "samples.csv").read_text() == table
    assert {path.name for path in folder.iterdir()} == {"dataset.toml", "samples.csv", "images"}


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, ": no table and no images; put the images there, or a samples.csv that names them"),
        (
            {"a.csv": "x\n", "b.csv": "x\n"},
            ": several tables (a.csv, b.csv); call the one with a row per image samples, as in samples.csv",
        ),
        (
            {"samples.csv": "id,path\n1,x.png\n"},
            ": no column of the table names image files of this folder (column path names 'x.png', and no such file is "
            "here); add one, with names relative to the folder",
        ),
    ],
)
def test_init_needs_something_to_guess_from(tmp_path: Path, capsys: Any, files: dict[str, str], message: str) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    assert main(["data", "init", str(tmp_path)]) == 4
    assert capsys.readouterr().err == f"ERROR: {tmp_path}{message}\n"


# --- the real sets ------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared datasets are not beside this checkout")
@pytest.mark.parametrize("name", TRAPS)
def test_a_real_set_passes_with_its_traps_named(name: str, capsys: Any) -> None:
    status, found = check(SHARED / name, capsys)
    assert (status, found["problems"]) == (0, [])
    for task, traps in TRAPS[name].items():
        for trap in traps:
            assert any(told.startswith(trap) for told in found["notes"][task]), (trap, found["notes"][task])
