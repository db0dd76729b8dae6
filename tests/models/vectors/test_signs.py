"""What vectors show of how they came about is told beside the columns judged, and nothing is told of honest ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.cross_decomposition import PLSRegression
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from reprcheck.models.vectors.signs import rank, runs, signs

from .wells import LABELS, NOISE, N, model, task, wells

CLASSES = np.arange(N) // 2 % 4
FOUR = task(y=CLASSES, classes=tuple("abcd"))
WIDE = np.random.default_rng(0).normal(size=(N, 40))
FITTED = "may have been fitted with these labels"


def told(values: np.ndarray, one=FOUR) -> str:
    return " ".join(signs(np.asarray(values, np.float32), (), {}, "rows", one))


@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 5), st.integers(-3, 3))
def test_rank_against_numpy_s(n: int, width: int, inner: int, scale: int) -> None:
    g = np.random.default_rng([n, width, inner])
    x = (g.normal(size=(n, inner)) @ g.normal(size=(inner, width))) * 10.0**scale + g.normal(size=width)
    centred = x - x.mean(0)
    spread = centred.std(0) > 1e-9
    expected = np.linalg.matrix_rank(centred[:, spread] / centred[:, spread].std(0), rtol=1e-4) if spread.any() else 0
    assert rank(np.where(spread, x, 1.0)) == expected


def test_rank_of_more_rows_than_are_looked_at() -> None:
    g = np.random.default_rng(0)
    assert rank(g.normal(size=(9000, 3)) @ g.normal(size=(3, 20))) == 3


@pytest.mark.parametrize(
    "fitted",
    [
        LinearDiscriminantAnalysis().fit_transform(WIDE[:, :10], CLASSES),
        LinearDiscriminantAnalysis().fit_transform(WIDE[:, :10], CLASSES) @ WIDE[:3],
        PLSRegression(3).fit_transform(WIDE, np.eye(4)[CLASSES])[0],
        PLSRegression(6).fit_transform(WIDE, np.eye(4)[CLASSES])[0],
        WIDE[:, :1],
    ],
)
def test_what_may_have_been_fitted_with_the_labels_is_told(fitted: np.ndarray) -> None:
    assert FITTED in told(fitted)


def test_what_was_fitted_to_a_value_is_told() -> None:
    dose = task(kind="regress", y=WIDE[:, 0], classes=())
    assert FITTED in told(np.column_stack([2 * WIDE[:, 0] - 1, WIDE[:, 1]]), dose)
    assert FITTED not in told(WIDE[:, 1:4], dose)


@pytest.mark.parametrize(
    "honest", [WIDE, WIDE[:, :6], PCA(8).fit_transform(WIDE), NOISE.repeat(5, axis=1) + WIDE[:, :15]]
)
def test_nothing_is_told_of_honest_vectors(honest: np.ndarray) -> None:
    width, r = honest.shape[1], np.linalg.matrix_rank(honest - honest.mean(0))
    assert told(honest) == f"Vectors: {width} columns of rank {r}; rows."


def softmax(x: np.ndarray) -> np.ndarray:
    return np.exp(x) / np.exp(x).sum(1, keepdims=True)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (softmax(WIDE[:, :7]), "Each vector sums to one, as probabilities do"),
        (softmax(WIDE[:, :7]).astype(np.float16), "Each vector sums to one, as probabilities do"),
        (np.eye(9)[np.arange(N) * 5 % 9], "Each vector sums to one, as one-hot predictions do"),
        (np.log(softmax(WIDE[:, :7])), "Each vector sums to one once exponentiated"),
        (WIDE[:, :4], "as many columns as state has classes (4), as logits have"),
        (np.arange(N)[:, None] % 7, "columns 1 of 1 hold whole numbers: counts, or numbers of clusters"),
        (np.column_stack([WIDE, np.arange(N) % 7]), "columns 1 of 41 hold whole numbers"),
        (
            np.column_stack([WIDE, np.full(N, 0.5), np.zeros(N)]),
            "columns 2 of 42 hold one value for all samples: '40', '41'",
        ),
        (np.where(np.arange(N)[:, None] < 5, 0, WIDE), "Vectors of 5 of 24 samples are all zero."),
        (WIDE[np.arange(N) // 2], "Samples share vectors: 24 samples have 12 different ones."),
    ],
)
def test_signs(values: np.ndarray, sentence: str) -> None:
    assert sentence in told(values)


def test_they_are_of_the_task_s_own_samples(tmp_path: Path) -> None:
    values = np.where(np.arange(N)[:, None] < 12, WIDE[:, :3], 0).astype(np.float32)
    np.save(tmp_path / "v.npy", values)
    first, rest = task(range(12), name="first"), task(range(12, N), name="rest")
    found = model(tmp_path / "v.npy")
    dataset = wells(tasks=[first, rest])
    assert "3 columns of rank 3" in " ".join(found.notes_on(dataset, first))
    assert "3 columns of rank 0" in " ".join(found.notes_on(dataset, rest))
    assert len(np.unique(LABELS)) == 2


def test_names_in_runs() -> None:
    assert runs([f"e{i}" for i in range(512)]) == "'e0' to 'e511'"
    assert runs([f"v[{i}]" for i in range(5)]) == "'v[0]' to 'v[4]'"
    cp = [f"{c}_{m}" for c in ("Cells", "Nuclei") for m in ("Area", "Solidity", "Zernike_0_0", "Mass", "Edge")]
    assert runs(cp) == "'Cells_Area' and 4 more of Cells, 'Nuclei_Area' and 4 more of Nuclei"
    assert runs([f"{a}{b}_x" for a in "abcdefgh" for b in "ij"]).endswith(" and 10 more")
