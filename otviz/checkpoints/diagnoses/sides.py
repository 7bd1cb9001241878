"""One side of a diagnosis as a link names it: an upload, an image set, a shipped model, a run, or the data of a model or run."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from otviz.checkpoints.card import NAME
from otviz.core.files import CHECKPOINTS
from otviz.core.uploads import PREFIX
from otviz.data.datasets import datasets, to_pixels
from otviz.evaluation.diagnosis import Samples
from otviz.evaluation.diagnosis.opening import open_samples

if TYPE_CHECKING:
    from otviz.runs.config import RunConfig
    from otviz.runs.run_view import RunView

MODEL, RUN = "model:", "run:"
IMAGES, POINTS = 2000, 4000
"""Samples that a model or run of ours generates, and points that are drawn from its data."""

SEED = 1


def is_known(source: str) -> bool:
    """Whether a link may name this: never a path of the server."""
    name = source.partition(":")[0]
    return source.startswith((PREFIX, MODEL, RUN)) or (name in datasets() and not datasets()[name].needs_file)


def open_side(
    source: str, like: Samples | None = None, columns: Sequence[str] = (), label: str = "",
    runs: Mapping[str, RunView] | None = None,
) -> Samples:  # fmt: skip
    """Read or generate one side.

    Args:
        source: "upload:" and hex digits, the name of a published image set, "model:" and the name of a shipped model, or "run:"
            and an id.
        like: the other side, if it is known.
        columns, label: of points, as for `open_samples`.
        runs: that may be used, by id.

    Raises:
        ValueError: there is no such thing, or it cannot be read; one sentence with what to do.
    """
    if not is_known(source):
        raise ValueError(
            f"a side must be an upload, a published image set, a model or a run; got {source[:80]!r}: choose again"
        )
    if source.startswith(MODEL):
        return _of_model(source.removeprefix(MODEL))
    if source.startswith(RUN):
        return _of_run(_found(source, runs))
    return open_samples(source, like, columns, label)


def data_of(source: str, runs: Mapping[str, RunView] | None = None) -> Samples:
    """Real samples of what a model or run was trained on.

    Args:
        source: "model:" and a name, or "run:" and an id.
        runs: as for `open_side`.

    Raises:
        ValueError: as `open_side`, or the data are not available.
    """
    from otviz.checkpoints.model_samples import real_of

    return _named(real_of(config_of(source, runs).target, POINTS, SEED))


def config_of(source: str, runs: Mapping[str, RunView] | None = None) -> RunConfig:
    """The settings of a model or run.

    Args:
        source, runs: as for `data_of`.

    Raises:
        ValueError: there is none of this name.
    """
    if source.startswith(RUN):
        return _found(source, runs).config
    from otviz.checkpoints.models import read_config

    return read_config(CHECKPOINTS / _shipped(source.removeprefix(MODEL)))


def _of_model(name: str) -> Samples:
    from otviz.checkpoints.model_samples import samples_of
    from otviz.checkpoints.models import read_model

    model = read_model(CHECKPOINTS / _shipped(name))
    return _named(samples_of(model, IMAGES if model.config.target.kind == "images" else POINTS, SEED))


def _shipped(name: str) -> str:
    if not NAME.fullmatch(name) or not (CHECKPOINTS / name / "config.json").is_file():
        raise ValueError(f"there is no model {name[:60]!r} in the gallery; choose another")
    return name


def _found(source: str, runs: Mapping[str, RunView] | None) -> RunView:
    name = source.removeprefix(RUN)
    if runs is None or name not in runs:
        raise ValueError(f"there is no run {name[:60]!r}; choose another, or train it again")
    return runs[name]


def _of_run(run: RunView) -> Samples:
    import torch

    from otviz.checkpoints.train_checkpoint import generated

    training, config = run.training_copy(), run.config
    words = f"{config.method.title} on {config.target.title}, step {training.step}"
    target = config.target
    if target.kind == "images":
        return Samples(to_pixels(generated(training, IMAGES, SEED), config.image_set.shape), words)
    source = torch.from_numpy(config.source.sample(POINTS, np.random.default_rng(SEED)))
    noise = torch.randn(POINTS, config.method.noise_dim, generator=torch.Generator().manual_seed(SEED))
    points = target.units.to_file(training.generate(source, noise).cpu().numpy())
    return _named(Samples(np.asarray(points, np.float64), words))


def _named(samples: Samples) -> Samples:
    return samples if samples.are_images else dataclasses.replace(samples, columns=("x", "y"))


def few(samples: Samples, most: int, seed: int = SEED) -> Samples:
    """At most so many of the samples, drawn at random, in their order.

    Args:
        samples: all.
        most: how many to keep.
        seed: of the draw.
    """
    if len(samples) <= most:
        return samples
    kept = np.sort(np.random.default_rng(seed).choice(len(samples), most, replace=False))
    labels = None if samples.labels is None else samples.labels[kept]
    rows = kept if samples.rows is None else samples.rows[kept]
    total = samples.total or len(samples)
    return dataclasses.replace(samples, values=samples.values[kept], labels=labels, rows=rows, total=total)
