"""U8, U9, U10 and 5.2: how far tau and lambda may stray, for OTM, UOTM and UOTM-SD."""

from __future__ import annotations

from typing import ClassVar

from otviz.experiments.base import Cost, Experiment, Number, Part, Values
from otviz.experiments.family import verdict_is
from otviz.experiments.trainings import trained
from otviz.methods import Method, named

TAUS = (0.001, 0.05, 10.0)
STEPS = 5000
HOW = "The ring of 8 modes (radius 2, std 0.1), 5000 steps, τ = 0.001, 0.05 and 10 (τ W2² = 0.001, 0.05 and 10)."


def _made(name: str, **knobs: float) -> Method:
    return named(name).parse({"lr": "0.001", "adversary_lr": "0.001", **{k: str(v) for k, v in knobs.items()}})


def _over_tau(*names: str) -> dict[str, Method]:
    return {f"{name}@{tau:g}": _made(name, tau=tau) for name in names for tau in TAUS}


def _w2(got: Values, key: str) -> float:
    return float(got.get(f"{key}_w2", float("inf")))


def _numbers(*names: str) -> tuple[Number, ...]:
    return tuple(
        number for name in names for tau in TAUS for number in (
            Number(f"{name}@{tau:g}", f"{name}, τ = {tau:g}: verdicts of the seeds"),
            Number(f"{name}@{tau:g}_w2", f"{name}, τ = {tau:g}: W2 (length)"),
            Number(f"{name}@{tau:g}_high_quality", f"{name}, τ = {tau:g}: share of samples on a mode"),
        )
    )  # fmt: skip


