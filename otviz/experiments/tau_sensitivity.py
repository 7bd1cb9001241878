"""U9 and U10: OTM and UOTM over tau. With controls for the schedule it is asked again in `schedule_and_tau`."""

from __future__ import annotations

from typing import ClassVar

from otviz.experiments.base import Cost, Effect, Experiment, Values, number_of
from otviz.experiments.family import LOSSES
from otviz.experiments.trainings import MEASURES, gap, level, numbers, trained, verdict_is
from otviz.methods import Method, named

TAUS = (0.001, 0.05, 10.0)
STEPS = 5000
HOW = (
    "The ring of 8 modes (radius 2, std 0.1), 5000 steps, τ = 0.001, 0.05 and 10 (τ W2² = 0.001, 0.05 and 10); numbers are "
    "means over the last tenth of the run."
)


def made(name: str, **knobs: float) -> Method:
    """A method of the family with the step size of the presets."""
    return named(name).parse({"lr": "0.001", "adversary_lr": "0.001", **{k: str(v) for k, v in knobs.items()}})


def _over_tau(*names: str) -> dict[str, Method]:
    return {f"{name}@{tau:g}": made(name, tau=tau) for name in names for tau in TAUS}


def _titles(*names: str) -> dict[str, str]:
    return {f"{name}@{tau:g}": f"{name.upper()}, τ = {tau:g}" for name in names for tau in TAUS}


class Figure4(Experiment):
    """Small, best and large tau."""

    name = "u10"
    title = "Figure 4: τ too small, right, too large"
    paper = "003"
    place = "Fig 4"
    claim = "UOTM loses modes when τ is too small, fits at the right τ, and is noisy when τ is too large."
    covers = ("U10",)
    cost: ClassVar[Cost] = "minutes"
    formula = LOSSES
    how = f"{HOW} The paper's own: τ = 0.0002, 0.001 and 0.005 on images."
    numbers = numbers(_titles("uotm"), "w2", "high_quality", "mode_mixture", "least_mode")
    parts = (
        verdict_is("it covers at the right τ", "uotm@0.05", "covers"),
        gap(
            "with τ too small its smallest mode is emptier than at the right τ", "uotm@0.05", "uotm@0.001", "least_mode"
        ),
        level("with τ too small a mode is lost: less than a quarter of its due", "uotm@0.001", "least_mode", high=0.25),
        gap("with τ too large fewer samples lie on modes", "uotm@0.05", "uotm@10", "high_quality"),
        level("with τ too large more than half of the samples lie between modes", "uotm@10", "mode_mixture", low=0.5),
    )
    live = "compare?preset=tau"

    def measure(self, seed: int, quick: bool) -> dict[str, float | int | str]:
        return trained(_over_tau("uotm"), STEPS, seed, quick)


class Figure3(Experiment):
    """OTM is flat in tau, UOTM is not."""

    name = "u9"
    title = "Figure 3: OTM is flat in τ, UOTM better at its best"
    paper = "003"
    place = "Fig 3"
    claim = "OTM hardly depends on τ; UOTM is far better at its best τ and fails when τ is too small or too large."
    covers = ("U9",)
    cost: ClassVar[Cost] = "minutes"
    formula = LOSSES
    how = f"{HOW} Swing: the worst over the best of the three τ."
    numbers = numbers(_titles("uotm", "otm"), "w2", "high_quality", "least_mode", "precision", "recall")
    parts = (
        Effect("UOTM's quality depends more on τ than OTM's", "difference of the ranges of the share of samples on a mode",
               lambda got: _range(got, "uotm", "high_quality") - _range(got, "otm", "high_quality"), low=0),
        Effect("so does its W2", "ratio of the swings of W2",
               lambda got: _swing(got, "uotm") / _swing(got, "otm"), low=1, ratio=True),
        gap("UOTM fails at τ = 10: fewer samples on modes than at 0.05", "uotm@0.05", "uotm@10", "high_quality"),
        gap("UOTM fails at τ = 0.001: a larger W2 than at 0.05", "uotm@0.001", "uotm@0.05", "w2"),
        gap("at τ = 0.05 more of UOTM's samples lie on modes than of OTM's", "uotm@0.05", "otm@0.05", "high_quality"),
        gap("there UOTM is nearer (W2)", "otm@0.05", "uotm@0.05", "w2"),
        Effect("OTM is flat in quality: its share on modes varies by less than 0.1", "range of the share of samples on a mode",
               lambda got: _range(got, "otm", "high_quality"), high=0.1),
        Effect("OTM is flat in W2: its worst is less than a fifth above its best", "swing of W2",
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
        says, f"range of {MEASURES[measure]} of OTM less that of UOTM",
        lambda got: _over_weights(got, "otm", measure) - _over_weights(got, "uotm", measure), low=0,
    )  # fmt: skip


class Figure2(Experiment):
    """Sensitivity to the weight of R1."""

    name = "u8"
    title = "Figure 2: UOTM is less sensitive to λ than OTM"
    paper = "003"
    place = "Fig 2 (no numbers in our copy)"
    claim = "Over the weight λ of the regulariser UOTM's quality changes less than OTM's."
    covers = ("U8",)
    cost: ClassVar[Cost] = "minutes"
    formula = LOSSES
    how = "The ring of 8 modes, 5000 steps, τ = 0.05, λ = 0, 0.05 and 0.5 of R1; numbers are means over the last tenth of the run."
    numbers = numbers(
        {f"{name}@{weight:g}": f"{name.upper()}, λ = {weight:g}" for name in ("uotm", "otm") for weight in WEIGHTS},
        "high_quality", "w2", "loss_spread",
    )  # fmt: skip
    parts = (
        _varies_less("the share on modes varies less for UOTM", "high_quality"),
        _varies_less("W2 varies less for UOTM", "w2"),
        _varies_less("the spread of the loss varies less for UOTM", "loss_spread"),
    )
    live = "compare?view=map&sweep.knob=penalty_weight"

    def measure(self, seed: int, quick: bool) -> dict[str, float | int | str]:
        methods = {f"{name}@{w:g}": made(name, penalty_weight=w) for name in ("uotm", "otm") for w in WEIGHTS}
        return trained(methods, STEPS, seed, quick)
