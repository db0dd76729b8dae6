"""Put the committed scorecards' verdicts, an audit's beginning and the calibration's summary into the README.

    python tools/readme_scorecards.py

Each goes between its markers: the terminal report at 80 columns, down to the end of the verdicts, or of the audit's
first setting; the calibration as a table. `make reports` and `make calibration` run it.
"""

from __future__ import annotations

import json
import re
from itertools import takewhile
from pathlib import Path

from reprcheck.auditing import Audit
from reprcheck.calibration.table import NAME, overview
from reprcheck.reporters.audit import AuditReport
from reprcheck.reporters.terminal import TerminalReport
from reprcheck.scorecard.document import read
from reprcheck.types import Cell, Setting

ROOT = Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"(<!-- scorecard: (\S+) -->\n)```text\n.*?```\n", re.DOTALL)
AUDIT = re.compile(BLOCK.pattern.replace("scorecard", "audit"), re.DOTALL)
CALIBRATION = re.compile(r"(<!-- calibration: (\S+) -->\n)(?:\|.*\n)*")


def verdicts(folder: str) -> str:
    """Return the verdicts of the scorecard in a folder, as the terminal shows them."""
    lines = TerminalReport(read(ROOT / folder)).lines(80, color=False)
    return "\n".join(line.rstrip() for line in takewhile(lambda line: not line.startswith("Effect:"), lines)).rstrip()


def audit(path: str) -> str:
    """Return the beginning of the audit in a JSON file, as the terminal shows it."""
    found = []
    for values in json.loads((ROOT / path).read_text(encoding="utf-8"))["audits"]:
        values.pop("sound")
        setting, cell = Setting(**values.pop("setting")), values.pop("cell")
        found.append(Audit(setting=setting, cell=cell and Cell(**cell), **values))
    second = f"{found[1].setting.task}/{found[1].setting.protocol}"
    return "\n".join(takewhile(lambda line: line != second, AuditReport(found).lines(80, color=False))).rstrip()


def calibration(folder: str) -> str:
    """Return the summary of the calibration table in a folder."""
    kept = json.loads((ROOT / folder / f"{NAME}.json").read_text(encoding="utf-8"))
    return "".join(f"{line}\n" for line in overview(kept))


def filled(readme: str) -> str:
    """Return the README with every block between markers made anew."""
    readme = BLOCK.sub(lambda found: f"{found[1]}```text\n{verdicts(found[2])}\n```\n", readme)
    readme = CALIBRATION.sub(lambda found: f"{found[1]}{calibration(found[2])}", readme)
    return AUDIT.sub(lambda found: f"{found[1]}```text\n{audit(found[2])}\n```\n", readme)


if __name__ == "__main__":
    path = ROOT / "README.md"
    path.write_text(filled(path.read_text(encoding="utf-8")), encoding="utf-8")
