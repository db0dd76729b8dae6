"""BreaKHis: fields of breast tumours at four magnifications; file names have type, slide and magnification."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from reprcheck.datasets.public.checks import need, not_as_published

FOLDER = "BreaKHis_v1/histology_slides/breast"
TYPES = {
    "A": ("benign", "adenosis"),
    "F": ("benign", "fibroadenoma"),
    "PT": ("benign", "phyllodes_tumor"),
    "TA": ("benign", "tubular_adenoma"),
    "DC": ("malignant", "ductal_carcinoma"),
    "LC": ("malignant", "lobular_carcinoma"),
    "MC": ("malignant", "mucinous_carcinoma"),
    "PC": ("malignant", "papillary_carcinoma"),
}
TWICE_LABELLED = "14-13412"
"""The slide whose fields are published as ductal and again as lobular carcinoma."""
_NAME = re.compile(r"SOB_[BM]_([A-Z]+)-(\d+)-(\d+)([A-Z]*)-(\d+)-(\d+)\.png")


def table(root: Path) -> pd.DataFrame:
    """Return one row per field.

    ``patient`` is year and number of the slide without the letters that may follow it: slides whose numbers differ by
    a letter alone may be one patient's, and no fold may separate them. ``type`` is blank where two are published.
    """
    rows = []
    for code, (malignancy, kind) in TYPES.items():
        folder = need(root / FOLDER / malignancy / "SOB" / kind)
        fields = sorted(folder.glob("*/*X/*.png"))
        if not fields:
            raise not_as_published(folder, "no field, such as SOB_B_A_14-22549AB/40X/SOB_B_A-14-22549AB-40-001.png")
        for field in fields:
            match = _NAME.fullmatch(field.name)
            if not match or match[1] != code or field.parent.name != f"{match[5]}X":
                what = f"a name or place that isn't that of a field of type {code} at {field.parent.name}"
                raise not_as_published(field, what)
            patient = f"{match[2]}-{match[3]}"
            tumour_type = "" if patient == TWICE_LABELLED else kind
            rows.append((field.stem, str(field.relative_to(root)), malignancy, tumour_type, patient, f"{match[5]}X"))
    return pd.DataFrame(rows, columns=["field", "path", "malignancy", "type", "patient", "magnification"])
