from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from reprcheck.models import Precomputed, resolve
from reprcheck.types import Dataset, Image

from .made import images, line


class Nothing:
    def content(self, index: int) -> str:
        return ""

    def read(self, index: int) -> Image:
        raise AssertionError


IDS = ["a", "b", "c", "d"]
ROWS = np.array([2, 0, 3, 1])
"""Row of each sample in the table: the table holds b, d, a, c."""
DATASET = Dataset("wells", "culture", ("DNA",), np.array(IDS), ROWS, Nothing(), {}, "digest")
VECTORS = np.arange(8, dtype=np.float32).reshape(4, 2)
"""Row i belongs to IDS[i]."""


def model(path: Path) -> Precomputed:
    found = resolve(f"emb:{path}")
    assert isinstance(found, Precomputed)
    return found


def npy(tmp_path: Path, array: np.ndarray) -> Path:
    np.save(tmp_path / "v.npy", array)
    return tmp_path / "v.npy"


def parquet(tmp_path: Path, table: pd.DataFrame) -> Path:
    table.to_parquet(tmp_path / "v.parquet")
    return tmp_path / "v.parquet"


def test_a_npy_is_in_the_table_s_order(tmp_path: Path) -> None:
    in_table_order = np.empty_like(VECTORS)
    in_table_order[ROWS] = VECTORS
    found = model(npy(tmp_path, in_table_order.astype(np.float64))).vectors(DATASET)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, VECTORS)


@pytest.mark.parametrize("column", ["sample", "sample_id", "id", "image_id", None])
def test_a_parquet_is_by_sample_id(tmp_path: Path, column: str | None) -> None:
    order = [3, 1, 0, 2]
    table = pd.DataFrame(VECTORS[order], columns=["f0", "f1"])
    ids = [IDS[i] for i in order]
    table = table.set_index(pd.Index(ids)) if column is None else table.assign(**{column: ids, "note": "x"})
    table.loc[len(table) if column else "else"] = table.iloc[0]
    if column:
        table.loc[len(table) - 1, column] = "else"
    np.testing.assert_array_equal(model(parquet(tmp_path, table)).vectors(DATASET), VECTORS)


def test_a_column_of_lists_is_the_vector(tmp_path: Path) -> None:
    table = pd.DataFrame({"id": IDS, "vector": list(VECTORS), "plate": range(4)})
    np.testing.assert_array_equal(model(parquet(tmp_path, table)).vectors(DATASET), VECTORS)


def test_numbers_are_ids_too(tmp_path: Path) -> None:
    dataset = Dataset("n", "culture", ("x",), np.array(["10", "9"]), np.array([1, 0]), Nothing(), {}, "d")
    table = pd.DataFrame({"id": [9, 10], "f": [0.9, 1.0]})
    np.testing.assert_allclose(model(parquet(tmp_path, table)).vectors(dataset), [[1.0], [0.9]])


def test_nan_is_passed_on(tmp_path: Path) -> None:
    assert np.isnan(model(npy(tmp_path, np.full((4, 2), np.nan))).vectors(DATASET)).all()


def test_the_digest_is_of_the_bytes(tmp_path: Path) -> None:
    first = model(npy(tmp_path, VECTORS)).digest
    (tmp_path / "w.npy").write_bytes((tmp_path / "v.npy").read_bytes())
    assert model(tmp_path / "w.npy").digest == first
    assert model(npy(tmp_path, VECTORS + 1)).digest != first


def test_there_is_no_network_behind_it_but_plain_ones_to_compare_with(tmp_path: Path) -> None:
    precomputed = model(npy(tmp_path, VECTORS))
    assert precomputed.name == "v"
    assert precomputed.untrained(2, 0) is None
    assert line(lambda: precomputed.encoder(2)).endswith(
        "holds vectors, and no network to embed images with; name a model instead"
    )
    assert precomputed.plain(2, "vit", 0).encode(images(2, 2)).shape == (2, 192)


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (VECTORS[:3], "has 3 rows; the table of wells has 4; save one vector per row of the table, in its order"),
        (VECTORS[0], "holds float32[2], not float[N, D]"),
        (VECTORS.astype(int), "holds int64[4, 2], not float[N, D]"),
        (np.array([None, "x"]), "can't be read: ValueError: Object arrays cannot be loaded when allow_pickle=False"),
    ],
)
def test_a_wrong_npy(tmp_path: Path, array: np.ndarray, expected: str) -> None:
    path = npy(tmp_path, array)
    assert line(lambda: model(path).vectors(DATASET)).startswith(f"{path}: {expected}")


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        (pd.DataFrame({"id": ["a"], "f": [1.0]}), "lacks 3 of 4 samples of wells: b, c, d; add a row for each"),
        (pd.DataFrame({"id": ["a", "a"], "f": [1.0, 2.0]}), "has sample 'a' twice; keep one row per sample"),
        (pd.DataFrame({"id": IDS, "note": IDS}), "has no numeric column and no column of lists; add the vectors"),
        (
            pd.DataFrame({"id": IDS, "v": [[1.0], [1.0], [1.0, 2.0], [1.0]]}),
            "column v isn't one vector per row; make all lists equally long",
        ),
        (pd.DataFrame({"id": IDS, "v": [[1.0]] * 4, "w": [[1.0]] * 4}), "has 2 columns of lists: v, w; keep one"),
    ],
)
def test_a_wrong_parquet(tmp_path: Path, table: pd.DataFrame, expected: str) -> None:
    path = parquet(tmp_path, table)
    assert line(lambda: model(path).vectors(DATASET)).startswith(f"{path}: {expected}")


def test_wrong_files(tmp_path: Path) -> None:
    assert line(lambda: resolve("emb:no.npy")) == "model=emb:no.npy: no file no.npy; check the path"
    assert line(lambda: resolve("emb:a.csv")) == "model=emb:a.csv: can't read vectors from a.csv; use .npy or .parquet"
    (tmp_path / "v.parquet").write_bytes(b"no")
    assert "v.parquet: can't be read: ArrowInvalid" in line(lambda: model(tmp_path / "v.parquet").vectors(DATASET))
    assert line(lambda: resolve("emb:a.npy?size=3")).startswith("model=emb:a.npy?size=3: emb has no option 'size'")
