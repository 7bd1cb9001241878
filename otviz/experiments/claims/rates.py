"""The steepness of the potential, by method."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from otviz.clouds.laboratory.potential import rates_now
from otviz.experiments.cached_trainings import cached
from otviz.experiments.charts import Dots, Row
from otviz.experiments.claims.family import TITLES
from otviz.experiments.experiment import SECOND_HAND, Cost, Effect, Experiment, Number, Part, number_of
from otviz.experiments.trainings import QUICK_STEPS, RING, from_preset
from otviz.runs.config import RunConfig
from otviz.training.loop import Training

METHODS = ("wgan", "otm", "uotm-no-cost", "uotm")
STEPS, LOOKS = 5000, 10


class RatesOfChange(Experiment):
    """The average rate of change of the potential."""

    name = "potential-slope"
    title = "Only UOTM's potential stays gently sloped"
    paper = "choi"
    place = "Section 5, Fig. 6"
    claim = (
        "Of WGAN, OTM, UOTM without cost and UOTM only UOTM keeps the average rate of change of its potential bounded."
    )
    summary_template = "Largest rate of change: UOTM {uotm_largest}, UOTM without cost {uotm-no-cost_largest}, OTM {otm_largest}, WGAN {wgan_largest}."
    chart = Dots(
        "largest average rate of change (per length)",
        tuple(
            Row(TITLES[name].removesuffix(" (R1)"), f"{name}_largest")
            for name in ("uotm", "uotm-no-cost", "otm", "wgan")
        ),
        log=True,
    )
    order = 90
    cost: ClassVar[Cost] = "minutes"
    formula = (r"\mathrm{ARC} = \overline{\frac{|v(y) - v(\hat y)|}{|y - \hat y|}}",)
    how = (
        f"{SECOND_HAND} So is the definition of the rate: this is a first look, not a check. The presets of the page Compare (R1 "
        "where the paper has it) on the ring of 8 modes, 5000 steps. The rate is the mean between 1000 generated and 1000 data points, at ten "
        "times in the second half of the run. Bounded is read in two ways: the rate is smaller than that of the others, and its largest value "
        "is at most twice its smallest."
    )
    numbers = tuple(
        Number(f"{name}_{key}", f"{TITLES[name]}: {words}")
        for name in METHODS
        for key, words in (("mean", "mean rate (per length)"), ("largest", "largest rate of ten"),
                           ("ratio", "largest ÷ smallest rate"))
    )  # fmt: skip
    parts = (
        Effect("UOTM's potential is gently sloped: the largest rate of every other is at least twice UOTM's",
               "ratio of the next largest rate to UOTM's", lambda got: (
                   min(number_of(got, f"{name}_largest") for name in METHODS if name != "uotm") / number_of(got, "uotm_largest")
               ), low=2, ratio=True),
        Part("UOTM's rate is bounded: the largest is at most twice the smallest", lambda got: number_of(got, "uotm_ratio") <= 2),
        Part("WGAN's rate is not bounded", lambda got: number_of(got, "wgan_ratio") > 2),
        Part("OTM's rate is not bounded", lambda got: number_of(got, "otm_ratio") > 2),
        Part("the rate of UOTM without cost is not bounded", lambda got: number_of(got, "uotm-no-cost_ratio") > 2),
    )  # fmt: skip
    live = "compare?preset=figure-1&view=weights"

    def measure(self, seed: int, quick: bool) -> dict[str, float | int | str]:
        methods, steps = from_preset("table-1")[0], QUICK_STEPS if quick else STEPS
        looks = [step for step in range(steps // 2 + 1, steps + 1) if step % (steps // 2 // LOOKS) == 0]

        def look(training: Training) -> dict[str, Any]:
            return {"rates": np.array(float(rates_now(training, seed=seed).mean()))}

        found: dict[str, float | int | str] = {}
        for name in METHODS:
            config = RunConfig(methods[name], RING, steps=steps, seed=seed, device="cpu")
            rates = cached("rates", config, config.begin, looks, look)["rates"].tolist()
            found[f"{name}_mean"] = float(np.mean(rates))
            found |= {f"{name}_largest": max(rates), f"{name}_ratio": max(rates) / min(rates)}
        return found
