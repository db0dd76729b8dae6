"""Each sample gets its own row: by its id as written, by the table's order where that is said, or not at all."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ..made import line
from .wells import IDS, NOISE, N, model, noted, parquet, task, wells

FEATURES = pd.DataFrame(NOISE, columns=["f0", "f1", "f2"])
NUMBERS = [str(i) for i in range(N)]


def with_ids(ids: object, name: str = "well_image") -> pd.DataFrame:
    return FEATURES.assign(**{name: ids})


@given(st.permutations(range(N)), st.permutations(range(N)))
def test_neither_the_order_of_the_file_nor_of_the_table_matters(tmp_path_factory, rows, order) -> None:
    path = parquet(tmp_path_factory.mktemp("v"), with_ids(IDS).iloc[rows].reset_index(drop=True))
    found = model(path)
    np.testing.assert_array_equal(found.vectors(wells(order=order)), NOISE)
    assert found.digest == model(parquet(path.parent, with_ids(IDS), "w.parquet")).digest


@given(st.permutations(range(N)))
def test_an_array_is_in_the_order_of_the_table(tmp_path_factory, order) -> None:
    folder, in_table = tmp_path_factory.mktemp("v"), np.empty_like(NOISE)
    in_table[order] = NOISE
    np.save(folder / "v.npy", in_table)
    np.testing.assert_array_equal(model(folder / "v.npy").vectors(wells(order=order)), NOISE)


@pytest.mark.parametrize("name", ["well_image", "sample", "sample_id", "id", "image_id", "ID", "Metadata_Well_Image"])
def test_columns_of_these_names_hold_ids(tmp_path: Path, name: str) -> None:
    path = parquet(tmp_path, with_ids(IDS, name).iloc[::-1])
    np.testing.assert_array_equal(model(path).vectors(wells()), NOISE)
    assert f"rows by sample id ({name})" in noted(path, wells())


def test_the_dataset_s_own_name_for_ids_goes_before_all_others(tmp_path: Path) -> None:
    path = parquet(tmp_path, with_ids(IDS).assign(id=IDS[::-1], sample="x"))
    np.testing.assert_array_equal(model(path).vectors(wells()), NOISE)


def test_an_index_holds_ids_where_it_has_their_name_or_is_text(tmp_path: Path) -> None:
    for index in (pd.Index(IDS), pd.Index(IDS, name="well_image"), pd.Index(IDS, name="whatever")):
        path = parquet(tmp_path, FEATURES.set_index(index).iloc[::-1])
        np.testing.assert_array_equal(model(path).vectors(wells()), NOISE)
    numbered = FEATURES.set_index(pd.RangeIndex(N, name="well_image"))
    np.testing.assert_array_equal(model(parquet(tmp_path, numbered)).vectors(wells(NUMBERS)), NOISE)
    pair = FEATURES.set_index([pd.Index(IDS, name="image_id"), pd.Index(range(N), name="n")])
    np.testing.assert_array_equal(model(parquet(tmp_path, pair)).vectors(wells()), NOISE)


@pytest.mark.parametrize(
    "index",
    [
        pd.RangeIndex(N),
        pd.RangeIndex(1, N + 1),
        pd.Index(np.arange(N)[::-1]),
        pd.RangeIndex(N, name="index"),
        pd.Index(NUMBERS),
        pd.Index(NUMBERS[::-1]),
        "filtered",
    ],
)
def test_pandas_own_index_is_no_id_even_where_ids_are_numbers(tmp_path: Path, index: object) -> None:
    table = (
        FEATURES.set_index(index) if not isinstance(index, str) else pd.concat([FEATURES] * 2).reset_index(drop=True)
    )
    path = parquet(tmp_path, table[::2] if isinstance(index, str) else table)
    said = line(lambda: model(path).vectors(wells(NUMBERS)))
    assert said.startswith(f"{path}: has no sample ids")
    assert "wells has '0', '1', '2' …; add them as a column well_image, or say ?ids=none" in said


def test_the_user_may_say_what_holds_the_ids(tmp_path: Path) -> None:
    path = parquet(tmp_path, with_ids(IDS, "barcode").assign(id=IDS[::-1]))
    np.testing.assert_array_equal(model(path, "ids=barcode").vectors(wells()), NOISE)
    np.testing.assert_array_equal(model(path, "ids=id").vectors(wells()), NOISE[::-1])
    np.testing.assert_array_equal(model(path, "ids=none").vectors(wells(order=np.arange(N)[::-1])), NOISE[::-1])
    assert "rows in the order of the table" in noted(path, wells(), "ids=none")
    assert line(lambda: model(path, "ids=barcod").vectors(wells())).endswith("did you mean barcode?")


def test_text_that_holds_every_id_is_ids_whatever_its_name(tmp_path: Path) -> None:
    path = parquet(tmp_path, with_ids(IDS, "png").iloc[::-1].assign(other=IDS))
    assert "hold every sample id, and disagree; say ?ids=png or ?ids=other" in line(
        lambda: model(path).vectors(wells())
    )
    path = parquet(tmp_path, with_ids(IDS, "png").iloc[::-1].assign(other=[f"x{i}" for i in IDS]))
    np.testing.assert_array_equal(model(path).vectors(wells()), NOISE)
    assert "rows by sample id (png)" in noted(path, wells())


def test_two_columns_that_agree_are_one(tmp_path: Path) -> None:
    path = parquet(tmp_path, with_ids(IDS, "id").assign(sample=IDS, image_id="other"))
    np.testing.assert_array_equal(model(path).vectors(wells()), NOISE)


def test_rows_of_other_samples_are_left_out_and_told(tmp_path: Path) -> None:
    more = pd.concat([with_ids([f"other{i}" for i in range(N)]), with_ids(IDS)], ignore_index=True)
    np.testing.assert_array_equal(model(parquet(tmp_path, more)).vectors(wells()), NOISE)
    assert "24 rows of other samples left out" in noted(parquet(tmp_path, more), wells())


def test_samples_that_no_task_asks_for_may_be_missing(tmp_path: Path) -> None:
    path, dataset = parquet(tmp_path, with_ids(IDS)[8:]), wells(tasks=[task(range(8, N))])
    np.testing.assert_array_equal(model(path).vectors(dataset)[8:], NOISE[8:])
    assert "lacks 8 of 24 samples of wells: 's00', 's01', 's02' …" in line(lambda: model(path).vectors(wells()))


def test_a_sample_there_twice_is_refused(tmp_path: Path) -> None:
    path = parquet(tmp_path, pd.concat([with_ids(IDS), with_ids(IDS)[3:4]]))
    assert "has sample 's03' 2 times, by well_image; keep one row" in line(lambda: model(path).vectors(wells()))
    path = parquet(tmp_path, pd.concat([with_ids(IDS)] * 3))
    said = line(lambda: model(path).vectors(wells()))
    assert "has 24 samples more than once, by well_image: 's00', 's01', 's02' …" in said


SPELLINGS: dict[str, tuple[Callable[[int], str], Callable[[int], object], str]] = {
    "padded in the table": (lambda i: f"{i:03}", lambda i: i, "leading zeros"),
    "padded in the file": (lambda i: str(i), lambda i: f"{i:03}", "leading zeros"),
    "padded within": (lambda i: f"w{i:02}_s{i:03}", lambda i: f"w{i}_s{i}", "leading zeros"),
    "floats": (lambda i: str(i + 1), lambda i: float(i + 1), "a decimal point"),
    "case": (lambda i: f"Well{i}", lambda i: f"wELL{i}", "upper and lower case"),
    "spaces": (lambda i: f"a {i}", lambda i: f" a  {i} ", "spaces"),
    "NFD": (
        lambda i: f"Köln{i}",
        lambda i: unicodedata.normalize("NFD", f"Köln{i}"),
        "Unicode form (NFC, NFD)",
    ),
    "path": (lambda i: f"s{i}.tif", lambda i: f"/data/plate 1/s{i}.tif", "a folder"),
    "Windows path": (lambda i: f"s{i}.tif", lambda i: f"D:\\data\\s{i}.tif", "a folder"),
    "suffix": (lambda i: f"s{i}", lambda i: f"s{i}.ome.tiff", "a file's suffix"),
    "path and suffix": (lambda i: f"s{i}", lambda i: f"images/s{i}.png", "a folder and a file's suffix"),
    "path in the table": (lambda i: f"images/s{i}.png", lambda i: f"s{i}", "a folder and a file's suffix"),
    "case and zeros": (lambda i: f"A{i:02}", lambda i: f"a{i}", "upper and lower case and leading zeros"),
    "separators": (lambda i: f"p1_A{i}", lambda i: f"p1-A{i}", "separators"),
}


@pytest.mark.parametrize("what", SPELLINGS)
def test_ids_that_differ_by_spelling_are_refused_and_the_difference_told(tmp_path: Path, what: str) -> None:
    ours, theirs, difference = SPELLINGS[what]
    ids, path = [ours(i) for i in range(N)], parquet(tmp_path, with_ids([theirs(i) for i in range(N)]))
    samples = sorted(ids)
    said = line(lambda: model(path).vectors(wells(samples)))
    assert f"differ by {difference} alone" in said
    assert f"samples of wells: {', '.join(map(repr, samples[:3]))} …" in " ".join(said.split())
    assert said.count("'") >= 12  # three ids of each side


def test_ids_that_have_nothing_in_common_are_shown(tmp_path: Path) -> None:
    path = parquet(tmp_path, with_ids([f"zebra{i}" for i in range(N)]))
    said = line(lambda: model(path).vectors(wells()))
    assert (
        "'s00', 's01', 's02' …; its well_image holds 'zebra0', 'zebra1', 'zebra2' …; write one row per sample" in said
    )


def test_a_spelling_that_would_make_two_ids_one_is_not_suggested(tmp_path: Path) -> None:
    path = parquet(tmp_path, with_ids([f"{i // 2:0{1 + i % 2}}x" for i in range(N)]))
    said = line(lambda: model(path).vectors(wells([f"{i:03}x" for i in range(N)])))
    assert "leading zeros" not in said


def test_rows_that_are_too_many_or_lie_across(tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", np.ones((5, 3)))
    assert line(lambda: model(tmp_path / "v.npy").vectors(wells())).endswith(
        "has 5 rows; the table of wells has 24; save one vector per row of the table, in its order, or beside ids"
    )
    np.save(tmp_path / "v.npy", NOISE.T)
    assert line(lambda: model(tmp_path / "v.npy").vectors(wells())).endswith("it has 24 columns: transpose it")
    np.save(tmp_path / "v.npy", NOISE[:12])
    limited = wells(tasks=[task(range(12))])
    assert "has 24 (12 are judged)" in line(lambda: model(tmp_path / "v.npy").vectors(limited))
