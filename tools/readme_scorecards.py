"""Put the verdicts of the committed scorecards into the README, between their markers.

    python tools/readme_scorecards.py

What is put there is the terminal report at 80 columns, down to the end of the verdicts; `make reports` runs it.
"""

from __future__ import annotations

import re
from itertools import takewhile
from pathlib import Path

from reprcheck.reporters.terminal import TerminalReport
from reprcheck.scorecard.document import read

ROOT = Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"(<!-- scorecard: (\S+) -->\n)```text\n.*?```\n", re.DOTALL)


def verdicts(folder: str) -> str:
    """Return the verdicts of the scorecard in a folder, as the terminal shows them."""
    lines = TerminalReport(read(ROOT / folder)).lines(80, color=False)
    return "\n".join(line.rstrip() for line in takewhile(lambda line: not line.startswith("Effect:"), lines)).rstrip()


def filled(readme: str) -> str:
    """Return the README with every block between markers made anew."""
    return BLOCK.sub(lambda found: f"{found[1]}```text\n{verdicts(found[2])}\n```\n", readme)


if __name__ == "__main__":
    path = ROOT / "README.md"
    path.write_text(filled(path.read_text(encoding="utf-8")), encoding="utf-8")
