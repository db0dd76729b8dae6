"""The suite's own guard, for this folder too; what times reprcheck runs only where it is named."""

from pathlib import Path

import pytest

from reprcheck.suite.conftest import pytest_collection

__all__ = ["pytest_collection", "pytest_ignore_collect"]


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave the throughput benchmark out of the gate."""
    name = "test_throughput.py"
    return True if collection_path.name == name and name not in " ".join(map(str, config.args)) else None
