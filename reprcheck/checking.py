"""The gate as a function: the same verdicts as `pytest benchmarks/`, without pytest."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from reprcheck import datasets
from reprcheck.embed.cache import Cache, default_folder
from reprcheck.errors import Option, UserError
from reprcheck.models import resolve
from reprcheck.policy import Policy, read_policy, registered_models
from reprcheck.progress import bar
from reprcheck.session import Session, identity, provenance, questions, scorecard
from reprcheck.types import Dataset, Scorecard


def check(
    model: Any,
    dataset: str | Path | Dataset | None = None,
    policy: Policy | str | Path | None = None,
    *,
    limit: int | None = None,
    cache_dir: str | Path | None = None,
) -> Scorecard:
    """Ask every required question of a model on a dataset.

    Parameters
    ----------
    model : str, torch.nn.Module, callable or Encoder
        A SPEC or a registered name; a module float32[N, C, H, W] -> [N, D]; a callable on numpy arrays of that shape,
        with values in [0, 1]; or an encoder.
    dataset : str, Path or Dataset, optional
        A name or a folder; without it, the embedded default.
    policy : Policy or path of a TOML file, optional
        Without it, the defaults.
    limit : int, optional
        Cut each task down to this many samples. Such a run doesn't release unless the policy allows it.
    cache_dir : str or Path, optional
        Without it, ``$REPRCHECK_CACHE`` or the user's cache folder.

    Returns
    -------
    Scorecard

    Raises
    ------
    UserError
        For anything the user can put right: the message says what and how.

    Examples
    --------
    >>> import reprcheck
    >>> reprcheck.check("demo").gate.released  # doctest: +SKIP
    True
    """
    rules = policy if isinstance(policy, Policy) else read_policy(Path(policy) if policy is not None else None)
    names: Mapping[str, str] = {**registered_models(Path.cwd()), **rules.models}
    chosen = resolve(model, names)
    sets = opened([dataset] if dataset is not None else [], limit, rules)
    session = Session(rules, Cache(Path(cache_dir) if cache_dir is not None else default_folder()), bar)
    required = questions([chosen.name], sets, rules)
    by_name = {opened_set.name: opened_set for opened_set in sets}
    received, timings = [], {}
    for question in required:
        start = time.perf_counter()
        received.append(session.ask(chosen, by_name[question.dataset], question))
        timings[" ".join(question.key)] = time.perf_counter() - start
    return scorecard(identity(chosen), rules, received, required, provenance(timings), session.today)


def opened(chosen: list[str | Path | Dataset], limit: int | None, policy: Policy) -> list[Dataset]:
    """Open datasets by name or folder, or the embedded default where none is chosen; with the tasks a policy requires.

    The images of other tasks are then never embedded. A dataset that the policy requires nothing of is left whole.

    Raises
    ------
    UserError
        Where one can't be opened, or two bear the same name.
    """
    wanted = chosen or list(datasets.DEFAULT)
    sets = [entry if isinstance(entry, Dataset) else datasets.load(entry, limit=limit) for entry in wanted]
    for i, one in enumerate(sets):
        if one.name in {other.name for other in sets[:i]}:
            raise UserError(
                Option("dataset", wanted[i]), f"a second dataset named {one.name!r}", "rename it on its card"
            )
    return [_required_of(one, policy) for one in sets]


def _required_of(dataset: Dataset, policy: Policy) -> Dataset:
    tasks = {
        name: task
        for name, task in dataset.tasks.items()
        if any(policy.requires(f"{dataset.name}:{name}/{protocol}") for protocol in task.protocols)
    }
    return replace(dataset, tasks=tasks or dataset.tasks)
