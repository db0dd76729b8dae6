"""What a model is compared with: the properties of every reference, and the contract of a hand-made baseline.

A reference is a single encoder or a family of draws. Diagnostics choose opponents by what these know: a model that
only beats references which know nothing has not been shown to know more than the layout of cells. Reports take
their order from the registry, and letters and headings from here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from reprcheck.types import Dataset, Encoder


class Reference:
    """What reports and diagnostics must know of a reference.

    Attributes
    ----------
    name : str
        In the scorecard; where there are several families of one kind, these go on after it: ``untrained-resnet``.
    knows : str
        Diagnostics choose their opponents by this. Ours know nothing but an architecture (``"nothing"``), histograms
        (``"brightness"``), number, shape and place of objects (``"layout"``), ``"the image"`` or ``"the table"``.
    letter : str
        On an audit's scale; blank for one that isn't drawn.
    heading : str
        Of its column in a narrow table, broken where it may be; blank for the name.
    probed : tuple of str
        Those of its names whose selectivity is reported.
    called : str
        In a sentence, where the name alone says too little. A baseline that has it is named in a setting's notes where
        it alone predicts the label.
    expanded : bool
        Whether a model meets random expansions of it, too: not where its vectors are functions enough of one number.
    """

    name: ClassVar[str]
    knows: ClassVar[str]
    letter: ClassVar[str] = ""
    heading: ClassVar[str] = ""
    probed: ClassVar[tuple[str, ...]] = ()
    called: ClassVar[str] = ""
    expanded: ClassVar[bool] = True


class Baseline(Reference, ABC):
    """A single hand-made encoder.

    Attributes
    ----------
    optional : bool
        Whether a model meets it only where a policy lists it in ``baselines``, as it does all that extensions bring.
    taken_from : str
        Name of the baseline whose vectors hold all that this one knows: no encoder is asked then, and `compared` gets
        those vectors. Blank for one with an encoder of its own.
    """

    optional: ClassVar[bool] = False
    taken_from: ClassVar[str] = ""

    @abstractmethod
    def encoder(self, dataset: Dataset, channels: tuple[str, ...]) -> Encoder | None:
        """Return the encoder for these channels of a dataset's images; None where it would have no meaning."""

    def compared(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the vectors to compare, float32[n, d], made from those of all a task's samples, float32[n, D]."""
        return vectors

    def must_be_usable(self, where: str) -> None:
        """Raise UserError where something that it needs isn't installed; ``where`` names what requires it."""
