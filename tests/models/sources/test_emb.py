from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from reprcheck.datasets.catalogue import load
from reprcheck.models import draw_plain, resolve_model
from reprcheck.models.sources.emb import VectorFile
from reprcheck.types import Dataset, Image
from tests.cases import write_case
from tests.models.made import images, line


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


def model(path: Path) -> VectorFile:
    found = resolve_model(f"emb:{path}")
    assert isinstance(found, VectorFile)
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


def test_the_digest_is_of_what_is_used(tmp_path: Path) -> None:
    first = model(npy(tmp_path, VECTORS)).digest
    (tmp_path / "w.npy").write_bytes((tmp_path / "v.npy").read_bytes())
    assert model(tmp_path / "w.npy").digest == first
    assert model(npy(tmp_path, VECTORS.astype(np.float64))).digest == first
    assert model(npy(tmp_path, VECTORS[::-1])).digest != first
    assert model(npy(tmp_path, VECTORS + 1)).digest != first


def test_the_digest_of_rows_with_ids_knows_no_order(tmp_path: Path) -> None:
    table = pd.DataFrame(VECTORS, columns=["f0", "f1"]).assign(name=IDS, Metadata_Site=[4, 5, 6, 7])
    first = model(parquet(tmp_path, table)).digest
    np.savez(tmp_path / "v.npz", X=VECTORS, ids=IDS)
    arrays = model(tmp_path / "v.npz").digest
    np.savez(tmp_path / "w.npz", X=VECTORS[::-1], ids=IDS[::-1])
    np.savez(tmp_path / "x.npz", X=VECTORS, ids=IDS[::-1])
    assert model(tmp_path / "w.npz").digest == arrays != model(tmp_path / "x.npz").digest
    for same in (table[::-1], table.astype({"f0": np.float64}), table.sample(4, random_state=1)):
        assert model(parquet(tmp_path, same)).digest == first
    swapped, edited, renamed = table.copy(), table.copy(), table.rename(columns={"f0": "g0"})
    swapped["name"] = IDS[::-1]
    edited.loc[2, "f1"] += 1e-3
    for other in (swapped, edited, renamed, table[:3], table.drop(columns="f0")):
        assert model(parquet(tmp_path, other)).digest != first


def test_there_is_no_network_behind_it_but_plain_ones_to_compare_with(tmp_path: Path) -> None:
    precomputed = model(npy(tmp_path, VECTORS))
    assert precomputed.name == "v"
    assert precomputed.untrained(2, 0) is None
    assert line(lambda: precomputed.encoder(2)).endswith(
        "holds vectors, and no network to embed images with; name a model instead"
    )
    assert draw_plain(precomputed, 2, "vit", 0).encode(images(2, 2)).shape == (2, 192)


def test_wrong_files(tmp_path: Path) -> None:
    assert line(lambda: resolve_model("emb:no.npy")) == "model=emb:no.npy: no file no.npy; check the path"
    assert line(lambda: resolve_model("emb:a.txt")) == (
        "model=emb:a.txt: can't read vectors from a.txt; "
        "use one of .npy, .npz, .parquet, .csv, .tsv, .xlsx, .h5ad, .zarr"
    )
    assert line(lambda: resolve_model("emb:a.pt")).endswith(
        "can't read vectors from a.pt; pickles are never opened: use numpy.save"
    )
    (tmp_path / "v.parquet").write_bytes(b"no")
    assert "v.parquet: can't be read: ArrowInvalid" in line(lambda: model(tmp_path / "v.parquet").vectors(DATASET))
    assert line(lambda: resolve_model("emb:a.npy?size=3")).startswith(
        "model=emb:a.npy?size=3: emb has no option 'size'"
    )
    assert "keep one" in line(lambda: resolve_model(f"emb:{tmp_path}/v.parquet?key=a&obsm=b"))


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        (
            pd.DataFrame({"id": ["a"], "f": [1.0]}),
            "lacks 3 of 4 samples of wells: 'b', 'c', 'd'; its id holds 'a', all of",
        ),
        (pd.DataFrame({"id": ["a", "a"], "f": [1.0, 2.0]}), "has sample 'a' 2 times, by id; keep one row per sample"),
        (
            pd.DataFrame({"id": IDS, "v": [[1.0], [1.0], [1.0, 2.0], [1.0]]}),
            "column v isn't one vector per row; make all lists equally long",
        ),
        (
            pd.DataFrame({"id": IDS, "v": [[1.0]] * 4, "w": [[1.0]] * 4}),
            "has 2 columns of lists: 'v', 'w'; name the vectors, as in ?key=v",
        ),
    ],
)
def test_a_wrong_parquet(tmp_path: Path, table: pd.DataFrame, expected: str) -> None:
    path = parquet(tmp_path, table)
    assert line(lambda: model(path).vectors(DATASET)).startswith(f"{path}: {expected}")


