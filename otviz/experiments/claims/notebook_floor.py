"""The noise floor of the notebook's training: a perfect generator has a minibatch loss above 0."""

from __future__ import annotations

import itertools

import numpy as np
import torch

from otviz.data.distributions.ring import Ring
from otviz.evaluation.metrics import sinkhorn
from otviz.experiments.charts import Curves, Line, Mark
from otviz.experiments.experiment import Effect, Experiment, Number, Part, number_of
from otviz.ot.reference import geomloss_divergence

SIZES = {64: "0.44", 128: "0.35", 256: "0.13 ± 0.09", 512: "0.083", 1000: "0.043"}


class NoiseFloor(Experiment):
    """S between two batches of real points."""

    name = "loss-floor"
    title = "A final loss of 0.166 shows how far the generator is from the data"
    paper = "fuge"
    place = "Section 11.2, printed output"
    claim = "The final training loss of 0.166 shows how far the generator still is from the data."
    summary_template = "In batches of 256, real points already score {geomloss_256} against real points."
    chart = Curves(
        "batch size",
        "loss of real points against real points",
        (
            Line("otviz' solver", {float(n): f"floor_{n}" for n in SIZES}),
            Line("the notebook's solver", {256.0: "geomloss_256"}),
        ),
        (Mark("the notebook's final loss", 0.1656),),
        log_x=True,
        log_y=True,
    )
    order = 60
    formula = (
        r"\mathbb{E}\, S(Y, Y') > 0",
        r"\text{for two samples } Y, Y' \text{ of the same law}",
    )
    how = (
        "S at blur 0.02 between two fresh batches of the ring itself, mean over 20 pairs (quick run: 3): the loss of a perfect generator. "
        "It is judged by geomloss at scaling 0.9, the notebook's solver, which stops early and gives lower values than otviz' solver for the "
        "same pairs."
    )
    numbers = (
        Number("geomloss_256", "S of 256 real points against 256, geomloss at scaling 0.9", "0.13 ± 0.09", "computed"),
        *(
            Number(f"floor_{n}", f"S of {n} real points against {n}, otviz' solver", text, "computed")
            for n, text in SIZES.items()
        ),
    )
    parts = (
        Effect("real points in batches of 256 score less than half of 0.1656", "S of real points, geomloss",
               lambda got: number_of(got, "geomloss_256"), high=0.1656 / 2),
        Part("the loss of real points falls with every larger batch", lambda got: all(
            float(got[f"floor_{few}"]) > float(got[f"floor_{many}"]) for few, many in itertools.pairwise(SIZES)
        ), instead=True),
        Effect("0.1656 is what real points score, within a quarter", "S of real points, geomloss",
               lambda got: number_of(got, "geomloss_256"), 0.1656 * 0.75, 0.1656 * 1.25, instead=True),
    )  # fmt: skip
    live = "train?method=sinkhorn"

    def measure(self, seed: int, quick: bool) -> dict[str, float | int | str]:
        ring, rng, pairs = Ring(), np.random.default_rng([seed, 2]), 3 if quick else 20
        drawn = {n: [(ring.sample(n, rng), ring.sample(n, rng)) for _ in range(pairs)] for n in SIZES}
        found: dict[str, float | int | str] = {
            f"floor_{n}": float(np.mean([sinkhorn(x, y, 0.02) for x, y in batches])) for n, batches in drawn.items()
        }
        theirs = [
            float(geomloss_divergence(torch.from_numpy(x), torch.from_numpy(y), blur=0.02)) for x, y in drawn[256]
        ]
        return found | {"geomloss_256": float(np.mean(theirs))}
