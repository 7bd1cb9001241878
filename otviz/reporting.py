"""What the command line prints: one JSON object, or a few lines a person reads."""

from __future__ import annotations

import json
import math
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from safetensors.torch import save as save_tensors

from otviz import __version__
from otviz.adam import plain
from otviz.checkpoints.points import write_card
from otviz.datasets.sheets import png, sheet
from otviz.distributed import world
from otviz.distributions import Distribution
from otviz.files import write_whole
from otviz.metrics import measure
from otviz.ot.summary import EXACT_LIMIT, transport_numbers
from otviz.params import Knobs, param
from otviz.runs.config import RunConfig
from otviz.runs.kept import collect
from otviz.runs.run import Run
from otviz.runs.store import save_run
from otviz.training import Step, device_named, train

SAMPLES = 2500
SHEET = 10
"""Images along a side of samples.png."""
BAR = 30  # characters


@dataclass(frozen=True)
class Transport(Knobs):
    """How to solve one transport problem; geomloss' words."""

    name: ClassVar[str] = "transport"

    n: int = param(1000, 2, EXACT_LIMIT, doc="Points drawn of each side", unit="points")
    p: int = param(2, 1, 2, doc="Cost: 1 is |x - y|, 2 is |x - y|^2 / 2")
    blur: float = param(0.05, 1e-3, 100, doc="Smoothing length; epsilon = blur^p", unit="length", log=True)
    scaling: float = param(0.9, 0.1, 0.999, doc="Fineness of epsilon-scaling: nearer 1 is slower, finer")
    reach: float | None = param(None, 0.01, 1000, doc="Unbalanced: mass may stay unmatched beyond reach", unit="length")
    seed: int = param(0, 0, 2**31 - 1, doc="Draws the points")


def train_and_report(config: RunConfig, out: str, as_json: bool) -> int:
    """Train to the end with a progress bar on stderr, measure, save to `out` if given, print; the exit status."""
    device_named(config.device)  # refused before anything is begun
    world().agree(config.record())
    config.method.check_shared(world().size)
    if world().rank:
        return _follow(config)
    folder = None if not out else _prepared(Path(out))
    if config.images:
        return _train_images(config, folder, as_json)
    run = Run("run" if folder is None else folder.resolve().name, config).start()
    interrupted = _show_progress(run)
    if run.scene is None:
        raise ValueError(run.message)
    report, samples = report_of(run)
    if folder is not None:
        try:
            save_run(run, folder)
            np.save(folder / "samples.npy", samples)
            write_card(run, report, samples, folder)
        except OSError as error:
            raise _unwritable(folder, error) from error
    if run.status == "failed":
        kept = f"; what was good until step {run.step} is in {out}" if folder is not None else ""
        print(f"otviz: {run.message}{kept}", file=sys.stderr)
        return 1
    print(_json(report) if as_json else _readable(report))
    return 130 if interrupted else 0


def _follow(config: RunConfig) -> int:
    """Train beside the first process, which alone looks, prints and saves."""
    torch.set_num_threads(1)  # as runs do
    for _ in train(config.method, config.target, training=config.begin()):
        pass
    return 0


def _shared(config: RunConfig) -> dict[str, int]:
    """What a report says of a training in several processes."""
    return {} if world().size == 1 else {"world_size": world().size, "batch_size": config.method.batch_size}


def _train_images(config: RunConfig, folder: Path | None, as_json: bool) -> int:
    """As `train_and_report`, for images."""
    played = _Played(config)
    interrupted, fault = played.play()
    report = played.report()
    if folder is not None:
        try:
            for name, data in played.files(report).items():
                write_whole(folder / name, data)
        except OSError as error:
            raise _unwritable(folder, error) from error
    if fault:
        kept = f"; what was good until step {played.training.step} is in {folder}" if folder is not None else ""
        print(f"otviz: {fault}{kept}", file=sys.stderr)
        return 1
    print(_json(report) if as_json else _readable(report))
    return 130 if interrupted else 0


