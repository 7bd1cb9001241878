"""Does the cost raise recall (Choi et al. 2024, Table 2)? Measured on points; `cost_and_recall_on_images` asks it of images."""

from __future__ import annotations

from typing import ClassVar

from otviz.experiments.charts import Dots, Row
from otviz.experiments.claims.family import HOW, LOSSES, TITLES
from otviz.experiments.experiment import Cost, Experiment, Number
from otviz.experiments.trainings import from_preset, gap, numbers, trained

REPORTED = {"wgan": "0.02", "otm": "0.49", "uotm-no-cost": "0.13", "uotm": "0.62"}


class CostAndRecall(Experiment):
    """Does the cost keep modes?"""

    name = "cost-and-recall"
    steps = 4 * 5000
    title = "Transport cost raises the share of the data that is reached"
    paper = "choi"
    place = "Section 3.2.2, Table 2"
    claim = "Adding the cost raises the share of the data that is reached: from WGAN to OTM and from UOTM without cost to UOTM."
    summary_template = (
        "Modes of 8 found: UOTM {uotm_modes_covered}, without cost {uotm-no-cost_modes_covered}; OTM {otm_modes_covered}, without "
        "cost (WGAN) {wgan_modes_covered}."
    )
    chart = Dots(
        "modes of 8 found",
        (
            Row("UOTM", "uotm_modes_covered"),
            Row("UOTM without cost", "uotm-no-cost_modes_covered"),
            Row("OTM", "otm_modes_covered"),
            Row("WGAN", "wgan_modes_covered"),
        ),
    )
    order = 40
    cost: ClassVar[Cost] = "minutes"
    formula = (*LOSSES, r"\tau = 0 \text{ against } \tau > 0")
    how = f"{HOW} The paper's recall is of CIFAR-10. Images are a claim of their own."
    numbers = (
        *numbers({name: TITLES[name] for name in REPORTED}, "modes_covered", "least_mode"),
        *(
            Number(f"{name}_recall", f"{TITLES[name]}: recall", f"{text} on CIFAR-10")
            for name, text in REPORTED.items()
        ),
    )
    parts = (
        gap("UOTM finds more modes than UOTM without cost", "uotm", "uotm-no-cost", "modes_covered"),
        gap("OTM finds more modes than WGAN", "otm", "wgan", "modes_covered"),
        gap("UOTM's recall is higher than without cost", "uotm", "uotm-no-cost", "recall"),
        gap("OTM's recall is higher than WGAN's", "otm", "wgan", "recall"),
        gap("UOTM's smallest mode has more weight than without cost", "uotm", "uotm-no-cost", "least_mode"),
        gap("OTM's smallest mode has more weight than WGAN's", "otm", "wgan", "least_mode"),
    )  # fmt: skip
    live = "compare?preset=table-1"

    def measure(self, seed: int, quick: bool) -> dict[str, float | int | str]:
        methods, steps = from_preset("table-1")
        return trained({name: methods[name] for name in REPORTED}, steps, seed, quick)
