"""Columns that are no features by their names: what CellProfiler, pycytominer, cytotable, pandas and people call them.

A name proves nothing where it is absent: what a column holds is looked at too, in `columns`.
"""

from __future__ import annotations

import re

from reprcheck.datasets.table.vocabulary import rank

PATTERNS = {
    "metadata by name": (r"(image_|cells_|nuclei_|cytoplasm_|experiment_)?metadata.*", r"meta[_\-. ].*"),
    "bookkeeping by name": (
        r"(\w+_)?(filename|pathname|url|md5digest|executiontime|moduleerror|processingstatus)(_.*)?",
        r"image_(height|width|scaling|series|frame|channel|group|imageset|set|number|index)(_.*)?",
        r"(\w+_)?(image|object|table|group|imageset|row|well|plate|site|field)_?(number|index|id|idx|no)",
        r"(\w+_)?number_object_number|(\w+_)?parent_\w+",
        r"(file|path|image|img)[_ ]?(name|path|file)?",
    ),
    "pandas' own index": (r"|unnamed: ?\d+(\.\d+)?|level_\d+|index|__index_level_\d+__",),
    "a label by name": (r"y_true|ground_?truth|(class|target|label)(es|s)?([_ ]?(id|idx|code|index|name))?",),
}
"""Reason to patterns that the whole of a name must match, whatever its case."""
_COMPILED = {reason: re.compile("|".join(patterns), re.IGNORECASE) for reason, patterns in PATTERNS.items()}
GROUPS = ("batch", "unit", "position")
"""Parts of an experiment (see `vocabulary`) whose names no feature bears."""
NUMBERS = {"id", "barcode", "number", "name", "code", "index", "no"}
"""Words that make another name of the same thing."""


def bookkeeping(name: str) -> str | None:
    """Return why a column is no feature, by its name alone; None where nothing says so.

    Examples
    --------
    >>> bookkeeping("Metadata_Plate"), bookkeeping("plate_barcode"), bookkeeping("Cells_AreaShape_Area")
    ('metadata by name', 'a group of samples by name', None)
    """
    plain = name.strip()
    for reason, pattern in _COMPILED.items():
        if pattern.fullmatch(plain):
            return reason
    words = [word for word in re.split(r"[^A-Za-z]+", plain) if word.lower() not in NUMBERS]
    if words and not re.search(r"\d", plain) and all(any(rank(w, role) is not None for role in GROUPS) for w in words):
        return "a group of samples by name"
    return None
