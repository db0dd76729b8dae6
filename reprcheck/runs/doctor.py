"""What a run needs beside a model and images: a device, a cache, extras, extensions, a way to the hub."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from tempfile import TemporaryFile

from reprcheck import registry
from reprcheck.errors import UserError
from reprcheck.models.probe import Finding
from reprcheck.models.torch.device import device, device_name
from reprcheck.registry import Registry

OFFLINE = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
"""Environment variables that keep libraries of models from the network."""
DEVELOPERS = "dev"
"""The extra that is for work on reprcheck itself."""


def examine(cache: Path) -> Iterator[Finding]:
    """Yield a finding on each thing that a run needs.

    Parameters
    ----------
    cache : Path
        The folder of the cache, which needn't be there yet.
    """
    yield _device()
    yield _cache(cache)
    yield _extras()
    yield from _extensions()
    yield _hub()


def _device() -> Finding:
    try:
        device()
    except UserError as error:
        return Finding(f"{error.where}: {error.what}", error.remedy)
    return Finding(f"networks run on {device_name()}")


def _cache(folder: Path) -> Finding:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        return Finding(f"the cache {folder} can't be written: {error.strerror}", "choose another: REPRCHECK_CACHE")
    return Finding(f"the cache {folder} can be written")


def _extras() -> Finding:
    """Return which extras have all that they need; a missing one is nobody's fault."""
    needs: dict[str, list[str]] = {}
    for line in requires("reprcheck") or ():
        if match := re.match(r"([\w.-]+).*extra == ['\"]([\w-]+)['\"]", line):
            needs.setdefault(match[2], []).append(match[1])
    there = {extra: all(map(_installed, names)) for extra, names in sorted(needs.items()) if extra != DEVELOPERS}
    installed, missing = ([extra for extra in there if there[extra] is state] for state in (True, False))
    text = f"extras: {', '.join(installed) or 'none'}"
    return Finding(text + (f"; not installed: {', '.join(missing)}" if missing else ""))


def _extensions() -> Iterator[Finding]:
    """Yield a finding on each thing that an installed extension brings, with its origin."""
    for kind in (thing for thing in vars(registry).values() if isinstance(thing, Registry)):
        for name in kind.names():
            if name in kind.own:
                continue
            try:
                kind.get(name)
            except UserError as error:
                yield Finding(error.what, error.remedy)
            else:
                yield Finding(f"{kind.noun} {name} of {kind.origin(name)}")


def _hub() -> Finding:
    offline = [name for name in OFFLINE if os.environ.get(name, "").lower() in ("1", "true", "yes", "on")]
    if offline:
        return Finding(f"{offline[0]} is set: models of a hub are those that were fetched before")
    return Finding("models of a hub may be fetched; gated ones need `hf auth login` and their owners' consent")


def _installed(distribution: str) -> bool:
    try:
        version(distribution)
    except PackageNotFoundError:
        return False
    return True
