"""One transport problem between samples, solved, as numbers."""

from __future__ import annotations

import time
from typing import Any

from torch import Tensor

from otviz.core.precision import widened
from otviz.ot.costs import cost_p
from otviz.ot.divergences import sinkhorn_divergence
from otviz.ot.exact import exact_cost
from otviz.ot.sinkhorn import solve

EXACT_LIMIT = 5000


def transport_numbers(
    x: Tensor,
    y: Tensor,
    *,
    p: int = 2,
    blur: float = 0.05,
    scaling: float = 0.9,
    reach: float | None = None,
    a: Tensor | None = None,
    b: Tensor | None = None,
) -> dict[str, Any]:
    """The five numbers that are so often confused, for samples x (n, d) and y (m, d), all by our own solver.

    Args:
        p, blur, scaling, reach: geomloss' words; epsilon = blur^p, costs |x - y|^p / p.
        a, b: weights (n,) and (m,), >= 0 and each summing to 1; uniform if None.

    Returns:
        sinkhorn_divergence: debiased.
        entropic_cost: OT_epsilon, the optimum with its entropy term.
        transport_cost: <P, C> of the entropic plan alone.
        exact_cost: the linear program, balanced for every `reach`.
        marginal_error: largest total-variation error of a marginal; of a balanced plan it tells convergence.
        seconds: all of it.

    Raises ValueError for settings, shapes or weights out of range.
    """
    began = time.perf_counter()
    divergence = sinkhorn_divergence(x, y, blur=blur, p=p, reach=reach, scaling=scaling, a=a, b=b).value
    left, right = (widened(points - x[0]) for points in (x, y))
    a, b = (None if weights is None else widened(weights) for weights in (a, b))
    cost = cost_p(left, right, p)
    plan = solve(cost, blur**p, a=a, b=b, rho=None if reach is None else reach**p, last=200)
    weights = (None if w is None else w.numpy() for w in (a, b))
    return {
        "sinkhorn_divergence": float(divergence),
        "entropic_cost": float(plan.entropic_cost),
        "transport_cost": float(plan.transport_cost),
        "exact_cost": exact_cost(cost.numpy(), *weights),
        "marginal_error": float(plan.marginal_error),
        "seconds": round(time.perf_counter() - began, 3),
    }
