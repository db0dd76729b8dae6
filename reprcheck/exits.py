"""Exit statuses, one table for the gate under pytest and for the command line.

They are pytest's own where pytest has one for the case, so that whoever reads statuses learns one table. A status of
its own says that only evidence is missing: more units would decide, not another model. Every status but 0 blocks.
"""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """How a run of the gate ended, or (`FINE`) a command."""

    RELEASED = 0
    FINE = 0
    BLOCKED = 1
    INTERRUPTED = 2
    MISTAKE = 4
    NOT_ENOUGH_EVIDENCE = 10


MEANING = {
    Exit.RELEASED: "released: every required cell passed, in this run; a command: fine",
    Exit.BLOCKED: "blocked: a cell failed, broke or has no verdict; a command: not good",
    Exit.INTERRUPTED: "interrupted: stopped by the user; nothing is decided",
    Exit.MISTAKE: "a mistake in what was asked: nothing is decided, or a report is missing",
    Exit.NOT_ENOUGH_EVIDENCE: "not enough evidence: nothing but inconclusive cells blocks",
}
"""What each status says. Beside these pytest's own 3 (an internal error) and 5 (no test was collected) stay."""
