"""Open any dataset: a simulated or a public one by name, one of an installed extension's, or a folder.

Each kind of name has one declaration: ``simulate.NAMES``, a ``NAME.toml`` in `public`, or an extension's entry point
(`named`). A name is given once: an extension that brings one of ours is refused. Whatever else is asked for is a path,
or, with ``://`` in it, a URL; write ``./sim-culture`` for a folder that happens to be called so.
"""

from __future__ import annotations

from pathlib import Path

from reprcheck.datasets.assemble import assemble
from reprcheck.datasets.card.card import parse
from reprcheck.datasets.folder import CARD, open_folder
from reprcheck.datasets.named import NamedDataset
from reprcheck.datasets.remote import open_remote
from reprcheck.errors import Option, UserError, did_you_mean
from reprcheck.plain_files import is_file, is_folder
from reprcheck.registry import DATASETS
from reprcheck.types import Dataset

DEFAULT = ("sim-culture", "sim-tissue")
"""The datasets of a run that names none: they need no download."""


def load(spec: str | Path, *, limit: int | None = None) -> Dataset:
    """Return a dataset by name or folder.

    Parameters
    ----------
    spec : str or Path
        The name of a simulated or a public dataset or of an extension's, a folder or its URL, or the folder's
        `dataset.toml`.
    limit : int, optional
        Cut each task down to about this many samples.

    Returns
    -------
    Dataset

    Raises
    ------
    UserError
        For a name that is none of these, an extension that fails, or whatever is wrong in the folder.

    Examples
    --------
    >>> load("sim-culture", limit=100).kind  # doctest: +SKIP
    'culture'
    """
    from reprcheck.datasets import public
    from reprcheck.datasets.simulate import NAMES, open_simulated

    extensions = extension_names()
    if isinstance(spec, str) and spec in NAMES:
        text, table, images = open_simulated(spec)
        return assemble(parse(text, spec), table, images, where=spec, limit=limit)
    if isinstance(spec, str) and spec in public.names():
        return public.open_public(spec, limit=limit)
    if isinstance(spec, str) and spec in extensions:
        return _open_named(spec, limit)
    if isinstance(spec, str) and "://" in spec:
        return open_remote(spec, limit=limit)
    path = Path(spec)
    if path.name == CARD and is_file(path):
        path = path.parent
    if is_folder(path):
        return open_folder(path, limit)
    names = (*NAMES, *public.names(), *extensions)
    raise UserError(
        Option("dataset", spec), "no such folder, simulated or public dataset", did_you_mean(str(spec), names)
    )


def extension_names() -> tuple[str, ...]:
    """Return the names of extensions' datasets, sorted. Raises UserError where one is a name of ours."""
    from reprcheck.datasets import public
    from reprcheck.datasets.simulate import NAMES

    for name in {*NAMES, *public.names()}.intersection(DATASETS.names()):
        what = f"both reprcheck and {DATASETS.origin(name)} bring a dataset named {name!r}"
        raise UserError(DATASETS.group, what, "uninstall the latter")
    return DATASETS.names()


def _open_named(name: str, limit: int | None) -> Dataset:
    where = Option("dataset", name)
    opener: NamedDataset = DATASETS.get(name, where)
    with DATASETS.running(name, where):
        dataset = opener.open(limit)
        if not isinstance(dataset, Dataset) or dataset.name != name:
            got = f"one named {dataset.name!r}" if isinstance(dataset, Dataset) else f"a {type(dataset).__name__}"
            raise TypeError(f"open returned {got}, not a Dataset named {name!r}")
    return dataset
