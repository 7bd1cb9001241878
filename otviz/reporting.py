"""What the command line prints: one JSON object, or a few lines a person reads."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

from otviz.checkpoints import write_card
from otviz.distributions import Distribution
from otviz.metrics import measure
from otviz.runs.config import RunConfig
from otviz.runs.run import Run
from otviz.runs.store import save_run

SAMPLES = 2500


def train_and_report(config: RunConfig, out: str, as_json: bool) -> int:
    """Train to the end with a progress bar on stderr, measure, save to `out` if given, print; the exit status."""
    folder = Path(out) if out else None
    if folder is not None and folder.exists() and not folder.is_dir():
        raise ValueError(f"--out must be a folder; {out!r} is a file")
    run = Run(folder.name if folder else "run", config).start()
    _show_progress(run)
    if run.status == "failed":
        print(f"otviz: {run.message}", file=sys.stderr)
        return 1
    report, samples = report_of(run)
    if folder is not None:
        try:
            save_run(run, folder)
            np.save(folder / "samples.npy", samples)
            write_card(run, report, samples, folder)
        except OSError as error:
            raise ValueError(f"{out!r} cannot be written ({error.strerror or error}); choose another --out") from error
    print(json.dumps(report) if as_json else _readable(report))
    return 0


def report_of(run: Run) -> tuple[dict[str, Any], np.ndarray[Any, np.dtype[np.float32]]]:
    """Losses and metrics of an ended run, as plain values, with the (2500, 2) samples they were measured on."""
    samples = run.probe.samples(SAMPLES, run.config.seed)
    rng = np.random.default_rng([run.config.seed, 13])
    losses = run.losses()
    adversary = None if run.training.adversary is None else _loss(losses[:, 1])
    report = {
        "method": run.config.method.name,
        "target": run.config.target.name,
        "steps": run.training.step,
        "seed": run.config.seed,
        "device": run.training.device.type,
        "seconds": round(run.seconds, 3),
        "steps_per_second": round(run.training.step / max(run.seconds, 1e-9), 2),
        "losses": {"generator": _loss(losses[:, 0]), "adversary": adversary},
        "metrics": measure(samples, run.config.target, rng),
    }
    return report, samples


def _loss(values: np.ndarray[Any, np.dtype[np.float32]]) -> dict[str, float | None]:
    there = values[np.isfinite(values)]
    last = there[-max(1, len(there) // 4) :]
    return {
        "last": float(there[-1]) if len(there) else None,
        "std_last_quarter": float(last.std()) if len(there) else None,
    }


def _show_progress(run: Run) -> None:
    steps, width = run.config.steps, 30
    visible = sys.stderr.isatty()
    while not run.wait(0.5):
        if visible:
            done = run.step / steps
            bar = "#" * int(width * done)
            print(f"\r[{bar:<{width}}] {run.step}/{steps}  {run.steps_per_second:.0f} steps/s", end="", file=sys.stderr)
    print(f"{chr(13) if visible else ''}{run.status}: {run.step} of {steps} steps", file=sys.stderr)


def _readable(report: dict[str, Any]) -> str:
    metrics = report["metrics"]
    lines = [f"{report['method']} on {report['target']}: {report['steps']} steps in {report['seconds']:.1f} s"]
    lines += [f"  {name:16} {_short(value)}" for name, value in metrics.items() if value is not None]
    return "\n".join(lines)


def _short(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(_short(item) for item in value)
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def transport_report(source: Distribution, target: Distribution, args: Any) -> int:
    """Solve one transport problem between samples and print its numbers; the exit status."""
    from otviz.ot.notebook import notebook_points
    from otviz.ot.summary import EXACT_LIMIT, transport_numbers

    if not 2 <= args.n <= EXACT_LIMIT:
        raise ValueError(f"n must be a whole number from 2 to {EXACT_LIMIT} (points of each cloud); got {args.n}")
    rng = np.random.default_rng(args.seed)
    x, y = notebook_points() if args.notebook else (source.sample(args.n, rng), target.sample(args.n, rng))
    numbers = transport_numbers(
        torch.from_numpy(x), torch.from_numpy(y), p=args.p, blur=args.blur, scaling=args.scaling, reach=args.reach
    )
    lines = [f"{name:20} {_short(value)}" for name, value in numbers.items()]
    print(json.dumps(numbers) if args.json else "\n".join(lines))
    return 0
