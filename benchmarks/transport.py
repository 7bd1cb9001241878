"""Transport as the page solves it: how large it goes, and how far its values and gradients are from the truth.

`python -m benchmarks.transport N [KIND] [--compare]` solves once in this process and prints seconds, memory and errors.
"""

from __future__ import annotations

import argparse
import functools
import importlib.util
import json
import math
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import ot
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.rows import Effort, Measured, Row
from benchmarks.truth import converged, half_squares
from otviz.clouds.large_values import Setting, potentials
from otviz.clouds.problem import LOSSES, Problem, clouds
from otviz.clouds.solution import Picture
from otviz.clouds.solve import coarse, refine
from otviz.core.work import completed
from otviz.data.distributions import named
from otviz.ot.costs import cost_p
from otviz.ot.reference import geomloss_divergence
from otviz.ot.sinkhorn import solve

ROOT = Path(__file__).resolve().parents[1]
SECONDS = {10_000: math.inf, 20_000: 10.0, 100_000: 60.0}
"""Number of points of each side, and the most seconds that the full answer should take."""

COMPARED, SWEEPS, RELAXED, CONVERGED = 20_000, 80, 1.8, 1e-5
"""Size that is compared with sweeps over all pairs; their largest number, over-relaxation, and marginal error at the end."""

FINEST = 0.98  # of the solver's scaling: as close to the optimum as the page lets one ask
SHAPES = (("gaussian", "ring"), ("moons", "spiral"), ("checkerboard", "letters"), ("grid", "pinwheel"))
GAUSSIANS = (((0.0, 0.0), (1.0, 0.49), (1.0, -0.5), (0.36, 0.64)), ((0.0, 0.0), (1.0, 1.0), (3.0, 1.0), (0.25, 1.5)))
Array = NDArray[np.float64]


def transport_large(effort: Effort) -> Measured:
    """Clouds that are solved coarse to fine, each size in a process of its own; geomloss' multiscale beside them."""
    sizes = {6000: math.inf} if effort.quick else SECONDS
    runs = [effort.once((n,), functools.partial(_apart, n, False)) for n in sizes]
    # Takes minutes, in a process of its own, which may run before on a busy machine (--journal): errors are the same there.
    off = {} if effort.quick else effort.once((COMPARED, "off"), functools.partial(_apart, COMPARED, True))["off"]
    keops = importlib.util.find_spec("pykeops") is not None
    others = [effort.once((n, "keops"), functools.partial(_apart, n, False, "keops")) for n in sizes] if keops else []
    told = "; ".join(map(_told, runs)) + f"; at {COMPARED}: " * bool(off)
    told += ", ".join(f"{name} off by {each:.1e}" for name, each in off.items()) + ". "
    told += (
        "; ".join(map(_told_other, others)) if keops else "geomloss' multiscale needs pykeops, which is not installed"
    )
    good = [
        run["coarse"] <= 1 and run["gigabytes"] <= 2 and run["error"] <= 0.01 and run["seconds"] <= limit
        for run, limit in zip(runs, sizes.values(), strict=True)
    ]  # fmt: skip
    return Measured(
        shown=told,
        reached=all(good) and max(off.values(), default=0.0) <= 0.01,
        value=runs[-1]["seconds"],
        reference=others[-1]["seconds"] if others else None,
        extra={"runs": runs, "geomloss multiscale": others, "off": off},
        sample="one run of each; N(0, I) to the ring, blur 0.05; refining on all cores; memory beyond what imports take; "
        f"errors at {COMPARED} against sweeps over all pairs in blocks until marginals hold to {CONVERGED:g}",
    )


def _told(run: dict[str, Any]) -> str:
    return (
        f"n = {run['n']}: first {run['coarse']:.2f} s, all {run['seconds']:.1f} s ({run['cpu']:.0f} s of the processor), "
        f"marginals to {run['error']:.2%}, {run['gigabytes']:.2f} GB"
    )


