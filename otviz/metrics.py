"""How good samples are: modes found, quality, distances to the target with their noise floors.

Every number comes with its sample size. A distance between finite samples is never 0: its floor is the same distance
between two draws of the target, and only what rises above the floor means anything.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otviz.distributions.base import Distribution, Mixture
from otviz.lengths import in_file_units

Samples = NDArray[np.floating[Any]]

WITHIN = 3.0
"""Standard deviations around a centre that belong to its mode."""

COVERED = 0.01
"""Share of all samples that makes a mode count as covered."""

NEIGHBOURS = 3
"""Neighbours whose distance sets the radius of a ball in precision and recall."""

FLOOR_DRAWS = 5
"""Real draws behind a floor."""


def coverage(samples: Samples, mixture: Mixture) -> dict[str, Any]:
    """Modes and quality of samples (n, 2), quick enough for every frame (numpy only).

    Each sample belongs to its nearest centre and is of high quality within WITHIN standard deviations of it. Of the rest, a
    sample is mode mixture if it lies between two neighbouring modes (see `_between`), and an outlier otherwise.

    Returns:
        modes_covered, modes_total: modes that hold at least COVERED of all samples, and how many there are.
        mode_shares: high-quality share of each mode, of all samples, a list of k numbers.
        high_quality, mode_mixture, outliers: shares of all samples; they sum to 1.
        mode_entropy: entropy of the shares among high-quality samples over that of the true weights; 1 is balanced for
            equal weights, 0 is one mode or none.

    Raises ValueError for samples that are not (n, 2), n >= 1, or not finite.
    """
    samples = check_samples(samples)
    centres = mixture.centres
    squared = (samples[:, :1] - centres[:, 0]) ** 2 + (samples[:, 1:] - centres[:, 1]) ** 2
    nearest = squared.argmin(1)
    reach = WITHIN * mixture.std
    good = squared[np.arange(len(samples)), nearest] <= reach**2
    shares = np.bincount(nearest[good], minlength=len(centres)) / len(samples)
    high_quality = float(good.mean())
    mixed = float(_between(samples[~good], centres, reach).sum()) / len(samples)
    return {
        "modes_covered": int((shares >= COVERED).sum()),
        "modes_total": len(centres),
        "mode_shares": shares.tolist(),
        "high_quality": high_quality,
        "mode_mixture": mixed,
        "outliers": max(0.0, 1.0 - high_quality - mixed),
        "mode_entropy": _balance(shares, mixture.weights),
    }


def _between(samples: Samples, centres: Samples, reach: float) -> NDArray[np.bool_]:
    """Whether samples (n, 2), none within `reach` of a centre, lie between neighbouring modes, shape (n,).

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


def diversity(samples: Samples) -> float:
    """Mean variance of the coordinates, in squared data units (the notebook's); blind to collapse onto opposite modes."""
    return float(np.var(np.asarray(samples, dtype=np.float64), axis=0).mean())


def check_samples(samples: Samples, dimension: int | None = 2) -> Samples:
    """The samples as an array. Raises ValueError unless they are (n, dimension), n >= 1, and finite."""
    samples = np.asarray(samples)
    if samples.ndim != 2 or not len(samples) or (dimension is not None and samples.shape[1] != dimension):
        shape = f"(n, {'d' if dimension is None else dimension})"
        raise ValueError(f"samples must have shape {shape} with n >= 1; got {samples.shape}")
    if not np.isfinite(samples).all():
        bad = int((~np.isfinite(samples).all(1)).sum())
        raise ValueError(f"samples must be finite; {bad} of {len(samples)} are nan or infinite (did training diverge?)")
    return samples


def held_out(target: Distribution, n: int, rng: np.random.Generator) -> Samples:
    """n points of the target; those of a mixture are stratified, so counts per mode follow the weights to within one.

    A plain draw's random counts per mode would dominate W2 (0.27 for 1000 points of an 8-mode ring of radius 2).
    """
    mixture = target.mixture()
    if mixture is None:
        return target.sample(n, rng)
    steps = np.floor(np.cumsum(mixture.weights) * n + 1e-9).astype(int)
    steps[-1] = n
    which = np.repeat(np.arange(len(steps)), np.diff(steps, prepend=0))
    noise = rng.standard_normal((n, 2)).astype(np.float32)
    points: Samples = mixture.centres[which] + np.float32(mixture.std) * noise
    return points


