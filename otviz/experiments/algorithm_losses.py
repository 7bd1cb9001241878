"""U1: the losses of Algorithm 1 on distributions where each has a closed form."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn

from otviz.experiments.base import Experiment, Number, Part, Values
from otviz.methods import Batch, named
from otviz.methods.unified import Unified

FAMILY = ("wgan", "wgan-gp", "otm", "uotm-no-cost", "uotm", "uotm-kl", "uotm-sd")
TAU, WEIGHT, SHIFT = 0.3, 0.7, (0.8, -0.5)
WITHIN = 0.01


class Slope(nn.Module):
    """v(y) = a . y, a potential whose slope is a everywhere."""

    def __init__(self, a: Tensor) -> None:
        super().__init__()
        self.a = a

    def forward(self, x: Tensor) -> Tensor:
        """Values (B, 1) at x (B, 2)."""
        return (x @ self.a)[:, None]

    def value_and_gradient(self, x: Tensor, others: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """As `otviz.networks.potential.Potential` has it."""
        points = x if others is None else torch.cat([x, others])
        return points @ self.a, self.a.expand(len(x), 2)


class AlgorithmLosses(Experiment):
    """L_v and L_T of the family."""

    name = "u1"
    title = "The losses of Algorithm 1 against closed forms"
    paper = "003"
    place = "Algorithm 1; Table 1"
    claim = "Each method of the family descends the losses of Algorithm 1 with its own cost, convex functions and regulariser."
    covers = ("U1",)
    formula = (
        r"L_v = \overline{g_1(v(\hat y) - c(x, \hat y))} + \overline{g_2(-v(y))} + \lambda R",
        r""
        r"L_T = \overline{g_3(c(x, \hat y) - v(\hat y))}",
        r"v(y) = a \cdot y, \; \hat y = x + b, \; x, y \sim N(0, I):",
        r"v(\hat y) - c \sim N(a \cdot b - \tau|b|^2, |a|^2)",
    )
    how = (
        f"τ = {TAU}, λ = {WEIGHT}, T moves by b = {SHIFT}, the potential is linear with a slope drawn from the seed, R is |a|² or "
        "(|a| − 1)²: with g = identity and e^x − 1 the means are elementary, with softplus and with α they are Gauss-Hermite "
        f"sums. A million points; they agree if no loss is further than {WITHIN} from its form."
    )
    numbers = tuple(
        number for name in FAMILY for number in (
            Number(f"{name}_v", f"{name}: L_v minus its closed form"),
            Number(f"{name}_T", f"{name}: L_T minus its closed form"),
        )
    )  # fmt: skip
    parts = (
        Part("L_v of every method agrees", lambda got: _worst(got, "v") <= WITHIN),
        Part("L_T of every method agrees", lambda got: _worst(got, "T") <= WITHIN),
    )
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
                potential = Slope(a)
                seen = (
                    float(method.adversary_loss(lambda at, z: at + b, potential, batch, scalars)),
                    float(method.generator_loss(lambda at, z: at + b, potential, batch, scalars)),
                )
            due = _closed(name, a.numpy().astype(float), scalars["alpha"])
            found |= {f"{name}_v": seen[0] - due[0], f"{name}_T": seen[1] - due[1]}
        return found


def _tuned(name: str) -> Unified:
    kind = named(name)
    assert issubclass(kind, Unified)
    knobs = {"penalty_weight": str(WEIGHT)} | ({"tau": str(TAU)} if name not in _WITHOUT_COST else {})
    return kind.parse(knobs)


_WITHOUT_COST = ("wgan", "wgan-gp", "uotm-no-cost")
"""Rows of Table 1 with tau = 0."""

_PENALTY = {"wgan-gp": "gp", "uotm-no-cost": "none"}
_CONVEX = {"uotm-no-cost": "softplus", "uotm": "softplus", "uotm-kl": "exponential", "uotm-sd": "softplus"}


def _closed(name: str, a: np.ndarray[tuple[int, ...], np.dtype[np.float64]], alpha: float) -> tuple[float, float]:
    """L_v and L_T of a row of Table 1, from the laws of v(T(x)) - c and -v(y) alone."""
    b = np.array(SHIFT)
    std = float(np.linalg.norm(a))
    centre = float(a @ b) - (0.0 if name in _WITHOUT_COST else TAU * float(b @ b))
    kind = _CONVEX.get(name, "identity")
    penalty = {"r1": std**2, "gp": (std - 1) ** 2, "none": 0.0}[_PENALTY.get(name, "r1")]
    return _mean(kind, centre, std, alpha) + _mean(kind, 0.0, std, alpha) + WEIGHT * penalty, -centre


def _mean(kind: str, centre: float, std: float, alpha: float) -> float:
    """E alpha g(u / alpha) of u ~ N(centre, std^2)."""
    if kind == "identity":
        return centre
    if kind == "exponential":
        return alpha * math.expm1(centre / alpha + (std / alpha) ** 2 / 2)
    nodes, weights = np.polynomial.hermite_e.hermegauss(64)
    values = 2 * alpha * (np.logaddexp(0, (centre + std * nodes) / alpha) - math.log(2))
    return float(weights @ values / weights.sum())


def _worst(got: Values, loss: str) -> float:
    return max(abs(float(got[f"{name}_{loss}"])) for name in FAMILY)
