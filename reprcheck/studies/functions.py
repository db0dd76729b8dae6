"""Functions of features, drawn without a label or fitted to one: what an encoder that knows nothing else may be."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from reprcheck.baselines.expansions import standardise
from reprcheck.code import code_digest
from reprcheck.digest import digest, installed
from reprcheck.embed.engine import Block
from reprcheck.seeding import rng, seed

Floats = NDArray[np.float64]
Function = Callable[[Floats, int, np.random.Generator], Floats]
"""From standardised features float64[n, d], a width and a generator to float64[n, width]."""

GAINS = (0.5, 1.0, 2.0, 4.0)
"""How far a hidden unit leaves the linear range: one is drawn for each encoder."""


def apply(name: str, features: NDArray[np.float32], width: int, draw: np.random.Generator) -> NDArray[np.float32]:
    """Return float32[n, width]: the function of that name, drawn anew, of features standardised over all rows."""
    return FUNCTIONS[name](standardise(features), width, draw).astype(np.float32)


def mapped(base: Block, kind: str, width: int, name: Sequence[str | int]) -> Block:
    """Return a block of the function of that kind, drawn by a name, of the features that a block holds."""
    return base.mapped([kind, width, *name, code_digest(__name__)], apply(kind, base.vectors, width, rng(*name)))


def linear(z: Floats, width: int, draw: np.random.Generator) -> Floats:
    """Return a random linear map."""
    mapped: Floats = z @ draw.standard_normal((z.shape[1], width)) / np.sqrt(z.shape[1])
    return mapped


def mlp(activation: Callable[[Floats], Floats]) -> Function:
    """Return a network of two hidden layers of one kind of unit, with a gain drawn once."""

    def function(z: Floats, width: int, draw: np.random.Generator) -> Floats:
        gain = draw.choice(GAINS)
        for wide in (2 * width, width):
            z = activation(gain * linear(z, wide, draw) + draw.standard_normal(wide))
            z = z / max(float(np.sqrt(np.mean(z**2))), 1e-9)
        return z

    return function


def kernel(z: Floats, width: int, draw: np.random.Generator) -> Floats:
    """Return random Fourier features of a Gaussian kernel (Rahimi and Recht 2007), its scale drawn once."""
    scale = draw.choice(GAINS)
    waves: Floats = np.cos(scale * linear(z, width, draw) + draw.uniform(0, 2 * np.pi, width))
    return waves


def products(z: Floats, width: int, draw: np.random.Generator) -> Floats:
    """Return products of pairs of features."""
    a, b = draw.integers(0, z.shape[1], (2, width))
    pairs: Floats = z[:, a] * z[:, b]
    return pairs


def subset(z: Floats, width: int, draw: np.random.Generator) -> Floats:
    """Return some of the features as they are: half of them, or ``width`` where that is fewer."""
    return z[:, draw.permutation(z.shape[1])[: min(width, max(1, z.shape[1] // 2))]]


FUNCTIONS: Mapping[str, Function] = {
    "linear map": linear,
    "tanh network": mlp(np.tanh),
    "ReLU network": mlp(lambda z: np.maximum(z, 0.0)),
    "sine network": mlp(np.sin),
    "kernel": kernel,
    "products": products,
    "subset": subset,
}


def _network(z: Floats, y: NDArray[np.int64], judged: Floats, state: int) -> Floats:
    """Return the last hidden layers of three small networks."""
    out = []
    for k in range(3):
        fitted = MLPClassifier((64, 32), activation="tanh", alpha=0.01, max_iter=150, random_state=state + k)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            fitted.fit(z, y)
        hidden = judged
        for weights, bias in list(zip(fitted.coefs_, fitted.intercepts_, strict=True))[:-1]:
            hidden = np.tanh(hidden @ weights + bias)
        out.append(hidden)
    return np.hstack(out)


def _forest(z: Floats, y: NDArray[np.int64], judged: Floats, state: int) -> Floats:
    """Return each tree's probabilities of the classes."""
    trees = ExtraTreesClassifier(100, min_samples_leaf=3, random_state=state).fit(z, y).estimators_
    return np.hstack([tree.predict_proba(judged) for tree in trees])


FITTED = {"network": _network, "forest": _forest}
"""From features to learn from, their labels, features to read and a seed to what the last layer says of these."""


def fitted(base: Block, y: NDArray[np.int64], learns: NDArray[np.bool_], kind: str, name: Sequence[str | int]) -> Block:
    """Return a block, for the samples that it hasn't learned from, of what was fitted to the label on the others.

    Parameters
    ----------
    base : Block
        Features of n samples.
    y : int64[n]
    learns : bool[n]
        The samples to learn from.
    kind : str
        One of `FITTED`.
    name : sequence of str or int
        What the seed is made of.
    """
    z = standardise(base.vectors)
    vectors = FITTED[kind](z[learns], y[learns], z[~learns], seed(*name) % 2**31).astype(np.float32)
    code = code_digest(__name__), installed("scikit-learn", "scipy", "numpy")
    source = digest("fitted", kind, list(name), code, base.digest, y, learns)
    return Block(source, tuple(base.ids[i] for i in np.flatnonzero(~learns)), vectors)
