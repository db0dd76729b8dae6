"""RxRx1: sites of wells in 51 experiments, six 8-bit PNG files to a site."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from reprcheck.datasets.public import checks as layout

CHANNELS = 6
_COLUMNS = ("site_id", "well_id", "dataset", "experiment", "plate", "well", "site", "well_type", "sirna")


def table(root: Path) -> pd.DataFrame:
    """Return `metadata.csv` with a column of files for each channel, ``w1`` to ``w6``.

    Parameters
    ----------
    root : Path
        Holds ``rxrx1/metadata.csv`` and ``rxrx1/images/HUVEC-01/Plate1/B02_s1_w1.png``, or these without ``rxrx1/``.

    Returns
    -------
    pandas.DataFrame

    Raises
    ------
    UserError
        For a table, column or image folder that isn't there.
    """
    top = layout.inside(root, "rxrx1")
    sites = layout.text_table(top / "metadata.csv", *_COLUMNS)
    images = layout.need(top / "images").relative_to(root).as_posix()
    stem = f"{images}/" + sites["experiment"] + "/Plate" + sites["plate"] + "/" + sites["well"] + "_s" + sites["site"]
    return sites.assign(**{f"w{channel}": stem + f"_w{channel}.png" for channel in range(1, CHANNELS + 1)})
