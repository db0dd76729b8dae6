"""The templates that pictures and pages are made from: whatever they print is escaped, and on one line.

Names come from users: a template can't forget to make them harmless, since it has no other way to print.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from reprcheck.reporters import wording


def render(name: str, **values: Any) -> str:
    """Return a template of ``templates/`` with values filled in."""
    return _environment().get_template(name).render(values)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_printed,
    )
    environment.globals["wording"] = wording
    return environment


def _printed(value: Any) -> Any:
    return wording.one_line(value) if isinstance(value, str) and not isinstance(value, Markup) else value
