"""Which reference a name in a scorecard is of: apart from `reference`, so that no baseline's key holds the registry."""

from __future__ import annotations

from reprcheck.registry import REFERENCES


def reference_of(name: str) -> str:
    """Return the registered name of the reference that an encoder in a scorecard is, or is of the family of.

    Nothing is loaded. A name that no reference has is returned as it is.

    Examples
    --------
    >>> reference_of("untrained-resnet"), reference_of("structure"), reference_of("model")
    ('untrained', 'structure', 'model')
    """
    return next((known for known in REFERENCES.names() if name == known or name.startswith(f"{known}-")), name)
