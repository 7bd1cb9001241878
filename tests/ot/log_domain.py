"""Entropic transport by sweeps in the log domain and Newton steps with the whole Hessian, in float64: what others must give."""

from __future__ import annotations

import numpy as np


def cost(x, y, p):
    """|x - y|^p / p."""
    distance = np.sqrt(((x[:, None] - y[None]) ** 2).sum(-1))
    return distance if p == 1 else distance**2 / 2


def _log_sum(z, axis):
    top = z.max(axis, keepdims=True)
    return (top + np.log(np.exp(z - top).sum(axis, keepdims=True))).squeeze(axis)


def _plan(c, f, g, logs, epsilon):
    return np.exp(np.minimum((f[:, None] + g[None] - c) / epsilon + logs[0][:, None] + logs[1][None], 200))


def _dual(c, f, g, weights, epsilon, rho):
    (a, b), mass = weights, _plan(c, f, g, [np.log(w) for w in weights], epsilon).sum()
    if rho is None:
        return a @ f + b @ g - epsilon * (mass - 1)
    with np.errstate(over="ignore"):
        return -rho * (a @ np.expm1(-f / rho) + b @ np.expm1(-g / rho)) - epsilon * (mass - 1)


def _sweep(c, f, g, logs, epsilon, rho):
    damping = 1 if rho is None else rho / (rho + epsilon)
    g = -damping * epsilon * _log_sum((f[:, None] - c) / epsilon + logs[0][:, None], 0)
    f = -damping * epsilon * _log_sum((g[None] - c) / epsilon + logs[1][None], 1)
    if rho is not None:
        shift = (_log_sum(-f / rho + logs[0], 0) - _log_sum(-g / rho + logs[1], 0)) * rho / 2
        f, g = f + shift, g - shift
    return f, g


def _newton(c, f, g, weights, plan, residual, epsilon, rho):
    """One damped Newton step of the dual in both potentials."""
    bend = [plan.sum(1) / epsilon, plan.sum(0) / epsilon]
    if rho is not None:
        bend = [d + w * np.exp(-h / rho) / rho for d, w, h in zip(bend, weights, (f, g), strict=True)]
    hessian = np.block([[np.diag(bend[0]), plan / epsilon], [plan.T / epsilon, np.diag(bend[1])]])
    scale = 1 / np.sqrt(np.diag(hessian))
    step = scale * np.linalg.lstsq(scale[:, None] * hessian * scale, scale * residual, rcond=1e-14)[0]
    length, before = 1.0, _dual(c, f, g, weights, epsilon, rho)
    while length > 1e-4:
        up, across = f + length * step[: len(f)], g + length * step[len(f) :]
        if _dual(c, up, across, weights, epsilon, rho) >= before:
            return up, across
        length /= 2
    return f, g


def entropic_cost(c, a, b, epsilon, rho=None, tolerance=1e-9):
    """OT_epsilon for cost (n, m) and weights > 0, marginals met to the tolerance; epsilon comes down by halves."""
    f, g, logs, now = np.zeros(len(a)), np.zeros(len(b)), [np.log(a), np.log(b)], max(epsilon, c.max())
    while True:
        for _ in range(2000):
            for _ in range(5):
                f, g = _sweep(c, f, g, logs, now, rho)
            plan = _plan(c, f, g, logs, now)
            due = (a, b) if rho is None else (a * np.exp(-f / rho), b * np.exp(-g / rho))
            residual = np.concatenate([due[0] - plan.sum(1), due[1] - plan.sum(0)])
            if np.abs(residual).sum() < (tolerance if now == epsilon else 1e-2):
                break
            f, g = _newton(c, f, g, (a, b), plan, residual, now, rho)
        if now == epsilon:
            return _dual(c, f, g, (a, b), epsilon, rho)
        now = max(epsilon, now / 2)


def divergence(x, y, p, blur, reach=None, a=None, b=None):
    """S(x, y), debiased, of points about a common one."""
    a, b = (np.full(len(z), 1 / len(z)) if w is None else w for w, z in ((a, x), (b, y)))
    x, y = x - x[0], y - x[0]
    rho = None if reach is None else reach**p
    between, *alone = (
        entropic_cost(cost(left, right, p), v, w, blur**p, rho)
        for left, right, v, w in ((x, y, a, b), (x, x, a, a), (y, y, b, b))
    )
    return between - sum(alone) / 2
