"""The losses of Algorithm 1 on a quadratic potential, where each has a closed form and penalties depend on their points."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from otviz.experiments.charts import Dots, Row
from otviz.experiments.experiment import Experiment, Number, Part, Values
from otviz.methods import Batch, named
from otviz.methods.unified import Unified

FAMILY = ("wgan", "wgan-gp", "otm", "uotm-no-cost", "uotm", "uotm-kl", "uotm-sd")
TAU, WEIGHT, SHIFT, CURVATURE = 0.6, 1.0, (1.4, -0.9), 0.2
WITHIN = 0.01
APART = 0.02
"""Smallest change of L_v by R at the wrong points: twice WITHIN, so that they cannot pass for the right ones."""

Array = NDArray[np.float64]
Form = Callable[[Array], Array]
PLACES = ("data", "generated", "between")


class Bowl(nn.Module):
    """v(y) = a . y + k |y|^2 / 2, a potential with gradient a + k y."""

    def __init__(self, a: Tensor) -> None:
        super().__init__()
        self.a = a

    def forward(self, x: Tensor) -> Tensor:
        """Values (B, 1) at x (B, 2)."""
        return (x @ self.a + CURVATURE / 2 * x.square().sum(1))[:, None]

    def value_and_gradient(self, x: Tensor, others: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """As `otviz.networks.potential.Potential`."""
        points = x if others is None else torch.cat([x, others])
        return self(points)[:, 0], self.a + CURVATURE * x


class AlgorithmLosses(Experiment):
    """L_v and L_T of the family."""

    name = "family-losses"
    title = "Every method descends the losses of Algorithm 1"
    paper = "choi"
    place = "Algorithm 1, Table 1"
    claim = (
        "Each method of the family descends the losses of Algorithm 1 with its own cost, convex functions and regulariser, R1 on "
        "data and the gradient penalty between data and generated points."
    )
    summary_template = (
        "UOTM's losses differ from their closed forms by {uotm_v:range} (potential) and {uotm_T:range} (generator)."
    )
    chart = Dots(
        "difference from the closed form",
        (
            Row("potential, worst", lambda got: _worst(got, "v"), high=WITHIN),
            Row("generator, worst", lambda got: _worst(got, "T"), high=WITHIN),
            Row(
                "R elsewhere, least",
                lambda got: min(float(got[f"{name}_elsewhere"]) for name in FAMILY if name != "uotm-no-cost"),
                low=APART,
            ),
        ),
        log=True,
    )
    order = 10
    formula = (
        r"L_v = \overline{g_1(v(\hat y) - c(x, \hat y))} + \overline{g_2(-v(y))} + \lambda R",
        r"L_T = \overline{g_3(c(x, \hat y) - v(\hat y))}",
        r"v(y) = a \cdot y + \tfrac k2 |y|^2, \; \hat y = x + b, \; x, y \sim N(0, I):",
        r"\nabla v = a + k y, \; \hat y \sim N(b, I)",
    )
    how = (
        f"τ = {TAU}, λ = {WEIGHT}. T moves points by b = {SHIFT}. The potential is curved (k = {CURVATURE}) with a tilt a drawn from "
        "the seed, so that its slope, and with it R, differs between data, generated points and the places between them. The closed forms "
        "are integrals by Gauss-Hermite and Gauss-Legendre quadrature; the losses are means over a million points and agree if they are "
        f"within {WITHIN}. R elsewhere: the smallest change of L_v if R were evaluated at one of the other places."
    )
    numbers = (
        *(
            number for name in FAMILY for number in (
                Number(f"{name}_v", f"{name}: L_v minus its closed form"),
                Number(f"{name}_T", f"{name}: L_T minus its closed form"),
            )
        ),
        *(Number(f"{name}_elsewhere", f"{name}: change of L_v with R elsewhere") for name in FAMILY if name != "uotm-no-cost"),
    )  # fmt: skip
    parts = (
        Part("L_v of every method agrees, with the regulariser where the paper has it", lambda got: _worst(got, "v") <= WITHIN),
        Part("L_T of every method agrees", lambda got: _worst(got, "T") <= WITHIN),
        Part(f"with the regulariser elsewhere L_v would be off by more than {APART}", lambda got: all(
            float(got[f"{name}_elsewhere"]) > APART for name in FAMILY if name != "uotm-no-cost"
        )),
    )  # fmt: skip
    live = "train?method=uotm"

    def measure(self, seed: int, quick: bool) -> dict[str, float | int | str]:
        n = 200_000 if quick else 1_000_000
        rng = torch.Generator().manual_seed(seed)
        a = (torch.rand(2, generator=rng) * 0.4 + 0.2) * torch.tensor([1.0, -1.0])
        b = torch.tensor(SHIFT)
        drawn = (torch.randn(n, 2, generator=rng) for _ in range(2))
        x, y = drawn
        batch = Batch(x, torch.empty(n, 0), y, torch.rand(n, 1, generator=rng), rng)
        found: dict[str, float | int | str] = {}
        for name in FAMILY:
            method = _tuned(name)
            scalars = method.scalars(0.25)
            with torch.no_grad():
                potential = Bowl(a)
                seen = (
                    float(method.adversary_loss(lambda at, z: at + b, potential, batch, scalars)),
                    float(method.generator_loss(lambda at, z: at + b, potential, batch, scalars)),
                )
            tilt = a.numpy().astype(float)
            due = _closed(name, tilt, scalars["alpha"])
            found |= {f"{name}_v": seen[0] - due[0], f"{name}_T": seen[1] - due[1]}
            kind, at = _PENALTY.get(name, ("r1", "data"))
            if kind != "none":
                others = [_penalty(kind, other, tilt) for other in PLACES if other != at]
                right = _penalty(kind, at, tilt)
                found[f"{name}_elsewhere"] = WEIGHT * min(abs(other - right) for other in others)
        return found


def _tuned(name: str) -> Unified:
    kind = named(name)
    assert issubclass(kind, Unified)
    knobs = {"penalty_weight": str(WEIGHT)} | ({"tau": str(TAU)} if name not in _WITHOUT_COST else {})
    return kind.parse(knobs)


_WITHOUT_COST = ("wgan", "wgan-gp", "uotm-no-cost")
"""Rows of Table 1 with tau = 0."""

_PENALTY = {"wgan-gp": ("gp", "between"), "uotm-no-cost": ("none", "")}
"""R and its points; R1 on data for the others."""

_CONVEX = {"uotm-no-cost": "softplus", "uotm": "softplus", "uotm-kl": "exponential", "uotm-sd": "softplus"}


def _closed(name: str, a: Array, alpha: float) -> tuple[float, float]:
    """L_v and L_T of a row of Table 1, from the distributions of T(x) and y."""
    b = np.array(SHIFT)
    c = 0.0 if name in _WITHOUT_COST else TAU * float(b @ b)
    g = _convex(_CONVEX.get(name, "identity"), alpha)

    def v(points: Array) -> Array:
        values: Array = points @ a + CURVATURE / 2 * (points**2).sum(1)
        return values

    kind, at = _PENALTY.get(name, ("r1", "data"))
    penalty = 0.0 if kind == "none" else WEIGHT * _penalty(kind, at, a)
    on_generated, on_data = _mean(lambda p: g(v(p) - c), b, 1.0), _mean(lambda p: g(-v(p)), 0 * b, 1.0)
    return on_generated + on_data + penalty, c - _mean(v, b, 1.0)


def _penalty(kind: str, place: str, a: Array) -> float:
    """E |grad v|^2 or E (|grad v| - 1)^2 on data, N(0, I), on generated points, N(b, I), or uniformly between the two."""
    b = np.array(SHIFT)

    def form(points: Array) -> Array:
        squared: Array = ((a + CURVATURE * points) ** 2).sum(1)
        return squared if kind == "r1" else (np.sqrt(squared) - 1) ** 2

    if place != "between":
        return _mean(form, b if place == "generated" else 0 * b, 1.0)
    nodes, weights = np.polynomial.legendre.leggauss(16)
    shares = (nodes + 1) / 2  # t, share of the data: points are N((1 - t) b, (t^2 + (1 - t)^2) I)
    means = [_mean(form, (1 - t) * b, math.hypot(t, 1 - t)) for t in shares]
    return float(weights @ np.array(means) / 2)


def _convex(kind: str, alpha: float) -> Form:
    """alpha g(u / alpha)."""
    if kind == "identity":
        return lambda u: u
    if kind == "exponential":
        return lambda u: alpha * np.expm1(u / alpha)
    return lambda u: 2 * alpha * (np.logaddexp(0, u / alpha) - math.log(2))


def _mean(form: Form, centre: Array, std: float) -> float:
    """E form(p) for p ~ N(centre, std^2 I) in the plane."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(64)
    x, y = np.meshgrid(nodes, nodes)
    points = centre + std * np.stack([x.ravel(), y.ravel()], axis=1)
    return float(np.outer(weights, weights).ravel() @ form(points) / weights.sum() ** 2)


def _worst(got: Values, loss: str) -> float:
    return max(abs(float(got[f"{name}_{loss}"])) for name in FAMILY)