def _told_other(run: dict[str, Any]) -> str:
    return f"geomloss multiscale n = {run['n']}: {run['seconds']:.1f} s, {run['gigabytes']:.2f} GB"


def _apart(n: int, compared: bool, kind: str = "otviz") -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.transport", str(n), kind, *(["--compare"] if compared else [])]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def solved_here(n: int, kind: str, compare: bool) -> dict[str, Any]:
    """Seconds and peak memory of one solve between n points in this process, and how far it is from the optimum."""
    rng = np.random.default_rng(0)
    x, y = named("gaussian")().sample(n, rng), named("ring")().sample(n, rng)
    before, began = _peak(), time.perf_counter()
    found: dict[str, Any] = {"n": n, "kind": kind, "off": None}
    if kind == "otviz":
        problem = Problem()
        rough = coarse(problem, x, y)
        found["coarse"], began, used = time.perf_counter() - began, time.perf_counter(), time.process_time()
        picture = next(newer for newer in refine(problem, x, y, rough) if newer)
        found |= {"error": picture.numbers.marginal_error, "cpu": time.process_time() - used}
    else:
        points = torch.from_numpy(x).requires_grad_()
        value = geomloss_divergence(points, torch.from_numpy(y), blur=0.05, scaling=0.7, backend="multiscale")
        torch.autograd.backward(value)
    found |= {"seconds": time.perf_counter() - began, "gigabytes": _peak() - before}
    return found | ({"off": errors_of(problem, picture)} if compare else {})


def errors_of(problem: Problem, picture: Picture) -> dict[str, float]:
    """Relative errors of a large picture with p = 2 against sweeps over all pairs, which start from its potentials.

    A fixed point of the sweeps is the optimum wherever they start. The self terms are swept as well.
    """
    of, epsilon = picture.all_points, problem.epsilon
    x, y = (torch.from_numpy(points - of.y.mean(0)) for points in (of.x, of.y))
    found = completed(potentials(x, y, Setting(problem.blur, scaling=problem.scaling)))
    f, g = swept(x, y, found.g, epsilon)
    own = [float(swept_own(points, epsilon).mean()) for points in (x, y)]
    value = float(f.mean() + g.mean()) - own[0] - own[1]
    mapped = torch.cat([rows @ y for rows in _shares(x, y, g, epsilon)])
    moved = torch.from_numpy(of.map - of.y.mean(0)) if of.map is not None else x
    off = (found.f - f) - (found.f - f).mean()
    return {
        "S": abs(picture.numbers.loss - value) / value,
        "potential": float(off.norm() / (f - f.mean()).norm()),
        "map": float((moved - mapped).norm() / (x - mapped).norm()),
    }


def swept(x: Tensor, y: Tensor, g: Tensor, epsilon: float) -> tuple[Tensor, Tensor]:
    """Potentials (n,), (m,) after Sinkhorn sweeps over all pairs, over-relaxed but for the first and the last."""
    f = _soft(x, y, g, epsilon)
    for sweep in range(SWEEPS):
        newer = _soft(y, x, f, epsilon)
        error = float(torch.expm1((g - newer) / epsilon).abs().mean())
        relax = RELAXED if 1 < sweep < SWEEPS - 2 and error > CONVERGED else 1.0
        g = torch.lerp(g, newer, relax)
        f = torch.lerp(f, _soft(x, y, g, epsilon), relax)
        if error < CONVERGED:
            break
    return f, g


def swept_own(x: Tensor, epsilon: float) -> Tensor:
    """The potential (n,) of a cloud with itself, each sweep averaged with the last."""
    v = torch.zeros(len(x), dtype=torch.float64)
    for _ in range(20):
        v = (v + _soft(x, x, v, epsilon)) / 2
    return v


def _soft(x: Tensor, y: Tensor, g: Tensor, epsilon: float) -> Tensor:
    """The soft minimum of g (m,) at x (n, 2): pairs in float32, potentials in float64."""
    scores = [
        ((g.float() - half_squares(part, y.float())) / epsilon).logsumexp(1) for part in torch.split(x.float(), 64)
    ]
    return -epsilon * (torch.cat(scores).double() - math.log(len(y)))


