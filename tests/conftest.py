"""Strict tests: warnings are errors, property tests draw the same examples every time and wait on no clock."""

import os
import signal
import subprocess
from collections.abc import Iterator

import pytest
from hypothesis import settings
from threadpoolctl import threadpool_limits

from tests.forked import Server

settings.register_profile("reprcheck", deadline=None, derandomize=True)
settings.load_profile("reprcheck")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("filterwarnings", "error")
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # of a shell's job in the background; tests interrupt
        signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # processes that tests start would compile the package each time


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start with the slow tests, so that no worker is left alone with one at the end."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> Iterator[None]:
    """Linear algebra on one thread, as in a run of the gate."""
    with threadpool_limits(1):
        yield


@pytest.fixture(scope="session")
def forks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Processes that skip the imports."""
    with Server(tmp_path_factory.mktemp("forks")) as server:
        yield server


@pytest.fixture
def forked(forks: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fork the processes that run models, so that none imports torch and scikit-learn again."""
    monkeypatch.setattr(subprocess, "Popen", forks.popen)


@pytest.fixture
def small_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have small plain networks, and show them 32 pixels a side instead of 96: for tests with a cache of their own."""
    from reprcheck.models import model, plain

    monkeypatch.setitem(plain.TIMM, "resnet", ("test_resnet", {}))
    monkeypatch.setitem(plain.TIMM, "vit", ("vit_tiny_patch16_224", {"depth": 1}))
    monkeypatch.setattr(model, "PLAIN_SIZE", 32)
