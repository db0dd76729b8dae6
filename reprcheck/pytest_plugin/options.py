"""The plugin's options. Loaded into every pytest session of the environment, so nothing heavy is imported here."""

from __future__ import annotations

import pytest

REPORT_DIR = "reports/latest"


def add_options(parser: pytest.Parser, prefix: str) -> None:
    """Add the options under a prefix: ``--reprcheck-`` for the plugin, ``--`` for a repository's own conftest.

    Examples
    --------
    In a root conftest.py::

        pytest_plugins = ["reprcheck.pytest_plugin"]

        def pytest_addoption(parser):
            add_options(parser, "--")
    """
    group = parser.getgroup("reprcheck", "reprcheck: a release gate for microscopy representation models")

    def add(name: str, what: str, **more: object) -> None:
        group.addoption(f"{prefix}{name}", dest=f"reprcheck_{name.replace('-', '_')}", help=what, **more)

    add("model", "model to judge: a SPEC or a registered name; may be repeated", action="append", metavar="SPEC")
    add("dataset", "dataset name or folder; may be repeated (default: simulated)", action="append", metavar="DATASET")
    add("policy", "TOML file with what a release requires", metavar="FILE")
    add("report-dir", f"where the scorecard goes (default: {REPORT_DIR})", metavar="DIR")
    add("cache-dir", "embedding cache (default: $REPRCHECK_CACHE, else the user's cache)", metavar="DIR")
    add("limit", "cut each task down to N samples; such a run doesn't release", type=int, metavar="N")
