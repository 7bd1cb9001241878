"""Divergences between samples: the Sinkhorn divergence, the energy distance and OT-GAN's minibatch energy distance.

S(x, y) = OT(x, y) - OT(x, x) / 2 - OT(y, y) / 2 (Feydy et al. 2019). Its gradient needs no backward pass: by the envelope
theorem only the cost is differentiated. For p = 2 it is a_i (T_xx(x_i) - T_xy(x_i)), with T the barycentric projection.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from otviz.core.accelerator import can_be_read
from otviz.core.distributed import ALONE, World
from otviz.core.precision import widened
from otviz.ot.costs import FEATURE_COSTS, check_p, cost_p
from otviz.ot.duals import Goal, half_sums
from otviz.ot.entropic import Entropic, Weights, shares
from otviz.ot.squaring import Scaled, Schedule, levels_for, square_down
from otviz.ot.unread import divergence_unread, square_down_unread

MISSING = 2e-3
"""Share of the divergence that a solve may miss, by its own estimate."""

SMALL = 1e-3
"""Share of OT_epsilon below which a divergence loses too many digits to cancellation in float32."""


_SIGNS: tuple[int, ...] = (1, 1, 1, 1, -2, -2)


@dataclass(frozen=True)
class Divergence:
    """A value, shape (), and its gradients at the samples: (n, d), and (m, d) or None if not requested."""

    value: Tensor
    gradient_x: Tensor
    gradient_y: Tensor | None

    def to(self, like: Tensor) -> Divergence:
        """Convert to the dtype and device of `like`."""
        gradient_y = None if self.gradient_y is None else self.gradient_y.to(like)
        return Divergence(self.value.to(like), self.gradient_x.to(like), gradient_y)


def fast_sinkhorn(
    x: Tensor,
    y: Tensor,
    *,
    blur: float,
    p: int = 2,
    debias: bool = True,
    reach: float | None = None,
    scaling: float = 0.7,
    a: Tensor | None = None,
    b: Tensor | None = None,
) -> Tensor:
    """Sinkhorn divergence of samples x (n, d) and y (m, d), shape (); gradients reach x and y.

    On an accelerator, and without weights, it is solved with a fixed number of sweeps (see `unread`): as exact in most cases,
    and nothing waits for the device.

    Args:
        x, y: samples, shapes (n, d) and (m, d).
        blur: smoothing length > 0, in data units; epsilon = blur^p.
        p: 1 for the cost |x - y|, 2 for half its square.
        debias: subtract the two self terms; otherwise the value is OT_epsilon(x, y).
        reach: length > 0, in data units, beyond which mass is dropped rather than moved; None moves all of it.
        scaling: ratio of successive blurs, in (0, 1), as in geomloss; nearer 1 is slower and more exact.
        a, b: weights, shapes (n,) and (m,), >= 0 and each summing to 1; uniform if None. They get no gradient.

    Raises:
        ValueError: a setting, shape or weight is out of range.
    """
    options = (blur, p, debias, reach, scaling)
    result: Tensor = _SinkhornDivergence.apply(x, y, options, (a, b))  # type: ignore[no-untyped-call]
    return result


_Options = tuple[float, int, bool, float | None, float]


class _SinkhornDivergence(torch.autograd.Function):
    """Pass the closed-form gradients to autograd."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, y: Tensor, options: _Options, weights: Weights) -> Tensor:
        blur, p, debias, reach, scaling = options
        (a, b), with_y = weights, ctx.needs_input_grad[1]
        if can_be_read(x) or a is not None or b is not None:
            found = sinkhorn_divergence(
                x, y, blur=blur, p=p, debias=debias, reach=reach, scaling=scaling, a=a, b=b, with_y=with_y
            )
        else:
            check_sinkhorn(x, y, blur=blur, p=p, reach=reach)
            found = Divergence(*divergence_unread(Entropic(blur, p, reach, scaling), x, y, debias, with_y))
        gradient_y = torch.empty(0) if found.gradient_y is None else found.gradient_y
        ctx.save_for_backward(found.gradient_x, gradient_y)
        return found.value

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, weight: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        gradient_x, gradient_y = ctx.saved_tensors
        return gradient_x * weight, gradient_y * weight if ctx.needs_input_grad[1] else None, None, None


