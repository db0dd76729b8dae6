"""Load the plugin and give it short options in this repository."""

import pytest

from reprcheck.pytest_plugin import add_options

pytest_plugins = ["reprcheck.pytest_plugin"]


def pytest_addoption(parser: pytest.Parser) -> None:
    add_options(parser, "--")
