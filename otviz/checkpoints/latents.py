"""The latent space of an image model: pairs of source noise x and auxiliary noise z, drawn, truncated, walked through."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from otviz.data.datasets.rows import Rows

Array = NDArray[np.float32]


class Latents(NamedTuple):
    """What a generator makes images of: x (n, d) and z (n, k), float32."""

    x: Array
    z: Array

    def take(self, places: NDArray[np.int64] | list[int]) -> Latents:
        """The pairs at these places."""
        return Latents(self.x[places], self.z[places])


def drawn(n: int, dim: int, noise_dim: int, seed: int, truncation: float | None = None) -> Latents:
    """n pairs from N(0, I); the first pairs are the same for every n.

    Args:
        truncation: cut the normal distribution off at plus and minus that many standard deviations; None: not at all.
            Each number moves to the place with the same share of the distribution below it, so that an image changes
            smoothly with the truncation.

    Raises:
        ValueError: n < 1, or a truncation that is not positive.
    """
    if n < 1:
        raise ValueError(f"n must be 1 or more; got {n}")
    # Row after row of one stream, so that more pairs leave the first as they are.
    values = np.random.default_rng([seed, 17]).standard_normal((n, dim + noise_dim))
    if truncation is not None:
        values = _cut(values, truncation)
    whole = values.astype(np.float32)
    return Latents(np.ascontiguousarray(whole[:, :dim]), np.ascontiguousarray(whole[:, dim:]))


def _cut(values: NDArray[np.float64], truncation: float) -> NDArray[np.float64]:
    from scipy.special import ndtr, ndtri

    if not truncation > 0:
        raise ValueError(f"truncation must be > 0 (standard deviations); got {truncation}")
    # By symmetry only the lower tail is needed, where the distribution function keeps all its digits.
    below = ndtr(-truncation)
    lower = ndtri(below + ndtr(-np.abs(values)) * (1 - 2 * below))
    cut: NDArray[np.float64] = np.sign(values) * np.abs(lower)
    return cut


def between(a: Array, b: Array, count: int) -> Array:
    """Points on an arc from a to b (Shoemake 1985; White 2016), shape (count, d).

    In many dimensions the normal distribution is a thin shell: a straight line would pass through its empty middle.

    Args:
        a, b: the ends, (d,).
        count: of points, both ends among them.
    """
    share = np.linspace(0, 1, count, dtype=np.float64)[:, None]
    from_a, to_b = a.astype(np.float64), b.astype(np.float64)
    lengths = np.linalg.norm(from_a) * np.linalg.norm(to_b)
    angle = np.arccos(np.clip(from_a @ to_b / lengths, -1, 1)) if lengths else 0.0
    sine = np.sin(angle)
    if sine < 1e-6:  # the same direction, or the opposite one, to which no arc is shortest
        path = (1 - share) * from_a + share * to_b
    else:
        path = (np.sin((1 - share) * angle) * from_a + np.sin(share * angle) * to_b) / sine
    return path.astype(np.float32)


def path(latents: Latents, first: int, second: int, count: int) -> Latents:
    """An arc between two of the pairs, x and z each on its own.

    Args:
        latents: the pairs.
        first, second: places of the two ends.
        count: of pairs on the arc, both ends among them.

    Raises:
        ValueError: there is no pair at a place.
    """
    for place in (first, second):
        if not 0 <= place < len(latents.x):
            raise ValueError(f"a sample must be one of 0 to {len(latents.x) - 1}; got {place}")
    return Latents(*(between(part[first], part[second], count) for part in latents))


def walk(latents: Latents, count: int) -> Latents:
    """A closed walk from pair to pair on arcs, `count` points on each, back to the first."""
    following = [(place, (place + 1) % len(latents.x)) for place in range(len(latents.x))]
    parts = [path(latents, a, b, count + 1) for a, b in following]
    return Latents(*(np.concatenate([part[side][:-1] for part in parts]) for side in (0, 1)))


def crossed(latents: Latents) -> Latents:
    """All n * n combinations of the n x and the n z: x changes from row to row, z from column to column."""
    n = len(latents.x)
    return Latents(np.repeat(latents.x, n, axis=0), np.tile(latents.z, (n, 1)))


class Shares(NamedTuple):
    """Of the variance of the pixels of `crossed` images: what x alone, z alone, and only both together explain; sums to 1."""

    x: float
    z: float
    both: float


def explained(rows: Rows, n: int) -> Shares | None:
    """Shares of the variance in images of `crossed`, (n * n, d), as in an analysis of variance; None if all are equal."""
    cube = rows.astype(np.float64).reshape(n, n, -1)
    mean = cube.mean((0, 1))
    total = float(((cube - mean) ** 2).mean((0, 1)).sum())
    if total < 1e-12:
        return None
    by_x = float(((cube.mean(1) - mean) ** 2).mean(0).sum()) / total
    by_z = float(((cube.mean(0) - mean) ** 2).mean(0).sum()) / total
    return Shares(by_x, by_z, max(0.0, 1 - by_x - by_z))
