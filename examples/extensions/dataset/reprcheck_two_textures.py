"""``--dataset=two-textures``: simulated cells whose cytoplasm is grained in one class and smooth in the other."""

from __future__ import annotations

from reprcheck.datasets.named import NamedDataset
from reprcheck.datasets.simulate import Culture, Plan, dataset
from reprcheck.types import Dataset


class TwoTextures(NamedDataset):
    """Opens the dataset; no file is read, and each image is drawn when it is asked for."""

    def open(self, limit: int | None) -> Dataset:
        """Return the dataset, its tasks cut down to about ``limit`` samples."""
        return dataset(Culture(plan=Plan(label={"texture": 1.0})), "two-textures", limit=limit)


TWO_TEXTURES = TwoTextures()
