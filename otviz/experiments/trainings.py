"""Trainings in the plane that several claims share, judged by the rules of `otviz.evaluation.verdicts`."""

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
"""The ring of 8 modes on which presets and rules were tuned."""

QUICK_STEPS = 40
"""Steps of a quick run, which only shows that it works."""


def trained(
    methods: Mapping[str, Method], steps: int, seed: int, quick: bool, target: Distribution = RING
) -> dict[str, float | int | str]:
    """Train each method and measure it.

    Args:
        methods: by key.
        steps, seed: of each training.
        quick: whether to train the short form.
        target: what to train on.

    Returns:
        verdicts under "<key>" and "<key>_stability", numbers under "<key>_<measure>".
    """
    found: dict[str, float | int | str] = {}
    for key, method in methods.items():
        config = RunConfig(method, target, steps=QUICK_STEPS if quick else steps, seed=seed, device="cpu")
        scores = measured(trajectory(config), config)
        found[key] = scores.pop("kind")
        found |= {f"{key}_{name}": value for name, value in scores.items()}
    return found


def from_preset(name: str) -> tuple[dict[str, Method], int]:
    """The methods of a comparison by name (names must differ), and its number of steps."""
    chosen = presets()[name]
    return {method.name: method for method in chosen.methods}, chosen.steps


MEASURES = {
    "w2": "W2 (length)", "high_quality": "share of samples on a mode", "mode_mixture": "share of samples between modes",
    "modes_covered": "modes of 8 found", "least_mode": "weight of the smallest mode, relative to the data", "precision": "precision",
    "recall": "recall", "loss_spread": "spread of the loss", "loss_spread_early": "spread of the loss, second quarter",
    "loss_level": "mean loss", "scale": "spread of the adversary's output on data", "scale_early": "the same, early in the run (10 to 20 %)",
}  # fmt: skip
"""Names and labels of the measures of a training. Scores are means over the last tenth of the run, losses over the last
quarter."""


def numbers(titles: Mapping[str, str], *measures: str) -> tuple[Number, ...]:
    """Numbers for the verdict and these measures of each training, by key."""
    return tuple(
        number for key, title in titles.items() for number in (
            Number(key, f"{title}: verdicts over the seeds"),
            *(Number(f"{key}_{measure}", f"{title}: {MEASURES[measure]}") for measure in measures),
        )
    )  # fmt: skip


def verdict_is(says: str, key: str, *kinds: str) -> Part:
    """The part that a training has one of these verdicts.

    Args:
        says: the part, in words.
        key: of the training, or of its stability.
        kinds: the accepted verdicts.
    """
    return Part(says, lambda got: bool({got[key], got.get(f"{key}_stability")} & set(kinds)))


def level(
    says: str, key: str, measure: str, low: float = -math.inf, high: float = math.inf, instead: bool = False
) -> Effect:
    """The part that a measure of a training is in a range.

    Args:
        says: the part, in words.
        key: of the training.
        measure: name of the measure.
        low, high: the range.
        instead: as in `Finding`.
    """
    return Effect(says, MEASURES[measure], lambda got: number_of(got, f"{key}_{measure}"), low, high, instead=instead)


def gap(
    says: str, more: str, less: str, measure: str, low: float = 0.0, high: float = math.inf, instead: bool = False
) -> Effect:
    """The part that a measure of one training minus that of another is in a range, by default above 0.

    Args:
        says, measure, low, high, instead: as for `level`.
        more, less: keys of the two trainings.
    """
    return Effect(
        says, f"difference of {MEASURES[measure]}",
        lambda got: number_of(got, f"{more}_{measure}") - number_of(got, f"{less}_{measure}"), low, high, instead=instead,
    )  # fmt: skip


def times(says: str, more: str, less: str, measure: str, low: float = 1.0, high: float = math.inf) -> Effect:
    """The part that a measure of one training divided by that of another is in a range, by default above 1.

    Args:
        says, more, less, measure, low, high: as for `gap`.
    """
    return Effect(
        says, f"ratio of {MEASURES[measure]}",
        lambda got: number_of(got, f"{more}_{measure}") / number_of(got, f"{less}_{measure}"), low, high, ratio=True,
    )  # fmt: skip


def frechet_ratio(says: str, above: str, below: str, instead: bool = False) -> Effect:
    """The part that images of one training have a larger Fréchet distance than those of another.

    Args:
        says, instead: as for `level`.
        above, below: keys of the two trainings.
    """
    return Effect(
        says, "ratio of Fréchet distances",
        lambda got: number_of(got, f"{above}_frechet") / number_of(got, f"{below}_frechet"), low=1, ratio=True, instead=instead,
    )  # fmt: skip
