"""Every format gives the same vectors, whoever wrote it; none or several of them is refused; nothing is unpickled."""

from __future__ import annotations

import gzip
import pickle
from collections.abc import Callable
from pathlib import Path

import anndata
import h5py
import numcodecs
import numpy as np
import pandas as pd
import pytest
import zarr
from scipy import sparse

from reprcheck.models.vectors.suffixes import SUFFIXES

from ..made import line
from .wells import IDS, NOISE, PLATES, N, model, noted, parquet, wells

BACK = np.arange(N)[::-1]
"""Files hold the samples from last to first."""
VECTORS = NOISE[BACK]
COLUMNS = ["f0", "f1", "f2"]


def objects(values: object) -> pd.Index:
    """An index that this version of anndata can write."""
    return pd.Index(values, dtype=object)


def table() -> pd.DataFrame:
    return pd.DataFrame(VECTORS, columns=COLUMNS).assign(well_image=IDS[BACK], Metadata_Site=np.arange(N) % 4 + 0.5)


def annotated(names: object = IDS[BACK], **obsm: object) -> anndata.AnnData:
    plates = pd.Categorical(PLATES[BACK]).rename_categories(objects(["p0", "p1", "p2"]))
    obs = pd.DataFrame({"image": objects(IDS[BACK]), "plate": plates})
    obs.index, obs.columns = objects(names), objects(obs.columns)
    made = anndata.AnnData(VECTORS, obs, pd.DataFrame(index=objects(COLUMNS), columns=objects([])))
    made.obsm.update(obsm)
    return made


def no_x(**obsm: object) -> anndata.AnnData:
    made = annotated(**obsm)
    made.X = None
    return made


def csv(path: Path, sep: str = ",", opened: Callable = open, index: bool = False) -> None:
    with opened(path, "wt", encoding="utf-8") as file:
        (table().set_index("well_image") if index else table()).to_csv(file, sep=sep, index=index)


def zarr_group(path: Path) -> None:
    group = zarr.create_group(str(path))
    group.create_array("embeddings", data=VECTORS)
    group.create_array("ids", data=IDS[BACK])


WRITERS: dict[str, Callable[[Path], object]] = {
    "v.npy": lambda path: np.save(path, NOISE),
    "float64.npy": lambda path: np.save(path, NOISE.astype(np.float64)),
    "fortran.npy": lambda path: np.save(path, np.asfortranarray(NOISE)),
    "big-endian.npy": lambda path: np.save(path, NOISE.astype(">f4")),
    "V.NPY": lambda path: (np.save(path.with_suffix(".npy"), NOISE), path.with_suffix(".npy").rename(path)),
    "one.npz": lambda path: np.savez(path, NOISE),
    "ids.npz": lambda path: np.savez_compressed(path, vectors=VECTORS, ids=IDS[BACK], labels=np.arange(N) % 2),
    "bytes.npz": lambda path: np.savez(path, X=VECTORS, image_ids=IDS[BACK].astype("S"), scale=np.float32(2)),
    "key.npz": lambda path: np.savez(path, well_image=IDS[BACK], X=VECTORS, class_codes=np.eye(N, 3, dtype=int)),
    "names.npz": lambda path: np.savez(
        path,
        X=np.column_stack([VECTORS, BACK % 5 / 3]),
        ids=IDS[BACK],
        columns=np.array([*COLUMNS, "Metadata_Site"]),
    ),
    "v.parquet": lambda path: table().to_parquet(path, index=False),
    "nullable.parquet": lambda path: table().convert_dtypes().to_parquet(path, index=False),
    "lists.parquet": lambda path: table().assign(v=list(VECTORS), n=1.5).drop(columns=COLUMNS).to_parquet(path),
    "v.csv": csv,
    "semicolons.csv": lambda path: csv(path, ";"),
    "index.csv": lambda path: csv(path, index=True),
    "v.csv.gz": lambda path: csv(path, opened=gzip.open),
    "commas.csv": lambda path: table().to_csv(path, sep=";", decimal=",", index=False),
    "utf-16.csv": lambda path: table().to_csv(path, encoding="utf-16", index=False),
    "counted.csv": lambda path: table().to_csv(path),
    "v.xlsx": lambda path: table().to_excel(path, index=False),
    "v.tsv": lambda path: csv(path, "\t"),
    "x.h5ad": lambda path: annotated().write_h5ad(path),
    "zipped.h5ad": lambda path: annotated().write_h5ad(path, compression="gzip"),
    "obsm.h5ad": lambda path: no_x(X_pca=VECTORS).write_h5ad(path),
    "sparse.h5ad": lambda path: no_x(X_pca=sparse.csr_matrix(VECTORS)).write_h5ad(path),
    "csc.h5ad": lambda path: no_x(X_pca=sparse.csc_matrix(VECTORS)).write_h5ad(path),
    "frame.h5ad": lambda path: no_x(
        X=pd.DataFrame(VECTORS, index=objects(IDS[BACK]), columns=objects(COLUMNS))
    ).write_h5ad(path),
    "v.zarr": lambda path: zarr.save_array(str(path), NOISE),
    "old.zarr": lambda path: zarr.save_array(str(path), NOISE, zarr_format=2),
    "group.zarr": zarr_group,
    "anndata.zarr": lambda path: annotated().write_zarr(path),
}


