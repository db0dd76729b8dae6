"""Cases of a study on all cores: their seeds come from their names, so that neither order nor cores play a part."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from joblib import Parallel, delayed

from reprcheck.embed.engine import Progress
from reprcheck.studies.row import Scale

Result = TypeVar("Result")


def side_by_side(
    case: Callable[..., Result], arguments: Sequence[tuple[Any, ...]], scale: Scale, progress: Progress, title: str
) -> list[Result]:
    """Return what each case finds, in the order of their arguments; a quick look stays in this process."""
    cases, results = Parallel(n_jobs=-1 if scale.full else 1, return_as="generator"), []
    with progress(len(arguments), title) as advance:
        for result in cases(delayed(case)(*some) for some in arguments):
            results.append(result)
            advance(1)
    return results
