"""The same entropic plan by several libraries, each at several settings: processor time and error of its map.

`python -m benchmarks.rivals CASE` prints what it found; `benchmarks.solvers` starts it on one core with one thread.
Everyone starts from the points and ends with the barycentric map of the source. Compiling is not counted.
"""

from __future__ import annotations

import argparse
import json
import math
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import ot
import torch
from geomloss import SamplesLoss
from geomloss import ot as geomloss_ot
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.timing import paired
from otviz.ot.costs import cost_p
from otviz.ot.sinkhorn import solve

Solve = Callable[[], Any]
EXACT = "POT emd"
"""Solves another problem, without entropy; told for information."""


@dataclass(frozen=True)
class Case:
    """Samples x (n, d), y (m, d), epsilon in units of |x - y|^2 / 2, and the converged map (n, d)."""

    x: Tensor
    y: Tensor
    epsilon: float
    truth: NDArray[np.float64]

    @classmethod
    def load(cls, path: Path) -> Case:
        """From a file of arrays."""
        kept = np.load(path)
        return cls(torch.from_numpy(kept["x"]), torch.from_numpy(kept["y"]), float(kept["epsilon"]), kept["truth"])

    def off(self, found: Any) -> float:
        """Relative L2 error of the gradient x - T(x)."""
        found = np.asarray(found, dtype=np.float64)
        return float(np.linalg.norm(found - self.truth) / np.linalg.norm(self.x.double().numpy() - self.truth))


@dataclass(frozen=True)
class Tried:
    """One run: `setting` in words, processor milliseconds, relative error of the gradient."""

    library: str
    setting: str
    ms: float
    error: float


@dataclass(frozen=True)
class Library:
    """A way to the plan: `settings` are arguments of `build`, cheap ones first; `build` prepares, its result is timed."""

    name: str
    settings: tuple[dict[str, Any], ...]
    build: Callable[..., Solve]


def _ours(case: Case, **sweeps: Any) -> Solve:
    def run() -> Tensor:
        plan = solve(cost_p(case.x, case.y, 2), case.epsilon, **sweeps).coupling
        return plan @ case.y / plan.sum(1, keepdim=True)

    return run


def _samples_loss(case: Case, scaling: float) -> Solve:
    """geomloss' potential at y, and one soft maximum for the map: cheaper than its backward pass."""
    blur = math.sqrt(case.epsilon)
    loss = SamplesLoss("sinkhorn", p=2, blur=blur, scaling=scaling, debias=False, potentials=True, backend="tensorized")

    def run() -> Tensor:
        potential: Tensor = loss(case.x, case.y)[1]
        mode = "donot_use_mm_for_euclid_dist" if case.x.shape[1] <= 8 else "use_mm_for_euclid_dist"
        scores = torch.cdist(case.x, case.y, compute_mode=mode).square_().mul_(-0.5)
        return torch.softmax(scores.add_(potential.view(1, -1)).div_(case.epsilon), 1) @ case.y

    return run


def _solve_sample(case: Case, max_iter: int) -> Solve:
    """Its cost is |x - y|^2, so its epsilon is twice ours."""

    def run() -> Tensor:
        plan: Tensor = geomloss_ot.solve_sample(case.x, case.y, reg=2 * case.epsilon, max_iter=max_iter).plan
        return plan @ case.y / plan.sum(1, keepdim=True)

    return run


def _pot(method: str, in_torch: bool) -> Callable[..., Solve]:
    def build(case: Case, numItermax: int) -> Solve:
        x, y = (points if in_torch else points.double().numpy() for points in (case.x, case.y))

        def run() -> Any:
            cost = ot.dist(x, y) / 2
            settings = {"reg": case.epsilon, "method": method, "numItermax": numItermax, "warn": False}
            plan = ot.sinkhorn([], [], cost, **settings)
            return plan @ y / plan.sum(1)[:, None]

        return run

    return build


def _emd(case: Case) -> Solve:
    x, y = (points.double().numpy() for points in (case.x, case.y))

    def run() -> Any:
        return len(x) * (ot.emd([], [], ot.dist(x, y) / 2, numItermax=10_000_000) @ y)

    return run


def _ott(dense: bool) -> Callable[..., Solve]:
    def build(case: Case, decay: float, threshold: float, momentum: float) -> Solve:
        """Annealed from the largest cost, jitted; its cost is |x - y|^2, so its epsilon is twice ours."""
        jax, geometry, pointcloud, schedule, linear, acceleration = map(import_module, OTT)
        x, y = (jax.numpy.asarray(points.numpy()) for points in (case.x, case.y))
        init = max(1.0, float(torch.cdist(case.x, case.y).max()) ** 2 / (2 * case.epsilon)) if decay < 1 else 1.0

        def plan(x: Any, y: Any) -> Any:
            epsilon = schedule.Epsilon(2 * case.epsilon, init=init, decay=decay)
            cloud = pointcloud.PointCloud(x, y, epsilon=epsilon)
            posed = geometry.Geometry(cost_matrix=cloud.cost_matrix, epsilon=epsilon) if dense else cloud
            found = linear.solve(
                posed, threshold=threshold, momentum=acceleration.Momentum(value=momentum), max_iterations=2_000,
                implicit_diff=None,
            )  # fmt: skip
            return found.matrix @ y / found.matrix.sum(1, keepdims=True)

        compiled = jax.jit(plan)
        jax.block_until_ready(compiled(x, y))
        return lambda: jax.block_until_ready(compiled(x, y))

    return build


