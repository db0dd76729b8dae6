"""Distributions that are installed as far as their metadata goes: with entry points."""

import sys
from importlib.metadata import DistributionFinder, PathDistribution


def write_metadata(folder, group, distribution, version, entries):
    """Write what an installer writes about a distribution; ``folder`` is on ``sys.path``."""
    info = folder / f"{distribution}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
    lines = "".join(f"{name} = {where}\n" for name, where in entries.items())
    (info / "entry_points.txt").write_text(f"[{group}]\n{lines}")
    assert PathDistribution(info).version == version
    for finder in sys.meta_path:
        if isinstance(finder, DistributionFinder) or hasattr(finder, "invalidate_caches"):
            finder.invalidate_caches()


def forget(registry):
    """Let a registry look again at what is installed."""
    vars(registry).pop("_entries", None)
