"""A constructed example in which the notebook's diversity does not detect a collapse."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otviz.data.distributions.ring import Ring
from otviz.evaluation.metrics import coverage, diversity, real_scores, wasserstein2
from otviz.evaluation.verdicts.rules import judge
from otviz.evaluation.verdicts.wording import Judgement

DISTANCE = 500
"""Number of points for W2."""


@dataclass(frozen=True)
class DiversityExample:
    """A constructed collapse that diversity does not detect. `label` says that no run produced these samples."""

    label: str
    samples: NDArray[np.float32]
    target: NDArray[np.float32]
    diversity: float
    target_diversity: float
    verdict: Judgement


def notebook_diversity_example(n: int = 1000, seed: int = 0) -> DiversityExample:
    """n samples on two opposite modes of the notebook's ring: its diversity is the target's, radius^2 / 2 + std^2 = 4.5625.

    Each mode gets exactly half of them, so that the value does not depend on the draw (Fuge 2025, section 11.2).
    """
    ring, rng = Ring(), np.random.default_rng(seed)
    centres = ring.mixture().centres[[0, ring.modes // 2]]
    samples = (centres[np.arange(n) % 2] + ring.std * rng.standard_normal((n, 2))).astype(np.float32)
    real = ring.sample(min(n, DISTANCE), rng)
    distances = {"w2": wasserstein2(samples[: len(real)], real), **real_scores(ring, len(real)), "samples": n}
    return DiversityExample(
        label="Made-up example, not a run: two opposite modes of eight",
        samples=samples,
        target=real,
        diversity=diversity(samples),
        target_diversity=ring.radius**2 / 2 + ring.std**2,
        verdict=judge({**coverage(samples, ring.mixture()), **distances}),
    )
