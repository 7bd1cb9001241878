"""Sides of a diagnosis from trained models, and from what they were trained on."""

from __future__ import annotations

import numpy as np

from otviz.checkpoints.models import ImageModel, Model
from otviz.data.datasets import ImageSet, to_pixels
from otviz.data.target import Target
from otviz.evaluation.diagnosis import Samples
from otviz.evaluation.diagnosis.opening import of_set

MOST = 10_000
"""Number of samples that are generated, or drawn from a distribution."""


def samples_of(model: Model, n: int = MOST, seed: int = 0) -> Samples:
    """Samples of a model: images, or points in the units of the target's file.

    Args:
        model: of a checkpoint or a run.
        n: number of samples.
        seed: of the samples.
    """
    rows = model.sample(n, seed)
    if isinstance(model, ImageModel):
        return Samples(to_pixels(rows, model.images.shape), model.name)
    return Samples(np.asarray(model.config.target.units.to_file(rows), np.float64), model.name)


def real_of(target: Target, n: int = MOST, seed: int = 0) -> Samples:
    """What a model was trained on: the training images of a set, or fresh draws of a distribution, in the file's units.

    Args:
        target: of its training.
        n: number of points that are drawn.
        seed: of the draw.

    Raises:
        ValueError: images that are not available.
    """
    if isinstance(target, ImageSet):
        return of_set(target)
    points = target.units.to_file(target.sample(n, np.random.default_rng(seed)))
    return Samples(np.asarray(points, np.float64), target.title)
