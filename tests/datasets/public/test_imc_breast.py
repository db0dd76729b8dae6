"""imc-breast: stacks whose planes the staining panel tells, masks, patients, and clusters of cells."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import tifffile

from reprcheck.datasets.public import open_public, public_set
from tests.datasets.public.tissue import refused

METALS = [channel.split()[0] for channel in public_set("imc-breast").card.channels]
PLANES = ["ArAr80", "Ru96", *reversed(METALS), "Sm154", "Pb208"]
"""A stack's planes: gases before and after, the card's metals in another order, one measured in Zurich only."""
PATIENTS = "Data_publication/BaselTMA/Basel_PatientMetadata.csv"
PANEL = "Data_publication/Basel_Zuri_StainingPanel.csv"
STACK = "BaselTMA_{slide}_15.475kx12.665ky_10000x8500_5_20170905_{patient}_166_X{core}Y4_231_a0_full.tiff"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """44 cores of 22 patients; plane p of a stack is p everywhere, core c has c % 4 immune cells of 4."""
    for name in ("OMEnMasks/ome", "OMEnMasks/Basel_Zuri_masks", "Data_publication/BaselTMA", "Cluster_labels"):
        (tmp_path / name).mkdir(parents=True)
    panel = [",,,\n", ",,,\n"]
    panel += [f"{i},{metal},target {i},{i + 1}\n" for i, metal in enumerate(PLANES)]
    panel += [f"99,{METALS[0]},once more,\n", f"100,{METALS[0]},once more,1\n"]
    (tmp_path / PANEL).write_text("Tube Number,Metal Tag,Target,FullStack\n" + "".join(panel), encoding="utf-8")
    rows, cells = [], []
    for core in range(44):
        slide, patient = f"SP4{core % 3 + 1}", core // 2
        name = f"BaselTMA_{slide}_{patient}_X{core}Y4"
        stack = STACK.format(slide=slide, patient=patient, core=core)
        height = 6 if core == 0 else 8
        pixels = np.repeat(np.arange(len(PLANES), dtype=np.float32), height * 8).reshape(len(PLANES), height, 8)
        tifffile.imwrite(tmp_path / "OMEnMasks/ome" / stack, pixels, photometric="minisblack")
        mask = np.zeros((height, 8), np.uint16)
        mask[1:3, 1:3], mask[4:6, 4:6] = 1, 2
        name_of_mask = stack.replace("_full.tiff", "_full_maks.tiff")
        tifffile.imwrite(tmp_path / "OMEnMasks/Basel_Zuri_masks" / name_of_mask, mask, photometric="minisblack")
        status = "tumor" if core < 40 else "non-tumor"
        grade, kind = ("[]", "") if core >= 40 else (patient % 2 + 2, ("HR+HER2-", "TripleNeg")[patient % 2])
        rows.append(f"{name},{stack},{patient},{status},{grade},{kind},extra\n")
        if core < 39:  # the last tumour has no cell with a cluster
            cells += [f"{core}{cell},{name}_{cell},{5 if cell < core % 4 else 14}\n" for cell in range(4)]
    header = "core,FileName_FullStack,PID,diseasestatus,grade,clinical_type,Comment\n"
    (tmp_path / PATIENTS).write_text(header + "".join(rows), encoding="utf-8")
    labels = tmp_path / "Cluster_labels"
    (labels / "Basel_metaclusters.csv").write_text(",id,cluster\n" + "".join(cells), encoding="utf-8")
    annotations = "Metacluster ;Cell type;Class\n5;T cells;Immune\n14;Luminal tumor;Tumor\n"
    (labels / "Metacluster_annotations.csv").write_text(annotations, encoding="utf-8")
    return tmp_path


def test_it_opens(folder: Path) -> None:
    dataset = open_public("imc-breast", folder=folder)
    grade = dataset.tasks["grade"]
    assert grade.classes == ("2", "3")
    assert np.bincount(grade.y).tolist() == [20, 20]
    assert (len(set(grade.units)), set(grade.batches)) == (20, {"SP41", "SP42", "SP43"})
    assert "4 samples left out: not of where diseasestatus = tumor." in grade.notes
    assert dataset.tasks["receptors"].classes == ("HR+HER2-", "TripleNeg")
    share = dataset.tasks["immune_share"]
    assert len(share.rows) == 39
    ids = [str(dataset.ids[row]) for row in share.rows]
    assert share.y[ids.index("BaselTMA_SP43_1_X2Y4")] == 0.5


def test_planes_are_the_panels(folder: Path) -> None:
    dataset = open_public("imc-breast", folder=folder)
    images = pickle.loads(pickle.dumps(dataset.images))
    image = images.read(dataset.ids.tolist().index("BaselTMA_SP43_1_X2Y4"))
    assert image.pixels.shape == (35, 512, 512)
    middle = image.pixels[:, 256, 256] * 100
    assert middle == pytest.approx([PLANES.index(metal) for metal in METALS])
    assert image.pixels[:, 0, 0].max() == 0
    assert np.bincount(image.mask.ravel())[1:].tolist() == [4, 4]
    assert images.read(dataset.ids.tolist().index("BaselTMA_SP41_0_X0Y4")).pixels.shape == (35, 512, 512)


def test_another_panel_is_another_content(folder: Path) -> None:
    before = open_public("imc-breast", folder=folder)
    panel = folder / PANEL
    panel.write_text(
        panel.read_text(encoding="utf-8").replace("In113", "tmp").replace("Ir193", "In113").replace("tmp", "Ir193"),
        encoding="utf-8",
    )
    after = open_public("imc-breast", folder=folder)
    assert after.images.content(0) != before.images.content(0)


@pytest.mark.parametrize(
    "name",
    [PATIENTS, PANEL, "Cluster_labels/Basel_metaclusters.csv", "Cluster_labels/Metacluster_annotations.csv"],
)
def test_a_missing_table_is_refused(folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert refused("imc-breast", folder).startswith(f"{name}: isn't here, and is part of the published set; ")


@pytest.mark.parametrize("kind", ["ome", "Basel_Zuri_masks"])
def test_a_missing_image_is_refused(folder: Path, kind: str) -> None:
    gone = next((folder / "OMEnMasks" / kind).iterdir())
    gone.unlink()
    assert refused("imc-breast", folder).startswith(f"OMEnMasks/{kind}/{gone.name}: isn't here, and is part of ")


def test_a_panel_without_a_metal_is_refused(folder: Path) -> None:
    panel = folder / PANEL
    panel.write_text(panel.read_text(encoding="utf-8").replace("Lu175", "Lu999"), encoding="utf-8")
    assert refused("imc-breast", folder).startswith(f"{PANEL}: no plane for Lu175 in its columns Metal Tag and Full")


def test_a_stack_with_fewer_planes_is_refused(folder: Path) -> None:
    first = folder / "OMEnMasks/ome" / STACK.format(slide="SP41", patient=0, core=0)
    tifffile.imwrite(first, np.zeros((30, 6, 8), np.float32), photometric="minisblack")
    assert f"_full.tiff: 30 x 6 x 8, and {PANEL} counts 37 planes or more; " in refused("imc-breast", folder)


def test_clusters_without_the_class_are_refused(folder: Path) -> None:
    path = folder / "Cluster_labels/Metacluster_annotations.csv"
    path.write_text("Metacluster ;Cell type;Class\n14;Luminal tumor;Tumor\n", encoding="utf-8")
    assert refused("imc-breast", folder).startswith(
        "Cluster_labels/Metacluster_annotations.csv: no metacluster of Class Immune; "
    )
