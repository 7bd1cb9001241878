"""The schedules of alpha against each other, against UOTM, and against a constant alpha."""

from __future__ import annotations

from typing import ClassVar

from otviz.experiments.charts import Dots, Mark, Row
from otviz.experiments.experiment import SECOND_HAND, Cost, Effect, Experiment, Number, number_of
from otviz.experiments.trainings import gap, numbers, trained, verdict_is
from otviz.methods import Method, named
from otviz.training.compare import presets

KINDS = ("uotm", "linear", "cosine", "step", "geometric")
TITLES = {
    **{kind: kind for kind in KINDS},
    "uotm": "UOTM",
    "equal": "UOTM, same step size and λ",
    "alpha-5": "constant α = 5, same step size and λ",
}


class ScheduleKinds(Experiment):
    """Linear, cosine and step of the paper, and geometric."""

    name = "schedule-kinds"
    steps = 7 * 6000
    title = "UOTM-SD beats UOTM with every schedule, most with the linear one"
    paper = "choi"
    place = "Section 4, Table 3"
    claim = "UOTM-SD is better than UOTM with each schedule, best with the linear one."
    summary_template = (
        "W2: linear {linear_w2}, cosine {cosine_w2}, step {step_w2}; UOTM {uotm_w2}; real points {uotm_w2_floor}."
    )
    chart = Dots(
        "W2 (length; lower is better)",
        (
            Row("linear", "linear_w2"),
            Row("cosine", "cosine_w2"),
            Row("step", "step_w2"),
            Row("geometric", "geometric_w2"),
            Row("UOTM", "uotm_w2"),
            Row("UOTM, same steps", "equal_w2"),
            Row("constant α = 5", "alpha-5_w2"),
        ),
        (Mark("real points", "uotm_w2_floor"),),
    )
    order = 100
    cost: ClassVar[Cost] = "minutes"
    formula = (
        r"g^\alpha(x) = \alpha\, g(x / \alpha)",
        r"\alpha \text{ from } \tfrac15 \text{ to } 5",
    )
    how = (
        "The preset of the page Compare: the ring of 8 modes, 6000 steps, τ = 0.05. W2 compares 500 samples with 500 data points; numbers are "
        "means over the last tenth of the run. The paper's numbers are FIDs on CIFAR-10. The geometric schedule is otviz' own. UOTM's preset "
        "has a smaller step size and a larger weight of R1, so two controls have those of the schedules: constant α = 1 and α = 5. "
        f"{SECOND_HAND}"
    )
    numbers = (
        Number("", "CIFAR-10 FID: linear, cosine, step, UOTM", "2.51, 2.57, 2.78, 2.97", "second hand"),
        *numbers(TITLES, "w2", "high_quality"),
        Number("uotm_w2_floor", "W2 of real points against real points (length)"),
    )
    parts = (
        gap("linear is nearer than UOTM (W2)", "uotm", "linear", "w2"),
        gap("cosine is nearer than UOTM (W2)", "uotm", "cosine", "w2"),
        gap("step is nearer than UOTM (W2)", "uotm", "step", "w2"),
        Effect("linear is nearer than the better of cosine and step", "difference of W2 (length)", lambda got: (
            min(number_of(got, "cosine_w2"), number_of(got, "step_w2")) - number_of(got, "linear_w2")
        ), low=0),
        gap("linear has more samples on modes than UOTM", "linear", "uotm", "high_quality"),
        gap("linear is nearer than UOTM with the same step size (W2)", "equal", "linear", "w2"),
        gap("linear is nearer than a constant α = 5 (W2)", "alpha-5", "linear", "w2"),
        verdict_is("linear covers", "linear", "covers"),
    )  # fmt: skip
    live = "compare?preset=schedules"

    def measure(self, seed: int, quick: bool) -> dict[str, float | int | str]:
        chosen = presets()["schedules"]
        methods = {**dict(zip(KINDS, chosen.methods, strict=True)), **_controls()}
        return trained(methods, chosen.steps, seed, quick)


def _controls() -> dict[str, Method]:
    """UOTM with the learning rate and the weight of R1 of UOTM-SD, at alpha = 1 and 5."""
    kept = named("uotm-sd")()
    equal = {name: str(getattr(kept, name)) for name in ("lr", "adversary_lr", "penalty_weight")}
    uotm = named("uotm")
    return {"equal": uotm.parse(equal), "alpha-5": uotm.parse({**equal, "alpha": "5"})}
