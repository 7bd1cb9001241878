"""`python -m otviz evaluate`: scores a checkpoint, a run or the folder of either.

Images are scored by the classifier of their set, together with real images; points by `otviz.evaluation.metrics.measure`.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro

from otviz.checkpoints import CHECKPOINTS
from otviz.checkpoints.card import NAME
from otviz.checkpoints.models import ImageModel, Model, PointModel, read_model
from otviz.checkpoints.scoring import JUDGED_SEED, judged
from otviz.core.files import check_repository
from otviz.data.units import unit_of
from otviz.evaluation.features import FEWEST, NEAREST, SAMPLES
from otviz.evaluation.metrics import measure
from otviz.runs.saved.run_store import Store

POINTS = 2500
MOST = 100_000  # samples; distances between more would take hours


@dataclass(frozen=True)
class EvaluateArgs:
    """Score a trained model on fresh samples.

    Args:
        what: name of a checkpoint, id of a run, or the folder of either.
        n: samples to score; 0: 10 000 images, or 2500 points.
        nearest: number of images whose nearest training image is searched.
        json: print one JSON object.
    """

    what: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="CHECKPOINT|RUN|FOLDER")]
    n: int = 0
    nearest: int = NEAREST
    json: bool = False


def evaluated(args: EvaluateArgs) -> str:
    """The scores as text: one JSON object, or readable lines.

    Raises:
        ValueError: there is no such model, it is damaged, its images cannot be scored, or n is out of range.
    """
    if args.n and not FEWEST <= args.n <= MOST:
        raise ValueError(f"--n must be {FEWEST} to {MOST:,}; got {args.n}")
    model = read_model(folder_of(args.what))
    names = {"model": model.name, "method": model.config.method.name, "target": model.config.target.name}
    report = {**names, **scores(model, args.n, args.nearest)}
    return json.dumps(report, allow_nan=False) if args.json else _readable(report)


def scores(model: Model, n: int = 0, nearest: int = NEAREST) -> dict[str, Any]:
    """Score new samples; returns plain values, including the number of samples and the scores of real samples.

    Args:
        model: of a checkpoint or a run.
        n: number of samples; 0: 10 000 images, or 2500 points.
        nearest: number of images whose nearest training image is searched.

    Raises:
        ValueError: its images cannot be scored.
    """
    if isinstance(model, ImageModel):
        return judged(model, n or SAMPLES, nearest)
    assert isinstance(model, PointModel)
    config = model.config
    rng = np.random.default_rng([config.seed, JUDGED_SEED])
    samples = model.generate(n or POINTS, rng, config.seed + JUDGED_SEED)
    found = {name: value for name, value in measure(samples, config.target, rng).items() if value is not None}
    units = config.target.units
    return {**found, "units": units.record()} if units.word else found


def folder_of(asked: str) -> Path:
    """The folder of a checkpoint by name, of a run by id, or `asked` itself. Raises ValueError if there is none."""
    candidates = [CHECKPOINTS / asked, Store().folder / asked] if NAME.fullmatch(asked) else []
    for folder in [*candidates, Path(asked)]:
        with contextlib.suppress(OSError, ValueError):  # not a valid file name
            if (folder / "generator.safetensors").is_file():
                return folder
    if candidates:
        check_repository()
    raise ValueError(
        f"there is no checkpoint, no run and no folder with generator.safetensors at {asked[:200]!r}; "
        "otviz list shows the checkpoints"
    )


def _readable(report: dict[str, Any]) -> str:
    floor = report.get("floor", {})
    lines = [f"{report['model']}: {report['method']} on {report['target']}"]
    unit = report.get("unit", "")
    for name, value in report.items():
        if name in ("model", "method", "target", "floor", "unit", "units"):
            continue
        beside = f"   (real images: {floor[name]:.4g})" if isinstance(floor.get(name), float) else ""
        lines.append(f"  {name:20} {_short(value)} {unit_of(name, unit)}".rstrip() + beside)
    return "\n".join(lines)


def _short(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(_short(item) for item in value)
    return f"{value:.4g}" if isinstance(value, float) else str(value)
