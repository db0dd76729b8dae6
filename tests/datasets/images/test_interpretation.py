"""What files store and what viewers show: known pictures, written as other programs write them, come back exactly."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import PIL.Image
import PIL.ImageOps
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from reprcheck.datasets.card.reading import ReadingOptions
from reprcheck.datasets.draft import draft
from reprcheck.datasets.folder import open_folder
from reprcheck.datasets.images import files
from reprcheck.datasets.images.files import FileImages, ImageLocation, Recipe
from reprcheck.datasets.images.label_images import label_objects
from reprcheck.errors import UserError
from reprcheck.types import Image
from tests.cases import write_case

RNG = np.random.default_rng(3)
ROW = "t.csv line 2"
INVERTED = "stored with 0 as white (PhotometricInterpretation MinIsWhite): inverted, as viewers show it"


def read(
    path: Path,
    channels: int = 1,
    value_range: tuple[float, float] | None = None,
    mask: Path | None = None,
    types: Path | None = None,
    frame: int | None = None,
    **reading: Any,
) -> Image:
    recipe = Recipe(channels, value_range, reading=ReadingOptions(**reading), cell_types=9)
    return FileImages([ImageLocation((path,), frame, mask, ROW, types)], recipe).read(0)


def bytes_of(image: Image) -> np.ndarray[Any, Any]:
    """Return an image's pixels as the uint8 they were made of."""
    values = image.pixels * 255
    np.testing.assert_allclose(values, np.rint(values), atol=1e-3)
    return np.rint(values).astype(np.uint8)


def refused(path: Path, **options: Any) -> str:
    with pytest.raises(UserError) as caught:
        read(path, **options)
    message = str(caught.value)
    assert "\n" not in message
    return message.replace(f"{path.parent}/", "")


def noise(dtype: Any, *shape: int) -> np.ndarray[Any, Any]:
    return RNG.integers(0, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)


def labels(*shape: int) -> np.ndarray[Any, Any]:
    return RNG.integers(0, 9, shape, dtype=np.uint8)


# --- 0 as white ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize(
    "options", [{}, {"tile": (16, 16), "compression": "zlib"}, {"metadata": None}, {"ome": True}, {"imagej": True}]
)
def test_grey_stored_with_0_as_white_is_inverted(tmp_path: Path, dtype: Any, options: dict[str, Any]) -> None:
    picture = noise(dtype, 33, 20)
    tifffile.imwrite(tmp_path / "x.tif", np.iinfo(dtype).max - picture, photometric="miniswhite", **options)
    image = read(tmp_path / "x.tif")
    np.testing.assert_allclose(image.pixels[0], picture / np.iinfo(dtype).max, atol=1e-6)
    assert image.remarks == (INVERTED,)


def test_one_bit_stored_with_0_as_white_is_inverted(tmp_path: Path) -> None:
    picture = RNG.random((9, 21)) > 0.5
    tifffile.imwrite(tmp_path / "x.tif", ~picture, photometric="miniswhite")
    image = read(tmp_path / "x.tif")
    np.testing.assert_array_equal(image.pixels[0], picture)
    assert image.remarks == (INVERTED,)


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_every_page_stored_with_0_as_white_is_inverted(tmp_path: Path, compression: str | None) -> None:
    pictures = noise(np.uint8, 4, 9, 8)
    tifffile.imwrite(tmp_path / "x.tif", 255 - pictures, photometric="miniswhite", compression=compression)
    for frame, picture in enumerate(pictures):
        np.testing.assert_array_equal(bytes_of(read(tmp_path / "x.tif", frame=frame))[0], picture)
    np.testing.assert_array_equal(bytes_of(read(tmp_path / "x.tif", axes="ZYX", project="max"))[0], pictures.max(0))


@pytest.mark.parametrize("dtype", [np.float32, np.int16])
def test_nothing_tells_what_is_black_of_other_numbers(tmp_path: Path, dtype: Any) -> None:
    tifffile.imwrite(tmp_path / "x.tif", np.zeros((9, 8), dtype), photometric="miniswhite")
    assert refused(tmp_path / "x.tif", value_range=(0, 1)) == (
        f"x.tif (t.csv line 2): {np.dtype(dtype)} stored with 0 as white (MinIsWhite), and nothing tells which value "
        "is black; write it with 0 as black (MinIsBlack)"
    )


def test_labels_stored_with_0_as_white(tmp_path: Path) -> None:
    objects = labels(9, 8)
    np.save(tmp_path / "x.npy", noise(np.uint8, 9, 8))
    tifffile.imwrite(tmp_path / "m.tif", 255 - objects, photometric="miniswhite")
    image = read(tmp_path / "x.npy", mask=tmp_path / "m.tif", types=tmp_path / "m.tif")
    np.testing.assert_array_equal(image.mask, objects)
    np.testing.assert_array_equal(image.types, objects)
    assert image.remarks == (f"its mask: {INVERTED}", f"its type image: {INVERTED}")
    for ambiguous in (objects, (objects > 4).astype(np.uint8) * 255, objects > 4):
        tifffile.imwrite(tmp_path / "m.tif", ambiguous, photometric="miniswhite")
        assert refused(tmp_path / "x.npy", mask=tmp_path / "m.tif") == (
            "m.tif (t.csv line 2): labels stored with 0 as white (MinIsWhite): viewers show the background that 0 "
            "stands for as white; write them with 0 as black (MinIsBlack), 0 for the background"
        )


def test_the_case_miniswhite(tmp_path: Path) -> None:
    dataset = open_folder(write_case("miniswhite", tmp_path / "case"))
    images = [dataset.images.read(i) for i in range(24)]
    means = [image.pixels.mean() * 255 for image in images]
    np.testing.assert_allclose(means, 43.6 + 4 * np.arange(24), atol=0.5)
    assert [image.remarks for image in images] == [(), (INVERTED,)] * 12


# --- orientation --------------------------------------------------------------------------------------------------

ORIENTATIONS = range(1, 9)


def oriented(orientation: int) -> str:
    return f"stored turned or mirrored (orientation {orientation}, EXIF or TIFF): read upright, as viewers show it"


