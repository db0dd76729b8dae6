"""The pytest front door: options, one test per required cell, the scorecard at the end, the gate's exit status.

The plugin's name must equal its module path, so that a root conftest that loads it and an installed entry point are the
same plugin. It registers ``--reprcheck-…`` only: the short options belong to the conftest of whoever wants them. What
has state is a `Run`, registered as a plugin of its own. Until a model is named nothing of the gate is imported.
"""

from __future__ import annotations

from typing import cast

import pytest

from reprcheck.errors import UserError
from reprcheck.pytest_plugin.options import Spelling, add_options
from reprcheck.pytest_plugin.run import Asker, Run

RUN = pytest.StashKey[Run]()
SPELLING = "reprcheck-spelling"

__all__ = ["add_options"]


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Add the long options."""
    pluginmanager.register(Spelling(add_options(parser, "--reprcheck-")), SPELLING)


def pytest_configure(config: pytest.Config) -> None:
    """Read what is asked for before anything is collected: a mistake ends the session with exit status 4."""
    config.addinivalue_line("markers", "reprcheck(diagnostic): the test asks this diagnostic in every required setting")
    spelling = cast(Spelling, config.pluginmanager.get_plugin(SPELLING))
    spelling.typed = config.invocation_params.args
    request = None
    if config.getoption("reprcheck_model"):
        from reprcheck.pytest_plugin.request import read_request

        try:
            request = read_request(config)
        except UserError as mistake:
            raise pytest.UsageError(mistake.line(spelling)) from None
    config.stash[RUN] = Run(config, request, spelling)
    config.pluginmanager.register(config.stash[RUN], "reprcheck-run")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one test of each required cell of the function's diagnostic."""
    if "reprcheck_question" in metafunc.fixturenames:
        (diagnostic,) = (mark.args[0] for mark in metafunc.definition.iter_markers("reprcheck"))
        asked = metafunc.config.stash[RUN].questions_of(diagnostic)
        ids = [f"{question.model}@{question.setting}" for question in asked]
        metafunc.parametrize("reprcheck_question", asked, ids=ids, indirect=True)


@pytest.fixture
def reprcheck_question(request: pytest.FixtureRequest) -> Asker:
    """One required cell of the test's diagnostic; ``must_pass()`` asks it."""
    return Asker(request.config.stash[RUN], request.param, request.node)
