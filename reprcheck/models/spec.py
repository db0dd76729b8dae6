"""A model SPEC in parts: its source, its target and its options, and the text that stands for it.

How a text is read is said in `grammar`: that knows the registry of sources, which no network depends on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from reprcheck import errors

Option = bool | int | float | str


@dataclass(frozen=True)
class Spec:
    """A parsed SPEC.

    Attributes
    ----------
    source : str
        A name of `reprcheck.registry.SOURCES`.
    target : str
        What the source is asked for; empty for a source without one.
    options : mapping of str to bool, int, float or str
    """

    source: str
    target: str = ""
    options: Mapping[str, Option] = field(default_factory=dict)

    def __str__(self) -> str:
        """Return the SPEC that parses to this."""
        head = f"{self.source}:{quote(self.target, safe='/:@,+~=')}" if self.target else self.source
        tail = "&".join(f"{key}={quote(_write(value), safe='/:@,+~')}" for key, value in self.options.items())
        return f"{head}?{tail}" if tail else head

    @property
    def where(self) -> str:
        """The SPEC as an error names it."""
        return errors.Option("model", self)


def _write(value: Option) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
