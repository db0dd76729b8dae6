"""The field's public sets: a description of each, and a reader that makes its published files a dataset.

A set is two files of one name in this package: ``NAME.toml``, its entry in the catalogue, and ``NAME.py``, its reader.
`entry` reads the first; `opening` opens what was fetched through the second.
"""

from reprcheck.datasets.public.entry import PublicSet, RemoteFile, names, public_set
from reprcheck.datasets.public.opening import open_public, root

__all__ = ["PublicSet", "RemoteFile", "names", "open_public", "public_set", "root"]