def precision_recall(samples: Samples, real: Samples, k: int = NEIGHBOURS) -> tuple[float, float]:
    """Improved precision and recall (Kynkaanniemi et al. 2019), both in [0, 1], of samples (n, d) against real (m, d).

    Precision: share of samples inside some real point's ball, which reaches to its k-th nearest real neighbour; recall
    swaps the roles. Both depend on n and m; compare only at equal sizes. Raises ValueError unless n, m > k.
    """
    if min(len(samples), len(real)) <= k:
        raise ValueError(f"precision and recall need more than k = {k} points; got {len(samples)} and {len(real)}")
    return _inside(samples, real, k), _inside(real, samples, k)


def _inside(points: Samples, support: Samples, k: int) -> float:
    from scipy.spatial.distance import cdist

    radii = np.partition(cdist(support, support), k, axis=1)[:, k]
    return float((cdist(points, support) <= radii).any(1).mean())


def sinkhorn(samples: Samples, real: Samples, blur: float) -> float:
    """Sinkhorn divergence (p = 2, in half squared data units) between samples (n, d) and real (m, d)."""
    import torch

    from otviz.ot.divergences import sinkhorn_divergence

    x, y = (torch.as_tensor(np.asarray(points), dtype=torch.float32) for points in (samples, real))
    return float(sinkhorn_divergence(x, y, blur=blur, scaling=0.9).value)


def floor(
    distance: Callable[[Samples, Samples], float],
    target: Distribution,
    real: Samples,
    rng: np.random.Generator,
    draws: int = FLOOR_DRAWS,
) -> tuple[float, float]:
    """Mean and standard deviation of `distance` between fresh points of the target and as many held-out ones."""
    values = [distance(target.sample(len(real), rng), real) for _ in range(draws)]
    return float(np.mean(values)), float(np.std(values, ddof=1)) if draws > 1 else 0.0


def w2_floor(target: Distribution, real: Samples, rng: np.random.Generator, draws: int = FLOOR_DRAWS) -> float:
    """Mean W2 between fresh points of the target and as many held-out ones, in data units."""
    return floor(wasserstein2, target, real, rng, draws)[0]


def wasserstein2(samples: Samples, real: Samples) -> float:
    """Exact W2 between samples (n, d) and real (m, d), in data units; 0.1 s at 1000 points."""
    from otviz.ot.exact import wasserstein2 as exact

    return exact(samples, real)


def measure(
    samples: Samples,
    target: Distribution,
    rng: np.random.Generator,
    n: int = 1000,
    blur: float = 0.05,
    draws: int = FLOOR_DRAWS,
) -> dict[str, Any]:
    """Every metric of generated samples (m, 2), data units, against the target, as plain values that JSON takes.

    Lengths, `blur` among them, are returned in the units of the target's file, squared ones in
    their square; `unit` names them (see `otviz.lengths`).

    Distances use the first n samples and as many held-out points; shares and diversity use all m. `w2_floor` and
    `sinkhorn_floor` are means over `draws` fresh real draws against the same held-out points, with their standard deviations
    under `..._std`. What needs modes is None where the target has none, as are precision and recall of 3 samples or fewer.

    Raises ValueError for samples that are not (m, 2) or not finite.
    """
    samples = check_samples(samples)
    some = samples[:n]
    real = held_out(target, len(some), rng)
    divergence = functools.partial(sinkhorn, blur=blur)
    w2_mean, w2_std = floor(wasserstein2, target, real, rng, draws)
    sinkhorn_mean, sinkhorn_std = floor(divergence, target, real, rng, draws)
    precision, recall = precision_recall(some, real) if len(some) > NEIGHBOURS else (None, None)
    found = {
        **mode_metrics(samples, target),
        "w2": wasserstein2(some, real),
        "w2_floor": w2_mean,
        "w2_floor_std": w2_std,
        "sinkhorn": divergence(some, real),
        "sinkhorn_floor": sinkhorn_mean,
        "sinkhorn_floor_std": sinkhorn_std,
        "blur": blur,
        "precision": precision,
        "recall": recall,
        "diversity": diversity(samples),
        "samples": len(samples),
        "samples_distance": len(some),
    }
    return in_file_units(found, target.units)


def mode_metrics(samples: Samples, target: Distribution) -> dict[str, Any]:
    """`coverage` of the target's modes, or the same keys with None where it has none."""
    mixture = target.mixture()
    if mixture is not None:
        return coverage(samples, mixture)
    keys = ("modes_covered", "modes_total", "mode_shares", "high_quality", "mode_mixture", "outliers", "mode_entropy")
    return dict.fromkeys(keys)
