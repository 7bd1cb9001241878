"""U3 to U7 and 4.5: the unified family on the ring of 8 modes, seed by seed."""

from __future__ import annotations

from typing import ClassVar

from otviz.experiments.base import Cost, Effect, Experiment, number_of
from otviz.experiments.trainings import from_preset, gap, level, numbers, times, trained, verdict_is
from otviz.robustness.sweep import with_knob

TITLES = {"wgan": "WGAN (R1)", "wgan-gp": "WGAN-GP", "otm": "OTM", "uotm-no-cost": "UOTM without cost", "uotm": "UOTM",
          "uotm-sd": "UOTM-SD"}  # fmt: skip
HOW = (
    "The preset of the page Compare on the ring of 8 modes (radius 2, std 0.1), 5000 steps; the verdicts are those of "
    "otviz.verdicts, on 1000 samples for modes and 500 against 500 for W2, precision and recall; numbers are means over the "
    "last tenth of the run."
)
LOSSES = (
    r"L_v = \overline{g_1(v(\hat y) - \tau|x - \hat y|^2)} + \overline{g_2(-v(y))} + \lambda R",
    r"L_T = \overline{\tau|x - \hat y|^2 - v(\hat y)}",
)
SPREAD = "The spread is the standard deviation of the generator loss about its trend in the last quarter."


def _stays_calm(key: str) -> Effect:
    return Effect(
        f"{TITLES[key]}'s loss stays calm: its spread does not double",
        "ratio of its spread in the last quarter to that in the second",
        lambda got: number_of(got, f"{key}_loss_spread") / number_of(got, f"{key}_loss_spread_early"),
        high=2,
        ratio=True,
    )


def _grows(key: str) -> Effect:
    return Effect(
        f"{TITLES[key].removesuffix(' (R1)')}'s loss diverges without R1: its spread grows", "ratio of its spread in the last quarter to that in the second",
        lambda got: number_of(got, f"{key}_loss_spread") / number_of(got, f"{key}_loss_spread_early"), low=1, ratio=True,
    )  # fmt: skip


class Figure1(Experiment):
    """Who covers, who collapses, who mixes."""

    name = "u5"
    title = "Figure 1: cover, collapse, mixture"
    paper = "003"
    place = "Table 1; Fig 1 left; 3.2"
    claim = "Without cost modes get lost (WGAN, UOTM without cost), WGAN-GP mixes modes, with cost OTM and UOTM cover the ring."
    covers = ("U3", "U5", "4.5")
    cost: ClassVar[Cost] = "minutes"
    formula = LOSSES
    how = HOW
    numbers = numbers(TITLES, "modes_covered", "least_mode", "high_quality", "mode_mixture", "w2")
    parts = (
        verdict_is("UOTM covers", "uotm", "covers"),
        verdict_is("OTM covers", "otm", "covers"),
        verdict_is("UOTM-SD covers", "uotm-sd", "covers"),
        level("UOTM without cost loses a mode: its smallest has less than a quarter of its due",
              "uotm-no-cost", "least_mode", high=0.25),
        level("WGAN loses a mode likewise", "wgan", "least_mode", high=0.25),
        gap("WGAN-GP has more samples between modes than UOTM", "wgan-gp", "uotm", "mode_mixture"),
        level("WGAN-GP mixes modes: 30 % of its samples or more lie between them", "wgan-gp", "mode_mixture", low=0.3),
    )  # fmt: skip
    live = "compare?preset=figure-1"

    def measure(self, seed: int, quick: bool) -> dict[str, float | int | str]:
        return _of_table_1(seed, quick, *TITLES)


class LossCurves(Experiment):
    """Strong fluctuation of Id, calm of SP."""

    name = "u6"
    title = "Figure 1: loss curves"
    paper = "003"
    place = "Fig 1 right"
    claim = "With g = identity the losses fluctuate strongly, a gradient penalty damps that, and with SP they settle."
    covers = ("U6",)
    cost: ClassVar[Cost] = "minutes"
    formula = (*LOSSES, r"g = \mathrm{Id} \text{ against } g = \mathrm{SP}")
    how = f"{HOW} {SPREAD}"
    numbers = numbers(TITLES, "loss_spread", "loss_spread_early")
    parts = (
        times("OTM's loss spreads at least ten times as much as UOTM's", "otm", "uotm", "loss_spread", 10),
        times("WGAN's spreads at least ten times as much as UOTM's", "wgan", "uotm", "loss_spread", 10),
        times("WGAN-GP's spreads less than half as much as WGAN's", "wgan", "wgan-gp", "loss_spread", 2),
        times("UOTM without cost is calmer than OTM", "otm", "uotm-no-cost", "loss_spread"),
        times("UOTM-SD is calmer than OTM", "otm", "uotm-sd", "loss_spread"),
        _stays_calm("uotm"),
        _stays_calm("uotm-no-cost"),
    )
    live = "compare?preset=figure-1&view=figure"

    def measure(self, seed: int, quick: bool) -> dict[str, float | int | str]:
        return _of_table_1(seed, quick, *TITLES)


class RegulariserNeeded(Experiment):
    """R1 on WGAN and OTM, because they diverge without."""

    name = "u4"
    title = "WGAN and OTM need R1, UOTM does not"
    paper = "003"
    place = "3.2"
    claim = "WGAN and OTM diverge without a regulariser; UOTM does without it."
    covers = ("U4",)
    cost: ClassVar[Cost] = "minutes"
    formula = (*LOSSES, r"R = |\nabla v(y)|^2", r"\lambda = 0")
    how = f"{HOW} Each once with R1, as in the preset, and once with penalty weight 0. {SPREAD}"
    numbers = numbers(
        {key: f"{title}, {how}" for name, title in (("wgan", "WGAN"), ("otm", "OTM"), ("uotm", "UOTM"))
         for key, how in ((f"{name}-r1", "with R1"), (name, "λ = 0"))},
        "loss_spread", "loss_spread_early", "scale", "w2", "high_quality", "least_mode",
    )  # fmt: skip
    parts = (
        times("OTM's loss spreads at least twice as much without R1", "otm", "otm-r1", "loss_spread", 2),
        times("so does WGAN's", "wgan", "wgan-r1", "loss_spread", 2),
        _grows("otm"),
        _grows("wgan"),
        times("OTM's potential is at least twice as large without R1", "otm", "otm-r1", "scale", 2),
        times("so is WGAN's", "wgan", "wgan-r1", "scale", 2),
        level("UOTM's loss stays calm without R1: its spread is below 1", "uotm", "loss_spread", high=1),
        verdict_is("UOTM covers without R1", "uotm", "covers"),
        gap("WGAN's samples suffer without R1 (W2)", "wgan", "wgan-r1", "w2"),
        gap("OTM's samples suffer without R1 (W2)", "otm", "otm-r1", "w2"),
        gap("OTM's samples suffer without R1 (share on a mode)", "otm-r1", "otm", "high_quality"),
    )
    live = "train?method=otm&penalty_weight=0.0"

    def measure(self, seed: int, quick: bool) -> dict[str, float | int | str]:
        with_r1, steps = from_preset("table-1")
        names = ("wgan", "otm", "uotm")
        without = {name: with_knob(with_r1[name], "penalty_weight", 0.0) for name in names}
        found = trained({f"{name}-r1": with_r1[name] for name in names}, steps, seed, quick)
        return found | trained(without, steps, seed, quick)


def _of_table_1(seed: int, quick: bool, *names: str) -> dict[str, float | int | str]:
    methods, steps = from_preset("table-1")
    return trained({name: methods[name] for name in names}, steps, seed, quick)
