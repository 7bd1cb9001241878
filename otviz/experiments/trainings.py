"""Trainings in the plane that several claims rest on, measured and judged by the rules of `otviz.evaluation.verdicts`."""

from __future__ import annotations

import math
from collections.abc import Mapping

from otviz.data.distributions import Distribution
from otviz.data.distributions.ring import Ring
from otviz.experiments.experiment import Effect, Number, Part, number_of
from otviz.experiments.trajectories import measured, trajectory
from otviz.methods import Method
from otviz.runs.config import RunConfig
from otviz.training.compare import presets

RING = Ring(radius=2.0, std=0.1)
"""8 modes: what presets and rules were set on."""

QUICK_STEPS = 40
"""Of a quick run: enough to see that it runs, not what comes of it."""


def trained(
    methods: Mapping[str, Method], steps: int, seed: int, quick: bool, target: Distribution = RING
) -> dict[str, float | int | str]:
    """Train each method from this seed; its verdict under "<key>" and "<key>_stability", its numbers under "<key>_<measure>"."""
    found: dict[str, float | int | str] = {}
    for key, method in methods.items():
        config = RunConfig(method, target, steps=QUICK_STEPS if quick else steps, seed=seed, device="cpu")
        scores = measured(trajectory(config), config)
        found[key] = scores.pop("kind")
        found |= {f"{key}_{name}": value for name, value in scores.items()}
    return found


def from_preset(name: str) -> tuple[dict[str, Method], int]:
    """The methods of a comparison by their names, which must differ, and its steps."""
    chosen = presets()[name]
    return {method.name: method for method in chosen.methods}, chosen.steps


MEASURES = {
    "w2": "W2 (length)", "high_quality": "share of samples on a mode", "mode_mixture": "share of samples between modes",
    "modes_covered": "modes of 8 found", "least_mode": "weight of the smallest mode, relative to the data", "precision": "precision",
    "recall": "recall", "loss_spread": "spread of the loss", "loss_spread_early": "spread of the loss, second quarter",
    "loss_level": "mean loss", "scale": "spread of the adversary's output on data", "scale_early": "the same, early in the run (10 to 20 %)",
}  # fmt: skip
"""Names of numbers of a training, and what to call them. Scores are means over the last tenth of the run, losses of its last
quarter."""


def numbers(titles: Mapping[str, str], *measures: str) -> tuple[Number, ...]:
    """The verdict of each training by its key, and these measures of it."""
    return tuple(
        number for key, title in titles.items() for number in (
            Number(key, f"{title}: verdicts over the seeds"),
            *(Number(f"{key}_{measure}", f"{title}: {MEASURES[measure]}") for measure in measures),
        )
    )  # fmt: skip


def verdict_is(says: str, key: str, *kinds: str) -> Part:
    """The part that a training is judged so, by its samples or by its stability."""
    return Part(says, lambda got: bool({got[key], got.get(f"{key}_stability")} & set(kinds)))


def level(
    says: str, key: str, measure: str, low: float = -math.inf, high: float = math.inf, instead: bool = False
) -> Effect:
    """The part that a measure of a training lies in a range."""
    return Effect(says, MEASURES[measure], lambda got: number_of(got, f"{key}_{measure}"), low, high, instead=instead)


def gap(
    says: str, more: str, less: str, measure: str, low: float = 0.0, high: float = math.inf, instead: bool = False
) -> Effect:
    """The part that a measure of one training, less that of another, lies in a range: above 0 if not said otherwise."""
    return Effect(
        says, f"difference of {MEASURES[measure]}",
        lambda got: number_of(got, f"{more}_{measure}") - number_of(got, f"{less}_{measure}"), low, high, instead=instead,
    )  # fmt: skip


def times(says: str, more: str, less: str, measure: str, low: float = 1.0, high: float = math.inf) -> Effect:
    """The part that a measure of one training, over that of another, lies in a range: above 1 if not said otherwise."""
    return Effect(
        says, f"ratio of {MEASURES[measure]}",
        lambda got: number_of(got, f"{more}_{measure}") / number_of(got, f"{less}_{measure}"), low, high, ratio=True,
    )  # fmt: skip