def stored_turned(picture: np.ndarray[Any, Any], orientation: int) -> np.ndarray[Any, Any]:
    """Return the array that Pillow shows as ``picture`` where its orientation is this: found by trial."""
    for tried in [np.rot90(flipped, k) for flipped in (picture, picture[:, ::-1]) for k in range(4)]:
        exif = PIL.Image.Exif()
        exif[0x0112] = orientation
        buffer = io.BytesIO()
        PIL.Image.fromarray(np.ascontiguousarray(tried)).save(buffer, "PNG", exif=exif)
        shown = np.asarray(PIL.ImageOps.exif_transpose(PIL.Image.open(buffer)))
        if shown.shape == picture.shape and (shown == picture).all():
            return np.ascontiguousarray(tried)
    raise AssertionError(orientation)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_images_masks_and_types_are_read_upright(tmp_path: Path, orientation: int) -> None:
    picture, objects = noise(np.uint8, 9, 6, 3), labels(9, 6)
    turned = stored_turned(picture, orientation)
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    PIL.Image.fromarray(turned).save(tmp_path / "x.png", exif=exif)
    smooth = np.broadcast_to(np.arange(0, 160, 10, dtype=np.uint8)[:, None], (16, 24))
    PIL.Image.fromarray(stored_turned(smooth, orientation)).save(tmp_path / "y.jpg", exif=exif, quality=98)
    tags = [(274, 3, 1, orientation, True)]
    tifffile.imwrite(tmp_path / "x.tif", turned, photometric="rgb", extratags=tags, metadata=None)
    tifffile.imwrite(tmp_path / "m.tif", stored_turned(objects, orientation), photometric="minisblack", extratags=tags)
    remarks = (oriented(orientation),) if orientation > 1 else ()
    for name in ("x.png", "x.tif"):
        source = FileImages(
            [ImageLocation((tmp_path / name,), None, tmp_path / "m.tif", ROW, tmp_path / "m.tif")],
            Recipe(3, cell_types=9),
        )
        image = source.read(0)
        np.testing.assert_array_equal(bytes_of(image), picture.transpose(2, 0, 1))
        np.testing.assert_array_equal(image.mask, objects)
        np.testing.assert_array_equal(image.types, objects)
        assert source.extent(0) == (9, 6)
        assert image.remarks == tuple(
            f"{of}{text}" for of in ("", "its mask: ", "its type image: ") for text in remarks
        )
    image = read(tmp_path / "y.jpg")
    np.testing.assert_allclose(image.pixels[0] * 255, smooth, atol=2)
    assert image.remarks == remarks


def test_a_16_bit_png_of_colours_is_turned_too(tmp_path: Path) -> None:
    picture = noise(np.uint16, 5, 7, 3)
    png = imagecodecs.png_encode(np.ascontiguousarray(picture[::-1, ::-1]))
    exif = PIL.Image.Exif()
    exif[0x0112] = 3
    raw = exif.tobytes().removeprefix(b"Exif\0\0")
    chunk = len(raw).to_bytes(4, "big") + b"eXIf" + raw + zlib.crc32(b"eXIf" + raw).to_bytes(4, "big")
    end = png.index(b"IEND") - 4
    for place in (33, end):  # before the pixels, after them
        (tmp_path / "x.png").write_bytes(png[:place] + chunk + png[place:])
        image = read(tmp_path / "x.png", channels=3)
        np.testing.assert_allclose(image.pixels, picture.transpose(2, 0, 1) / 65535, atol=1e-6)
        assert image.remarks == (oriented(3),)


def test_an_orientation_that_there_is_not_turns_nothing(tmp_path: Path) -> None:
    picture = noise(np.uint8, 9, 6)
    tifffile.imwrite(tmp_path / "x.tif", picture, extratags=[(274, 3, 1, 9, True)], metadata=None)
    image = read(tmp_path / "x.tif")
    np.testing.assert_array_equal(bytes_of(image)[0], picture)
    assert image.remarks == ()


