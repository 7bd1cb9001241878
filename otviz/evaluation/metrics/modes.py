"""Modes of a mixture: how many are covered, with how many samples, and whether position and width are right."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otviz.data.target import Mixture
from otviz.evaluation.metrics.distances import Samples, check_samples

Array = NDArray[np.float64]

WITHIN = 3.0
"""Radius of a mode in standard deviations."""

GONE = 0.25
"""A mode with less than this part of its expected share of the samples on modes is lost. UOTM's lightest mode of 8 had 0.37
to 0.85 of it; modes that UOTM without cost had lost, less than 0.2."""

CHANCE = 1e-3
"""Largest probability that, with as many real points, any mode would seem lost; otherwise no mode counts as lost."""

COUNTED = 8
"""Smallest number of samples of a mode for which position and width are reported."""

UNKNOWN = -1.0
"""Offset and spread of a mode with too few samples."""

REFERENCE = 40_000
"""Real points that define offset 0 and spread 1, since cells of overlapping modes contain truncated Gaussians."""

NAMES = (
    "modes_covered", "modes_total", "mode_shares", "true_shares", "high_quality", "mode_mixture", "outliers",
    "mode_entropy", "mode_offsets", "mode_spreads", "outliers_if_wide",
)  # fmt: skip
"""Keys of `coverage`."""

_RAYLEIGH = math.sqrt(2 * math.log(2))  # median distance from the centre of a standard 2D Gaussian
_BLOB = 5.0  # radius of a blob around its median, in standard deviations; bridges beyond it do not widen the blob


def coverage(samples: Samples, mixture: Mixture) -> dict[str, Any]:
    """Mode coverage and quality of samples (n, 2), fast enough for every snapshot (NumPy only).

    Each sample belongs to its nearest centre, and is of high quality within WITHIN standard deviations of it. Other samples are
    mode mixture if they lie between two neighbouring modes (see `_between`), and outliers otherwise.

    Returns:
        modes_covered, modes_total: number of modes with at least GONE of their expected share of the high-quality samples,
            and number of modes.
        mode_shares, true_shares: high-quality share of each mode among all samples, and its weight: lists of k numbers.
        high_quality, mode_mixture, outliers: shares of all samples, summing to 1.
        mode_entropy: entropy of the shares of high-quality samples, relative to that of the true weights; 0 is one mode or
            none.
        mode_offsets: distance between the median of the samples nearest to a centre and that of real ones, in standard
            deviations of the mode; UNKNOWN for fewer than COUNTED samples.
        mode_spreads: median distance from that median, relative to real samples: 0 is a point, 1 is right.
        outliers_if_wide: outliers over mode mixture of real samples of twice the width; bridges between modes have fewer.

    Raises ValueError for samples that are not (n, 2), n >= 1, or not finite.
    """
    samples = check_samples(samples)
    centres = mixture.centres
    nearest, squared = _nearest(samples, centres)
    reach = WITHIN * mixture.std
    good = squared <= reach**2
    shares = np.bincount(nearest[good], minlength=len(centres)) / len(samples)
    high_quality = float(good.mean())
    mixed = float(_between(samples[~good], centres, reach).sum()) / len(samples)
    real = (centres.tobytes(), centres.dtype.str, mixture.std, mixture.weights.tobytes())
    offsets, spreads = _places(samples, nearest, mixture, _true_blobs(*real))
    return {
        "modes_covered": int(_held(shares, mixture.weights).sum()),
        "modes_total": len(centres),
        "mode_shares": shares.tolist(),
        "true_shares": mixture.weights.tolist(),
        "high_quality": high_quality,
        "mode_mixture": mixed,
        "outliers": max(0.0, 1.0 - high_quality - mixed),
        "mode_entropy": _balance(shares, mixture.weights),
        "mode_offsets": offsets.tolist(),
        "mode_spreads": spreads.tolist(),
        "outliers_if_wide": _outliers_if_wide(*real),
    }


def relative_shares(shares: Array) -> Array:
    """Shares (k,) normalised to the samples on modes; zeros if there are none."""
    total = shares.sum()
    return shares / total if total > 0 else np.zeros_like(shares)


def lost_modes(shares: Array, weights: Array, samples: int) -> NDArray[np.bool_]:
    """Mask (k,) of the modes with less than GONE of their expected share, and fewer samples than chance explains.

    For real points, the count of a mode is Poisson with mean m = samples * weight. The probability that one of k modes has at
    most the observed count is at most k P(N <= count), which must be below CHANCE.

    Args:
        shares: high-quality share of each mode, shape (k,).
        weights: of the modes, shape (k,), summing to 1.
        samples: number of samples.
    """
    lost = ~_held(shares, weights) & (weights > 0)
    for k in np.flatnonzero(lost):
        found, mean = round(float(shares[k]) * samples), samples * float(weights[k])
        lost[k] = _poisson_tail(found, mean) * len(weights) < CHANCE
    return np.asarray(lost)


def _held(shares: Array, weights: Array) -> NDArray[np.bool_]:
    return (shares > 0) & (relative_shares(shares) >= GONE * weights)


@functools.lru_cache(maxsize=4096)
def _poisson_tail(count: int, mean: float) -> float:
    """P(N <= count) for a Poisson N with mean > 0."""
    logs = np.concatenate([[0.0], np.cumsum(np.log(mean / np.arange(1, count + 1)))]) - mean
    return float(min(np.exp(logs).sum(), 1.0))


def _nearest(samples: Samples, centres: Samples) -> tuple[NDArray[np.intp], Array]:
    """Index (n,) of the nearest centre, and squared distance to it (n,)."""
    squared = (samples[:, :1] - centres[:, 0]) ** 2 + (samples[:, 1:] - centres[:, 1]) ** 2
    nearest = squared.argmin(1)
    return nearest, squared[np.arange(len(samples)), nearest]


def _places(
    samples: Samples, nearest: NDArray[np.intp], mixture: Mixture, real: tuple[Array, Array]
) -> tuple[Array, Array]:
    """`mode_offsets` and `mode_spreads` of `coverage`, (k,) each."""
    middles, radii, counts = _blobs(samples, nearest, mixture)
    true_middles, true_radii = real
    few = counts < COUNTED
    offsets = np.hypot(*(middles - true_middles).T) / mixture.std
    return np.where(few, UNKNOWN, offsets), np.where(few, UNKNOWN, radii / true_radii)


def _blobs(samples: Samples, nearest: NDArray[np.intp], mixture: Mixture) -> tuple[Array, Array, NDArray[np.intp]]:
    """For the samples nearest to each centre: median relative to it (k, 2), median distance from that in std (k,), count."""
    k = len(mixture.centres)
    apart = samples.astype(np.float64) - mixture.centres[nearest]
    middles = np.stack([_medians(apart[:, axis], nearest, k) for axis in (0, 1)], axis=1)
    distance = np.hypot(*(apart - middles[nearest]).T) / mixture.std
    near = distance <= _BLOB
    radii = _medians(distance[near], nearest[near], k) / _RAYLEIGH
    return middles, radii, np.bincount(nearest, minlength=k)


def _medians(values: Array, groups: NDArray[np.intp], k: int) -> Array:
    """Median of the values (n,) of each of k groups, shape (k,); 0 for an empty one."""
    ordered = values[np.lexsort((values, groups))]
    counts = np.bincount(groups, minlength=k)
    starts = np.cumsum(counts) - counts
    if not len(ordered):
        return np.zeros(k)
    low, high = (np.minimum(starts + shift // 2, len(ordered) - 1) for shift in (np.maximum(counts - 1, 0), counts))
    return np.where(counts > 0, (ordered[low] + ordered[high]) / 2, 0.0)


@functools.lru_cache(maxsize=64)
def _true_blobs(data: bytes, dtype: str, std: float, weights: bytes) -> tuple[Array, Array]:
    """Medians (k, 2) and radii in std (k,) of the modes of real points; with too few points, those of a single Gaussian."""
    centres = np.frombuffer(data, dtype=dtype).reshape(-1, 2)
    mixture = Mixture(centres, std, np.frombuffer(weights))
    real = mixture.sample(REFERENCE, np.random.default_rng(17))
    middles, radii, counts = _blobs(real, _nearest(real, centres)[0], mixture)
    few = counts < 20 * COUNTED
    return np.where(few[:, None], 0.0, middles), np.where(few, 1.0, radii)


@functools.lru_cache(maxsize=64)
def _outliers_if_wide(data: bytes, dtype: str, std: float, weights: bytes) -> float:
    """`outliers_if_wide` of `coverage`; 0 if no samples are between modes."""
    centres = np.frombuffer(data, dtype=dtype).reshape(-1, 2)
    wide = Mixture(centres, 2 * std, np.frombuffer(weights)).sample(REFERENCE // 10, np.random.default_rng(17))
    far = wide[_nearest(wide, centres)[1] > (WITHIN * std) ** 2]
    mixed = int(_between(far, centres, WITHIN * std).sum())
    return (len(far) - mixed) / mixed if mixed else 0.0


def _between(samples: Samples, centres: Samples, reach: float) -> NDArray[np.bool_]:
    """Mask (n,) of the samples (n, 2), none within `reach` of a centre, that lie between neighbouring modes.

    Between c and c': the foot on the line through them falls on the segment, and the distance from it is at most `reach`
    or a quarter of |c - c'|, whichever is more. Neighbours are at most 1.5 times as far apart as either of them is from its
    nearest centre. About 1 % of a Gaussian's own points lie beyond 3 standard deviations, so real samples score up to 0.01.
    """
    starts, steps, lengths = _edges(centres.tobytes(), centres.dtype.str)
    x, y = samples[:, :1] - starts[:, 0], samples[:, 1:] - starts[:, 1]
    along = x * steps[:, 0] + y * steps[:, 1]
    across = np.abs(x * steps[:, 1] - y * steps[:, 0])
    inside = (along > 0) & (along < lengths) & (across <= np.maximum(reach, lengths / 4))
    return np.asarray(inside.any(1))


@functools.lru_cache(maxsize=64)
def _edges(data: bytes, dtype: str) -> tuple[Samples, Samples, Samples]:
    """Start (e, 2), unit direction (e, 2) and length (e,) of the segments between neighbouring centres."""
    centres = np.frombuffer(data, dtype=dtype).reshape(-1, 2)
    difference = centres[None, :, :] - centres[:, None, :]
    lengths = np.hypot(difference[..., 0], difference[..., 1])
    nearest = np.where(lengths > 0, lengths, np.inf).min(1, initial=np.inf)
    near = (lengths > 0) & (lengths <= 1.5 * np.maximum(nearest[:, None], nearest[None, :]))
    i, j = np.nonzero(np.triu(near))
    return centres[i], difference[i, j] / lengths[i, j, None], lengths[i, j]


def _balance(shares: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    full = _entropy(weights)
    return _entropy(shares / shares.sum()) / full if full > 0 and shares.sum() > 0 else 0.0


def _entropy(shares: NDArray[np.float64]) -> float:
    held = shares[shares > 0]
    return float(-(held * np.log(held)).sum())
