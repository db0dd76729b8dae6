"""Strict tests: warnings are errors, property tests draw the same examples every time and wait on no clock."""

import pytest
from hypothesis import settings

settings.register_profile("reprcheck", deadline=None, derandomize=True)
settings.load_profile("reprcheck")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("filterwarnings", "error")
