"""RxRx3-core in miniature: three experiments of genes and one of compounds, JPEG 2000 planes in two Parquet shards."""

from __future__ import annotations

import pickle

import imagecodecs
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from reprcheck.datasets.public import open_public
from reprcheck.datasets.public.checks import REMEDY
from reprcheck.errors import UserError
from tests.datasets.public.culture import MISSING, flat, levels, refused, without_column
from tests.minisets import write_table

HEADER = (
    *("well_id", "experiment_name", "plate", "address", "gene", "treatment"),
    *("SMILES", "concentration", "perturbation_type", "cell_type"),
)
GENES = (
    *(("A01", "EMPTY_control", "EMPTY_control"), ("A02", "PLK1", "PLK1_guide_1"), ("A03", "MTOR", "MTOR_guide_2")),
    *(("AF47", "MTOR", "MTOR_guide_1"), ("AF48", "PLK1", "PLK1_guide_2")),
)
ONCE = "RPLP2"


def shard(path, images):
    """Write a shard as Hugging Face does: an image is a record of its bytes and the name of its file."""
    blobs = [{"bytes": imagecodecs.jpeg2k_encode(picture, level=0), "path": None} for picture in images.values()]
    table = pa.table({"__key__": list(images), "jp2": blobs})
    pq.write_table(table, path, row_group_size=10)


@pytest.fixture
def folder(tmp_path):
    rows, images = [], {}
    for number in (1, 2, 3):
        experiment = f"gene-{number:03}"
        extra = [("B01", ONCE, f"{ONCE}_guide_4")] if number == 1 else []
        for address, gene, treatment in (*GENES, *extra):
            rows.append(
                (f"{experiment}_9_{address}", experiment, 9, address, gene, treatment, "", "", "CRISPR", "HUVEC")
            )
    rows.append(
        ("compound-004_1_AA04", "compound-004", 1, "AA04", "", "Narlaprevir", "C[N+],", 2.5, "COMPOUND", "HUVEC")
    )
    for index, row in enumerate(rows):
        for channel in range(1, 7):
            images[f"{row[1]}/Plate{row[2]}/{row[3]}_s1_{channel}"] = flat(10 * channel + index % 10, (16, 16))
    write_table(tmp_path / "metadata_rxrx3_core.csv", dict(zip(HEADER, zip(*rows, strict=True), strict=True)))
    (tmp_path / "data").mkdir()
    keys = list(images)[::-1]  # in an order of their own, so that a well's channels may lie in two shards
    for part, these in enumerate((keys[:33], keys[33:])):
        shard(tmp_path / f"data/train-{part:05}-of-00002.parquet", {key: images[key] for key in these})
    return tmp_path


def test_controls_are_told_apart_in_experiments_never_seen(folder):
    dataset = open_public("rxrx3-core", folder=folder)
    controls = dataset.tasks["positive_controls"]
    assert controls.classes == ("EMPTY_control", "MTOR", "PLK1")
    assert controls.holdout == "batch"
    assert set(controls.batches) == {"gene-001", "gene-002", "gene-003"}
    assert len(set(controls.units)) == len(controls.rows) == 15
    assert set(controls.positions) == {"A01", "A02", "A03", "AF47", "AF48"}


def test_genes_are_asked_of_guides_never_seen(folder):
    knockout = open_public("rxrx3-core", folder=folder).tasks["knockout"]
    assert knockout.classes == ("MTOR", "PLK1")  # a gene of one guide can't be both learned and tested
    assert knockout.holdout == "unit"
    assert set(knockout.units) == {"MTOR_guide_1", "MTOR_guide_2", "PLK1_guide_1", "PLK1_guide_2"}


def test_six_channels_are_read_from_the_shards(folder):
    dataset = open_public("rxrx3-core", folder=folder)
    wells = [(sample, levels(dataset, sample)) for sample in dataset.ids.tolist()]
    assert wells[0] == ("compound-004_1_AA04", [16, 26, 36, 46, 56, 66])
    assert dict(wells)["gene-001_9_A02"] == [11, 21, 31, 41, 51, 61]
    assert dict(wells)["gene-002_9_A01"] == [16, 26, 36, 46, 56, 66]
    assert len({dataset.images.content(i) for i in range(len(wells))}) == len(wells)


def test_images_survive_a_trip_between_processes(folder):
    images = open_public("rxrx3-core", folder=folder).images
    first = images.read(3).pixels
    again = pickle.loads(pickle.dumps(images))
    assert (again.read(3).pixels == first).all()
    assert again.content(3) == images.content(3)


def test_a_damaged_image_is_named(folder):
    path = folder / "data/train-00000-of-00002.parquet"
    table = pq.read_table(path).to_pydict()
    table["jp2"][0]["bytes"] = b"not an image"
    pq.write_table(pa.table(table), path)
    dataset = open_public("rxrx3-core", folder=folder)
    with pytest.raises(UserError, match=r"train-00000-of-00002.parquet row 1: can't be decoded"):
        dataset.images.read(0)


def test_another_layout_is_refused(folder):
    last = folder / "data/train-00001-of-00002.parquet"
    shard(last, {"gene-001/Plate9/A01_s1_1": flat(1)})
    assert refused("rxrx3-core", folder) == f"data: no image 'gene-001/Plate9/A01_s1_2'; {REMEDY}"
    shard(last, {"compound-004/Plate1/AA04_s1_6": flat(1)})
    assert refused("rxrx3-core", folder) == f"data: two images 'compound-004/Plate1/AA04_s1_6'; {REMEDY}"
    pq.write_table(pa.table({"image": [1]}), last)
    assert refused("rxrx3-core", folder).startswith("data/train-00001-of-00002.parquet: not a shard of images (")
    last.unlink()
    assert refused("rxrx3-core", folder) == "data: 1 of 2 shards; fetch the others too"
    (folder / "data/train-00000-of-00002.parquet").unlink()
    assert refused("rxrx3-core", folder) == f"data: no shard such as train-00000-of-00035.parquet; {REMEDY}"
    (folder / "data").rmdir()
    assert refused("rxrx3-core", folder) == f"data: {MISSING}"
    without_column(folder / "metadata_rxrx3_core.csv", "perturbation_type")
    assert refused("rxrx3-core", folder).startswith("metadata_rxrx3_core.csv: no column 'perturbation_type'")