OTT = ("jax", "ott.geometry.geometry", "ott.geometry.pointcloud", "ott.geometry.epsilon_scheduler", "ott.solvers.linear",
       "ott.solvers.linear.acceleration")  # fmt: skip
OTT_SETTINGS = tuple(
    {"decay": decay, "threshold": threshold, "momentum": momentum}
    for ways, thresholds in (
        (((0.6, 1.5), (0.6, 1.7), (0.8, 1.7)), (1e-1, 3e-2, 1e-2, 3e-3, 1e-3, 3e-4, 1e-4)),
        (((0.6, 1.0), (1.0, 1.0)), (1e-1, 1e-2)),  # without momentum or annealing it only takes longer
    )
    for threshold in thresholds
    for decay, momentum in ways
)
SWEEPS = tuple({"numItermax": count} for count in (10, 30, 100, 200, 300, 500, 1000, 2000, 3000))
OURS = Library("otviz", (
    {}, {"per_level": 1, "last": 3}, {"per_level": 2, "last": 6}, {"per_level": 3, "last": 10},
    {"per_level": 5, "last": 60}, {"per_level": 10, "last": 100}, {"per_level": 10, "last": 300},
), _ours)  # fmt: skip
RIVALS = (
    Library("geomloss SamplesLoss", tuple({"scaling": s} for s in (0.5, 0.7, 0.9, 0.95)), _samples_loss),
    Library("geomloss solve_sample", tuple({"max_iter": k} for k in (5, 10, 20, 40, 80, 160, 320)), _solve_sample),
    Library("POT sinkhorn (kernel, float64)", SWEEPS, _pot("sinkhorn", False)),
    Library("POT sinkhorn_log (float64)", SWEEPS, _pot("sinkhorn_log", False)),
    Library("POT sinkhorn_log (torch)", SWEEPS, _pot("sinkhorn_log", True)),
    Library("OTT-JAX PointCloud", OTT_SETTINGS, _ott(False)),
    Library("OTT-JAX cost matrix", OTT_SETTINGS, _ott(True)),
    Library(EXACT, ({},), _emd),
)


def contest(case: Case, patience: float, most: int = 100) -> dict[str, Any]:
    """Try everyone, then time our default setting and each rival's best one in turn, on one thread.

    Args:
        patience: seconds; a library's dearer settings are left out once one took longer.
        most: settings tried of each.
    """
    tried, against, missing = [trial for trial, _ in _trials(OURS, case, patience, most)], [], []
    for library in RIVALS:
        try:
            runs = list(_trials(library, case, patience, most))
        except ImportError as absent:
            missing.append(f"{library.name}: {absent}")
            continue
        tried += [trial for trial, _ in runs]
        trial, setting = best(runs, tried[0].error)
        if library.name != EXACT:
            pairs = int(min(9, max(1, 15_000 / max(trial.ms, 1))))
            timed = paired(_ours(case), library.build(case, **setting), pairs, time.process_time)
            against.append({**asdict(trial), "enough": trial.error <= tried[0].error, **timed.summary()})
    return {
        "ours": asdict(tried[0]),
        "tried": [asdict(trial) for trial in tried],
        "against": against,
        "missing": missing,
    }


def best(runs: Sequence[tuple[Tried, dict[str, Any]]], limit: float) -> tuple[Tried, dict[str, Any]]:
    """The cheapest run whose error is at most `limit`; without one, the most accurate."""
    enough = [run for run in runs if run[0].error <= limit]
    return min(enough, key=lambda run: run[0].ms) if enough else min(runs, key=lambda run: run[0].error)


def _trials(library: Library, case: Case, patience: float, most: int) -> Iterator[tuple[Tried, dict[str, Any]]]:
    for setting in library.settings[:most]:
        run = library.build(case, **setting)
        began = time.process_time()
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            found = run()
        seconds = time.process_time() - began
        error = case.off(found)
        words = ", ".join(f"{name} {value:g}" for name, value in setting.items()) or "default"
        yield Tried(library.name, words, 1000 * seconds, error if math.isfinite(error) else 1e9), setting
        if seconds > patience:
            break


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case", type=Path)
    parser.add_argument("--patience", type=float, default=30.0)
    parser.add_argument("--most", type=int, default=100)
    options = parser.parse_args()
    torch.set_num_threads(1)
    _ours(Case.load(options.case))()  # the first call of torch takes longer
    print(json.dumps(contest(Case.load(options.case), options.patience, options.most)))
