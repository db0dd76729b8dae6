"""A release gate for microscopy representation models: did it learn biology, or what nobody had to train?

    >>> import reprcheck
    >>> card = reprcheck.check("demo")  # doctest: +SKIP

Names are imported when first used, so that ``import reprcheck`` is quick and never brings torch along.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reprcheck.errors import ReprcheckError, UserError
    from reprcheck.policy import Policy, read_policy
    from reprcheck.runs.check import check
    from reprcheck.types import Cell, Dataset, Evidence, Scorecard, Setting

_WHERE = {
    "check": "runs.check",
    "ReprcheckError": "errors",
    "UserError": "errors",
    "Policy": "policy",
    "read_policy": "policy",
    "Cell": "types",
    "Dataset": "types",
    "Evidence": "types",
    "Scorecard": "types",
    "Setting": "types",
}

__all__ = [
    "Cell",
    "Dataset",
    "Evidence",
    "Policy",
    "ReprcheckError",
    "Scorecard",
    "Setting",
    "UserError",
    "check",
    "read_policy",
]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'reprcheck' has no attribute {name!r}")
    return getattr(import_module(f"reprcheck.{_WHERE[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
