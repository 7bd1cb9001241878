"""What the command line prints: one JSON object, or a few lines a person reads."""

from __future__ import annotations

import contextlib
import json
import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, TypeAlias

import numpy as np
import torch

from otviz.checkpoints.point_checkpoint import write_card
from otviz.clouds.problem import Transform, transformed
from otviz.clouds.scale import blurred, change, mismatch
from otviz.core import records
from otviz.core.distributed import world
from otviz.core.files import clear, refused, write_whole
from otviz.core.interrupts import Interrupts
from otviz.core.params import LEAST, MOST, Knobs, param
from otviz.data.datasets.sheets import png, sheet
from otviz.data.distributions import Cloud, Distribution
from otviz.data.units import in_file_units, unit_of
from otviz.evaluation.metrics import coverage, diversity, measure
from otviz.ot.summary import EXACT_LIMIT, transport_numbers
from otviz.runs.change_log import RunCheckpoint
from otviz.runs.config import RunConfig
from otviz.runs.run import Run
from otviz.runs.saved.file_schema import CONFIG
from otviz.runs.saved.run_lock import RunLock
from otviz.runs.saved.run_store import read_checkpoint, read_run, save_run, write_config
from otviz.training.driver import loss_summary
from otviz.training.loop import device_named, train

SAMPLES = 2500
SHEET = 10
"""Images along a side of samples.png."""
Samples: TypeAlias = np.ndarray[Any, np.dtype[Any]]
BAR = 30  # characters
POLL = 0.5  # seconds between two looks at the progress
FILES = (
    "summary.json", "card.json", "config.json", "past.json", "history.csv", "snapshots.npz", "generator.safetensors",
    "state.safetensors", "samples.npy", "samples.png", "timeline.npz", "unfinished.safetensors",
)  # fmt: skip
"""What a training leaves in its folder."""
LEFT_OUT = (
    "interrupted: distances to the target, precision and recall were not computed, as they take a while; "
    "python -m otviz evaluate FOLDER computes them for the folder given as --out"
)


@dataclass(frozen=True)
class Transport(Knobs):
    """How to solve one transport problem; geomloss' words."""

    name: ClassVar[str] = "transport"

    n: int = param(
        1000, 2, EXACT_LIMIT, doc="Points drawn on each side; a file with fewer rows is used whole", unit="points"
    )
    p: int = param(2, 1, 2, doc="Cost: 1 is |x - y|, 2 is |x - y|^2 / 2")
    blur: float = param(0.05, LEAST, MOST, doc="Smoothing length; epsilon = blur^p", unit="length", log=True)
    scaling: float = param(0.9, 0.1, 0.999, doc="Fineness of epsilon-scaling: nearer 1 is slower, finer")
    reach: float | None = param(
        None, LEAST, MOST, doc="Unbalanced: mass may stay unmatched beyond reach", unit="length"
    )
    seed: int = param(0, 0, 2**31 - 1, doc="Draws the points")
    transform: Transform = param(
        "none",
        doc="One change of coordinates for both clouds: common mean to the origin; scaled: divided by their spread",
    )


def train_and_report(config: RunConfig, out: str, as_json: bool) -> int:
    """Train to the end with a progress bar on stderr, measure, save to `out` if given, print; the exit status.

    The run is saved to `out` as it goes on. Ctrl+C and signals that end a program end the training; the run so far is saved
    and printed, but only numbers that are quick to measure.

    Args:
        config: what to train.
        out: folder to save in; none if empty.
        as_json: print one JSON object.
    """
    return _train(config, Path(out) if out else None, None, as_json)


def resume_and_report(out: str, as_json: bool) -> int:
    """Continue the training in a folder from its last save, or from its beginning if it had none, as `train_and_report`."""
    folder = Path(out)
    if not (folder / "config.json").is_file():
        raise ValueError(
            f"there is no training to resume in {out!r}: it has no config.json; name the folder given as --out"
        )
    if (folder / "summary.json").is_file():
        return _train(read_run(folder).config, folder, read_checkpoint(folder)[1], as_json)
    record = records.read(folder / "config.json", CONFIG)
    return _train(RunConfig.from_record(record), folder, None, as_json)


def _train(config: RunConfig, folder: Path | None, restored: RunCheckpoint | None, as_json: bool) -> int:
    device_named(config.device)  # refused before anything is begun
    world().agree({**config.record(), "resumed at": 0 if restored is None else len(restored.losses)})
    config.method.check_shared(world().size)
    if world().rank:
        return _follow(config, restored)
    _say_what_was_read(config)
    if folder is None:
        return _lead(config, None, None, as_json)
    with _held(folder):
        _prepare(folder, config, fresh=restored is None)
        return _lead(config, folder, restored, as_json)


