"""Open any dataset: a simulated or a public one by name, or a folder.

Names ship with the package; anything else is a path, or, with ``://`` in it, a URL. A name always means the package's
dataset, so write ``./sim-culture`` for a folder of that name.
"""

from __future__ import annotations

from pathlib import Path

from reprcheck.datasets.assemble import assemble
from reprcheck.datasets.card.card import parse
from reprcheck.datasets.folder import CARD, open_folder
from reprcheck.datasets.remote import open_remote
from reprcheck.errors import Option, UserError, did_you_mean
from reprcheck.plain_files import is_file, is_folder
from reprcheck.types import Dataset

DEFAULT = ("sim-culture", "sim-tissue")
"""The datasets of a run that names none: they need no download."""


def load(spec: str | Path, *, limit: int | None = None) -> Dataset:
    """Return a dataset by name or folder.

    Parameters
    ----------
    spec : str or Path
        The name of a simulated or a public dataset, a folder or its URL, or the folder's `dataset.toml`.
    limit : int, optional
        Cut each task down to about this many samples.

    Returns
    -------
    Dataset

    Raises
    ------
    UserError
        For a name that is neither, or whatever is wrong in the folder.

    Examples
    --------
    >>> load("sim-culture", limit=100).kind  # doctest: +SKIP
    'culture'
    """
    from reprcheck.datasets import public
    from reprcheck.datasets.simulate import NAMES, open_simulated

    if isinstance(spec, str) and spec in NAMES:
        text, table, images = open_simulated(spec)
        return assemble(parse(text, spec), table, images, where=spec, limit=limit)
    if isinstance(spec, str) and spec in public.names():
        return public.open_public(spec, limit=limit)
    if isinstance(spec, str) and "://" in spec:
        return open_remote(spec, limit=limit)
    path = Path(spec)
    if path.name == CARD and is_file(path):
        path = path.parent
    if is_folder(path):
        return open_folder(path, limit)
    names = (*NAMES, *public.names())
    raise UserError(
        Option("dataset", spec), "no such folder, simulated or public dataset", did_you_mean(str(spec), names)
    )