def test_every_frame_of_a_turned_stack_is_upright(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = noise(np.uint8, 3, 9, 6)
    stored = np.stack([stored_turned(picture, 6) for picture in pictures])
    tifffile.imwrite(tmp_path / "x.tif", stored, extratags=[(274, 3, 1, 6, False)], photometric="minisblack")
    for bound in (2**28, 10):
        monkeypatch.setattr(files, "STACK_BYTES", bound)
        for frame, picture in enumerate(pictures):
            np.testing.assert_array_equal(bytes_of(read(tmp_path / "x.tif", frame=frame))[0], picture)


def test_crops_and_tiles_are_cut_from_upright_fields(make_dataset: Callable[..., Path]) -> None:
    fields = [noise(np.uint8, 12, 20) for _ in range(4)]
    for keys, table in (({"tiles": {"size": 4}}, None), ({"crops": CROPS, "task": {"unit": "id"}}, CROP_TABLE)):
        task = keys.pop("task", None)
        folder = make_dataset(
            f"set{len(keys)}{bool(table)}", labels=["a", "b"] * 2, images=fields, card=keys, task=task
        )
        if table:
            (folder / "cells.csv").write_text(table)
        for number, path in enumerate(sorted((folder / "images").iterdir())):
            orientation = (1, 6, 3, 8)[number]
            tifffile.imwrite(
                path, stored_turned(fields[number], orientation), extratags=[(274, 3, 1, orientation, True)]
            )
        dataset = open_folder(folder)
        for i, name in enumerate(dataset.ids.tolist()):
            field, _, place = name.partition("/")
            y, x = map(int, place.removeprefix("y").split("x"))
            y, x = (4 * y, 4 * x) if "tiles" in keys else (y, x)
            window = fields[int(field.removeprefix("s"))][y : y + 4, x : x + 4]
            np.testing.assert_array_equal(bytes_of(dataset.images.read(i))[0], window)
            assert (dataset.images.read(i).remarks == ()) == field.endswith("0")


CROPS = {"table": "cells.csv", "field": "field", "y": "y", "x": "x", "size": [4, 4]}
CROP_TABLE = "field,y,x\n" + "".join(f"s0{i},{y},{x}\n" for i in range(4) for y, x in ((2, 3), (9, 17), (5, 2)))


def test_the_case_exif_orientation(tmp_path: Path) -> None:
    dataset = open_folder(write_case("exif_orientation", tmp_path / "case"))
    for i in range(24):
        image = dataset.images.read(i)
        assert image.mask is not None
        under = image.pixels.mean(0)[image.mask > 0].mean() - image.pixels.mean(0)[image.mask == 0].mean()
        assert under * 255 == pytest.approx(60, abs=3)
        assert image.remarks == ((oriented(3),) if i % 2 else ())


# --- calibration --------------------------------------------------------------------------------------------------


def imagej(path: Path, values: np.ndarray[Any, Any], **said: Any) -> None:
    lines = {"ImageJ": "1.54f", "images": 1, **said}
    description = "".join(f"{key}={value}\n" for key, value in lines.items())
    tifffile.imwrite(path, values, photometric="minisblack", metadata=None, description=description)


@pytest.mark.parametrize(("c0", "c1"), [(-32768, 1), (-100, 1), (5, 2), (0, 0.5), (-3.25, 0.125)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_an_offset_and_a_slope_are_applied(tmp_path: Path, c0: float, c1: float, dtype: Any) -> None:
    values = RNG.integers(0, 256, (9, 8)).astype(dtype)
    imagej(tmp_path / "x.tif", values, cf=0, c0=float(c0), c1=float(c1))
    expected = c0 + c1 * values.astype(float)
    low, high = expected.min() - 1, expected.max() + 1
    image = read(tmp_path / "x.tif", value_range=(low, high))
    np.testing.assert_allclose(image.pixels[0], (expected - low) / (high - low), atol=1e-6)
    assert image.remarks == (f"stored with a calibration (ImageJ): {c0:g} + {c1:g} times the stored value is read",)


def test_a_calibration_of_tiles(tmp_path: Path) -> None:
    values, said = noise(np.uint16, 40, 24), "ImageJ=1.54f\nimages=1\ncf=0\nc0=-32768.0\nc1=1.0\n"
    tifffile.imwrite(tmp_path / "x.tif", values, tile=(16, 16), compression="zlib", metadata=None, description=said)
    image = read(tmp_path / "x.tif", value_range=(-32768, 32767))
    np.testing.assert_allclose(image.pixels[0], values / 65535, atol=1e-6)


def test_no_calibration_is_none_and_a_curve_is_refused(tmp_path: Path) -> None:
    values = noise(np.uint8, 9, 8)
    for said in ({"cf": 20, "c0": 5.0, "c1": 2.0}, {"cf": 0, "c0": 0.0, "c1": 1.0}, {"c0": 4.0}, {"cf": 0}):
        imagej(tmp_path / "x.tif", values, **said)
        image = read(tmp_path / "x.tif")
        np.testing.assert_array_equal(bytes_of(image)[0], values)
        assert image.remarks == ()
    imagej(tmp_path / "x.tif", values, cf=6, c0=5.0, c1=2.0)
    assert refused(tmp_path / "x.tif") == (
        "x.tif (t.csv line 2): calibrated by a curve (ImageJ's calibration function 6); "
        "write the calibrated values, as 32-bit floats"
    )


def test_signed_numbers_need_a_range_of_their_own(tmp_path: Path) -> None:
    imagej(tmp_path / "x.tif", noise(np.uint16, 9, 8), cf=0, c0=-32768.0, c1=1.0)
    assert "holds int16, whose range says nothing about its values" in refused(tmp_path / "x.tif")


def test_the_case_imagej_signed16(tmp_path: Path) -> None:
    dataset = open_folder(write_case("imagej_signed16", tmp_path / "case"))
    means = [dataset.images.read(i).pixels.mean() * 4095 / 16 for i in range(24)]
    np.testing.assert_allclose(means, 43.6 + 4 * np.arange(24), atol=0.5)


# --- palettes, bits and colours -------------------------------------------------------------------------------------

RAMP = np.arange(256, dtype=np.uint8)
HUES = {
    "grey": np.stack([RAMP] * 3, 1),
    "reversed": np.stack([RAMP[::-1]] * 3, 1),
    "green": np.stack([RAMP * 0, RAMP, RAMP * 0], 1),
    "magenta": np.stack([RAMP, RAMP * 0, RAMP], 1),
    "orange": np.stack([RAMP, np.rint(RAMP * 0.5).astype(np.uint8), RAMP * 0], 1),
}
COLOURS = RNG.integers(0, 256, (256, 3), dtype=np.uint8)
COLOURED = "stored as numbers of a palette: read as the colours they stand for"
BRIGHTNESS = "stored as numbers of a palette of one hue: read as the brightness they stand for"


def write_palette(path: Path, numbers: np.ndarray[Any, Any], palette: np.ndarray[Any, Any], times: int = 257) -> None:
    """Write numbers and their palette as PNG by Pillow or as TIFF by tifffile."""
    if path.suffix == ".png":
        image = PIL.Image.fromarray(numbers).convert("L")
        image.putpalette(palette.tobytes())
        image.save(path)
    else:
        colormap = palette.T.astype(np.uint16) * times
        tifffile.imwrite(path, numbers, photometric="palette", colormap=colormap, metadata=None)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_a_palette_is_read_as_its_colours(tmp_path: Path, suffix: str) -> None:
    numbers = noise(np.uint8, 9, 8)
    for palette in (COLOURS, HUES["grey"]):
        write_palette(tmp_path / f"x{suffix}", numbers, palette)
        image = read(tmp_path / f"x{suffix}", channels=3)
        np.testing.assert_array_equal(bytes_of(image), palette[numbers].transpose(2, 0, 1))
        assert image.remarks == (COLOURED,)
        assert "found 3 channels, expected 2" in refused(tmp_path / f"x{suffix}", channels=2)
    write_palette(tmp_path / f"x{suffix}", numbers, COLOURS)
    assert refused(tmp_path / f"x{suffix}") == (
        f"x{suffix} (t.csv line 2): found colours of several hues (a palette), expected 1 channel; "
        "name three channels on the card, red, green and blue, or write it as grey"
    )


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("hue", HUES)
def test_a_palette_of_one_hue_is_read_as_brightness(tmp_path: Path, suffix: str, hue: str) -> None:
    numbers = noise(np.uint8, 9, 8)
    write_palette(tmp_path / f"x{suffix}", numbers, HUES[hue])
    image = read(tmp_path / f"x{suffix}")
    np.testing.assert_array_equal(bytes_of(image)[0], HUES[hue].max(1)[numbers])
    assert image.remarks == (BRIGHTNESS,)


@pytest.mark.parametrize("times", [1, 256, 257])
def test_palettes_of_tiff_in_the_ways_that_programs_write_them(tmp_path: Path, times: int) -> None:
    numbers = noise(np.uint8, 9, 8)
    write_palette(tmp_path / "x.tif", numbers, COLOURS, times)
    np.testing.assert_array_equal(bytes_of(read(tmp_path / "x.tif", 3)), COLOURS[numbers].transpose(2, 0, 1))


def test_every_frame_of_a_stack_with_a_palette(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = noise(np.uint8, 3, 9, 8)
    write_palette(tmp_path / "x.tif", numbers, COLOURS)
    write_palette(tmp_path / "g.tif", numbers, HUES["green"])
    for bound in (2**28, 10):
        monkeypatch.setattr(files, "STACK_BYTES", bound)
        for frame, picture in enumerate(numbers):
            image = read(tmp_path / "x.tif", 3, frame=frame)
            np.testing.assert_array_equal(bytes_of(image), COLOURS[picture].transpose(2, 0, 1))
            np.testing.assert_array_equal(bytes_of(read(tmp_path / "g.tif", frame=frame))[0], picture)


def test_labels_in_a_palette_are_its_numbers(tmp_path: Path) -> None:
    objects = labels(9, 8)
    np.save(tmp_path / "x.npy", noise(np.uint8, 9, 8))
    for name in ("m.png", "m.tif"):
        write_palette(tmp_path / name, objects, COLOURS)
        np.testing.assert_array_equal(read(tmp_path / "x.npy", mask=tmp_path / name).mask, objects)


def pack(numbers: np.ndarray[Any, Any], bits: int) -> bytes:
    """Return rows of numbers of a few bits, each row on whole bytes."""
    each = (numbers[..., None] >> np.arange(bits - 1, -1, -1)) & 1
    return np.packbits(each.reshape(len(numbers), -1).astype(np.uint8), axis=1).tobytes()


def few_bits(path: Path, numbers: np.ndarray[Any, Any], bits: int, photometric: int = 1) -> None:
    """Write grey levels of a few bits as PNG or TIFF, byte by byte."""
    height, width = numbers.shape
    if path.suffix == ".png":
        rows = pack(numbers, bits)
        step = len(rows) // height
        raw = b"".join(b"\0" + rows[i * step : (i + 1) * step] for i in range(height))
        head = struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0)
        chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(raw)), (b"IEND", b""))
        body = b"".join(
            len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")
            for kind, data in chunks
        )
        path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)
        return
    data = pack(numbers, bits)
    tags = [(256, width), (257, height), (258, bits), (259, 1), (262, photometric), (273, 8), (277, 1), (278, height)]
    tags.append((279, len(data)))
    padded = data + b"\0" * (len(data) % 2)
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    path.write_bytes(
        b"II*\0" + struct.pack("<I", 8 + len(padded)) + padded + struct.pack("<H", len(tags)) + entries + b"\0" * 4
    )


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("bits", [1, 2, 4])
def test_a_few_bits_go_from_black_to_white(tmp_path: Path, suffix: str, bits: int) -> None:
    numbers = RNG.integers(0, 2**bits, (9, 7))
    few_bits(tmp_path / f"x{suffix}", numbers, bits)
    np.testing.assert_allclose(read(tmp_path / f"x{suffix}").pixels[0], numbers / (2**bits - 1), atol=1e-6)
    with PIL.Image.open(tmp_path / f"x{suffix}") as image:
        np.testing.assert_array_equal(np.asarray(image.convert("L")), bytes_of(read(tmp_path / f"x{suffix}"))[0])
    np.save(tmp_path / "y.npy", noise(np.uint8, 9, 7))
    kinds = read(tmp_path / "y.npy", mask=tmp_path / f"x{suffix}", types=tmp_path / f"x{suffix}") if bits < 4 else None
    if kinds:
        np.testing.assert_array_equal(kinds.types, numbers)
        if bits == 2:
            np.testing.assert_array_equal(kinds.mask, numbers)


