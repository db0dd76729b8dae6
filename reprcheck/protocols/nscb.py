"""``nscb/1``: not-same-compound-or-batch matching (Ando et al. 2017), see `matching`.

The unit is the compound, a sample one treatment's profile.
"""

from __future__ import annotations

from reprcheck.protocols.matching import Matching


class NotSameCompoundOrBatch(Matching):
    """A match lies in another unit, and in another batch."""

    id = "nscb/1"
    needs = ("batch",)
    outside = ("unit", "batch")


NSCB = NotSameCompoundOrBatch()
