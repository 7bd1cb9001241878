"""Trainings shared by claims: run once per config, cached as points and losses, and measured on demand.

Points are cached, not scores, so that changes of metrics or verdict rules need no new training.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from otviz.data.target import Target
from otviz.evaluation.metrics import coverage, real_scores
from otviz.evaluation.verdicts import LATE, verdict
from otviz.experiments.cached_trainings import cached
from otviz.runs.config import RunConfig
from otviz.runs.probe import scores
from otviz.runs.snapshots import Meter
from otviz.training.ahead import can_build
from otviz.training.loop import Training

LOOKS = 40
"""Snapshots of a run, equally spaced."""

POINTS, DISTANT = 1000, 500
"""Generated points per snapshot, and the number used for W2, precision and recall, with as many real ones."""

LAST = 4
"""Last snapshots (a tenth of the run) whose mean is the result, since a single one depends on modes that come and go."""


COMPILED = 1000
"""Number of steps above which compiling the updates of the unified family is faster; runs of a process share it."""


LATELY = ("w2", "high_quality", "mode_mixture", "modes_covered", "least_mode", "precision", "recall")
"""Scores of a snapshot; least_mode is the weight of the smallest mode, relative to the data."""


class Trajectory(NamedTuple):
    """The snapshots of a training on points.

    Attributes:
        steps: of the snapshots, (L,), from 0; they end early if the weights become NaN or infinite.
        points: of the same latents in every snapshot, (L, POINTS, 2), float32.
        scale: standard deviation of the adversary's output on 1000 data points in every snapshot, (L,), in the unit of its
            output; 0 without adversary.
        losses: of every step, (n, 2): generator, adversary; nan without an update.
    """

    steps: NDArray[np.int64]
    points: NDArray[np.float32]
    scale: NDArray[np.float64]
    losses: NDArray[np.float32]

    def spread(self, first: float, last: float) -> float:
        """Standard deviation of the generator's loss about its trend between two shares of the run; nan if not finite."""
        n = len(self.losses)
        part = self.losses[int(first * n) : int(last * n), 0].astype(np.float64)
        part = part[~np.isnan(part)]
        if len(part) < 8 or not np.isfinite(part).all():
            return math.nan
        return about_trend(part)

    def level(self, first: float, last: float) -> float:
        """Mean of the generator's loss between two shares of the run; nan if not finite."""
        n = len(self.losses)
        return float(np.nanmean(self.losses[int(first * n) : int(last * n), 0].astype(np.float64)))


def about_trend(values: NDArray[np.float64]) -> float:
    """Standard deviation of values (n,) about their linear trend."""
    at = np.linspace(-1, 1, len(values))
    return float(np.std(values - np.polyval(np.polyfit(at, values, 1), at)))


def trajectory(config: RunConfig) -> Trajectory:
    """The trajectory of a run: cached by this version of otviz, or trained now."""
    rng, noise = np.random.default_rng([config.seed, 7]), torch.Generator().manual_seed(config.seed + 7)
    x = torch.from_numpy(config.source.sample(POINTS, rng))
    z = torch.randn(POINTS, config.method.noise_dim, generator=noise)
    y = torch.from_numpy(config.target.sample(POINTS, rng))

    def look(training: Training) -> Mapping[str, NDArray[Any]] | None:
        with torch.no_grad():
            made = training.eval_generator(x, z)
        if not bool(made.isfinite().all()):
            return None
        return {"points": made.numpy().astype(np.float32), "scale": np.array(_scale(training, y))}

    looks = sorted({round(config.steps * part / LOOKS) for part in range(LOOKS + 1)})
    return Trajectory(**cached("films", config, lambda: _begun(config), looks, look))


def measured(made: Trajectory, config: RunConfig) -> dict[str, float | int | str]:
    """Verdict ("kind" and "stability") and metrics of a trajectory, without those that are not finite.

    w2, precision and recall use DISTANT points, all others POINTS; they are means over the last snapshots.
    """
    target = config.target
    real = target.sample(DISTANT, np.random.default_rng([config.seed, 13]))
    late = LATE * made.steps[-1]
    meters = [
        _meter(points, target) | (_distances(points, real, target) if step == 0 or step > late else {})
        for step, points in zip(made.steps, made.points, strict=True)
    ]
    alive = made.steps[-1] >= config.steps
    last = meters[-LAST:] if alive else []
    found: dict[str, float] = {
        name: float(np.mean([meter[name] for meter in last])) if last else math.nan
        for name in LATELY
        if name in meters[0]
    }
    found |= {
        "w2_floor": real_scores(target, DISTANT)["w2_floor"],
        "loss_spread": made.spread(0.75, 1), "loss_spread_early": made.spread(0.25, 0.5), "loss_level": made.level(0.75, 1),
        "scale": float(np.mean(made.scale[-LAST:])), "scale_early": float(np.mean(made.scale[LAST : 2 * LAST])),
    }  # fmt: skip
    words = verdict(list(zip(made.steps.tolist(), meters, strict=True)), made.losses, config.steps)
    return {
        "kind": words.kind,
        "stability": words.stability,
        **{name: value for name, value in found.items() if math.isfinite(value)},
    }


def _begun(config: RunConfig) -> Training:
    """The training before its first step, compiled if that is faster and there is a C++ compiler."""
    training = config.begin("cpu")
    training.compile = config.steps >= COMPILED and config.method.can_compile and can_build()
    return training


def _scale(training: Training, y: torch.Tensor) -> float:
    if training.adversary is None:
        return 0.0
    with torch.no_grad():
        seen = training.adversary(y)
        return float((seen - seen.mean(0)).square().sum(1).mean().sqrt())


def _meter(points: NDArray[np.float32], target: Target) -> Meter:
    """Modes and quality of a snapshot, as in `otviz.runs.probe`."""
    mixture = target.mixture()
    if mixture is None:
        return {"samples": POINTS}
    found = coverage(points, mixture)
    least = float((np.array(found["mode_shares"]) / mixture.weights).min())
    return {"samples": POINTS, **found, "least_mode": least}


def _distances(points: NDArray[np.float32], real: NDArray[np.floating], target: Target) -> Meter:
    """The slower metrics, measured only where verdicts need them."""
    return scores(points[:DISTANT], real) | dict(real_scores(target, DISTANT))
