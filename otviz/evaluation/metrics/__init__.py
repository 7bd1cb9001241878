"""Metrics of samples: modes, quality, and distances to the target with their noise floors.

Every metric comes with its sample size. A distance between finite samples is never 0: its noise floor is the distance
between two draws of the target of the same size, and only values above the floor are meaningful.
"""

from otviz.evaluation.metrics.all_metrics import measure, mode_metrics
from otviz.evaluation.metrics.distances import (
    NEIGHBOURS,
    check_samples,
    diversity,
    precision_recall,
    sinkhorn,
    stray,
    wasserstein2,
)  # fmt: skip
from otviz.evaluation.metrics.modes import GONE, UNKNOWN, WITHIN, coverage, lost_modes, relative_shares
from otviz.evaluation.metrics.noise_floors import DRAWS, Floor, real_scores, sinkhorn_floor, w2_floor, within_noise

__all__ = [
    "DRAWS", "GONE", "NEIGHBOURS", "UNKNOWN", "WITHIN", "Floor", "check_samples", "coverage", "diversity", "lost_modes",
    "measure", "mode_metrics", "precision_recall", "real_scores", "relative_shares", "sinkhorn", "sinkhorn_floor", "stray",
    "w2_floor", "wasserstein2", "within_noise",
]  # fmt: skip