@torch.no_grad()
def sinkhorn_divergence(
    x: Tensor,
    y: Tensor,
    *,
    blur: float,
    p: int = 2,
    debias: bool = True,
    reach: float | None = None,
    scaling: float = 0.7,
    a: Tensor | None = None,
    b: Tensor | None = None,
    with_y: bool = False,
) -> Divergence:
    """The value of `fast_sinkhorn` and its gradients in closed form, without autograd.

    Args:
        x, y, blur, p, debias, reach, scaling, a, b: as in `fast_sinkhorn`.
        with_y: compute the gradient at y, too.

    Raises:
        ValueError: a setting, shape or weight is out of range.
    """
    check_sinkhorn(x, y, blur=blur, p=p, reach=reach, a=a, b=b)
    a, b = (None if weights is None else weights.to(x) for weights in (a, b))
    if debias and _are_equal(x, y, a, b):
        return Divergence(x.new_zeros(()), torch.zeros_like(x), torch.zeros_like(y) if with_y else None)
    problem = Entropic(blur, p, reach, scaling)
    if x.dtype == torch.float32 and problem.asks_float64(x, y):
        return _wide(problem, x, y, (a, b), debias, with_y)
    found, whole = _solved(problem, x, y, (a, b), debias, with_y)
    if x.dtype == torch.float32 and 0 <= float(found.value) < SMALL * whole:
        return _wide(problem, x, y, (a, b), debias, with_y)
    return found


def _are_equal(x: Tensor, y: Tensor, a: Tensor | None, b: Tensor | None) -> bool:
    """Whether both sides are the same points with the same weights."""
    if not torch.equal(x, y):
        return False
    return a is b or torch.equal(shares(a, x), shares(b, y))


def _wide(problem: Entropic, x: Tensor, y: Tensor, weights: Weights, debias: bool, with_y: bool) -> Divergence:
    a, b = (None if w is None else widened(w) for w in weights)
    found, _ = _solved(problem, widened(x), widened(y), (a, b), debias, with_y)
    return found.to(x)


def _solved(
    problem: Entropic, x: Tensor, y: Tensor, weights: Weights, debias: bool, with_y: bool
) -> tuple[Divergence, float]:
    """The divergence in the dtype of x, and |OT_epsilon|, to judge the cancellation by."""
    (a, b), apart = weights, problem.p == 2 and problem.rho is None
    middle_x, middle_y = _centres(x, y, weights, apart)
    x, y, shift = x - middle_x, y - middle_y, middle_x - middle_y
    lift = shift.square().sum() / 2
    alone = (problem.alone(x, a), problem.alone(y, b)) if debias else None
    own = (0.0,) if alone is None else half_sums(alone[0].values, alone[1].values)
    cross = problem.cross(x, y, a, b, Goal(MISSING, own, float(lift)))
    value = whole = problem.sides(a, b).value(cross.potential_x, cross.potential_y) + lift
    gradient_x = problem.pull(cross, x, y, a, b) + shares(a, x)[:, None] * shift
    gradient_y = problem.pull(problem.turned(cross, a), y, x, b, a) - shares(b, y)[:, None] * shift if with_y else None
    if alone is not None:
        value = (whole - alone[0].values[0] / 2 - alone[1].values[0] / 2).clamp_min_(0)
        gradient_x -= problem.pull(alone[0], x, x, a, a)
        if gradient_y is not None:
            gradient_y -= problem.pull(alone[1], y, y, b, b)
    return Divergence(value, gradient_x, gradient_y), abs(float(whole))


def _centres(x: Tensor, y: Tensor, weights: Weights, apart: bool) -> tuple[Tensor, Tensor]:
    """The centres to subtract, shape (d,) each: the mean of each side if `apart`, else the mean of x for both.

    With separate centres |x - y|^2 / 2 changes only by a function of x, a function of y and the constant |shift|^2 / 2.
    """
    first_x, first_y = x[0], y[0]  # means about these are accurate far from the origin, too
    middle = first_x + shares(weights[0], x) @ (x - first_x)
    return middle, first_y + shares(weights[1], y) @ (y - first_y) if apart else middle


def check_sinkhorn(
    x: Tensor,
    y: Tensor,
    *,
    blur: float,
    p: int,
    reach: float | None,
    a: Tensor | None = None,
    b: Tensor | None = None,
) -> None:
    """Check the arguments of `sinkhorn_divergence`, except `scaling`.

    Args:
        x, y: samples, shapes (n, d) and (m, d), n and m >= 1.
        blur: length > 0, in data units.
        p: 1 or 2.
        reach: length > 0, in data units, or None.
        a, b: weights, shapes (n,) and (m,), >= 0, or None.

    Raises:
        ValueError: an argument is out of range. The message names it.
    """
    check_p(p)
    if x.ndim != 2 or y.ndim != 2 or x.shape[1] != y.shape[1] or not len(x) or not len(y):
        raise ValueError(f"samples must have shapes (n, d) and (m, d); got {tuple(x.shape)} and {tuple(y.shape)}")
    if not blur > 0:
        raise ValueError(f"blur must be > 0 (a length, in data units); got {blur}")
    if reach is not None and not reach > 0:
        raise ValueError(f"reach must be > 0 (a length, in data units) or None; got {reach}")
    for name, weights, points in (("a", a, x), ("b", b, y)):
        if weights is not None and (weights.shape != (len(points),) or not bool((weights >= 0).all())):
            raise ValueError(f"weights {name} must be {len(points)} numbers >= 0; got shape {tuple(weights.shape)}")