@contextlib.contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Keep other trainings out of a folder. Raises ValueError if one saves there now."""
    try:
        lock = RunLock(folder)
    except ValueError as error:
        raise ValueError(f"{error}, or choose another --out") from error
    with contextlib.closing(lock):
        yield


def _lead(config: RunConfig, folder: Path | None, restored: RunCheckpoint | None, as_json: bool) -> int:
    """Train, print and save."""
    save = None if folder is None else partial(save_run, folder=folder)
    run = Run("run" if folder is None else folder.resolve().name, config, save=save, restored=restored).start()
    number = _show_progress(run)
    if run.scene is None:
        raise ValueError(run.message or "the run was stopped before it began")
    report, samples = report_of(run, bool(number))
    if folder is not None:
        try:
            _save(run, report, samples, folder)
        except OSError as error:
            raise _unwritable(folder, error) from error
    if run.status == "failed":
        kept = f"; the run up to step {run.step} is in {folder}" if folder is not None else ""
        print(f"otviz: {run.message}{kept}", file=sys.stderr)
        return 1
    print(_json(report) if as_json else _readable(report))
    if number:
        print(f"otviz: {LEFT_OUT}", file=sys.stderr)
    return 128 + number if number else 0


def _say_what_was_read(config: RunConfig) -> None:
    """Which columns, units and images the files gave, on stderr."""
    for side, read in config.sides.items():
        if read.needs_file:
            print(f"{side}: {read.describe()}", file=sys.stderr)


def _follow(config: RunConfig, restored: RunCheckpoint | None) -> int:
    """Train beside the first process, which alone looks, prints and saves."""
    torch.set_num_threads(1)  # as runs do
    training = config.begin()
    if restored is not None:
        training.restore(restored.tensors, restored.text)
    for _ in train(config.method, config.target, training=training):
        pass
    return 0


def _shared(config: RunConfig) -> dict[str, int]:
    """What a report says of a training in several processes."""
    return {} if world().size == 1 else {"world_size": world().size, "batch_size": config.method.batch_size}


def _save(run: Run, report: dict[str, Any], samples: Samples, folder: Path) -> None:
    """The run, and beside it what a person looks at first: samples as numbers and a picture, of points a card too."""
    save_run(run, folder)
    if run.config.target.kind == "images":
        shape = run.config.image_set.shape
        write_whole(folder / "samples.png", png(sheet(samples, shape, SHEET), scale=max(1, 64 // shape[1])))
        return
    np.save(folder / "samples.npy", samples)
    write_card(run, report, samples, folder)


def _prepare(folder: Path, config: RunConfig, fresh: bool) -> None:
    """Make the folder and try it: an hour of training must not end with nowhere to put it.

    A fresh training takes the place of whatever was trained into the folder before, so that the two are never mixed.
    """
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"--out must be a folder; {str(folder)!r} is a file")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        clear(folder, FILES)
        for name in FILES if fresh else ():
            (folder / name).unlink(missing_ok=True)
        write_config(config, folder)
    except OSError as error:
        raise _unwritable(folder, error) from error


def _unwritable(folder: Path, error: OSError) -> ValueError:
    return ValueError(f"{refused(folder, error)}, or choose another --out")


def _json(value: Any) -> str:
    """JSON that every reader takes: what is not a finite number is null."""
    return json.dumps(_finite(value), allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def report_of(run: Run, interrupted: bool = False) -> tuple[dict[str, Any], Samples]:
    """Losses and metrics of an ended run, as plain values, with samples, (2500, 2) or images as rows (100, d).

    Points are measured on these samples, of an interrupted run without the distances; images as the run did at its last
    look, which says on how many. Points and lengths are in the units of the target's file, which `units` tells if they
    are not data units.
    """
    assert run.live is not None
    images, config, done = run.config.target.kind == "images", run.config, run.live.step
    samples = run.live.samples(SHEET**2 if images else SAMPLES, config.seed)
    units = config.target.units
    report = {
        "method": config.method.name,
        "target": config.target.name,
        "steps": done,
        "seed": config.seed,
        "device": run.live.device,
        **_shared(config),
        "seconds": round(run.seconds, 3),
        "steps_per_second": round(done / max(run.seconds, 1e-9), 2),
        **({"images_per_second": round(_drawn(config, done) / max(run.seconds, 1e-9), 1)} if images else {}),
        "losses": loss_summary(run.losses()),
        "metrics": run.meter if images else _measured(samples, config, interrupted),
        **({"left_out": LEFT_OUT} if interrupted else {}),
        **({"units": units.record()} if units.word else {}),
    }
    return report, units.to_file(samples)


def _measured(samples: Samples, config: RunConfig, interrupted: bool) -> dict[str, Any]:
    if not interrupted:
        return measure(samples, config.target, np.random.default_rng([config.seed, 13]))
    mixture = config.target.mixture()
    found = {**({} if mixture is None else coverage(samples, mixture)), "diversity": diversity(samples)}
    return in_file_units(found, config.target.units)


def _drawn(config: RunConfig, steps: int) -> int:
    """Images drawn from the target in that many steps: a batch for each update of a network."""
    return config.method.rows * sum(sum(config.method.updates(step)) for step in range(steps))


def _show_progress(run: Run) -> int:
    """Draw a progress bar until the run has ended; the number of the signal that ended it early, or 0."""
    with Interrupts() as interrupts:
        while not run.wait(POLL):
            _show_bar(run.step, run.config.steps, run.steps_per_second)
            if interrupts.number:
                run.stop()
    _show_bar(run.step, run.config.steps, run.steps_per_second)
    _close_bar(f"{run.status}: {run.step} of {run.config.steps} steps")
    return interrupts.number


def _show_bar(step: int, steps: int, speed: float) -> None:
    """A progress bar on stderr, where a person sees it."""
    if sys.stderr.isatty():
        bar = "#" * int(BAR * step / steps)
        print(f"\r[{bar:<{BAR}}] {step}/{steps}  {speed:.0f} steps/s", end="", file=sys.stderr)


def _close_bar(said: str) -> None:
    print(f"{chr(13) if sys.stderr.isatty() else ''}{said}", file=sys.stderr)


def _readable(report: dict[str, Any]) -> str:
    metrics = report["metrics"]
    speed = f", {report['images_per_second']:.0f} images/s" if "images_per_second" in report else ""
    lines = [
        f"{report['method']} on {report['target']}: {report['steps']} steps in {report['seconds']:.1f} s, "
        f"{report['steps_per_second']:.1f} steps/s{speed}"
    ]
    unit = metrics.get("unit", "")
    lines += [
        f"  {name:16} {_short(value)} {unit_of(name, unit)}".rstrip()
        for name, value in metrics.items()
        if value is not None and name != "unit"
    ]
    return "\n".join(lines)


def _short(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(_short(item) for item in value)
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def transport_report(
    source: Distribution, target: Distribution, knobs: Transport, notebook: bool, as_json: bool
) -> int:
    """Solve one transport problem between two clouds, or the notebook's own, and print its numbers; the exit status.

    What was read is printed on stderr and, with --json, under source, target and transform.

    Args:
        source, target: the clouds, or what they are drawn from.
        knobs: how to solve it.
        notebook: take the notebook's own points instead.
        as_json: print one JSON object.
    """
    from otviz.ot.notebook_cost import notebook_points

    rng = np.random.default_rng(knobs.seed)
    if notebook:
        given = [Cloud(side.astype(np.float64), name="notebook") for side in notebook_points()]
    else:
        given = [side.cloud(knobs.n, rng) for side in (source, target)]
    x, y = transformed(knobs.transform, *given)
    said = (
        f"source: {x.describe()}",
        f"target: {y.describe()}",
        change(x.units),
        mismatch(x, y),
        blurred(knobs.blur, x, y),
    )
    for sentence in said:
        if sentence:
            print(sentence, file=sys.stderr)
    masses = [None if side.weights is None else torch.tensor(side.weights) for side in (x, y)]
    numbers = transport_numbers(
        torch.tensor(x.points), torch.tensor(y.points), p=knobs.p, blur=knobs.blur, scaling=knobs.scaling,
        reach=knobs.reach, a=masses[0], b=masses[1],
    )  # fmt: skip
    lines = [f"{name:20} {_short(value)}" for name, value in numbers.items()]
    units = {"name": knobs.transform, "offset": list(x.units.offset), "factor": x.units.factor}
    taken = {"source": x.as_dict(), "target": y.as_dict(), "transform": units}
    print(_json(numbers | taken) if as_json else "\n".join(lines))
    return 0
