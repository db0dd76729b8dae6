"""The reference that a scorecard's name belongs to; not in `reference`, to keep the registry out of baselines' keys."""

from __future__ import annotations

from reprcheck.registry import REFERENCES


def reference_of(name: str) -> str:
    """Return the registered name of the reference that an encoder in a scorecard belongs to.

    Nothing is loaded. A name that belongs to no reference is returned unchanged.

    Examples
    --------
    >>> reference_of("untrained-resnet"), reference_of("structure"), reference_of("model")
    ('untrained', 'structure', 'model')
    """
    return next((known for known in REFERENCES.names() if name == known or name.startswith(f"{known}-")), name)
