"""How many cores this process may use."""

import os


def cores() -> int:
    """Return how much may run side by side: the cores of this process, shared with the other workers of xdist."""
    mine = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, mine // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))
