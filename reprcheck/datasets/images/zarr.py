"""OME-Zarr 0.4 (in Zarr 2), 0.5 and 0.6 (in Zarr 3): an image of a store, read chunk by chunk.

A path names the group of one image: a store, a field of a plate (``plate.zarr/A/1/0``), or a label image
(``store.zarr/labels/NAME``). An image's identity is the bytes of its metadata and of the chunk files that hold the part
that is read, so that a window of a slide needs no other chunks. By the format, a missing chunk holds the fill value.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from os.path import normpath
from pathlib import Path, PurePath
from typing import Any, NoReturn

from reprcheck.datasets.images.axes import Selection, StoredArray
from reprcheck.datasets.images.bounds import refuse_huge
from reprcheck.datasets.images.interpretation import of_pyramid
from reprcheck.digest import digest
from reprcheck.errors import UserError
from reprcheck.plain_files import is_file, is_folder, links_out, obstacle, refuse_larger

SUFFIX = ".zarr"
GROUP_FILES = ("zarr.json", ".zattrs")
"""Metadata file of a group: in Zarr 3, in Zarr 2."""
_ARRAY_FILES = ("zarr.json", ".zarray")
VERSIONS = ("0.4", "0.5", "0.6")
"""Versions of OME-Zarr that are read."""
_LETTERS = {"time": "T", "channel": "C"}
_STEPS = ("identity", "scale", "translation", "sequence")
"""Transformations that leave the axes of an array upright."""

MOST_METADATA = 16 * 2**20
"""Bytes of metadata that are read."""
MOST_CHUNKS = 10**6
"""Files that one image is read from."""

Bring = Callable[[Iterable[Path]], None]
"""Updates files of a folder that mirrors a remote one, and removes those that no longer exist there."""


def is_zarr(path: PurePath) -> bool:
    """Return whether a path lies in, or is, a Zarr store.

    Examples
    --------
    >>> is_zarr(PurePath("plate.zarr/A/1/0")), is_zarr(PurePath("plate.tif"))
    (True, False)
    """
    return any(part.lower().endswith(SUFFIX) for part in path.parts)


def is_there(path: Path) -> bool:
    """Return whether an image exists: a folder for OME-Zarr, else a file."""
    return is_folder(path) if is_zarr(path) else is_file(path)


def check_installed(where: str) -> None:
    """Raise UserError if zarr isn't installed."""
    try:
        import zarr  # noqa: F401
    except ImportError:
        raise UserError(where, "OME-Zarr needs zarr, which isn't installed", "pip install 'reprcheck[zarr]'") from None


@dataclass(frozen=True)
class PyramidLevel:
    """One level of an image.

    Attributes
    ----------
    folder : Path
        The folder of the array.
    stored : StoredArray
        With a `zarr.Array`, which reads only what is indexed.
    metadata : str
        Digest of the bytes of the image's and of the array's metadata.
    """

    folder: Path
    stored: StoredArray
    metadata: str

    def chunks(self, selections: Sequence[Selection], where: str) -> list[Path]:
        """Return the chunk files (of a sharded array, the shard files) that cover these parts, existing or not.

        Raises
        ------
        UserError
            For parts, or chunks, that are too large for memory or too many.
        """
        array: Any = self.stored.array
        refuse_huge(array.shards or array.chunks, where, "is cut into chunks of", "write it in smaller chunks")
        lengths = [[len(range(*s.indices(n))) for s, n in zip(part, array.shape, strict=True)] for part in selections]
        refuse_huge((sum(map(prod, lengths)),), where, "asks for", "choose a coarser `level`, or cut crops or tiles")
        sizes = array.shards or array.chunks
        covers = [list(map(_find_covering, selection, array.shape, sizes)) for selection in selections]
        if sum(prod(map(len, cover)) for cover in covers) > MOST_CHUNKS:
            raise UserError(where, f"lies in more than {MOST_CHUNKS:,} chunks", "write it in larger chunks")
        keys = dict.fromkeys(array.metadata.encode_chunk_key(place) for cover in covers for place in product(*cover))
        return [self.folder / key for key in keys]


def list_present(chunks: Iterable[Path], path: Path, where: str) -> list[Path]:
    """Return the chunk files that exist.

    Raises
    ------
    UserError
        For one that is no plain file, or that is a link out of ``path``, the image's group: the bytes of any file could
        be read as pixels.
    """
    present = [chunk for chunk in chunks if os.path.lexists(chunk)]
    for chunk in present:
        if not is_file(chunk):
            raise UserError(where, f"its chunk {chunk.relative_to(path)} {obstacle(chunk)}", "write the store again")
        if links_out(chunk, path):
            what = f"its chunk {chunk.relative_to(path)} is a link that leads out of the store"
            raise UserError(where, what, "copy the chunk into the store")
    return present


