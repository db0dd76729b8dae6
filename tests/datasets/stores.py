"""OME-Zarr images for tests, written in the layouts that OME-Zarr 0.4 (Zarr 2) and 0.5 (Zarr 3) publish."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray

VERSIONS = ("0.4", "0.5")


def write_image(
    path: Path,
    levels: Sequence[NDArray[Any]],
    axes: str,
    version: str = "0.5",
    names: Sequence[str] = (),
    chunk: int = 8,
    shard: int | None = None,
    more: Mapping[str, Any] | None = None,
) -> Path:
    """Write an image, one array per level named as its number, chunks of ``chunk`` pixels along Y and X."""
    kinds = {"t": "time", "c": "channel"}
    multiscale: dict[str, Any] = {
        "axes": [{"name": axis, "type": kinds.get(axis, "space")} for axis in axes.lower()],
        "datasets": [
            {"path": str(i), "coordinateTransformations": [{"type": "scale", "scale": [1.0] * len(axes)}]}
            for i in range(len(levels))
        ],
    }
    said: dict[str, Any] = {"multiscales": [multiscale]} | dict(more or {})
    if names:
        said["omero"] = {"channels": [{"label": name, "color": "FFFFFF"} for name in names]}
    group = write_group(path, said, version)
    for number, values in enumerate(levels):
        sizes = [1] * (values.ndim - 2) + [chunk] * 2
        options: dict[str, Any] = {"chunks": sizes}
        if version == "0.4":
            options["chunk_key_encoding"] = {"name": "v2", "separator": "/"}
        elif shard:
            options["shards"] = [1] * (values.ndim - 2) + [shard] * 2
        array = group.create_array(str(number), shape=values.shape, dtype=values.dtype, **options)
        array[...] = values
    return path


def write_group(path: Path, said: Mapping[str, Any], version: str = "0.5") -> Any:
    """Write a group that says something of itself: a plate, a well, an image."""
    if version == "0.4":
        said = {
            key: [v | {"version": "0.4"} for v in value] if key == "multiscales" else value
            for key, value in said.items()
        }
    attributes = dict(said) if version == "0.4" else {"ome": {"version": version, **said}}
    return zarr.open_group(str(path), mode="a", zarr_format=2 if version == "0.4" else 3, attributes=attributes)


def write_plate(path: Path, fields: Mapping[str, NDArray[Any]], version: str = "0.5") -> Path:
    """Write a plate; ``fields`` by place, such as ``"A/1/0"``, each (C, Y, X)."""
    wells = sorted({place.rpartition("/")[0] for place in fields})
    write_group(path, {"plate": {"wells": [{"path": w, "rowIndex": 0, "columnIndex": 0} for w in wells]}}, version)
    for row in {well.partition("/")[0] for well in wells}:
        write_group(path / row, {}, version)
    for well in wells:
        inside = [place.rpartition("/")[2] for place in fields if place.startswith(f"{well}/")]
        write_group(path / well, {"well": {"images": [{"path": name} for name in inside]}}, version)
    for place, values in fields.items():
        write_image(path / place, [values], "CYX", version)
    return path


def noise(*shape: int) -> NDArray[np.uint16]:
    """Return numbers without zero, so that chunks are written."""
    return np.random.default_rng(len(shape)).integers(1, 65536, shape, dtype=np.uint16)