@pytest.mark.filterwarnings("ignore")  # of the libraries that write
@pytest.mark.parametrize("name", WRITERS)
def test_every_format_gives_the_same_vectors(tmp_path: Path, name: str) -> None:
    WRITERS[name](tmp_path / name)
    found = model(tmp_path / name).vectors(wells())
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, NOISE)


def test_every_suffix_is_tried() -> None:
    assert set(SUFFIXES) <= {Path(name.removesuffix(".gz")).suffix for name in WRITERS}


@pytest.mark.parametrize("dtype", [np.float16, np.int8, np.uint16, np.int64])
def test_numbers_of_every_real_type_are_read(tmp_path: Path, dtype: type) -> None:
    numbers = (NOISE * 20).astype(np.int8).astype(dtype)
    np.save(tmp_path / "v.npy", numbers)
    np.testing.assert_array_equal(model(tmp_path / "v.npy").vectors(wells()), numbers.astype(np.float32))


@pytest.mark.filterwarnings("ignore")
def test_one_of_several_arrays_is_named_by_the_user(tmp_path: Path) -> None:
    other = VECTORS * 2
    np.savez(tmp_path / "v.npz", last=VECTORS, pooled=other, ids=IDS[BACK])
    annotated(X_pca=other).write_h5ad(tmp_path / "v.h5ad")
    for option in ("key=pooled", "key=last"):
        found = model(tmp_path / "v.npz", option).vectors(wells())
        np.testing.assert_array_equal(found, NOISE * (2 if option == "key=pooled" else 1))
    for option in ("obsm=X_pca", "key=X_pca", "key=obsm/X_pca", "key=X"):
        found = model(tmp_path / "v.h5ad", option).vectors(wells())
        np.testing.assert_array_equal(found, NOISE * (1 if option == "key=X" else 2))
    path = parquet(tmp_path, {"id": IDS, "a": list(NOISE), "b": list(NOISE * 2)})
    np.testing.assert_array_equal(model(path, "key=b").vectors(wells()), NOISE * 2)

    assert line(lambda: model(tmp_path / "v.npz").vectors(wells())).endswith(
        "v.npz: holds 2 arrays that could be the vectors: ids <U3[24], last float32[24, 3], pooled float32[24, 3]; "
        "name one, as in ?key=last"
    )
    assert line(lambda: model(tmp_path / "v.h5ad").vectors(wells())).endswith(
        "v.h5ad: holds 2 arrays that could be the vectors: X [24, 3], obsm/X_pca [24, 3]; name one, as in ?obsm=X_pca"
    )
    assert "?key=a" in line(lambda: model(path).vectors(wells()))
    for file, option, what in (
        ("v.npz", "key=pool", "has no array 'pool'; did you mean pooled?"),
        ("v.h5ad", "obsm=X_pc", "holds no 'obsm/X_pc'; did you mean obsm/X_pca?"),
        ("v.parquet", "key=c", "has no column of lists named 'c'; known: a, b"),
    ):
        wanting = model(tmp_path / file, option)
        assert line(lambda wanting=wanting: wanting.vectors(wells())).endswith(what)


