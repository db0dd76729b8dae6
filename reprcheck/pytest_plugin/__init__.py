"""The pytest front door: options, one test per required cell, the scorecard at the end, the gate's exit status.

The plugin's name must equal its module path, so that a root conftest that loads it and an installed entry point are the
same plugin. It registers ``--reprcheck-…`` only: the short options belong to the conftest of whoever wants them. What
has state is a `Run`, registered as a plugin of its own, without a name that ``-p no:NAME`` could switch off. Until a
model is named nothing of the gate is imported.
"""

from __future__ import annotations

import sys
from collections.abc import Generator

import pytest

from reprcheck.errors import UserError
from reprcheck.exits import Exit
from reprcheck.pytest_plugin.options import PREFIX, Spelling, add_options
from reprcheck.pytest_plugin.run import NO_VERDICT, Asker, Run

RUN = pytest.StashKey[Run]()

__all__ = ["add_options"]


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Add the long options."""
    pluginmanager.register(Spelling(add_options(parser, PREFIX)))


def spelling_of(config: pytest.Config) -> Spelling:
    """Return how this session spells options; it has no name either that ``-p no:NAME`` could switch off."""
    return next(plugin for plugin in config.pluginmanager.get_plugins() if isinstance(plugin, Spelling))


def pytest_configure(config: pytest.Config) -> None:
    """Read what is asked for before anything is collected: a mistake ends the session with exit status 4."""
    config.addinivalue_line("markers", "reprcheck(diagnostic, …): the test asks these in every required setting")
    spelling = spelling_of(config)
    spelling.typed = config.invocation_params.args
    spelling.prefixes = tuple(spelling.prefixes)  # a conftest that is loaded later comes too late for its options
    run = config.stash[RUN] = Run(config, spelling)
    config.pluginmanager.register(run)
    if config.getoption("reprcheck_model"):
        try:
            run.begin()
        except UserError as mistake:
            raise pytest.UsageError(mistake.line(spelling)) from None


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> Generator[None, int | None, int | None]:
    """Let no session that was asked to judge end with exit status 0 unless it has written a release.

    Here end the ways past the tests: options that list or explain and run nothing, and whatever sets the exit status
    after the gate has.
    """
    status = yield
    spelling = spelling_of(config)
    typed = any(word.startswith(spelling.names("model")) for word in config.invocation_params.args)
    if status or not (typed or config.getoption("reprcheck_model")):  # --help keeps options from being read
        return status
    if RUN in config.stash and config.stash[RUN].may_be_green:
        return status
    print(f"ERROR: {NO_VERDICT}", file=sys.stderr)
    return Exit.BLOCKED


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one test of each required cell of the function's diagnostics."""
    if "reprcheck_question" in metafunc.fixturenames:
        (diagnostics,) = (mark.args for mark in metafunc.definition.iter_markers("reprcheck"))
        questions = metafunc.config.stash[RUN].questions_of(diagnostics)
        ids = [f"{question.model}@{question.setting}" for question in questions]
        metafunc.parametrize("reprcheck_question", questions, ids=ids, indirect=True)


@pytest.fixture
def reprcheck_question(request: pytest.FixtureRequest) -> Asker:
    """One required cell of the test's diagnostic; ``must_pass()`` asks it."""
    return Asker(request.config.stash[RUN], request.param, request.node)
