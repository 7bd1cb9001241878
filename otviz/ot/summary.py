"""One transport problem between samples, solved and told in numbers."""

from __future__ import annotations

import time
from typing import Any

import torch
from torch import Tensor

from otviz.ot.costs import cost_p
from otviz.ot.divergences import check_sinkhorn, sinkhorn_divergence
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
    """The five numbers that are so often confused, for samples x (n, d) and y (m, d).

    Args:
        a, b: their masses, (n,) and (m,), > 0 and summing to 1; uniform if None.
        p, blur, scaling, reach: geomloss' words; epsilon = blur^p, costs |x - y|^p / p.

    Returns:
        sinkhorn_divergence: debiased.
        entropic_cost: OT_epsilon, the optimum with its entropy term.
        transport_cost: <P, C> of the entropic plan alone.
        exact_cost: the linear program, balanced whatever `reach`.
        marginal_error: largest total-variation error of a marginal; of a balanced plan it tells convergence.
        seconds: all of it.
    """
    check_sinkhorn(x, y, blur=blur, p=p, reach=reach, a=a, b=b)
    began = time.perf_counter()
    cost = cost_p(x, y, p)
    plan = solve(cost, blur**p, rho=None if reach is None else reach**p, a=a, b=b)
    divergence = sinkhorn_divergence(x, y, p=p, blur=blur, scaling=scaling, reach=reach, a=a, b=b).value
    return {
        "sinkhorn_divergence": 0.0 if _same(x, y) and _same(a, b) else float(divergence),  # not what rounding leaves
        "entropic_cost": float(plan.entropic_cost),
        "transport_cost": float(plan.transport_cost),
        "exact_cost": exact_cost(cost.numpy(), *(None if masses is None else masses.numpy() for masses in (a, b))),
        "marginal_error": float(plan.marginal_error),
        "seconds": round(time.perf_counter() - began, 3),
    }


def _same(left: Tensor | None, right: Tensor | None) -> bool:
    return left is right if left is None or right is None else torch.equal(left, right)
