"""Image files to numbers: formats, axes, ranges, masks, fits, and files that aren't what they seem."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from reprcheck.datasets.images import axes, decode, fit
from reprcheck.datasets.images import files as files_module
from reprcheck.datasets.images.axes import StoredArray, stored_bytes
from reprcheck.datasets.images.files import FileImages, ImageLocation, Recipe
from reprcheck.datasets.images.recent import RecentCache
from reprcheck.errors import UserError

RNG = np.random.default_rng(1)


def pictures(
    *files: Path, frame: int | None = None, mask: Path | None = None, types: Path | None = None, **recipe: Any
) -> FileImages:
    return FileImages([ImageLocation(files, frame, mask, "t.csv line 2", types)], Recipe(**({"channels": 1} | recipe)))


def refused(images: FileImages, index: int = 0) -> str:
    with pytest.raises(UserError) as caught:
        images.read(index)
    message = str(caught.value)
    assert "\n" not in message
    return message.replace(f"{images.entries[0].files[0].parent}/", "")


def noise(dtype: Any, *shape: int) -> np.ndarray[Any, Any]:
    if np.dtype(dtype).kind == "f":
        return RNG.random(shape).astype(dtype)
    return RNG.integers(0, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)


# --- formats ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("shape", [(1, 7, 9), (2, 7, 9), (3, 7, 9), (20, 7, 9)])
@pytest.mark.parametrize("suffix", [".tif", ".ome.tif", ".npy"])
def test_stored_values_come_back(tmp_path: Path, dtype: Any, shape: tuple[int, ...], suffix: str) -> None:
    values = noise(dtype, *shape)
    path = tmp_path / f"x{suffix}"
    if suffix == ".npy":
        np.save(path, values)
    else:
        tifffile.imwrite(path, values, photometric="minisblack", metadata={"axes": "CYX"}, ome="ome" in suffix)
    pixels = pictures(path, channels=shape[0]).read(0).pixels
    assert pixels.shape == shape
    assert pixels.dtype == np.float32
    top = 1 if np.dtype(dtype).kind == "f" else np.iinfo(dtype).max
    np.testing.assert_allclose(pixels, values.astype(np.float64) / top, atol=1e-6)


@pytest.mark.parametrize(
    ("dtype", "shape", "channels"),
    [(np.uint8, (7, 9), 1), (np.uint16, (7, 9), 1), (np.uint8, (7, 9, 3), 3), (np.uint8, (7, 9, 4), 4)],
)
def test_png_round_trip(tmp_path: Path, dtype: Any, shape: tuple[int, ...], channels: int) -> None:
    values = noise(dtype, *shape)
    Image.fromarray(values).save(tmp_path / "x.png")
    pixels = pictures(tmp_path / "x.png", channels=channels).read(0).pixels
    expected = values.reshape(7, 9, channels).transpose(2, 0, 1) / np.iinfo(dtype).max
    np.testing.assert_allclose(pixels, expected, atol=1e-6)


def test_png_keeps_all_16_bits_of_a_colour(tmp_path: Path) -> None:
    import imagecodecs

    values = noise(np.uint16, 7, 9, 3)
    (tmp_path / "x.png").write_bytes(imagecodecs.png_encode(values))
    pixels = pictures(tmp_path / "x.png", channels=3).read(0).pixels
    np.testing.assert_allclose(pixels, values.transpose(2, 0, 1) / 65535, atol=1e-6)


def test_jpeg_is_close(tmp_path: Path) -> None:
    values = np.broadcast_to(np.arange(0, 160, 10, dtype=np.uint8)[:, None, None], (16, 16, 3))
    Image.fromarray(np.ascontiguousarray(values)).save(tmp_path / "x.jpg", quality=95)
    pixels = pictures(tmp_path / "x.jpg", channels=3).read(0).pixels
    np.testing.assert_allclose(pixels, values.transpose(2, 0, 1) / 255, atol=0.03)


def test_other_png_modes(tmp_path: Path) -> None:
    grey = noise(np.uint8, 7, 9)
    Image.fromarray(grey > 99).save(tmp_path / "bits.png")
    np.testing.assert_array_equal(pictures(tmp_path / "bits.png").read(0).pixels[0], grey > 99)
    Image.fromarray(np.stack([grey, np.full_like(grey, 255)], -1), mode=None).save(tmp_path / "alpha.png")
    np.testing.assert_allclose(pictures(tmp_path / "alpha.png").read(0).pixels[0], grey / 255, atol=1e-6)
    colours = Image.fromarray(np.repeat(grey[..., None], 3, -1) // 64 * 64)
    colours.quantize(8).save(tmp_path / "palette.png")
    pixels = pictures(tmp_path / "palette.png", channels=3).read(0).pixels
    np.testing.assert_allclose(pixels, np.asarray(colours).transpose(2, 0, 1) / 255, atol=0.02)


def test_tiff_says_itself_that_colour_is_last(tmp_path: Path) -> None:
    values = noise(np.uint8, 3, 5, 3)  # (Y, X, C), and three rows
    tifffile.imwrite(tmp_path / "x.tif", values, photometric="rgb")
    pixels = pictures(tmp_path / "x.tif", channels=3).read(0).pixels
    np.testing.assert_allclose(pixels, values.transpose(2, 0, 1) / 255, atol=1e-6)


def test_one_file_per_channel(tmp_path: Path) -> None:
    values = noise(np.uint8, 2, 7, 9)
    for i in range(2):
        Image.fromarray(values[i]).save(tmp_path / f"{i}.png")
    images = pictures(tmp_path / "0.png", tmp_path / "1.png", channels=2)
    np.testing.assert_allclose(images.read(0).pixels, values / 255, atol=1e-6)
    Image.fromarray(values[1, :5]).save(tmp_path / "1.png")
    assert refused(images) == (
        "1.png (t.csv line 2): 5 x 9 pixels, and 0.png of the same sample 7 x 9 pixels; "
        "write all channels of a sample at one size"
    )


# --- stacks -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("shape", [(5, 2, 7, 9), (5, 7, 9), (5, 1, 7, 9), (1, 2, 7, 9), (2, 2, 7, 9), (1, 7, 9)])
@pytest.mark.parametrize("bound", [2**28, 100])
@pytest.mark.parametrize("suffix", [".tif", ".npy"])
def test_every_frame_of_a_stack(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    compression: str | None,
    shape: tuple[int, ...],
    bound: int,
    suffix: str,
) -> None:
    monkeypatch.setattr(files_module, "STACK_BYTES", bound)
    values = noise(np.uint16, *shape)
    path = tmp_path / f"x{suffix}"
    if suffix == ".npy":
        np.save(path, values)
    else:
        tifffile.imwrite(path, values, photometric="minisblack", compression=compression)
    channels = shape[1] if len(shape) == 4 else 1
    entries = [ImageLocation((path,), i, None, "t.csv line 2") for i in range(shape[0] + 1)]
    images = FileImages(entries, Recipe(channels))
    for i in [*range(shape[0]), 0]:
        expected = values[i].reshape(channels, 7, 9) / 65535
        np.testing.assert_allclose(images.read(i).pixels, expected, atol=1e-6)
        assert images.extent(i) == (7, 9)
    assert refused(images, shape[0]) == (
        f"x{suffix} (t.csv line 2): no frame {shape[0]}: the file holds {shape[0]} (counted from 0); "
        "put the frame column right"
    )


def test_a_stack_is_decoded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.tif"
    tifffile.imwrite(path, noise(np.uint16, 30, 3, 8, 8), photometric="minisblack", compression="zlib")
    opened = []
    original = tifffile.TiffFile.__init__
    monkeypatch.setattr(
        tifffile.TiffFile, "__init__", lambda self, *a, **k: (opened.append(1), original(self, *a, **k))[1]
    )
    images = FileImages([ImageLocation((path,), i, None, "") for i in range(30)], Recipe(3))
    for i in range(30):
        images.read(i)
    assert len(opened) == 1


def test_masks_follow_the_frame(tmp_path: Path) -> None:
    values, labels = noise(np.uint8, 4, 7, 9), RNG.integers(0, 9, (4, 7, 9)).astype(np.uint8)
    np.save(tmp_path / "x.npy", values)
    tifffile.imwrite(tmp_path / "m.tif", labels, photometric="minisblack")
    np.save(tmp_path / "t.npy", labels[::-1])
    image = pictures(tmp_path / "x.npy", frame=2, mask=tmp_path / "m.tif", types=tmp_path / "t.npy", cell_types=8).read(
        0
    )
    np.testing.assert_array_equal(image.mask, labels[2])
    np.testing.assert_array_equal(image.types, labels[1])


def test_what_is_held_is_bounded() -> None:
    recent = RecentCache(10, len)
    for key in "abc":
        recent.put(key, bytes(5))
    assert (recent.get("a"), recent.get("b"), recent.get("c")) == (None, bytes(5), bytes(5))
    recent.get("b")
    recent.put("d", bytes(5))
    assert recent.get("c") is None
    assert recent.put("e", bytes(11)) == bytes(11)
    assert recent.get("e") is None
    assert recent.get("b") == bytes(5)
    assert stored_bytes(StoredArray((1,), False, np.zeros(3))) == 24


# --- axes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "channels", "message"),
    [
        ((7, 9), 2, "found 1 channel, expected 2 (shape 7 x 9)"),
        ((3, 7, 9), 2, "found 3 channels, expected 2 (shape 3 x 7 x 9)"),
        ((7, 9, 3), 1, "found 3 channels, expected 1 (shape 7 x 9 x 3)"),
        ((5, 3, 7, 9), 3, "an array of shape 5 x 3 x 7 x 9 is no image of 3 x height x width"),
        ((7,), 1, "an array of shape 7 is no image of 1 x height x width"),
    ],
)
def test_wrong_axes(shape: tuple[int, ...], channels: int, message: str) -> None:
    with pytest.raises(UserError) as caught:
        axes.arrange(StoredArray(shape, False), channels, None, "x.tif")
    assert caught.value.what == message


def test_wrong_channels_name_the_file_and_the_row(tmp_path: Path) -> None:
    Image.fromarray(noise(np.uint8, 7, 9, 3)).save(tmp_path / "x.png")
    assert refused(pictures(tmp_path / "x.png", channels=1)) == (
        "x.png (t.csv line 2): found 3 channels, expected 1 (shape 7 x 9 x 3); "
        "put `channels` right on the card, or leave the image's row out of the task by `where`"
    )


# --- values -------------------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(
    hnp.arrays(st.sampled_from([np.uint8, np.uint16, np.int16, np.int32, np.uint32]), hnp.array_shapes(max_side=4)),
    st.integers(-100, 1000),
    st.integers(1, 5000),
)
def test_scaled_values_lie_in_the_unit_interval(values: Any, low: int, span: int) -> None:
    scaled = decode.scale(values, (low, low + span), "x", clip=True)
    assert scaled.dtype == np.float32
    np.testing.assert_allclose(scaled, np.clip((values.astype(float) - low) / span, 0, 1), atol=1e-4)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.array([0.0, 1.5]), "x: floats from 0 to 1.5, outside [0, 1]; say on the card what becomes 0 and 1"),
        (np.array([-0.1]), "x: floats from -0.1 to -0.1, outside [0, 1]; say on the card what becomes 0 and 1"),
        (np.array([np.nan]), "x: holds values that are not finite (NaN or infinity); replace them"),
        (np.array([1], np.int16), "x: holds int16, whose range says nothing about its values; say on the card"),
        (np.array([1], np.uint32), "x: holds uint32, whose range says nothing about its values; say on the card"),
        (np.array([1j]), "x: holds complex128, not numbers; write integers or floats"),
    ],
)
def test_values_without_a_range(values: Any, message: str) -> None:
    with pytest.raises(UserError) as caught:
        decode.scale(values, None, "x")
    assert str(caught.value).startswith(message)


# --- masks --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("suffix", "dtype"),
    [(".png", dtype) for dtype in (np.uint8, np.uint16, bool)]
    + [(suffix, dtype) for suffix in (".tif", ".npy") for dtype in (np.uint8, np.uint16, np.uint32, np.int32, bool)],
)
def test_label_images(tmp_path: Path, dtype: Any, suffix: str) -> None:
    labels = RNG.integers(0, 200, (7, 9)).astype(dtype)
    if dtype is bool:
        labels[...], labels[2:5, 3:8] = False, True
    Image.fromarray(noise(np.uint8, 7, 9)).save(tmp_path / "x.png")
    path = tmp_path / f"m{suffix}"
    if suffix == ".png":
        Image.fromarray(labels).save(path)
    elif suffix == ".tif":
        tifffile.imwrite(path, labels, photometric="minisblack")
    else:
        np.save(path, labels)
    mask = pictures(tmp_path / "x.png", mask=path).read(0).mask
    assert mask is not None
    assert mask.dtype == np.int32
    np.testing.assert_array_equal(mask, labels)


def test_the_labels_of_a_palette_are_its_indices(tmp_path: Path) -> None:
    labels = RNG.integers(0, 5, (7, 9)).astype(np.uint8)
    image = Image.fromarray(labels).convert("P")
    image.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9])
    image.putdata(labels.ravel().tolist())
    image.save(tmp_path / "m.png")
    Image.fromarray(labels).save(tmp_path / "x.png")
    mask = pictures(tmp_path / "x.png", mask=tmp_path / "m.png").read(0).mask
    assert mask is not None
    np.testing.assert_array_equal(mask, labels)


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (np.zeros((7, 8), np.uint8), "m.npy (t.csv line 2): the mask is 7 x 8 pixels, its image 7 x 9"),
        (np.full((7, 9), 0.5, np.float32), "m.npy (t.csv line 2): a mask of float32 with fractions, such as a prob"),
        (np.full((7, 9), np.nan), "m.npy (t.csv line 2): a mask with values that are not finite (NaN or infinity)"),
        (np.zeros((7, 9), np.complex64), "m.npy (t.csv line 2): a mask of complex64; write a label image"),
        (np.full((7, 9), -1, np.int32), "m.npy (t.csv line 2): labels outside 0 to 2147483647"),
        (np.full((7, 9), 2**31, np.uint32), "m.npy (t.csv line 2): labels outside 0 to 2147483647"),
        (np.zeros((3, 7, 9), np.uint8), "m.npy (t.csv line 2): found 3 channels, expected 1 (shape 3 x 7 x 9)"),
    ],
)
def test_a_bad_mask(tmp_path: Path, mask: Any, message: str) -> None:
    np.save(tmp_path / "x.npy", noise(np.uint8, 7, 9))
    np.save(tmp_path / "m.npy", mask)
    assert refused(pictures(tmp_path / "x.npy", mask=tmp_path / "m.npy")).startswith(message)


@pytest.mark.parametrize(
    ("types", "message"),
    [
        (
            np.zeros((7, 8), np.uint8),
            "m.npy (t.csv line 2): the type image is 7 x 8 pixels, its image 7 x 9; write the type image at the size "
            "of its image",
        ),
        (
            np.full((7, 9), 1.5, np.float32),
            "m.npy (t.csv line 2): a type image of float32 with fractions, such as a probability; write whole "
            "numbers: 0 is none, each type its place in cell_types, from 1",
        ),
        (
            np.full((7, 9), 4, np.uint8),
            "m.npy (t.csv line 2): a type 4, and cell_types names 1 to 3; name every type there, or write 0 where "
            "there is none",
        ),
        (np.full((7, 9), -1, np.int8), "m.npy (t.csv line 2): a type -1, and cell_types names 1 to 3"),
        (np.zeros((3, 7, 9), np.uint8), "m.npy (t.csv line 2): found 3 channels, expected 1 (shape 3 x 7 x 9)"),
    ],
)
def test_a_bad_type_image(tmp_path: Path, types: Any, message: str) -> None:
    np.save(tmp_path / "x.npy", noise(np.uint8, 7, 9))
    np.save(tmp_path / "m.npy", types)
    np.save(tmp_path / "objects.npy", np.ones((7, 9), np.uint8))
    found = pictures(tmp_path / "x.npy", mask=tmp_path / "objects.npy", types=tmp_path / "m.npy", cell_types=3)
    assert refused(found).startswith(message)


# --- fit ----------------------------------------------------------------------------------------------------------

sides = st.integers(1, 12)


@settings(deadline=None)
@given(sides, sides, sides, sides)
def test_padding_keeps_every_pixel_that_fits(h: int, w: int, height: int, width: int) -> None:
    pixels = np.arange(1, 2 * h * w + 1, dtype=np.float32).reshape(2, h, w)
    fitted = fit.fit_image(pixels, "pad", (height, width), "x")
    assert fitted.shape == (2, height, width)
    kept = fitted[:, fitted[0].any(1)][..., fitted[0].any(0)]
    assert kept.shape == (2, min(h, height), min(w, width))
    assert np.isin(kept, pixels).all()
    ones = fit.fit_image(np.ones((1, h, w), np.float32), "pad", (height, width), "x")[0]
    for axis, (old, new) in enumerate(((h, height), (w, width))):
        filled = np.flatnonzero(ones.any(1 - axis))
        assert abs((filled[0]) - (new - 1 - filled[-1])) <= 1
        assert len(filled) == min(old, new)


def test_a_crop_is_central_and_never_padded(tmp_path: Path) -> None:
    pixels = np.arange(35, dtype=np.float32).reshape(1, 5, 7)
    np.testing.assert_array_equal(fit.fit_image(pixels, "crop", (3, 3), "x")[0], pixels[0, 1:4, 2:5])
    np.save(tmp_path / "x.npy", noise(np.uint8, 5, 7))
    assert refused(pictures(tmp_path / "x.npy", fit="crop", size=(6, 6))) == (
        'x.npy (t.csv line 2): 5 x 7 pixels, smaller than the crop of 6 x 6; use fit = "pad"'
    )


@settings(deadline=None)
@given(sides, sides, sides, sides)
def test_a_resized_image_keeps_its_range_and_its_mask_its_labels(h: int, w: int, height: int, width: int) -> None:
    rng = np.random.default_rng(h * 1000 + w)
    pixels = rng.random((2, h, w)).astype(np.float32)
    fitted = fit.fit_image(pixels, "resize", (height, width), "x")
    assert fitted.shape == (2, height, width)
    assert fitted.dtype == np.float32
    assert pixels.min() - 1e-6 <= fitted.min()
    assert fitted.max() <= pixels.max() + 1e-6
    mask = rng.integers(0, 9, (h, w)).astype(np.int32)
    labels = fit.fit_mask(mask, "resize", (height, width))
    assert labels.shape == (height, width)
    assert labels.dtype == np.int32
    assert set(np.unique(labels)) <= set(np.unique(mask))


def test_a_mask_lies_where_its_object_is(tmp_path: Path) -> None:
    pixels = np.zeros((40, 60), np.uint8)
    pixels[10:20, 30:50] = 255
    Image.fromarray(pixels).save(tmp_path / "x.png")
    Image.fromarray((pixels > 0).astype(np.uint16) * 5).save(tmp_path / "m.png")
    for how, size in (("resize", (20, 20)), ("resize", (64, 64)), ("pad", (64, 48)), ("crop", (24, 40))):
        both = {"mask": tmp_path / "m.png", "types": tmp_path / "m.png", "cell_types": 5}
        image = pictures(tmp_path / "x.png", fit=how, size=size, **both).read(0)
        assert image.mask is not None
        np.testing.assert_array_equal(image.types, image.mask)
        assert ((image.pixels[0] > 0.5) == (image.mask == 5)).mean() > 0.97


# --- files that aren't what they seem -----------------------------------------------------------------------------


def _png() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(noise(np.uint8, 30, 30)).save(buffer, "PNG")
    return buffer.getvalue()


def _jpeg() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(noise(np.uint8, 60, 60)).save(buffer, "JPEG")
    return buffer.getvalue()


def _tiff(**options: Any) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, noise(np.uint16, 6, 1, 30, 30), photometric="minisblack", **options)
    return buffer.getvalue()


def _npy() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, noise(np.uint8, 30, 30))
    return buffer.getvalue()


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.9])
@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("x.png", _png),
        ("x.jpg", _jpeg),
        ("x.npy", _npy),
        ("x.tif", lambda: _tiff(compression="zlib")),
        ("x.tif", _tiff),
        ("x.ome.tif", lambda: _tiff(ome=True, metadata={"axes": "TCYX"})),
        ("x.tif", lambda: _tiff(imagej=True, metadata={"axes": "TCYX"})),
    ],
)
def test_a_truncated_file_is_told(tmp_path: Path, name: str, make: Callable[[], bytes], share: float) -> None:
    data = make()
    (tmp_path / name).write_bytes(data[: int(len(data) * share)])
    message = refused(pictures(tmp_path / name, frame=0 if "tif" in name else None))
    assert message.startswith(f"{name} (t.csv line 2): can't be decoded, truncated or damaged (")
    assert message.endswith("); write the file again, or remove the row")


@pytest.mark.parametrize("name", ["x.png", "x.jpg", "x.tif", "x.npy"])
def test_a_file_of_another_kind_is_told(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"these are not the pixels you are looking for" * 9)
    assert f"{name} (t.csv line 2): can't be decoded" in refused(pictures(tmp_path / name))


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.array([{"a": 1}]), allow_pickle=True)
    message = (
        "x.npy (t.csv line 2): holds Python objects, which are never unpickled; save an array of integers or floats"
    )
    assert refused(pictures(tmp_path / "x.npy")) == message


def test_a_file_that_went_away(tmp_path: Path) -> None:
    message = "x.png (t.csv line 2): no such file; put the image back, or remove the row"
    assert refused(pictures(tmp_path / "x.png")) == message
    with pytest.raises(UserError, match="can't be read"):
        pictures(tmp_path / "x.png").content(0)
