"""The calls that the comparison of libraries makes, each with its conventions (geomloss 0.3.1, POT 0.9.7, OTT-JAX)."""

from __future__ import annotations

import math
from importlib import import_module

import numpy as np

from otviz.clouds.studies.conventions import SWEEPS, Case, LibraryCall, scalar
from otviz.ot.reference import geomloss_divergence

SLOW = f"It stays at one ε for {SWEEPS} sweeps at most; at small blur it stops before convergence, which explains the difference."


def _samples_loss(case: Case, debias: bool) -> float:
    return scalar(
        geomloss_divergence(
            case.x,
            case.y,
            blur=case.blur,
            p=case.p,
            reach=case.reach,
            scaling=case.scaling,
            debias=debias,
            a=case.a,
            b=case.b,
        )
    )


def _geomloss_sample(case: Case, debias: bool) -> float:
    from geomloss import ot

    if case.p == 1:
        raise ValueError("geomloss.ot.solve_sample supports the squared distance only; p = 1 needs geomloss.ot.solve")
    found = ot.solve_sample(
        case.x, case.y, *case.tensors, blur=case.blur, reach=case.reach, debias=debias, max_iter=_iterations(case)
    )
    return scalar(found.value)


def _geomloss_matrix(case: Case) -> float:
    from geomloss import ot

    return scalar(
        ot.solve(
            case.cost,
            a=case.tensors[0],
            b=case.tensors[1],
            reg=case.epsilon,
            unbalanced=case.rho,
            max_iter=_iterations(case),
        ).value
    )


def _iterations(case: Case) -> int:
    """Temperatures from the largest cost down to epsilon in steps of scaling^p, as SamplesLoss takes them."""
    ratio = max(math.e, float(case.cost.max()) / case.epsilon)
    return math.ceil(math.log(ratio) / (-case.p * math.log(case.scaling))) + 2


def _pot_sinkhorn2(case: Case) -> float:
    import ot

    return scalar(ot.sinkhorn2(*case.weights, case.matrix, reg=case.epsilon, method="sinkhorn_log", numItermax=SWEEPS))


def _pot_solve(case: Case) -> float:
    import ot

    return scalar(ot.solve(case.matrix, *case.weights, reg=case.epsilon, max_iter=SWEEPS).value)


def _pot_entropy(case: Case) -> tuple[float, float]:
    """From sum P log P to KL(P | a b) it is epsilon (H(a) + H(b)) more, epsilon log(n m) of uniform weights."""
    import ot

    found = ot.solve(case.matrix, *case.weights, reg=case.epsilon, reg_type="entropy", max_iter=SWEEPS)
    return scalar(found.value), case.epsilon * -sum(float(w @ np.log(w)) for w in case.weights)


def _pot_unbalanced(case: Case) -> tuple[float, float]:
    """What sum p log(p / q) lacks to the KL divergence is sum q - p, of the plan and of both marginals."""
    import ot

    assert case.rho is not None
    found = ot.solve(case.matrix, *case.weights, reg=case.epsilon, unbalanced=case.rho, max_iter=SWEEPS)
    return scalar(found.value), (case.epsilon + 2 * case.rho) * (1 - float(found.plan.sum()))


def _pot_sample(case: Case, debias: bool) -> float:
    import ot

    metric = "euclidean" if case.p == 1 else "sqeuclidean"
    rho = None if case.rho is None else case.p * case.rho
    found = ot.solve_sample(
        case.x.numpy(), case.y.numpy(), *case.weights, metric=metric, reg=case.p * case.epsilon, unbalanced=rho, debias=debias,
        max_iter=SWEEPS,
    )  # fmt: skip
    return scalar(found.value)


def _pot_emd2(case: Case) -> float:
    import ot

    return scalar(ot.emd2(*case.weights, case.matrix, numItermax=10_000_000))


def _ott(case: Case) -> float:
    try:
        costs, pointcloud, linear = (
            import_module(name) for name in ("ott.geometry.costs", "ott.geometry.pointcloud", "ott.solvers.linear")
        )
    except ImportError as error:
        raise ValueError("OTT-JAX is not installed; pip install ott-jax to see this row") from error
    cost = costs.Euclidean() if case.p == 1 else costs.SqEuclidean()
    geometry = pointcloud.PointCloud(case.x.numpy(), case.y.numpy(), cost_fn=cost, epsilon=case.p * case.epsilon)
    return float(linear.solve(geometry, *case.weights, threshold=1e-5, max_iterations=2 * SWEEPS).reg_ot_cost)


