"""The unified family on the ring of 8 modes, seed by seed."""

from __future__ import annotations

from typing import ClassVar

from otviz.experiments.charts import Dots, Row
from otviz.experiments.experiment import Cost, Effect, Experiment, number_of
from otviz.experiments.sweeps.sweep import with_knob
from otviz.experiments.trainings import from_preset, gap, level, numbers, times, trained, verdict_is

TITLES = {"wgan": "WGAN (R1)", "wgan-gp": "WGAN-GP", "otm": "OTM", "uotm-no-cost": "UOTM without cost", "uotm": "UOTM",
          "uotm-sd": "UOTM-SD"}  # fmt: skip
HOW = (
    "The preset of the page Compare: the ring of 8 modes (radius 2, standard deviation 0.1), 5000 steps. Modes are counted on 1000 samples; "
    "W2, precision and recall compare 500 samples with 500 data points. Numbers are means over the last tenth of the run; verdicts follow "
    "the rules of otviz."
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

    name = "cover-or-collapse"
    steps = 6 * 5000
    title = "Without transport cost modes get lost; with it all are covered"
    paper = "choi"
    place = "Section 3.2, Fig. 1 (left), Table 1"
    claim = "Without cost modes get lost (WGAN, UOTM without cost), WGAN-GP mixes modes, and with cost OTM and UOTM cover the ring."
    summary_template = (
        "Weight of the smallest mode, relative to the data: UOTM {uotm_least_mode:percent}, OTM {otm_least_mode:percent}, UOTM "
        "without cost {uotm-no-cost_least_mode:percent}, WGAN {wgan_least_mode:percent}."
    )
    chart = Dots(
        "weight of the smallest mode, relative to the data",
        (
            Row("UOTM", "uotm_least_mode"),
            Row("UOTM-SD", "uotm-sd_least_mode"),
            Row("OTM", "otm_least_mode"),
            Row("UOTM without cost", "uotm-no-cost_least_mode", high=0.25),
            Row("WGAN", "wgan_least_mode", high=0.25),
            Row("WGAN-GP", "wgan-gp_least_mode"),
        ),
    )
    order = 10
    cost: ClassVar[Cost] = "minutes"
    formula = LOSSES
    how = HOW
    numbers = numbers(TITLES, "modes_covered", "least_mode", "high_quality", "mode_mixture", "w2")
    parts = (
        verdict_is("UOTM covers", "uotm", "covers"),
        verdict_is("OTM covers", "otm", "covers"),
        verdict_is("UOTM-SD covers", "uotm-sd", "covers"),
        level("UOTM without cost loses a mode: the smallest has less than a quarter of its weight in the data",
              "uotm-no-cost", "least_mode", high=0.25),
        level("WGAN loses a mode too", "wgan", "least_mode", high=0.25),
        gap("WGAN-GP has more samples between modes than UOTM", "wgan-gp", "uotm", "mode_mixture"),
        level("WGAN-GP mixes modes: 30 % of its samples or more lie between modes", "wgan-gp", "mode_mixture", low=0.3),
    )  # fmt: skip
    live = "compare?preset=figure-1"

    def measure(self, seed: int, quick: bool) -> dict[str, float | int | str]:
        return _of_table_1(seed, quick, *TITLES)


class LossCurves(Experiment):
    """Strong fluctuation of Id, calm of SP."""

    name = "loss-curves"
    steps = 6 * 5000
    title = "Softplus keeps the loss steady, the identity lets it fluctuate"
    paper = "choi"
    place = "Section 3.2.1, Fig. 1 (right)"
    claim = "With g = identity the losses fluctuate strongly, a gradient penalty damps that, and with SP they settle."
    summary_template = "OTM's loss spreads {part 1} times as much as UOTM's, WGAN's {part 2} times."
    chart = Dots(
        "spread of the loss",
        tuple(
            Row(TITLES[name].removesuffix(" (R1)"), f"{name}_loss_spread")
            for name in ("uotm", "uotm-no-cost", "uotm-sd", "wgan-gp", "otm", "wgan")
        ),
        log=True,
    )
    order = 30
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
    """WGAN and OTM need R1: they diverge without it."""

    name = "regulariser-needed"
    steps = 6 * 5000
    title = "WGAN and OTM need a regulariser, UOTM does not"
    paper = "choi"
    place = "Section 3.2"
    claim = "WGAN and OTM diverge without a regulariser; UOTM does without it."
    summary_template = (
        "Without R1, OTM's loss spreads {part 1} times as much as with it and WGAN's {part 2} times; UOTM's spread is "
        "{uotm_loss_spread}."
    )
    chart = Dots(
        "spread of the loss",
        tuple(
            Row(f"{name.upper()}, {words}", f"{name}{ending}_loss_spread")
            for name in ("uotm", "otm", "wgan")
            for ending, words in (("-r1", "with R1"), ("", "without"))
        ),
        log=True,
    )
    order = 50
    cost: ClassVar[Cost] = "minutes"
    formula = (*LOSSES, r"R = |\nabla v(y)|^2", r"\lambda = 0")
    how = f"{HOW} Each method is trained with R1, as in the preset, and without (λ = 0). {SPREAD}"
    numbers = numbers(
        {key: f"{title}, {how}" for name, title in (("wgan", "WGAN"), ("otm", "OTM"), ("uotm", "UOTM"))
         for key, how in ((f"{name}-r1", "with R1"), (name, "λ = 0"))},
        "loss_spread", "loss_spread_early", "scale", "w2", "high_quality", "least_mode",
    )  # fmt: skip
    parts = (
        times("OTM's loss spreads at least twice as much without R1", "otm", "otm-r1", "loss_spread", 2),
        times("WGAN's loss spreads at least twice as much without R1", "wgan", "wgan-r1", "loss_spread", 2),
        _grows("otm"),
        _grows("wgan"),
        times("OTM's potential is at least twice as large without R1", "otm", "otm-r1", "scale", 2),
        times("WGAN's potential is at least twice as large without R1", "wgan", "wgan-r1", "scale", 2),
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
