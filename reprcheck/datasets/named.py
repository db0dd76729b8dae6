"""A dataset that an installed extension brings under a name of its own.

Ours need no line in a registry: a simulated set is named where its simulator is, and a public set by its two files in
`public`, ``NAME.toml`` and ``NAME.py``. An extension has neither folder to put a file in; it declares in its metadata
where a `NamedDataset` is. `reprcheck.datasets.catalogue` knows all three.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from reprcheck.types import Dataset


class NamedDataset(ABC):
    """Opens one dataset.

    Examples
    --------
    A simulation as a dataset ``plates``, in the ``[project.entry-points."reprcheck.datasets"]`` of its package
    ``plates = "plates:PLATES"``::

        class Plates(NamedDataset):
            def open(self, limit):
                return dataset(Culture(plan=Plan(label={"texture": 0.5})), "plates", limit=limit)

        PLATES = Plates()
    """

    @abstractmethod
    def open(self, limit: int | None) -> Dataset:
        """Return the dataset; its name is the one that it was asked for by.

        It is pickled to reach the process that runs the model. `reprcheck.datasets.assemble.assemble` makes one of a
        card, a table and a source of images; `reprcheck.datasets.folder.open_folder` of a folder.

        Parameters
        ----------
        limit : int or None
            Cut each task down to about this many samples.

        Raises
        ------
        UserError
            For whatever the user can put right.
        """
