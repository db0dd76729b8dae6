"""CPJUMP1 in miniature: two plates of compounds, two of guides, and five that the benchmark leaves out."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from reprcheck.datasets.public import open_public
from reprcheck.datasets.public.checks import REMEDY
from tests.datasets.public.culture import MISSING, flat, levels, refused, without_column, write_tabbed
from tests.minisets import write_image, write_table

BATCH = "2020_11_04_CPJUMP1"
PLATES = {
    "BR00116991": ("compound", "A549", 24, 100, "absent", "Parental"),
    "BR00116995": ("compound", "U2OS", 24, 100, "absent", "Parental"),
    "BR00118041": ("crispr", "A549", 96, 100, "absent", "Cas9"),
    "BR00118045": ("crispr", "U2OS", 96, 100, "absent", "Cas9"),
    "BR00117050": ("compound", "A549", 48, 100, "absent", "Cas9"),
    "BR00117054": ("compound", "A549", 48, 120, "absent", "Parental"),
    "BR00117002": ("crispr", "A549", 144, 100, "Puromycin", "Cas9"),
    "BR00118049": ("orf", "A549", 96, 100, "Blasticidin", "Parental"),
    "BR00118050": ("orf", "A549", 96, 100, "absent", "Parental"),
}
COMPOUNDS = {
    **{"A01": "BRD-1", "A02": "", "A03": "BRD-2", "A04": "BRD-3"},
    **{"P22": "BRD-4", "P23": "BRD-5", "P24": "BRD-6"},
}
GUIDES = {"A01": "BRDN1", "A02": "BRDN2", "A03": "BRDN3", "P24": "BRDN4"}
TARGETS = {
    "broad_sample": ["BRD-1", "BRD-2", "BRD-3", "BRD-4", "BRD-5", "BRD-6"],
    "pert_iname": ["gabapentin", "amlodipine", "quinine", "hexestrol", "orphan", "danusertib"],
    "target": ["ADA", "ADA", "BTK", "BTK", "CSK", "ADA"],
    "pert_type": ["trt"] * 5 + ["control"],
    "control_type": [""] * 5 + ["poscon_diverse"],
}
GENES = {
    "broad_sample": ["BRDN1", "BRDN2", "BRDN3", "BRDN4"],
    "gene": ["ADA", "", "HIF1A", "HIF1A"],
    "pert_type": ["trt", "control", "trt", "trt"],
    "control_type": ["", "negcon", "", ""],
}


def images_of(folder, plate):
    return folder / f"source_4/images/{BATCH}/images/{plate}__2020-11-05T19_51_35-Measurement1/Images"


@pytest.fixture
def folder(tmp_path):
    columns = ("Perturbation", "Cell_type", "Time", "Density", "Antibiotics", "Cell_line")
    experiment = {"Batch": [BATCH] * len(PLATES), "Assay_Plate_Barcode": list(PLATES)}
    write_tabbed(
        tmp_path / "experiment-metadata.tsv",
        experiment | dict(zip(columns, zip(*PLATES.values(), strict=True), strict=True)),
    )
    metadata = tmp_path / "source_4/workspace/metadata"
    layouts = metadata / "platemaps" / BATCH
    write_tabbed(
        layouts / "platemap/JUMP-Target-1_compound_platemap.txt",
        {"well_position": list(COMPOUNDS), "broad_sample": list(COMPOUNDS.values()), "solvent": ["DMSO"] * 7},
    )
    write_tabbed(
        layouts / "platemap/JUMP-Target-1_crispr_platemap.txt",
        {"well_position": list(GUIDES), "broad_sample": list(GUIDES.values())},
    )
    maps = [f"JUMP-Target-1_{kind}_platemap" for kind, *_ in PLATES.values()]
    write_table(layouts / "barcode_platemap.csv", {"Assay_Plate_Barcode": list(PLATES), "Plate_Map_Name": maps})
    write_tabbed(metadata / "external_metadata/JUMP-Target-1_compound_metadata_targets.tsv", TARGETS)
    write_tabbed(metadata / "external_metadata/JUMP-Target-1_crispr_metadata.tsv", GENES)
    for plate, (kind, *_) in PLATES.items():
        images_of(tmp_path, plate).mkdir(parents=True)
        for well in GUIDES if kind != "compound" else COMPOUNDS:
            for field in (1, 9):
                stem = f"r{ord(well[0]) - ord('A') + 1:02}c{well[1:]}f{field:02}p01"
                for channel in range(1, 9):
                    picture = flat(1000 * channel + field, dtype=np.uint16)
                    write_image(images_of(tmp_path, plate) / f"{stem}-ch{channel}sk1fk1fl1.tiff", picture)
        (images_of(tmp_path, plate) / "Index.idx.xml").write_text("<EvaluationInputData/>", encoding="utf-8")
    return tmp_path


def test_targets_are_asked_of_perturbations_never_seen(folder):
    dataset = open_public("cpjump1", folder=folder)
    assert len(dataset.ids) == 2 * (2 * len(COMPOUNDS) + 2 * len(GUIDES))
    task = dataset.tasks["target"]
    assert task.classes == ("ADA", "BTK", "HIF1A")  # CSK has one compound, and controls have no target here
    assert task.holdout == "unit"
    assert set(task.units) == {"BRD-1", "BRD-2", "BRD-3", "BRD-4", "BRDN1", "BRDN3", "BRDN4"}
    assert set(task.batches) == {"BR00116991", "BR00116995", "BR00118041", "BR00118045"}
    assert set(task.positions) == {"A01", "A03", "A04", "P22", "P24"}
    assert [dataset.channels[c] for c in task.channels] == ["Mito", "AGP", "RNA", "ER", "DNA"]


def test_channels_come_in_order(folder):
    dataset = open_public("cpjump1", folder=folder)
    assert levels(dataset, "BR00118045/P24/f09", 65535) == [1000 * channel + 9 for channel in range(1, 9)]


def test_the_plates_that_are_here_are_read(folder):
    for plate in ("BR00118041", "BR00118045", "BR00116995"):
        shutil.rmtree(images_of(folder, plate).parent)
    (folder / "source_4/workspace/metadata/external_metadata/JUMP-Target-1_crispr_metadata.tsv").unlink()
    task = open_public("cpjump1", folder=folder).tasks["target"]
    assert task.classes == ("ADA", "BTK")
    assert set(task.batches) == {"BR00116991"}


def test_a_copy_may_lie_without_the_source(folder):
    before = open_public("cpjump1", folder=folder).digest
    for part in ("images", "workspace"):
        (folder / "source_4" / part).rename(folder / part)
    (folder / "source_4").rmdir()
    assert open_public("cpjump1", folder=folder).digest == before


def test_another_layout_is_refused(folder):
    top = f"source_4/images/{BATCH}/images"
    (images_of(folder, "BR00116991") / "r01c01f01p01-ch8sk1fk1fl1.tiff").unlink()
    assert "column ch8: no file" in refused("cpjump1", folder)
    metadata = folder / "source_4/workspace/metadata"
    without_column(metadata / "external_metadata/JUMP-Target-1_crispr_metadata.tsv", "gene")
    assert "JUMP-Target-1_crispr_metadata.tsv: no column 'gene'" in refused("cpjump1", folder)
    layouts = metadata / "platemaps" / BATCH
    (layouts / "platemap/JUMP-Target-1_compound_platemap.txt").unlink()
    assert refused("cpjump1", folder).endswith(f"JUMP-Target-1_compound_platemap.txt: {MISSING}")
    write_table(layouts / "barcode_platemap.csv", {"Assay_Plate_Barcode": ["x"], "Plate_Map_Name": ["y"]})
    assert refused("cpjump1", folder).endswith(f"barcode_platemap.csv: no plate BR00116991; {REMEDY}")
    shutil.rmtree(folder / top)
    (folder / top).mkdir()
    assert refused("cpjump1", folder) == (
        f"{top}: no image of a plate of the benchmark; fetch plates of compounds or guides"
    )
    (folder / top).rmdir()
    assert refused("cpjump1", folder) == f"{top}: {MISSING}"
    without_column(folder / "experiment-metadata.tsv", "Density")
    assert refused("cpjump1", folder).startswith("experiment-metadata.tsv: no column 'Density'")
