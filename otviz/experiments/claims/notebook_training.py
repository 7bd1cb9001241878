"""The notebook's training run."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from otviz.data.distributions.ring import Ring
from otviz.evaluation.metrics import coverage, diversity
from otviz.experiments.charts import Curves, Line, Mark
from otviz.experiments.experiment import Cost, Effect, Experiment, Number, Values, number_of
from otviz.experiments.trainings import QUICK_STEPS
from otviz.methods.sinkhorn import Sinkhorn
from otviz.ot.reference import geomloss_divergence
from otviz.training.loop import Training, start

EPOCH = 7
"""Steps of an epoch: the notebook uses 2000 points in batches of 256, without the last, incomplete one."""

EPOCHS = {"first": 1, "half": 100, "last": 200}
REPORTED = {"first": "2.8801", "half": "0.1967", "last": "0.1656"}


class NotebookTraining(Experiment):
    """200 epochs at blur 0.02."""

    name = "notebook-training"
    title = "200 epochs of Sinkhorn training cover all 8 modes"
    paper = "fuge"
    place = "Section 11.2, printed output"
    claim = "After 200 epochs without a discriminator the loss is 0.166, the diversity 4.48, and all modes are covered."
    summary_template = (
        "Loss of the last epoch {last_geomloss} (printed: 0.1656), diversity {diversity} (printed: 4.4816); the smallest mode has "
        "{least_mode:percent} of its weight in the data."
    )
    chart = Curves(
        "epoch",
        "loss",
        (
            Line(
                "trained again; diamonds: printed",
                {float(epoch): f"{key}_geomloss" for key, epoch in EPOCHS.items()},
                {float(epoch): float(REPORTED[key]) for key, epoch in EPOCHS.items()},
            ),
        ),
        (Mark("real points", "floor_geomloss"),),
        log_y=True,
    )
    order = 10
    cost: ClassVar[Cost] = "minutes"
    formula = (
        r"\min_T S(T(x), y)",
        r"x \sim N(0, I), \; y \sim \text{ring}",
    )
    how = (
        "The Sinkhorn generator with the notebook's settings and its solver, geomloss at scaling 0.9, with fresh points in each batch instead "
        f"of 2000 kept ones: 1400 steps, {EPOCH} to an epoch. The losses are means over epochs 1, 100 and 200 on fresh batches, by the same "
        "solver; the loss of real points is measured in the same way. The other numbers are of 2500 samples. For comparison the training is "
        "repeated with otviz' solver, whose gradient is nearer the exact one."
    )
    numbers = (
        *(
            Number(f"{key}_geomloss", f"mean loss of epoch {epoch}, geomloss", REPORTED[key])
            for key, epoch in EPOCHS.items()
        ),
        Number("floor_geomloss", "loss of real points, geomloss", "0.13 ± 0.09", "computed"),
        Number("diversity", "diversity at the end (squared length)", "4.4816"),
        Number("modes", "modes of 8 covered"),
        Number("least_mode", "weight of the smallest mode, relative to the data"),
        Number("between", "share of samples between modes"),
        Number("ours_last_geomloss", "trained by otviz' solver: mean loss of epoch 200, geomloss"),
        Number("ours_diversity", "trained by otviz' solver: diversity"),
        Number("ours_between", "trained by otviz' solver: share of samples between modes"),
    )
    parts = (
        Effect("the loss of epoch 200 is the printed one, within a quarter", "mean loss of epoch 200, geomloss",
               lambda got: number_of(got, "last_geomloss"), 0.1656 * 0.75, 0.1656 * 1.25),
        Effect("the loss of epoch 1 is the printed one, within a quarter", "mean loss of epoch 1, geomloss",
               lambda got: number_of(got, "first_geomloss"), 2.8801 * 0.75, 2.8801 * 1.25),
        Effect("the diversity is the printed one, within 5 %", "diversity",
               lambda got: number_of(got, "diversity"), 4.4816 * 0.95, 4.4816 * 1.05),
        Effect("all 8 modes are covered: the smallest has at least half of its weight in the data", "weight of the smallest mode, relative to the data",
               lambda got: number_of(got, "least_mode"), low=0.5),
        Effect("the loss reaches a plateau: half way, 95 % of its fall is done", "share of the fall that is done half way", lambda got: _done(got), low=0.95),
        Effect("at the end the loss is that of real points, within a quarter: it can show no remaining distance",
               "ratio of the loss to that of real points, geomloss", lambda got: number_of(got, "last_geomloss") / number_of(got, "floor_geomloss"),
               0.75, 1.25, ratio=True, instead=True),
        Effect("more than a tenth of its samples lie between modes", "share of samples between modes",
               lambda got: number_of(got, "between"), low=0.1, instead=True),
        Effect("with a solver that converges, more samples lie between modes", "difference of share of samples between modes",
               lambda got: number_of(got, "ours_between") - number_of(got, "between"), low=0.0, instead=True),
    )  # fmt: skip
    live = "train?method=sinkhorn"

    def measure(self, seed: int, quick: bool) -> dict[str, float | int | str]:
        ring, rng = Ring(), np.random.default_rng([seed, 50])
        batches = [(ring.sample(256, rng), ring.sample(256, rng)) for _ in range(EPOCH)]
        steps = QUICK_STEPS if quick else 1400
        theirs = _played(Sinkhorn(solver="geomloss", scaling=0.9), steps, seed)
        ours = _played(Sinkhorn(), steps, seed)
        kept = ("last_geomloss", "diversity", "between")
        return {"floor_geomloss": _by_geomloss(batches), **theirs, **{f"ours_{key}": ours[key] for key in kept}}


def _played(method: Sinkhorn, steps: int, seed: int) -> dict[str, float | int | str]:
    """Losses of three epochs, and metrics of the final generator."""
    ring, rng = Ring(), np.random.default_rng([seed, 51])
    training = start(method, ring, steps=steps, seed=seed, device="cpu")
    epochs = training.steps // EPOCH
    found: dict[str, float | int | str] = {}
    for key, epoch in {"first": 1, "half": max(1, epochs // 2), "last": epochs}.items():
        while training.step < (epoch - 1) * EPOCH:
            training.advance()
        made = []
        for _ in range(EPOCH):
            made.append((_samples(training, 256, rng), ring.sample(256, rng)))
            training.advance()
        found[f"{key}_geomloss"] = _by_geomloss(made)
    points = _samples(training, 2500, rng)
    modes, mixture = coverage(points, ring.mixture()), ring.mixture()
    return found | {
        "diversity": diversity(points), "modes": modes["modes_covered"], "between": modes["mode_mixture"],
        "least_mode": float((np.array(modes["mode_shares"]) / mixture.weights).min()),
    }  # fmt: skip


def _samples(training: Training, n: int, rng: np.random.Generator) -> NDArray[np.float32]:
    noise = torch.from_numpy(rng.standard_normal((n, training.method.noise_dim)).astype(np.float32))
    with torch.no_grad():
        made: NDArray[np.float32] = training.eval_generator(
            torch.from_numpy(training.source.sample(n, rng)), noise
        ).numpy()
    return made


def _by_geomloss(batches: list[tuple[NDArray[np.float32], NDArray[np.float32]]]) -> float:
    """Mean of the notebook's own loss."""
    return float(np.mean([
        float(geomloss_divergence(torch.from_numpy(x), torch.from_numpy(y), blur=0.02)) for x, y in batches
    ]))  # fmt: skip


def _done(got: Values) -> float:
    first, half, last = (number_of(got, f"{key}_geomloss") for key in EPOCHS)
    return (first - half) / (first - last)
