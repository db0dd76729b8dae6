"""Imaging mass cytometry of breast tumours, the Basel cohort of Jackson, Fischer et al. 2020.

A core is a stack of planes, one for each metal, listed in the staining panel; the card's channels name the metals.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from reprcheck.code import code_digest
from reprcheck.datasets.card.card import Card
from reprcheck.datasets.images import decode
from reprcheck.datasets.images.files import FileImages, ImageLocation, Recipe
from reprcheck.datasets.images.values import facts_of
from reprcheck.datasets.public.checks import need, not_as_published, read_columns
from reprcheck.digest import digest
from reprcheck.types import Image

STACKS, MASKS = "OMEnMasks/ome", "OMEnMasks/Basel_Zuri_masks"
PATIENTS = "Data_publication/BaselTMA/Basel_PatientMetadata.csv"
PANEL = "Data_publication/Basel_Zuri_StainingPanel.csv"
CELLS, CLUSTERS = "Cluster_labels/Basel_metaclusters.csv", "Cluster_labels/Metacluster_annotations.csv"


@dataclass(frozen=True)
class Planes:
    """An `ImageSource` of some planes, in an order of their own, of the stacks of another."""

    stacks: FileImages
    planes: tuple[int, ...]

    def content(self, index: int) -> str:
        """Return the digest of a stack's content and of the planes taken."""
        return digest("planes", code_digest(__name__), self.stacks.content(index), list(self.planes))

    def read(self, index: int) -> Image:
        """Decode a stack and take its planes out."""
        image, planes = self.stacks.read(index), list(self.planes)
        return replace(image, pixels=image.pixels[planes], values=facts_of(image)[planes])


def table(root: Path) -> pd.DataFrame:
    """Return one row per core; ``cells`` and ``immune`` are blank where no cell of the core has a cluster."""
    columns = ("core", "FileName_FullStack", "PID", "diseasestatus", "grade", "clinical_type")
    cores = read_columns(root / PATIENTS, columns)
    cells = read_columns(root / CELLS, ("id", "cluster"))
    clusters = read_columns(root / CLUSTERS, ("Metacluster", "Class"), separator=";")
    immune = clusters["Metacluster"].str.strip()[clusters["Class"].str.strip() == "Immune"]
    if immune.empty:
        raise not_as_published(root / CLUSTERS, "no metacluster of Class Immune")
    by_core = cells["cluster"].str.strip().isin(immune).groupby(cells["id"].str.rpartition("_")[0])
    stacks = cores["FileName_FullStack"].astype(str)
    cores = cores.assign(
        slide=cores["core"].str.split("_").str[1],
        stack=STACKS + "/" + stacks,
        mask=MASKS + "/" + stacks.str.removesuffix(".tiff") + "_maks.tiff",  # spelled so
        cells=cores["core"].map(by_core.size()),
        immune=cores["core"].map(by_core.sum()),
    )
    for path in [*cores["stack"], *cores["mask"]]:
        need(root / path)
    return cores


def images(root: Path, table: pd.DataFrame, card: Card) -> Planes:
    """Return the cores' planes of the card's metals, in order of the table."""
    planes = _find_planes(root / PANEL, tuple(channel.split()[0] for channel in card.channels))
    entries = [
        ImageLocation((root / stack,), None, root / mask, f"core {core}")
        for stack, mask, core in zip(table["stack"], table["mask"], table["core"], strict=True)
    ]
    first = entries[0].files[0]
    stored = decode.header(first, len(planes), str(first)).shape
    if len(stored) != 3 or stored[0] <= max(planes):
        what = f"{' x '.join(map(str, stored))}, and {PANEL} counts {max(planes) + 1} planes or more"
        raise not_as_published(first, what)
    recipe = Recipe(stored[0], card.value_range, card.fit, card.size, clip=card.clip)
    return Planes(FileImages(entries, recipe), planes)


def _find_planes(panel: Path, metals: tuple[str, ...]) -> tuple[int, ...]:
    """Return each metal's plane, from 0: a metal listed twice was measured once, and its first line counts."""
    rows = read_columns(panel, ("Metal Tag", "FullStack")).dropna().drop_duplicates("Metal Tag")
    numbers = pd.to_numeric(rows["FullStack"], errors="coerce")
    by_metal = {str(tag).strip(): number for tag, number in zip(rows["Metal Tag"], numbers, strict=True) if number >= 1}
    if missing := [metal for metal in metals if metal not in by_metal]:
        raise not_as_published(panel, f"no plane for {missing[0]} in its columns Metal Tag and FullStack")
    return tuple(int(by_metal[metal]) - 1 for metal in metals)
