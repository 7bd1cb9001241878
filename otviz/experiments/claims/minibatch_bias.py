"""Minibatch transport is biased; the minibatch energy distance is not."""

from __future__ import annotations

import torch
from torch import Tensor

from otviz.experiments.charts import Dots, Mark, Row
from otviz.experiments.claims.clouds import gaussian
from otviz.experiments.experiment import Effect, Experiment, Number, Part, number_of
from otviz.ot.costs import cost_p
from otviz.ot.sinkhorn import solve

SCALES = (0.0, 0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2)
BATCH = 16


class MinibatchBias(Experiment):
    """The spread of generated points that minimises a minibatch loss, when the right one is 1."""

    name = "minibatch-bias"
    title = "Minibatch transport is biased, the minibatch energy distance is not"
    paper = "salimans"
    place = "Sections 2 and 3, Eq. 6 to 8"
    claim = (
        "The mean transport cost of minibatches is not smallest at the data's own distribution; D²_MED = 2 E W(X,Y) − E W(X,X') − "
        "E W(Y,Y') is, and is 0 there."
    )
    summary_template = (
        "The transport cost alone prefers points scaled by {best_plain}, the minibatch energy distance by {best_med}."
    )
    chart = Dots(
        "best scale of the generated points",
        (
            Row("transport cost alone", "best_plain", high=0.8),
            Row("energy distance", "best_med", low=0.85, high=1.15),
        ),
        (Mark("the data", 1.0),),
    )
    order = 20
    formula = (r"D^2_{\mathrm{MED}} = 2\,\mathbb{E}\,W(X, Y) - \mathbb{E}\,W(X, X') - \mathbb{E}\,W(Y, Y')",)
    how = (
        "The data are N(0, I) in the plane, the generated points the same times a scale s from 0 to 1.2. Batches have 16 points, W is the "
        "cost |x − y| of the soft matching at ε = 0.1, and means are over 300 pairs of batches (quick run: 30). The best scale is the s with "
        "the smallest mean. Without the repulsive term −E W(Y,Y') the generated points contract."
    )
    numbers = (
        Number("best_plain", "best scale for E W(X,Y) alone", "below 1"),
        Number("best_med", "best scale for D²_MED", "1"),
        Number("at_truth_plain", "E W(X,Y) at s = 1, equal distributions", "above 0"),
        Number("at_truth_med", "D²_MED at s = 1", "0"),
        Number("apart", "D²_MED at s = 0.2", "above 0"),
    )
    parts = (
        Part("E W(X,Y) alone prefers a scale of at most 0.8", lambda got: float(got["best_plain"]) <= 0.8),
        Part("D²_MED prefers a scale from 0.9 to 1.1", lambda got: 0.85 < float(got["best_med"]) < 1.15),
        Effect("for equal distributions D²_MED is 0 within 0.02", "mean of D²_MED", lambda got: number_of(got, "at_truth_med"), -0.02, 0.02),
        Effect("for equal distributions W is above 0.1", "mean of W", lambda got: number_of(got, "at_truth_plain"), low=0.1),
        Effect("at scale 0.2 D²_MED is above 0.1", "mean of D²_MED", lambda got: number_of(got, "apart"), low=0.1),
    )  # fmt: skip
    live = "compare?preset=matching&view=inside"

    def measure(self, seed: int, quick: bool) -> dict[str, float | int | str]:
        pairs = 30 if quick else 300
        x1, x2, z1, z2 = (gaussian(pairs * BATCH, seed, stream).view(pairs, BATCH, 2) for stream in (20, 21, 22, 23))
        real, plain, med = _mean_cost(x1, x2), [], []
        for scale in SCALES:
            across = (_mean_cost(x1, scale * z1) + _mean_cost(x2, scale * z2)) / 2
            plain.append(across)
            med.append(2 * across - real - _mean_cost(scale * z1, scale * z2))
        truth = SCALES.index(1.0)
        return {
            "best_plain": SCALES[plain.index(min(plain))],
            "best_med": SCALES[med.index(min(med))],
            "at_truth_plain": plain[truth],
            "at_truth_med": med[truth],
            "apart": med[SCALES.index(0.2)],
        }


def _mean_cost(x: Tensor, y: Tensor) -> float:
    """Mean <P, C> over batches x, y of shape (batches, n, d), cost |x - y|, at epsilon 0.1."""
    with torch.no_grad():
        return float(solve(cost_p(x, y, 1), 0.1, per_level=4, last=40).transport_cost.mean())
