"""OTM and UOTM over tau; `schedule_and_tau` adds controls for the schedule."""

from __future__ import annotations

from typing import ClassVar

from otviz.experiments.charts import Curves, Line
from otviz.experiments.claims.family import LOSSES
from otviz.experiments.experiment import Cost, Effect, Experiment, Values, number_of
from otviz.experiments.trainings import MEASURES, gap, level, numbers, trained, verdict_is
from otviz.methods import Method, named

TAUS = (0.001, 0.05, 10.0)
STEPS = 5000
HOW = "The ring of 8 modes (radius 2, standard deviation 0.1), 5000 steps, τ = 0.001, 0.05 and 10. Numbers are means over the last tenth of the run."


def made(name: str, **knobs: float) -> Method:
    """A method of the family with the learning rate of the presets."""
    return named(name).parse({"lr": "0.001", "adversary_lr": "0.001", **{k: str(v) for k, v in knobs.items()}})


def _over_tau(*names: str) -> dict[str, Method]:
    return {f"{name}@{tau:g}": made(name, tau=tau) for name in names for tau in TAUS}


def _titles(*names: str) -> dict[str, str]:
    return {f"{name}@{tau:g}": f"{name.upper()}, τ = {tau:g}" for name in names for tau in TAUS}


class Figure4(Experiment):
    """Small, best and large tau."""

    name = "tau-too-small-or-large"
    steps = 3 * STEPS
    title = "UOTM loses modes when τ is too small and is noisy when it is too large"
    paper = "choi"
    place = "Section 3.2.2, Fig. 4"
    claim = "UOTM loses modes when τ is too small, fits at the right τ, and is noisy when τ is too large."
    summary_template = (
        "Samples on a mode: {uotm@0.001_high_quality:percent} at τ = 0.001, {uotm@0.05_high_quality:percent} at 0.05 and "
        "{uotm@10_high_quality:percent} at 10; weight of the smallest mode {uotm@0.001_least_mode:percent}, "
        "{uotm@0.05_least_mode:percent} and {uotm@10_least_mode:percent}."
    )
    chart = Curves(
        "τ",
        "share",
        tuple(
            Line(label, {tau: f"uotm@{tau:g}_{measure}" for tau in TAUS})
            for measure, label in (
                ("high_quality", "on a mode"),
                ("mode_mixture", "between modes"),
                ("least_mode", "smallest mode"),
            )
        ),
        log_x=True,
    )
    order = 80
    cost: ClassVar[Cost] = "minutes"
    formula = LOSSES
    how = f"{HOW} The paper's τ are 0.0002, 0.001 and 0.005, on images."
    numbers = numbers(_titles("uotm"), "w2", "high_quality", "mode_mixture", "least_mode")
    parts = (
        verdict_is("UOTM covers at the right τ", "uotm@0.05", "covers"),
        gap(
            "with τ too small the smallest mode has less weight than at the right τ",
            "uotm@0.05",
            "uotm@0.001",
            "least_mode",
        ),
        level(
            "with τ too small a mode is lost: it has less than a quarter of its weight in the data",
            "uotm@0.001",
            "least_mode",
            high=0.25,
        ),
        gap("with τ too large fewer samples lie on modes", "uotm@0.05", "uotm@10", "high_quality"),
        level("with τ too large more than half of the samples lie between modes", "uotm@10", "mode_mixture", low=0.5),
    )
    live = "compare?preset=tau"

    def measure(self, seed: int, quick: bool) -> dict[str, float | int | str]:
        return trained(_over_tau("uotm"), STEPS, seed, quick)