@pytest.mark.filterwarnings("ignore")
def test_anndata_s_own_numbering_is_no_id(tmp_path: Path) -> None:
    annotated([str(i) for i in range(N)]).write_h5ad(tmp_path / "v.h5ad")
    numbers = wells([str(i) for i in range(N)])
    assert "(its obs_names only count rows)" in line(lambda: model(tmp_path / "v.h5ad").vectors(numbers))
    np.testing.assert_array_equal(model(tmp_path / "v.h5ad", "ids=obs_names").vectors(numbers), VECTORS)
    np.testing.assert_array_equal(model(tmp_path / "v.h5ad").vectors(wells(key="image")), NOISE)


@pytest.mark.filterwarnings("ignore")
def test_columns_of_obs_and_of_metadata_are_no_features(tmp_path: Path) -> None:
    made = annotated()
    made.var_names = objects(["f0", "Metadata_Site", "f2"])
    made.obs["score"] = np.arange(N) * 1.5
    made.write_h5ad(tmp_path / "v.h5ad")
    np.testing.assert_array_equal(model(tmp_path / "v.h5ad").vectors(wells()), NOISE[:, [0, 2]])
    assert "2 columns ('f0', 'f2')" in noted(tmp_path / "v.h5ad", wells())


def test_file_names_beside_an_array_are_never_passed_over(tmp_path: Path) -> None:
    np.savez(tmp_path / "v.npz", X=VECTORS, filenames=[f"img/{i}.png" for i in IDS[BACK]])
    said = line(lambda: model(tmp_path / "v.npz").vectors(wells()))
    assert (
        "has no sample ids that I know, though 'filenames' may be: 'img/s23.png', 'img/s22.png', 'img/s21.png' …"
        in said
    )
    assert said.endswith("say ?ids=filenames, or ?ids=none where rows are in the order of the table")
    np.testing.assert_array_equal(model(tmp_path / "v.npz", "ids=none").vectors(wells(order=BACK)), NOISE)


def test_ids_of_another_number_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "v.npz", X=VECTORS, ids=IDS[:20])
    assert "array 'ids' names 20 rows, and 'X' has 24" in line(lambda: model(tmp_path / "v.npz").vectors(wells()))


class Bomb:
    def __reduce__(self) -> tuple:
        return (Path.touch, (Path("exploded"),))


def test_ids_that_are_objects_are_refused_rather_than_passed_over(tmp_path: Path) -> None:
    np.savez(tmp_path / "v.npz", vectors=NOISE, ids=np.array(IDS[BACK], dtype=object))
    said = line(lambda: model(tmp_path / "v.npz").vectors(wells()))
    assert "array 'ids' holds pickled objects, which are never opened" in said
    assert "save it as text: ids.astype(str)" in said


@pytest.mark.filterwarnings("ignore")
def test_nothing_is_unpickled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    loaded = np.array([[Bomb()]], dtype=object)
    np.save("v.npy", loaded, allow_pickle=True)
    np.savez("v.npz", X=loaded)
    np.savez("beside.npz", X=NOISE, metadata=loaded)
    root = zarr.open_group("v.zarr", mode="w", zarr_format=2)
    root.create_array("X", data=NOISE)
    (Path("v.zarr") / "o").mkdir()
    (Path("v.zarr/o/.zarray")).write_text(
        '{"zarr_format": 2, "shape": [1, 1], "chunks": [1, 1], "dtype": "<f4", "compressor": null, "fill_value": 0, '
        '"order": "C", "filters": [{"id": "pickle", "protocol": 5}]}'
    )
    Path("v.zarr/o/0.0").write_bytes(numcodecs.Pickle().encode(loaded))
    for name in ("v.npy", "v.npz", "v.zarr"):
        said = line(lambda name=name: model(Path(name)).vectors(wells()))
        assert name in said
        assert "pickle" in said or "holds no array of vectors" in said
    np.testing.assert_array_equal(model(Path("beside.npz")).vectors(wells()), NOISE)
    for name in ("v.pkl", "v.pt"):
        Path(name).write_bytes(pickle.dumps(Bomb()))
        assert "pickles are never opened: use numpy.save" in line(lambda name=name: model(Path(name)))
    assert not Path("exploded").exists()
    pickle.loads(pickle.dumps(Bomb()))
    assert Path("exploded").exists()  # the trap works


