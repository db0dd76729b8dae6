"""Put what the committed reports say into the README and the pages of docs/.

    python tools/reports_in_docs.py

Each goes after its marker: of a scorecard the overview, or the terminal report at 80 columns down to the end of the
verdicts; an audit down to the end of its first setting; the calibration, the positive controls and the throughput as
tables. `make reports`, `make calibration`, `make positive` and `make throughput` run it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from itertools import takewhile
from pathlib import Path

import positive_table
import throughput

from reprcheck.reporters.audit import AuditReport
from reprcheck.reporters.overview import OverviewReport
from reprcheck.reporters.terminal import TerminalReport
from reprcheck.runs.audit import Audit
from reprcheck.scorecard.document import read
from reprcheck.studies.table import NAME
from reprcheck.studies.table import overview as summary_table
from reprcheck.types import Cell, Setting

ROOT = Path(__file__).resolve().parents[1]
PAGES = ("README.md", "docs/scorecard.md", "docs/audit.md", "docs/performance.md", "docs/statistics.md")
BLOCK = re.compile(
    r"(<!-- (overview|scorecard|audit|calibration|throughput|estimates|controls|pair): (\S+) -->\n)"
    r"(?:```text\n(?s:.*?)```\n|(?:\|.*\n)*)"
)


def overview(folder: str) -> str:
    """Return the overview of the scorecard in a folder."""
    return _fenced(OverviewReport(read(ROOT / folder)).lines(100, color=False))


def scorecard(folder: str) -> str:
    """Return the verdicts of the scorecard in a folder, as the terminal shows them."""
    lines = TerminalReport(read(ROOT / folder)).lines(80, color=False)
    return _fenced(takewhile(lambda line: not line.startswith("Effect:"), lines))


def audit(path: str) -> str:
    """Return the beginning of the audit in a JSON file, as the terminal shows it."""
    found = []
    for values in json.loads((ROOT / path).read_text(encoding="utf-8"))["audits"]:
        values.pop("sound")
        setting, cell = Setting(**values.pop("setting")), values.pop("cell")
        found.append(Audit(setting=setting, cell=cell and Cell(**cell), **values))
    second = f"{found[1].setting.task}/{found[1].setting.protocol}"
    return _fenced(takewhile(lambda line: line != second, AuditReport(found).lines(80, color=False)))


def calibration(folder: str) -> str:
    """Return the summary of the calibration table in a folder."""
    kept = json.loads((ROOT / folder / f"{NAME}.json").read_text(encoding="utf-8"))
    return "".join(f"{line}\n" for line in summary_table(kept))


def filled(page: str) -> str:
    """Return a page with every block after a marker made anew."""
    makers = {
        "overview": overview,
        "scorecard": scorecard,
        "audit": audit,
        "calibration": calibration,
        "throughput": lambda folder: throughput.table(ROOT / folder),
        "estimates": lambda folder: throughput.estimates(ROOT / folder),
        "controls": lambda folder: positive_table.rates(ROOT / folder),
        "pair": lambda folder: positive_table.pair(ROOT / folder),
    }
    return BLOCK.sub(lambda block: block[1] + makers[block[2]](block[3]), page)


def _fenced(lines: Iterable[str]) -> str:
    text = "\n".join(line.rstrip() for line in lines).rstrip()
    return f"```text\n{text}\n```\n"


if __name__ == "__main__":
    for page in PAGES:
        path = ROOT / page
        path.write_text(filled(path.read_text(encoding="utf-8")), encoding="utf-8")
