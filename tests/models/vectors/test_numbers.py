"""What can't be a float32 is named by sample and column, with counts; what can be is kept to the last bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from reprcheck.errors import UserError
from reprcheck.models.vectors.numbers import single

from ..made import line
from .wells import IDS, NOISE, N, model, parquet, task, wells


@given(arrays(np.float32, (4, 3), elements=st.floats(width=32, allow_nan=False, allow_infinity=False)))
def test_what_is_float32_stays_as_it_is(values: np.ndarray) -> None:
    found = single(Path("v"), values.astype(np.float64), ["a", "b", "c"], IDS[:4])
    np.testing.assert_array_equal(found, values)


@given(arrays(np.bool_, (6, 5)), st.sampled_from([np.nan, np.inf, -np.inf, 1e39, -1e300]))
def test_every_number_that_can_t_be_is_counted(hit: np.ndarray, number: float) -> None:
    values = np.where(hit, number, 0.5)
    if not hit.any():
        single(Path("v"), values, list("abcde"), IDS[:6])
        return
    with pytest.raises(UserError) as caught:
        single(Path("v"), values, list("abcde"), IDS[:6])
    said = str(caught.value)
    kind = "NaN" if np.isnan(number) else "infinite" if np.isinf(number) else "beyond float32"
    assert f"v: {hit.sum()} values aren't finite numbers: " in said
    for j in np.flatnonzero(hit.any(0))[:3]:
        shown = ", ".join(f"'{i}'" for i in IDS[:6][hit[:, j]][:3]) + (" …" if hit[:, j].sum() > 3 else "")
        assert f"'{'abcde'[j]}' is {kind} for {hit[:, j].sum()} of 6 samples ({shown})" in said


def test_samples_and_columns_are_named_where_kinds_mix(tmp_path: Path) -> None:
    wrong = NOISE.copy()
    wrong[[3, 5], 1], wrong[7, 1] = np.nan, np.inf
    path = parquet(tmp_path, {"id": IDS, "f0": wrong[:, 0], "f1": wrong[:, 1], "Metadata_gap": np.nan})
    assert line(lambda: model(path).vectors(wells())) == (
        f"{path}: 3 values aren't finite numbers: 'f1' is NaN and infinite for 3 of 24 samples ('s03', 's05', 's07'); "
        "leave these columns or samples out, or fill the values in, as you would for users"
    )
    np.save(tmp_path / "v.npy", wrong)
    assert "'1' is NaN and infinite" in line(lambda: model(tmp_path / "v.npy").vectors(wells()))


def test_samples_that_nobody_asks_for_may_hold_anything(tmp_path: Path) -> None:
    wrong = NOISE.copy()
    wrong[:4] = np.nan
    np.save(tmp_path / "v.npy", wrong)
    found = model(tmp_path / "v.npy").vectors(wells(tasks=[task(range(4, N))]))
    np.testing.assert_array_equal(found, wrong)


def test_a_column_that_float32_would_flatten_is_refused(tmp_path: Path) -> None:
    path = parquet(tmp_path, {"id": IDS, "f0": NOISE[:, 0], "time": 1.7e9 + NOISE[:, 1].astype(float)})
    assert "column 'time' varies by" in (said := line(lambda: model(path).vectors(wells())))
    assert said.endswith("less than float32 tells apart; subtract its mean, or scale it")
