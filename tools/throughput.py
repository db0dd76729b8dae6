"""Keep what the throughput benchmark measured, draw it, and write it as a table.

    python tools/throughput.py RAW.json

``RAW.json`` is pytest-benchmark's; what is kept of it goes to ``reports/throughput/``, with a picture. `make
throughput` runs both.
"""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from reprcheck.policy import Policy

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "reports" / "throughput"
LIBRARIES = ("numpy", "scikit-learn", "torch", "timm")
FROM = 10_000
"""Rows from which exponents are fitted."""

Run = dict[str, Any]


def keep(raw: dict[str, Any]) -> dict[str, Any]:
    """Return what is kept of pytest-benchmark's JSON: times in seconds, and the machine without its name."""
    runs = [{"test": one["name"], "seconds": one["stats"]["data"], **one["extra_info"]} for one in raw["benchmarks"]]
    cpu = raw["machine_info"]["cpu"]
    machine = {
        "cpu": cpu["brand_raw"],
        "cores": max(run.get("cores", 1) for run in runs),
        "python": platform.python_version(),
    }
    return {"machine": machine | {name: version(name) for name in LIBRARIES}, "runs": runs}


def table(folder: Path) -> str:
    """Return the table of what is kept in a folder, in Markdown."""
    kept = json.loads((folder / "throughput.json").read_text(encoding="utf-8"))
    lines = ["| what | measured | against |", "|---|---|---|"]
    for run in kept["runs"]:
        lines += [f"| {what} | {found} | {against} |" for what, found, against in _rows(run)]
    lines += [
        f"| {name}, rows from {FROM:,} on | time grows as rows to the {power:.2f} | |"
        for name, power in exponents(kept)
    ]
    return "".join(f"{line}\n" for line in lines)


def _rows(run: Run) -> Iterator[tuple[str, str, str]]:
    """Return the lines of one run."""
    test, seconds = run["test"].partition("[")[0], median(run["seconds"])
    rivals: dict[str, Sequence[float]] = run.get("rivals", {})
    if test in {"test_one_network", "test_side_by_side"}:
        case = run["test"].partition("[")[2].rstrip("]") or "png"
        many = "a ResNet-18" if run["encoders"] == 1 else f"{run['encoders']} networks side by side"
        rate = run["images"] * run["encoders"] / seconds
        times = ", ".join(f"{name} {_ratio(others, run['seconds'])}" for name, others in rivals.items())
        yield f"{many}, {run['images']} images ({case})", f"{rate:.0f} images/s", f"time of others over ours: {times}"
    elif test == "test_with_baselines":
        alone = [a + b for a, b in zip(rivals["bare loop"], rivals["one decode"], strict=True)]
        share = median(rivals["baselines alone"]) / seconds
        found = f"{_ratio(run['seconds'], alone)} of bare passes and one decode"
        yield (
            f"networks and hand-made baselines, {run['encoders']} encoders",
            found,
            f"baselines alone: {share:.0%} of ours",
        )
    elif test == "test_probe_beside_scikit_learn":
        (theirs,) = rivals.values()
        times = median(theirs) * run["folds"] / seconds
        ours, peer = run["accuracy"]
        what = f"probe, {run['rows']:,} x {run['width']}"
        yield (
            what,
            f"{seconds:.1f} s",
            f"LogisticRegressionCV {times:.1f} times as long; accuracy {ours:.4f}, theirs {peer:.4f}",
        )
    elif test == "test_neighbours_beside_the_bare_product":
        what = f"neighbours, {run['rows']:,} x {run['width']}"
        yield what, f"{seconds:.1f} s", f"{_ratio(run['seconds'], rivals['bare product'])} of the bare float32 product"
    elif test == "test_scale":
        memory = f"{run['peak_bytes'] / 2**30:.1f} GiB at most so far"
        yield f"{run['protocol']}, {run['rows']:,} x {run['width']}", f"{seconds:.1f} s", memory
    elif test == "test_statistics":
        yield f"a comparison of {run['rows']:,} units with five draws", f"{seconds:.3f} s", ""


