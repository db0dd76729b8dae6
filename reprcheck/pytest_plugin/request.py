"""What a session's options ask for: models, datasets, policy, required cells and the cache."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from reprcheck.embed.cache import Cache, open_cache
from reprcheck.embed.engines import LOCAL, Engine
from reprcheck.embed.workers import BATCH_TIMEOUT
from reprcheck.errors import Option, UserError
from reprcheck.file_memory import FileMemory
from reprcheck.models import Model, resolve_model
from reprcheck.policy import Policy, read_policy, registered_models
from reprcheck.runs.questions import Question, open_datasets, questions
from reprcheck.types import Dataset


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
    policy_path : str
        For the header.
    batch_timeout : float
        Seconds after which a batch that an encoder hasn't returned ends the run.
    engine : Engine
        What runs encoders.
    """

    models: Mapping[str, Model]
    datasets: Mapping[str, Dataset]
    policy: Policy
    required: Sequence[Question]
    cache: Cache
    policy_path: str
    batch_timeout: float
    engine: Engine


def read_request(config: pytest.Config) -> Request:
    """Return what the options ask for.

    Raises
    ------
    UserError
        For anything in them that can't be honoured.
    """
    if config.getoption("reruns", 0):
        raise UserError("--reruns", "a test of chance that is run until it passes proves nothing", "leave it out")
    limit, timeout = config.getoption("reprcheck_limit"), config.getoption("reprcheck_batch_timeout")
    if limit is not None and limit < 1:
        raise UserError(Option("limit", limit), "not a number of samples", "give a whole number above 0")
    if timeout is not None and timeout < 1:
        raise UserError(Option("batch-timeout", timeout), "not a time", "give whole seconds above 0")
    engine = Engine(config.getoption("reprcheck_engine") or LOCAL.name, config.getoption("reprcheck_ray_address"))
    path = config.getoption("reprcheck_policy")
    policy = read_policy(Path(path) if path else None)
    names = {**registered_models(config.rootpath), **policy.models}
    models: dict[str, Model] = {}
    for spec in config.getoption("reprcheck_model"):
        model = resolve_model(spec, names)
        if model.name in models:
            raise UserError(Option("model", spec), f"a second model named {model.name!r}", "add name=… to its SPEC")
        models[model.name] = model
    cache = open_cache(config.getoption("reprcheck_cache_dir"), config.getoption("reprcheck_cache_remote"))
    memory = FileMemory(cache.folder, config.getoption("reprcheck_rehash"))
    sets = open_datasets(list(config.getoption("reprcheck_dataset") or []), limit, policy, memory)
    return Request(
        models=models,
        datasets={dataset.name: dataset for dataset in sets},
        policy=policy,
        required=questions(models, sets, policy),
        cache=cache,
        policy_path=path or "default",
        batch_timeout=timeout or BATCH_TIMEOUT,
        engine=engine,
    )
