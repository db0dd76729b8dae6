"""BBBC021v1 in miniature: two weeks of three plates, four compounds of two mechanisms, one of none, and DMSO."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from reprcheck.datasets.public import open_public
from reprcheck.embed.aggregate import aggregate
from reprcheck.protocols import get
from tests.datasets.public.culture import MISSING, flat, levels, refused, without_column
from tests.minisets import write_image, write_table

PLATES = {
    "Week1": ("Week1_22123", "Week1_22141", "Week1_22161"),
    "Week7": ("Week7_34341", "Week7_34381", "Week7_34641"),
}
LAYOUT = {
    "Week1": (("B02", "DMSO", "0"), ("B03", "taxol", "0.3"), ("B04", "AZ-J", "10"), ("B05", "staurosporine", "0.1")),
    "Week7": (("G11", "DMSO", "0"), ("B03", "docetaxel", "0.3"), ("B04", "PP-2", "3")),
}
MOA = (
    *(("taxol", "0.30", "Microtubule stabilizers"), ("docetaxel", "0.3", "Microtubule stabilizers")),
    *(("PP-2", "3", "Epithelial"), ("AZ-J", "10", "Epithelial"), ("DMSO", "0", "DMSO")),
)


@pytest.fixture
def folder(tmp_path):
    rows = []
    for week, plates in PLATES.items():
        for replicate, plate in enumerate(plates, 1):
            (tmp_path / plate).mkdir()
            for well, compound, concentration in LAYOUT[week]:
                for site in (1, 2):
                    stem = f"{well}_s{site}_w" if week == "Week1" else f"Week7_310707_{well}_s{site}_w"
                    names = [f"{stem}{w}{w}C038FB50-86D3-431B-8A8C-F72B64584512.tif" for w in (1, 2, 4)]
                    for level, name in zip((1000, 2000, 3000), names, strict=True):
                        write_image(tmp_path / plate / name, flat(level, dtype=np.uint16))
                    files = [cell for name in names for cell in (name, f"{week}/{plate}")]
                    rows.append((week[4:], len(rows) + 1, *files, plate, well, replicate, compound, concentration))
    header = ["TableNumber", "ImageNumber"]
    header += [f"Image_{what}_{c}" for c in ("DAPI", "Tubulin", "Actin") for what in ("FileName", "PathName")]
    header += ["Image_Metadata_Plate_DAPI", "Image_Metadata_Well_DAPI", "Replicate"]
    header += ["Image_Metadata_Compound", "Image_Metadata_Concentration"]
    write_table(tmp_path / "BBBC021_v1_image.csv", dict(zip(header, zip(*rows, strict=True), strict=True)))
    lines = [",".join(row) for row in (("compound", "concentration", "moa"), *MOA)]
    (tmp_path / "BBBC021_v1_moa.csv").write_bytes("\r".join(lines).encode())  # lines end as on an old Macintosh
    return tmp_path


def test_mechanisms_are_asked_of_compounds_never_seen(folder):
    dataset = open_public("bbbc021", folder=folder)
    assert (len(dataset.ids), dataset.channels) == (42, ("DAPI", "Tubulin", "Actin"))
    task = dataset.tasks["moa_by_field"]
    assert task.classes == ("Epithelial", "Microtubule stabilizers")
    assert task.holdout == "unit"
    assert set(task.units) == {"AZ-J", "PP-2", "docetaxel", "taxol"}
    assert set(task.batches) == {"Week1", "Week7"}
    assert set(task.positions) == {"B03", "B04"}
    assert task.notes[:2] == (
        "12 samples left out: excluded by label DMSO.",
        "6 samples left out: without a label.",
    )


def test_treatments_are_matched_with_other_compounds_and_weeks(folder):
    task = open_public("bbbc021", folder=folder).tasks["moa"]
    assert (task.protocols, task.aggregate) == (("nsc/1", "nscb/1"), "mean")
    whole = aggregate(task)
    assert list(whole.units) == ["AZ-J", "PP-2", "docetaxel", "taxol"]
    assert set(task.innermost) == {
        "AZ-J @ 10, Week1",
        "PP-2 @ 3, Week7",
        "docetaxel @ 0.3, Week7",
        "taxol @ 0.3, Week1",
    }
    known = np.eye(2, dtype=np.float32)[whole.y]
    assert all(get(protocol).score([known], whole).values.tolist() == [1] * 4 for protocol in task.protocols)


@pytest.mark.parametrize("field", ["Week1_22123/B03_s1", "Week7_34341/Week7_310707_G11_s2"])
def test_channels_come_in_order_of_the_card(folder, field):
    assert levels(open_public("bbbc021", folder=folder), field, 65535) == [1000, 2000, 3000]


def test_another_layout_is_refused(folder):
    without_column(folder / "BBBC021_v1_image.csv", "Image_Metadata_Compound")
    assert refused("bbbc021", folder).startswith("BBBC021_v1_image.csv: no column 'Image_Metadata_Compound'")


def test_a_missing_table_or_plate_is_refused(folder):
    (folder / "BBBC021_v1_moa.csv").unlink()
    assert refused("bbbc021", folder) == ("BBBC021_v1_moa.csv: " + MISSING)
    shutil.rmtree(folder / "Week7_34341")
    assert refused("bbbc021", folder) == "Week7_34341: " + MISSING
