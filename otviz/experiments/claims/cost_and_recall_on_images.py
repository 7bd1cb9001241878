"""Does the cost raise recall on images (Choi et al. 2024, Table 2)? Four methods with equal budgets on four data sets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

import numpy as np

from otviz.checkpoints.catalogue import Entry
from otviz.core.numbers import whole
from otviz.experiments import image_trajectories
from otviz.experiments.charts import Dots, Row
from otviz.experiments.claims.family import LOSSES
from otviz.experiments.experiment import Cost, Effect, Experiment, Number, Values, number_of
from otviz.experiments.image_trajectories import JUDGED_LAST, LABELS, last_scores
from otviz.runs.config import RunConfig

STEPS = 3000
LR = 0.001  # of both networks: the preset of WGAN on small images has half of it


class OnImages(NamedTuple):
    """A data set, and what its trainings add to the preset of the method.

    Attributes:
        title: in tables; `files` is that of the files it needs.
        knobs, networks: by name, the same for all methods.
        lr_decay: as in `Plan`.
    """

    title: str
    files: str
    knobs: dict[str, Any]
    networks: dict[str, Any]
    lr_decay: Any = "none"


SETS = {
    "cifar10": OnImages(
        "CIFAR-10", "CIFAR-10", {"penalty_every": 8, "ema": 0.998},
        {"generator": "dense", "adversary": "dcgan", "width": 32, "adversary_width": 32}, "cosine",
    ),
    "mnist8": OnImages("MNIST 8 x 8", "MNIST", {}, {}),
    "mnist": OnImages("MNIST", "MNIST", {"penalty_every": 8}, {}),
    "fashion-mnist": OnImages("Fashion-MNIST", "Fashion-MNIST", {"penalty_every": 8}, {}),
}  # fmt: skip
"""The data sets; CIFAR-10, that of the paper, first."""

METHODS = {"uotm": "UOTM", "uotm-no-cost": "UOTM without cost", "otm": "OTM", "wgan": "WGAN (R1)"}
PAIRS = {"uotm": "uotm-no-cost", "otm": "wgan"}
"""Methods with the cost, and their counterparts without it."""

REPORTED = {
    "uotm": {"frechet": "FID 2.7", "recall": "0.62", "precision": "0.78"},
    "uotm-no-cost": {"frechet": "FID 19.7", "recall": "0.13", "precision": "0.80"},
    "otm": {"frechet": "FID 4.3", "recall": "0.49", "precision": "0.71"},
    "wgan": {"frechet": "FID 48.8", "recall": "0.02", "precision": "0.45"},
}
"""Table 2, on CIFAR-10."""


def config_of(target: str, method: str, seed: int) -> RunConfig:
    """The config of a training.

    Args:
        target: a key of SETS.
        method: a key of METHODS.
        seed: of the training.
    """
    kind = SETS[target]
    return Entry(
        f"{target}-{method}", method, target, steps=STEPS, seed=seed, lr_decay=kind.lr_decay,
        knobs={"lr": LR, "adversary_lr": LR, **kind.knobs}, networks=kind.networks,
    ).config("cpu")  # fmt: skip


def _gain(target: str, method: str) -> Callable[[Values], float]:
    """Recall with the cost minus that without it; nan if one is not known."""

    def gain(got: Values) -> float:
        return number_of(got, f"{target}-{method}_recall") - number_of(got, f"{target}-{PAIRS[method]}_recall")

    return gain


def _lead(target: str) -> Callable[[Values], float]:
    """The lowest Fréchet distance of the other methods, as a multiple of UOTM's; nan if one is not known."""

    def lead(got: Values) -> float:
        others = [number_of(got, f"{target}-{method}_frechet") for method in METHODS if method != "uotm"]
        return float(np.min(others)) / number_of(got, f"{target}-uotm_frechet")

    return lead


def _parts(target: str) -> tuple[Effect, ...]:
    title = SETS[target].title
    return (
        Effect(f"{title}: UOTM's recall is higher than without cost", "difference of recall", _gain(target, "uotm"), low=0),
        Effect(f"{title}: OTM's recall is higher than WGAN's", "difference of recall", _gain(target, "otm"), low=0),
        Effect(
            f"{title}: UOTM has the lowest Fréchet distance of the four", "lowest Fréchet distance of the others, relative to UOTM's",
            _lead(target), low=1, ratio=True,
        ),
    )  # fmt: skip


class CostAndRecallOnImages(Experiment):
    """Table 2 with small networks and equal budgets."""

    name = "cost-and-recall-on-images"
    title = "On images, too, transport cost raises recall, and UOTM is the best"
    paper = "choi"
    place = "Section 3.2.2, Table 2, with small networks"
    claim = "On images the cost raises recall, from WGAN to OTM and from UOTM without cost to UOTM, and UOTM has the lowest distance."
    summary_template = (
        "Recall of UOTM, and without cost: CIFAR-10 {cifar10-uotm_recall} and {cifar10-uotm-no-cost_recall}, MNIST 8 × 8 "
        "{mnist8-uotm_recall} and {mnist8-uotm-no-cost_recall}, MNIST {mnist-uotm_recall} and {mnist-uotm-no-cost_recall}, "
        "Fashion-MNIST {fashion-mnist-uotm_recall} and {fashion-mnist-uotm-no-cost_recall}."
    )
    chart = Dots(
        "recall with cost less recall without",
        tuple(
            Row(f"{kind.title}, {METHODS[method]}", _gain(target, method), reported, low=0)
            for method, paper in (("uotm", 0.49), ("otm", 0.47))
            for target, kind in SETS.items()
            for reported in [paper if target == "cifar10" else None]
        ),
    )
    order = 45
    seeds = 3
    cost: ClassVar[Cost] = "minutes"
    formula = (*LOSSES, r"\tau = 0 \text{ against } \tau > 0")
    how = (
        f"{STEPS} steps of each method with the same networks, batches (64 at 8 × 8 pixels, otherwise 32), step sizes ({LR}) and weight of R1 "
        "(0.1, for all; in larger images in every eighth step). On CIFAR-10 a dense generator and a DCGAN critic of width 32. Scores are of "
        f"{whole(JUDGED_LAST)} images at the end, by otviz' own classifiers: the Fréchet distance is no FID. The paper trains NCSN++ for 200 000 steps."
    )
    numbers = (
        *(
            Number(f"{target}-{method}_{score}", f"{kind.title}, {title}: {words}", REPORTED[method].get(score, "") if target == "cifar10" else "")
            for target, kind in SETS.items() for score, words in LABELS.items() for method, title in METHODS.items()
        ),
        Number("left_out", "data sets that were left out, since they are not on the machine"),
    )  # fmt: skip
    parts = tuple(part for target in SETS for part in _parts(target))
    live = "images?method=uotm&target=cifar10&network.generator=dense&network.adversary=dcgan&network.width=32&network.adversary_width=32"

    def unavailable_reason(self) -> str:
        return image_trajectories.unavailable_reason()

    def measure(self, seed: int, quick: bool) -> dict[str, float | int | str]:
        lacking = {
            target: kind.title
            for target, kind in SETS.items()
            if image_trajectories.unavailable_reason(target, kind.files)
        }
        found: dict[str, float | int | str] = {"left_out": ", ".join(lacking.values()) or "none"}
        for target in SETS:
            for method in METHODS if target not in lacking else ():
                scores = last_scores(config_of(target, method, seed), quick)
                found |= {f"{target}-{method}_{score}": scores[score] for score in LABELS if score in scores}
        return found
