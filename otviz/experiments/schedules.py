"""5.2: the schedules of alpha against each other and against UOTM."""

from __future__ import annotations

from typing import ClassVar

from otviz.compare import presets
from otviz.experiments.base import Cost, Experiment, Number, Part, Values
from otviz.experiments.family import verdict_is
from otviz.experiments.trainings import trained

KINDS = ("uotm", "linear", "cosine", "step", "geometric")


class ScheduleKinds(Experiment):
    """Linear, cosine, step; and geometric, which is ours."""

    name = "u-schedule-kinds"
    title = "Linear is the best schedule, and better than UOTM"
    paper = "003"
    place = "section 4 and Table 3 (not in our copy)"
    claim = "UOTM-SD is better than UOTM with each schedule, best with the linear one."
    covers = ("5.2 Tables 3 and 4",)
    cost: ClassVar[Cost] = "minutes"
    formula = (
        r"g^\alpha(x) = \alpha\, g(x / \alpha)",
        r"\alpha \text{ from } \tfrac15 \text{ to } 5",
    )
    how = (
        "The preset of the page Compare: ring of 8 modes, 6000 steps, τ = 0.05; W2 of 500 against 500 points. The paper's "
        "numbers are FID on CIFAR-10. The geometric schedule is ours."
    )
    numbers = (
        Number("", "CIFAR-10 FID: linear, cosine, step, UOTM", "2.51, 2.57, 2.78, 2.97", "second hand"),
        *(Number(f"{kind}_w2", f"{kind}: W2 (length)") for kind in KINDS),
        *(Number(kind, f"{kind}: verdicts of the seeds") for kind in KINDS),
        Number("uotm_w2_floor", "floor of W2: real points (length)"),
    )
    parts = (
        Part("linear is nearer than UOTM (W2)", lambda got: _w2(got, "linear") < _w2(got, "uotm")),
        Part("cosine is nearer than UOTM (W2)", lambda got: _w2(got, "cosine") < _w2(got, "uotm")),
        Part("step is nearer than UOTM (W2)", lambda got: _w2(got, "step") < _w2(got, "uotm")),
        Part("linear is nearest of the three", lambda got: (
            _w2(got, "linear") <= min(_w2(got, "cosine"), _w2(got, "step"))
        )),
        Part("linear covers", verdict_is("linear", "covers")),
    )  # fmt: skip
    live = "compare?preset=schedules"

    def measure(self, seed: int, quick: bool) -> dict[str, float | int | str]:
        chosen = presets()["schedules"]
        return trained(dict(zip(KINDS, chosen.methods, strict=True)), chosen.steps, seed, quick)


def _w2(got: Values, key: str) -> float:
    return float(got.get(f"{key}_w2", float("inf")))
