"""OME-Zarr 0.4 (in Zarr 2), 0.5 and 0.6 (in Zarr 3): an image of a store, read chunk by chunk, and what it is made of.

A path names the group of one image: a store, a field of a plate (``plate.zarr/A/1/0``), or a label image
(``store.zarr/labels/NAME``). An image's identity is the bytes of its metadata and of the chunk files that hold the part
that is read, so that a window of a slide is known and read without the rest. As the format has it, a chunk that isn't
there holds the fill value.
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
"""Where a group says what it is: of Zarr 3, of Zarr 2."""
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
"""Makes files of a folder that mirrors a remote one current, or removes those that aren't there."""


def is_zarr(path: PurePath) -> bool:
    """Tell whether a path lies in, or is, a Zarr store.

    Examples
    --------
    >>> is_zarr(PurePath("plate.zarr/A/1/0")), is_zarr(PurePath("plate.tif"))
    (True, False)
    """
    return any(part.lower().endswith(SUFFIX) for part in path.parts)


def is_there(path: Path) -> bool:
    """Return whether an image is where a path says: a folder for OME-Zarr, else a file."""
    return is_folder(path) if is_zarr(path) else is_file(path)


def check_installed(where: str) -> None:
    """Raise UserError where the extra isn't installed."""
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
        The array's.
    stored : Stored
        Its array is a `zarr.Array`: what is indexed is read, and no more.
    metadata : str
        Digest of the bytes of the image's and of the array's metadata.
    """

    folder: Path
    stored: StoredArray
    metadata: str

    def chunks(self, selections: Sequence[Selection], where: str) -> list[Path]:
        """Return the chunk files (of a sharded array, the shard files) that cover these parts, there or not.

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
        covers = [list(map(_covering, selection, array.shape, sizes)) for selection in selections]
        if sum(prod(map(len, cover)) for cover in covers) > MOST_CHUNKS:
            raise UserError(where, f"lies in more than {MOST_CHUNKS:,} chunks", "write it in larger chunks")
        keys = dict.fromkeys(array.metadata.encode_chunk_key(place) for cover in covers for place in product(*cover))
        return [self.folder / key for key in keys]


def those_there(chunks: Iterable[Path], path: Path, where: str) -> list[Path]:
    """Return the chunk files that are there.

    Raises
    ------
    UserError
        For one that is no plain file, or that a link leads to from outside of ``path``, the image's group: its bytes
        would be shown as pixels, whatever they are.
    """
    found = [chunk for chunk in chunks if os.path.lexists(chunk)]
    for chunk in found:
        if not is_file(chunk):
            raise UserError(where, f"its chunk {chunk.relative_to(path)} {obstacle(chunk)}", "write the store again")
        if links_out(chunk, path):
            what = f"its chunk {chunk.relative_to(path)} is a link that leads out of the store"
            raise UserError(where, what, "copy the chunk into the store")
    return found


def _covering(part: slice, length: int, size: int) -> range:
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
        For a path that names no image (with the name of one, where it names a plate or a collection), or a level that
        the image doesn't have.
    ValueError, KeyError, or whatever zarr raises
        For metadata that is damaged.
    """
    import zarr

    name, raw = _first_of(path, GROUP_FILES, bring)
    said = json.loads(raw) if raw else {}
    attributes = said.get("attributes", {}).get("ome", {}) if name == "zarr.json" else said
    if "multiscales" not in attributes:
        _no_image(path, attributes, where)
    image = attributes["multiscales"][0]
    named = _axes(image, str(attributes.get("version") or image.get("version") or ""), where)
    levels = [dataset["path"] for dataset in image["datasets"]]
    if level >= len(levels):
        remedy = "put `level` right on the card"
        raise UserError(where, f"no level {level}: the image has {len(levels)} (counted from 0)", remedy)
    folder = path / normpath(levels[level])
    if PurePath(normpath(levels[level])).parts[:1] in (("..",), ("/",)):
        raise ValueError(f"level {levels[level]!r} lies outside the image")
    kind, array_raw = _first_of(folder, _ARRAY_FILES, bring)
    if not array_raw:
        raise ValueError(f"no array {levels[level]!r}")
    array: Any = zarr.open_array(store=str(folder), mode="r", zarr_format=3 if kind == "zarr.json" else 2)
    if len(named) != array.ndim:
        raise ValueError(f"{array.ndim} axes, and its metadata names {len(named)}")
    remarks = []
    if len(levels) > 1:
        remarks.append(of_pyramid(level, len(levels)))
    if (several := len(attributes["multiscales"])) > 1:
        remarks.append(f"holds {several} multiscale images: the first is read")
    letters = "".join(map(_letter, named))
    stored = StoredArray(tuple(array.shape), False, array, letters, _channel_names(attributes), remarks=tuple(remarks))
    return PyramidLevel(folder, stored, digest(raw, array_raw))


def _axes(image: dict[str, Any], version: str, where: str) -> list[dict[str, Any]]:
    """Return the axes of an image's arrays; raises UserError for a version, or a place in space, that isn't read."""
    remedy = f"write it again as OME-Zarr {', '.join(VERSIONS[:-1])} or {VERSIONS[-1]}"
    if version and not any(version == known or version.startswith(f"{known}.") for known in VERSIONS):
        raise UserError(where, f"OME-Zarr {version}, and {', '.join(VERSIONS)} are read", remedy)
    transformed = [step for dataset in image["datasets"] for step in dataset.get("coordinateTransformations", [])]
    axes = image.get("axes")
    if systems := image.get("coordinateSystems"):  # from 0.6 on
        outputs = {_name(step.get("output")) for step in transformed}
        intrinsic = [system for system in systems if system["name"] in outputs] or systems
        if len(intrinsic) > 1:
            raise ValueError("its levels lie in several coordinate systems")
        axes = intrinsic[0]["axes"]
    if not axes or not all(isinstance(axis, dict) for axis in axes):
        raise UserError(where, "OME-Zarr of a version before 0.4", remedy)
    for step in _flat(transformed):
        if step.get("type") not in _STEPS or any(isinstance(s, int | float) and s <= 0 for s in step.get("scale", [])):
            what = f"placed by a {step.get('type')} that mirrors or turns it, which isn't read"
            raise UserError(where, what, "write it upright, with scales above 0 and translations alone")
    return list(axes)


def _name(system: Any) -> Any:
    return system.get("name") if isinstance(system, dict) else system


def _flat(steps: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield transformations, and those that sequences are made of."""
    for step in steps:
        yield step
        yield from _flat(step.get("transformations", []))


def _letter(axis: dict[str, Any]) -> str:
    """Return the letter of an axis, as `StoredArray` has it: by its type, else by its name."""
    name = str(axis.get("name", ""))
    known = name.upper() if name in ("t", "c", "z", "y", "x") else "?"
    return _LETTERS.get(str(axis.get("type")), known)


def _first_of(folder: Path, names: tuple[str, ...], bring: Bring | None) -> tuple[str, bytes]:
    """Return the name and the bytes of the first of these files that is there."""
    if bring is not None:
        bring(folder / name for name in names)
    for name in names:
        if is_file(folder / name):
            refuse_larger(folder / name, MOST_METADATA)
            return name, (folder / name).read_bytes()
    return names[0], b""


def _channel_names(attributes: dict[str, Any]) -> tuple[str, ...]:
    channels = (attributes.get("omero") or {}).get("channels") or []
    names = tuple(str(channel.get("label") or "").strip() for channel in channels)
    return names if all(names) else ()


def _no_image(path: Path, attributes: dict[str, Any], where: str) -> NoReturn:
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
