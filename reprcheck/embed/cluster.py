"""Fills a gap on the machines of a Ray cluster, by actors that hold the encoders and write to the cache they share.

An actor takes whole batches, as one process would show them, so that the vectors are the same; one that is killed loses
what it was given, which another is given then. Encoders don't travel: an actor follows their recipe, and must come to
the same digests.
"""

from __future__ import annotations

import io
import logging
import os
import pickle
import signal
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from reprcheck.cores import LIMIT
from reprcheck.embed.cache import Cache
from reprcheck.embed.engine import decoded_key
from reprcheck.embed.fill import BATCH, SHARD, DecodedImage, Filling, Gap, fill_here
from reprcheck.errors import Option, ReprcheckError, UserError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reprcheck.embed.fill import Fill, Recipe
    from reprcheck.models import Model
    from reprcheck.types import Dataset, Encoder

CORES = 16
"""Of an actor, at most: one process hardly uses more."""
TURNS = 4
"""Pieces that an actor is given at least, where there are enough batches, so that no machine waits long for another."""
TRIES = 3
"""How often a piece is given out whose actor dies."""
SEEN = 90.0
"""Seconds in which what one machine has written is seen by another: NFS looks at a folder once a minute."""


class DeadActorError(ReprcheckError):
    """Actors die, one after the other, of the same samples."""


class Cluster:
    """A Ray cluster; one of this machine's own is started where there is no other.

    Parameters
    ----------
    address : str or None
        Without it, ``$RAY_ADDRESS``.
    models, datasets : mapping
        What recipes name. They travel as they are now, before anything of them is built.
    """

    def __init__(self, address: str | None, models: Mapping[str, Model], datasets: Mapping[str, Dataset]) -> None:
        self._address = address
        parts = [*models.values(), *datasets.values(), *(dataset.images for dataset in datasets.values())]
        self._fresh = {id(part): (part, pickle.dumps(part)) for part in parts}

    def fill(self, recipe: Recipe) -> Fill:
        """Return what fills a gap with the vectors of a recipe's encoders."""

        def fill(gap: Gap, encoders: Sequence[Encoder], cache: Cache, advance: Callable[[int], None]) -> Filling:
            job = self._dumps(Job(replace(gap, vectors=()), recipe, Cache(cache.folder, crowded=True), os.getcwd()))
            return _run(self._address, job, gap, cache, advance)

        return fill

    def _dumps(self, job: Job) -> bytes:
        """Pickle a job; models and datasets as they were."""
        file = io.BytesIO()
        pickler = pickle.Pickler(file)
        pickler.persistent_id = lambda part: self._fresh.get(id(part), (None, None))[1]  # type: ignore[method-assign]
        pickler.dump(job)
        return file.getvalue()


@dataclass(frozen=True)
class Job:
    """What an actor needs to know.

    Attributes
    ----------
    gap : Gap
        All of it, without what the cache has.
    recipe : callable
        Returns the encoders.
    cache : Cache
    folder : str
        That names of files are relative to.
    """

    gap: Gap
    recipe: Recipe
    cache: Cache
    folder: str

    @staticmethod
    def loads(pickled: bytes) -> Job:
        """Return a job."""
        parts: dict[bytes, Any] = {}

        def load(part: bytes) -> Any:
            if part not in parts:
                parts[part] = pickle.loads(part)
            return parts[part]

        unpickler = pickle.Unpickler(io.BytesIO(pickled))
        unpickler.persistent_load = load  # type: ignore[method-assign]
        job: Job = unpickler.load()
        return job


class Actor:
    """Fills pieces of a gap; the actor of Ray Data's pool.

    Parameters
    ----------
    job : ObjectRef
        Of a pickled `Job`.
    tries : ActorHandle
        Of `Tries`.
    n_cores : int
        How many it may use.
    """

    def __init__(self, job: Any, tries: Any, n_cores: int) -> None:
        os.environ[LIMIT] = str(n_cores)
        self._job, self._tries = job, tries
        self._encoders: list[Encoder] = []

    def __call__(self, piece: dict[str, Any]) -> dict[str, Any]:
        """Fill a piece: samples from one position to another; return a `Filling`, or what was raised, pickled."""
        import numpy as np
        import ray

        first, end = int(piece["first"][0]), int(piece["end"][0])
        outcome: Filling | Exception
        try:
            if (n_tries := ray.get(self._tries.count.remote(first))) > TRIES:
                what = f"{n_tries - 1} processes died while they embedded images {first} to {end - 1} of those to do"
                raise DeadActorError(f"{what} (out of memory?)")
            outcome = self._fill(first, end)
        except Exception as error:
            outcome = error
        return {"first": piece["first"], "outcome": np.array([_portable(outcome)], dtype=object)}

    def _fill(self, first: int, end: int) -> Filling:
        if not self._encoders:
            self._prepare()
        positions = range(first, end)
        return fill_here(self._gap.take(positions), self._encoders, self._cache, lambda _: None)

    def _prepare(self) -> None:
        import ray

        job = Job.loads(ray.get(self._job))
        with suppress(OSError):
            os.chdir(job.folder)
        by_key = {encoder.digest(): encoder for encoder in job.recipe()}
        others = [encoder.name for key, encoder in by_key.items() if key not in job.gap.keys]
        if others or decoded_key(job.gap.view.channels) != job.gap.decoded_key:
            what = f"on {socket.gethostname()} {', '.join(others) or 'what decodes images'} is made of other things"
            remedy = "give all machines the same code, weights and libraries, and a model that is always made the same"
            raise UserError(Option("engine", "ray"), what, remedy)
        self._cache = job.cache
        self._gap = replace(job.gap, vectors=tuple(self._cache.load("vectors", key) for key in job.gap.keys))
        self._encoders = [by_key[key] for key in job.gap.keys]


