"""Solvers of one entropic problem side by side: who is fastest at our accuracy, from 256 to 5000 points, in 2 and 32 dims.

Each size runs in a process of its own on one core with one thread, also for XLA and the BLAS of numpy; times are those of
the processor, all threads of the process together, so that nobody gains from threads that others may not use.
"""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks import naive
from benchmarks.rows import Effort, Measured, Row
from benchmarks.truth import converged, half_squares

ROOT = Path(__file__).resolve().parents[1]
SIZES = tuple((n, d) for d in (2, 32) for n in (256, 1000, 2000, 5000))
TOLERANCE, TRUTH_SECONDS, PATIENCE = 1e-5, 900.0, 60.0
ONE_THREAD = {
    **dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1"),
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
    "JAX_PLATFORMS": "cpu",
}
USEFUL = 0.3
"""A gradient that is off by more than this is no answer, however quick."""


def samples(n: int, d: int) -> tuple[Tensor, Tensor, float]:
    """x (n, d), y (n, d) and epsilon: N(0, I) to the ring at blur .1, or two Gaussians at 1 % of the mean cost."""
    rng = np.random.default_rng([n, d])
    x = torch.from_numpy(rng.standard_normal((n, d)).astype(np.float32))
    if d == 2:
        return x, naive.ring(n, 3, 0.25, n), 0.01
    y = torch.from_numpy((0.5 + 0.8 * rng.standard_normal((n, d))).astype(np.float32))
    return x, y, 0.01 * float(half_squares(x.double(), y.double()).mean())


def size_run(n: int, d: int, quick: bool) -> dict[str, Any]:
    """The contest at one size, in a process of its own."""
    x, y, epsilon = samples(n, d)
    truth = converged(x, y, epsilon, TOLERANCE, seconds=TRUTH_SECONDS)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "case.npz"
        np.savez(path, x=x.numpy(), y=y.numpy(), epsilon=epsilon, truth=truth.map.numpy())
        limits = ["--patience", "0.5", "--most", "2"] if quick else ["--patience", str(PATIENCE)]
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.rivals", str(path), *limits], cwd=ROOT, check=True,
            stdout=subprocess.PIPE, text=True, env=os.environ | ONE_THREAD, preexec_fn=_on_one_core,
        )  # fmt: skip
    reference = {"marginal_error": truth.error, "moved": truth.moved}
    return {"n": n, "d": d, "epsilon": epsilon, "truth": reference, **json.loads(done.stdout.splitlines()[-1])}


def _on_one_core() -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def transport_solvers(effort: Effort) -> Measured:
    """Everyone at every size; the fastest of those that are as accurate as our default setting."""
    sizes = ((48, 2),) if effort.quick else SIZES
    cases = [effort.once((n, d), functools.partial(size_run, n, d, effort.quick)) for n, d in sizes]
    ratios = {_size(case): fastest(case) for case in cases}
    behind = [size for size, rival in ratios.items() if rival is not None and rival["ratio"] <= 1]
    below = {_size(case): undominated(case) for case in cases}
    open_ = [f"{size} ({len(found)})" for size, found in below.items() if found]
    shown = "; ".join(f"{size}: {_told(rival)}" for size, rival in ratios.items())
    shown += f". Not fastest at: {', '.join(behind) or 'none'}"
    shown += f"; settings of other libraries that no setting of otviz beats in both: {', '.join(open_) or 'none'}"
    shown += (
        ". " + "; ".join(missing) if (missing := sorted({each for case in cases for each in case["missing"]})) else ""
    )
    least = min((rival["ratio"] for rival in ratios.values() if rival), default=None)
    return Measured(
        shown=shown,
        reached=not behind,
        ratio=least,
        extra={"fastest": ratios, "undominated": below, "cases": cases, "environment": ONE_THREAD},
        sample="a process on one core for each size, one thread for everyone, processor time, 1 to 9 pairs; truth to "
        f"{max(case['truth']['marginal_error'] for case in cases):.0e} of its marginals, its map moving by "
        f"{max(case['truth']['moved'] for case in cases):.0e}",
    )


def fastest(case: Mapping[str, Any]) -> dict[str, Any] | None:
    """The rival that takes least time at an error no larger than ours; None if nobody reaches it."""
    enough = [rival for rival in case["against"] if rival["enough"]]
    return min(enough, key=lambda rival: float(rival["ratio"]), default=None)


def undominated(case: Mapping[str, Any]) -> list[str]:
    """Settings of others, accurate enough to be of use, that none of ours matches in both time and error."""
    ours = [each for each in case["tried"] if each["library"] == "otviz"]
    return [
        f"{each['library']}, {each['setting']}: {each['ms']:.1f} ms, error {each['error']:.1e}"
        for each in case["tried"]
        if each["library"] not in ("otviz", "POT emd")
        and each["error"] < USEFUL
        and not any(own["ms"] <= each["ms"] and own["error"] <= each["error"] for own in ours)
    ]


def _size(case: Mapping[str, Any]) -> str:
    return f"n {case['n']}, d {case['d']}"


def _told(rival: Mapping[str, Any] | None) -> str:
    if rival is None:
        return "nobody else reaches our error"
    return (
        f"x{rival['ratio']:.1f} ({rival['ours_ms']:.0f} ms) over {rival['library']} ({rival['setting']}; "
        f"{rival['reference_ms']:.0f} ms)"
    )


def document(record: Mapping[str, Any]) -> str:
    """All methods at all sizes as a page of Markdown, from what `rows.store` keeps."""
    machine, cases = record["machine"], record["extra"]["cases"]
    lines = [
        "# Solvers side by side", "",
        "Entropic transport for |x - y|²/2 between uniform samples, from the points to the barycentric map T of the source.",
        "Error: relative L2 error of the gradient x - T(x), against the plan iterated in double precision. Time: of the",
        "processor, all threads of a process on one core with one thread. `default` is otviz as the app calls it. The exact",
        "`POT emd` solves another problem (epsilon = 0) and is there for information.", "",
        f"{machine['cpu']}, torch {machine['torch']}, {machine['date']}, load {machine['load']:g} before;"
        " written by `python -m benchmarks transport-solvers --write`.", "",
    ]  # fmt: skip
    for case in cases:
        lines += [*_heading(case), *_table(case["tried"]), ""]
    return "\n".join(lines)


def _heading(case: Mapping[str, Any]) -> list[str]:
    clouds = "N(0, I) to the ring, blur 0.1" if case["d"] == 2 else "two Gaussians, epsilon 1 % of the mean cost"
    truth = case["truth"]
    return [
        f"## {case['n']} points in {case['d']} dimensions", "",
        f"{clouds} (epsilon {case['epsilon']:.3g}). Truth: marginals to {truth['marginal_error']:.0e}, map still moving by "
        f"{truth['moved']:.0e}. At our default error: {_told(fastest(case))}.", "",
    ]  # fmt: skip


def _table(tried: Iterable[Mapping[str, Any]]) -> list[str]:
    rows = [
        f"| {each['library']} | {each['setting']} | {each['ms']:.1f} | "
        f"{'not finite' if each['error'] >= 1e9 else format(each['error'], '.1e')} |"
        for each in tried
    ]
    return ["| Library | Setting | ms | Error |", "|---|---|---:|---:|", *rows]


ROWS = (
    Row("transport-solvers", "entropic map between n points, d dimensions, against geomloss, POT and OTT-JAX at our error",
        "fastest at every size, error no larger", transport_solvers),
)  # fmt: skip
