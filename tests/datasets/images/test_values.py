"""Facts of stored values: counted from planted images, by hand and by brute force."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from reprcheck.datasets.folder import open_folder
from reprcheck.datasets.images.values import FACTS, KINDS, Values, cut, facts_of, measure
from reprcheck.errors import UserError
from reprcheck.types import Image
from tests.minisets import write_dataset, write_image

RNG = np.random.default_rng(0)


def facts(plane: NDArray[Any], value_range: tuple[float, float] | None = None) -> dict[str, float]:
    """Return the facts of one plane by name."""
    (row,) = measure(plane[None], value_range)
    return dict(zip(FACTS, row.tolist(), strict=True))


def of(plane: NDArray[Any], value_range: tuple[float, float] | None = None) -> Values:
    return Values(measure(plane[None], value_range)[None])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16, np.float32, np.float64])
@pytest.mark.parametrize("side", [20, 200])
def test_facts_are_those_counted_by_brute_force(dtype: Any, side: int) -> None:
    plane = RNG.integers(3, 120, (side, side)).astype(dtype)
    found, low, high = facts(plane, (10, 100)), 10, 100
    assert found["lowest"] == plane.min()
    assert found["highest"] == plane.max()
    assert found["outside"] == pytest.approx(np.mean((plane < low) | (plane > high)))
    assert found["at_top"] == pytest.approx(np.mean(plane >= high))
    assert np.mean(plane <= found["dark"]) >= 0.001 > np.mean(plane < found["dark"])
    assert np.mean(plane <= found["bright"]) >= 0.999 > np.mean(plane < found["bright"])
    assert (found["low"], found["high"], found["on_card"]) == (10, 100, 1)
    assert (KINDS[int(found["kind"]) - 1], found["bits"]) == (
        {"u": "uint", "i": "int", "f": "float"}[np.dtype(dtype).kind],
        np.dtype(dtype).itemsize * 8,
    )


@pytest.mark.parametrize(("dtype", "high"), [(bool, 1), (np.uint8, 255), (np.uint16, 65535)])
def test_without_a_range_it_is_that_of_the_type(dtype: Any, high: int) -> None:
    found = facts(RNG.integers(0, 2, (9, 9)).astype(dtype))
    assert (found["low"], found["high"], found["on_card"], found["outside"]) == (0, high, 0, 0)


DEEP = np.arange(4096).reshape(64, 64)
FAMILIAR = RNG.permutation(256).reshape(16, 16)


@pytest.mark.parametrize(
    ("plane", "depth"),
    [
        (DEEP.astype(np.uint16), 16),  # 12-bit values tell 16 bits apart, as far as they go
        ((DEEP * 16).astype(np.uint16), 12),
        ((DEEP * 16 + 5).astype(np.uint16), 12),
        (np.round(DEEP * 65535 / 4095).astype(np.uint16), 12),  # steps of 16 and 17
        ((FAMILIAR * 257).astype(np.uint16), 8),
        ((FAMILIAR * 256).astype(np.uint16), 8),
        (np.round(FAMILIAR * 65535 / 200).clip(0, 65535).astype(np.uint16), 8),
        ((RNG.integers(0, 1024, (40, 40)) * 64).astype(np.uint16), 10),
        (FAMILIAR.astype(np.uint8), 8),
        ((FAMILIAR // 2 * 2).astype(np.uint8), 7),
        (np.full((9, 9), 514, np.uint16), 16),  # of few levels nothing can be told
        (np.where(FAMILIAR > 99, 257, 0).astype(np.uint16), 16),
        (FAMILIAR.astype(np.float32), 32),
        (FAMILIAR > 99, 1),
    ],
)
def test_depth_is_what_the_levels_amount_to(plane: NDArray[Any], depth: int) -> None:
    assert of(plane).depth.tolist() == [[depth]]


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**6), st.integers(1, 60), st.integers(8, 16))
def test_images_that_use_every_level_have_the_depth_of_their_type(seed: int, side: int, bits: int) -> None:
    plane = np.random.default_rng(seed).integers(0, 2**bits, (side, side)).astype(np.uint16)
    assert of(plane).depth.tolist() == [[16]]


def test_blank_is_one_value_but_for_hot_pixels_and_saturated_is_a_quarter_at_the_top() -> None:
    dark, hot = np.full((50, 50), 7, np.uint8), np.full((50, 50), 7, np.uint8)
    hot[3, 3] = 255
    glare = RNG.integers(0, 250, (50, 50)).astype(np.uint8)
    glare.flat[:624] = 255
    quarter = glare.copy()
    quarter.flat[:625] = 255
    white = np.full((50, 50), 255, np.uint8)
    spots = dark.copy()
    spots.flat[:2] = 200  # few, and there
    planes = (dark, hot, glare, quarter, white, spots)
    assert [bool(of(p).blank) for p in planes] == [True, True, False, False, False, False]
    assert [bool(of(p).constant) for p in planes] == [True, False, False, False, True, False]
    assert [bool(of(p).saturated) for p in planes] == [False, False, False, True, True, False]
    camera = np.where(quarter == 255, 4095, quarter).astype(np.uint16)  # a 12-bit detector in 16 bits
    assert [bool(of(camera * k).saturated) for k in (np.uint16(1), np.uint16(2))] == [True, False]
    assert bool(of(camera, (0, 200)).saturated)  # by the card's range


@settings(deadline=None)
@given(hnp.arrays(np.float32, hnp.array_shapes(min_dims=2, max_dims=2), elements=st.floats(0, 1, width=32)))
def test_pixels_that_come_from_no_file_have_no_type(pixels: NDArray[np.float32]) -> None:
    found = dict(zip(FACTS, facts_of(Image(pixels[None]))[0].tolist(), strict=True))
    assert (found["kind"], found["bits"], found["step"], found["outside"]) == (0, 0, 1, 0)
    assert (found["lowest"], found["highest"]) == (pixels.min(), pixels.max())


def test_a_window_tells_where_its_own_values_lie() -> None:
    plane = (RNG.integers(0, 256, (60, 60)) * 16).astype(np.uint16)
    plane[:20, :20] = 160
    pixels = (plane / 4095).astype(np.float32)[None]
    whole = measure(plane[None], (0, 4095))
    dark = Values(cut(whole, pixels[:, :20, :20])[None])
    assert dark.blank.tolist() == [[True]]
    assert dark["highest"] == pytest.approx(160)
    assert dark.depth.tolist() == [[12]]  # the image's, though 400 times one value can't tell
    other = Values(cut(whole, pixels[:, 20:40, 20:40])[None])
    assert not other.blank
    assert other["highest"] == pytest.approx(plane[20:40, 20:40].max())


# --- from files ---------------------------------------------------------------------------------------------------


def deep_images(n: int = 12, outside: int = 0) -> list[NDArray[np.uint16]]:
    """Return n images of 20 x 20 pixels, up to 4095; ``outside`` pixels of number 3 lie above."""
    images = [RNG.integers(0, 4096, (1, 20, 20)).astype(np.uint16) for _ in range(n)]
    images[3][0].flat[:outside] = 5000
    return images


def test_files_of_several_depths_are_each_scaled_by_their_own(tmp_path: Path) -> None:
    shallow = [RNG.integers(0, 256, (12, 12)).astype(np.uint8) for _ in range(12)]
    deep = [RNG.integers(0, 65536, (12, 12)).astype(np.uint16) for _ in range(12)]
    folder = write_dataset(
        tmp_path,
        images=shallow,
        extra={"deep": [f"images/deep{i:03}.tif" for i in range(12)]},
        columns={"image": ["path", "deep"]},
        card={"channels": ["c0", "c1"]},
    )
    for i, plane in enumerate(deep):
        write_image(folder / f"images/deep{i:03}.tif", plane)
    images = open_folder(folder).images
    for i in range(12):
        image = images.read(i)
        np.testing.assert_allclose(image.pixels[0], shallow[i] / 255, atol=1e-6)
        np.testing.assert_allclose(image.pixels[1], deep[i] / 65535, atol=1e-6)
        assert Values(facts_of(image)[None])["bits"].tolist() == [[8, 16]]


@pytest.mark.parametrize(("outside", "message"), [(4, None), (5, "1.25 %"), (400, "100 %")])
def test_clipping_of_more_than_one_percent_is_an_error(outside: int, message: str | None, tmp_path: Path) -> None:
    folder = write_dataset(tmp_path, images=deep_images(outside=outside), card={"value_range": [0, 4095]})
    images = open_folder(folder).images
    if message is None:
        assert Values(facts_of(images.read(3))[None])["outside"] == pytest.approx(outside / 400)
        return
    with pytest.raises(UserError) as caught:
        images.read(3)
    told = str(caught.value)
    assert told.startswith(f"{folder}/images/003.tif ({folder}/samples.csv line 5): {message} of values lie outside ")
    assert "value_range = [0, 4095]: they go from " in told
    assert told.endswith(" to 5000; put value_range right on the card, or add clip = true to it to have them clipped")


def test_a_card_may_allow_clipping_and_taking_it_back_is_noticed(tmp_path: Path) -> None:
    images = deep_images(outside=100)
    folder = write_dataset(tmp_path, images=images, card={"value_range": [0, 4095], "clip": True})
    allowed = open_folder(folder)
    expected = np.clip(images[3] / 4095, 0, 1)
    np.testing.assert_allclose(allowed.images.read(3).pixels, expected, atol=1e-6)
    assert Values(facts_of(allowed.images.read(3))[None])["outside"] == pytest.approx(0.25)
    card = (folder / "dataset.toml").read_text()
    (folder / "dataset.toml").write_text(card.replace("clip = true\n", ""))
    refused = open_folder(folder)
    assert refused.images.content(3) != allowed.images.content(3)  # the cache can't answer for it
    with pytest.raises(UserError, match="25 % of values lie outside"):
        refused.images.read(3)


def test_one_channel_that_is_clipped_is_named(tmp_path: Path) -> None:
    planes = [RNG.integers(0, 256, (3, 20, 20)).astype(np.int16) for _ in range(12)]
    planes[0][1].flat[:8] = -5
    folder = write_dataset(tmp_path, images=planes, shape=(3, 20, 20), card={"value_range": [0, 255]})
    with pytest.raises(UserError, match=r"2 % of values of channel 2 lie outside value_range = \[0, 255\]: they go fr"):
        open_folder(folder).images.read(0)


def test_floats_a_rounding_error_outside_are_not_clipped(tmp_path: Path) -> None:
    planes = [np.clip(RNG.random((20, 20)), 0.1, 0.9).astype(np.float32) for _ in range(12)]
    planes[0][:10] = np.float32(1 + 2e-7)
    folder = write_dataset(tmp_path, images=planes, suffix=".npy", card={"value_range": [0.0, 1.0]})
    image = open_folder(folder).images.read(0)
    assert image.pixels.max() == 1
    assert Values(facts_of(image)[None])["outside"] == 0


def test_a_calibrated_image_is_of_the_type_that_its_file_has(tmp_path: Path) -> None:
    """ImageJ keeps signed numbers as unsigned ones, and says which offset to take off."""
    planes = [RNG.integers(-900, 900, (20, 20)) for _ in range(12)]
    folder = write_dataset(tmp_path, images=[p[None] for p in planes], card={"value_range": [-1000, 1000]})
    for i, plane in enumerate(planes):
        description = "ImageJ=1.54f\nimages=1\ncf=0\nc0=-32768.0\nc1=1.0\n"
        stored = (plane + 32768).astype(np.uint16)
        path = folder / f"images/{i:03}.tif"
        tifffile.imwrite(path, stored, photometric="minisblack", metadata=None, description=description)
    image = open_folder(folder).images.read(5)
    found = Values(facts_of(image)[None])
    assert (found["lowest"], found["highest"]) == (planes[5].min(), planes[5].max())
    assert (KINDS[int(found["kind"].item()) - 1], found["bits"], found["outside"]) == ("uint", 16, 0)


def test_a_file_that_says_how_many_bits_it_has_needs_no_range(tmp_path: Path) -> None:
    planes = [RNG.integers(0, 4096, (20, 20)).astype(np.uint16) for _ in range(12)]
    folder = write_dataset(tmp_path, images=[p[None] for p in planes])
    for i, plane in enumerate(planes[:6]):
        tifffile.imwrite(folder / f"images/{i:03}.tif", plane, photometric="minisblack", bitspersample=12)
    images = open_folder(folder).images
    values = Values(np.stack([facts_of(images.read(i)) for i in range(12)]))
    np.testing.assert_allclose(images.read(0).pixels[0], planes[0] / 4095, atol=1e-6)
    assert values["high"].ravel().tolist() == [4095] * 6 + [65535] * 6
    assert values["on_card"].sum() == 0
    assert values.depth.ravel().tolist() == [12] * 6 + [16] * 6
    assert values["bits"].ravel().tolist() == [16] * 12