class Tries:
    """Counts how often a piece was given out, however many actors have died of it."""

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}

    def count(self, first: int) -> int:
        """Count once more, and return how often by now."""
        self._counts[first] = self._counts.get(first, 0) + 1
        return self._counts[first]


def _portable(outcome: Filling | Exception) -> bytes:
    """Pickle an outcome; an exception that doesn't pickle, by its words."""
    try:
        pickled = pickle.dumps(outcome)
        pickle.loads(pickled)
    except Exception:
        return pickle.dumps(RuntimeError(f"{type(outcome).__name__}: {outcome}"))
    return pickled


def _run(address: str | None, job: bytes, gap: Gap, cache: Cache, advance: Callable[[int], None]) -> Filling:
    """Give out the pieces of a gap, and raise what the first of them raised."""
    import ray
    import ray.data

    _connect(address)
    n_actors, n_cores, n_gpus = size_actors(ray.nodes())
    n = len(gap.contents)
    size = min(max(-(-n // (n_actors * TURNS * BATCH)) * BATCH, BATCH), SHARD)
    pieces = [{"first": first, "end": min(first + size, n)} for first in range(0, n, size)]
    decoded, n_vectors = dict[str, DecodedImage](), 0
    with _data_context():
        rows = (
            ray.data.from_items(pieces, override_num_blocks=len(pieces))
            .map_batches(
                Actor,
                fn_constructor_args=(ray.put(job), ray.remote(num_cpus=0)(Tries).remote(), n_cores),
                batch_size=1,
                compute=ray.data.ActorPoolStrategy(size=min(n_actors, len(pieces))),
                num_cpus=n_cores,
                num_gpus=n_gpus,
            )
            .iter_rows()
        )
        for row, piece in zip(rows, pieces, strict=True):
            outcome = pickle.loads(row["outcome"])
            if isinstance(outcome, Exception):
                raise outcome
            if not decoded:
                _await(cache, gap.keys[:1], outcome)
            decoded |= outcome.decoded
            n_vectors += outcome.n_vectors
            advance(piece["end"] - piece["first"])
    filling = Filling(decoded, n_vectors)
    _await(cache, gap.keys, filling)
    return filling


def size_actors(nodes: Sequence[Mapping[str, Any]]) -> tuple[int, int, int]:
    """Return how many actors a cluster holds, and the cores and GPUs of each: one GPU where there are any.

    Parameters
    ----------
    nodes : sequence of mapping
        As ``ray.nodes()`` returns them.

    Examples
    --------
    >>> size_actors([{"Alive": True, "Resources": {"CPU": 64.0}}, {"Alive": True, "Resources": {"CPU": 8.0}}])
    (9, 8, 0)
    >>> size_actors([{"Alive": True, "Resources": {"CPU": 24.0, "GPU": 2.0}}])
    (2, 12, 1)
    """
    alive = [node["Resources"] for node in nodes if node["Alive"] and node["Resources"].get("CPU", 0) >= 1]
    if with_gpus := [(node["CPU"], node["GPU"]) for node in alive if node.get("GPU", 0) >= 1]:
        n_cores = min(CORES, *(int(cpus // gpus) for cpus, gpus in with_gpus))
        return sum(int(gpus) for _, gpus in with_gpus), max(1, n_cores), 1
    n_cores = min(CORES, *(int(node["CPU"]) for node in alive))
    return sum(int(node["CPU"] // n_cores) for node in alive), n_cores, 0


def _connect(address: str | None) -> None:
    """Connect this process to the cluster, for as long as it lives; signals stay with whoever handles them now."""
    import ray

    if ray.is_initialized():
        return
    local: dict[str, Any] = {} if address or os.environ.get("RAY_ADDRESS") else {"include_dashboard": False}
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        ray.init(address, log_to_driver=False, logging_level=logging.ERROR, **local)
    except (ConnectionError, ValueError, RuntimeError) as error:
        what = f"no Ray cluster answers ({type(error).__name__})"
        raise UserError(Option("ray-address", address), what, "give HOST:6379, or ray://HOST:10001") from error
    for number, handler in handlers.items():
        signal.signal(number, handler)


@contextmanager
def _data_context() -> Iterator[None]:
    """Keep Ray Data from writing to the terminal, and what comes of pieces in their order."""
    import ray.data

    context = ray.data.DataContext.get_current()
    before = context.enable_progress_bars, context.execution_options.preserve_order
    logger = logging.getLogger("ray.data")
    level = logger.level
    context.enable_progress_bars, context.execution_options.preserve_order = False, True
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        context.enable_progress_bars, context.execution_options.preserve_order = before
        logger.setLevel(level)


def _await(cache: Cache, keys: Sequence[str], filling: Filling) -> None:
    """Wait until the vectors of a filling are seen here. Raises UserError where they never are."""
    ids = [image.pixels for image in filling.decoded.values()]
    end = time.monotonic() + SEEN
    while not all(cache.load("vectors", key).has(ids).all() for key in keys):
        if time.monotonic() > end:
            what = "what the machines of the cluster write there isn't seen here"
            raise UserError(Option("cache-dir", cache.folder), what, "name a folder that all of them share")
        time.sleep(1)
