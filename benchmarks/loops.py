"""What the engine is measured against: the loops that people write by hand, over files and over tensors in memory.

A loop takes networks of torch; each gives float32[N, D] vectors. The networks get pixels in [0, 1], as from a file.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tifffile
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.utils.data import DataLoader, Dataset

BATCH = 32
SIDE = 224
CARD = """
schema = 1
name = "throughput"
kind = "tissue"
channels = ["R", "G", "B"]
value_range = [0, {largest}]

[columns]
sample = "id"
image = "path"
unit = "id"

[tasks.side]
kind = "classify"
label = "label"
holdout = "unit"
protocols = ["knn/1"]
"""


def write_images(folder: Path, n: int, kind: str, side: int = SIDE) -> Path:
    """Write a dataset folder of n coloured images, ``kind`` "png" (8 bits) or "tiff" (16 bits); return it."""
    bits = 16 if kind == "tiff" else 8
    rng = np.random.default_rng(0)
    coarse = rng.random((n, side // 8, side // 8, 3))
    rows = ["id,path,label"]
    folder.mkdir(parents=True)
    for i, colours in enumerate(coarse):
        pixels = np.kron(colours, np.ones((8, 8, 1))) * 0.8 + rng.random((side, side, 3)) * 0.2
        values = (pixels * (2**bits - 1)).astype(np.uint16 if bits == 16 else np.uint8)
        path = folder / f"{i:06d}.{kind}"
        if bits == 16:
            tifffile.imwrite(path, values, photometric="rgb", compression="zlib")
        else:
            Image.fromarray(values).save(path)
        rows.append(f"{i:06d},{path.name},{'ab'[i % 2]}")
    (folder / "samples.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (folder / "dataset.toml").write_text(CARD.format(largest=2**bits - 1), encoding="utf-8")
    return folder


class Files(Dataset[torch.Tensor]):
    """The images of a folder as float32[3, H, W] tensors, for a DataLoader."""

    def __init__(self, folder: Path) -> None:
        self.paths = sorted(path for path in folder.iterdir() if path.suffix in {".png", ".tiff"})

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> torch.Tensor:
        path = self.paths[index]
        if path.suffix == ".png":
            values: NDArray[np.integer] = np.asarray(Image.open(path))
        else:
            values = tifffile.imread(path)
        scaled = values.astype(np.float32) / np.iinfo(values.dtype).max
        return torch.from_numpy(np.ascontiguousarray(scaled.transpose(2, 0, 1)))


def in_memory(folder: Path) -> torch.Tensor:
    """Return all images of a folder, float32[N, 3, H, W]."""
    files = Files(folder)
    return torch.stack([files[i] for i in range(len(files))])


@torch.inference_mode()
def bare(networks: Sequence[torch.nn.Module], images: torch.Tensor, device: torch.device) -> None:
    """Run each network over tensors in memory, nothing else: no file, no cache, no check."""
    for network in networks:
        torch.cat([network(images[i : i + BATCH].to(device)).float().cpu() for i in range(0, len(images), BATCH)])


@torch.inference_mode()
def loaded(networks: Sequence[torch.nn.Module], folder: Path, device: torch.device, workers: int) -> None:
    """Run each network over a DataLoader with its default collation: a pass over the files for each."""
    for network in networks:
        loader = DataLoader(Files(folder), batch_size=BATCH, num_workers=workers)
        torch.cat([network(batch.to(device)).float().cpu() for batch in loader])


@torch.inference_mode()
def file_each(networks: Sequence[torch.nn.Module], folder: Path, device: torch.device, workers: int, out: Path) -> None:
    """Run each network over a DataLoader and save a file for each image, as suites of pathology do; read them back."""
    for k, network in enumerate(networks):
        place = out / str(k)
        place.mkdir(parents=True, exist_ok=True)
        loader = DataLoader(Files(folder), batch_size=BATCH, num_workers=workers)
        number = 0
        for batch in loader:
            for vector in network(batch.to(device)).float().cpu():
                torch.save(vector.clone(), place / f"{number:06d}.pt")
                number += 1
        torch.stack([torch.load(place / f"{i:06d}.pt") for i in range(number)])


def decode(folder: Path) -> None:
    """Decode every file once."""
    files = Files(folder)
    for i in range(len(files)):
        files[i]