def _find_covering(part: slice, length: int, size: int) -> range:
    """Return which chunks of ``size`` along an axis hold a part of it."""
    low, high, _ = part.indices(length)
    return range(low // size, (high - 1) // size + 1) if low < high else range(0)


def open_level(path: Path, level: int, where: str, bring: Bring | None = None) -> PyramidLevel:
    """Return a level of the image that ``path`` names.

    Parameters
    ----------
    path : Path
        The image's group.
    level : int
        From 0: full resolution.
    where : str
        Opens the message of an error.
    bring : callable, optional

    Raises
    ------
    UserError
        For a path that names no image (for a plate or a collection, the message names one in it), or a level that the
        image doesn't have.
    ValueError, KeyError, or whatever zarr raises
        For metadata that is damaged.
    """
    import zarr

    name, raw = _read_first(path, GROUP_FILES, bring)
    metadata = json.loads(raw) if raw else {}
    attributes = metadata.get("attributes", {}).get("ome", {}) if name == "zarr.json" else metadata
    if "multiscales" not in attributes:
        _refuse_no_image(path, attributes, where)
    image = attributes["multiscales"][0]
    axes = _read_axes(image, str(attributes.get("version") or image.get("version") or ""), where)
    levels = [dataset["path"] for dataset in image["datasets"]]
    if level >= len(levels):
        remedy = "put `level` right on the card"
        raise UserError(where, f"no level {level}: the image has {len(levels)} (counted from 0)", remedy)
    folder = path / normpath(levels[level])
    if PurePath(normpath(levels[level])).parts[:1] in (("..",), ("/",)):
        raise ValueError(f"level {levels[level]!r} lies outside the image")
    kind, array_raw = _read_first(folder, _ARRAY_FILES, bring)
    if not array_raw:
        raise ValueError(f"no array {levels[level]!r}")
    array: Any = zarr.open_array(store=str(folder), mode="r", zarr_format=3 if kind == "zarr.json" else 2)
    if len(axes) != array.ndim:
        raise ValueError(f"{array.ndim} axes, and its metadata names {len(axes)}")
    remarks = []
    if len(levels) > 1:
        remarks.append(of_pyramid(level, len(levels)))
    if (several := len(attributes["multiscales"])) > 1:
        remarks.append(f"holds {several} multiscale images: the first is read")
    letters = "".join(map(_get_letter, axes))
    stored = StoredArray(
        tuple(array.shape), False, array, letters, _read_channel_names(attributes), remarks=tuple(remarks)
    )
    return PyramidLevel(folder, stored, digest(raw, array_raw))


def _read_axes(image: dict[str, Any], version: str, where: str) -> list[dict[str, Any]]:
    """Return the axes of an image's arrays; raises UserError for a version or a transformation that isn't read."""
    remedy = f"write it again as OME-Zarr {', '.join(VERSIONS[:-1])} or {VERSIONS[-1]}"
    if version and not any(version == read or version.startswith(f"{read}.") for read in VERSIONS):
        raise UserError(where, f"OME-Zarr {version}, and {', '.join(VERSIONS)} are read", remedy)
    transformed = [step for dataset in image["datasets"] for step in dataset.get("coordinateTransformations", [])]
    axes = image.get("axes")
    if systems := image.get("coordinateSystems"):  # from 0.6 on
        outputs = {_get_name(step.get("output")) for step in transformed}
        intrinsic = [system for system in systems if system["name"] in outputs] or systems
        if len(intrinsic) > 1:
            raise ValueError("its levels lie in several coordinate systems")
        axes = intrinsic[0]["axes"]
    if not axes or not all(isinstance(axis, dict) for axis in axes):
        raise UserError(where, "OME-Zarr of a version before 0.4", remedy)
    for step in _flatten(transformed):
        if step.get("type") not in _STEPS or any(isinstance(s, int | float) and s <= 0 for s in step.get("scale", [])):
            what = f"placed by a {step.get('type')} that mirrors or turns it, which isn't read"
            raise UserError(where, what, "write it upright, with scales above 0 and translations alone")
    return list(axes)


def _get_name(system: Any) -> Any:
    return system.get("name") if isinstance(system, dict) else system


def _flatten(steps: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield transformations, and the members of sequences of them."""
    for step in steps:
        yield step
        yield from _flatten(step.get("transformations", []))


def _get_letter(axis: dict[str, Any]) -> str:
    """Return the letter of an axis, as in `StoredArray`: by its type, else by its name."""
    name = str(axis.get("name", ""))
    letter = name.upper() if name in ("t", "c", "z", "y", "x") else "?"
    return _LETTERS.get(str(axis.get("type")), letter)


def _read_first(folder: Path, names: tuple[str, ...], bring: Bring | None) -> tuple[str, bytes]:
    """Return the name and the bytes of the first of these files that exists."""
    if bring is not None:
        bring(folder / name for name in names)
    for name in names:
        if is_file(folder / name):
            refuse_larger(folder / name, MOST_METADATA)
            return name, (folder / name).read_bytes()
    return names[0], b""


def _read_channel_names(attributes: dict[str, Any]) -> tuple[str, ...]:
    channels = (attributes.get("omero") or {}).get("channels") or []
    names = tuple(str(channel.get("label") or "").strip() for channel in channels)
    return names if all(names) else ()


def _refuse_no_image(path: Path, attributes: dict[str, Any], where: str) -> NoReturn:
    if "plate" in attributes:
        what, inner = "a plate", f"{attributes['plate']['wells'][0]['path']}/0"
    elif "well" in attributes:
        what, inner = "a well of a plate", str(attributes["well"]["images"][0]["path"])
    elif "bioformats2raw.layout" in attributes:
        what, inner = "a collection of images", "0"
    else:
        what, inner = "no OME-Zarr image: its metadata has no multiscales", ""
    remedy = f"name an image in it, such as {path.name}/{inner}" if inner else "name the group of an image"
    raise UserError(where, f"is {what}", remedy)
