"""BBBC021v1: fields of MCF-7 cells, one TIFF for each of three stains, joined with the mechanisms of action.

Every field is a sample; a treatment is a compound at a concentration in a week. Fields of a compound and concentration
that no mechanism was published for stay in the table, without a label.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from reprcheck.datasets.public import checks as layout

CHANNELS = ("DAPI", "Tubulin", "Actin")
_IMAGE = "Image_Metadata_"


def table(root: Path) -> pd.DataFrame:
    """Return one row per field of view.

    Parameters
    ----------
    root : Path
        Holds the two tables and a folder for each plate, as the archives unpack: ``Week1_22123/``.

    Returns
    -------
    pandas.DataFrame

    Raises
    ------
    UserError
        For a table, column or plate that isn't there.
    """
    file_columns = [f"Image_{what}_{channel}" for channel in CHANNELS for what in ("FileName", "PathName")]
    about = [f"{_IMAGE}Plate_DAPI", f"{_IMAGE}Well_DAPI", f"{_IMAGE}Compound", f"{_IMAGE}Concentration"]
    fields = layout.text_table(root / "BBBC021_v1_image.csv", *file_columns, *about)
    plate, well = fields[f"{_IMAGE}Plate_DAPI"], fields[f"{_IMAGE}Well_DAPI"]
    for name in plate.unique():
        layout.need(root / name)
    compound, concentration = fields[f"{_IMAGE}Compound"], fields[f"{_IMAGE}Concentration"]
    files = {
        channel.lower(): fields[f"Image_PathName_{channel}"].str.rsplit("/", n=1).str[-1]
        + "/"
        + fields[f"Image_FileName_{channel}"]
        for channel in CHANNELS
    }
    return pd.DataFrame(
        {
            "field": files["dapi"].str.replace(r"_w1[^_]*$", "", regex=True),
            **files,
            "week": plate.str.split("_").str[0],
            "well": plate + "/" + well,
            "position": well,
            "compound": compound,
            "treatment": compound
            + " @ "
            + _to_number(concentration).map("{:g}".format)
            + ", "
            + plate.str.split("_").str[0],
            "moa": _look_up_mechanism(root, compound, concentration),
        }
    )


def _look_up_mechanism(root: Path, compound: pd.Series[str], concentration: pd.Series[str]) -> pd.Series[str]:
    """Return each field's mechanism of action, blank where none was published; 0.30 and 0.3 are one concentration."""
    published = layout.text_table(root / "BBBC021_v1_moa.csv", "compound", "concentration", "moa")
    keys = zip(published["compound"], _to_number(published["concentration"]), strict=True)
    mechanisms = dict(zip(keys, published["moa"], strict=True))
    labels = [mechanisms.get(key, "") for key in zip(compound, _to_number(concentration), strict=True)]
    return pd.Series(labels, index=compound.index)


def _to_number(concentration: pd.Series[str]) -> pd.Series[float]:
    return pd.to_numeric(concentration, errors="coerce").astype(float)
