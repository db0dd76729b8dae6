"""The digest of a hand-made baseline: its name, its settings, the sources of this package and the libraries under it.

An edited formula or another release of scikit-image is thereby a new encoder, and the embedding cache can't serve the
old vectors. The optional baseline is left out of the sources: it adds its own, and no other vector depends on it.
"""

from __future__ import annotations

from typing import Any

from reprcheck.digest import code_digest, digest, installed


def baseline_digest(name: str, **settings: Any) -> str:
    """Return the digest of a baseline.

    Parameters
    ----------
    name : str
        The kind of baseline, not what a user called it.
    **settings : plain values or arrays
        Everything else that shapes its vectors.

    Returns
    -------
    str
        40 hex digits.
    """
    code = code_digest("reprcheck.baselines", without="cellprofiler")
    return digest("baseline", name, settings, code, installed("scikit-image", "scipy", "numpy"))
