"""The plugin's options, and what they ask for: models, datasets, policy, folders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from reprcheck.checking import opened
from reprcheck.embed.cache import Cache, default_folder
from reprcheck.errors import UserError
from reprcheck.models import Model, resolve
from reprcheck.policy import Policy, read_policy, registered_models
from reprcheck.session import Question, questions
from reprcheck.types import Dataset

REPORT_DIR = Path("reports/latest")


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


@dataclass(frozen=True)
class Request:
    """What a session was asked for.

    Attributes
    ----------
    models : mapping of str to Model
        By name.
    datasets : mapping of str to Dataset
        By name.
    policy : Policy
    required : sequence of Question
        Every cell that must have a verdict.
    cache : Cache
    report_dir : Path
    policy_path : str
        For the header.
    """

    models: Mapping[str, Model]
    datasets: Mapping[str, Dataset]
    policy: Policy
    required: Sequence[Question]
    cache: Cache
    report_dir: Path
    policy_path: str


def read_request(config: pytest.Config) -> Request | None:
    """Return what the options ask for, or None where no model was named.

    Raises
    ------
    UserError
        For anything in them that can't be honoured.
    """
    specs = config.getoption("reprcheck_model")
    if not specs:
        return None
    if config.getoption("reruns", 0):
        raise UserError("--reruns", "a test of chance that is run until it passes proves nothing", "leave it out")
    limit = config.getoption("reprcheck_limit")
    if limit is not None and limit < 1:
        raise UserError("--limit", f"{limit} is not a number of samples", "give a whole number above 0")
    path = config.getoption("reprcheck_policy")
    policy = read_policy(Path(path) if path else None)
    names = {**registered_models(config.rootpath), **policy.models}
    models: dict[str, Model] = {}
    for spec in specs:
        model = resolve(spec, names)
        if model.name in models:
            raise UserError(f"--model={spec}", f"a second model named {model.name!r}", "add name=… to its SPEC")
        models[model.name] = model
    sets = opened(list(config.getoption("reprcheck_dataset") or []), limit)
    cache_dir = config.getoption("reprcheck_cache_dir")
    return Request(
        models=models,
        datasets={dataset.name: dataset for dataset in sets},
        policy=policy,
        required=questions(models, sets, policy),
        cache=Cache(Path(cache_dir) if cache_dir else default_folder()),
        report_dir=Path(config.getoption("reprcheck_report_dir") or REPORT_DIR),
        policy_path=path or "default",
    )
