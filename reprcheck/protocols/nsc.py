"""``nsc/1``: not-same-compound matching (Ljosa et al. 2013), see `matching`.

The unit is the compound, a sample one treatment's profile.
"""

from __future__ import annotations

from reprcheck.protocols.matching import Matching


class NotSameCompound(Matching):
    """A match lies in another unit."""

    id = "nsc/1"
    outside = ("unit",)


NSC = NotSameCompound()