def test_a_palette_of_one_bit(tmp_path: Path) -> None:
    numbers = RNG.integers(0, 2, (9, 8))
    few_bits(tmp_path / "x.tif", numbers, 1, 3)
    raw = bytearray((tmp_path / "x.tif").read_bytes())
    place = raw.index(struct.pack("<HHII", 258, 4, 1, 1)) + 12  # after BitsPerSample, in place of Compression: ColorMap
    colours = np.array([[200, 10], [30, 40], [50, 250]]) * 257
    raw[place : place + 12] = struct.pack("<HHII", 320, 3, 6, len(raw))
    (tmp_path / "x.tif").write_bytes(bytes(raw) + colours.astype("<u2").tobytes())
    image = read(tmp_path / "x.tif", channels=3)
    np.testing.assert_array_equal(bytes_of(image), colours[:, numbers] // 257)
    assert "several hues" in refused(tmp_path / "x.tif")


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_another_format_under_its_name(tmp_path: Path, suffix: str) -> None:
    tifffile.imwrite(tmp_path / f"x{suffix}", noise(np.uint8, 9, 8), photometric="miniswhite")
    assert refused(tmp_path / f"x{suffix}") == (
        f"x{suffix} (t.csv line 2): named {suffix}, and holds TIFF; write it as what its name says"
    )


@pytest.mark.parametrize("bits", [2, 4, 10, 12, 14])
def test_values_between_the_sizes_of_bytes(tmp_path: Path, bits: int) -> None:
    numbers = RNG.integers(0, 2**bits, (9, 8))
    for photometric, stored in ((1, numbers), (0, 2**bits - 1 - numbers)):
        few_bits(tmp_path / "x.tif", stored, bits, photometric)
        image = read(tmp_path / "x.tif")
        np.testing.assert_allclose(image.pixels[0], numbers / (2**bits - 1), atol=1e-6)


def test_a_tiff_that_does_not_say_what_0_is_has_it_black(tmp_path: Path) -> None:
    numbers = noise(np.uint8, 9, 8)
    few_bits(tmp_path / "x.tif", numbers, 8)
    raw = bytearray((tmp_path / "x.tif").read_bytes())
    place = raw.index(struct.pack("<HHII", 262, 4, 1, 1))
    raw[place : place + 2] = struct.pack("<H", 263)  # Threshholding: 1, of which nothing follows
    (tmp_path / "x.tif").write_bytes(bytes(raw))
    np.testing.assert_array_equal(bytes_of(read(tmp_path / "x.tif"))[0], numbers)


@pytest.mark.parametrize(
    ("photometric", "name", "channels"),
    [("ycbcr", "YCBCR", 3), ("cielab", "CIELAB", 3), ("separated", "SEPARATED", 4), ("cfa", "CFA", 1)],
)
def test_colours_that_are_not_read(tmp_path: Path, photometric: str, name: str, channels: int) -> None:
    shape = (16, 16) if channels == 1 else (16, 16, channels)
    tifffile.imwrite(tmp_path / "x.tif", noise(np.uint8, *shape), photometric=photometric, metadata=None)
    assert refused(tmp_path / "x.tif", channels=channels) == (
        f"x.tif (t.csv line 2): holds colours as {name} (PhotometricInterpretation), which aren't read; "
        "write it again as RGB, or as grey with 0 as black"
    )


FAX, PLAIN = ("group3", "group4"), (None, "tiff_lzw")
WRITTEN = [
    *(("1", compression, photometric) for compression in (*PLAIN, *FAX) for photometric in (0, 1)),
    *(("L", compression, photometric) for compression in (*PLAIN, "jpeg") for photometric in (0, 1)),
    *((mode, compression, None) for mode in ("LA", "RGB", "RGBA", "RGBX") for compression in (*PLAIN, "jpeg")),
    *((mode, compression, None) for mode in ("P", "I;16", "F") for compression in PLAIN),
    ("YCbCr", "jpeg", None),
]


@pytest.mark.parametrize(("mode", "compression", "photometric"), WRITTEN)
def test_a_tiff_is_what_pillow_shows(
    tmp_path: Path, mode: str, compression: str | None, photometric: int | None
) -> None:
    y, x = np.mgrid[:24, :32]
    colour = PIL.Image.fromarray(np.stack([9 * y, 7 * x, 4 * (y + x)], -1).astype(np.uint8))
    grey = np.asarray(colour.convert("L"))
    made = {"I;16": grey.astype(np.uint16) * 257, "F": grey / np.float32(255)}
    image = PIL.Image.fromarray(made[mode]) if mode in made else colour.convert(mode)
    image.save(tmp_path / "x.tif", compression=compression)
    if photometric is not None:
        with tifffile.TiffFile(tmp_path / "x.tif", mode="r+") as file:
            file.pages[0].tags["PhotometricInterpretation"].overwrite(photometric)
    with PIL.Image.open(tmp_path / "x.tif") as shown:
        if mode in made:
            expected = np.asarray(shown)[None] / (65535 if mode == "I;16" else 1)
        elif mode in ("1", "L", "LA"):
            expected = np.asarray(shown.convert("L"))[None] / 255
        else:
            expected = np.asarray(shown.convert("RGB")).transpose(2, 0, 1) / 255
    found = read(tmp_path / "x.tif", channels=len(expected)).pixels
    np.testing.assert_allclose(found, expected, atol=0.01 if compression == "jpeg" else 1e-6)


def test_a_palette_beside_transparency(tmp_path: Path) -> None:
    PIL.Image.fromarray(noise(np.uint8, 9, 8, 3)).convert("P").convert("PA").save(tmp_path / "x.tif")
    assert "x.tif (t.csv line 2): numbers of a palette with another channel" in refused(tmp_path / "x.tif", channels=3)


def test_jpeg_in_tiff_is_read_as_pillow_reads_it(tmp_path: Path) -> None:
    smooth = np.add.outer(np.arange(32) * 3, np.arange(32) * 2).astype(np.uint8)
    picture = np.stack([smooth, 255 - smooth, smooth // 2], -1)
    for subsampling in ((1, 1), (2, 2)):
        tifffile.imwrite(
            tmp_path / "x.tif", picture, photometric="rgb", compression="jpeg", metadata=None, subsampling=subsampling
        )
        with PIL.Image.open(tmp_path / "x.tif") as image:
            expected = np.asarray(image.convert("RGB")).transpose(2, 0, 1)
        np.testing.assert_allclose(read(tmp_path / "x.tif", channels=3).pixels * 255, expected, atol=2)


def test_inks_and_animations(tmp_path: Path) -> None:
    for name in ("x.jpg", "y.jpg"):
        PIL.Image.fromarray(noise(np.uint8, 16, 16, 4), mode=None).convert("CMYK").save(tmp_path / name)
        for channels in (3, 4):
            assert refused(tmp_path / name, channels=channels) == (
                f"{name} (t.csv line 2): holds inks (CMYK), which every viewer shows in its own way; "
                "write it again as RGB, or as grey"
            )
    frames = [PIL.Image.fromarray(noise(np.uint8, 9, 8)) for _ in range(3)]
    frames[0].save(tmp_path / "x.png", save_all=True, append_images=frames[1:])
    assert "an animation of 3 pictures" in refused(tmp_path / "x.png")


# --- alpha ----------------------------------------------------------------------------------------------------------

OPAQUE = "stored with an alpha channel, opaque throughout: dropped"
TRANSPARENT = (
    "(t.csv line 2): transparent in places: what a viewer shows depends on what lies behind; "
    "write it without transparency, on the background it is meant for"
)


def with_alpha(dtype: Any, channels: int, alpha: float) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], float]:
    """Return a picture, it with an alpha channel, and its highest value."""
    top = 1 if np.dtype(dtype).kind == "f" else np.iinfo(dtype).max
    picture = (RNG.random((9, 7, channels)) * top).astype(dtype)
    layer = np.full((9, 7, 1), top, dtype)
    layer[3, 4] = layer[3, 4] * alpha
    return picture, np.concatenate([picture, layer], axis=2), top


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
@pytest.mark.parametrize("kind", ["assocalpha", "unassalpha"])
@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_alpha_in_tiff(tmp_path: Path, channels: int, dtype: Any, kind: str, planar: str) -> None:
    options = {"photometric": "rgb" if channels == 3 else "minisblack", "extrasamples": [kind], "planarconfig": planar}
    for alpha in (1, 0.5, 0):
        picture, whole, top = with_alpha(dtype, channels, alpha)
        stored = whole if planar == "contig" else np.ascontiguousarray(whole.transpose(2, 0, 1))
        tifffile.imwrite(tmp_path / "x.tif", stored, metadata=None, **options)
        if alpha == 1:
            image = read(tmp_path / "x.tif", channels=channels)
            np.testing.assert_allclose(image.pixels, picture.transpose(2, 0, 1) / top, atol=1e-6)
            assert image.remarks == (OPAQUE,)
        else:
            assert refused(tmp_path / "x.tif", channels=channels) == f"x.tif {TRANSPARENT}"


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_alpha_in_png(tmp_path: Path, channels: int, dtype: Any) -> None:
    for alpha in (1, 0.5, 0):
        picture, whole, top = with_alpha(dtype, channels, alpha)
        (tmp_path / "x.png").write_bytes(imagecodecs.png_encode(whole))
        if alpha == 1:
            image = read(tmp_path / "x.png", channels=channels)
            np.testing.assert_allclose(image.pixels, picture.transpose(2, 0, 1) / top, atol=1e-6)
            assert image.remarks == (OPAQUE,)
        else:
            assert refused(tmp_path / "x.png", channels=channels) == f"x.png {TRANSPARENT}"


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_alpha_that_the_card_names_as_a_channel(tmp_path: Path, suffix: str) -> None:
    values = noise(np.uint8, 9, 7, 4)
    if suffix == ".png":
        PIL.Image.fromarray(values).save(tmp_path / "x.png")
    else:
        tifffile.imwrite(tmp_path / "x.tif", values, photometric="rgb", extrasamples=["unassalpha"])
    image = read(tmp_path / f"x{suffix}", channels=4)
    np.testing.assert_array_equal(bytes_of(image), values.transpose(2, 0, 1))
    assert image.remarks == ("the last channel is stored as transparency: read as the channel that the card names",)


def test_a_fourth_channel_that_nothing_names(tmp_path: Path) -> None:
    picture, whole, _ = with_alpha(np.uint8, 3, 1)
    tifffile.imwrite(tmp_path / "x.tif", whole, photometric="rgb", extrasamples=["unspecified"])
    np.testing.assert_array_equal(bytes_of(read(tmp_path / "x.tif", channels=3)), picture.transpose(2, 0, 1))
    np.testing.assert_array_equal(bytes_of(read(tmp_path / "x.tif", channels=4)), whole.transpose(2, 0, 1))


@pytest.mark.parametrize("mode", ["L", "RGB", "P"])
@pytest.mark.parametrize("used", [False, True])
def test_a_colour_that_stands_for_transparency(tmp_path: Path, mode: str, used: bool) -> None:
    grey = RNG.integers(1, 255, (9, 8), dtype=np.uint8)
    grey[4, 4] *= not used
    image = PIL.Image.fromarray(grey).convert("RGB" if mode == "RGB" else "L")
    if mode == "P":
        image.putpalette(HUES["grey"].tobytes())
    image.save(tmp_path / "x.png", transparency=(0, 0, 0) if mode == "RGB" else 0)
    channels = 3 if mode == "RGB" else 1
    if used:
        assert refused(tmp_path / "x.png", channels=channels) == f"x.png {TRANSPARENT}"
    else:
        np.testing.assert_array_equal(bytes_of(read(tmp_path / "x.png", channels=channels)), [grey] * channels)


# --- floats -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floats_a_rounding_error_outside_are_clipped(tmp_path: Path, dtype: Any) -> None:
    one, zero = np.nextafter(dtype(1), dtype(2)), dtype(-1e-7)
    np.save(tmp_path / "x.npy", np.array([[0.25, one], [zero, 0.5]], dtype))
    image = read(tmp_path / "x.npy")
    np.testing.assert_array_equal(image.pixels[0], [[0.25, 1], [0, 0.5]])
    assert image.remarks == ("floats a rounding error outside [0, 1]: clipped",)
    for value in (1.01, -0.01):
        np.save(tmp_path / "x.npy", np.array([[0.25, value]], dtype))
        assert "outside [0, 1]; say on the card what becomes 0 and 1" in refused(tmp_path / "x.npy")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_pixels_that_are_no_numbers(tmp_path: Path, value: float) -> None:
    tifffile.imwrite(tmp_path / "x.tif", np.array([[0.5, value]], np.float32), photometric="minisblack")
    for bounds in (None, (0.0, 1.0)):
        assert "holds values that are not finite (NaN or infinity)" in refused(tmp_path / "x.tif", value_range=bounds)


# --- previews, series and pyramids ------------------------------------------------------------------------------------


def write_pages(path: Path, *pages: tuple[np.ndarray[Any, Any], dict[str, Any]], **options: Any) -> None:
    with tifffile.TiffWriter(path, **options) as file:
        for picture, said in pages:
            file.write(picture, **({"photometric": "minisblack", "metadata": None} | said))


def of_series(count: int, number: int, why: str) -> str:
    return f"holds {count} series: number {number} is read, {why}"


LARGEST = "the largest; `series` on the card names another"
REDUCED = {"subfiletype": 1}


@pytest.mark.parametrize("tags", [{}, REDUCED])
@pytest.mark.parametrize("before", [True, False])
def test_the_image_is_read_not_its_preview(tmp_path: Path, tags: dict[str, Any], before: bool) -> None:
    picture, preview = noise(np.uint8, 32, 40), noise(np.uint8, 9, 31)
    pages = [(preview, tags), (picture, {})]
    write_pages(tmp_path / "x.tif", *(pages if before else pages[::-1]))
    image = read(tmp_path / "x.tif")
    np.testing.assert_array_equal(bytes_of(image)[0], picture)
    assert image.remarks == (of_series(2, 1 if before else 0, LARGEST),)
    source = FileImages([ImageLocation((tmp_path / "x.tif",), None, None, ROW)], Recipe(1))
    assert source.extent(0) == (32, 40)
    small = read(tmp_path / "x.tif", series=0 if before else 1)
    np.testing.assert_array_equal(bytes_of(small)[0], preview)
    assert small.remarks == (of_series(2, 0 if before else 1, "as the card says"),)


def test_a_reduced_image_is_no_image_however_large(tmp_path: Path) -> None:
    picture = noise(np.uint8, 20, 20)
    write_pages(tmp_path / "x.tif", (noise(np.uint8, 33, 31), REDUCED), (picture, {}))
    np.testing.assert_array_equal(bytes_of(read(tmp_path / "x.tif"))[0], picture)


def test_of_series_of_one_size_the_first_is_read_and_told(tmp_path: Path) -> None:
    pictures = noise(np.uint8, 2, 16, 16)
    write_pages(tmp_path / "x.tif", *((picture, {"metadata": {}}) for picture in pictures), ome=True)
    image = read(tmp_path / "x.tif")
    np.testing.assert_array_equal(bytes_of(image)[0], pictures[0])
    assert image.remarks == (of_series(2, 0, "the first; `series` on the card names another"),)


@pytest.mark.parametrize("kind", ["pages", "shaped", "ome", "subifds"])
def test_a_pyramid_is_read_at_full_resolution_or_at_the_level_asked(tmp_path: Path, kind: str) -> None:
    levels = [noise(np.uint8, 64, 96), noise(np.uint8, 32, 48), noise(np.uint8, 16, 24)]
    options = {"tile": (16, 16), "photometric": "minisblack", "metadata": {} if kind in ("shaped", "ome") else None}
    with tifffile.TiffWriter(tmp_path / "x.tif", ome=kind == "ome") as file:
        if kind == "pages":
            for number, level in enumerate(levels):
                file.write(level, subfiletype=min(number, 1), **options)
        else:
            file.write(levels[0], subifds=2, **options)
            for level in levels[1:]:
                file.write(level, subfiletype=1, **options)
    objects = labels(32, 48)
    tifffile.imwrite(tmp_path / "m.tif", objects, photometric="minisblack")
    for number, level in enumerate(levels):
        image = read(tmp_path / "x.tif", level=number)
        np.testing.assert_array_equal(bytes_of(image)[0], level)
        full = ", full resolution," if number == 0 else ""
        assert image.remarks == (f"a pyramid of 3 levels: level {number}{full} is read",)
        source = FileImages(
            [ImageLocation((tmp_path / "x.tif",), None, None, ROW)], Recipe(1, reading=ReadingOptions(level=number))
        )
        assert source.extent(0) == level.shape
    np.testing.assert_array_equal(read(tmp_path / "x.tif", level=1, mask=tmp_path / "m.tif").mask, objects)
    assert refused(tmp_path / "x.tif", level=3) == (
        "x.tif (t.csv line 2): no level 3: the image has 3 (counted from 0); put `level` right on the card"
    )


def test_a_preview_whose_image_lies_below_it(tmp_path: Path) -> None:
    picture = noise(np.uint8, 64, 64)
    write_pages(tmp_path / "x.tif", (noise(np.uint8, 16, 16), {**REDUCED, "subifds": 1}), (picture, {}))
    np.testing.assert_array_equal(bytes_of(read(tmp_path / "x.tif"))[0], picture)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".npy"])
