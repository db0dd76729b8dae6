"""``hub:DIR:entry``: an entry point of a ``hubconf.py``, as ``torch.hub.load(DIR, entry, source="local")`` has it.

It is code of the user's like that of ``py:``, and is treated alike: options are the entry point's arguments, the
network is known by its code and weights, and nothing is run before it is needed.
"""

from __future__ import annotations

from pathlib import Path

from reprcheck.errors import UserError
from reprcheck.models.sources.py import FactoryModel
from reprcheck.models.sources.source import Source
from reprcheck.models.spec import Spec

CONF = "hubconf.py"


class Hub(Source):
    """Networks by the entry points of a folder."""

    target = "DIR:entry"
    what = "an entry point of a folder's `hubconf.py`"
    example = "hub:repo:entry"
    options = None
    twins = "`untrained(seed)` of the network, else each layer's `reset_parameters`"

    def open(self, spec: Spec) -> FactoryModel:
        """Return the model; imports nothing. Raises UserError for a folder without ``hubconf.py``, and bad options."""
        folder, _, entry = spec.target.rpartition(":")
        path = Path(folder).expanduser() / CONF
        if not folder or not entry:
            raise UserError(spec.where, f"{spec.target!r} names no entry point", "write hub:DIR:entry")
        if not path.is_file():
            raise UserError(spec.where, f"no {CONF} in {folder}", "name the folder of the repository")
        return FactoryModel(spec, self.name_of(spec), str(path))

    def short_name(self, spec: Spec) -> str:
        """Return the folder's name and the entry point's."""
        folder, _, entry = spec.target.rpartition(":")
        return f"{Path(folder).expanduser().resolve().name}.{entry}"


HUB = Hub()