@pytest.mark.parametrize(
    ("array", "what"),
    [
        (NOISE[0], "holds float32[3], not float[N, D]"),
        (NOISE[:, None, :], "make one vector of each sample: take the mean, or one of its tokens"),
        (NOISE[:, :0], "holds float32[24, 0], not float[N, D]"),
        (NOISE > 0, "holds bool[24, 3], not float[N, D]; say that they are numbers"),
        (NOISE.astype(complex), "save real and imaginary parts as columns of their own"),
        (NOISE.astype(str), "save one vector of floats per row of the table"),
        (np.zeros(N, [("id", "U3"), ("f", "f4")]), "holds records ('id', 'f'); write them as a Parquet table"),
        (np.array(0.5), "holds float64[], not float[N, D]"),
    ],
)
def test_a_wrong_array(tmp_path: Path, array: np.ndarray, what: str) -> None:
    np.save(tmp_path / "v.npy", array)
    assert what in line(lambda: model(tmp_path / "v.npy").vectors(wells()))


@pytest.mark.parametrize("name", [f"v{suffix}" for suffix in SUFFIXES] + ["v.csv.gz"])
@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"no such thing"])
def test_a_damaged_file_is_one_line(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    assert name in line(lambda: model(tmp_path / name).vectors(wells()))
    assert name in line(lambda: model(tmp_path / name).digest)


def test_a_head_that_declares_more_than_there_is(tmp_path: Path) -> None:
    head = b"\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, 'shape': (2000000, 2000000), }"
    (tmp_path / "v.npy").write_bytes(head + b" " * (127 - len(head)) + b"\n" + NOISE.tobytes())
    assert "v.npy: can't be read" in line(lambda: model(tmp_path / "v.npy").vectors(wells()))


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("id\ns00\n", "has no column of features ('id': not of numbers)"),
        ("id,f\ns00,1\ns01,1,2\n", "line 3: 3 cells, and the header has 2"),
        ("id,f,f\ns00,1,2\n", "two columns are named 'f'"),
        ("id,f\ns00,1_0\n", "has no column of features ('id', 'f': not of numbers)"),
        (",f\ns00,1\n", "column 1 has no name; name it"),
    ],
)
def test_a_wrong_text_file(tmp_path: Path, text: str, what: str) -> None:
    (tmp_path / "v.csv").write_text(text)
    assert what in line(lambda: model(tmp_path / "v.csv").vectors(wells()))


def test_how_a_text_file_was_read_is_told(tmp_path: Path) -> None:
    WRITERS["commas.csv"](tmp_path / "v.csv")
    assert "v.csv: cells end at a semicolon." in noted(tmp_path / "v.csv", wells())


def test_ids_of_a_text_file_keep_their_zeros(tmp_path: Path) -> None:
    ids = [f"{i:03}" for i in range(N)]
    (tmp_path / "v.csv").write_text(
        "\n".join(["id,f", *(f"{i},{float(x)!r}" for i, x in zip(ids, NOISE[:, 0], strict=True))])
    )
    np.testing.assert_array_equal(model(tmp_path / "v.csv").vectors(wells(ids)), NOISE[:, :1])


def test_what_is_left_of_a_table_read_as_text_is_numbers_or_told(tmp_path: Path) -> None:
    rows = [
        f"{i},{float(x)!r},{'' if n % 3 else 1},high" for n, (i, x) in enumerate(zip(IDS, NOISE[:, 0], strict=True))
    ]
    (tmp_path / "v.csv").write_text("\n".join(["id,f,gap,level", *rows]))
    assert "'gap' is NaN for 16 of 24 samples ('s01', 's02', 's04' …)" in line(
        lambda: model(tmp_path / "v.csv").vectors(wells())
    )


def test_an_older_h5ad_is_told_apart(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "v.h5ad", "w") as file:
        file["X"] = NOISE
        file["obs"] = np.zeros(N, [("index", "S3")])
    assert "isn't an AnnData of anndata 0.7 or later" in line(lambda: model(tmp_path / "v.h5ad").vectors(wells()))