def estimates(folder: Path) -> str:
    """Return how long the parts of a run take here, in Markdown, worked out from what is kept in a folder.

    Networks: a model, its twins, as they are and adapted, two plain ones; on matched images the model and its twins.
    Between the sizes measured time is taken to grow as a power of the rows, and beyond them at least as the rows do.
    """
    kept = json.loads((folder / "throughput.json").read_text(encoding="utf-8"))
    networks = 4 + 3 * Policy().twins
    (run,) = (one for one in kept["runs"] if one["test"] == "test_side_by_side")
    rate = run["images"] * run["encoders"] / median(run["seconds"])
    scale = {name: (rows, seconds) for name, rows, seconds in _scale(kept)}
    lines = [
        f"| images | embedding, {networks} passes of a ResNet-18 at 224 pixels | `probe/2`, one encoder, one draw of "
        "folds | `knn/1`, likewise |",
        "|---|---|---|---|",
    ]
    for n in (1_000, 10_000, 50_000, 100_000, 1_000_000):
        times = [n * networks / rate]
        for name in ("probe/2", "knn/1"):
            times.append(_at(n, *scale[name]))
        lines.append(f"| {n:,} | {' | '.join(map(_duration, times))} |")
    return "".join(f"{line}\n" for line in lines)


def _at(n: int, rows: Any, seconds: Any) -> float:
    """Return the seconds at n rows, on the line through the two nearest sizes in logarithms."""
    nearest = np.sort(np.argsort(np.abs(np.log(rows / n)), kind="stable")[:2])
    slope = np.polyfit(np.log(rows[nearest]), np.log(seconds[nearest]), 1)[0]
    last = nearest[-1]
    return float(seconds[last] * (n / rows[last]) ** (max(slope, 1) if n > rows.max() else slope))


def _duration(seconds: float) -> str:
    for size, unit in ((86_400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def _ratio(of: Sequence[float], to: Sequence[float]) -> str:
    """Return the median of paired ratios and their range."""
    ratios = [a / b for a, b in zip(of, to, strict=True)]
    spread = f" ({min(ratios):.2f} to {max(ratios):.2f})" if len(ratios) > 1 else ""
    return f"{median(ratios):.2f}{spread}"


def exponents(kept: dict[str, Any]) -> list[tuple[str, float]]:
    """Return for each protocol the power of the rows by which its time grows."""
    found = []
    for name, rows, seconds in _scale(kept):
        large = rows >= FROM
        if large.sum() > 1:
            found.append((name, float(np.polyfit(np.log(rows[large]), np.log(seconds[large]), 1)[0])))
    return found


def _scale(kept: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    """Return rows and seconds of each protocol."""
    runs = [run for run in kept["runs"] if run["test"].startswith("test_scale")]
    series = []
    for name in dict.fromkeys(run["protocol"] for run in runs):
        mine = sorted((run["rows"], median(run["seconds"])) for run in runs if run["protocol"] == name)
        series.append((name, *np.array(mine, float).T))
    return series


def draw(kept: dict[str, Any], path: Path) -> None:
    """Draw how time grows with rows, and the engine beside the loops that people write, as SVG."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    mpl.rcParams.update({"svg.hashsalt": "reprcheck", "svg.fonttype": "none", "font.family": "sans-serif"})
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    bars = [
        (run["test"].removeprefix("test_").replace("_", " "), name, median(run["seconds"]) / median(times))
        for run in kept["runs"]
        if run["test"].startswith(("test_one_network", "test_side_by_side"))
        for name, times in run["rivals"].items()
    ]
    left.barh([f"{case}: {name}" for case, name, _ in bars], [share for *_, share in bars], color="#4477aa")
    left.axvline(1, color="0.4", linewidth=1)
    left.invert_yaxis()
    left.set_xlabel("the engine's time / the other's (less is faster)")
    for (name, rows, seconds), marker in zip(_scale(kept), "os^D", strict=False):
        right.loglog(rows, seconds, marker=marker, label=name)
    right.set(xlabel="rows", ylabel="seconds, one encoder, one draw of folds")
    right.legend(frameon=False)
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, metadata={"Date": None, "Creator": None})


if __name__ == "__main__":
    kept = keep(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "throughput.json").write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    draw(kept, FOLDER / "throughput.svg")