@pytest.mark.parametrize("key", ["series", "level"])
def test_formats_without_series_and_levels(tmp_path: Path, suffix: str, key: str) -> None:
    path = tmp_path / f"x{suffix}"
    if suffix == ".npy":
        np.save(path, noise(np.uint8, 16, 16))
    else:
        PIL.Image.fromarray(noise(np.uint8, 16, 16)).save(path)
    assert read(path, **{key: 0}).pixels.shape == (1, 16, 16)
    assert refused(path, **{key: 1}) == (
        f"x{suffix} (t.csv line 2): no {key} 1: {suffix} files hold one image; "
        f"remove `{key}` from the card, or leave the image's row out"
    )


def test_pages_that_stand_for_other_values_than_the_first(tmp_path: Path) -> None:
    pictures = noise(np.uint8, 9, 8, 8)
    write_pages(
        tmp_path / "x.tif",
        *((p, {"photometric": "miniswhite" if i == 3 else "minisblack"}) for i, p in enumerate(pictures)),
    )
    assert refused(tmp_path / "x.tif", frame=0) == (
        "x.tif (t.csv line 2): its page 3 is of another PhotometricInterpretation, palette or orientation than its "
        "first; write all pages alike, or each to a file of its own"
    )


def test_the_case_thumbnail_smaller(tmp_path: Path) -> None:
    dataset = open_folder(write_case("thumbnail_smaller", tmp_path / "case"))
    images = [dataset.images.read(i) for i in range(24)]
    np.testing.assert_allclose([i.pixels.mean() * 255 for i in images], 43.6 + 4 * np.arange(24), atol=0.5)
    assert {image.pixels.shape for image in images} == {(1, 32, 32)}
    assert {image.remarks for image in images} == {(of_series(2, 1, LARGEST),)}


