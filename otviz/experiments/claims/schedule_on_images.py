"""Is the schedule of alpha the reason for UOTM-SD's robustness to tau? On MNIST at 8 x 8, with a constant alpha as control."""

from __future__ import annotations

import dataclasses
import math
from typing import ClassVar

from otviz.checkpoints.catalogue import catalogue
from otviz.experiments import image_trajectories
from otviz.experiments.charts import Dots, Row
from otviz.experiments.claims.family import LOSSES
from otviz.experiments.claims.schedule_and_tau import ARMS
from otviz.experiments.experiment import Cost, Experiment, Number
from otviz.experiments.image_trajectories import LABELS, image_trajectory
from otviz.experiments.sweeps.sweep import with_knob
from otviz.experiments.trainings import frechet_ratio
from otviz.runs.config import RunConfig

TAUS = {"small": "0.0005", "large": "0.15"}


class RobustOnImages(Experiment):
    """UOTM-SD is robust to tau on digits; is a constant alpha robust, too?"""

    name = "tau-on-images"
    title = "On images too, UOTM-SD is robust to τ thanks to its schedule"
    paper = "choi"
    place = "Section 5, Fig. 5, on small images"
    claim = "On images with τ too small or too large UOTM-SD is better than UOTM, and it is the schedule of α that makes it so."
    summary_template = (
        "Fréchet distance with τ too large: UOTM {uotm@large_frechet}, UOTM with a constant α = 5 scores {alpha-5@large_frechet}, UOTM-SD "
        "{uotm-sd@large_frechet}."
    )
    chart = Dots(
        "Fréchet distance (lower is better)",
        tuple(
            Row(f"{label}, τ too {tau}", f"{arm}@{tau}_frechet")
            for tau in ("large", "small")
            for arm, label in (("uotm", "UOTM"), ("alpha-5", "α = 5"), ("uotm-sd", "UOTM-SD"))
        ),
    )
    order = 110
    cost: ClassVar[Cost] = "minutes"
    formula = (*LOSSES, r"g^\alpha(x) = \alpha\, g(x / \alpha)", r"\alpha \text{ from } \tfrac15 \text{ to } 5")
    how = (
        "MNIST at 8 × 8 pixels, 3000 steps of 64 images, with τ too small (0.0005) and too large (0.15; 0.0047 is right): UOTM, UOTM-SD, and "
        "UOTM with a constant α = 5. Step sizes (0.001) and the weight of R1 (0.1) are the same in all. Scores are of 2000 images at the end, "
        "by otviz' own classifier."
    )
    numbers = tuple(
        Number(f"{arm}@{tau}_{score}", f"{title}, τ too {tau}: {words}")
        for tau in TAUS for arm, title in ARMS.items() for score, words in LABELS.items()
    )  # fmt: skip
    parts = (
        frechet_ratio("with τ too large UOTM is worse than UOTM-SD", "uotm@large", "uotm-sd@large"),
        frechet_ratio("with τ too small UOTM is worse than UOTM-SD", "uotm@small", "uotm-sd@small"),
        frechet_ratio(
            "it is the schedule: with τ too large a constant α = 5 is worse", "alpha-5@large", "uotm-sd@large"
        ),
        frechet_ratio("with τ too small a constant α = 5 is worse", "alpha-5@small", "uotm-sd@small"),
        frechet_ratio(
            "with τ too large a constant α = 5 is better than UOTM", "uotm@large", "alpha-5@large", instead=True
        ),
    )
    live = "images?method=uotm-sd&target=mnist8&tau=0.15"

    def unavailable_reason(self) -> str:
        return image_trajectories.unavailable_reason()

    def measure(self, seed: int, quick: bool) -> dict[str, float | int | str]:
        found: dict[str, float | int | str] = {}
        for key, config in _configs(seed).items():
            seen = image_trajectory(config, quick)
            found |= {f"{key}_{score}": seen.score(score, math.inf) for score in LABELS}
        return found


def _configs(seed: int) -> dict[str, RunConfig]:
    """Configs of the shipped models, with this seed, and of UOTM with alpha = 5."""
    made = {
        f"{name}@{tau}": dataclasses.replace(
            catalogue().entries[f"mnist8-{name}-tau-{tau}"].config(), seed=seed, device="cpu"
        )
        for tau in TAUS for name in ("uotm", "uotm-sd")
    }  # fmt: skip
    controls = {
        f"alpha-5@{tau}": dataclasses.replace(
            made[f"uotm@{tau}"], method=with_knob(made[f"uotm@{tau}"].method, "alpha", 5.0)
        )
        for tau in TAUS
    }
    return made | controls
