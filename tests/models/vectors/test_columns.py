"""No column of the dataset's own table is a feature, whatever it is called and however it is coded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reprcheck.models.vectors.bookkeeping import bookkeeping
from reprcheck.models.vectors.columns import _constant_within

from ..made import line
from .wells import DOSES, IDS, LABELS, NOISE, PLATES, SITES, UNITS, N, model, noted, parquet, task, wells

AGES = 20.0 + np.array([5, 3, 11, 0, 7, 2, 9, 1, 8, 4, 10, 6]).repeat(2)
FEATURES = {f"Cells_Texture_{k}": NOISE[:, k] for k in range(3)}


def known():
    """The wells, the age of each of whose donors is in the table, and tasks of two units."""
    sites = task(name="site", units=np.array([f"{a}/{b}" for a, b in zip(PLATES, SITES, strict=True)]))
    return wells(tasks=[task(), sites], columns={"age": AGES.astype(str)})


def used(folder: Path, columns: dict, dataset=None, **options) -> np.ndarray:
    return model(parquet(folder, {"well_image": IDS, **columns})).vectors(dataset or known())


@pytest.mark.parametrize(
    "name",
    [
        *(
            "Metadata_Plate",
            "metadata_site",
            "METADATA_WELL",
            "Metadata-dose",
            "Metadata",
            "Image_Metadata_Row",
            "meta_x",
        ),
        *("ImageNumber", "ObjectNumber", "Nuclei_Number_Object_Number", "Cells_Parent_Nuclei", "TableNumber"),
        *("Image_Height_DNA", "Image_Group_Index", "Image_Frame_DNA", "Image_Width_ER", "Image_Scaling_RNA"),
        *("Image_URL_DNA", "FileName_DNA", "PathName_DNA", "Image_ExecutionTime_01LoadData", "Image_ModuleError_03X"),
        *("Unnamed: 0", "Unnamed: 0.1", "level_0", "index", "label", "Label", "class_id", "target", "y_true"),
        *("site", "Plate", "WELL", "batch", "slide_id", "plate_barcode", "row", "Column", "patient", "image_index"),
        *("id", "Metadata_image_id", "sample_id"),
    ],
)
def test_a_name_that_says_bookkeeping_is_no_feature(tmp_path: Path, name: str) -> None:
    odd = np.arange(N) % 7 + np.linspace(0, 0.1, N)
    np.testing.assert_array_equal(used(tmp_path, {name: odd, **FEATURES}), NOISE)


@pytest.mark.parametrize(
    "name",
    [
        *("Cells_AreaShape_Area", "Nuclei_Texture_Contrast_DNA_3_00_256", "Cytoplasm_Intensity_MeanIntensity_ER"),
        *("Image_Granularity_1_DNA", "Cells_Neighbors_NumberOfNeighbors_Adjacent", "Image_Count_Nuclei", "f0", "0"),
        *("metabolism", "target_intensity", "efficientnet_12", "classy", "area", "dim_7", "Cells_Children_Spots_Count"),
    ],
)
def test_a_feature_s_name_isn_t_bookkeeping(name: str) -> None:
    assert bookkeeping(name) is None


def test_columns_are_told_with_their_count_and_rank(tmp_path: Path) -> None:
    path = parquet(tmp_path, {"well_image": IDS, "Metadata_dose": LABELS * 10.0, "note": IDS, **FEATURES})
    told = noted(path, wells())
    assert "3 columns ('Cells_Texture_0' to 'Cells_Texture_2') of rank 3; rows by sample id (well_image)." in told
    assert "Left out of the vectors, metadata by name: 'Metadata_dose' (1)." in told
    assert "Left out of the vectors, not of numbers: 'note' (1)." in told


@pytest.mark.parametrize("name", ["dose", "Dose", "Metadata_dose", "STATE", "Metadata_Site"])
def test_a_name_of_the_table_s_is_no_feature_whatever_it_holds(tmp_path: Path, name: str) -> None:
    np.testing.assert_array_equal(used(tmp_path, {name: NOISE[::-1, 0], **FEATURES}), NOISE)


SHUFFLED = np.random.default_rng(2).permutation(N)
CODES = {
    "label": LABELS,
    "label, counted down": 1 - LABELS,
    "label as float32": np.array([0.25, 0.75], np.float32)[LABELS],
    "label as one of many amounts": LABELS * 1e-7,
    "dose of the table": DOSES.astype(float),
    "dose as float32": DOSES.astype(np.float32) / 3,
    "site's own numbers": SITES.astype(int),
    "plate's codes": np.unique(PLATES, return_inverse=True)[1] + 41744,
    "plate's codes, shuffled": np.array([7.5, -1, 3])[np.unique(PLATES, return_inverse=True)[1]],
    "well's codes": np.unique(UNITS, return_inverse=True)[1] + 1,
    "one-hot of a plate": (PLATES == "p1") * 1,
    "age in months": AGES * 12 + 1.0,
    "age, logarithm": np.log(AGES),
    "age, falling": -AGES,
    "plate and well": np.unique([f"{a}/{b}" for a, b in zip(PLATES, SITES, strict=True)], return_inverse=True)[1],
    "count of rows": np.arange(N),
    "count of rows, shuffled": SHUFFLED + 100.0,
}


@pytest.mark.parametrize("what", CODES)
def test_what_the_table_holds_is_no_feature_under_another_name(tmp_path: Path, what: str) -> None:
    np.testing.assert_array_equal(used(tmp_path, {"Cells_Odd": CODES[what], **FEATURES}), NOISE)
    path = parquet(tmp_path, {"well_image": IDS, "Cells_Odd": CODES[what], **FEATURES})
    assert "'Cells_Odd' (1)." in noted(path, known())


@pytest.mark.parametrize("what", CODES)
def test_nor_in_an_array_without_names(tmp_path: Path, what: str) -> None:
    np.save(tmp_path / "v.npy", np.column_stack([NOISE[:, :2], CODES[what], NOISE[:, 2]]).astype(np.float64))
    np.testing.assert_array_equal(model(tmp_path / "v.npy").vectors(known()), NOISE)
    assert "'2' (1)." in noted(tmp_path / "v.npy", known())


def test_numbers_of_the_table_with_blank_cells_are_no_feature(tmp_path: Path) -> None:
    ages = ["" if i % 5 == 0 else str(20 + i * 1.5) for i in range(N)]
    numbers = np.array([33.0 if age == "" else float(age) for age in ages])
    found = used(tmp_path, {"Cells_Odd": numbers, **FEATURES}, wells(columns={"age": ages}))
    np.testing.assert_array_equal(found, NOISE)


HONEST = {
    "measured once per well": NOISE[::2, 0].repeat(2),
    "a count per well": np.random.default_rng(1).integers(50, 500, N // 2).repeat(2),
    "a count": np.random.default_rng(3).integers(0, 9, N),
    "nearly the label": np.where(np.arange(N) == 5, 1 - LABELS, LABELS),
    "label plus noise": LABELS + NOISE[:, 0] / 100,
    "mostly zero": (np.arange(N) == 7) * 1.0,
    "constant": np.ones(N),
}


@pytest.mark.parametrize("what", HONEST)
def test_what_only_resembles_the_table_is_a_feature(tmp_path: Path, what: str) -> None:
    found = used(tmp_path, {"Cells_Odd": HONEST[what], **FEATURES})
    np.testing.assert_array_equal(found, np.column_stack([HONEST[what].astype(np.float32), NOISE]))


def test_vectors_of_whole_units_are_features_where_each_class_is_one_unit(tmp_path: Path) -> None:
    compounds = np.arange(N) // 4
    one = task(y=compounds, classes=tuple("abcdef"), units=np.array([f"c{c}" for c in compounds]))
    dataset = wells(tasks=[one], columns={"compound": one.units.tolist()})
    profile = NOISE[::4].repeat(4, axis=0)
    np.testing.assert_array_equal(used(tmp_path, {f"f{k}": profile[:, k] for k in range(3)}, dataset), profile)


def test_a_task_of_some_samples_has_its_label_kept_out_too(tmp_path: Path) -> None:
    part = task(range(12))
    odd = np.where(np.arange(N) < 12, LABELS, 3 + np.arange(N) % 4)
    found = used(tmp_path, {"Cells_Odd": odd, **FEATURES}, wells(tasks=[part]))
    np.testing.assert_array_equal(found[:12], NOISE[:12])
    assert np.isnan(found[12:]).all()


def test_a_file_of_nothing_but_the_table_is_refused(tmp_path: Path) -> None:
    path = parquet(tmp_path, {"well_image": IDS, "Cells_A": LABELS, "plate": NOISE[:, 0], "Metadata_B": NOISE[:, 1]})
    said = line(lambda: model(path).vectors(wells()))
    assert "v.parquet: has no column of features for wells" in said
    assert all(word in said for word in ("'Cells_A'", "'plate'", "'Metadata_B'", "the label of state"))


@given(st.lists(st.integers(0, 3), min_size=1, max_size=40), st.data())
def test_one_value_throughout_each_group_against_brute_force(codes: list[int], data: st.DataObject) -> None:
    columns = data.draw(
        st.lists(st.lists(st.integers(0, 2), min_size=len(codes), max_size=len(codes)), min_size=1, max_size=4)
    )
    values = np.array(columns, np.float64).T
    expected = [
        j
        for j, column in enumerate(columns)
        if len(set(column)) > 1
        and all(len({v for v, c in zip(column, codes, strict=True) if c == g}) == 1 for g in set(codes))
    ]
    assert _constant_within(np.array(codes), values).tolist() == expected


def test_a_table_of_text_alone_says_so(tmp_path: Path) -> None:
    path = parquet(tmp_path, pd.DataFrame({"well_image": IDS, "f0": [f"{x:.3f}" for x in NOISE[:, 0]]}))
    assert "has no column of features ('well_image', 'f0': not of numbers)" in line(
        lambda: model(path).vectors(wells())
    )
