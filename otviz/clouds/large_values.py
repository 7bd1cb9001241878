"""Plans, divergences and numbers of large clouds on a line or in the plane, for callers that draw nothing."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from otviz.clouds.couplings import Prepared
from otviz.clouds.large import Solution, is_large, solve
from otviz.clouds.large_picture import slope, variations
from otviz.clouds.plans import Order
from otviz.clouds.problem import Problem
from otviz.core.work import Progress, Work
from otviz.ot.divergences import Divergence
from otviz.ot.entropic import shares


@dataclass(frozen=True)
class Setting:
    """A problem in geomloss' terms: cost |x - y|^p / p, epsilon = blur^p, rho = reach^p.

    Attributes:
        blur: smoothing length > 0, data units.
        p: 1 or 2.
        reach: length > 0 beyond which mass is left behind, or None.
        scaling: ratio between successive blurs, in (0, 1); nearer 1 is slower and more exact.
    """

    blur: float
    p: int = 2
    reach: float | None = None
    scaling: float = 0.9


@dataclass(frozen=True)
class Potentials:
    """What a plan between large clouds is known by.

    Attributes:
        f, g: P_ij = a_i b_j exp((f_i + g_j - c(x_i, y_j)) / epsilon), shapes (n,) and (m,), units of the cost.
        map: barycentric projection sum_j P_ij y_j / sum_j P_ij, shape (n, d), data units.
        cost: <P, C>, without entropy.
        marginal_error: measured on rows and columns drawn at random, summed over all points.
    """

    f: Tensor
    g: Tensor
    map: Tensor
    cost: float
    marginal_error: float


def are_large(x: Tensor, y: Tensor) -> bool:
    """Whether clouds (n, d) and (m, d) are solved coarse to fine: on a line or in the plane, and with many points."""
    return x.shape[1] <= 2 and is_large(len(x), len(y))


def potentials(
    x: Tensor,
    y: Tensor,
    setting: Setting,
    a: Tensor | None = None,
    b: Tensor | None = None,
    progress: Progress | None = None,
) -> Work[Potentials]:
    """Solve between two large clouds.

    Args:
        x, y: points, shapes (n, d) and (m, d), d at most 2.
        setting: the problem.
        a, b: masses, shapes (n,) and (m,), each summing to 1; uniform if None.
        progress: records how much has been done.
    """
    prepared = _prepared(x, y, setting, a, b)
    solved = yield from solve(prepared, progress or Progress(), own_terms=False)
    tilt = prepared.weight * prepared.shift
    f = solved.x.pull.values + prepared.x.points @ tilt + prepared.lift / 2
    g = solved.y.pull.values - prepared.y.points @ tilt + prepared.lift / 2
    means = solved.x.pull.means + prepared.centre_y
    places = (prepared.order_x, prepared.order_y, prepared.order_x)
    f, g, means = (_placed(values, order) for values, order in zip((f, g, means), places, strict=True))
    return Potentials(f, g, means[:, : x.shape[1]], solved.transport_cost, solved.error)


def divergence(
    x: Tensor, y: Tensor, setting: Setting, a: Tensor | None = None, b: Tensor | None = None, *, with_y: bool = False
) -> Work[Divergence]:
    """The Sinkhorn divergence of two large clouds, and its gradients.

    Args:
        x, y: points, shapes (n, d) and (m, d), d at most 2.
        setting: the problem.
        a, b: masses, shapes (n,) and (m,), each summing to 1; uniform if None.
        with_y: compute the gradient at y, too.
    """
    prepared = _prepared(x, y, setting, a, b)
    solved = yield from solve(prepared, Progress(), own_terms=True, pull_y=with_y)
    of_x, of_y = variations(prepared, solved)
    gradient_x = _placed(slope(prepared, of_x, solved.x), prepared.order_x)[:, : x.shape[1]]
    gradient_y = None
    if with_y:
        gradient_y = _placed(slope(prepared, of_y, solved.y), prepared.order_y)[:, : y.shape[1]] * shares(b, y)[:, None]
    assert solved.divergence is not None, "self terms were asked for"
    value = x.new_tensor(solved.divergence)
    return Divergence(value, gradient_x * shares(a, x)[:, None], gradient_y).to(x)


def numbers(
    x: Tensor,
    y: Tensor,
    setting: Setting,
    a: Tensor | None = None,
    b: Tensor | None = None,
    progress: Progress | None = None,
) -> Work[dict[str, float | None]]:
    """The numbers of `otviz.ot.summary.transport_numbers`, without the linear programme, which would take hours.

    Args:
        x, y: points, shapes (n, d) and (m, d), d at most 2.
        setting: the problem.
        a, b: masses, shapes (n,) and (m,), each summing to 1; uniform if None.
        progress: records how much has been done.
    """
    solved: Solution = yield from solve(_prepared(x, y, setting, a, b), progress or Progress(), own_terms=True)
    return {
        "sinkhorn_divergence": solved.divergence,
        "entropic_cost": solved.entropic_cost,
        "transport_cost": solved.transport_cost,
        "exact_cost": None,
        "marginal_error": solved.error,
    }


def _prepared(x: Tensor, y: Tensor, setting: Setting, a: Tensor | None, b: Tensor | None) -> Prepared:
    problem = Problem(
        cost="half-squared" if setting.p == 2 else "euclidean",
        blur=setting.blur,
        reach=setting.reach,
        scaling=setting.scaling,
    )
    left, right = (F.pad(points.detach().double().cpu(), (0, 2 - points.shape[1])).numpy() for points in (x, y))
    of_x, of_y = (None if w is None else w.double().cpu().numpy() for w in (a, b))
    return Prepared.of(problem, left, right, of_x, of_y, torch.float64)


def _placed(values: Tensor, order: Order) -> Tensor:
    out = torch.empty_like(values)
    out[order] = values
    return out