class Figure3(Experiment):
    """OTM does not depend on tau, UOTM does."""

    name = "otm-flat-in-tau"
    steps = 6 * STEPS
    title = "OTM hardly depends on τ, UOTM has a best value"
    paper = "choi"
    place = "Section 3.2.2, Fig. 3"
    claim = "OTM hardly depends on τ; UOTM is far better at its best τ and fails when τ is too small or too large."
    summary_template = (
        "Samples on a mode at τ = 0.001, 0.05 and 10: UOTM {uotm@0.001_high_quality:percent}, {uotm@0.05_high_quality:percent}, "
        "{uotm@10_high_quality:percent}; OTM {otm@0.001_high_quality:percent}, {otm@0.05_high_quality:percent}, "
        "{otm@10_high_quality:percent}."
    )
    chart = Curves(
        "τ",
        "share of samples on a mode",
        tuple(Line(name.upper(), {tau: f"{name}@{tau:g}_high_quality" for tau in TAUS}) for name in ("uotm", "otm")),
        log_x=True,
    )
    order = 70
    cost: ClassVar[Cost] = "minutes"
    formula = LOSSES
    how = f"{HOW} The swing is the largest W2 divided by the smallest over the three τ."
    numbers = numbers(_titles("uotm", "otm"), "w2", "high_quality", "least_mode", "precision", "recall")
    parts = (
        Effect("UOTM's quality depends more on τ than OTM's", "range over τ of the share of samples on a mode, UOTM's less OTM's",
               lambda got: _range(got, "uotm", "high_quality") - _range(got, "otm", "high_quality"), low=0),
        Effect("UOTM's W2 depends more on τ than OTM's", "ratio of the swings of W2",
               lambda got: _swing(got, "uotm") / _swing(got, "otm"), low=1, ratio=True),
        gap("UOTM fails at τ = 10: fewer samples on modes than at 0.05", "uotm@0.05", "uotm@10", "high_quality"),
        gap("UOTM fails at τ = 0.001: a larger W2 than at 0.05", "uotm@0.001", "uotm@0.05", "w2"),
        gap("at τ = 0.05 more of UOTM's samples lie on modes than of OTM's", "uotm@0.05", "otm@0.05", "high_quality"),
        gap("at τ = 0.05 UOTM is nearer to the data (W2)", "otm@0.05", "uotm@0.05", "w2"),
        Effect("OTM hardly depends on τ: its share of samples on a mode varies by less than 0.1", "range over τ of the share of samples on a mode",
               lambda got: _range(got, "otm", "high_quality"), high=0.1),
        Effect("OTM's largest W2 is less than a fifth above its smallest", "swing of W2",
               lambda got: _swing(got, "otm"), high=1.2, ratio=True),
    )  # fmt: skip
    live = "compare?preset=tau&view=map"

    def measure(self, seed: int, quick: bool) -> dict[str, float | int | str]:
        return trained(_over_tau("uotm", "otm"), STEPS, seed, quick)


def _swing(got: Values, name: str) -> float:
    values = [number_of(got, f"{name}@{tau:g}_w2") for tau in TAUS]
    return max(values) / min(values)


def _range(got: Values, name: str, measure: str) -> float:
    values = [number_of(got, f"{name}@{tau:g}_{measure}") for tau in TAUS]
    return max(values) - min(values)


WEIGHTS = (0.0, 0.05, 0.5)


def _over_weights(got: Values, name: str, measure: str) -> float:
    values = [number_of(got, f"{name}@{weight:g}_{measure}") for weight in WEIGHTS]
    return max(values) - min(values)


def _varies_less(says: str, measure: str) -> Effect:
    return Effect(
        says, f"range over λ of the {MEASURES[measure]}, OTM's less UOTM's",
        lambda got: _over_weights(got, "otm", measure) - _over_weights(got, "uotm", measure), low=0,
    )  # fmt: skip


class Figure2(Experiment):
    """Sensitivity to the weight of R1."""

    name = "lambda-sensitivity"
    steps = 6 * STEPS
    title = "UOTM depends less on the regulariser's weight λ than OTM"
    paper = "choi"
    place = "Section 3.2.1, Fig. 2"
    claim = "Over the weight λ of the regulariser UOTM's quality changes less than OTM's."
    summary_template = "Over the three λ OTM's share of samples on a mode varies by {part 1} more than UOTM's."
    chart = Curves(
        "λ",
        "share of samples on a mode",
        tuple(
            Line(name.upper(), {weight: f"{name}@{weight:g}_high_quality" for weight in WEIGHTS})
            for name in ("uotm", "otm")
        ),
        even=True,
    )
    order = 60
    cost: ClassVar[Cost] = "minutes"
    formula = LOSSES
    how = "The ring of 8 modes, 5000 steps, τ = 0.05, R1 with λ = 0, 0.05 and 0.5. Numbers are means over the last tenth of the run. The paper shows the figure without numbers."
    numbers = numbers(
        {f"{name}@{weight:g}": f"{name.upper()}, λ = {weight:g}" for name in ("uotm", "otm") for weight in WEIGHTS},
        "high_quality", "w2", "loss_spread",
    )  # fmt: skip
    parts = (
        _varies_less("the share of samples on a mode varies less for UOTM", "high_quality"),
        _varies_less("W2 varies less for UOTM", "w2"),
        _varies_less("the spread of the loss varies less for UOTM", "loss_spread"),
    )
    live = "compare?view=map&sweep.knob=penalty_weight"

    def measure(self, seed: int, quick: bool) -> dict[str, float | int | str]:
        methods = {f"{name}@{w:g}": made(name, penalty_weight=w) for name in ("uotm", "otm") for w in WEIGHTS}
        return trained(methods, STEPS, seed, quick)
