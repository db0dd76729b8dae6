"""Cases of a study on all cores: their seeds come from their names, so that neither order nor cores play a part."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from joblib import Parallel, delayed

from reprcheck.embed.engine import Progress
from reprcheck.studies.row import Scale

Found = TypeVar("Found")


def side_by_side(
    case: Callable[..., Found], arguments: Sequence[tuple[Any, ...]], scale: Scale, progress: Progress, title: str
) -> list[Found]:
    """Return what each case finds, in the order of their arguments; a quick look stays in this process."""
    cases, found = Parallel(n_jobs=-1 if scale.full else 1, return_as="generator"), []
    with progress(len(arguments), title) as advance:
        for one in cases(delayed(case)(*some) for some in arguments):
            found.append(one)
            advance(1)
    return found
