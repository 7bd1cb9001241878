"""Generators in the public API of otviz: train, load and evaluate."""

from __future__ import annotations

import contextlib
import io
import shutil
import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from otviz.checkpoints.evaluate import MOST, folder_of, scores
from otviz.checkpoints.models import read_model
from otviz.cli.flags import target_kind
from otviz.cli.train_report import FILES
from otviz.core.params import params_of
from otviz.data.datasets import ImageSet
from otviz.data.datasets.sheets import sheet
from otviz.data.distributions import Distribution, parse_distribution, store_upload
from otviz.data.target import Target
from otviz.evaluation.features import FEWEST
from otviz.methods import Method, named
from otviz.runs.config import RunConfig
from otviz.runs.run import Run
from otviz.runs.saved.run_lock import LOCK, RunLock
from otviz.runs.saved.run_store import save_run, write_config
from otviz.training.presets import preset
from otviz.viz import style

SAVED_WITHIN = 3.0
"""Seconds to wait for the save of an interrupted training."""


class TrainedModel:
    """A trained generator; `train` and `load` return one.

    Args:
        folder: of a run or a checkpoint.
        temporary: owner of the folder, which is removed together with this model; None keeps it.

    Attributes:
        folder: of its files.
        model: the generator.
        config: of the training.
    """

    def __init__(self, folder: Path, temporary: tempfile.TemporaryDirectory[str] | None = None) -> None:
        self.folder = folder
        self.model = read_model(folder)
        self.config = self.model.config
        self._temporary = temporary

    def __repr__(self) -> str:
        return f"<TrainedModel: {self.config.method.name} on {self.config.target.name}, {self.config.steps} steps>"

    def sample(self, n: int, seed: int = 0) -> NDArray[np.float32]:
        """Generate samples: points (n, 2) in the units of the target's file, or images as rows (n, C*H*W) in [-1, 1].

        Args:
            n: number of samples, at least 1.
            seed: for the samples.

        Raises:
            ValueError: n < 1.
        """
        if n < 1:
            raise ValueError(f"n must be at least 1; got {n}")
        samples: NDArray[np.float32] = self.config.target.units.to_file(self.model.sample(n, seed))
        return samples

    def metrics(self, n: int | None = None) -> dict[str, Any]:
        """Score n new samples; see `evaluate`."""
        return evaluate(self, n)

    def save(self, folder: str | Path) -> Path:
        """Copy the files of this model to a folder, for `load` and `python -m otviz evaluate`; returns the folder.

        Raises ValueError if another process trains there, or if the folder cannot be written.
        """
        with contextlib.closing(_held(Path(folder))):
            return Path(shutil.copytree(self.folder, folder, ignore=shutil.ignore_patterns(LOCK), dirs_exist_ok=True))

    def plot(self, n: int = 1000, seed: int = 0) -> go.Figure:
        """A Plotly figure of n target points (blue) and n generated points (orange), or of up to 64 generated images."""
        if self.config.target.kind == "images":
            rows = self.sample(min(n, 64), seed)
            return style.plain(go.Figure(go.Image(z=sheet(rows, self.config.image_set.shape, 8))), 500)
        target = self.config.target
        real = target.units.to_file(target.sample(n, np.random.default_rng(seed)))
        figure = go.Figure()
        for points, name, colour in (
            (real, "target", style.TARGET),
            (self.sample(n, seed), "generated", style.GENERATED),
        ):
            figure.add_scatter(
                x=points[:, 0], y=points[:, 1], name=name, mode="markers", marker={"color": colour, "size": 4}
            )
        figure.update_yaxes(scaleanchor="x")
        return style.legend_above(style.plain(figure, 500))


