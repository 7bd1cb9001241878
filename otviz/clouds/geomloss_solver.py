"""geomloss as the solver of a picture: its value and gradient replace ours, as in the course notebook (Fuge 2025, 11.1)."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from otviz.clouds.potentials import Masses, Points
from otviz.clouds.problem import Problem
from otviz.clouds.solution import Picture
from otviz.ot.entropic import shares
from otviz.ot.reference import geomloss_divergence

COSTS = ("half-squared", "euclidean")
LARGEST = 5000
"""Maximum number of points of each side: geomloss stores several full matrices."""

OFF = 0.01
"""Relative difference to our value above which a note is added."""


def by_geomloss(problem: Problem, ours: Picture, x: Points, y: Points, a: Masses | None, b: Masses | None) -> Picture:
    """Replace the value and the arrows of a picture by those of geomloss. Plan and fields stay as they are.

    Notes say so, and whether the value is more than OFF from ours. If geomloss does not support the problem, the picture
    stays as it is, with a note.

    Args:
        problem: loss, cost, blur, reach and scaling.
        ours: full picture of the problem, by our solver.
        x, y: points, shapes (n, 2) and (m, 2), data units.
        a, b: masses, shapes (n,) and (m,), each summing to 1; uniform if None.
    """
    if problem.cost not in COSTS:
        return _noted(ours, "geomloss supports |x − y| and |x − y|²/2 only: solved by otviz")
    if max(len(x), len(y)) > LARGEST:
        return _noted(ours, f"geomloss would store full matrices for more than {LARGEST} points: solved by otviz")
    left, right = (torch.from_numpy(points - x[0]).double() for points in (x, y))
    weights = [None if w is None else torch.from_numpy(w) for w in (a, b)]
    began = time.perf_counter()
    value, gradient = _solved(problem, left, right, *weights)
    seconds = time.perf_counter() - began
    mass = shares(weights[0], left)[:, None]
    force = torch.where(mass > 0, -gradient / mass, torch.zeros_like(gradient))
    best, debiased = ours.numbers.loss, problem.loss == "sinkhorn"
    numbers = replace(
        ours.numbers,
        loss=value,
        sinkhorn_divergence=value if debiased else None,
        entropic_cost=ours.numbers.entropic_cost if debiased else value,
        seconds=seconds,
        solver=f"geomloss; otviz took {ours.numbers.seconds:.2g} s",
        iterations=0,
    )
    found = replace(ours, numbers=numbers, force=force.numpy().astype(np.float32))
    found = _noted(found, "value and arrows by geomloss, plan and potentials by otviz")
    if abs(value - best) > OFF * abs(best):
        found = _noted(found, f"geomloss' {value:.5g} is off: the converged value is {best:.5g}; raise scaling")
    return found


def _solved(problem: Problem, x: Tensor, y: Tensor, a: Tensor | None, b: Tensor | None) -> tuple[float, Tensor]:
    with torch.enable_grad():
        moving = x.clone().requires_grad_()
        loss = geomloss_divergence(
            moving, y, blur=problem.blur, p=problem.p, debias=problem.loss == "sinkhorn", reach=problem.reach,
            scaling=problem.scaling, a=a, b=b,
        )  # fmt: skip
        (gradient,) = torch.autograd.grad(loss, moving)
    return float(loss.detach()), gradient


def _noted(picture: Picture, note: str) -> Picture:
    return replace(picture, notes=(*picture.notes, note))
