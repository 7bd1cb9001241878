"""Trains and reports for the command line, as one JSON object or as readable lines."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch

from otviz.checkpoints.point_checkpoint import write_card
from otviz.cli.printing import as_json_text, short
from otviz.core import records
from otviz.core.distributed import world
from otviz.core.files import clear, refused, write_whole
from otviz.core.interrupts import Interrupts
from otviz.data.datasets.sheets import png, sheet
from otviz.data.units import in_file_units, unit_of
from otviz.evaluation.metrics import coverage, diversity, measure
from otviz.runs.change_log import RunCheckpoint
from otviz.runs.config import RunConfig
from otviz.runs.run import Run
from otviz.runs.saved.file_schema import CONFIG
from otviz.runs.saved.run_lock import RunLock
from otviz.runs.saved.run_store import read_checkpoint, read_run, save_run, write_config
from otviz.training.build_networks import check_compile
from otviz.training.driver import loss_summary
from otviz.training.loop import device_named, train

SAMPLES = 2500
SHEET = 10
"""Images per side of samples.png."""
Samples: TypeAlias = np.ndarray[Any, np.dtype[Any]]
BAR = 30  # characters
POLL = 0.5  # seconds between updates of the progress bar
FILES = (
    "summary.json", "card.json", "config.json", "past.json", "history.csv", "snapshots.npz", "generator.safetensors",
    "state.safetensors", "samples.npy", "samples.png", "unfinished.safetensors",
)  # fmt: skip
"""Files that a training leaves in its folder."""
LEFT_OUT = (
    "interrupted: distances to the target, precision and recall were not computed, as they take a while; "
    "python -m otviz evaluate FOLDER computes them for the folder given as --out"
)


def train_and_report(config: RunConfig, out: str, as_json: bool) -> int:
    """Train with a progress bar on stderr, print the report and return the exit status.

    With `out`, the run is also saved every 30 seconds. Ctrl+C, SIGTERM or SIGHUP ends the training; then the run so far
    is saved and reported, with only those metrics that are quick to compute.

    Args:
        config: what to train.
        out: folder to save to; empty to save nothing.
        as_json: print one JSON object.

    Raises:
        ValueError: the device or data are not available, or `out` cannot be written or is in use.
    """
    return _train(config, Path(out) if out else None, None, as_json)


def resume_and_report(out: str, as_json: bool) -> int:
    """Continue the training in folder `out` from its last save, if any; otherwise as `train_and_report`."""
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
    device = device_named(config.device)  # fail early if it is not available
    if config.compile and config.target.kind == "images":
        check_compile(device.type)
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
    """Lock a folder against other trainings. Raises ValueError if it is locked."""
    try:
        lock = RunLock(folder)
    except ValueError as error:
        raise ValueError(f"{error}, or choose another --out") from error
    with contextlib.closing(lock):
        yield


def _lead(config: RunConfig, folder: Path | None, restored: RunCheckpoint | None, as_json: bool) -> int:
    """Train, save and print."""
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
    print(as_json_text(report) if as_json else _readable(report))
    if number:
        print(f"otviz: {LEFT_OUT}", file=sys.stderr)
    return 128 + number if number else 0


def _say_what_was_read(config: RunConfig) -> None:
    """Print on stderr which columns, units and images were read from files."""
    for side, read in config.sides.items():
        if read.needs_file:
            print(f"{side}: {read.describe()}", file=sys.stderr)


def _follow(config: RunConfig, restored: RunCheckpoint | None) -> int:
    """Train in a process other than the first, which alone reports and saves."""
    torch.set_num_threads(1)  # as runs do
    training = config.begin()
    if restored is not None:
        training.restore(restored.tensors, restored.text)
    for _ in train(config.method, config.target, training=training):
        pass
    return 0


def _shared(config: RunConfig) -> dict[str, int]:
    """Items of the report for a training in several processes."""
    return {} if world().size == 1 else {"world_size": world().size, "batch_size": config.method.batch_size}


def _save(run: Run, report: dict[str, Any], samples: Samples, folder: Path) -> None:
    """Save the run with a picture of samples; for points also the samples and a card."""
    save_run(run, folder)
    if run.config.target.kind == "images":
        shape = run.config.image_set.shape
        write_whole(folder / "samples.png", png(sheet(samples, shape, SHEET), scale=max(1, 64 // shape[1])))
        return
    np.save(folder / "samples.npy", samples)
    write_card(run, report, samples, folder)


def _prepare(folder: Path, config: RunConfig, fresh: bool) -> None:
    """Create the folder and check that it can be written, before the training starts.

    A new training first removes the files of an earlier one, so that the two are never mixed.
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


def report_of(run: Run, interrupted: bool = False) -> tuple[dict[str, Any], Samples]:
    """Losses and metrics of an ended run as plain values, and samples: points (2500, 2), or images as rows (100, C*H*W).

    Metrics of points are those of the samples, without distances if the run was interrupted. Metrics of images are those of
    the last snapshot. Points and lengths are in the units of the target's file, given under `units` if they are not data
    units.
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
        **({"images_per_second": round(config.method.drawn(done) / max(run.seconds, 1e-9), 1)} if images else {}),
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


def _show_progress(run: Run) -> int:
    """Show a progress bar until the run has ended; returns the signal that interrupted it, or 0."""
    with Interrupts() as interrupts:
        while not run.wait(POLL):
            _show_bar(run.step, run.config.steps, run.steps_per_second)
            if interrupts.number:
                run.stop()
    _show_bar(run.step, run.config.steps, run.steps_per_second)
    _close_bar(f"{run.status}: {run.step} of {run.config.steps} steps")
    return interrupts.number


def _show_bar(step: int, steps: int, speed: float) -> None:
    """Draw a progress bar on stderr if it is a terminal."""
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
        f"  {name:16} {short(value)} {unit_of(name, unit)}".rstrip()
        for name, value in metrics.items()
        if value is not None and name != "unit"
    ]
    return "\n".join(lines)
