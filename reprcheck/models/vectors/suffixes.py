"""Which files are files of vectors, by the ends of their names; apart from their readers, which no other SPEC needs."""

from __future__ import annotations

from pathlib import Path

SUFFIXES = (".npy", ".npz", ".parquet", ".csv", ".tsv", ".xlsx", ".h5ad", ".zarr")
"""Of the formats that are read."""
REMEDIES = {
    **dict.fromkeys((".pt", ".pth", ".pkl", ".pickle", ".joblib"), "pickles are never opened: use numpy.save"),
    **dict.fromkeys((".h5", ".hdf5", ".mat", ".safetensors"), "use numpy.save, or numpy.savez with the ids"),
    **dict.fromkeys((".feather", ".arrow", ".json", ".xls"), "write the table with pandas.DataFrame.to_parquet"),
}
"""What to do about the formats of others, by suffix."""


def suffix(path: Path) -> str:
    """Return what tells a file's format; ``.csv`` for ``.csv.gz``."""
    ends = [end.lower() for end in path.suffixes]
    return ends[-2] if ends[-1:] == [".gz"] and ends[-2:-1] and ends[-2] in (".csv", ".tsv") else "".join(ends[-1:])
