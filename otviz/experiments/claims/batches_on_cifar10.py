"""OT-GAN on CIFAR-10: batch size and matching (Salimans et al. 2018, Section 5.2), each training seeing as many images."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

from otviz.checkpoints.catalogue import Entry
from otviz.core.numbers import whole
from otviz.experiments import image_trajectories
from otviz.experiments.charts import Dots, Row
from otviz.experiments.claims.ot_gan_runs import LOSS
from otviz.experiments.experiment import Cost, Experiment, Number
from otviz.experiments.image_trajectories import JUDGED_LAST, LABELS, last_scores
from otviz.experiments.trainings import frechet_ratio, gap
from otviz.runs.config import RunConfig

IMAGES, QUICK_SHARE = 256_000, 125  # a quick run sees one image in so many
"""Training images that each training sees: a step takes two minibatches."""

EMA, EMA_BATCH = 0.998, 64  # with other batches the average spans as many images
KNOBS: Mapping[str, Any] = MappingProxyType(
    {"features": 512, "noise_dim": 64, "epsilon": 0.02, "cost": "cosine", "n_gen": 3, "lr": 3e-4, "adversary_lr": 3e-4}
)
NETWORKS: Mapping[str, Any] = MappingProxyType(
    {"generator": "dcgan", "adversary": "dcgan", "width": 32, "adversary_width": 32, "from_source": False}
)
FEW = 32 * IMAGES // 128
"""Images that batches of 32 see in as many steps as there are of 128."""

RUNS: Mapping[str, tuple[int, str, int, str]] = MappingProxyType(
    {
        "b32": (32, "optimal", IMAGES, "batches of 32"),
        "b128": (128, "optimal", IMAGES, "batches of 128"),
        "b512": (512, "optimal", IMAGES, "batches of 512"),
        "random-128": (128, "random", IMAGES, "128, random pairs"),
        "b32-steps": (32, "optimal", FEW, "batches of 32, short"),
    }
)
"""Images in a minibatch, matching, images in all and label, by key."""


def config_of(key: str, seed: int, quick: bool = False) -> RunConfig:
    """The config of a training.

    Args:
        key: of RUNS.
        seed: of the training.
        quick: whether to train the short form.
    """
    batch, matching, images, _ = RUNS[key]
    knobs = {**KNOBS, "batch_size": batch, "matching": matching, "ema": round(EMA ** (batch / EMA_BATCH), 4)}
    steps = (images // QUICK_SHARE if quick else images) // (2 * batch)
    return Entry(
        f"cifar10-{key}", "ot-gan", "cifar10", steps=steps, seed=seed, lr_decay="cosine", knobs=knobs, networks=NETWORKS
    ).config("cpu")


class BatchesOnCifar10(Experiment):
    """Figures 3 and 5 at batches that a CPU can do."""

    name = "batches-on-cifar10"
    title = "On CIFAR-10 large batches and optimal matching make OT-GAN better"
    paper = "salimans"
    place = "Section 5.2, Figs. 3 and 5, at smaller batches"
    claim = "On CIFAR-10 OT-GAN's samples get better as the batch grows, and matched at random they are far worse."
    summary_template = (
        "Fréchet distance (lower is better): {b32_frechet} with batches of 32, {b128_frechet} with 128, {b512_frechet} with 512; with "
        "batches of 128 paired at random it is {random-128_frechet}."
    )
    chart = Dots(
        "Fréchet distance (lower is better)", tuple(Row(label, f"{key}_frechet") for key, (*_, label) in RUNS.items())
    )
    order = 35
    seeds = 2
    cost: ClassVar[Cost] = "minutes"
    formula = (*LOSS, r"W = \mathrm{Tr}[M C^\top], \; c = 1 - \cos", r"M \text{ optimal, or a random permutation}")
    how = (
        f"Each training sees {whole(IMAGES)} images of CIFAR-10, two minibatches in a step, so that larger batches have fewer steps: "
        f"{', '.join(f'{whole(IMAGES // (2 * size))} of {size}' for size in (32, 128, 512))}. The short one has as many steps of 32 as there are of 128. Networks "
        f"(DCGAN, width {NETWORKS['width']}, {KNOBS['features']} features), ε = {KNOBS['epsilon']} and step sizes are the same. Scores are of {whole(JUDGED_LAST)} images at the end, by otviz' own "
        "classifier; they are neither an inception score nor an FID, and the paper prints no numbers for the curves of Fig. 3."
    )
    numbers = (
        Number("", "inception score, batches of 8000: optimal matching", "8.47 ± 0.12"),
        Number("", "best inception score with random matching", "4.64"),
        Number("", "batches of 200", "training is not very stable"),
        Number("", "larger batches, to 8000", "more stable, the inception score increases"),
        *(
            Number(f"{key}_{score}", f"{label}: {words}")
            for score, words in LABELS.items() for key, (*_, label) in RUNS.items()
        ),
    )  # fmt: skip
    parts = (
        frechet_ratio("batches of 512 have a lower Fréchet distance than batches of 32", "b32", "b512"),
        frechet_ratio("batches of 128 have a lower one than batches of 32", "b32", "b128"),
        frechet_ratio("batches of 512 have a lower one than batches of 128", "b128", "b512"),
        gap("batches of 512 reach more of the data than batches of 32", "b512", "b32", "recall"),
        frechet_ratio("with as many steps, batches of 128 have a lower one than batches of 32", "b32-steps", "b128"),
        frechet_ratio(
            "at batches of 128 optimal matching has a lower Fréchet distance than random", "random-128", "b128"
        ),
        gap("at batches of 128 optimal matching reaches more of the data than random", "b128", "random-128", "recall"),
    )
    live = (
        "images?method=ot-gan&target=cifar10&batch_size=128&features=512&epsilon=0.02&n_gen=3&network.generator=dcgan&network.adversary=dcgan"
        "&network.width=32&network.adversary_width=32"
    )

    def unavailable_reason(self) -> str:
        return image_trajectories.unavailable_reason("cifar10", "CIFAR-10")

    def measure(self, seed: int, quick: bool) -> dict[str, float | int | str]:
        found: dict[str, float | int | str] = {}
        for key in RUNS:
            scores = last_scores(config_of(key, seed, quick), quick)
            found |= {f"{key}_{score}": scores[score] for score in LABELS if score in scores}
        return found
