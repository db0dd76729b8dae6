"""The gate as a function: the same verdicts as `pytest benchmarks/`, without pytest."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reprcheck.embed.cache import open_cache
from reprcheck.embed.workers import BATCH_TIMEOUT
from reprcheck.file_memory import FileMemory
from reprcheck.models import device_name, resolve_model
from reprcheck.policy import Policy, read_policy, registered_models
from reprcheck.progress import Screen
from reprcheck.runs.outlook import Outlook
from reprcheck.runs.pace import Pace
from reprcheck.runs.questions import open_datasets, questions
from reprcheck.runs.session import Session
from reprcheck.scorecard.collect import new_run_id, provenance, scorecard
from reprcheck.types import Dataset, Scorecard


def check(
    model: Any,
    dataset: str | Path | Dataset | None = None,
    policy: Policy | str | Path | None = None,
    *,
    limit: int | None = None,
    cache_dir: str | Path | None = None,
    cache_remote: str | None = None,
    rehash: bool = False,
    batch_timeout: float = BATCH_TIMEOUT,
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
    cache_remote : str, optional
        URL of a cache shared with other machines; without it, ``$REPRCHECK_CACHE_REMOTE``, or none.
    rehash : bool
        Read every image file again, whatever its size and time of change say.
    batch_timeout : float
        Seconds after which a batch of images that the model hasn't returned ends the call. What still runs then is left
        in its thread.

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
    chosen = resolve_model(model, names)
    cache = open_cache(cache_dir, cache_remote)
    sets = open_datasets([dataset] if dataset is not None else [], limit, rules, FileMemory(cache.folder, rehash))
    required = questions([chosen.name], sets, rules)
    by_name = {opened_set.name: opened_set for opened_set in sets}
    outlook = Outlook(Pace(cache.folder), [(question, by_name[question.dataset]) for question in required], Screen())
    session = Session(rules, cache, outlook, batch_timeout=batch_timeout)
    received, timings = [], {}
    for question in required:
        start = time.perf_counter()
        received.append(outlook.ask(session, chosen, by_name[question.dataset], question))
        timings[" ".join(question.key)] = time.perf_counter() - start
    identity = {"spec": chosen.spec, "name": chosen.name, "digest": chosen.digest}
    run = provenance(new_run_id(), timings, device_name())
    return scorecard(identity, rules, received, [question.key for question in required], run, session.today)
