"""Label images with known answers, for the tests of baselines."""

import numpy as np


def disks(side, centres, radii, columns=None):
    """Return int32[H, W]: disks numbered from 1, later ones on top."""
    rows, cols = np.mgrid[:side, : columns or side]
    mask = np.zeros(rows.shape, np.int32)
    for label, ((r, c), radius) in enumerate(zip(centres, radii, strict=True), start=1):
        mask[(rows - r) ** 2 + (cols - c) ** 2 <= radius**2] = label
    return mask


def random_field(seed, side=96, n=30, radius=5.0):
    """Return int32[H, W]: up to n ellipses at random, some cut by others or by the edge."""
    rng = np.random.default_rng(seed)
    rows, cols = np.mgrid[:side, :side]
    mask = np.zeros((side, side), np.int32)
    for label in range(1, n + 1):
        r, c = rng.uniform(0, side, 2)
        a, b = radius * rng.uniform(0.6, 1.5, 2)
        t = rng.uniform(0, np.pi)
        u = (rows - r) * np.cos(t) + (cols - c) * np.sin(t)
        v = (cols - c) * np.cos(t) - (rows - r) * np.sin(t)
        mask[((u / a) ** 2 + (v / b) ** 2 <= 1) & (mask == 0)] = label
    return mask


def stained(mask, seed, noise=0.02):
    """Return float32[H, W]: objects of unequal brightness on a dark ground, blurred by nothing but noise."""
    rng = np.random.default_rng(seed)
    brightness = np.concatenate([[0.1], rng.uniform(0.4, 0.8, int(mask.max()))])
    return np.clip(brightness[mask] + noise * rng.standard_normal(mask.shape), 0, 1).astype(np.float32)
