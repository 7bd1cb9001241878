"""U3 to U7 and 4.5: the unified family on the ring of 8 modes, seed by seed."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from otviz.experiments.base import Cost, Experiment, Number, Part, Values
from otviz.experiments.trainings import RING, from_preset, trained
from otviz.methods import named

TITLES = {"wgan": "WGAN (R1)", "wgan-gp": "WGAN-GP", "otm": "OTM", "uotm-no-cost": "UOTM without cost", "uotm": "UOTM",
          "uotm-sd": "UOTM-SD"}  # fmt: skip
HOW = (
    "The preset of the page Compare on the ring of 8 modes (radius 2, std 0.1), 5000 steps; the verdicts are those of "
    "otviz.verdicts, on 1000 samples for modes and 500 against 500 for W2."
)


def verdict_is(key: str, *kinds: str) -> Callable[[Values], bool]:
    """Whether the run under that key was judged so, by its samples or its stability."""
    return lambda got: got[key] in kinds or got.get(f"{key}_stability") in kinds


def _loses(key: str) -> Callable[[Values], bool]:
    return verdict_is(key, "collapsed", "unstable")


class Figure1(Experiment):
    """Who covers, who collapses, who mixes."""

    name = "u5"
    title = "Figure 1: cover, collapse, mixture"
    paper = "003"
    place = "Table 1; Fig 1 left; 3.2"
    claim = "Without cost modes get lost (WGAN, UOTM without cost), WGAN-GP mixes modes, with cost OTM and UOTM cover the ring."
    covers = ("U3", "U5", "4.5")
    cost: ClassVar[Cost] = "minutes"
    formula = (
        r"L_v = \overline{g_1(v(\hat y) - \tau|x - \hat y|^2)} + \overline{g_2(-v(y))} + \lambda R",
        r"L_T = \overline{\tau|x - \hat y|^2 - v(\hat y)}",
    )
    how = HOW
    numbers = tuple(
        number for key, title in TITLES.items() for number in (
            Number(key, f"{title}: verdicts of the seeds"),
            Number(f"{key}_modes_covered", f"{title}: modes of 8 with a quarter of their due or more"),
            Number(f"{key}_high_quality", f"{title}: share of samples on a mode"),
            Number(f"{key}_w2", f"{title}: W2 (length)"),
        )
    )  # fmt: skip
    parts = (
        Part("UOTM covers", verdict_is("uotm", "covers")),
        Part("OTM covers", verdict_is("otm", "covers")),
        Part("UOTM-SD covers", verdict_is("uotm-sd", "covers")),
        Part("UOTM without cost loses modes", verdict_is("uotm-no-cost", "collapsed")),
        Part("WGAN loses modes or shakes", _loses("wgan")),
        Part("WGAN-GP mixes modes", verdict_is("wgan-gp", "mixes modes")),
    )
    live = "compare?preset=figure-1"

    def measure(self, seed: int, quick: bool) -> dict[str, float | int | str]:
        methods, steps = from_preset("table-1")
        return trained({name: methods[name] for name in TITLES}, steps, seed, quick)


class LossCurves(Experiment):
    """Strong fluctuation of Id, calm of SP."""

    name = "u6"
    title = "Figure 1: loss curves"
    paper = "003"
    place = "Fig 1 right"
    claim = "With g = identity the losses fluctuate strongly, a gradient penalty damps that, and with SP they settle."
    covers = ("U6",)
    cost: ClassVar[Cost] = "minutes"
    formula = (
        r"L_v = \overline{g_1(v(\hat y) - \tau|x - \hat y|^2)} + \overline{g_2(-v(y))} + \lambda R",
        r"L_T = \overline{\tau|x - \hat y|^2 - v(\hat y)}",
        r"g = \mathrm{Id} \text{ against } g = \mathrm{SP}",
    )
    how = f"{HOW} The spread is the standard deviation of the generator loss about its trend in the last quarter."
    numbers = tuple(Number(f"{key}_loss_spread", f"{title}: spread of the loss") for key, title in TITLES.items())
    parts = (
        Part("OTM's loss spreads at least ten times as much as UOTM's", lambda got: _spread(got, "otm") > 10 * _spread(got, "uotm")),
        Part("WGAN's spreads at least ten times as much as UOTM's", lambda got: _spread(got, "wgan") > 10 * _spread(got, "uotm")),
        Part("WGAN-GP's spreads less than half as much as WGAN's", lambda got: _spread(got, "wgan-gp") < _spread(got, "wgan") / 2),
        Part("UOTM without cost is calm too: at most ten times UOTM's",
             lambda got: _spread(got, "uotm-no-cost") < 10 * _spread(got, "uotm")),
    )  # fmt: skip
    live = "compare?preset=figure-1&view=figure"

    def measure(self, seed: int, quick: bool) -> dict[str, float | int | str]:
        methods, steps = from_preset("table-1")
        return trained({name: methods[name] for name in TITLES}, steps, seed, quick)


def _spread(got: Values, key: str) -> float:
    return float(got.get(f"{key}_loss_spread", float("inf")))


class CostAndRecall(Experiment):
    """Table 2's question, asked of points."""

    name = "u7"
    title = "Does the cost keep modes? Table 2, on points"
    paper = "003"
    place = "Table 2, as an analogue in the plane"
    claim = "Adding the cost raises the share of the data that is reached: from WGAN to OTM and from UOTM without cost to UOTM."
    covers = ("U7",)
    cost: ClassVar[Cost] = "minutes"
    formula = (
        r"L_v = \overline{g_1(v(\hat y) - \tau|x - \hat y|^2)} + \overline{g_2(-v(y))} + \lambda R",
        r"L_T = \overline{\tau|x - \hat y|^2 - v(\hat y)}",
        r"\tau = 0 \text{ against } \tau > 0",
    )
    how = f"{HOW} Modes of 8 that are covered stand for recall; the paper's own numbers are of images."
    numbers = (
        Number("wgan_modes_covered", "modes covered by WGAN", "recall 0.02 on CIFAR-10"),
        Number("otm_modes_covered", "modes covered by OTM", "recall 0.49 on CIFAR-10"),
        Number("uotm-no-cost_modes_covered", "modes covered by UOTM without cost", "recall 0.13 on CIFAR-10"),
        Number("uotm_modes_covered", "modes covered by UOTM", "recall 0.62 on CIFAR-10"),
    )
    parts = (
        Part(
            "UOTM covers more modes than UOTM without cost",
            lambda got: _modes(got, "uotm") > _modes(got, "uotm-no-cost"),
        ),
        Part("OTM covers more modes than WGAN", lambda got: _modes(got, "otm") > _modes(got, "wgan")),
    )
    live = "compare?preset=table-1"

    def measure(self, seed: int, quick: bool) -> dict[str, float | int | str]:
        methods, steps = from_preset("table-1")
        return trained({name: methods[name] for name in ("wgan", "otm", "uotm-no-cost", "uotm")}, steps, seed, quick)


