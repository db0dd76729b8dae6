"""Datasets: images, a sample table and tasks, from a folder or a simulator, checked before anything is computed."""

from reprcheck.datasets.catalogue import DEFAULT, load
from reprcheck.datasets.folder import open_folder

__all__ = ["DEFAULT", "load", "open_folder"]
