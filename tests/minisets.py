"""Miniature dataset folders for tests: a card, a table and noise images in which a class may be brighter."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

LABELS = ("a", "b") * 6


def write_dataset(
    folder: Path,
    *,
    labels: Sequence[str | float] = LABELS,
    units: Sequence[str] | None = None,
    batches: Sequence[str] | None = None,
    ids: Sequence[str] | None = None,
    shape: tuple[int, int, int] = (1, 12, 12),
    images: Sequence[NDArray[Any]] | None = None,
    suffix: str = ".tif",
    masks: bool = False,
    types: Sequence[str] = (),
    signal: float = 0.0,
    extra: Mapping[str, Sequence[Any]] | None = None,
    card: Mapping[str, Any] | None = None,
    columns: Mapping[str, Any] | None = None,
    task: Mapping[str, Any] | None = None,
    tasks: Mapping[str, Mapping[str, Any]] | None = None,
    order: Sequence[int] | None = None,
) -> Path:
    """Write a dataset folder with one task, `state`, and return the folder.

    Parameters
    ----------
    folder : Path
        Made where it isn't there.
    labels : sequence of str or float
        One per sample; floats make a regression.
    units, batches, ids : sequence of str, optional
        One per sample; ids default to s00, s01, …
    shape : (int, int, int)
        Channels, height, width of the noise images (uint8).
    images : sequence of ndarray, optional
        In place of noise: (C, H, W), or whatever the format takes.
    suffix : str
        ``.tif``, ``.png``, ``.jpg`` or ``.npy``.
    masks : bool
        Write a label image with one object beside each image.
    types : sequence of str
        Names of types of cells: write a type image beside each mask, its object of one of them, in turns.
    signal : float
        Grey levels added per class (in order of name), so that brightness can tell the classes apart.
    extra : mapping, optional
        More columns.
    card, columns, task : mapping, optional
        Keys of the card, of its [columns] and of the task, added or replaced; None removes one.
    tasks : mapping, optional
        More tasks.
    order : sequence of int, optional
        Order of the rows in the table.
    """
    n = len(labels)
    ids = list(ids) if ids is not None else [f"s{i:02}" for i in range(n)]
    pictures = list(images) if images is not None else noise_images(labels, shape, signal)
    (folder / "images").mkdir(parents=True, exist_ok=True)
    table: dict[str, Sequence[Any]] = {"id": ids, "path": [f"images/{i:03}{suffix}" for i in range(n)], "label": labels}
    for name, picture in zip(table["path"], pictures, strict=True):
        write_image(folder / name, picture)
    named: dict[str, Any] = {"sample": "id", "image": "path"}
    if masks:
        (folder / "masks").mkdir(exist_ok=True)
        table["mask"] = [f"masks/{i:03}.png" for i in range(n)]
        for name in table["mask"]:
            write_image(folder / name, object_mask(shape[1:]))
        named["mask"] = "mask"
    if types:
        (folder / "types").mkdir(exist_ok=True)
        table["types"] = [f"types/{i:03}.png" for i in range(n)]
        for i, name in enumerate(table["types"]):
            write_image(folder / name, object_mask(shape[1:]) * np.uint16(1 + i % len(types)))
        named["types"] = "types"
    for key, values in (("unit", units), ("batch", batches)):
        if values is not None:
            table[key], named[key] = values, key
    table.update(extra or {})
    write_table(folder / "samples.csv", table, order)
    regress = all(isinstance(label, float) for label in labels)
    state: dict[str, Any] = {
        "kind": "regress" if regress else "classify",
        "label": "label",
        "protocols": ["ridge/1"] if regress else ["probe/2", "knn/1"],
    }
    whole: dict[str, Any] = {
        "schema": 1,
        "name": "mini",
        "kind": "culture",
        "channels": [f"c{i}" for i in range(shape[0])],
        "columns": named | dict(columns or {}),
        **({"cell_types": list(types)} if types else {}),
        "tasks": {"state": state | dict(task or {})} | dict(tasks or {}),
    }
    (folder / "dataset.toml").write_text(card_text(whole | dict(card or {})), encoding="utf-8")
    return folder


def noise_images(labels: Sequence[str | float], shape: tuple[int, int, int], signal: float) -> list[NDArray[np.uint8]]:
    """Return uint8 noise, each class ``signal`` grey levels brighter than the one before it."""
    names = sorted({str(label) for label in labels})
    rng = np.random.default_rng(0)
    return [
        np.clip(rng.normal(60, 20, shape) + signal * names.index(str(label)), 0, 255).astype(np.uint8)
        for label in labels
    ]


def object_mask(shape: tuple[int, int]) -> NDArray[np.uint16]:
    """Return a label image with object 1 in its middle."""
    mask = np.zeros(shape, np.uint16)
    mask[shape[0] // 4 : -shape[0] // 4, shape[1] // 4 : -shape[1] // 4] = 1
    return mask


def write_image(path: Path, picture: NDArray[Any]) -> None:
    """Write an array in the format of the path's suffix; (C, H, W) becomes (H, W, C) or (H, W) where need be."""
    if path.suffix == ".npy":
        np.save(path, picture)
    elif path.suffix in (".tif", ".tiff"):
        tifffile.imwrite(path, picture, photometric="minisblack", compression="zlib")
    else:
        if picture.ndim == 3 and picture.shape[0] in (1, 3):
            picture = picture[0] if picture.shape[0] == 1 else np.moveaxis(picture, 0, -1)
        Image.fromarray(picture).save(path)


def write_table(path: Path, table: Mapping[str, Sequence[Any]], order: Sequence[int] | None = None) -> None:
    """Write columns as a CSV file, its rows in ``order``."""
    rows = list(zip(*table.values(), strict=True))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(table)
        writer.writerows(rows if order is None else [rows[i] for i in order])


def card_text(card: Mapping[str, Any]) -> str:
    """Return a card's values as TOML; None leaves a key out."""
    return "".join(f"{key} = {_toml(value)}\n" for key, value in card.items() if value is not None)


def _toml(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{json.dumps(k)} = {_toml(v)}" for k, v in value.items() if v is not None) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