def test_profiles_are_judged_by_their_six_columns_of_noise(tmp_path: Path) -> None:
    folder = write_case("emb_metadata_columns", tmp_path / "emb_metadata_columns")
    table, dataset = pd.read_parquet(folder / "profiles.parquet").set_index("id"), load(folder)
    noise = [f"Cells_Texture_{k}" for k in range(6)]
    profiles = model(folder / "profiles.parquet")
    np.testing.assert_array_equal(
        profiles.vectors(dataset), table.loc[dataset.ids.tolist(), noise].to_numpy(np.float32)
    )
    told = profiles.notes_on(dataset, dataset.tasks["t"])
    assert told[0] == "Vectors: 6 columns ('Cells_Texture_0' to 'Cells_Texture_5') of rank 6; rows by sample id (id)."
    assert told[1].startswith("Left out of the vectors, metadata by name: 'Metadata_Plate'")
    bare = table.rename(columns=lambda name: name.replace("Metadata_", "Cells_")).reset_index()
    bare.to_parquet(folder / "bare.parquet", index=False)
    left = model(folder / "bare.parquet").vectors(dataset)
    assert left.shape == (96, 7)  # the column of the site, which the dataset's table doesn't hold, stays
    np.testing.assert_array_equal(left[:, 1:], profiles.vectors(dataset))


def test_vectors_by_the_table_s_order_and_by_nothing(tmp_path: Path) -> None:
    folder = write_case("emb_rangeindex", tmp_path / "emb_rangeindex")
    dataset, rows = load(folder), pd.read_csv(folder / "samples.csv", dtype=str)["id"].tolist()
    stored = np.load(folder / "vectors.npy")
    expected = stored[[rows.index(name) for name in dataset.ids]]
    np.testing.assert_array_equal(model(folder / "vectors.npy").vectors(dataset), expected)
    assert "rows in the order of the table" in model(folder / "vectors.npy").notes_on(dataset, dataset.tasks["t"])[0]
    assert line(lambda: model(folder / "vectors.parquet").vectors(dataset)).startswith(
        f"{folder}/vectors.parquet: has no sample ids (pandas' own index counts rows, and names no samples)"
    )
    said_so = resolve_model(f"emb:{folder}/vectors.parquet?ids=none")
    assert isinstance(said_so, VectorFile)
    np.testing.assert_array_equal(said_so.vectors(dataset), expected)


@pytest.mark.parametrize(
    ("file", "what"),
    [
        ("nan", "3 values aren't finite numbers: 'Cells_AreaShape_2' is NaN for 3 of 96 samples ('4', '41', '78')"),
        (
            "big",
            "3 values aren't finite numbers: 'Cells_AreaShape_2' is beyond float32 for 3 of 96 samples ('4', '41', ",
        ),
        (
            "floatid",
            "lacks 96 of 96 samples of emb_nan_features: '1', '10', '11' …; its id holds '1.0', '2.0', '3.0' …; "
            "96 differ by a decimal point alone, as '1.0' here and '1' in the table; write whole numbers: astype(int)",
        ),
    ],
)
def test_numbers_and_ids_that_can_t_be_are_named(tmp_path: Path, file: str, what: str) -> None:
    folder = write_case("emb_nan_features", tmp_path / "emb_nan_features")
    path = folder / f"{file}.parquet"
    assert line(lambda: model(path).vectors(load(folder))).startswith(f"{path}: {what}")
