"""The definitions behind OT-GAN's loss, checked on features without training."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from otviz.experiments.charts import Dots, Mark, Row, over
from otviz.experiments.claims.clouds import gaussian
from otviz.experiments.experiment import Effect, Experiment, Number, Part, number_of
from otviz.methods import named
from otviz.ot.costs import cosine, half_squared
from otviz.ot.divergences import minibatch_energy_distance
from otviz.ot.exact import exact_cost
from otviz.ot.sinkhorn import solve


class SoftMatching(Experiment):
    """W_c is the cost of the soft matching, without its entropy."""

    name = "soft-matching"
    title = "The cost of a matching leaves its entropy out"
    paper = "salimans"
    place = "Eq. 5, Fig. 1"
    claim = "W(X, Y) is the least cost Tr[M Cᵀ] over soft matchings M, found by Sinkhorn's algorithm; the entropy is not counted."
    summary_template = (
        "At ε = 1/500 the cost is {cost_sharp}, the exact one {exact}; at ε = 1 it is {cost_soft}, or {entropic_soft} with the "
        "entropy counted."
    )
    chart = Dots(
        "cost ÷ exact cost",
        (
            Row("ε = 1/500", over("cost_sharp", "exact"), high=1.02),
            Row("ε = 1", over("cost_soft", "exact")),
            Row("ε = 1, with entropy", over("entropic_soft", "exact")),
        ),
        (Mark("exact", 1.0),),
    )
    order = 10
    formula = (
        r"W(X, Y) = \mathrm{Tr}[M C^\top]",
        r"M = \arg\min_M \mathrm{Tr}[M C^\top] - \varepsilon\, H(M)",
    )
    how = (
        "64 points each in 16 dimensions, cosine cost. The cost <P, C>, and OT_ε = <P, C> + ε KL(P | uniform), at ε = 1/500 (the "
        "authors' images) and ε = 1 (Vu's report) are compared with the linear programme. Vu's Eq. 4 counts the entropy."
    )
    numbers = (
        Number("exact", "exact matching cost (linear programme)"),
        Number("cost_sharp", "<P, C> at ε = 1/500"),
        Number("entropic_sharp", "OT_ε at ε = 1/500"),
        Number("cost_soft", "<P, C> at ε = 1"),
        Number("entropic_soft", "OT_ε at ε = 1"),
        Number("marginals", "largest error of row and column sums, of 1/64"),
    )
    parts = (
        Part("at ε = 1/500 the cost is the exact one within 2 %",
             lambda got: 0 <= float(got["cost_sharp"]) / float(got["exact"]) - 1 + 1e-4 < 0.02),
        Part("every row and column of the matching has the same mass, within 1 %", lambda got: float(got["marginals"]) < 0.01),
        Part("counting the entropy changes the number at ε = 1 (Vu, Eq. 4)",
             lambda got: abs(float(got["entropic_soft"]) - float(got["cost_soft"])) > 1e-3),
    )  # fmt: skip
    live = "compare?preset=matching&view=inside"

    def measure(self, seed: int, quick: bool) -> dict[str, float | int | str]:
        cost = cosine(gaussian(64, seed, 3, 16), gaussian(64, seed, 4, 16)).double()
        sharp, soft = (solve(cost, epsilon, per_level=20, last=2000) for epsilon in (1 / 500, 1.0))
        sums = torch.cat([sharp.coupling.sum(0), sharp.coupling.sum(1)])
        return {
            "exact": exact_cost(cost.numpy()),
            "cost_sharp": float(sharp.transport_cost),
            "entropic_sharp": float(sharp.entropic_cost),
            "cost_soft": float(soft.transport_cost),
            "entropic_soft": float(soft.entropic_cost),
            "marginals": float((sums * 64 - 1).abs().max()),
        }


class CosineCost(Experiment):
    """1 - cosine is in [0, 2] and ignores lengths."""

    name = "cosine-cost"
    title = "The cosine cost lies between 0 and 2"
    paper = "salimans"
    place = "Section 4"
    claim = "The cost 1 − cos of critic features is bounded, between 0 and 2."
    summary_template = "Costs between random features go from {least} to {most}."
    chart = Dots(
        "cost 1 − cos",
        (Row("smallest cost", "least", low=0.0, high=2.0), Row("largest cost", "most", low=0.0, high=2.0)),
    )
    order = 30
    formula = (r"c(x, y) = 1 - \frac{v(x) \cdot v(y)}{|v(x)|\,|v(y)|} \in [0, 2]",)
    how = "Random features in 16 dimensions, with lengths from 0.01 to 100; then one side is made ten times longer."
    numbers = (
        Number("least", "smallest cost between random features", "0"),
        Number("most", "largest cost", "2"),
        Number("blind", "change of the cost when one side is ten times longer"),
    )
    parts = (
        Part("all costs lie in [0, 2]", lambda got: float(got["least"]) > -1e-6 and float(got["most"]) < 2 + 1e-6),
        Part(
            "the cost does not depend on the length of the features",
            lambda got: float(got["blind"]) < 1e-5,
            instead=True,
        ),
    )
    live = "train?method=ot-gan&cost=cosine"

    def measure(self, seed: int, quick: bool) -> dict[str, float | int | str]:
        x, y = gaussian(200, seed, 5, 16), gaussian(200, seed, 6, 16)
        x = torch.cat([x, -y[:20], y[:20]]) * torch.logspace(-2, 2, 240)[:, None]
        cost = cosine(x, y)
        change = float((cosine(10 * x, y) - cost).abs().max())
        return {"least": float(cost.min()), "most": float(cost.max()), "blind": change}


class LossOfAlgorithm1(Experiment):
    """The six matchings, the envelope theorem, and the alternation of updates."""

    name = "six-matchings"
    title = "OT-GAN's loss needs no gradient through the matchings"
    paper = "salimans"
    place = "Section 4, Algorithm 1"
    claim = "The loss of six matchings needs no gradient through the matchings, and the critic is updated once in n_gen + 1 steps."
    summary_template = "With the matchings held fixed the gradient is off by {error_sharp:percent} at ε = 0.02 and by {error_soft:percent} at ε = 1."
    chart = Dots(
        "relative error of the gradient",
        (Row("ε = 0.02", "error_sharp", high=0.05), Row("ε = 1", "error_soft")),
        log=True,
    )
    order = 40
    formula = (
        r"L = W(X,Y) + W(X,Y') + W(X',Y) + W(X',Y')",
        r"\qquad - 2W(X,X') - 2W(Y,Y')",
        r"\text{critic at step } t \text{ if } t \bmod (n_{\mathrm{gen}} + 1) = 0",
    )
    how = (
        "Features of 32 points in 4 dimensions. The gradient with the matchings held fixed, along a random direction, is compared with "
        "finite differences of the loss with the matchings solved again (ε = 0.02 and 1, half squared cost). The envelope theorem is exact "
        "for OT_ε; the loss leaves the entropy out, so that an error of ε times the change of the entropy remains. Then the updates in 60 "
        "steps at n_gen = 5 are counted."
    )
    numbers = (
        Number("error_sharp", "relative error of the gradient at ε = 0.02"),
        Number("error_soft", "relative error of the gradient at ε = 1"),
        Number("critic", "critic updates in 60 steps at n_gen = 5", "10"),
        Number("generator", "generator updates in 60 steps", "50"),
    )
    parts = (
        Effect("with a sharp matching the gradient is right within 5 %", "mean relative error",
               lambda got: number_of(got, "error_sharp"), high=0.05),
        Part("10 critic and 50 generator updates", lambda got: (got["critic"], got["generator"]) == (10, 50)),
        Effect("the error is larger where the matching is soft", "ratio of relative errors",
               lambda got: number_of(got, "error_soft") / number_of(got, "error_sharp"), low=1, ratio=True, instead=True),
    )  # fmt: skip
    live = "compare?preset=matching&view=inside"

    def measure(self, seed: int, quick: bool) -> dict[str, float | int | str]:
        turns = [named("ot-gan")().updates(step) for step in range(1, 61)]
        return {
            "error_sharp": _gradient_error(seed, 0.02),
            "error_soft": _gradient_error(seed, 1.0),
            "critic": sum(critic for critic, _ in turns),
            "generator": sum(generator for _, generator in turns),
        }


def _gradient_error(seed: int, epsilon: float, step: float = 1e-4) -> float:
    """Relative error of the directional derivative with fixed plans against a central difference, in a random direction of y."""
    x1, x2, y1, y2 = (gaussian(32, seed, stream, 4).double() for stream in (7, 8, 9, 10))
    y1, y2 = y1 + 1, y2 + 1
    direction = gaussian(32, seed, 11, 4).double() + 0.5

    def loss(moved: Tensor) -> Tensor:
        return minibatch_energy_distance(x1, x2, moved, y2, epsilon=epsilon, iterations=400)

    at = y1.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(loss(at), at)
    slope = float((gradient * direction).sum())
    difference = float(loss(y1 + step * direction) - loss(y1 - step * direction)) / (2 * step)
    return abs(slope - difference) / abs(difference)


class NearlyUniform(Experiment):
    """With a cosine cost and epsilon = 1 the plan is nearly uniform."""

    name = "near-uniform-matching"
    title = "ε = 1 with a cosine cost matches almost at random"
    paper = "vu"
    place = "Section 3.1 and Fig. 4"
    claim = "With the cosine cost and ε = 1 the matching is almost uniform; at ε = 1/500 it is sharp."
    summary_template = "At ε = 1 the entropy is {soft:percent} of that of a uniform matching, and a point has {partners} partners of 32."
    chart = Dots(
        "entropy ÷ entropy of the uniform matching",
        (
            Row("ε = 1", "soft", low=0.95, high=1.0),
            Row("ε = 0.01", "vu"),
            Row("ε = 1/500", "sharp", low=0.5, high=0.7),
        ),
        (Mark("one partner each", 0.5),),
    )
    order = 20
    formula = (
        r"M_{ij} \propto a_i\, e^{-c_{ij} / \varepsilon}\, b_j",
        r"c \in [0, 2], \; \varepsilon = 1: \; e^{-c/\varepsilon} \in [e^{-2}, 1]",
    )
    how = (
        "Batches of 32, as in the report, of random unit features in 16 dimensions. The entropy of the matching is divided by that of the "
        "uniform one: 1 means uniform, 0.5 means one partner each. The claim follows from the report's settings; the report does not state it."
    )
    numbers = (
        Number("soft", "normalised entropy of the matching at ε = 1", "almost 1", "derived"),
        Number("vu", "normalised entropy at ε = 0.01"),
        Number("sharp", "normalised entropy at ε = 1/500"),
        Number("partners", "partners of a point at ε = 1, of 32"),
    )
    parts = (
        Part("at ε = 1 the entropy is above 0.95", lambda got: float(got["soft"]) > 0.95),
        Part("at ε = 1/500 it is below 0.7", lambda got: float(got["sharp"]) < 0.7),
    )
    live = "train?method=ot-gan&cost=cosine&epsilon=1"

    def measure(self, seed: int, quick: bool) -> dict[str, float | int | str]:
        cost = cosine(gaussian(32, seed, 12, 16), gaussian(32, seed, 13, 16)).double()
        plans = {name: solve(cost, eps, per_level=20, last=200).coupling for name, eps in (("soft", 1.0), ("vu", 0.01), ("sharp", 0.002))}  # fmt: skip
        found: dict[str, float | int | str] = {name: _entropy(plan) / math.log(32**2) for name, plan in plans.items()}
        rows = plans["soft"] * 32
        return found | {"partners": float(torch.special.entr(rows).sum(1).exp().mean())}


def _entropy(plan: Tensor) -> float:
    return float(torch.special.entr(plan / plan.sum()).sum())


class SquareRoot(Experiment):
    """Vu's report defines a square root where the paper has a square."""

    name = "square-root"
    title = "The energy distance can be estimated by its square root"
    paper = "vu"
    place = "Eq. 4 to 6"
    claim = (
        "D_MED, the square root of 2 E W(X,Y) − E W(X,X') − E W(Y,Y'), can be estimated from minibatches by that root."
    )
    summary_template = "For equal distributions {negative:percent} of the estimates are negative and have no real root."
    chart = Dots(
        "share of negative estimates",
        (Row("equal distributions", "negative", low=0.0, high=0.01),),
        (Mark("none", 0.0),),
    )
    order = 10
    formula = (r"D_{\mathrm{MED}} = \sqrt{2\,\mathbb{E}\,W(X, Y) - \mathbb{E}\,W(X, X') - \mathbb{E}\,W(Y, Y')}",)
    how = (
        "1000 estimates (quick run: 100) with batches of 8, both sides from the same distribution. Salimans et al. estimate the square: its "
        "mean is near 0, so that many estimates are negative and have no real root."
    )
    numbers = (
        Number("mean", "mean of the estimate of D² for equal distributions", "0 in expectation"),
        Number("negative", "share of draws with a negative estimate"),
    )
    parts = (
        Part("the estimate has a real root in 99 % of the draws", lambda got: float(got["negative"]) < 0.01),
        Effect(
            "the square is unbiased: its mean is within 0.03 of 0",
            "mean of the estimate",
            lambda got: number_of(got, "mean"),
            -0.03,
            0.03,
            instead=True,
        ),
    )
    live = "compare?preset=matching&view=inside"

    def measure(self, seed: int, quick: bool) -> dict[str, float | int | str]:
        draws = 100 if quick else 1000
        x1, x2, y1, y2 = (gaussian(draws * 8, seed, stream).view(draws, 8, 2) for stream in (14, 15, 16, 17))
        pairs = ((x1, y1), (x1, y2), (x2, y1), (x2, y2), (x1, x2), (y1, y2))
        costs = torch.stack([half_squared(a, b) for a, b in pairs]).double()
        values = solve(costs.reshape(-1, 8, 8), 0.02, per_level=10, last=200).transport_cost.view(6, draws)
        estimate = values[:4].sum(0) / 2 - values[4] - values[5]
        return {"mean": float(estimate.mean()), "negative": float((estimate < 0).double().mean())}
