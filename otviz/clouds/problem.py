"""The settings of a transport problem between two clouds, and the clouds themselves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from otviz.core.params import LEAST, MOST, Knobs, param
from otviz.data.distributions.distribution import Cloud, Distribution
from otviz.data.units import Units
from otviz.ot.notebook_cost import notebook_points

MOST_POINTS = 100_000
"""Largest number of points to draw: coarse to fine, they are solved in less than a minute on two cores."""

Loss = Literal["sinkhorn", "entropic", "energy", "gaussian-mmd", "laplacian-mmd"]
Cost = Literal["half-squared", "euclidean", "squared", "cityblock", "cosine"]
Transform = Literal["none", "centred", "scaled"]

LOSSES: dict[str, str] = {
    "sinkhorn": "Sinkhorn divergence S (debiased)",
    "entropic": "Entropic cost OT_ε (not debiased)",
    "energy": "Energy distance",
    "gaussian-mmd": "Gaussian MMD",
    "laplacian-mmd": "Laplacian MMD",
}
COSTS: dict[str, str] = {
    "half-squared": "p = 2: |x − y|²/2",
    "euclidean": "p = 1: |x − y|",
    "squared": "Squared: |x − y|²",
    "cityblock": "Manhattan: |x₁ − y₁| + |x₂ − y₂|",
    "cosine": "Cosine: 1 − cos(x, y)",
}
ORDER = {"half-squared": 2, "squared": 2, "euclidean": 1, "cityblock": 1, "cosine": 1}
"""p in epsilon = blur^p: the cost is a length to the power p. The cosine has no unit; its blur is epsilon itself."""


@dataclass(frozen=True)
class Problem(Knobs):
    """Settings of a transport problem between two clouds of n points."""

    name: ClassVar[str] = "transport"
    title: ClassVar[str] = "Transport"
    basic: ClassVar[tuple[str, ...]] = ("n", "loss", "cost", "blur", "reach")

    n: int = param(
        1000,
        50,
        MOST_POINTS,
        doc="Number of points on each side; a file with fewer rows is used whole. More: finer, slower",
        unit="points",
        log=True,
        label="Points",
    )
    loss: Loss = param("sinkhorn", doc="The distance between the clouds; the arrows follow its gradient")
    cost: Cost = param("half-squared", doc="Cost of moving one unit of mass from x to y")
    blur: float = param(
        0.05, LEAST, MOST, doc="Detail below this length is ignored. Too small: slow to solve; too large: all points go to the mean", unit="length",
        log=True, label="Entropic blur",
    )  # fmt: skip
    reach: float | None = param(
        None,
        LEAST,
        MOST,
        doc="Unbalanced: mass further than this from any partner is left behind",
        unit="length",
        log=True,
    )
    scaling: float = param(
        0.7,
        0.3,
        0.98,
        doc="How slowly the solver lowers the blur. Nearer 1: slower, more exact",
        label="Solver scaling",
    )
    solver: Literal["ours", "geomloss"] = param(
        "ours",
        doc="Which code computes value and arrows: the built-in one, or SamplesLoss of geomloss as in Fuge's course notebook",
    )
    seed: int = param(0, 0, 2**31 - 1, doc="Number from which the points are drawn. The same seed, the same points")
    points: Literal["drawn", "notebook"] = param(
        "drawn", doc="Random points of source and target, or the 2000 points of Fuge's course notebook (chapter 11)"
    )
    transform: Transform = param(
        "none",
        doc="Move the common mean of both clouds to the origin; scaled: also divide by their common standard deviation",
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


def clouds(problem: Problem, source: Distribution, target: Distribution) -> tuple[Cloud, Cloud]:
    """Draw both clouds.

    Args:
        problem: number of points, seed, transform, and whether to use the first n of the notebook's 2000 points instead.
        source, target: distributions to draw from.
    """
    if problem.points == "notebook":
        x, y = (Cloud(side[: problem.n].astype(np.float64), name="notebook") for side in notebook_points())
        return transformed(problem.transform, x, y)
    x, y = (
        side.cloud(problem.n, np.random.default_rng([problem.seed, place]))
        for place, side in enumerate((source, target))
    )
    return transformed(problem.transform, x, y)


def transformed(transform: Transform, source: Cloud, target: Cloud) -> tuple[Cloud, Cloud]:
    """Apply the same change of coordinates to both clouds and record it in their `units`.

    Args:
        transform: "none", "centred" (subtract the average of both means) or "scaled" (then divide by the common
            standard deviation, averaged over the coordinates).
        source, target: clouds of points (n, 2) and (m, 2).
    """
    if transform == "none":
        return source, target
    middle = (_mean(source, source.points) + _mean(target, target.points)) / 2
    factor = 1.0
    if transform == "scaled":
        squares = (_mean(side, (side.points - middle) ** 2) for side in (source, target))
        factor = float(np.sqrt(sum(squares) / 2).mean()) or 1.0
    units = Units((float(middle[0]), float(middle[1])), factor)
    moved = [
        replace(side, points=units.to_data(side.points), units=replace(units, name=side.units.name))
        for side in (source, target)
    ]
    return moved[0], moved[1]


def _mean(cloud: Cloud, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean of values (n, 2), weighted by the masses of the points, shape (2,)."""
    mean: NDArray[np.float64] = np.average(values, axis=0, weights=cloud.weights)
    return mean
