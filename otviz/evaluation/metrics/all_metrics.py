"""All metrics of a set of generated samples at once."""

from __future__ import annotations

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
    """Every metric of generated samples (m, 2), data units, against the target, as plain values that JSON takes.

    Lengths, `blur` among them, are returned in the units of the target's file, squared ones in their square; `unit` names
    them (see `otviz.data.units`).

    Distances use the first n samples and as many held-out points; shares and diversity use all m. `w2_floor` and
    `sinkhorn_floor` are means over pairs of real draws of this size (see `otviz.evaluation.metrics.noise_floors`), with their standard
    deviations under `..._std`; `precision_floor` and `recall_floor` are what real points reach. What needs modes is None
    where the target has none, as are precision and recall of 3 samples or fewer.

    Raises ValueError for samples that are not (m, 2) or not finite.
    """
    samples = check_samples(samples)
    some = samples[:n]
    real = target.sample(len(some), rng)
    floor = sinkhorn_floor(target, len(some), blur)
    enough = len(some) > NEIGHBOURS
    precision, recall = precision_recall(some, real) if enough else (None, None)
    found = {
        **mode_metrics(samples, target),
        "w2": wasserstein2(some, real),
        "stray": stray(some, real),
        **real_scores(target, len(some)),
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
    """`coverage` of the target's modes, or the same keys with None where it has none."""
    mixture = target.mixture()
    return dict.fromkeys(NAMES) if mixture is None else coverage(samples, mixture)