def minibatch_energy_distance(
    x1: Tensor,
    x2: Tensor,
    y1: Tensor,
    y2: Tensor,
    *,
    cost: str = "squared-l2",
    epsilon: float = 0.02,
    iterations: int = 10,
    matching: str = "optimal",
    rng: torch.Generator | None = None,
    world: World = ALONE,
) -> Tensor:
    """OT-GAN's loss W(X,Y)+W(X,Y')+W(X',Y)+W(X',Y')-2W(X,X')-2W(Y,Y'), shape () (Salimans et al. 2018, Algorithm 1).

    W is the transport cost <P, C> without entropy. Gradients hold P fixed (envelope theorem).

    Args:
        x1, x2, y1, y2: features of two independent minibatches of each side, all of shape (B, k).
        cost: a name in FEATURE_COSTS.
        epsilon: temperature of the matching, in units of the cost (1 / sinkhorn_lambda).
        iterations: total number of row and column normalisations; they come in pairs, at least one.
        matching: "optimal", or "random" for the ablation of section 5.2: permutations drawn from `rng`.
        rng: generator of the random matchings, on any device; the CPU's default one if None.
        world: N processes that have the same features and share the six matchings, so that each stores costs and plans
            of ceil(6 / N) B^2 numbers. The loss is the mean of the values that they return.
    """
    terms = slice(world.rank, None, world.size)
    rows, columns = torch.stack([x1, x1, x2, x2, x1, y1])[terms], torch.stack([y1, y2, y1, y2, x2, y2])[terms]
    costs = FEATURE_COSTS[cost](rows, columns)
    if matching == "random":
        plans = _random_matchings(costs, terms, rng)
    else:
        plans = match_features(costs.detach(), epsilon, iterations, world)
    for plan, weight in zip(plans.unbind(), _SIGNS[terms], strict=True):
        plan.mul_(weight * world.size)
    return torch.dot(costs.flatten(), plans.flatten())


@torch.no_grad()
def match_features(costs: Tensor, epsilon: float, iterations: int, world: World = ALONE) -> Tensor:
    """Entropic matchings of a batch of costs, shape (..., n, n), the entries of each summing to 1.

    The temperature falls by squaring, with the sweeps spread over its levels and rows normalised last. The minimum of
    each row and then of each column is subtracted first: this changes the potentials only, and no row or column can
    underflow.

    Args:
        costs: batch of cost matrices, shape (..., n, n); not changed.
        epsilon: temperature > 0, in units of the cost.
        iterations: total number of row and column normalisations; they come in pairs, at least one.
        world: processes that share the matchings. All start at the temperature that suits the largest cost among them.
    """
    plans = costs - costs.amin(-1, keepdim=True)
    plans -= plans.amin(-2, keepdim=True)
    sweeps = max(1, iterations // 2)
    largest = world.largest(plans.max() if plans.numel() else plans.new_zeros(()))
    if not can_be_read(plans):
        return _weighed(square_down_unread(plans, epsilon, sweeps, largest))
    levels = min(levels_for(float(largest), epsilon), sweeps - 1)
    per_level = sweeps // (levels + 1)
    schedule = Schedule(epsilon, levels, per_level, sweeps - levels * per_level)
    for part in plans.flatten(0, -3):  # one matrix at a time stays in the cache: half the time of a batched solve
        _weighed(square_down(part, schedule))
    return plans


def _weighed(plan: Scaled) -> Tensor:
    """The entries of a plan between uniform weights, in place of its kernel."""
    return plan.kernel.mul_(plan.u[..., None] / plan.kernel.shape[-1] ** 2).mul_(plan.v[..., None, :])


def _random_matchings(costs: Tensor, terms: slice, rng: torch.Generator | None) -> Tensor:
    """Permutation matrices / n of the given terms. All six are drawn, so that every process draws the same."""
    n, place = costs.shape[-1], torch.device("cpu") if rng is None else rng.device
    drawn = torch.stack([torch.randperm(n, generator=rng, device=place) for _ in range(6)])[terms]
    return torch.zeros_like(costs).scatter_(-1, drawn[..., None].to(costs.device), 1 / n)


def energy_distance(x: Tensor, y: Tensor, *, unbiased: bool = True) -> Tensor:
    """Energy distance 2 E|x - y| - E|x - x'| - E|y - y'|, shape (), in data units (Szekely and Rizzo 2013).

    Args:
        x, y: samples, shapes (n, d) and (m, d).
        unbiased: leave out the distance of each point to itself (U-statistic, n and m >= 2), so that equal
            distributions give 0 in expectation. Otherwise the value is >= 0 (V-statistic).
    """
    return 2 * cost_p(x, y, 1).mean() - _spread(x, unbiased) - _spread(y, unbiased)


def _spread(x: Tensor, unbiased: bool) -> Tensor:
    n = len(x)
    return cost_p(x, x, 1).sum() / (n * (n - 1) if unbiased else n * n)
