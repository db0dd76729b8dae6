"""OME-Zarr in the layouts that are published: what is read, what counts as its identity, what is refused."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reprcheck.datasets.card.reading import ReadingOptions
from reprcheck.datasets.folder import open_folder
from reprcheck.datasets.images.files import FileImages, ImageLocation, Recipe
from reprcheck.errors import UserError
from tests.cases import write_case
from tests.datasets.stores import VERSIONS, noise, write_group, write_image, write_plate

Make = Callable[..., Path]
NAMES = ("DNA", "actin", "tubulin")
each_version = pytest.mark.parametrize("version", VERSIONS)


def images(
    path: Path, names: tuple[str, ...] = NAMES, frame: int | None = None, mask: Path | None = None, **reading: Any
) -> FileImages:
    recipe = Recipe(len(names), reading=ReadingOptions(names, **reading))
    return FileImages([ImageLocation((path,), frame, mask, "t.csv line 2")], recipe)


def stored(source: FileImages, *window: slice) -> np.ndarray[Any, Any]:
    pixels = source.read(0, (window[0], window[1]) if window else None).pixels
    return np.rint(pixels.astype(np.float64) * 65535).astype(int)


def refused(source: FileImages) -> str:
    with pytest.raises(UserError) as caught:
        source.read(0)
    message = str(caught.value)
    assert "\n" not in message
    return message.replace(f"{source.entries[0].files[0].parent}/", "")


@each_version
@pytest.mark.parametrize("axes", ["TCZYX", "CZYX", "CYX"])
def test_an_image_comes_back_and_channels_are_found_by_name(tmp_path: Path, version: str, axes: str) -> None:
    values = noise(3, 20, 11)
    shape = [{"C": 3, "Y": 20, "X": 11}.get(axis, 1) for axis in axes]
    path = write_image(tmp_path / "x.zarr", [values.reshape(shape)], axes, version, NAMES)
    np.testing.assert_array_equal(stored(images(path)), values)
    np.testing.assert_array_equal(stored(images(path, ("tubulin", "DNA"))), values[[2, 0]])
    assert images(path).extent(0) == (20, 11)
    assert "expected 2 (axes" in refused(images(path, ("DNA", "actn")))


@each_version
def test_a_level_by_number(tmp_path: Path, version: str) -> None:
    levels = [noise(1, 16, 16), noise(1, 8, 8)]
    path = write_image(tmp_path / "x.zarr", levels, "CYX", version)
    for number, values in enumerate(levels):
        source = images(path, ("DNA",), level=number)
        np.testing.assert_array_equal(stored(source), values)
        full = ", full resolution," if number == 0 else ""
        assert source.read(0).remarks == (f"a pyramid of 2 levels: level {number}{full} is read",)
    assert refused(images(path, ("DNA",), level=2)) == (
        "x.zarr (t.csv line 2): no level 2: the image has 2 (counted from 0); put `level` right on the card"
    )


def test_there_are_no_series(tmp_path: Path) -> None:
    path = write_image(tmp_path / "x.zarr", [noise(1, 9, 8)], "CYX")
    assert images(path, ("DNA",), series=0).read(0).pixels.shape == (1, 9, 8)
    assert refused(images(path, ("DNA",), series=1)) == (
        "x.zarr (t.csv line 2): no series 1: OME-Zarr has none; "
        "remove `series` from the card, and name the group of the image"
    )


@each_version
def test_frames_slices_and_projection(tmp_path: Path, version: str) -> None:
    values = noise(2, 1, 3, 9, 8)
    path = write_image(tmp_path / "x.zarr", [values], "TCZYX", version)
    np.testing.assert_array_equal(stored(images(path, ("DNA",), 1, project="max"))[0], values[1, 0].max(0))
    stack = write_image(tmp_path / "z.zarr", [values[:1]], "TCZYX", version)
    np.testing.assert_array_equal(stored(images(stack, ("DNA",), 2))[0], values[0, 0, 2])
    assert refused(images(stack, ("DNA",))) == (
        "z.zarr (t.csv line 2): a stack of 3 slices (axes TCZYX, 1 x 1 x 3 x 9 x 8); "
        'say on the card how to project it: project = "max" (or "mean"); a mask has to be one plane'
    )


@each_version
def test_a_field_of_a_plate_and_label_images_as_mask_and_types(make_dataset: Make, version: str) -> None:
    folder = make_dataset(labels=["a", "b"] * 2)
    fields = {f"A/{i + 1}/0": noise(1, 12, 10) // (i + 1) for i in range(4)}
    plate = write_plate(folder / "plate.zarr", fields, version)
    objects = np.zeros((12, 10), np.uint16)
    objects[3:6, 2:5] = 7
    for place in fields:
        for name, labels in (("nuclei", objects), ("kinds", objects // 3)):
            write_image(plate / place / "labels" / name, [labels], "YX", version, more={"image-label": {}})
    rows = "".join(
        f"s{i},plate.zarr/{place},plate.zarr/{place}/labels/nuclei,plate.zarr/{place}/labels/kinds,{'ab'[i % 2]}\n"
        for i, place in enumerate(fields)
    )
    (folder / "samples.csv").write_text("id,path,mask,kinds,label\n" + rows)
    card = folder / "dataset.toml"
    named = '"image" = "path", "mask" = "mask", "types" = "kinds"'
    card.write_text('cell_types = ["a", "b"]\n' + card.read_text().replace('"image" = "path"', named))
    dataset = open_folder(folder)
    for i, values in enumerate(fields.values()):
        image = dataset.images.read(i)
        np.testing.assert_allclose(image.pixels, values / 65535, atol=1e-6)
        np.testing.assert_array_equal(image.mask, objects)
        np.testing.assert_array_equal(image.types, objects // 3)


@pytest.mark.parametrize(("version", "shard"), [("0.4", None), ("0.5", None), ("0.5", 16)])
def test_a_window_is_known_and_read_by_its_own_chunks(tmp_path: Path, version: str, shard: int | None) -> None:
    values = noise(2, 32, 32)
    path = write_image(tmp_path / "x.zarr", [values], "CYX", version, shard=shard)
    window = (slice(17, 31), slice(18, 32))
    before, whole = images(path, NAMES[:2]).content(0, window), images(path, NAMES[:2]).content(0)
    first = path / "0" / ("0/0/0" if version == "0.4" else "c/0/0/0")
    first.write_bytes(b"damaged")
    source = images(path, NAMES[:2])
    assert source.content(0, window) == before
    assert source.content(0) != whole
    np.testing.assert_array_equal(stored(source, *window), values[:, 17:31, 18:32])
    assert "can't be decoded, truncated or damaged" in refused(source)


@each_version
def test_a_chunk_that_is_not_there_holds_the_fill_value(tmp_path: Path, version: str) -> None:
    values = noise(1, 16, 16)
    path = write_image(tmp_path / "x.zarr", [values], "CYX", version)
    chunks = path / "0" / "0" if version == "0.4" else path / "0" / "c" / "0"
    (chunks / "0" / "0").unlink()
    values[:, :8, :8] = 0
    np.testing.assert_array_equal(stored(images(path, ("DNA",))), values)
    for chunk in chunks.rglob("*"):
        if chunk.is_file():
            chunk.unlink()
    assert refused(images(path, ("DNA",))) == (
        "x.zarr (t.csv line 2): none of its chunks are there; copy the store again, or remove the row"
    )


@each_version
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("p.zarr", "p.zarr (t.csv line 2): is a plate; name an image in it, such as p.zarr/A/1/0"),
        ("p.zarr/A/1", "1 (t.csv line 2): is a well of a plate; name an image in it, such as 1/0"),
        ("c.zarr", "c.zarr (t.csv line 2): is a collection of images; name an image in it, such as c.zarr/0"),
        (
            "p.zarr/A",
            "A (t.csv line 2): is no OME-Zarr image: its metadata has no multiscales; name the group of an image",
        ),
    ],
)
def test_a_group_that_is_no_image(tmp_path: Path, version: str, name: str, message: str) -> None:
    write_plate(tmp_path / "p.zarr", {"A/1/0": noise(1, 8, 8)}, version)
    write_group(tmp_path / "c.zarr", {"bioformats2raw.layout": 3}, version)
    assert refused(images(tmp_path / name)) == message


def test_metadata_that_is_old_or_damaged(tmp_path: Path) -> None:
    path = write_image(tmp_path / "x.zarr", [noise(1, 8, 8)], "CYX", "0.4")
    said = json.loads((path / ".zattrs").read_text())
    said["multiscales"][0]["axes"] = ["c", "y", "x"]
    (path / ".zattrs").write_text(json.dumps(said))
    assert refused(images(path)) == (
        "x.zarr (t.csv line 2): OME-Zarr of a version before 0.4; write it again as OME-Zarr 0.4, 0.5 or 0.6"
    )
    said["multiscales"][0] |= {"axes": [{"name": "y"}, {"name": "x"}], "datasets": [{"path": "../other.zarr/0"}]}
    (path / ".zattrs").write_text(json.dumps(said))
    assert "(ValueError: level '../other.zarr/0' lies outside the image)" in refused(images(path))
    (path / ".zattrs").write_text("{")
    assert "can't be decoded, truncated or damaged (JSONDecodeError" in refused(images(path))


@pytest.mark.parametrize("version", ["0.6", "0.6.dev2"])
def test_axes_in_coordinate_systems(tmp_path: Path, version: str) -> None:
    values = noise(2, 3, 9, 8)
    path = write_image(tmp_path / "x.zarr", [values[:, None], values[:, None, :, ::2, ::2]], "CTZYX")
    systems = [
        {"name": "world", "axes": [{"name": n, "type": "space"} for n in "zyxab"]},
        {"name": "physical", "axes": [{"name": "c", "type": "channel"}, {"name": "t", "type": "time"}, *SPACE]},
    ]
    steps = [{"type": "scale", "scale": [1.0] * 5}, {"type": "translation", "translation": [0.0] * 5}]
    for output in ("physical", {"name": "physical"}):
        step = {"type": "sequence", "transformations": steps, "input": "0", "output": output}
        datasets = [{"path": str(i), "coordinateTransformations": [step]} for i in range(2)]
        write_said(path, version, {"coordinateSystems": systems, "datasets": datasets})
        np.testing.assert_array_equal(stored(images(path, NAMES[:2], project="max")), values.max(1))
        assert "a stack of 3 slices" in refused(images(path, NAMES[:2]))
    step = {"type": "rotation", "rotation": [[0, 1], [1, 0]], "input": "0", "output": "physical"}
    write_said(
        path,
        version,
        {"coordinateSystems": systems[1:], "datasets": [{"path": "0", "coordinateTransformations": [step]}]},
    )
    assert refused(images(path, NAMES[:2])) == (
        "x.zarr (t.csv line 2): placed by a rotation that mirrors or turns it, which isn't read; "
        "write it upright, with scales above 0 and translations alone"
    )


SPACE = [{"name": name, "type": "space"} for name in "zyx"]


def write_said(path: Path, version: str, said: dict[str, Any]) -> None:
    """Say something else of an image in Zarr 3 than is there."""
    document = json.loads((path / "zarr.json").read_text())
    document["attributes"]["ome"] = {"version": version, "multiscales": [said]}
    (path / "zarr.json").write_text(json.dumps(document))


@pytest.mark.parametrize("version", ["0.1", "0.3", "0.7", "1.0"])
def test_a_version_that_is_not_read_is_named(tmp_path: Path, version: str) -> None:
    path = write_image(tmp_path / "x.zarr", [noise(9, 8)], "YX")
    said = {"axes": SPACE[1:], "datasets": [{"path": "0"}]}
    write_said(path, version, said)
    expected = (
        f"x.zarr (t.csv line 2): OME-Zarr {version}, and 0.4, 0.5, 0.6 are read; "
        "write it again as OME-Zarr 0.4, 0.5 or 0.6"
    )
    assert refused(images(path, ("DNA",))) == expected
    old = write_image(tmp_path / "x.zarr" / "old.zarr", [noise(9, 8)], "YX", "0.4")
    attributes = json.loads((old / ".zattrs").read_text())
    attributes["multiscales"][0]["version"] = version
    (old / ".zattrs").write_text(json.dumps(attributes))
    assert refused(images(old, ("DNA",))).endswith(expected.removeprefix("x.zarr"))


def test_axes_go_by_their_type_and_an_unknown_one_is_no_channel(tmp_path: Path) -> None:
    values = noise(3, 9, 8)
    path = write_image(tmp_path / "x.zarr", [values], "CYX")
    datasets = [{"path": "0", "coordinateTransformations": [{"type": "scale", "scale": [1.0] * 3}]}]
    write_said(path, "0.5", {"axes": [{"name": "stain", "type": "channel"}, *SPACE[1:]], "datasets": datasets})
    np.testing.assert_array_equal(stored(images(path)), values)
    write_said(path, "0.5", {"axes": [{"name": "angle", "type": "other"}, *SPACE[1:]], "datasets": datasets})
    assert "has axes ?YX (3 x 9 x 8), which aren't all known" in refused(images(path))
    datasets[0]["coordinateTransformations"][0]["scale"] = [1.0, 1.0, -1.0]
    write_said(path, "0.5", {"axes": [{"name": "c", "type": "channel"}, *SPACE[1:]], "datasets": datasets})
    assert "placed by a scale that mirrors or turns it" in refused(images(path))


def test_of_several_images_in_one_group_the_first_is_read_and_told(tmp_path: Path) -> None:
    path = write_image(tmp_path / "x.zarr", [noise(1, 9, 8)], "CYX")
    document = json.loads((path / "zarr.json").read_text())
    document["attributes"]["ome"]["multiscales"] *= 2
    (path / "zarr.json").write_text(json.dumps(document))
    assert images(path, ("DNA",)).read(0).remarks == ("holds 2 multiscale images: the first is read",)


def test_binary_labels_are_labelled_by_component_in_windows_too(tmp_path: Path) -> None:
    objects = np.zeros((32, 32), np.uint8)
    objects[2:6, 2:6] = objects[2:6, 10:14] = objects[20:30, 4:9] = 255
    path = write_image(tmp_path / "x.zarr", [noise(1, 32, 32)], "CYX")
    mask = write_image(path / "labels" / "nuclei", [objects], "YX", more={"image-label": {}})
    source = images(path, ("DNA",), mask=mask)
    assert np.bincount(source.read(0).mask.ravel())[1:].tolist() == [16, 16, 50]
    assert np.bincount(source.read(0, (slice(0, 16), slice(0, 16))).mask.ravel())[1:].tolist() == [16, 16]


def test_the_case_omezarr_06(tmp_path: Path) -> None:
    dataset = open_folder(write_case("omezarr_06", tmp_path / "case"))
    means = [dataset.images.read(i).pixels.mean() * 255 for i in range(24)]
    np.testing.assert_allclose(means, 43.6 + 4 * np.arange(24), atol=0.5)


def test_without_the_extra(make_dataset: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_dataset(labels=["a", "b"])
    (folder / "samples.csv").write_text("id,path,label\nx,x.zarr,a\ny,y.zarr,b\n")
    monkeypatch.setitem(sys.modules, "zarr", None)
    with pytest.raises(UserError) as caught:
        open_folder(folder)
    assert str(caught.value) == (
        f"{folder}/x.zarr ({folder}/samples.csv line 2): OME-Zarr needs zarr, which isn't installed; "
        "pip install 'reprcheck[zarr]'"
    )
