"""What people call the columns of a sample table: words from which a column's role in an experiment is guessed.

A name proves nothing. Where it matters, values decide; a caller that has only the name must say that it guesses.
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
"""Role to words, the outermost of nested units first. A ``place`` is a unit whose name may recur in each unit
``around`` it, as well B03 does on every plate."""


def rank(name: str, role: str) -> int | None:
    """Return the index of the first of a role's words that a column's name holds; None if it holds none.

    Examples
    --------
    >>> rank("patient_id", "unit"), rank("PlateBarcode", "batch"), rank("area", "unit")
    (0, 1, None)
    """
    words = {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)}
    places = [place for place, word in enumerate(ROLES[role]) if word in words]
    return places[0] if places else None
