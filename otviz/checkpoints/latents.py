"""Latents of an image model: pairs of source noise x and auxiliary noise z, sampled, truncated and interpolated."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from otviz.data.datasets.rows import Rows

Array = NDArray[np.float32]
Places = NDArray[np.float64]


class Latents(NamedTuple):
    """Inputs of a generator: x (n, d) and z (n, k), float32."""

    x: Array
    z: Array

    def take(self, places: NDArray[np.int64] | list[int]) -> Latents:
        """The pairs at these indices."""
        return Latents(self.x[places], self.z[places])


def drawn(n: int, dim: int, noise_dim: int, seed: int, truncation: float | None = None) -> Latents:
    """Sample n pairs from N(0, I). The first pairs do not depend on n.

    Args:
        n: number of pairs.
        dim: length of x.
        noise_dim: length of z.
        seed: for the samples.
        truncation: truncate the normal distribution at that many standard deviations; None: no truncation. Each number is
            mapped to the same quantile of the truncated distribution, so that images change smoothly with the truncation.

    Raises:
        ValueError: n < 1, or a truncation that is not positive.
    """
    if n < 1:
        raise ValueError(f"n must be 1 or more; got {n}")
    # One stream, row after row, so that the first pairs do not depend on n.
    values = np.random.default_rng([seed, 17]).standard_normal((n, dim + noise_dim))
    if truncation is not None:
        values = _cut(values, truncation)
    whole = values.astype(np.float32)
    return Latents(np.ascontiguousarray(whole[:, :dim]), np.ascontiguousarray(whole[:, dim:]))


def _cut(values: NDArray[np.float64], truncation: float) -> NDArray[np.float64]:
    from scipy.special import ndtr, ndtri

    if not truncation > 0:
        raise ValueError(f"truncation must be > 0 (standard deviations); got {truncation}")
    # By symmetry only the lower tail is needed, where the distribution function has full precision.
    below = ndtr(-truncation)
    lower = ndtri(below + ndtr(-np.abs(values)) * (1 - 2 * below))
    cut: NDArray[np.float64] = np.sign(values) * np.abs(lower)
    return cut


def between(a: Array, b: Array, count: int) -> Array:
    """Spherical interpolation from a to b (Shoemake 1985; White 2016), shape (count, d).

    In many dimensions normal samples lie near a sphere, which a straight line would leave.

    Args:
        a, b: the ends, shape (d,).
        count: number of points, including both ends.
    """
    share = np.linspace(0, 1, count, dtype=np.float64)[:, None]
    from_a, to_b = a.astype(np.float64), b.astype(np.float64)
    lengths = np.linalg.norm(from_a) * np.linalg.norm(to_b)
    angle = np.arccos(np.clip(from_a @ to_b / lengths, -1, 1)) if lengths else 0.0
    sine = np.sin(angle)
    if sine < 1e-6:  # same or opposite direction, where the arc is not unique
        path = (1 - share) * from_a + share * to_b
    else:
        path = (np.sin((1 - share) * angle) * from_a + np.sin(share * angle) * to_b) / sine
    return path.astype(np.float32)


def path(latents: Latents, first: int, second: int, count: int) -> Latents:
    """Spherical interpolation between two of the pairs, of x and z separately.

    Args:
        latents: the pairs.
        first, second: indices of the ends.
        count: number of pairs, including both ends.

    Raises:
        ValueError: an index is out of range.
    """
    for place in (first, second):
        if not 0 <= place < len(latents.x):
            raise ValueError(f"a sample must be one of 0 to {len(latents.x) - 1}; got {place}")
    return Latents(*(between(part[first], part[second], count) for part in latents))


def on_plane(latents: Latents, across: Places, down: Places, moves: str = "both") -> Latents:
    """Pairs on a plane through three of them, brought to the length of draws; at (0, 0) lies the first.

    x = (x0 + a x1 + b x2) / sqrt(1 + a^2 + b^2). The squares of the weights sum to 1, so that each place is distributed as a
    fresh draw from N(0, I).

    Args:
        latents: three pairs.
        across, down: places a and b, (n,).
        moves: "both"; "x" or "z", while the other stays at the first; "crossed": x moves with a alone, z with b alone.

    Raises:
        ValueError: not three pairs, or another word.
    """
    if len(latents.x) != 3 or moves not in ("both", "x", "z", "crossed"):
        raise ValueError(
            f"a plane goes through 3 pairs, and both, x, z or crossed move; got {len(latents.x)} and {moves!r}"
        )
    still = np.zeros_like(across)
    whole, first = _weights(across, down), _weights(still, still)
    by_x = {"both": whole, "x": whole, "z": first, "crossed": _weights(across, still)}[moves]
    by_z = {"both": whole, "x": first, "z": whole, "crossed": _weights(down, still)}[moves]
    return Latents((by_x @ latents.x).astype(np.float32), (by_z @ latents.z).astype(np.float32))


def _weights(across: Places, down: Places) -> NDArray[np.float64]:
    """The weights of three pairs, (n, 3), whose squares sum to 1."""
    weights = np.stack([np.ones_like(across), across, down], axis=1)
    whole: NDArray[np.float64] = weights / np.linalg.norm(weights, axis=1, keepdims=True)
    return whole


def crossed(latents: Latents) -> Latents:
    """All n * n combinations of the n x and the n z: x varies by row, z by column."""
    n = len(latents.x)
    return Latents(np.repeat(latents.x, n, axis=0), np.tile(latents.z, (n, 1)))


class Shares(NamedTuple):
    """Shares of the pixel variance of `crossed` images explained by x, by z, and by their interaction; they sum to 1."""

    x: float
    z: float
    both: float


def explained(rows: Rows, n: int) -> Shares | None:
    """Analysis of variance of the images of `crossed`, shape (n * n, d); None if all images are equal."""
    cube = rows.astype(np.float64).reshape(n, n, -1)
    mean = cube.mean((0, 1))
    total = float(((cube - mean) ** 2).mean((0, 1)).sum())
    if total < 1e-12:
        return None
    by_x = float(((cube.mean(1) - mean) ** 2).mean(0).sum()) / total
    by_z = float(((cube.mean(0) - mean) ** 2).mean(0).sum()) / total
    return Shares(by_x, by_z, max(0.0, 1 - by_x - by_z))