def _shares(x: Tensor, y: Tensor, g: Tensor, epsilon: float) -> Iterator[Tensor]:
    return (((g - half_squares(part, y)) / epsilon).softmax(1) for part in torch.split(x, 64))


def _peak() -> float:
    unit = 1e9 if sys.platform == "darwin" else 1e6  # Linux counts kilobytes
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def transport_truth(effort: Effort) -> Measured:
    """The page's value at small blur against the linear programme, the closed form, and differences for gradients."""
    n, points = (60, 3) if effort.quick else (500, 40)
    sharp = {" to ".join(pair): sharp_error(*pair, n) for pair in (SHAPES[:1] if effort.quick else SHAPES)}
    closed = [closed_error(*each, blur, 24 if effort.quick else 40) for each in GAUSSIANS for blur in (0.3, 1.0)]
    gradients, finest = (gradient_errors(points, scaling) for scaling in (Problem().scaling, FINEST))
    worst_sharp, worst_closed, worst = max(sharp.values()), max(closed), max(gradients.values())
    return Measured(
        shown=f"value at blur .001 within {worst_sharp:.0e} of emd2; between Gaussians within {worst_closed:.0e} of the "
        f"closed form; gradients within {worst:.0e} of differences ({max(gradients, key=gradients.__getitem__)}; "
        f"{max(finest.values()):.0e} at scaling {FINEST:g} instead of the default {Problem().scaling:g})",
        reached=worst_sharp <= 1e-3 and worst_closed <= 1e-3 and worst <= 1e-4,
        value=worst_sharp,
        extra={"blur to 0": sharp, "gaussians": closed, "gradients": gradients, f"scaling {FINEST:g}": finest},
        sample=f"{len(sharp)} pairs of shapes of {n} points; {len(closed)} pairs of Gaussians on grids; {len(LOSSES)} "
        f"losses at {points} points, differences of the value in double precision",
    )


def sharp_error(source: str, target: str, n: int) -> float:
    """Relative error of the entropic cost at the least blur against POT's linear programme."""
    problem = Problem(n=n, loss="entropic", blur=1e-3)
    x, y = (cloud.points for cloud in clouds(problem, named(source)(), named(target)()))
    value = coarse(problem, x, y).numbers.entropic_cost
    exact = float(ot.emd2([], [], ot.dist(x, y) / 2, numItermax=10_000_000))
    return math.inf if value is None else abs(value - exact) / exact


def closed_error(
    mean_x: tuple[float, ...], var_x: tuple[float, ...], mean_y: tuple[float, ...], var_y: tuple[float, ...],
    blur: float, side: int,
) -> float:  # fmt: skip
    """Relative error of OT_epsilon between Gaussians with independent coordinates, on grids of side^2 weighted points."""
    (x, a), (y, b) = _grid(mean_x, var_x, side), _grid(mean_y, var_y, side)
    value = float(solve(cost_p(x, y, 2), blur**2, a=a, b=b).entropic_cost)
    exact = sum(map(functools.partial(_gaussian_cost, epsilon=blur**2), mean_x, var_x, mean_y, var_y))
    return abs(value - exact) / exact


def _grid(mean: tuple[float, ...], variance: tuple[float, ...], side: int) -> tuple[Tensor, Tensor]:
    """A trapezoidal sum over five deviations to each side: for a smooth density it is exact far beyond 1e-4."""
    t = torch.linspace(-5, 5, side, dtype=torch.float64)
    weights = torch.exp(-t.square() / 2)
    lines = [m + math.sqrt(v) * t for m, v in zip(mean, variance, strict=True)]
    plane = torch.outer(weights, weights).flatten()
    return torch.cartesian_prod(*lines), plane / plane.sum()


