"""What every protocol keeps to, ours and, where some are installed, those of extensions."""

from pathlib import Path

import numpy as np
import pytest

from reprcheck.protocols import get
from reprcheck.registry import PROTOCOLS
from reprcheck.types import Task
from tests.tasks import classify_task, regress_task, vectors

GUIDE = (Path(__file__).resolve().parents[2] / "docs" / "datasets.md").read_text(encoding="utf-8")
ASKED = [(name, kind) for name in PROTOCOLS.names() for kind in get(name).kinds]


def a_task(kind):
    return classify_task(n_units=48, per_unit=2) if kind == "classify" else regress_task(n_units=40, levels=4)


def known(task):
    """Vectors that hold the label and nothing else."""
    label = np.eye(len(task.classes))[task.y] if task.kind == "classify" else task.y[:, None]
    return label.astype(np.float32)


@pytest.mark.parametrize("name", PROTOCOLS.names())
def test_it_is_called_as_it_is_registered_and_has_a_row_in_the_docs(name):
    assert get(name).id == name
    assert set(get(name).kinds) <= {"classify", "regress"}
    assert get(name).kinds
    assert f"\n| `{name}` | " in GUIDE


@pytest.mark.parametrize(("name", "kind"), ASKED)
def test_a_score_is_finite_and_of_the_units_judged_and_the_same_again(name, kind):
    protocol, task = get(name), a_task(kind)
    judged = protocol.judged(task)
    assert (judged.shape, judged.dtype) == (task.y.shape, bool)
    first, again = (protocol.score([vectors(task, 1.0), vectors(task, width=3)], task) for _ in range(2))
    assert list(first.units) == sorted(set(task.units[judged]))
    assert first.values.shape == first.units.shape
    assert np.isfinite(first.values).all()
    assert first.predictions.shape == task.y.shape
    missing = first.predictions == -1 if kind == "classify" else np.isnan(first.predictions)
    assert not missing[judged].any()
    for array in ("values", "bits", "predictions", "matches"):
        np.testing.assert_array_equal(getattr(first, array), getattr(again, array))
    assert first.bits is None or (first.bits.shape == first.units.shape and np.isfinite(first.bits).all())


@pytest.mark.parametrize(("name", "kind"), ASKED)
def test_noise_is_at_chance_and_the_label_itself_at_the_ceiling(name, kind):
    protocol, task = get(name), a_task(kind)
    noise = [protocol.score([vectors(task, seed=seed)], task).values.mean() for seed in range(5)]
    assert np.mean(noise) == pytest.approx(protocol.chance(task), abs=0.12)
    assert protocol.score([known(task)], task).values.mean() == pytest.approx(protocol.ceiling(task), abs=0.02)
    assert protocol.chance(task) < protocol.ceiling(task) - 0.2


@pytest.mark.parametrize(("name", "kind"), ASKED)
def test_what_it_tells_of_a_task_is_of_the_task(name, kind):
    protocol, task = get(name), a_task(kind)
    sides, across = protocol.sides(task)
    assert len(sides) == len(task.y)
    assert "".join(across.split()).isalpha()
    assert 0 <= protocol.overlap(task) < np.inf
    assert not (protocol.drawn(task) and not protocol.trains)
    assert protocol.holds_batches_out(task) in (True, False)
    for note in protocol.notes(task):
        assert note[0].upper() == note[0]
        assert note.endswith(".")
    control = protocol.control(task)
    assert control is None or (isinstance(control, Task) and control.y.shape == task.y.shape)
    if protocol.predicts:
        assert list(protocol.by_forest(vectors(task), task).units) == sorted(set(task.units[protocol.judged(task)]))
