"""Does the cost raise recall (Choi et al. 2024, Table 2)? Measured on points and on the shipped image models."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar

from otviz.checkpoints.card import image_cards
from otviz.experiments.charts import Dots, Row
from otviz.experiments.claims.family import HOW, LOSSES, TITLES
from otviz.experiments.experiment import Cases, Cost, Experiment, Number, Values
from otviz.experiments.trainings import from_preset, gap, numbers, trained

PAIRS = {"uotm": "uotm-no-cost", "otm": "wgan"}
"""Methods with the cost, and their counterparts without it."""

SETS = {"mnist8": "MNIST 8 x 8", "mnist": "MNIST", "fashion-mnist": "Fashion-MNIST"}
IMAGES = {
    f"{images}-{name}": f"{title}, {TITLES[name]}"
    for images, title in SETS.items() for pair in PAIRS.items() for name in pair
    if images != "fashion-mnist" or name.startswith("uotm")
}  # fmt: skip
"""Names and labels of shipped models; there is no OTM and no WGAN of Fashion-MNIST."""

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
    how = (
        f"{HOW} Images: the models that are shipped with otviz, one training each. Their recall and Fréchet distance are those of their "
        "cards, by otviz' own classifiers. The paper's recall is of CIFAR-10."
    )
    numbers = (
        *numbers({name: TITLES[name] for name in REPORTED}, "modes_covered", "least_mode"),
        *(
            Number(f"{name}_recall", f"{TITLES[name]}: recall", f"{text} on CIFAR-10")
            for name, text in REPORTED.items()
        ),
        *(Number(f"{name}_recall", f"{title}: recall") for name, title in IMAGES.items()),
        *(Number(f"{name}_frechet", f"{title}: Fréchet distance") for name, title in IMAGES.items()),
    )
    parts = (
        gap("UOTM finds more modes than UOTM without cost", "uotm", "uotm-no-cost", "modes_covered"),
        gap("OTM finds more modes than WGAN", "otm", "wgan", "modes_covered"),
        gap("UOTM's recall is higher than without cost", "uotm", "uotm-no-cost", "recall"),
        gap("OTM's recall is higher than WGAN's", "otm", "wgan", "recall"),
        gap("UOTM's smallest mode has more weight than without cost", "uotm", "uotm-no-cost", "least_mode"),
        gap("OTM's smallest mode has more weight than WGAN's", "otm", "wgan", "least_mode"),
        Cases("of two shipped image models, the one with cost has the higher recall",
              lambda got: _pairs(got, "recall", lambda with_cost, without: with_cost > without)),
        Cases("it also has the lower Fréchet distance",
              lambda got: _pairs(got, "frechet", lambda with_cost, without: with_cost < without)),
    )  # fmt: skip
    live = "compare?preset=table-1"

    def measure(self, seed: int, quick: bool) -> dict[str, float | int | str]:
        methods, steps = from_preset("table-1")
        cards = image_cards()
        found: dict[str, float | int | str] = {
            f"{name}_{score}": float(cards[name].metrics[score])
            for name in IMAGES if name in cards
            for score in ("recall", "frechet") if score in cards[name].metrics
        }  # fmt: skip
        return found | trained({name: methods[name] for name in REPORTED}, steps, seed, quick)


def _pairs(got: Values, score: str, better: Callable[[float, float], bool]) -> Mapping[str, bool]:
    """Whether the model with the cost is better, for each available pair."""
    return {
        f"{title}: {TITLES[with_cost]} {got[a]:.3g} and {TITLES[without]} {got[b]:.3g}": better(float(got[a]), float(got[b]))
        for images, title in SETS.items() for with_cost, without in PAIRS.items()
        if (a := f"{images}-{with_cost}_{score}") in got and (b := f"{images}-{without}_{score}") in got
    }  # fmt: skip