# --- slices, times and other axes -------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{"metadata": None}, {}])
def test_pages_that_nothing_names_are_channels_or_slices_and_told(tmp_path: Path, options: dict[str, Any]) -> None:
    pages = noise(np.uint8, 3, 9, 8)
    tifffile.imwrite(tmp_path / "x.tif", pages, photometric="minisblack", **options)
    image = read(tmp_path / "x.tif", channels=3)
    np.testing.assert_array_equal(bytes_of(image), pages)
    assert image.remarks == ("an axis of 3 that nothing names: read as the channels",)
    image = read(tmp_path / "x.tif", project="max")
    np.testing.assert_array_equal(bytes_of(image)[0], pages.max(0))
    assert image.remarks == ("an axis of 3 that nothing names: read as slices",)
    assert "found 3 channels, expected 1" in refused(tmp_path / "x.tif")


@pytest.mark.parametrize("axes", ["ZYX", "TYX"])
@pytest.mark.parametrize("kind", ["imagej", "ome", "shaped"])
def test_slices_and_times_are_never_channels(tmp_path: Path, axes: str, kind: str) -> None:
    options = {kind: True} if kind != "shaped" else {}
    values = noise(np.uint16, 3, 9, 8)
    tifffile.imwrite(tmp_path / "x.tif", values, photometric="minisblack", metadata={"axes": axes}, **options)
    message = refused(tmp_path / "x.tif", channels=3)
    assert ("a stack of 3 slices" if axes == "ZYX" else "holds 3 frames") in message


