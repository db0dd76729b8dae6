"""Tasks made for tests: labels, units and batches laid out by numbers, no images."""

import numpy as np

from reprcheck.types import Task


def classify_task(n_units=24, per_unit=3, classes=2, batches=4, holdout="batch", seed=0):
    """Every class in every batch; a unit has one label and lies in one batch."""
    unit_class = np.arange(n_units) % classes
    unit_batch = (np.arange(n_units) // classes) % batches
    order = np.random.default_rng(seed).permutation(n_units * per_unit)
    unit = np.repeat(np.arange(n_units), per_unit)[order]
    return Task(
        name="made",
        kind="classify",
        rows=np.arange(len(unit)),
        y=unit_class[unit],
        classes=tuple(f"class{c}" for c in range(classes)),
        units=np.array([f"u{u:03d}" for u in unit]),
        batches=np.array([f"b{b}" for b in unit_batch[unit]]),
        holdout=holdout,
        protocols=("probe/2", "knn/1"),
        channels=(0,),
    )


def regress_task(n_units=30, per_unit=2, seed=0, levels=None):
    rng = np.random.default_rng(seed)
    value = rng.normal(size=n_units) if levels is None else np.arange(n_units) % levels
    unit = np.repeat(np.arange(n_units), per_unit)
    return Task(
        name="made",
        kind="regress",
        rows=np.arange(len(unit)),
        y=value[unit].astype(float),
        classes=(),
        units=np.array([f"u{u:03d}" for u in unit]),
        batches=np.full(len(unit), "all"),
        holdout="unit",
        protocols=("ridge/1",),
        channels=(0,),
        control=None if levels is None else value[unit] == 0,
    )


def vectors(task, signal=0.0, width=8, seed=0):
    """Noise, plus the label (one-hot or its value) times ``signal``."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(len(task.y), width))
    known = np.eye(len(task.classes))[task.y] if task.kind == "classify" else task.y[:, None]
    x[:, : known.shape[1]] += signal * known
    return x.astype(np.float32)
