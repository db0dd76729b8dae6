"""The calibration table: every study run, and what came of it as JSON and as a page for people."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from reprcheck.code import code_digest
from reprcheck.diagnostics.beats_structure import BEATS_STRUCTURE
from reprcheck.diagnostics.beats_texture import BEATS_TEXTURE
from reprcheck.diagnostics.beats_untrained import BEATS_UNTRAINED
from reprcheck.diagnostics.beyond_intensity import BEYOND_INTENSITY
from reprcheck.digest import digest, installed
from reprcheck.embed.engine import Progress
from reprcheck.registry import PROTOCOLS
from reprcheck.scorecard.atomic import replace_text
from reprcheck.studies.row import Row, Scale

STUDIES = (
    "coverage",
    "power",
    "training",
    "untrained",
    "foreign",
    "intensity",
    "structure",
    "texture",
    "permuted",
    "groups",
    "batches",
)
"""Modules of this package, in the order of the table."""
NAME = "calibration"
_QUESTIONS = {
    "coverage": "The interval holds the true effect: 90 %, within 2 points from 20 units up; 81 % at least at 10.",
    "power": "An effect a fifth above the minimum detectable one passes nine times in ten.",
    "training": "The interval holds the true effect over new training samples: 88 % at least.",
    "untrained": f"One more untrained draw passes `{BEATS_UNTRAINED.name}` at most as often as alpha, at margin 0.",
    "foreign": f"An untrained network of another kind passes `{BEATS_UNTRAINED.name}` at most as often as alpha.",
    "intensity": f"A function of intensity passes `{BEYOND_INTENSITY.name}` at most as often as alpha.",
    "structure": f"A function of the structural features passes `{BEATS_STRUCTURE.name}` at most as often as alpha.",
    "texture": f"A function of texture passes `{BEATS_TEXTURE.name}` at most as often as alpha; who sees more does.",
    "permuted": "Under permuted labels the gate never releases, and cells pass at most as often as alpha.",
    "batches": "Of two encoders that know the batch alone, neither beats the other more often than alpha.",
    "groups": "Units declared too fine are noticed, and nothing passes; named right, at most as often as alpha.",
}


def calibrate(studies: Sequence[str], full: bool, progress: Progress, folder: Path) -> list[Row]:
    """Run studies and write the table; what other studies wrote there before is kept.

    Parameters
    ----------
    studies : sequence of str
        Of `STUDIES`.
    full : bool
        Whether at full scale, or for a quick look.
    progress : Progress
    folder : Path
        Where ``calibration.json`` and ``calibration.md`` go, written anew after each study.

    Returns
    -------
    list of Row
        Of the studies run.
    """
    rows: list[Row] = []
    for name in studies:
        start = time.perf_counter()
        results: list[Row] = import_module(f"reprcheck.studies.{name}").study(Scale(full), progress)
        document = _read(folder / f"{NAME}.json")  # again each time: another process may write its studies there
        document[name] = {
            "run": _provenance(name, full, time.perf_counter() - start),
            "rows": [_plain(row) for row in results],
        }
        replace_text(folder / f"{NAME}.json", json.dumps(_order(document), indent=1) + "\n")
        replace_text(folder / f"{NAME}.md", "\n".join(page(_order(document))) + "\n")
        rows += results
    return rows


def summary(rows: Sequence[Row]) -> list[str]:
    """Return a line for each study, and one for each row that doesn't hold."""
    lines = []
    for name in dict.fromkeys(row.study for row in rows):
        mine = [row for row in rows if row.study == name]
        lines.append(f"{name}: {sum(row.holds for row in mine)} of {len(mine)} rates keep their bounds")
    failing = [row for row in rows if not row.holds]
    return lines + [
        f"  {r.study}: {r.case}: {r.rate:.3f} ({r.count}/{r.trials}), may be {r.least:.3g} to {r.most:.3g}"
        for r in failing
    ]


def page(document: Mapping[str, Any]) -> Iterable[str]:
    """Return the lines of the page for people."""
    yield "# Calibration of the gate\n"
    yield "Made by `reprcheck calibrate`; seeds come from the names of the cases. How to read it: docs/statistics.md.\n"
    yield from overview(document)
    for name, study in document.items():
        run = study["run"]
        scale = "full scale" if run["full"] else "QUICK LOOK, not the table that counts"
        yield f"\n## {name}\n\n{_QUESTIONS[name]}\n\n{scale}, {run['minutes']:g} minutes, {run['versions']}\n"
        yield "| case | rate | of trials | may be | holds | more |\n|---|---|---|---|---|---|"
        yield from (_line(row) for row in study["rows"])


def overview(document: Mapping[str, Any]) -> Iterable[str]:
    """Return the lines of a table with a row for each study."""
    yield "| study | what is asked | rates | keep their bounds |"
    yield "|---|---|---|---|"
    for name, study in document.items():
        rows = study["rows"]
        yield f"| {name} | {_QUESTIONS[name]} | {len(rows)} | {sum(row['holds'] for row in rows)} |"


def _line(row: Mapping[str, Any]) -> str:
    bounds = f"{row['least']:.3g} to {row['most']:.3g}" if row["least"] > 0 or row["most"] < 1 else "any"
    more = ", ".join(f"{k} {v:.3g}" if isinstance(v, float) else f"{k} {v}" for k, v in row["details"].items())
    holds = "yes" if row["holds"] else "**NO**"
    return f"| {row['case']} | {row['rate']:.3f} | {row['count']}/{row['trials']} | {bounds} | {holds} | {more} |"


def _plain(row: Row) -> dict[str, Any]:
    return {**asdict(row), "rate": round(row.rate, 6), "holds": row.holds}


def _order(document: Mapping[str, Any]) -> dict[str, Any]:
    return {name: document[name] for name in STUDIES if name in document}


def _sources(study: str) -> str:
    """Return the digest of the code of a study and of every protocol."""
    modules = [type(protocol).__module__ for _, protocol in PROTOCOLS.things()]
    return digest(*map(code_digest, (f"{__package__}.{study}", *modules)))


def _provenance(study: str, full: bool, seconds: float) -> dict[str, Any]:
    return {
        "full": full,
        "minutes": round(seconds / 60, 1),
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": f"python=={platform.python_version()} {installed('numpy', 'scipy', 'scikit-learn', 'torch')}",
        "source": _sources(study),
    }


def _read(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}
