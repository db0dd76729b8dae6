"""The field's public sets: what each is and where it comes from, and how its published files become a dataset.

A set is two files of one name in this package: ``NAME.toml``, its entry in the catalogue, and ``NAME.py``, its reader.
`entry` reads the first; `opening` opens what was fetched through the second.
"""

from reprcheck.datasets.public.entry import Entry, RemoteFile, entry, names
from reprcheck.datasets.public.opening import open_public, root

__all__ = ["Entry", "RemoteFile", "entry", "names", "open_public", "root"]
