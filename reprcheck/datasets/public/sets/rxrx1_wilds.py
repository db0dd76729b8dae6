"""RxRx1-WILDS v1.0: RxRx1 with three of its six channels in one small PNG, and a split by experiment and site."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from reprcheck.datasets.public import checks as layout

_COLUMNS = ("dataset", "experiment", "plate", "well", "site", "sirna_id")
TREATMENTS, CONTROLS = 1108, 1138
"""siRNAs are numbered: treatments below the first, positive controls below the second, then the negative control."""


def table(root: Path) -> pd.DataFrame:
    """Return `metadata.csv` with files, wells, what each siRNA is, and the official split.

    Parameters
    ----------
    root : Path
        Holds ``metadata.csv`` and ``images/HUVEC-01/Plate1/B02_s1.png``, or these in ``rxrx1_v1.0/``.

    Returns
    -------
    pandas.DataFrame
        Of the training experiments, site 2 is the in-distribution test set: ``split`` is ``id_test``.

    Raises
    ------
    UserError
        For a table, column or image folder that isn't there.
    """
    top = layout.inside(root, "rxrx1_v1.0")
    sites = layout.text_table(top / "metadata.csv", *_COLUMNS)
    images = layout.need(top / "images").relative_to(root).as_posix()
    plate = sites["experiment"] + "/Plate" + sites["plate"]
    image = plate + "/" + sites["well"] + "_s" + sites["site"]
    return sites.assign(
        image=image,
        path=f"{images}/" + image + ".png",
        well_id=plate + "/" + sites["well"],
        well_type=pd.cut(
            pd.to_numeric(sites["sirna_id"], errors="coerce"),
            [-1, TREATMENTS - 1, CONTROLS - 1, CONTROLS],
            labels=["treatment", "positive_control", "negative_control"],
        ).astype(str),
        split=sites["dataset"].mask((sites["dataset"] == "train") & (sites["site"] == "2"), "id_test"),
    )