def _modes(got: Values, key: str) -> int:
    return int(got.get(f"{key}_modes_covered", 0))


class RegulariserNeeded(Experiment):
    """R1 on WGAN and OTM, because they diverge without."""

    name = "u4"
    title = "WGAN and OTM need R1, UOTM does not"
    paper = "003"
    place = "3.2"
    claim = "WGAN and OTM diverge without a regulariser; UOTM does without it."
    covers = ("U4",)
    cost: ClassVar[Cost] = "minutes"
    formula = (
        r"L_v = \overline{g_1(v(\hat y) - \tau|x - \hat y|^2)} + \overline{g_2(-v(y))} + \lambda R",
        r"L_T = \overline{\tau|x - \hat y|^2 - v(\hat y)}",
        r"R = |\nabla v(y)|^2",
        r"\lambda = 0",
    )
    how = f"{HOW} Penalty weight 0 for all three."
    numbers = tuple(
        number for key in ("wgan", "otm", "uotm") for number in (
            Number(key, f"{TITLES[key]}, λ = 0: verdicts of the seeds"),
            Number(f"{key}_loss_spread", f"{TITLES[key]}, λ = 0: spread of the loss"),
        )
    )  # fmt: skip
    parts = (
        Part("OTM does not cover without R1", lambda got: got["otm"] != "covers"),
        Part("WGAN does not cover without R1", lambda got: got["wgan"] != "covers"),
        Part("UOTM covers without R1", verdict_is("uotm", "covers")),
    )
    live = "train?method=otm&penalty_weight=0.0"

    def measure(self, seed: int, quick: bool) -> dict[str, float | int | str]:
        fast = {"lr": "0.001", "adversary_lr": "0.001", "penalty_weight": "0"}
        methods = {name: named(name).parse(fast) for name in ("wgan", "otm", "uotm")}
        return trained(methods, 5000, seed, quick, RING)
