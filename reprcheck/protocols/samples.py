"""The samples of several training sets, multiplied together: what a solver asks of them, and two ways to hold them.

`Rotated` holds for each set its own matrix, of no more columns than it has samples; the matrices lie side by side.
`Parts` holds one matrix of all samples, of which each set takes some rows: each set's standardisation is a scale and a
shift of the columns, which go to the weights, so that one product serves all sets.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import spotrf, spotrs

from reprcheck.protocols.features import standardise, standardising

SAMPLED = 4
"""Samples per column, or a few more, that second moments are estimated from."""


class Samples(ABC):
    """The samples of F training sets: R columns, and as many rows as the largest set needs.

    Products are made in the precision of the samples.
    """

    sets: int
    rows: int
    columns: int
    dtype: np.dtype[Any]

    @abstractmethod
    def take(self, at: NDArray[np.int64]) -> Samples:
        """Return the samples of some of the sets."""

    @abstractmethod
    def of(self, f: int, rows: NDArray[np.int64]) -> NDArray[np.floating]:
        """Return some rows of one set as it is standardised, float[n_rows, R]."""

    @abstractmethod
    def multiply(self, slopes: NDArray[np.floating], rows: slice) -> NDArray[np.floating]:
        """Return float[F, K, b], the products of each set's slopes, float[F, K, R], with b rows."""

    @abstractmethod
    def add_up(self, p: NDArray[np.floating], rows: slice) -> NDArray[np.floating]:
        """Return float[F, K, R], sums over b rows, each weighed by ``p``, float[F, K, b]."""

    def unscale(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return float64[F, R + 1, K] weights for samples as they are held; the last row is the intercept."""
        return weights.copy()

    def moments(self, share: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return float32[F, R + 1, R + 1], second moments of the columns and the intercept, weighed by float[F, n].

        They are estimated from some of the samples where these are many.
        """
        moments = np.empty((self.sets, self.columns + 1, self.columns + 1), np.float32)
        for f, weight in enumerate(share):
            rows = np.flatnonzero(weight)
            rows = rows[:: max(1, len(rows) // (SAMPLED * (self.columns + 1)))]
            x = np.hstack([self.of(f, rows), np.ones((len(rows), 1), self.dtype)])
            x *= np.sqrt(weight[rows, None] / weight[rows].sum())
            moments[f] = x.T @ x
        return moments


class Rotated(Samples):
    """Sets with matrices of their own, ``x``, float[F, n, R]."""

    def __init__(self, x: NDArray[np.floating]) -> None:
        self.sets, self.rows, self.columns = x.shape
        self.x, self.dtype = x, x.dtype

    @classmethod
    def side_by_side(cls, matrices: Sequence[NDArray[np.floating]]) -> Rotated:
        """Return matrices, float[n_f, R_f] of one dtype, the smaller ones filled up with zeros."""
        x = np.zeros((len(matrices), *np.max([one.shape for one in matrices], axis=0)), matrices[0].dtype)
        for filled, one in zip(x, matrices, strict=True):
            filled[: len(one), : one.shape[1]] = one
        return cls(x)

    def take(self, at: NDArray[np.int64]) -> Rotated:
        """See `Samples.take`."""
        return Rotated(self.x[at])

    def of(self, f: int, rows: NDArray[np.int64]) -> NDArray[np.floating]:
        """See `Samples.of`."""
        own: NDArray[np.floating] = self.x[f, rows]
        return own

    def multiply(self, slopes: NDArray[np.floating], rows: slice) -> NDArray[np.floating]:
        """See `Samples.multiply`."""
        products: NDArray[np.floating] = self.x[:, rows] @ slopes.swapaxes(1, 2)
        return products.swapaxes(1, 2).copy()

    def add_up(self, p: NDArray[np.floating], rows: slice) -> NDArray[np.floating]:
        """See `Samples.add_up`."""
        sums: NDArray[np.floating] = p @ self.x[:, rows]
        return sums


class Parts(Samples):
    """Sets that take rows of one matrix ``x``, float[n, R].

    A set's columns are the matrix's, less ``shift``, times ``scale``, both float64[F, R].
    """

    def __init__(self, x: NDArray[np.floating], shift: NDArray[np.float64], scale: NDArray[np.float64]) -> None:
        self.sets, (self.rows, self.columns), self.dtype = len(scale), x.shape, x.dtype
        self.x, self.shift, self.scale = x, shift, scale

    def take(self, at: NDArray[np.int64]) -> Parts:
        """See `Samples.take`."""
        return Parts(self.x, self.shift[at], self.scale[at])

    def of(self, f: int, rows: NDArray[np.int64]) -> NDArray[np.floating]:
        """See `Samples.of`."""
        own: NDArray[np.floating] = ((self.x[rows] - self.shift[f]) * self.scale[f]).astype(self.dtype)
        return own

    def multiply(self, slopes: NDArray[np.floating], rows: slice) -> NDArray[np.floating]:
        """See `Samples.multiply`."""
        scaled = slopes * self.scale[:, None].astype(self.dtype)
        flat = scaled.reshape(-1, self.columns) @ self.x[rows].T
        products: NDArray[np.floating] = flat.reshape(*slopes.shape[:2], -1)
        products -= scaled @ self.shift[:, :, None].astype(self.dtype)
        return products

    def add_up(self, p: NDArray[np.floating], rows: slice) -> NDArray[np.floating]:
        """See `Samples.add_up`."""
        sums: NDArray[np.floating] = (p.reshape(-1, p.shape[2]) @ self.x[rows]).reshape(*p.shape[:2], -1)
        sums -= p.sum(2, keepdims=True) * self.shift[:, None].astype(self.dtype)
        sums *= self.scale[:, None].astype(self.dtype)
        return sums

    def unscale(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """See `Samples.unscale`."""
        slopes = weights[:, :-1] * self.scale[:, :, None]
        return np.concatenate([slopes, weights[:, -1:] - self.shift[:, None] @ slopes], axis=1)


class Whole:
    """All samples of a task, standardised together, of which training sets take parts.

    Parameters
    ----------
    blocks : sequence of float32[n, D_b]
    dtype : type
        Of ``x``, float[n, R].
    """

    def __init__(self, blocks: Sequence[NDArray[np.float32]], dtype: type[np.floating]) -> None:
        everything = np.arange(len(blocks[0]))
        self._blocks, (self._mean, self._scale) = blocks, standardising(blocks, everything)
        self.x = standardise(blocks, everything, self._mean, self._scale, dtype)

    def parts(self, trains: Sequence[NDArray[np.int64]]) -> Parts:
        """Return training sets of the rows at ``trains``, int64[n_f] each."""
        means, scales = zip(*(standardising(self._blocks, train) for train in trains), strict=True)
        scale = np.divide(scales, self._scale, out=np.zeros((len(trains), len(self._scale))), where=self._scale > 0)
        return Parts(self.x, (np.stack(means) - self._mean) * self._scale, scale)


class Curvature:
    """A guess at the curvature of each set's penalised loss, by the Cholesky factors of matrices float32[F, R, R]."""

    def __init__(self, matrices: Iterable[NDArray[np.floating]]) -> None:
        self._factors = [spotrf(one, lower=1)[0] for one in matrices]

    def solve(self, gradient: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the inverse of the curvature times the gradient, both float64[F, R, K]."""
        solved = (spotrs(factor, one, lower=1)[0] for factor, one in zip(self._factors, gradient, strict=True))
        return np.stack(list(solved)).astype(np.float64)

    def take(self, at: NDArray[np.int64]) -> Curvature:
        """Return the curvatures of some of the sets."""
        other = Curvature(())
        other._factors = [self._factors[i] for i in at]
        return other
