"""What the positive controls came to, as tables in Markdown; `positive_controls.py` runs them."""

from __future__ import annotations

import json
from itertools import groupby
from pathlib import Path
from typing import Any

NAME = "controls.json"

Run = dict[str, Any]


def rates(folder: Path) -> str:
    """Return how often each network passes all cells, and those of each diagnostic, at each number of units."""
    runs = sorted(_runs(folder), key=_case)
    diagnostics = sorted({cell["diagnostic"] for cell in runs[0]["cells"]})
    header = ["images", "network", "units", "all cells", *(f"`{name}`" for name in diagnostics)]
    lines = [_line(header), "|---" * len(header) + "|"]
    for (control, network, units), tried in ((case, list(some)) for case, some in groupby(runs, _case)):
        whole = sum(all(_passes(cell) for cell in run["cells"]) for run in tried)
        cells = [[cell for run in tried for cell in run["cells"] if cell["diagnostic"] == name] for name in diagnostics]
        shares = [f"{sum(map(_passes, some))} of {len(some)}" for some in cells]
        lines.append(_line([control, network, str(units), f"{whole} of {len(tried)}", *shares]))
    return "".join(f"{line}\n" for line in lines)


def pair(folder: Path) -> str:
    """Return the cells of what was trained on cells, beside those of what was trained on photographs."""
    runs = [run for run in _runs(folder) if run["control"] == "jurkat" and run["half"] == run["draw"] == 0]
    most = max(run["units"] for run in runs)
    beside = {run["model"]: run["cells"] for run in runs if run["units"] == most}
    lines = [_line([f"{most} cells, none seen in training", *beside]), "|---" * (1 + len(beside)) + "|"]
    for cells in zip(*beside.values(), strict=True):
        protocol = cells[0]["setting"].partition("/")[2]
        lines.append(_line([f"`{cells[0]['diagnostic']}`, {protocol}", *map(_told, cells)]))
    return "".join(f"{line}\n" for line in lines)


def _runs(folder: Path) -> list[Run]:
    return list(json.loads((folder / NAME).read_text(encoding="utf-8"))["runs"])


def _case(run: Run) -> tuple[str, str, int]:
    return run["control"], run["model"], run["units"]


def _passes(cell: Run) -> bool:
    return bool(cell["status"] == "pass")


def _told(cell: Run) -> str:
    if cell["effect"] is None:
        return str(cell["status"])
    return f"{cell['status']}: {cell['effect']:+.2f}, at least {cell['low']:+.2f}, over {cell['reference']}"


def _line(entries: list[str]) -> str:
    return f"| {' | '.join(entries)} |"
