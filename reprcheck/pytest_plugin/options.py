"""The plugin's options. Loaded into every pytest session of the environment, so nothing heavy is imported here."""

from __future__ import annotations

from collections.abc import Sequence
from weakref import WeakKeyDictionary

import pytest

from reprcheck.errors import Option
from reprcheck.registry import DEFAULT_REPORTS
from reprcheck.spelling import whole_number

PREFIX = "--reprcheck-"
"""Of the plugin's options: the short ones belong to the conftest of whoever wants them."""
REPORT_DIR = "reports/latest"

_prefixes: WeakKeyDictionary[pytest.Parser, list[str]] = WeakKeyDictionary()


class Spelling:
    """How messages spell an option in a session: as it was typed, else under the shortest prefix that it has there.

    Parameters
    ----------
    prefixes : sequence of str
        Those of `add_options`, so far.
    """

    def __init__(self, prefixes: Sequence[str]) -> None:
        self.prefixes, self.typed = prefixes, tuple[str, ...]()

    def __call__(self, option: Option) -> str:
        """Return an option, as ``--reprcheck-limit=5``."""
        names = self.names(option.name)
        typed = [name for name in names for word in self.typed if word.partition("=")[0] == name]
        return option.spelled((typed or names)[0])

    def names(self, name: str) -> tuple[str, ...]:
        """Return all that an option is called here, the shortest first."""
        return tuple(sorted((f"{prefix}{name}" for prefix in self.prefixes), key=len))


def add_options(parser: pytest.Parser, prefix: str) -> Sequence[str]:
    """Add the options under a prefix: ``--reprcheck-`` for the plugin, ``--`` for a repository's own conftest.

    Returns
    -------
    sequence of str
        All prefixes under which they are there: it grows with each.

    Examples
    --------
    In a root conftest.py::

        pytest_plugins = ["reprcheck.pytest_plugin"]

        def pytest_addoption(parser):
            add_options(parser, "--")
    """
    prefixes = _prefixes.setdefault(parser, [])
    prefixes.append(prefix)
    group = parser.getgroup("reprcheck", "reprcheck: a release gate for microscopy representation models")

    def add(name: str, what: str, **more: object) -> None:
        group.addoption(f"{prefix}{name}", dest=f"reprcheck_{name.replace('-', '_')}", help=what, **more)

    add("model", "model to judge: a SPEC or a registered name; may be repeated", action="append", metavar="SPEC")
    add("dataset", "dataset name or folder; may be repeated (default: simulated)", action="append", metavar="DATASET")
    add("policy", "TOML file with what a release requires", metavar="FILE")
    add("report-dir", f"where the scorecard goes (default: {REPORT_DIR})", metavar="DIR")
    ours = ", ".join(DEFAULT_REPORTS)
    add("reports", f"files beside scorecard.json, by reporter, commas between (default: {ours})", metavar="NAMES")
    add("cache-dir", "embedding cache (default: $REPRCHECK_CACHE, else the user's cache)", metavar="DIR")
    shared = "a cache shared with other machines, such as s3://bucket/folder (default: $REPRCHECK_CACHE_REMOTE)"
    add("cache-remote", shared, metavar="URL")
    add("rehash", "read every image file again, whatever its size and time say", action="store_true")
    add("run-id", "name of this run, to be found in its scorecard (default: one that no other run has)", metavar="ID")
    add("limit", "cut each task down to N samples; such a run doesn't release", type=whole_number, metavar="N")
    seconds = "seconds after which a batch of images that a model hasn't returned ends the run (default: an hour)"
    add("batch-timeout", seconds, type=whole_number, metavar="SECONDS")
    add("engine", "what embeds: local, or ray, a cluster of machines (default: local)", metavar="NAME")
    add("ray-address", "of the Ray cluster (default: $RAY_ADDRESS, else one of this machine's own)", metavar="ADDRESS")
    if prefix == PREFIX:  # pytest has a --debug of its own
        add("debug", "print the traceback of whatever ends in an error or a mistake", action="store_true")
    return prefixes
