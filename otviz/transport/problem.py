"""A transport problem as a page poses it: how many points, which cost, how much blur, which loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from otviz.distributions.base import Distribution, Points
from otviz.ot.notebook import notebook_points
from otviz.params import Knobs, param

Loss = Literal["sinkhorn", "entropic", "energy", "gaussian-mmd", "laplacian-mmd"]
Cost = Literal["half-squared", "euclidean", "squared", "cityblock", "cosine"]

LOSSES: dict[str, str] = {
    "sinkhorn": "Sinkhorn divergence S (debiased)",
    "entropic": "Entropic cost OT_ε (not debiased)",
    "energy": "Energy distance",
    "gaussian-mmd": "Gaussian MMD",
    "laplacian-mmd": "Laplacian MMD",
}
COSTS: dict[str, str] = {
    "half-squared": "p = 2: half squared, |x − y|²/2",
    "euclidean": "p = 1: Euclidean, |x − y|",
    "squared": "squared, |x − y|²",
    "cityblock": "city block (Manhattan), |x₁ − y₁| + |x₂ − y₂|",
    "cosine": "cosine, 1 − cos(x, y)",
}
ORDER = {"half-squared": 2, "squared": 2, "euclidean": 1, "cityblock": 1, "cosine": 1}
"""p in epsilon = blur^p: the power of a length that the cost has. The cosine has no length; its blur is epsilon itself."""


@dataclass(frozen=True)
class Problem(Knobs):
    """Two clouds of n points and what is asked of them."""

    name: ClassVar[str] = "transport"
    title: ClassVar[str] = "Transport"

    n: int = param(1000, 50, 20_000, doc="Points drawn of each side", unit="points", log=True)
    loss: Loss = param("sinkhorn", doc="What is measured between the clouds, and whose gradient the arrows follow")
    cost: Cost = param("half-squared", doc="Cost of moving a unit of mass from x to y")
    blur: float = param(0.05, 1e-3, 10, doc="Details below this length are blurred away", unit="length", log=True)
    reach: float | None = param(
        None, 0.05, 20, doc="Unbalanced: mass further than this from any partner is dropped", unit="length", log=True
    )
    scaling: float = param(
        0.7, 0.3, 0.98, doc="Ratio between successive blurs of the solver: nearer 1 is slower, finer", advanced=True
    )
    solver: Literal["ours", "geomloss"] = param(
        "ours", doc="Whose value and arrows: ours, or geomloss' SamplesLoss as in Fuge's notebook", advanced=True
    )
    seed: int = param(0, 0, 2**31 - 1, doc="Draws the points", advanced=True)
    points: Literal["drawn", "notebook"] = param(
        "drawn", doc="Points drawn of source and target, or the 2000 of Fuge's notebook (chapter 11)", advanced=True
    )

    @property
    def p(self) -> int:
        """The exponent in epsilon = blur^p."""
        return ORDER[self.cost]

    @property
    def epsilon(self) -> float:
        """blur^p, in units of the cost."""
        return float(self.blur**self.p)

    @property
    def rho(self) -> float | None:
        """reach^p, in units of the cost, or None."""
        return None if self.reach is None else float(self.reach**self.p)


def clouds(problem: Problem, source: Distribution, target: Distribution) -> tuple[Points, Points]:
    """The points of both sides, each (n, 2) float32, drawn with the problem's seed and changed by nothing but n and seed.

    The notebook's own points are there up to 2000 of each side.
    """
    if problem.points == "notebook":
        x, y = notebook_points()
        return x[: problem.n], y[: problem.n]
    x = source.sample(problem.n, np.random.default_rng([problem.seed, 0]))
    y = target.sample(problem.n, np.random.default_rng([problem.seed, 1]))
    return x, y
