"""Files as an attacker, or a broken program, writes them: headers that promise terabytes, and the like."""

from __future__ import annotations

import io
import json
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from PIL import Image

SIDE = 2_000_000


def png(height: int = SIDE, width: int = SIDE, depth: int = 8, colour: int = 0) -> bytes:
    """Return a PNG of a few bytes whose header says this size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    parts = chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(b"\0" * 99)), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def jpeg(height: int = 65_000, width: int = 65_000) -> bytes:
    """Return a JPEG whose frame header says this size."""
    whole = io.BytesIO()
    Image.new("L", (8, 8)).save(whole, "JPEG")
    data = bytearray(whole.getvalue())
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", height, width)
    return bytes(data)


def npy(shape: tuple[int, ...] = (SIDE, SIDE), descr: str = "<f4", data: bytes = b"") -> bytes:
    """Return a ``.npy`` whose header says this shape and type."""
    header = f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\0" + struct.pack("<H", len(header)) + header + data


def tiff(height: int = SIDE, width: int = SIDE, *, big: bool = False, tile: int = 0, compression: int = 1) -> bytes:
    """Return a TIFF of one strip, or of one tile, of a few bytes."""
    where, count = (324, 325) if tile else (273, 279)
    tags = {256: width, 257: height, 258: 8, 259: compression, 262: 1, where: 0, 277: 1, count: 100}
    tags |= {322: tile, 323: tile} if tile else {278: height}
    if big:
        tags[where] = 16 + 8 + 20 * len(tags) + 8
        body = b"".join(struct.pack("<HHQQ", tag, 16, 1, value) for tag, value in sorted(tags.items()))
        head = b"II+\0" + struct.pack("<HHQ", 8, 0, 16) + struct.pack("<Q", len(tags))
        return head + body + struct.pack("<Q", 0) + bytes(100)
    tags[where] = 8 + 2 + 12 * len(tags) + 4
    body = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in sorted(tags.items()))
    return b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", len(tags)) + body + struct.pack("<I", 0) + bytes(100)


def described_tiff(description: str) -> bytes:
    """Return a TIFF of 8 x 8 pixels that says something of itself."""
    whole = io.BytesIO()
    tifffile.imwrite(whole, np.zeros((8, 8), np.uint8), description=description, metadata=None)
    return whole.getvalue()


def ome(**sizes: int) -> str:
    """Return OME-XML of an image of these sizes."""
    said = {"SizeX": 8, "SizeY": 8, "SizeZ": 1, "SizeC": 1, "SizeT": 1} | sizes
    named = " ".join(f'{name}="{value}"' for name, value in said.items())
    return (
        '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image ID="Image:0"><Pixels ID="Pixels:0" '
        f'DimensionOrder="XYCZT" Type="uint8" {named}><TiffData/></Pixels></Image></OME>'
    )


def amplifying(levels: int = 9) -> str:
    """Return OME-XML whose entities stand for ten of each other: 10 to the power of ``levels`` characters."""
    each = "".join(f'<!ENTITY {chr(98 + i)} "{f"&{chr(97 + i)};" * 10}">' for i in range(levels))
    start = f'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaaaaaaaa">{each}]>'
    return f'{start}<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">&{chr(97 + levels)};</OME>'


def write_zarr(path: Path, shape: tuple[int, ...] = (SIDE, SIDE), chunk: int = 1024) -> Path:
    """Write an OME-Zarr 0.4 that says this shape; chunks aren't compressed, and none is there."""
    (path / "0").mkdir(parents=True)
    axes: list[dict[str, Any]] = [{"name": name, "type": "space"} for name in "yx"]
    said = {"multiscales": [{"version": "0.4", "axes": axes, "datasets": [{"path": "0"}]}]}
    (path / ".zgroup").write_text('{"zarr_format": 2}')
    (path / ".zattrs").write_text(json.dumps(said))
    array = {"zarr_format": 2, "shape": shape, "chunks": [chunk, chunk], "dtype": "|u1", "compressor": None}
    (path / "0/.zarray").write_text(json.dumps(array | {"fill_value": 0, "order": "C", "filters": None}))
    return path
