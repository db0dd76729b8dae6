"""How many cores this process may use."""

import os

LIMIT = "REPRCHECK_CORES"
"""Environment variable: at most so many."""


def cores() -> int:
    """Return how much may run side by side: the cores of this process, shared with the other workers of xdist.

    ``REPRCHECK_CORES`` makes it fewer, where a scheduler gives out fewer than it lets a process use.
    """
    mine = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    limit = os.environ.get(LIMIT, "")
    mine = min(mine, int(limit)) if limit.isdecimal() else mine
    return max(1, mine // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))
