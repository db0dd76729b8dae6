"""A line of characters from chance to the ceiling, on which encoders stand where their scores are."""

from __future__ import annotations

import math
from collections.abc import Mapping

LOST, SEEN, BELOW = ".", "=", "-"
"""Above the reference but too near to be told from it; far enough to be seen; at most as good as the reference."""


def scale(
    marks: Mapping[str, float], *, chance: float, ceiling: float, reference: float, mde: float, width: int
) -> list[str]:
    r"""Return the line, and above it as many more as letters that fall on one place need.

    Parameters
    ----------
    marks : mapping of str to float
        A letter for each score, the most important first: where two meet, the later one stands above.
    chance, ceiling : float
        The two ends, marked ``c`` and ``|``. What lies beyond an end stands at it.
    reference, mde : float
        What lies less than ``mde`` above the reference is drawn as lost, what lies further up as seen. NaN: unknown.
    width : int
        Characters, 2 at least.

    Returns
    -------
    list of str
        Of ``width`` characters each; empty where there is no room between chance and the ceiling.

    Examples
    --------
    >>> print("\n".join(scale({"u": 0.5, "s": 0.52}, chance=0, ceiling=1, reference=0.5, mde=0.2, width=21)))
              s
    c---------u...======|
    """
    if not (math.isfinite(chance) and math.isfinite(ceiling) and chance < ceiling):
        return []

    def place(score: float) -> int:
        share = (score - chance) / (ceiling - chance)
        return round(min(max(share, 0.0), 1.0) * (width - 1))

    if math.isfinite(reference):
        start = place(reference)
        end = place(reference + mde) if math.isfinite(mde) else width
        axis = [BELOW if k < start else LOST if k < end else SEEN for k in range(width)]
    else:
        axis = [BELOW] * width
    axis[0], axis[-1] = "c", "|"
    rows, taken = [axis], [{0, width - 1}]
    for letter, score in marks.items():
        if not math.isfinite(score):
            continue
        k = place(score)
        level = next((i for i, places in enumerate(taken) if k not in places), len(rows))
        if level == len(rows):
            rows.append([" "] * width)
            taken.append(set())
        rows[level][k] = letter
        taken[level].add(k)
    return ["".join(row) for row in reversed(rows)]
