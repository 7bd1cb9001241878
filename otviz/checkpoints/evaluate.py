"""What `python -m otviz evaluate` does: judge a checkpoint, a run or the folder of either, by what it was trained on.

Images by the classifier of their set, beside the floor that real images reach; points by the modes they cover.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import tyro
from safetensors.torch import load as load_tensors
from torch import nn

from otviz.checkpoints import CHECKPOINTS
from otviz.checkpoints.card import KIND, NAME
from otviz.checkpoints.models import MOST_WEIGHTS, Model, of_bytes
from otviz.checkpoints.models import load as load_model
from otviz.checkpoints.scoring import JUDGED_SEED, judged
from otviz.data.distributions import Points
from otviz.data.units import unit_of
from otviz.evaluation.features import FEWEST, NEAREST, SAMPLES
from otviz.evaluation.metrics import measure
from otviz.runs.config import RunConfig
from otviz.runs.run_store import Store
from otviz.training.build_networks import build_generator

POINTS = 2500
MOST = 100_000  # samples: distances between as many would take hours


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
    """The scores as text: one JSON object, or lines that a person reads.

    Raises:
        ValueError: there is no such model, it is damaged, its images cannot be judged, or n is out of range.
    """
    if args.n and not FEWEST <= args.n <= MOST:
        raise ValueError(f"--n must be {FEWEST} to {MOST:,}; got {args.n}")
    folder = folder_of(args.what)
    config, measured = config_in(folder), scores(folder, args.n, args.nearest)
    report = {"model": folder.resolve().name, "method": config.method.name, "target": config.target.name, **measured}
    return json.dumps(report, allow_nan=False) if args.json else _readable(report)


def scores(folder: Path, n: int = 0, nearest: int = NEAREST) -> dict[str, Any]:
    """Scores of fresh samples as plain values, with their floors and sample sizes.

    Args:
        folder: of a checkpoint or a run.
        n: samples to score; 0: 10 000 images, or 2500 points.
        nearest: images whose nearest training image is looked for.

    Raises:
        ValueError: the model is damaged, or its images cannot be judged.
    """
    config = config_in(folder)
    if config.target.kind == "images":
        return judged(model_in(folder), n or SAMPLES, nearest)
    rng = np.random.default_rng([config.seed, JUDGED_SEED])
    samples = draw_points(config, point_generator(folder), n or POINTS, rng, config.seed + JUDGED_SEED)
    found = {name: value for name, value in measure(samples, config.target, rng).items() if value is not None}
    units = config.target.units
    return {**found, "units": units.record()} if units.word else found


def folder_of(asked: str) -> Path:
    """Where a checkpoint of that name, a run of that id, or a folder is. Raises ValueError if there is none."""
    candidates = [CHECKPOINTS / asked, Store().folder / asked] if NAME.fullmatch(asked) else []
    for folder in [*candidates, Path(asked)]:
        with contextlib.suppress(OSError, ValueError):  # a name that no file can have
            if (folder / "generator.safetensors").is_file():
                return folder
    raise ValueError(
        f"there is no checkpoint, no run and no folder with generator.safetensors at {asked[:200]!r}; "
        "otviz list shows the checkpoints"
    )


def model_in(folder: Path) -> Model:
    """The image model in a folder: of a checkpoint, or of a run, which has no card yet. Raises ValueError as `load`."""
    if (folder / "card.json").is_file():
        return load_model(folder)
    config, weights = config_in(folder), _weights(folder)
    card = {
        "title": f"{config.method.title} on {config.target.title}", "kind": KIND, **config.record(),
        "shape": list(config.target.shape), "sha256": hashlib.sha256(weights).hexdigest(),
    }  # fmt: skip
    return of_bytes(json.dumps(card).encode(), weights, folder.resolve().name)


def config_in(folder: Path) -> RunConfig:
    """How what is in a folder was trained, for use on this CPU. Raises ValueError when it is not there or damaged."""
    file = next((path for path in (folder / "card.json", folder / "config.json") if path.is_file()), None)
    if file is None:
        raise ValueError(f"{folder.name} has neither card.json nor config.json: one of them must describe its weights")
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
        return RunConfig.from_record({**record, "device": "cpu", "compile": False})
    except (OSError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise ValueError(f"{file.name} of {folder.name} cannot be used: {error}") from error


def _weights(folder: Path) -> bytes:
    path = folder / "generator.safetensors"
    if path.stat().st_size > MOST_WEIGHTS:
        raise ValueError(f"{path.name} must have at most {MOST_WEIGHTS / 1e6:g} MB")
    return path.read_bytes()


def point_generator(folder: Path) -> nn.Module:
    """The generator of points in a folder, in evaluation mode, on the CPU. Raises ValueError where it does not fit its config."""
    config = config_in(folder)
    generator = build_generator(config.method, config.target.shape, None, torch.Generator().manual_seed(0))
    try:
        generator.load_state_dict(load_tensors(_weights(folder)))
    except Exception as error:  # safetensors and torch raise errors of several kinds, and any means the same here
        raise ValueError(f"the weights in {folder.name} do not fit its config: {str(error)[:100]}") from error
    return generator.eval()


def draw_points(config: RunConfig, generator: nn.Module, n: int, rng: np.random.Generator, noise_seed: int) -> Points:
    """Generated points T(x, z), shape (n, 2), in data units.

    Args:
        config: how the generator was trained; its source gives x.
        generator: T.
        n: number of points.
        rng: draws x.
        noise_seed: of z.
    """
    x = torch.from_numpy(config.source.sample(n, rng))
    z = torch.randn(n, config.method.noise_dim, generator=torch.Generator().manual_seed(noise_seed))
    with torch.no_grad():
        points: Points = generator(x, z).numpy()
    return points


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
