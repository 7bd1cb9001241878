"""With growing dimension a fixed Euclidean cost detects less of a difference; a cost on a good feature does not degrade."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor

from otviz.experiments.charts import Curves, Line
from otviz.experiments.claims.clouds import gaussian
from otviz.experiments.experiment import Effect, Experiment, Number, Part, number_of
from otviz.ot.costs import cost_p
from otviz.ot.sinkhorn import solve

DIMENSIONS = (2, 8, 32, 128, 512)
BATCH = 64
APART = 4.0  # distance of the two modes along one axis, in standard deviations


class HighDimension(Experiment):
    """Signal-to-noise ratio of a collapse on minibatches, over the dimension."""

    name = "high-dimension"
    title = "A fixed cost is poor in high dimension"
    paper = "salimans"
    place = "Section 4"
    claim = (
        "With a fixed Euclidean cost many samples are needed in high dimension; the cost must be learnt on features."
    )
    summary_template = (
        "A collapse stands out from the noise by {snr_2} standard deviations in 2 dimensions and by {snr_512} in 512; on the "
        "right feature by {feature_512}."
    )
    chart = Curves(
        "dimension",
        "mean ÷ standard deviation of D²",
        (
            Line("fixed cost", {float(d): f"snr_{d}" for d in DIMENSIONS}),
            Line("on the right feature", {float(d): f"feature_{d}" for d in DIMENSIONS}),
        ),
        log_x=True,
        log_y=True,
    )
    order = 50
    formula = (r"\mathrm{SNR} = \mathbb{E}\,\hat D^2 \,/\, \mathrm{std}\,\hat D^2",)
    how = (
        "The data are two Gaussians, 4 standard deviations apart along one axis, in 2 to 512 dimensions. The generator has collapsed to "
        "one of them. OT-GAN's D² is computed 100 times (quick run: 20) from four batches of 64 with the cost |x − y| at ε = 0.1; what "
        "counts is its mean divided by its standard deviation. The right feature is the axis that separates the modes, which a critic would "
        "have to learn."
    )
    numbers = (
        *(Number(f"snr_{d}", f"mean ÷ standard deviation of D², d = {d}") for d in DIMENSIONS),
        *(Number(f"feature_{d}", f"the same on the right feature, d = {d}") for d in DIMENSIONS),
    )
    parts = (
        Effect("at d = 2 the collapse stands out at least three times as far as at d = 512", "ratio of the two",
               lambda got: number_of(got, "snr_2") / number_of(got, "snr_512"), low=3, ratio=True),
        Part("it stands out less with every larger dimension", lambda got: all(
            float(got[f"snr_{low}"]) > float(got[f"snr_{high}"])
            for low, high in itertools.pairwise(DIMENSIONS)
        )),
        Effect("on the right feature it stands out at d = 512 as far as at d = 2, within a quarter", "ratio of the two",
               lambda got: number_of(got, "feature_512") / number_of(got, "feature_2"), 0.75, 1.25, ratio=True),
    )  # fmt: skip

    def measure(self, seed: int, quick: bool) -> dict[str, float | int | str]:
        found: dict[str, float | int | str] = {}
        for d in DIMENSIONS:
            x1, x2 = (_modes(seed, stream, 20 if quick else 100, d, both=True) for stream in (30, 31))
            y1, y2 = (_modes(seed, stream, 20 if quick else 100, d, both=False) for stream in (32, 33))
            found[f"snr_{d}"] = _stands_out(x1, x2, y1, y2)
            found[f"feature_{d}"] = _stands_out(*(each[..., :1] for each in (x1, x2, y1, y2)))
        return found


def _modes(seed: int, stream: int, batches: int, d: int, both: bool) -> Tensor:
    """Batches of points, shape (batches, BATCH, d); `both`: half of each at the other mode."""
    points = gaussian(batches * BATCH, seed, stream, d).view(batches, BATCH, d)
    points[..., 0] += APART / 2
    if both:
        points[:, : BATCH // 2, 0] -= APART
    return points


def _stands_out(x1: Tensor, x2: Tensor, y1: Tensor, y2: Tensor) -> float:
    """Mean over standard deviation of D^2 = W(X,Y) + W(X,Y') + W(X',Y) + W(X',Y') - 2 W(X,X') - 2 W(Y,Y') (Salimans et al. 2018, Algorithm 1)."""
    with torch.no_grad():
        across = sum((_cost(x, y) for x in (x1, x2) for y in (y1, y2)), torch.zeros(len(x1)))
        value = across - 2 * _cost(x1, x2) - 2 * _cost(y1, y2)
        return float(value.mean() / value.std())


def _cost(x: Tensor, y: Tensor) -> Tensor:
    return solve(cost_p(x, y, 1), 0.1, per_level=4, last=40).transport_cost