def test_an_axis_that_is_not_known_is_no_channel(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "x.tif", noise(np.uint8, 3, 9, 8), photometric="minisblack", metadata={"axes": "PYX"})
    assert refused(tmp_path / "x.tif", channels=3) == (
        "x.tif (t.csv line 2): has axes PYX (3 x 9 x 8), which aren't all known; "
        'say on the card what they are, with letters of TZCYX, such as axes = "ZCYX"'
    )
    assert read(tmp_path / "x.tif", channels=3, axes="CYX").pixels.shape == (3, 9, 8)


@pytest.mark.parametrize(("axes", "channels"), [("NCYX", 3), ("PCYX", 3), ("PYX", 1), ("IYX", 1)])
def test_the_table_picks_from_an_axis_of_any_name(tmp_path: Path, axes: str, channels: int) -> None:
    values = noise(np.uint8, *(3 if letter == "C" else 4 if letter not in "YX" else 9 for letter in axes))
    tifffile.imwrite(tmp_path / "x.tif", values, photometric="minisblack", metadata={"axes": axes})
    for frame in range(4):
        image = read(tmp_path / "x.tif", channels=channels, frame=frame)
        np.testing.assert_array_equal(bytes_of(image), values[frame].reshape(channels, 9, 9))
        assert image.remarks == ()


def test_a_stack_of_colours(tmp_path: Path) -> None:
    values = noise(np.uint8, 4, 9, 8, 3)
    tifffile.imwrite(tmp_path / "x.tif", values, photometric="rgb", metadata={"axes": "ZYXS"})
    assert "a stack of 4 slices" in refused(tmp_path / "x.tif", channels=3)
    image = read(tmp_path / "x.tif", channels=3, project="max")
    np.testing.assert_array_equal(bytes_of(image), values.max(0).transpose(2, 0, 1))
    tifffile.imwrite(tmp_path / "y.tif", values, photometric="rgb", metadata=None)
    image = read(tmp_path / "y.tif", channels=3, axes="ZYX", project="max")
    np.testing.assert_array_equal(bytes_of(image), values.max(0).transpose(2, 0, 1))


def drafted(folder: Path, write: Callable[[Path, int], object], suffix: str = ".tif") -> str:
    """Write eight images of two classes, and return the card that `draft` makes of them."""
    for i in range(8):
        path = folder / "ab"[i % 2] / f"{i}{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, i)
    made = draft(folder)
    assert made.table is not None
    (folder / "samples.csv").write_text(made.table)
    (folder / "dataset.toml").write_text(made.card)
    return made.card


@pytest.mark.parametrize("kind", ["imagej", "ome", "shaped"])
def test_a_first_card_projects_stacks_of_slices(tmp_path: Path, kind: str) -> None:
    stacks = noise(np.uint16, 8, 5, 2, 9, 8)
    said = {"photometric": "minisblack", "metadata": {"axes": "ZCYX"}, **({kind: True} if kind != "shaped" else {})}
    card = drafted(tmp_path / "set", lambda path, i: tifffile.imwrite(path, stacks[i], **said))
    assert 'channels = ["c0", "c1"]' in card
    assert 'project = "max"  # or "mean"' in card
    for how, expected in (("max", stacks.max(1)), ("mean", np.rint(stacks.mean(1)))):
        (tmp_path / "set" / "dataset.toml").write_text(card.replace('"max"', f'"{how}"'))
        dataset = open_folder(tmp_path / "set")
        order = [int(Path(str(name)).stem.split("_")[-1]) for name in dataset.ids]
        for i, number in enumerate(order):
            np.testing.assert_allclose(dataset.images.read(i).pixels, expected[number] / 65535, atol=1e-6)


def test_pages_that_nothing_names_can_be_made_slices_on_a_first_card(tmp_path: Path) -> None:
    stacks = noise(np.uint8, 8, 5, 9, 8)
    said = {"photometric": "minisblack", "metadata": None}
    card = drafted(tmp_path / "set", lambda path, i: tifffile.imwrite(path, stacks[i], **said))
    assert 'are they slices? then one channel, and axes = "ZYX" and project = "max"' in card
    path = tmp_path / "set" / "dataset.toml"
    path.write_text('project = "max"\n' + card)
    with pytest.raises(UserError, match="an axis of 5 that nothing names, and the card projects slices"):
        open_folder(tmp_path / "set").images.read(0)
    channels = next(line for line in card.splitlines() if line.startswith("channels"))
    path.write_text('axes = "ZYX"\nproject = "max"\n' + card.replace(channels, 'channels = ["grey"]'))
    np.testing.assert_array_equal(bytes_of(open_folder(tmp_path / "set").images.read(0))[0], stacks[0].max(0))


def test_a_first_card_of_opaque_and_signed_images(tmp_path: Path) -> None:
    whole = np.concatenate([noise(np.uint8, 9, 8, 3), np.full((9, 8, 1), 255, np.uint8)], axis=2)
    card = drafted(tmp_path / "rgba", lambda path, i: PIL.Image.fromarray(whole).save(path), ".png")
    assert 'channels = ["R", "G", "B"]' in card
    values = RNG.integers(32768 - 50, 32768 + 100, (9, 8), dtype=np.uint16)
    card = drafted(tmp_path / "signed", lambda path, i: imagej(path, values, cf=0, c0=-32768.0, c1=1.0))
    low, high = int(values.min()) - 32768, int(values.max()) - 32768
    assert f"value_range = [{low}.0, {high}.0]" in card


# --- masks ------------------------------------------------------------------------------------------------------------

COMPONENTS = "its mask: one value for all objects: labelled by connected component, so that touching ones are one"


