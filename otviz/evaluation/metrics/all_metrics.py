"""All metrics of generated samples at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from otviz.data.target import Target
from otviz.data.units import in_file_units
from otviz.evaluation.metrics.distances import (
    NEIGHBOURS,
    Samples,
    check_samples,
    diversity,
    precision_recall,
    sinkhorn,
    stray,
    wasserstein2,
)  # fmt: skip
from otviz.evaluation.metrics.modes import NAMES, coverage
from otviz.evaluation.metrics.noise_floors import real_scores, sinkhorn_floor


def measure(
    samples: Samples, target: Target, rng: np.random.Generator, n: int = 1000, blur: float = 0.05
) -> dict[str, Any]:
    """All metrics of generated samples against the target, as JSON-compatible values.

    Lengths are returned in the units of the target's file (see `otviz.data.units`), named by `unit`. Distances use the first n
    samples and as many held-out points; shares and diversity use all m. `w2_floor` and `sinkhorn_floor` are means over pairs of
    real draws of this size (see `noise_floors`), with standard deviations under `..._std`; `precision_floor` and `recall_floor`
    are those of real points. Mode metrics are None for a target without modes, precision and recall for 3 samples or fewer.

    Args:
        samples: shape (m, 2), in data units.
        target: what they should look like.
        rng: draws the held-out points.
        n: largest number of samples for distances.
        blur: of the Sinkhorn divergence, in data units.

    Raises:
        ValueError: samples that are not (m, 2) or not finite.
    """
    samples = check_samples(samples)
    some = samples[:n]
    real = target.sample(len(some), rng)
    with ThreadPoolExecutor(1) as other:  # two floors of a second each, whose solvers need no global lock
        of_real = other.submit(real_scores, target, len(some))
        floor = sinkhorn_floor(target, len(some), blur)
    enough = len(some) > NEIGHBOURS
    precision, recall = precision_recall(some, real) if enough else (None, None)
    found = {
        **mode_metrics(samples, target),
        "w2": wasserstein2(some, real),
        "stray": stray(some, real),
        **of_real.result(),
        "sinkhorn": sinkhorn(some, real, blur),
        "sinkhorn_floor": floor.mean,
        "sinkhorn_floor_std": floor.std,
        "blur": blur,
        "precision": precision,
        "recall": recall,
        "diversity": diversity(samples),
        "samples": len(samples),
        "samples_distance": len(some),
    }
    return in_file_units(found, target.units)


def mode_metrics(samples: Samples, target: Target) -> dict[str, Any]:
    """`coverage` of the target's modes; all values are None for a target without modes."""
    mixture = target.mixture()
    return dict.fromkeys(NAMES) if mixture is None else coverage(samples, mixture)
