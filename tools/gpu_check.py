"""Check reprcheck on a CUDA device in at most eight minutes, and keep what it measured.

    python tools/gpu_check.py [--out reports/throughput/gpu.json] [--images N] [--rows N] [--device cuda]

It runs the tests of ``tests/gpu``; then, for several networks and precisions, the engine beside the bare loop over
tensors in memory and a DataLoader; then the probe and the vote of neighbours. What would begin after seven minutes is
left out, and named in the JSON. Needs pytest, timm and tifffile, and no network.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import nullcontext
from itertools import count
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
BUDGET = 7 * 60
"""Seconds after which nothing new is begun."""
NETWORKS = ("vit_base_patch16_224", "resnet50")
FAMILY = 6
"""Networks side by side: a model and five twins."""


def main() -> int:
    """Run all checks that there is time for; return 0 where the tests passed."""
    begun = time.monotonic()
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=ROOT / "reports" / "throughput" / "gpu.json")
    parser.add_argument("--images", type=int, default=2048)
    parser.add_argument("--rows", type=int, nargs="+", default=[10**5, 10**6])
    parser.add_argument("--device", default="cuda")
    options = parser.parse_args()
    os.environ["REPRCHECK_DEVICE"] = options.device

    tests = subprocess.run(
        [sys.executable, "-m", "pytest", "tests/gpu", "-q", "-rs", "-p", "no:cacheprovider"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=BUDGET,
        check=False,
    )
    report: dict[str, Any] = {
        "tests": tests.stdout.strip().splitlines()[-1:],
        "device": describe(options.device),
        "runs": [],
    }
    with tempfile.TemporaryDirectory() as folder:
        for name, run in [*embedding(Path(folder), options.images), *scoring(options.rows)]:
            if time.monotonic() - begun > BUDGET:
                report.setdefault("left out", []).append(name)
                continue
            report["runs"].append({"what": name, **run()})
            print(json.dumps(report["runs"][-1]), flush=True)
            report["seconds"] = round(time.monotonic() - begun)
            options.out.parent.mkdir(parents=True, exist_ok=True)
            options.out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return tests.returncode


def describe(name: str) -> dict[str, Any]:
    """Return what ran: the device, its memory in bytes, and torch's version."""
    import torch

    if not name.startswith("cuda"):
        return {"name": name, "torch": torch.__version__}
    found = torch.cuda.get_device_properties(name)
    return {"name": found.name, "memory": found.total_memory, "torch": torch.__version__}


Case = tuple[str, Callable[[], dict[str, Any]]]


def embedding(folder: Path, n: int) -> list[Case]:
    """Return what embeds ``n`` images from 16-bit TIFF."""
    from benchmarks import loops

    images = loops.write_images(folder / "images", n, "tiff")
    cases: list[Case] = []
    for precision in ("bf16", "fp32"):
        for name in NETWORKS:
            cases.append((f"{name} {precision}", lambda n=name, p=precision: beside(folder, images, n, p, 1)))
        family = f"{FAMILY} x {NETWORKS[1]} {precision}"
        cases.append((family, lambda p=precision: beside(folder, images, NETWORKS[1], p, FAMILY)))
    return cases


NUMBERS = count()


def beside(folder: Path, images: Path, name: str, precision: str, networks: int) -> dict[str, Any]:
    """Time the engine, the bare loop and a DataLoader, twice each in turn; the first round of each warms up."""
    import torch

    from benchmarks import loops
    from reprcheck.cores import cores
    from reprcheck.datasets.folder import open_folder
    from reprcheck.embed.cache import Cache
    from reprcheck.embed.embedder import Embedder
    from reprcheck.models import resolve_model
    from reprcheck.models.torch.device import device
    from reprcheck.progress import bar

    place = device()
    half = {"bf16": torch.bfloat16}.get(precision)
    size = f"&size={loops.SIDE}" if not name.startswith("vit") else ""
    model = resolve_model(f"timm:{name}?pretrained=false&precision={precision}{size}")
    encoders: Any = [model.untrained(3, k) for k in range(networks)]
    modules = [encoder.network.build().module.eval().to(place) for encoder in encoders]
    tensors, dataset = loops.in_memory(images), open_folder(images)

    def cast() -> Any:
        return torch.autocast(place.type, half) if half else nullcontext()

    def engine() -> None:
        Embedder(Cache(folder / f"cache{next(NUMBERS)}"), bar).embed(dataset, (0, 1, 2), encoders, "gpu check")

    def bare() -> None:
        with cast():
            loops.bare(modules, tensors, place)

    def loaded() -> None:
        with cast():
            loops.loaded(modules, images, place, cores())

    seconds: dict[str, list[float]] = {"bare loop": [], "engine": [], "DataLoader": []}
    for _ in range(2):
        for key, run in zip(seconds, (bare, engine, loaded), strict=True):
            start = time.perf_counter()
            run()
            seconds[key].append(time.perf_counter() - start)
    best = {key: min(times) for key, times in seconds.items()}
    return {
        "images": len(tensors),
        "networks": networks,
        "seconds": seconds,
        "engine over bare loop": best["bare loop"] / best["engine"],
        "share of time the device waits": max(0.0, 1 - best["bare loop"] / best["engine"]),
    }


def scoring(rows: list[int]) -> list[Case]:
    """Return what scores vectors of 768 numbers, once each."""
    from benchmarks import test_throughput as throughput

    def timed(protocol: Any, n: int) -> dict[str, Any]:
        x, task = throughput.made(n, 768)
        start = time.perf_counter()
        throughput.score(protocol, x, task)
        return {"rows": n, "width": 768, "seconds": [time.perf_counter() - start]}

    protocols = (throughput.PROBE, throughput.KNN)
    return [(f"{one.id} {n}", lambda p=one, n=n: timed(p, n)) for n in rows for one in protocols]


if __name__ == "__main__":
    sys.exit(main())