class Figure4(Experiment):
    """Small, best and large tau."""

    name = "u10"
    title = "Figure 4: τ too small, right, too large"
    paper = "003"
    place = "Fig 4"
    claim = "UOTM loses modes when τ is too small, fits at the right τ, and is noisy when τ is too large."
    covers = ("U10",)
    cost: ClassVar[Cost] = "minutes"
    formula = (
        r"L_v = \overline{g_1(v(\hat y) - \tau|x - \hat y|^2)} + \overline{g_2(-v(y))} + \lambda R",
        r"L_T = \overline{\tau|x - \hat y|^2 - v(\hat y)}",
    )
    how = f"{HOW} The paper's own: τ = 0.0002, 0.001 and 0.005 on images."
    numbers = _numbers("uotm")
    parts = (
        Part("it covers at the right τ", verdict_is("uotm@0.05", "covers")),
        Part("with τ too small modes are lost or out of balance", verdict_is("uotm@0.001", "collapsed", "unbalanced")),
        Part("with τ too large samples are smeared", verdict_is("uotm@10", "mixes modes")),
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
    formula = (
        r"L_v = \overline{g_1(v(\hat y) - \tau|x - \hat y|^2)} + \overline{g_2(-v(y))} + \lambda R",
        r"L_T = \overline{\tau|x - \hat y|^2 - v(\hat y)}",
    )
    how = HOW
    numbers = _numbers("uotm", "otm")
    parts = (
        Part("UOTM's worst W2 over τ is at least 1.5 times its best", lambda got: _ratio(got, "uotm") >= 1.5),
        Part("OTM's worst W2 over τ is less than UOTM's, in units of the best",
             lambda got: _ratio(got, "otm") < _ratio(got, "uotm")),
        Part("at τ = 0.05 more of UOTM's samples lie on modes than of OTM's", lambda got: (
            float(got["uotm@0.05_high_quality"]) > float(got["otm@0.05_high_quality"])
        )),
    )  # fmt: skip
    live = "compare?preset=tau&view=map"

    def measure(self, seed: int, quick: bool) -> dict[str, float | int | str]:
        return trained(_over_tau("uotm", "otm"), STEPS, seed, quick)


def _ratio(got: Values, name: str) -> float:
    values = [_w2(got, f"{name}@{tau:g}") for tau in TAUS]
    return max(values) / min(values)


class Robust(Experiment):
    """UOTM-SD forgives tau."""

    name = "u-tau"
    title = "UOTM-SD is robust to τ"
    paper = "003"
    place = "section 5, Fig 5 or Table 5 (not in our copy); abstract"
    claim = "At τ too small or too large UOTM-SD stays nearer the data than UOTM, and at the right τ it is as good."
    covers = ("5.2 τ", "U13")
    cost: ClassVar[Cost] = "minutes"
    formula = (
        r"L_v = \overline{g_1(v(\hat y) - \tau|x - \hat y|^2)} + \overline{g_2(-v(y))} + \lambda R",
        r"L_T = \overline{\tau|x - \hat y|^2 - v(\hat y)}",
        r"g^\alpha(x) = \alpha\, g(x / \alpha)",
        r"\alpha \text{ from } \tfrac15 \text{ to } 5",
    )
    how = HOW
    numbers = (
        Number("", "FID of UOTM over τ_max/τ_min = 25 on CIFAR-10", "2.71 to 218.02", "second hand"),
        *_numbers("uotm", "uotm-sd"),
    )
    parts = (
        Part("nearer at τ = 0.001 (W2)", lambda got: _w2(got, "uotm-sd@0.001") < _w2(got, "uotm@0.001")),
        Part("nearer at τ = 10 (W2)", lambda got: _w2(got, "uotm-sd@10") < _w2(got, "uotm@10")),
        Part("it covers at τ = 0.05", verdict_is("uotm-sd@0.05", "covers")),
    )
    live = "compare?preset=tau"

    def measure(self, seed: int, quick: bool) -> dict[str, float | int | str]:
        return trained({**_over_tau("uotm"), **_sd_over_tau()}, STEPS, seed, quick)


def _sd_over_tau() -> dict[str, Method]:
    return {f"uotm-sd@{tau:g}": named("uotm-sd").parse({"tau": str(tau)}) for tau in TAUS}


WEIGHTS = (0.0, 0.05, 0.5)


class Figure2(Experiment):
    """Sensitivity to the weight of R1."""

    name = "u8"
    title = "Figure 2: UOTM is less sensitive to λ than OTM"
    paper = "003"
    place = "Fig 2 (no numbers in our copy)"
    claim = "Over the weight λ of the regulariser UOTM's quality changes less than OTM's."
    covers = ("U8",)
    cost: ClassVar[Cost] = "minutes"
    formula = (
        r"L_v = \overline{g_1(v(\hat y) - \tau|x - \hat y|^2)} + \overline{g_2(-v(y))} + \lambda R",
        r"L_T = \overline{\tau|x - \hat y|^2 - v(\hat y)}",
    )
    how = "The ring of 8 modes, 5000 steps, τ = 0.05, λ = 0, 0.05 and 0.5 of R1."
    numbers = tuple(
        Number(f"{name}@{weight:g}_{measure}", f"{name}, λ = {weight:g}: {words}")
        for name in ("uotm", "otm") for weight in WEIGHTS
        for measure, words in (("high_quality", "share of samples on a mode"), ("w2", "W2 (length)"))
    )  # fmt: skip
    parts = (
        Part("the share on modes varies less for UOTM", lambda got: _range(got, "uotm") < _range(got, "otm")),
        Part("UOTM has more than half of its samples on modes at every λ", lambda got: all(
            float(got.get(f"uotm@{weight:g}_high_quality", 0)) > 0.5 for weight in WEIGHTS
        )),
    )  # fmt: skip
    live = "compare?view=map&sweep.knob=penalty_weight"

    def measure(self, seed: int, quick: bool) -> dict[str, float | int | str]:
        methods = {f"{name}@{w:g}": _made(name, penalty_weight=w) for name in ("uotm", "otm") for w in WEIGHTS}
        return trained(methods, STEPS, seed, quick)


def _range(got: Values, name: str) -> float:
    values = [float(got.get(f"{name}@{weight:g}_high_quality", 0)) for weight in WEIGHTS]
    return max(values) - min(values)
