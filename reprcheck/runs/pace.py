"""How long things took on this machine, kept in the cache from run to run: what an estimate is made of.

An estimate decides nothing, so a file that can't be read or written is as good as none.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from reprcheck.digest import digest
from reprcheck.errors import UserError
from reprcheck.scorecard.atomic import replace_text

KEPT = 10_000
"""Names kept, the last noted."""


class Pace:
    """Seconds by name.

    Parameters
    ----------
    folder : Path
        The cache; each machine has a file of its own, and each device that was asked for.
    """

    def __init__(self, folder: Path) -> None:
        machine = digest("machine", platform.node(), os.environ.get("REPRCHECK_DEVICE", ""))
        self._path = folder / f"pace-1-{machine[:16]}.json"
        self._seconds, self._new = self._read(), dict[str, float]()

    def of(self, names: Iterable[str]) -> float | None:
        """Return the seconds of the first of some names that is known."""
        return next((self._seconds[name] for name in names if name in self._seconds), None)

    def note(self, names: Iterable[str], seconds: float) -> None:
        """Note under each of some names how many seconds something took."""
        for name in names:
            self._seconds[name] = self._new[name] = seconds

    def write(self) -> None:
        """Add what is new to the file, in which another run may have noted something since."""
        if self._new:
            known = {name: seconds for name, seconds in self._read().items() if name not in self._new} | self._new
            self._new = {}
            with suppress(UserError):
                replace_text(self._path, json.dumps(dict(list(known.items())[-KEPT:])))

    def _read(self) -> dict[str, float]:
        try:
            return {str(name): float(seconds) for name, seconds in json.loads(self._path.read_text()).items()}
        except (OSError, ValueError, AttributeError, TypeError):
            return {}