def train(
    method: str | Method,
    target: str | Path | ArrayLike | Distribution | ImageSet,
    *,
    steps: int | None = None,
    seed: int = 0,
    source: str | Distribution = "gaussian",
    device: str = "auto",
    out: str | Path | None = None,
    **settings: Any,
) -> TrainedModel:
    """Train a generator to the end and return it.

    Args:
        method: a name in `otviz.methods.methods()`, such as "uotm", or a method with its settings.
        target: what to learn: a name, such as "ring" or "mnist8"; points, shape (n, 2), finite; a file of points (CSV,
            NumPy, Parquet) or a folder of images; or a distribution or image set with its settings. An array is stored
            under OTVIZ_HOME (.otviz), so that the run can be repeated.
        steps: 1 to 2 000 000; the method's default, or the preset for these images, if None.
        seed: for weights, noise and data, 0 to 2^31 - 1; the same seed gives the same numbers on the same device.
        source: distribution of x, by name or as an object; ignored for images, whose source is white noise.
        device: "auto", "cuda", "mps" or "cpu".
        out: folder of the run, saved every 30 seconds; `python -m otviz train --resume FOLDER` continues it if this process is killed.
            If None, the files are removed together with the model.
        settings: of the method, by name, such as tau=0.05; `python -m otviz train METHOD --help` lists them with ranges.

    Raises:
        ValueError: an unknown name or setting, a value out of range, a file that cannot be read, or a folder that cannot be
            written or is in use.
        RuntimeError: the training failed, for example because its loss became NaN or infinite.
    """
    learned = _target(target)
    chosen: dict[str, Any] = _settings(method, learned, settings)
    if steps is not None:
        chosen["steps"] = steps
    if isinstance(learned, Distribution):
        chosen["source"] = parse_distribution(source, {}) if isinstance(source, str) else source
    return _finished(RunConfig(target=learned, seed=seed, device=device, **chosen), out)


def load(name_or_folder: str | Path) -> TrainedModel:
    """Load the model of a shipped checkpoint by name, of a run by id, or in the folder of either.

    Raises:
        ValueError: it is missing or damaged.
    """
    return TrainedModel(folder_of(str(name_or_folder)))


def evaluate(model: TrainedModel | str | Path, n: int | None = None) -> dict[str, Any]:
    """Score new samples of a model as `python -m otviz evaluate` does; returns plain values for JSON.

    For points: modes covered, W2 and Sinkhorn divergence to the target, precision and recall, with the values of real points
    as `..._floor`; lengths are in the units of the target's file. For images: scores by the classifier of their set, with
    those of real images as `floor`.

    Args:
        model: a trained model, or an argument of `load`.
        n: number of samples, 6 to 100 000; 2500 points or 10 000 images if None.

    Raises:
        ValueError: n is out of range, there is no such model, or no classifier for its images.
    """
    if n is not None and not FEWEST <= n <= MOST:
        raise ValueError(f"n must be {FEWEST} to {MOST:,}; got {n}")
    trained = model if isinstance(model, TrainedModel) else load(model)
    return scores(trained.model, n or 0)


def _target(given: str | Path | ArrayLike | Distribution | ImageSet) -> Distribution | ImageSet:
    """The target, from any form that `train` accepts."""
    if isinstance(given, Distribution | ImageSet):
        return given
    if isinstance(given, str | Path):
        kind = target_kind(str(given))
        return kind.parse({} if str(given) == kind.name else {"file": str(given)})
    points = np.asarray(given, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError(f"points must have shape (n, 2); got {points.shape}")
    stored = io.BytesIO()
    np.save(stored, points)
    return parse_distribution(store_upload(stored.getvalue(), "points.npy"), {})


def _settings(method: str | Method, target: Target, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The method, the number of steps and, for images, the networks to train."""
    if isinstance(method, Method):
        if settings:
            raise ValueError(f"the method given has its settings; leave {', '.join(settings)} out, or give its name")
        return {"method": method, "steps": method.default_steps}
    kind = named(method)
    known = [knob.name for knob in params_of(kind)]
    if unknown := sorted(set(settings) - set(known)):
        raise ValueError(f"{method} has no setting {unknown[0]!r}; it has {', '.join(known)}")
    if not isinstance(target, ImageSet):
        return {"method": kind(**settings), "steps": kind.default_steps}
    chosen = preset(method, target)
    return {"method": chosen.applied(kind, **settings), "networks": chosen.networks, "steps": chosen.steps}


def _held(folder: Path) -> RunLock:
    """The lock of a folder. Raises ValueError if it is in use or cannot be written."""
    lock = RunLock(folder)
    if lock.refusal:
        raise ValueError(lock.refusal)
    return lock


def _finished(config: RunConfig, out: str | Path | None) -> TrainedModel:
    """Train to the end; without `out`, the model's folder is temporary."""
    temporary = tempfile.TemporaryDirectory(prefix="otviz-") if out is None else None
    folder = Path(out or temporary.name)  # type: ignore[union-attr]
    lock = _held(folder)
    for name in FILES:  # of an earlier training, so that the two are never mixed
        (folder / name).unlink(missing_ok=True)
    write_config(config, folder)
    run = Run(folder.resolve().name, config, save=partial(save_run, folder=folder), lock=lock).start()
    try:
        run.wait()
    except BaseException:  # Ctrl+C: its thread must not continue
        run.stop()
        run.wait(SAVED_WITHIN)
        raise
    if run.status == "failed":
        raise RuntimeError(run.message)
    return TrainedModel(folder, temporary)
