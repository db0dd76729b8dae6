"""The optional baseline: cp_measure's own values, whatever the labels are called, and a number where there is none."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprcheck.baselines import cellprofiler
from reprcheck.baselines.cellprofiler import CELLPROFILER, CellProfiler, feature_names
from reprcheck.baselines.structure.baseline import Structure
from reprcheck.errors import UserError
from reprcheck.policy import Policy, read_policy
from reprcheck.types import Image

from .fields import disks, random_field

bulk = pytest.importorskip("cp_measure.bulk", reason="cp-measure, of the extra cellprofiler, is not installed")
CHANNELS = ("dna", "actin")
ENCODER = CellProfiler(CHANNELS, "culture")


def noisy(shape, seed=0):
    return np.random.default_rng(seed).uniform(0.1, 0.9, (len(CHANNELS), *shape)).astype(np.float32)


def described(pixels, mask):
    return dict(zip(feature_names(CHANNELS), ENCODER.encode([Image(pixels, mask)])[0].tolist(), strict=True))


def test_one_object_is_what_cp_measure_says():
    mask = disks(40, [(18, 21)], [9]) * 7
    pixels = noisy(mask.shape)
    pixels[:, 18, 21], pixels[:, 18, 22] = 1.5 / 31, 1.0  # so that stretching the grey levels changes nothing
    pixels[:, mask > 0] = np.clip(pixels[:, mask > 0], 1.5 / 31, 1.0)
    one, other = pixels.astype(np.float64)
    expected = {}
    for name, channel in zip(CHANNELS, (one, other), strict=True):
        asked = {"granularity": {"subsample_size": 1}, "texture": {"gray_levels": 32}}
        found = {}
        with np.errstate(invalid="ignore"):
            for what, measured in bulk.get_core_measurements().items():
                found |= measured(mask, channel, **asked.get(what, {}))
        texture = [key for key in found if key.endswith("_00_32")]
        found |= {
            f"Texture_{key.split('_')[0]}": np.mean([found[key.replace("_00_", f"_0{d}_")] for d in range(4)])
            for key in texture
        }
        expected |= {name: found[name] for name in cellprofiler.OF_OBJECTS}
        expected |= {f"{name}.{key}": found[key] for key in cellprofiler.OF_CHANNELS}
    pairs = bulk.get_correlation_measurements()
    for what in ("pearson", "manders_fold", "rwc"):
        expected |= {f"dna.actin.{key}": value for key, value in pairs[what](one, other, mask).items()}
    got = described(pixels, mask)
    for name in feature_names(CHANNELS)[1:]:
        measure, _, statistic = name.rpartition(".")
        value = 0 if statistic == "sd" else np.asarray(expected[measure]).item()
        assert got[name] == pytest.approx(value, rel=1e-5, abs=1e-6), name


def test_statistics_are_of_all_objects():
    mask = disks(60, [(12, 12), (12, 45), (45, 30)], [4, 6, 9])
    got = described(noisy(mask.shape), mask)
    areas = np.bincount(mask.ravel())[1:]
    assert got["count"] == 3
    assert got["Area.mean"] == pytest.approx(areas.mean())
    assert got["Area.sd"] == pytest.approx(areas.std())
    assert got["Area.median"] == np.median(areas)


@settings(max_examples=8)
@given(st.integers(0, 10_000))
def test_names_of_labels_change_no_bit(seed):
    rng = np.random.default_rng(seed)
    mask = random_field(seed, side=48, n=int(rng.integers(0, 10)))
    names = np.concatenate([[0], rng.choice(np.arange(1, 10_000), int(mask.max()), replace=False)])
    image, renamed = Image(noisy(mask.shape, seed), mask), Image(noisy(mask.shape, seed), names[mask].astype(np.int32))
    np.testing.assert_array_equal(ENCODER.encode([image]), ENCODER.encode([renamed]))


@pytest.mark.parametrize("gain", [0.02, 0.5])
def test_texture_is_the_same_in_a_dim_image(gain):
    mask = random_field(1, 48, 8)
    pixels = np.round(noisy(mask.shape) * 64) / 128
    bright, dim = described(pixels, mask), described((gain * pixels + 0.3).astype(np.float32), mask)
    names = [name for name in bright if ".Texture_" in name]
    assert len(names) == 2 * 13 * 3
    np.testing.assert_allclose([bright[n] for n in names], [dim[n] for n in names], rtol=0.05, atol=0.05)
    assert bright["dna.Texture_Contrast.mean"] > 1
    assert bright["dna.Intensity_MeanIntensity.mean"] != pytest.approx(
        dim["dna.Intensity_MeanIntensity.mean"], abs=0.01
    )


def test_no_objects_are_all_zero():
    assert set(described(noisy((30, 30)), np.zeros((30, 30), np.int32)).values()) == {0.0}


def test_objects_of_one_pixel_are_counted_and_not_measured():
    mask = disks(40, [(20, 20)], [8])
    pixels, specks = noisy(mask.shape), mask.copy()
    specks[2, 2], specks[38, 5] = 5, 3
    assert described(pixels, specks) == described(pixels, mask) | {"count": 3}
    specks[mask > 0] = 0
    assert {k: v for k, v in described(pixels, specks).items() if v} == {"count": 2}


def test_statistics_leave_out_objects_that_have_no_value():
    mask = disks(60, [(15, 15), (42, 42)], [8, 10])
    pixels = noisy(mask.shape)
    pixels[0, mask == 1] = 0
    both, seen = described(pixels, mask), described(pixels, np.where(mask == 2, mask, 0))
    names = [name for name in both if name.startswith("dna.RadialDistribution_") and "Frac" in name]
    assert len(names) == 2 * 4 * 3
    assert {n: both[n] for n in names} == {n: seen[n] for n in names}
    assert both["dna.Intensity_MeanIntensity.mean"] == pytest.approx(seen["dna.Intensity_MeanIntensity.mean"] / 2)


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (3, 300), (40, 24)])
@pytest.mark.parametrize("brightness", [0.0, 1.0, None])
def test_any_field_has_the_same_columns_and_no_hole(shape, brightness):
    pixels = noisy(shape) if brightness is None else np.full((2, *shape), brightness, np.float32)
    slivers = (np.arange(np.prod(shape)).reshape(shape) // 2 % 12).astype(np.int32)
    rows = ENCODER.encode([Image(pixels, mask) for mask in (slivers, np.ones(shape, np.int32), np.zeros_like(slivers))])
    assert rows.shape == (3, len(feature_names(CHANNELS)))
    assert rows.dtype == np.float32
    assert np.isfinite(rows).all()
    assert np.abs(rows).max() < 1e6


def test_columns_have_names_of_their_own():
    names = feature_names(("a", "b", "c"))
    assert len(set(names)) == len(names) == 1 + 3 * (48 + 3 * 78 + 3 * 5)


def test_its_page_is_right(tmp_path):
    page = (Path(__file__).resolve().parents[2] / "docs/structure.md").read_text(encoding="utf-8")
    assert "1 + 3 (48 + 78 c + 5 c (c - 1) / 2) for c channels" in page
    (policy,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    (tmp_path / "policy.toml").write_text(policy)
    assert read_policy(tmp_path / "policy.toml") == Policy(baselines=("cellprofiler",))


def test_objects_are_found_where_there_is_no_mask():
    mask = disks(64, [(20, 20), (45, 40)], [8, 9])
    pixels = np.where(mask > 0, 0.7, 0.1).astype(np.float32)[None].repeat(2, 0)
    image = Image(pixels + np.float32(0.02) * noisy(mask.shape))
    assert ENCODER.encode([image])[0, 0] == Structure(CHANNELS, "culture").encode([image])[0, 0] == 2


def test_its_digest_is_its_own(monkeypatch):
    structure, other = Structure(CHANNELS, "culture"), CellProfiler(CHANNELS[::-1], "culture")
    first = ENCODER.digest()
    assert len({first, structure.digest(), other.digest(), CellProfiler(CHANNELS, "tissue").digest()}) == 4
    assert CellProfiler(CHANNELS, "culture", name="mine").digest() == first
    monkeypatch.setattr(cellprofiler, "installed", lambda *names: "cp-measure==0.4")
    assert ENCODER.digest() != first


def test_cp_measure_is_imported_with_the_first_image():
    code = """
import sys
import numpy as np
from reprcheck.baselines.cellprofiler import CellProfiler
from reprcheck.policy import Policy, read_policy
from reprcheck.types import Image

encoder = CellProfiler(("dna",), "culture")
encoder.digest()
assert "cp_measure" not in sys.modules
encoder.encode([Image(np.ones((1, 8, 8), np.float32), np.ones((8, 8), np.int32))])
assert "cp_measure" in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_cp_measure_it_says_what_to_install(monkeypatch):
    CELLPROFILER.must_be_usable("policy: baselines")
    monkeypatch.setitem(sys.modules, "cp_measure", None)
    with pytest.raises(UserError) as caught:
        CELLPROFILER.must_be_usable("policy: baselines")
    assert str(caught.value) == (
        "policy: baselines: cellprofiler needs cp-measure, which isn't installed; pip install 'reprcheck[cellprofiler]'"
    )
