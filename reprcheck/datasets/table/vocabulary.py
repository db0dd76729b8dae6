"""What people call the columns of a sample table: the words by which a column's part in an experiment is guessed.

A name proves nothing. Where it counts, values decide; where only a name speaks, whoever asks must say that it guesses.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

ROLES: Mapping[str, tuple[str, ...]] = {
    "sample": ("id", "sample", "image", "name", "key", "uid", "uuid"),
    "mask": ("mask", "masks", "segmentation", "nuclei", "objects"),
    "types": ("types", "type", "celltypes", "celltype"),
    "frame": ("frame", "index", "slice", "z", "t", "plane"),
    "unit": ("patient", "donor", "subject", "case", "animal", "mouse", "individual", "slide", "well", "field", "core"),
    "place": ("slide", "well", "field", "core"),
    "around": ("plate", "experiment", "batch", "run", "tma", "patient", "donor", "subject", "case", "animal", "mouse"),
    "batch": ("batch", "plate", "experiment", "run", "date", "day", "tma", "scanner", "site", "lab", "acquisition"),
    "position": ("position", "well", "column", "col", "row"),
    "label": (
        *("label", "class", "target", "phenotype", "treatment", "compound", "drug", "condition", "state", "moa"),
        *("diagnosis", "grade", "type", "subtype", "phase", "genotype", "gene", "perturbation", "stage", "status"),
    ),
    "amount": ("dose", "concentration", "count", "age", "score", "share", "ratio", "time", "response"),
}
"""Part to words, the outermost of nested units first; a ``place`` is a unit whose name another may use
too, of what is ``around`` it."""


def rank(name: str, role: str) -> int | None:
    """Return the place among a role's words of the first that a column's name holds; None for a name with none.

    Examples
    --------
    >>> rank("patient_id", "unit"), rank("PlateBarcode", "batch"), rank("area", "unit")
    (0, 1, None)
    """
    words = {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)}
    found = [place for place, word in enumerate(ROLES[role]) if word in words]
    return found[0] if found else None
