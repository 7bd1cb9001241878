"""N7's noise floor: the loss of a perfect generator on minibatches is not 0."""

from __future__ import annotations

import numpy as np

from otviz.distributions.ring import Ring
from otviz.experiments.base import Experiment, Number, Part
from otviz.metrics import sinkhorn

SIZES = {64: "0.44", 128: "0.35", 256: "0.13 ± 0.09", 512: "0.083", 1000: "0.043"}


class NoiseFloor(Experiment):
    """S between two batches of real points."""

    name = "n7-floor"
    title = "The loss of real points against real points"
    paper = "000"
    place = "11.2, L358-404: final loss 0.1656"
    claim = "The final training loss of 0.166 shows how far the generator still is from the data."
    covers = ("N7",)
    how = (
        "S at blur 0.02 between two fresh batches of the ring itself, mean over 20 pairs (quick: 3): what a perfect "
        "generator would be charged."
    )
    numbers = tuple(Number(f"floor_{n}", f"S of {n} real points against {n}", text, "computed") for n, text in SIZES.items())  # fmt: skip
    parts = (
        Part("real points in batches of 256 score less than half of 0.1656", lambda got: float(got["floor_256"]) < 0.0828),
        Part("the floor falls as batches grow",
             lambda got: float(got["floor_1000"]) < float(got["floor_64"]),
             instead=True),
    )  # fmt: skip
    live = "train?method=sinkhorn"

    def measure(self, seed: int, quick: bool) -> dict[str, float | int | str]:
        ring, rng = Ring(), np.random.default_rng([seed, 2])
        pairs = 3 if quick else 20
        return {
            f"floor_{n}": float(
                np.mean([sinkhorn(ring.sample(n, rng), ring.sample(n, rng), 0.02) for _ in range(pairs)])
            )
            for n in SIZES
        }
