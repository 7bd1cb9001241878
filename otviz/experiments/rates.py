"""5.2 ARC: how steep the potential gets, method by method."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from otviz.experiments.base import Cost, Effect, Experiment, Number, Part, number_of
from otviz.experiments.family import TITLES
from otviz.experiments.trainings import QUICK_STEPS, RING, from_preset
from otviz.laboratory.potential import rates_now
from otviz.training import start

METHODS = ("wgan", "otm", "uotm-no-cost", "uotm")
STEPS, LOOKS = 5000, 10


class RatesOfChange(Experiment):
    """Figure 6, as far as it is known."""

    name = "u-arc"
    title = "Only UOTM's potential stays gently sloped"
    paper = "003"
    place = "section 5, Fig 6 (not in our copy)"
    claim = (
        "Of WGAN, OTM, UOTM without cost and UOTM only UOTM keeps the average rate of change of its potential bounded."
    )
    covers = ("5.2 ARC",)
    cost: ClassVar[Cost] = "minutes"
    formula = (r"\mathrm{ARC} = \overline{\frac{|v(y) - v(\hat y)|}{|y - \hat y|}}",)
    how = (
        "Definition and claim are from memory and a reading note: our copy of the paper ends before both, so this is a lead, "
        "not a check. The presets of the page Compare (R1 where the paper has it) on the ring of 8 modes, 5000 steps; the mean "
        "rate between 1000 generated and 1000 data points at ten looks in the second half. Bounded is read twice: it is smaller "
        "than that of the others, and the largest look is at most twice the smallest."
    )
    numbers = tuple(
        Number(f"{name}_{key}", f"{TITLES[name]}: {words}")
        for name in METHODS
        for key, words in (("mean", "mean rate (per length)"), ("largest", "largest of ten looks"),
                           ("ratio", "largest over smallest"))
    )  # fmt: skip
    parts = (
        Effect("UOTM's is gently sloped: the largest rate of each other is at least twice UOTM's",
               "ratio of the least of the others' largest rates to UOTM's", lambda got: (
                   min(number_of(got, f"{name}_largest") for name in METHODS if name != "uotm") / number_of(got, "uotm_largest")
               ), low=2, ratio=True),
        Part("UOTM's is bounded: no look is above twice another", lambda got: number_of(got, "uotm_ratio") <= 2),
        Part("that of WGAN is not", lambda got: number_of(got, "wgan_ratio") > 2),
        Part("that of OTM is not", lambda got: number_of(got, "otm_ratio") > 2),
        Part("that of UOTM without cost is not", lambda got: number_of(got, "uotm-no-cost_ratio") > 2),
    )  # fmt: skip
    live = "compare?preset=figure-1&view=weights"

    def measure(self, seed: int, quick: bool) -> dict[str, float | int | str]:
        methods, steps = from_preset("table-1")[0], QUICK_STEPS if quick else STEPS
        found: dict[str, float | int | str] = {}
        for name in METHODS:
            training = start(methods[name], RING, steps=steps, seed=seed, device="cpu")
            rates = []
            for step in range(1, steps + 1):
                training.advance()
                if step > steps // 2 and step % (steps // 2 // LOOKS) == 0:
                    rates.append(float(rates_now(training, seed=seed).mean()))
            found[f"{name}_mean"] = float(np.mean(rates))
            found |= {f"{name}_largest": max(rates), f"{name}_ratio": max(rates) / min(rates)}
        return found
