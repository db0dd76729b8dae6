"""Which xdist worker gets which test: a model stays on one worker, which holds its networks and its scores."""

from __future__ import annotations

from xdist.scheduler import LoadScopeScheduling


class ModelScheduling(LoadScopeScheduling):  # type: ignore[misc]
    """Sends all tests of a model to the same worker; tests of no model are grouped by module."""

    def _split_scope(self, nodeid: str) -> str:
        parameters = nodeid.partition("[")[2]
        model, at, _ = parameters.partition("@")
        return f"model {model}" if at else nodeid.partition("::")[0]