LIBRARY_CALLS: tuple[LibraryCall, ...] = (
    LibraryCall(
        "otviz", "sinkhorn_divergence(x, y, blur=blur, p=p, reach=reach, scaling=scaling).value",
        "S, the debiased divergence.", "sinkhorn_divergence", lambda case: case.ours["sinkhorn_divergence"],
        "Ours: the others are converted to this.", debias=True,
    ),
    LibraryCall(
        "otviz", "solve(cost_p(x, y, p), blur**p, rho=rho).entropic_cost", "OT_ε with its entropy.", "entropic_cost",
        lambda case: case.ours["entropic_cost"], "Ours: the others are converted to this.",
    ),
    LibraryCall(
        "otviz", "solve(cost_p(x, y, p), blur**p, rho=rho).transport_cost", "⟨P, C⟩ of the entropic plan.",
        "transport_cost", lambda case: case.ours["transport_cost"], "Ours: the others are converted to this.",
        entropy="left out",
    ),
    LibraryCall(
        "geomloss", 'SamplesLoss("sinkhorn", p=p, blur=blur, reach=reach, scaling=scaling)(x, y)',
        "S, the debiased divergence.", "sinkhorn_divergence", lambda case: _samples_loss(case, True),
        "Same conventions; one sweep per temperature leaves a small error. Its default scaling is 0.5, far coarser.",
        debias=True,
    ),
    LibraryCall(
        "geomloss", "SamplesLoss(..., debias=False)(x, y)", "OT_ε with its entropy.", "entropic_cost",
        lambda case: _samples_loss(case, False), "Same conventions.",
    ),
    LibraryCall(
        "geomloss", "geomloss.ot.solve_sample(x, y, blur=blur, reach=reach, debias=True, max_iter=k).value",
        "S for twice our cost.", "sinkhorn_divergence", lambda case: _geomloss_sample(case, True),
        "Its cost is |x − y|² without the half, so ε and ρ (set from blur and reach) and the value are twice ours. "
        "Differentiated, .value gives twice its own gradient (0.3.1).",
        epsilon="reg = 2 blur²", debias=True, half=True,
    ),
    LibraryCall(
        "geomloss", "geomloss.ot.solve_sample(x, y, blur=blur, reach=reach, max_iter=k).value",
        "OT_ε for twice our cost.", "entropic_cost", lambda case: _geomloss_sample(case, False),
        "Twice ours, as above. It does not run without max_iter, and debias is off unless asked for.",
        epsilon="reg = 2 blur²", half=True,
    ),
    LibraryCall(
        "geomloss", "geomloss.ot.solve(C, reg=blur**p, unbalanced=rho, max_iter=k).value", "OT_ε for the cost given.",
        "entropic_cost", _geomloss_matrix, "Same conventions: the cost is ours.", epsilon="reg, in units of C",
    ),
    LibraryCall(
        "POT", 'ot.sinkhorn2(a, b, C, reg=blur**p, method="sinkhorn_log")', "⟨P, C⟩ of the entropic plan.",
        "transport_cost", _pot_sinkhorn2,
        f"It minimises ⟨P, C⟩ + ε Σ P log P but returns ⟨P, C⟩ alone, so it is not comparable with OT_ε. {SLOW}",
        epsilon="reg, in units of C", entropy="left out", unbalanced=False,
    ),
    LibraryCall(
        "POT", "ot.solve(C, a, b, reg=blur**p).value", "OT_ε for the cost given.", "entropic_cost",
        _pot_solve,
        f"reg_type is KL by default, as ours; .value_linear would be ⟨P, C⟩. {SLOW}", epsilon="reg, in units of C",
        unbalanced=False,
    ),
    LibraryCall(
        "POT", 'ot.solve(C, a, b, reg=blur**p, reg_type="entropy").value', "⟨P, C⟩ + ε Σ P log P.", "entropic_cost",
        _pot_entropy,
        f"Σ P log P is negative where KL(P | a bᵀ) is positive: the entropies of a and b lie between them, ε log(n m) in all if uniform. {SLOW}",
        epsilon="reg, in units of C", entropy="ε Σ P log P included", unbalanced=False,
    ),
    LibraryCall(
        "POT", 'ot.solve_sample(x, y, metric="sqeuclidean", reg=2 * blur**2).value', "OT_ε for p times our cost.",
        "entropic_cost", lambda case: _pot_sample(case, False),
        f"At p = 2 its cost is |x − y|² without the half: reg and value are twice ours. {SLOW}",
        epsilon="reg = p blur^p", half=True, unbalanced=False,
    ),
    LibraryCall(
        "POT", "ot.solve_sample(..., debias=True).value", "S for p times our cost.", "sinkhorn_divergence",
        lambda case: _pot_sample(case, True), f"As above, with three solves. {SLOW}", epsilon="reg = p blur^p",
        debias=True, half=True, unbalanced=False,
    ),
    LibraryCall(
        "POT", "ot.solve(C, a, b, reg=blur**p, unbalanced=rho).value", "OT_ε,ρ without its mass terms, which is 0.", "entropic_cost", _pot_unbalanced,
        "Its KL is Σ p log(p/q) without Σ q − p, in the value though not in what it minimises: (ε + 2ρ)(1 − mass) is "
        "missing, and what is left is 0 at every optimum (the slope in the plan's mass). It works with e^(−C/ε), which "
        f"underflows where the costs exceed about 700 ε. {SLOW}",
        epsilon="reg, in units of C", entropy="ε Σ P log(P / a bᵀ) included", balanced=False,
    ),
    LibraryCall(
        "POT", "ot.emd2(a, b, C)", "The exact cost, by network simplex.", "exact_cost", _pot_emd2,
        "No ε and no reach: below OT_ε, and what all tend to as blur falls.", epsilon="none", entropy="none",
        unbalanced=False,
    ),
    LibraryCall(
        "OTT-JAX", "linear.solve(PointCloud(x, y, epsilon=2 * blur**2)).reg_ot_cost", "OT_ε for p times our cost.",
        "entropic_cost", _ott, "At p = 2 its cost is |x − y|² without the half. It computes in float32.",
        epsilon="epsilon = p blur^p", half=True, unbalanced=False,
    ),
)  # fmt: skip
"""All ways, ours first."""
