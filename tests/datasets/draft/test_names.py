"""What names tell is what they were made of, whichever microscope wrote them; planes never become channels."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprcheck.datasets.draft.patterns import read_names
from reprcheck.datasets.draft.tree import read_tree
from reprcheck.errors import UserError
from tests.datasets.draft.layouts import MICROSCOPES, Shot, touch


def some(n: int) -> st.SearchStrategy[list[int]]:
    return st.lists(st.integers(1, n), min_size=1, max_size=2, unique=True).map(sorted)


@settings(max_examples=60)
@given(
    microscope=st.sampled_from(sorted(MICROSCOPES)),
    wells=st.lists(st.tuples(st.integers(1, 16), st.integers(1, 24)), min_size=2, max_size=3, unique=True),
    fields=some(9),
    channels=st.integers(1, 4),
    slices=some(9),
    times=some(9),
)
def test_names_are_read_as_they_were_made(
    microscope: str, wells: Any, fields: list[int], channels: int, slices: list[int], times: list[int]
) -> None:
    name, channel_name = MICROSCOPES[microscope]
    shots = [
        Shot(*well, field, channel, z, time)
        for well, field, channel, z, time in product(wells, fields, range(1, channels + 1), slices, times)
    ]
    stems = [name(shot).rpartition(".")[0] for shot in shots]
    found = read_names(stems)
    assert found.microscope == microscope
    for shot, parts in zip(shots, found.parts, strict=True):
        assert parts is not None
        assert parts["well"] == shot.well
        for key, value, counts in (("field", shot.field, fields), ("z", shot.z, slices), ("time", shot.time, times)):
            if key in parts or len(counts) > 1:
                assert int(parts[key].lstrip("zt")) == value
        if channels > 1:
            assert parts["channel"] == channel_name(shot.channel)


@pytest.mark.parametrize("microscope", MICROSCOPES)
@pytest.mark.parametrize("around", ["", "drug/", "plates/"])
def test_a_row_for_each_image_and_a_column_for_each_channel(tmp_path: Path, microscope: str, around: str) -> None:
    name, channel_name = MICROSCOPES[microscope]
    folders = {"": [""], "drug/": ["dmso/", "taxol/"], "plates/": ["A17/", "A18/"]}[around]
    shots = [Shot(row, column, f, c, z) for row, column, f, c, z in product((1, 2), (3, 4), (1, 2), (1, 2), (1, 2, 3))]
    at = {  # plates have all wells each; a class has wells of its own
        shot: [folders[shot.row % 2]] if around == "drug/" else folders for shot in shots
    }
    touch(tmp_path, [f"{folder}{name(shot)}" for shot in shots for folder in at[shot]])
    tree = read_tree(tmp_path)
    rows = [dict(zip(tree.table, cells, strict=True)) for cells in zip(*tree.table.values(), strict=True)]
    expected = {
        (shot.row, shot.column, shot.field, shot.z, folder): {
            channel_name(c): f"{folder}{name(Shot(shot.row, shot.column, shot.field, c, shot.z))}" for c in (1, 2)
        }
        for shot in shots
        for folder in at[shot]
    }
    assert len(rows) == len(expected) == len({row["id"] for row in rows})
    assert sorted(tuple(sorted(files.items())) for files in expected.values()) == sorted(
        tuple((channel_name(c), row[channel_name(c)]) for c in (1, 2)) for row in rows
    )
    assert len(set(tree.table["well"])) == 4 * (2 if around == "plates/" else 1)
    assert sorted(set(tree.table["label"])) == (["dmso", "taxol"] if around == "drug/" else [""])
    assert tree.batch == ("plate" if around == "plates/" else None)
    (asked,) = tree.planes.items()
    assert (asked[0], int(asked[1].lstrip("z"))) == ("z", 2)
    assert any(reason.startswith("z: 3 slices of an image") for reason in tree.reasons)


@pytest.mark.parametrize(
    ("stem", "parts"),
    [
        ("MFGTMP_150106170001_A01f00d0", {"well": "A01", "field": "00", "channel": "d0"}),
        ("exp7_w1DAPI_s3_t2", {"channel": "1DAPI", "field": "3", "time": "2"}),
        ("A - 01(fld 1 wv UV - DAPI)", {"well": "A01", "channel": "UV - DAPI"}),
        ("r16c24f01p01rc1-ch1sk1fk1fl1", {"well": "P24"}),
        ("B02_s1_w107447158-AC76-4844-8431-E6A954BD1174", {"well": "B02", "field": "1", "channel": "w1"}),
        ("x_B02_w2_thumb07447158-AC76-4844-8431-E6A954BD1174", None),
    ],
)
def test_other_spellings(stem: str, parts: dict[str, str] | None) -> None:
    (found,) = read_names([stem]).parts
    assert found is None if parts is None else parts.items() <= (found or {}).items()


@pytest.mark.parametrize(
    ("stems", "names"),
    [
        (["r1_c1", "r1_c2", "r2_c1", "r2_c2"], ["well"]),  # a row and a column, never channel c1
        (["A01f1d0", "A01f1d1", "B01f1d0", "B01f1d1", "B01f2d0", "B01f2d1"], ["well", "field", "channel"]),
        (["img_t0_z0", "img_t0_z1", "img_t1_z0", "img_t1_z1"], ["time", "z"]),
        (
            ["p1_A01_1_1", "p1_A01_1_2", "p2_A01_1_1", "p2_A01_1_2", "p1_A02_1_1", "p1_A02_1_2"],
            ["plate", "well", "part4"],
        ),
        (["donor1_x_0", "donor1_y_0", "donor2_x_1", "donor2_y_1"], ["donor", "label", "part3"]),
        (["A1_01_DAPI_001", "A1_02_GFP_001", "B1_01_DAPI_001", "B1_02_GFP_001"], ["well", "part2", "channel"]),
        (["W0001F0001C1", "W0001F0001C2", "W0002F0001C1", "W0002F0001C2"], ["well", "channel"]),
        (["DAPI n000001", "GFP n000001", "DAPI n000002", "GFP n000002"], ["channel", "part2"]),
        (["a1b-0c_red", "a1b-0c_green", "d4e-5f_red", "d4e-5f_green"], ["part1", "part2", "channel"]),
        (["p1_1_DAPI", "p1_1_GFP", "p2_1_DAPI", "p2_1_GFP"], ["part1", "channel"]),
        (["im1", "im2", "im3"], ["part1"]),
        (["wt_1_DAPI", "wt_1_GFP", "ko_low_1_DAPI", "ko_low_1_GFP"], ["name", "channel"]),
        (["a", "b_c"], []),
    ],
)
def test_plain_names_by_their_parts(stems: list[str], names: list[str]) -> None:
    assert [list(parts or {}) for parts in read_names(stems).parts] == [names] * len(stems)


def told(tree: Any, start: str) -> str:
    (reason,) = (reason for reason in tree.reasons if reason.startswith(start))
    return str(reason)


def test_classes_or_plates_by_what_repeats_inside(tmp_path: Path) -> None:
    wells = [f"{row}{column:02}_s1.tif" for row in "AB" for column in range(1, 7)]
    tree = read_tree(touch(tmp_path / "plates", [f"{folder}/{well}" for folder in ("x7", "x8") for well in wells]))
    assert (tree.batch, set(tree.table["label"])) == ("plate", {""})
    assert told(tree, "plate:") == (
        "plate: the folder that an image lies in (2 folders: x7, x8; 12 of 12 names recur in each, as on plates; "
        "runner-up: classes)"
    )
    tree = read_tree(touch(tmp_path / "classes", [f"{'xy'[i % 2]}/{well}" for i, well in enumerate(wells)]))
    assert (tree.batch, sorted(set(tree.table["label"]))) == (None, ["x", "y"])
    assert "0 of 12 names recur in each; runner-up: plates" in told(tree, "label:")
    tree = read_tree(touch(tmp_path / "counted", [f"{folder}/{i}.png" for folder in ("x", "y") for i in range(5)]))
    assert "5 of 5 names recur in each, but only count; runner-up: plates" in told(tree, "label:")
    tree = read_tree(
        touch(tmp_path / "dyes", [f"{folder}/cell{i}.png" for folder in ("DAPI", "GFP") for i in range(5)])
    )
    assert tree.table["GFP"] == [f"GFP/cell{i}.png" for i in range(5)]
    tree = read_tree(touch(tmp_path / "named", [f"batch{i}/{c}/{c}{i}.png" for i in (1, 2) for c in "ab"]))
    assert (tree.batch, tree.table["label"]) == ("plate", ["a", "b", "a", "b"])


def test_folders_in_folders(tmp_path: Path) -> None:
    patients = [f"{c}/{c[0]}{p}/{i}.png" for c in ("tumour", "normal") for p in range(3) for i in range(2)]
    tree = read_tree(touch(tmp_path / "nested", patients))
    assert tree.table["label"] == [name.split("/")[0] for name in sorted(patients)]
    assert (tree.unit, sorted(set(tree.table["folder2"]))) == ("folder2", ["n0", "n1", "n2", "t0", "t1", "t2"])
    crossed = [f"{o}/{c}/{i}.png" for o in ("mon", "tue") for c in ("wt", "ko") for i in range(2)]
    tree = read_tree(touch(tmp_path / "crossed", crossed))
    assert (tree.batch, tree.table["label"]) == ("plate", [name.split("/")[1] for name in sorted(crossed)])
    tree = read_tree(
        touch(tmp_path / "split", [f"{s}/{c}/{s}{c}.png" for s in ("train", "test") for c in ("cat", "dog")])
    )
    assert sorted(zip(tree.table["split"], tree.table["label"], strict=True))[0] == ("test", "cat")
    assert 'test = { column = "split", equals = "test" }' in told(tree, "split:")
    tree = read_tree(touch(tmp_path / "deep", ["a/1.png", "b/c/2.png", "3.png"]))
    assert "images lie at several depths (1 in 0 folders, 1 in a folder, 1 in 2 folders)" in told(tree, "folders:")


def test_what_is_left_out_is_told(tmp_path: Path) -> None:
    name, _ = MICROSCOPES["MetaXpress"]
    names = [name(Shot(1, i, 1, c)) for i in range(1, 7) for c in (1, 2)]
    thumbs = [name.replace("_t1", "_thumb") for name in names[:2]]
    tree = read_tree(touch(tmp_path / "m", [*names, *thumbs, "overview.png", "x.czi", "y.czi"]))
    assert len(tree.table["id"]) == 6
    assert "left out: 2 thumbnails" in tree.reasons
    assert "left out: 1 images of other names, such as overview" in tree.reasons
    assert told(tree, "left out: 2 .czi").startswith(
        "left out: 2 .czi files, which aren't read: convert it to OME-TIFF"
    )
    (tmp_path / "m" / names[3]).unlink()
    tree = read_tree(tmp_path / "m")
    assert tree.table["w2"].count("") == 1
    assert "1 files are not there" in told(tree, "channels:")


def test_masks_by_name_and_by_folder(tmp_path: Path) -> None:
    names = [f"im{i}{end}" for i in range(4) for end in (".png", "_cp_masks.png")]
    assert read_tree(touch(tmp_path / "a", names)).table["mask"] == names[1::2]
    names = [f"{at}/im{i}.png" for at in ("images", "masks") for i in range(4)]
    assert read_tree(touch(tmp_path / "b", names)).table["mask"] == names[4:]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (
            ["a.nd2", "b.nd2"],
            "no image that can be read but 2 .nd2 files, which aren't read; convert it to OME-TIFF (bfco",
        ),
        (["slide.svs"], "1 .svs file, which aren't read; export regions as OME-TIFF (QuPath)"),
        (["a.png", "a.tif"], "a is there in several formats; keep one file for each image"),
        (["A01_s1_w1.png", "A01_s1_w1.tif", "A01_s1_w2.tif", "A02_s1_w1.tif", "A02_s1_w2.tif"], "several formats"),
        ([], "no table and no images; put the images there, or a samples.csv that names them"),
    ],
)
def test_what_cannot_be_begun_from(tmp_path: Path, names: list[str], message: str) -> None:
    with pytest.raises(UserError) as caught:
        read_tree(touch(tmp_path, names))
    assert message in str(caught.value)
