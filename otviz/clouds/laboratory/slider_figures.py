"""Figures with one slider, for derivations. All positions of the slider are precomputed, so that moving it only draws.

A `Flipbook` is plain data: panels with fixed marks, and the marks of a frame for each value of the slider.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from otviz.clouds.laboratory.potential import curves
from otviz.clouds.unbalanced import KeptMass, kept_table
from otviz.data.distributions.gaussian import Gaussian
from otviz.data.distributions.ring import Ring
from otviz.ot.conjugates import CONJUGATES
from otviz.ot.costs import cost_p
from otviz.ot.sinkhorn import solve

Array = NDArray[Any]
Role = Literal["source", "target", "generated", "amber", "green", "pink", "guide", "text"]
POINTS = 48
RANDOM = "random"


@dataclass(frozen=True)
class Mark:
    """A drawn element.

    Attributes:
        kind: points; arrows from `xy` to `ends`; a line through `xy`; or a matrix with rows `xy`.
        role: decides the colour.
        xy: (k, 2), in the units of the axes; values in [0, 1] of a matrix.
        ends: ends of arrows, (k, 2).
        sizes: relative sizes of points, (k,); all 1 if empty.
        label: in the legend; empty for none.
        dashed: whether a line is dashed.
    """

    kind: Literal["points", "arrows", "line", "matrix"]
    role: Role
    xy: Sequence[Sequence[float]]
    ends: Sequence[Sequence[float]] = ()
    sizes: Sequence[float] = ()
    label: str = ""
    dashed: bool = False


@dataclass(frozen=True)
class Panel:
    """A panel: limits (low, high) of its axes, fixed marks, and the marks of each frame.

    An axis without a name has no ticks; without `x_name` the aspect ratio is kept. `log_x`: limits and x are base-10
    logarithms, and ticks show powers.
    """

    title: str
    x: tuple[float, float]
    y: tuple[float, float]
    fixed: tuple[Mark, ...]
    frames: tuple[tuple[Mark, ...], ...]
    x_name: str = ""
    y_name: str = ""
    log_x: bool = False


@dataclass(frozen=True)
class Flipbook:
    """A figure with a slider: its name, a caption per value, the initial value, and labels for its ends."""

    slider: str
    values: tuple[str, ...]
    start: int
    ends: tuple[str, str]
    sentences: tuple[str, ...]
    panels: tuple[Panel, ...]


def prices() -> Flipbook:
    """The lower bound of a price v(3): sources at 0 and 1, targets at 1 and 3, c = |x - y|^2, v(1) = 0."""
    sources, targets = np.array([0.0, 1.0]), np.array([1.0, 3.0])
    cost, wanted = (sources[:, None] - targets) ** 2, np.linspace(0, 12, 25)
    reduced = [cost - np.array([0.0, price]) for price in wanted]
    bounds = [float(each.min(1).mean() + price / 2) for each, price in zip(reduced, wanted, strict=True)]
    best = max(bounds)
    moves = [
        _arrows("generated", np.column_stack([sources, [1, 1]]), np.column_stack([targets[each.argmin(1)], [0, 0]]))
        for each in reduced
    ]
    where = Panel(
        "Where each source wants to go", (-0.7, 3.7), (-0.5, 1.5),
        (_points("source", np.column_stack([sources, [1, 1]]), "sources"), _points("target", np.column_stack([targets, [0, 0]]), "targets")),
        tuple((move,) for move in moves), "place",
    )  # fmt: skip
    curve = np.column_stack([wanted, bounds])
    bound = Panel(
        "The lower bound", (0, 12), (0, 3),
        (_line("guide", [[0, best], [12, best]], "least cost", dashed=True), _line("amber", curve, "bound")),
        tuple((_points("generated", curve[at : at + 1]),) for at in range(len(wanted))), "price v(3)", "bound",
    )  # fmt: skip
    captions = (
        f"v(3) = {price:g} gives the bound {value:g}" + (", which is the least cost." if value == best else ".")
        for price, value in zip(wanted, bounds, strict=True)
    )
    words = ("target 3 is cheap: nobody goes there", "both want to go to 3")
    return Flipbook("price v(3)", tuple(f"{price:g}" for price in wanted), 4, words, tuple(captions), (where, bound))


def blur_and_plan() -> Flipbook:
    """The entropic plan between two clouds over the blur, p = 2, with arrows to the barycentric projection."""
    x, y = _clouds(Gaussian(std=0.7), Ring(centre=(1.5, 0.5)))
    blurs = np.geomspace(0.1, 10, 17)
    plans = [_plan(x, y, float(blur) ** 2) for blur in blurs]
    captions = (
        f"On average the mass of a point is spread over {_partners(plan):.1f} of {POINTS} partners." for plan in plans
    )
    words = ("one partner each", "everybody with everybody")
    return _matched("blur", [f"{blur:.2g}" for blur in blurs], 3, words, tuple(captions), x, y, plans)


def matchings() -> Flipbook:
    """The matching of a generated minibatch with data, over epsilon; the last position is a random matching."""
    x, y = _clouds(Gaussian(std=1.5), Ring(radius=2.0))
    epsilons = np.geomspace(0.01, 10, 13)
    random = np.eye(POINTS)[np.random.default_rng(5).permutation(POINTS)] / POINTS
    plans = [*(_plan(x, y, float(epsilon)) for epsilon in epsilons), random]
    captions = [
        f"On average a point is pulled towards the mean of {_partners(plan):.1f} of {POINTS} partners."
        for plan in plans
    ]
    captions[-1] = (
        "A random partner each: averaged over many minibatches, every point is pulled towards the middle of the data."
    )
    values, words = (
        [*(f"{epsilon:.2g}" for epsilon in epsilons), RANDOM],
        ("one partner each", "all partners, then a random one"),
    )
    return _matched("ε", values, 2, words, tuple(captions), x, y, plans)


def g_and_slope() -> Flipbook:
    """The convex functions g^alpha and their derivatives over alpha."""
    alphas, xs = np.geomspace(0.1, 10, 17), np.linspace(-3, 3, 121)
    styles: dict[str, Role] = {"softplus": "amber", "kl": "green", "chi2": "pink"}
    found = [[(role, curves(CONJUGATES[name], float(alpha), xs)) for name, role in styles.items()] for alpha in alphas]
    named = dict(zip(styles.values(), styles, strict=True))
    values = tuple(
        tuple(_line(role, np.column_stack([xs, c.value]), named[role]) for role, c in each) for each in found
    )
    slopes = tuple(
        tuple(_line(role, np.column_stack([xs, c.slope]), named[role]) for role, c in each) for each in found
    )
    ones = np.ones_like(xs)
    panels = (
        Panel("g(x)", (-3, 3), (-3, 5), (_line("guide", np.column_stack([xs, xs]), "identity", dashed=True),), values, "x", "α g(x/α)"),
        Panel("its slope: the weight of a sample", (-3, 3), (0, 4), (_line("guide", np.column_stack([xs, ones]), "identity", dashed=True),), slopes, "x", "weight"),
    )  # fmt: skip
    captions = tuple(
        "At x = −2, told apart well, a sample weighs "
        + ", ".join(f"{np.interp(-2, xs, curve.slope):.2f} with {named[role]}" for role, curve in each)
        + "."
        for each in found
    )
    words = ("mass may be left behind", "exact marginals: the identity")
    return Flipbook("α", tuple(f"{alpha:.2g}" for alpha in alphas), 8, words, captions, panels)


TAU = 0.1


def alpha_and_mass() -> Flipbook:
    """The part of an off-centre ring that an unbalanced plan reaches, over alpha, with KL and tau = TAU."""
    x, y = _clouds(Gaussian(std=0.5), Ring(centre=(2.0, 1.0)))
    alphas = np.geomspace(0.1, 20, 15)
    found: list[KeptMass] = list(kept_table(x, y, (TAU,), tuple(map(float, alphas))))
    curve = np.column_stack([np.log10(alphas), [kept.mass for kept in found]])
    (left, right), (bottom, top) = _box(x, y)
    reached = Panel(
        "The part of the target that is reached", (left, right), (bottom, top),
        (_points("guide", y), _points("source", x, "source")),
        tuple((_points("target", y, "target, area = mass that arrives", kept.mass_y),) for kept in found),
    )  # fmt: skip
    kept = Panel(
        "Mass kept", (-1, float(np.log10(20))), (0, 1), (_line("amber", curve, "share of the mass"),),
        tuple((_points("generated", curve[at : at + 1]),) for at in range(len(alphas))), "α", "share", log_x=True,
    )  # fmt: skip
    captions = tuple(
        f"With τ = {TAU:g}, {each.mass:.0%} of the mass is moved; the far modes lose theirs first." for each in found
    )
    words = ("leaving mass behind is cheap", "all mass must be moved")
    return Flipbook("α", tuple(f"{alpha:.2g}" for alpha in alphas), 7, words, captions, (reached, kept))


FLIPBOOKS: Mapping[str, Callable[[], Flipbook]] = MappingProxyType({
    "prices": prices, "blur-and-plan": blur_and_plan, "matchings": matchings, "g-and-slope": g_and_slope,
    "alpha-and-mass": alpha_and_mass,
})  # fmt: skip
"""Figures by name, as in derivations."""


def _clouds(source: Gaussian, target: Ring) -> tuple[Array, Array]:
    """Both clouds, sorted by angle around their mean, float32, (POINTS, 2) each."""
    rng = np.random.default_rng(3)
    found = []
    for cloud in (source.sample(POINTS, rng), target.sample(POINTS, rng)):
        apart = cloud - cloud.mean(0)
        found.append(cloud[np.argsort(np.arctan2(apart[:, 1], apart[:, 0]))])
    return found[0], found[1]


def _plan(x: Array, y: Array, epsilon: float) -> Array:
    cost = cost_p(torch.from_numpy(x), torch.from_numpy(y), 2)
    return np.asarray(solve(cost, epsilon, last=200).coupling.double().numpy())


def _partners(plan: Array) -> float:
    """exp of the mean entropy of the rows, the effective number of partners."""
    rows = plan / plan.sum(1, keepdims=True)
    logs = np.log(np.where(rows > 0, rows, 1))
    return float(np.exp(-(rows * logs).sum(1).mean()))


def _matched(
    slider: str, values: Sequence[str], start: int, words: tuple[str, str], captions: tuple[str, ...], x: Array, y: Array,
    plans: Sequence[Array],
) -> Flipbook:  # fmt: skip
    """Two clouds with arrows to the barycentre of each point's partners, and the plan."""
    (left, right), (bottom, top) = _box(x, y)
    cloud = Panel(
        "Arrows lead to the mean of the partners", (left, right), (bottom, top),
        (_points("target", y, "target"), _points("source", x, "source")),
        tuple((_arrows("text", x, plan @ y / plan.sum(1, keepdims=True)),) for plan in plans),
    )  # fmt: skip
    # The square root, relative to the largest entry, keeps small entries visible.
    matrices = [np.sqrt(plan / plan.max(1, keepdims=True)) for plan in plans]
    side = (0.0, float(POINTS))
    matrix = Panel(
        "Plan: a row per source point",
        side,
        side,
        (),
        tuple((Mark("matrix", "generated", _plain(m, 2)),) for m in matrices),
    )
    return Flipbook(slider, tuple(values), start, words, captions, (cloud, matrix))


def _box(*clouds: Array) -> tuple[tuple[float, float], tuple[float, float]]:
    """Limits of a square around all points."""
    both = np.concatenate(clouds)
    middle, half = (both.max(0) + both.min(0)) / 2, float(np.ptp(both, axis=0).max()) * 0.54
    return (float(middle[0]) - half, float(middle[0]) + half), (float(middle[1]) - half, float(middle[1]) + half)


def _plain(values: Any, digits: int = 3) -> list[Any]:
    return list(np.round(np.asarray(values, dtype=np.float64), digits).tolist())


def _points(role: Role, xy: Any, label: str = "", sizes: Any = ()) -> Mark:
    return Mark("points", role, _plain(xy), sizes=_plain(sizes), label=label)


def _arrows(role: Role, xy: Any, ends: Any) -> Mark:
    return Mark("arrows", role, _plain(xy), _plain(ends))


def _line(role: Role, xy: Any, label: str, dashed: bool = False) -> Mark:
    return Mark("line", role, _plain(xy), label=label, dashed=dashed)
