"""Pictures of kernel norms |a - b|_k^2 / 2: potentials and their gradient, without a plan."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from otviz.clouds.fields import OfKernel, mean
from otviz.clouds.potentials import Cloud, Masses, Points, Setting, precision
from otviz.clouds.problem import Problem
from otviz.clouds.solution import GRID, Numbers, Picture, grid
from otviz.core.work import Work, alongside
from otviz.ot.grounds import GROUNDS
from otviz.runs.snapshots import square_box

KERNELS = {"energy": "energy", "gaussian-mmd": "gaussian", "laplacian-mmd": "laplacian"}


def picture(
    problem: Problem, x: Points, y: Points, a: Masses | None, b: Masses | None, some: int | None
) -> Work[Picture]:
    """Compute the picture of a loss in KERNELS.

    Args:
        problem: loss and blur.
        x, y: points, shapes (n, 2) and (m, 2), data units.
        a, b: masses, shapes (n,) and (m,), each summing to 1; uniform if None.
        some: number of points of each cloud to average the kernel over; None averages over all.
    """
    places = [torch.from_numpy(points.astype(np.float64)) for points in (x, y)]
    centre = (places[0].mean(0) + places[1].mean(0)) / 2
    clouds = [
        Cloud(points, None if w is None else torch.from_numpy(w)) for points, w in zip(places, (a, b), strict=True)
    ]
    kept_x, kept_y = (cloud.part(cloud.sample(some)) for cloud in clouds)
    variation = variation_of(problem, kept_x, kept_y, centre)
    box = square_box(x, y)
    views = torch.cat([places[1], grid(box)])
    (potential_x, slope), others = yield from alongside(variation.slopes(places[0]), variation.values(views))
    potential_y, field = others[: len(y)], others[len(y) :]
    field_x = field.reshape(GRID, GRID).numpy().astype(np.float32)
    return Picture(
        x=x.astype(np.float64),
        y=y.astype(np.float64),
        box=box,
        force=-slope.numpy().astype(np.float32),
        potential_x=potential_x.numpy().astype(np.float32),
        potential_y=-potential_y.numpy().astype(np.float32),
        field_x=field_x,
        field_y=-field_x,
        plan=None,
        numbers=Numbers(
            float(mean(potential_x, clouds[0].masses) - mean(potential_y, clouds[1].masses)) / 2, solver="kernel sums"
        ),
        finished=some is None,
        notes=() if some is None else (f"means over {some} of {len(x)} points",),
    )


def variation_of(problem: Problem, of_x: Cloud, of_y: Cloud, centre: Tensor) -> OfKernel:
    """First variation of the kernel norm with respect to the source, in the precision that the problem needs.

    Args:
        problem: loss and blur.
        of_x, of_y: source (n, d) and target (m, d), in data units.
        centre: point to subtract from both, shape (d,), near their means.
    """
    x, y = of_x.points - centre, of_y.points - centre
    kernel = KERNELS[problem.loss]
    width = 1.0 if kernel == "energy" else problem.blur
    ground, epsilon = (GROUNDS["half-squared"], width**2) if kernel == "gaussian" else (GROUNDS["euclidean"], width)
    dtype = precision(Setting(ground, epsilon, None, 1), x, y)
    masses = (None if cloud.masses is None else cloud.masses.to(dtype) for cloud in (of_x, of_y))
    return OfKernel(kernel, width, x.to(dtype), y.to(dtype), centre, *masses)
