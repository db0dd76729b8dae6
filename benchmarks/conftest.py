"""The suite's own guard, for this folder too."""

from reprcheck.suite.conftest import pytest_collection

__all__ = ["pytest_collection"]