class _Played:
    """A training on images, driven here until runs can look at images."""

    def __init__(self, config: RunConfig) -> None:
        torch.set_num_threads(1)  # as runs do
        self.config = config
        self.training = config.begin()
        self.seconds = 0.0
        self._losses: list[np.ndarray[Any, np.dtype[np.float32]]] = [np.empty((0, 2), np.float32)]

    def play(self) -> tuple[bool, str]:
        """Train to the end or until interrupted: whether it was, and what went wrong, after which the last good state is back."""
        good, interrupted, bad = self.training.state(), False, None
        while self.training.step < self.training.steps and not interrupted and bad is None:
            interrupted, steps = self._some(0.5)
            if not steps:
                break
            losses, bad = collect(steps)
            state = self.training.state()
            if bad is None and not all(value.isfinite().all() for value in state[0].values()):
                bad = self.training.step
            if bad is None:
                good = state
                self._losses.append(losses)
            _show_bar(self.training.step, self.training.steps, self.training.step / max(self.seconds, 1e-9))
        self.training.restore(*good)
        status = "failed" if bad is not None else "stopped" if interrupted else "done"
        _close_bar(f"{status}: {self.training.step} of {self.training.steps} steps")
        fault = f"the loss was no longer a number at step {bad}; a smaller lr or larger penalty may help"
        return interrupted, fault if bad is not None else ""

    def _some(self, seconds: float) -> tuple[bool, list[Step]]:
        """Steps for so long: whether they were interrupted, and those done."""
        began, steps = time.monotonic(), []
        try:
            while self.training.step < self.training.steps and time.monotonic() - began < seconds:
                steps.append(self.training.advance())
            return False, steps
        except KeyboardInterrupt:
            return True, steps
        finally:
            self.seconds += time.monotonic() - began

    def report(self) -> dict[str, Any]:
        """Losses and speed as plain values; images are those drawn of the target."""
        losses, method, done = np.concatenate(self._losses), self.config.method, self.training.step
        images = method.rows * sum(sum(method.updates(step)) for step in range(done))
        return {
            "method": method.name,
            "target": self.config.target.name,
            "steps": done,
            "seed": self.config.seed,
            "device": self.training.device.type,
            **_shared(self.config),
            "seconds": round(self.seconds, 3),
            "steps_per_second": round(done / max(self.seconds, 1e-9), 2),
            "images_per_second": round(images / max(self.seconds, 1e-9), 1),
            "losses": {
                "generator": _loss(losses[:, 0]),
                "adversary": None if self.training.adversary is None else _loss(losses[:, 1]),
            },
            "metrics": {},
        }

    def files(self, report: dict[str, Any]) -> dict[str, bytes]:
        """What is saved, by name: config, report, weights of the generator that is shown, and some of its images."""
        rows, shape = self.sample(SHEET**2), self.config.target.shape
        weights = {name: plain(value) for name, value in self.training.shown.state_dict().items()}
        return {
            "config.json": json.dumps({"otviz": __version__, **self.config.record()}, indent=1).encode(),
            "summary.json": _json(report).encode(),
            "generator.safetensors": save_tensors(weights),
            "samples.png": png(sheet(rows, shape, SHEET), scale=max(1, 64 // shape[1])),
        }

    def sample(self, n: int) -> np.ndarray[Any, np.dtype[np.float32]]:
        """So many generated images as rows (n, d), the same at every call."""
        training, seed = self.training, self.config.seed
        x = torch.from_numpy(training.source.sample(n, np.random.default_rng([seed, 7])))
        z = torch.randn(n, training.method.noise_dim, generator=torch.Generator().manual_seed(seed + 7))
        rows: np.ndarray[Any, np.dtype[np.float32]]
        rows = training.generate(x.to(training.device), z.to(training.device)).cpu().numpy()
        return rows


def _prepared(folder: Path) -> Path:
    """The folder, made and tried: an hour of training must not end with nowhere to put it."""
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"--out must be a folder; {str(folder)!r} is a file")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError as error:
        raise _unwritable(folder, error) from error


def _unwritable(folder: Path, error: OSError) -> ValueError:
    return ValueError(f"{str(folder)!r} cannot be written ({error.strerror or error}); choose another --out")


def _json(value: Any) -> str:
    """JSON that every reader takes: what is not a finite number is null."""
    return json.dumps(_finite(value), allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def report_of(run: Run) -> tuple[dict[str, Any], np.ndarray[Any, np.dtype[np.float32]]]:
    """Losses and metrics of an ended run, as plain values, with the (2500, 2) samples they were measured on."""
    assert run.live is not None
    samples = run.live.samples(SAMPLES, run.config.seed)
    rng = np.random.default_rng([run.config.seed, 13])
    losses = run.losses()
    adversary = _loss(losses[:, 1]) if run.has_adversary else None
    report = {
        "method": run.config.method.name,
        "target": run.config.target.name,
        "steps": run.live.step,
        "seed": run.config.seed,
        "device": run.live.device,
        **_shared(run.config),
        "seconds": round(run.seconds, 3),
        "steps_per_second": round(run.live.step / max(run.seconds, 1e-9), 2),
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


def _show_progress(run: Run) -> bool:
    """Draw a progress bar until the run has ended; whether it was interrupted, which ends it early."""
    interrupted, ended = False, False
    while not ended:
        try:
            ended = run.wait(0.5)
        except KeyboardInterrupt:
            interrupted = True
            run.stop()
        _show_bar(run.step, run.config.steps, run.steps_per_second)
    _close_bar(f"{run.status}: {run.step} of {run.config.steps} steps")
    return interrupted


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
    lines += [f"  {name:16} {_short(value)}" for name, value in metrics.items() if value is not None]
    return "\n".join(lines)


def _short(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(_short(item) for item in value)
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def transport_report(
    source: Distribution, target: Distribution, knobs: Transport, notebook: bool, as_json: bool
) -> int:
    """Solve one transport problem between samples, or the notebook's own, and print its numbers; the exit status."""
    from otviz.ot.notebook import notebook_points

    rng = np.random.default_rng(knobs.seed)
    x, y = notebook_points() if notebook else (source.sample(knobs.n, rng), target.sample(knobs.n, rng))
    numbers = transport_numbers(
        torch.from_numpy(x), torch.from_numpy(y), p=knobs.p, blur=knobs.blur, scaling=knobs.scaling, reach=knobs.reach
    )
    lines = [f"{name:20} {_short(value)}" for name, value in numbers.items()]
    print(_json(numbers) if as_json else "\n".join(lines))
    return 0
