"""The suite can't judge without its plugin: say so, rather than leave it to a missing fixture."""

import pytest


def pytest_collection(session: pytest.Session) -> None:
    """Refuse to collect where the plugin is switched off."""
    if not session.config.pluginmanager.hasplugin("reprcheck.pytest_plugin"):
        raise pytest.UsageError("the reprcheck plugin isn't loaded: take out -p no:reprcheck.pytest_plugin")