def _gaussian_cost(mean_x: float, var_x: float, mean_y: float, var_y: float, epsilon: float) -> float:
    """On a line the plan is Gaussian; its covariance c minimises (var_x + var_y - 2c)/2 - epsilon log(1 - c^2/vv)/2."""
    both = var_x * var_y
    c = (math.sqrt(epsilon**2 + 4 * both) - epsilon) / 2
    moved = ((mean_x - mean_y) ** 2 + var_x + var_y - 2 * c) / 2
    return moved - epsilon * math.log1p(-c * c / both) / 2


def gradient_errors(n: int, scaling: float, blur: float = 0.3) -> dict[str, float]:
    """Relative error of the page's force against central differences of each loss, over all 2n coordinates."""
    problem = Problem(n=50, blur=blur, scaling=scaling)
    x, y = (cloud.points[:n] for cloud in clouds(problem, named("moons")(), named("ring")()))
    found, truth = {}, slopes(x.tobytes(), y.tobytes(), blur)
    for loss in LOSSES:
        posed = Problem.parse({"n": "50", "blur": str(blur), "scaling": str(scaling), "loss": loss})
        ours: Array = coarse(posed, x, y).force.astype(np.float64) / -n
        found[loss] = float(np.linalg.norm(ours - truth[loss]) / np.linalg.norm(truth[loss]))
    return found


@functools.cache
def slopes(x_bytes: bytes, y_bytes: bytes, blur: float) -> dict[str, Array]:
    """Gradients at x (n, 2) of the losses, (n, 2) each, by differences of their values in double precision."""
    x, y = (np.frombuffer(points).reshape(-1, 2) for points in (x_bytes, y_bytes))
    fixed = torch.from_numpy(y.copy())

    def kernel(of: Callable[[Tensor], Tensor]) -> Array:
        """Of |a - b|_k^2 / 2, k a function of |x - y|^2 / 2; the part of y alone is constant."""
        return _slope(lambda x: of(half_squares(x, x)).mean() / 2 - of(half_squares(x, fixed)).mean(), x)

    cross = _slope(lambda points: converged(points, fixed, blur**2, 1e-6).value, x)
    own = _slope(lambda points: converged(points, points, blur**2, 1e-6).value, x)
    return {
        "sinkhorn": cross - own / 2,
        "entropic": cross,
        "energy": kernel(lambda half: -(2 * half).sqrt()),
        "gaussian-mmd": kernel(lambda half: torch.exp(-half / blur**2)),
        "laplacian-mmd": kernel(lambda half: torch.exp(-(2 * half).sqrt() / blur)),
    }


def _slope(value: Callable[[Tensor], Any], x: Array, step: float = 1e-3) -> Array:
    slope = np.empty_like(x)
    for place in np.ndindex(*x.shape):
        ahead, behind = x.copy(), x.copy()
        ahead[place] += step
        behind[place] -= step
        slope[place] = (float(value(torch.from_numpy(ahead))) - float(value(torch.from_numpy(behind)))) / (2 * step)
    return slope


ROWS = (
    Row("transport-large", "Transport of large clouds: first answer, all points, errors, memory",
        "first answer <= 1 s; 20 000 points <= 10 s, 100 000 <= 60 s; marginals, S, potential, map to 1 %; <= 2 GB",
        transport_large),
    Row("transport-truth", "values and gradients of the Transport page against truths that share no code",
        "emd2 at blur -> 0 1e-3, Gaussians 1e-3, gradients 1e-4", transport_truth),
)  # fmt: skip


def main(words: Sequence[str] | None = None) -> None:
    """Solve once and print what was measured; `words` are the arguments, by default those of the process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("n", type=int)
    parser.add_argument("kind", nargs="?", default="otviz", choices=("otviz", "keops"))
    parser.add_argument("--compare", action="store_true")
    options = parser.parse_args(words)
    print(json.dumps(solved_here(options.n, options.kind, options.compare)))


if __name__ == "__main__":
    main()
