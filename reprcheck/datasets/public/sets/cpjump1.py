"""CPJUMP1 (cpg0000), the main batch: compounds and CRISPR guides that share their targets, eight TIFFs to a site.

Whatever plates lie in the folder are read. Left out are ORF plates, and what the published benchmark leaves out too:
other seeding densities, antibiotics, compounds on Cas9 cells.
"""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from reprcheck.datasets.public import checks as layout
from reprcheck.errors import UserError

BATCH = "2020_11_04_CPJUMP1"
CHANNELS = 8
ANNOTATED = {
    "compound": ("JUMP-Target-1_compound_metadata_targets.tsv", "target"),
    "crispr": ("JUMP-Target-1_crispr_metadata.tsv", "gene"),
}
"""Modality to the table, and its column, of what each perturbation acts on."""
_FIRST_CHANNEL = re.compile(r"r(\d\d)c(\d\d)f(\d\d)p01-ch1sk1fk1fl1\.tiff")
_EXPERIMENT = ("Batch", "Assay_Plate_Barcode", "Perturbation", "Density", "Antibiotics", "Cell_line")


def table(root: Path) -> pd.DataFrame:
    """Return one row per site.

    Parameters
    ----------
    root : Path
        Holds ``experiment-metadata.tsv`` and, as in the Cell Painting Gallery, ``source_4/images/`` and
        ``source_4/workspace/metadata/`` (or these without ``source_4/``).

    Returns
    -------
    pandas.DataFrame
        ``target`` is blank for controls, and for targets on which only one of these perturbations acts.

    Raises
    ------
    UserError
        For a table, column or folder that isn't there, or a folder without a plate of the benchmark.
    """
    top = layout.inside(root, "source_4")
    plates = _read_plates(root / "experiment-metadata.tsv")
    sites = _find_sites(layout.need(top / "images" / BATCH / "images"), root, set(plates["plate"]))
    layouts = _read_layouts(top / "workspace/metadata/platemaps" / BATCH, set(sites["plate"]))
    wells = sites.merge(plates, on="plate").merge(layouts, on=["plate", "position"], how="left")
    annotations = pd.concat(
        [_read_annotation(top / "workspace/metadata", modality) for modality in wells["modality"].unique()]
    )
    wells = wells.merge(annotations, on=["modality", "perturbation"], how="left").fillna("")
    treated = wells["target"].where(wells["pert_type"] == "trt", "")
    return wells.assign(target=layout.in_two(treated, wells["perturbation"]))


def _read_plates(path: Path) -> pd.DataFrame:
    """Return the plates of the published benchmark: ``plate`` and ``modality``."""
    every = layout.text_table(path, *_EXPERIMENT)
    benchmark = every[
        (every["Batch"] == BATCH)
        & (pd.to_numeric(every["Density"], errors="coerce") == 100)
        & (every["Antibiotics"] == "absent")
        & every["Perturbation"].isin(list(ANNOTATED))
        & ~((every["Perturbation"] == "compound") & (every["Cell_line"] == "Cas9"))
    ]
    plates = pd.DataFrame({"plate": benchmark["Assay_Plate_Barcode"], "modality": benchmark["Perturbation"]})
    return plates.drop_duplicates()


def _find_sites(folder: Path, root: Path, plates: set[str]) -> pd.DataFrame:
    """Return where each site of the plates was, and its file for each channel."""
    sites = []
    for measurement in sorted(folder.iterdir()):  # such as BR00116991__2020-11-05T19_51_35-Measurement1
        plate = measurement.name.split("__")[0]
        if plate not in plates:
            continue
        images = layout.need(measurement / "Images")
        for image in sorted(images.iterdir()):
            if site := _FIRST_CHANNEL.fullmatch(image.name):
                position = f"{chr(ord('A') + int(site[1]) - 1)}{site[2]}"
                stem = (images.relative_to(root) / image.name.split("-")[0]).as_posix()
                files = [f"{stem}-ch{channel}sk1fk1fl1.tiff" for channel in range(1, CHANNELS + 1)]
                sites.append((f"{plate}/{position}/f{site[3]}", plate, position, f"{plate}/{position}", *files))
    if not sites:
        raise UserError(str(folder), "no image of a plate of the benchmark", "fetch plates of compounds or guides")
    columns = ["site", "plate", "position", "well", *(f"ch{channel}" for channel in range(1, CHANNELS + 1))]
    return pd.DataFrame(sites, columns=columns)


def _read_layouts(folder: Path, plates: set[str]) -> pd.DataFrame:
    """Return which perturbation each well of the plates had: ``plate``, ``position``, ``perturbation``."""
    barcodes = layout.text_table(folder / "barcode_platemap.csv", "Assay_Plate_Barcode", "Plate_Map_Name")
    platemaps = dict(zip(barcodes["Assay_Plate_Barcode"], barcodes["Plate_Map_Name"], strict=True))
    layouts = []
    for plate in sorted(plates):
        if plate not in platemaps:
            raise layout.not_as_published(folder / "barcode_platemap.csv", f"no plate {plate}")
        wells = layout.text_table(folder / "platemap" / f"{platemaps[plate]}.txt", "well_position", "broad_sample")
        columns = {"position": wells["well_position"], "perturbation": wells["broad_sample"]}
        layouts.append(pd.DataFrame({"plate": plate, **columns}))
    return pd.concat(layouts)


def _read_annotation(folder: Path, modality: str) -> pd.DataFrame:
    """Return what a modality's perturbations act on: ``modality``, ``perturbation``, ``target``, ``pert_type``."""
    name, target = ANNOTATED[modality]
    rows = layout.text_table(folder / "external_metadata" / name, "broad_sample", target, "pert_type")
    columns = {"perturbation": rows["broad_sample"], "target": rows[target], "pert_type": rows["pert_type"]}
    return pd.DataFrame({"modality": modality, **columns}).drop_duplicates(["perturbation"])