def squares(*values: int) -> np.ndarray[Any, Any]:
    """Return nine squares of 100 pixels with these numbers."""
    mask = np.zeros((64, 64), np.int64)
    for i in range(9):
        y, x = 6 + 20 * (i // 3), 6 + 20 * (i % 3)
        mask[y : y + 10, x : x + 10] = values[i % len(values)]
    return mask


def mask_of(tmp_path: Path, values: np.ndarray[Any, Any], suffix: str = ".tif") -> Image:
    np.save(tmp_path / "image.npy", np.zeros(values.shape[:2], np.uint8))
    path = tmp_path / f"m{suffix}"
    if suffix == ".png":
        PIL.Image.fromarray(values).save(path)
    elif suffix == ".npy":
        np.save(path, values)
    else:
        tifffile.imwrite(path, values, photometric="rgb" if values.ndim == 3 else "minisblack", metadata=None)
    return read(tmp_path / "image.npy", mask=path)


def refused_mask(tmp_path: Path, values: np.ndarray[Any, Any], suffix: str = ".tif") -> str:
    with pytest.raises(UserError) as caught:
        mask_of(tmp_path, values, suffix)
    return str(caught.value).replace(f"{tmp_path}/", "")


@pytest.mark.parametrize("background", [0, 255])
def test_a_background_that_is_written_as_an_object_is_told(tmp_path: Path, background: int) -> None:
    image = mask_of(tmp_path, np.where(squares(1) > 0, 255 - background, background).astype(np.uint8))
    told = "its mask: one object, which holds all corners of the image: if that is the background, write it as 0"
    assert (told in image.remarks) == (background > 0)


def test_one_cell_that_fills_its_crop_is_no_background(tmp_path: Path) -> None:
    mask = np.zeros((20, 20), np.uint8)
    mask[1:-1, 1:-1] = 1
    assert mask_of(tmp_path, mask).remarks == ()


@pytest.mark.parametrize("suffix", [".tif", ".png", ".npy"])
@pytest.mark.parametrize("dtype", [bool, np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("value", [1, 255])
def test_one_value_for_all_objects_is_labelled_by_component(
    tmp_path: Path, suffix: str, dtype: Any, value: int
) -> None:
    if suffix == ".png" and dtype is np.float32:
        dtype = np.uint8
    image = mask_of(tmp_path, squares(value).astype(dtype), suffix)
    assert image.mask is not None
    assert COMPONENTS in image.remarks
    assert np.bincount(image.mask.ravel())[1:].tolist() == [100] * 9
    np.testing.assert_array_equal(image.mask > 0, squares(1) > 0)
    one = squares(0)
    one[3:9, 4:20] = value
    image = mask_of(tmp_path, one.astype(dtype), suffix)
    np.testing.assert_array_equal(image.mask, one.astype(dtype))
    assert COMPONENTS not in image.remarks


@settings(deadline=None)
@given(hnp.arrays(np.int64, (6, 7), elements=st.integers(0, 3)), st.booleans())
def test_labels_are_kept_and_single_values_become_components(values: Any, single: bool) -> None:
    values = np.where(values > 1, 7, 0) if single else values
    found = label_objects(values, "m")
    kinds = np.unique(values[values > 0])
    if len(kinds) != 1:
        np.testing.assert_array_equal(found, values)
        return
    np.testing.assert_array_equal(found > 0, values > 0)
    reached = flooded(values > 0)  # brute force: pixels that can be walked between share a label
    for a in np.argwhere(values > 0):
        for b in np.argwhere(values > 0):
            same = reached[tuple(a)] == reached[tuple(b)]
            assert (found[tuple(a)] == found[tuple(b)]) == same


def flooded(inside: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the lowest position that each pixel can be walked to, step by step."""
    place = np.where(inside, np.arange(inside.size).reshape(inside.shape), inside.size)
    while True:
        padded = np.pad(place, 1, constant_values=inside.size)
        around = [padded[1:-1, 1:-1], padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:]]
        lower = np.where(inside, np.min(around, axis=0), inside.size)
        if (lower == place).all():
            return place
        place = lower


def test_whole_floats_are_labels(tmp_path: Path) -> None:
    image = mask_of(tmp_path, squares(*range(1, 10)).astype(np.float32))
    np.testing.assert_array_equal(image.mask, squares(*range(1, 10)))
    assert image.remarks == ("its mask: stored as floats, all of them whole numbers: read as these",)
    message = refused_mask(tmp_path, squares(1).astype(np.float32) * 0.7)
    assert message == (
        "m.tif (t.csv line 2): a mask of float32 with fractions, such as a probability; "
        "write a label image: 0 is background, each object a whole number"
    )


@pytest.mark.parametrize("suffix", [".tif", ".png", ".npy"])
def test_masks_in_colour(tmp_path: Path, suffix: str) -> None:
    objects = squares(*range(1, 10)).astype(np.uint8)
    image = mask_of(tmp_path, np.stack([objects] * 3, -1), suffix)
    np.testing.assert_array_equal(image.mask, objects)
    assert image.remarks == ("its mask: stored as grey in colour: one of the equal channels is read",)
    coloured = COLOURS[objects] * (objects > 0)[..., None]
    assert refused_mask(tmp_path, coloured, suffix) == (
        f"m{suffix} (t.csv line 2): a picture in 3 colours, and labels are numbers; "
        "write an image of one channel in which each object is a number of its own, and 0 the background"
    )
    if suffix == ".png":
        image = mask_of(tmp_path, np.stack([*[objects] * 3, np.full_like(objects, 255)], -1), suffix)
        np.testing.assert_array_equal(image.mask, objects)


@pytest.mark.parametrize(("dtype", "white"), [(np.uint8, 255), (np.uint16, 65535), (np.uint16, 255)])
@pytest.mark.parametrize("count", [2, 3, 5, 9])
def test_labels_that_a_viewer_stretched(tmp_path: Path, dtype: Any, white: int, count: int) -> None:
    stretched = (squares(*range(1, count + 1)) * white / count).astype(dtype)
    message = refused_mask(tmp_path, stretched)
    assert f"m.tif (t.csv line 2): {count} grey levels (" in message
    assert message.endswith(
        "evenly spaced up to white: labels as a viewer shows them; "
        "write the labels themselves, not stretched to the range of the file"
    )
    missing = stretched * (stretched != stretched.max() // count)  # of the labels of a data set an image may lack some
    if len(np.unique(missing)) > 2:
        assert "evenly spaced up to white" in refused_mask(tmp_path, missing)
    kept = squares(*range(1, count + 1), 255).astype(dtype)  # a label of 255 beside small ones is a label
    np.testing.assert_array_equal(mask_of(tmp_path, kept).mask, kept)


def test_255_objects_are_255_objects(tmp_path: Path) -> None:
    objects = np.zeros((64, 64), np.uint8)
    objects[::4, ::4] = np.arange(256).reshape(16, 16)
    np.testing.assert_array_equal(mask_of(tmp_path, objects).mask, objects)


def test_masks_with_smooth_edges(tmp_path: Path) -> None:
    smooth = np.rint(ndimage.gaussian_filter(squares(255).astype(float), 0.8)).astype(np.uint8)
    assert "smooth edges of a picture, not labels; write it without smoothing or lossy compression" in refused_mask(
        tmp_path, smooth
    )
    np.save(tmp_path / "image.npy", np.zeros((64, 64), np.uint8))
    PIL.Image.fromarray(squares(255).astype(np.uint8)).save(tmp_path / "m.jpg")
    with pytest.raises(UserError, match="labels in a JPEG, which changes values; write them as PNG or TIFF"):
        read(tmp_path / "image.npy", mask=tmp_path / "m.jpg")


def test_the_case_binary_mask(tmp_path: Path) -> None:
    dataset = open_folder(write_case("binary_mask", tmp_path / "case"))
    for i in range(24):
        image = dataset.images.read(i)
        assert image.mask is not None
        assert np.bincount(image.mask.ravel())[1:].tolist() == [100] * 9
        assert image.remarks == (COMPONENTS,)
