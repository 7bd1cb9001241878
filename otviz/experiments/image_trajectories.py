"""Trainings on images, once per config and cached: with a snapshot every half epoch, or with scores at the end alone."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from otviz.checkpoints.catalogue import catalogue
from otviz.checkpoints.train_checkpoint import generated
from otviz.data import datasets
from otviz.data.datasets import ImageSet, to_pixels
from otviz.data.datasets.places import VARIABLE
from otviz.evaluation.features import SAMPLES, reference
from otviz.experiments.cached_trainings import cached
from otviz.experiments.trajectories import about_trend
from otviz.runs.config import RunConfig
from otviz.training.loop import Training

SHOWN = 64
"""Images stored per snapshot."""

JUDGED, QUICK_JUDGED = 2000, 200
"""Images used for the scores of a snapshot."""

JUDGED_LAST = SAMPLES
"""Images used for the scores at the end of a training, as on the cards of the gallery."""

QUICK_STEPS = 40
SCORES = ("frechet", "precision", "recall", "classes_effective", "roughness")
LABELS = {
    "frechet": "Fréchet distance",
    "recall": "recall",
    "precision": "precision",
    "classes_effective": "classes, effective number of 10",
}
"""The scores that claims print, with labels."""

HALVES = 2  # snapshots per epoch


class ImageTrajectory(NamedTuple):
    """The snapshots of a training.

    Attributes:
        steps: of the snapshots, (L,): 0, and every half epoch.
        images: of the same latents in every snapshot, (L, SHOWN, C, H, W), uint8.
        scores: SCORES of each snapshot, (L, 5).
        losses: of the generator at each step, (n,); nan before its first update.
    """

    steps: NDArray[np.int64]
    images: NDArray[np.uint8]
    scores: NDArray[np.float64]
    losses: NDArray[np.float32]

    def score(self, name: str, epoch: float) -> float:
        """A score after some epochs, or at the end of a shorter run."""
        return float(self.scores[round(min(HALVES * epoch, len(self.steps) - 1)), SCORES.index(name)])

    def halves(self) -> list[NDArray[np.float64]]:
        """The losses of each half epoch that are not nan."""
        parts = [self.losses[a:b].astype(np.float64) for a, b in zip(self.steps[:-1], self.steps[1:], strict=True)]
        return [part[np.isfinite(part)] for part in parts]

    def loss(self, first: float, last: float) -> float:
        """Mean loss from one epoch to another; 0 to 1 is the first epoch."""
        return float(np.concatenate(self._between(first, last)).mean())

    def spread(self, first: float, last: float) -> float:
        """Mean over half epochs of the standard deviation of the loss about its trend."""
        return float(np.mean([about_trend(part) if len(part) > 2 else 0.0 for part in self._between(first, last)]))

    def _between(self, first: float, last: float) -> list[NDArray[np.float64]]:
        parts = self.halves()
        return parts[round(HALVES * first) : round(HALVES * last)] or parts[-1:]


def report_config(model: str, seed: int) -> RunConfig:
    """The config of a report model in the catalogue (`settings.report`), with this seed, on the CPU."""
    return dataclasses.replace(catalogue().entries[model].config(), seed=seed, device="cpu")


def unavailable_reason(name: str = "mnist8", title: str = "MNIST") -> str:
    """Why a data set is not available, as a sentence, or empty; `title` is that of its files."""
    try:
        datasets.named(name)().split("test")
    except ValueError:
        return f"not measured: {title} is not on this machine; set {VARIABLE}"
    return ""


def image_trajectory(config: RunConfig, quick: bool = False) -> ImageTrajectory:
    """The snapshots of a training: cached by this version of otviz, or trained now.

    Raises ValueError if the images are not available.
    """
    if quick:
        config = dataclasses.replace(config, steps=QUICK_STEPS)
    half = len(config.image_set.split("train").pixels) / config.method.rows / HALVES
    looks = sorted({*np.arange(0, config.steps, half).round().astype(int).tolist(), config.steps})
    look = _look(config.image_set, QUICK_JUDGED if quick else JUDGED)
    found = cached("albums", config, lambda: config.begin("cpu"), looks, look)
    return ImageTrajectory(**{**found, "losses": found["losses"][:, 0]})


def last_scores(config: RunConfig, quick: bool = False) -> dict[str, float]:
    """The SCORES of JUDGED_LAST images at the end of a training: cached by this version of otviz, or trained now.

    There are none if the training diverged so that its images are not finite.

    Raises ValueError if the images are not available.
    """
    if quick:
        config = dataclasses.replace(config, steps=min(config.steps, QUICK_STEPS))
    look = _look(config.image_set, QUICK_JUDGED if quick else JUDGED_LAST)
    found = cached("last-images", config, lambda: config.begin("cpu"), [config.steps], look)
    last = zip(SCORES, found["scores"][-1].tolist(), strict=True)
    return {name: score for name, score in last if math.isfinite(score)}


def _look(images: ImageSet, judged: int) -> Callable[[Training], Mapping[str, NDArray[Any]]]:
    """A function that takes a snapshot: SHOWN images, and SCORES of `judged` images, nan if an image is not finite."""
    judge = reference(images)

    def look(training: Training) -> Mapping[str, NDArray[Any]]:
        rows = generated(training, judged, seed=1)
        if not np.isfinite(rows).all():
            return {"images": np.zeros((SHOWN, *images.shape), np.uint8), "scores": np.full(len(SCORES), np.nan)}
        pixels, said = to_pixels(rows, images.shape), judge.evaluate(rows, judged, nearest=0).record()
        scores = [roughness(pixels) if name == "roughness" else float(said[name]) for name in SCORES]
        return {"images": pixels[:SHOWN], "scores": np.array(scores)}

    return look


def real_roughness(images: ImageSet) -> float:
    """The roughness of the test images of a data set."""
    return roughness(images.split("test").pixels[:JUDGED])


def roughness(pixels: NDArray[np.uint8]) -> float:
    """Mean squared difference of horizontally or vertically adjacent pixels, with black -1 and white 1.

    Args:
        pixels: images (n, C, H, W).
    """
    values = pixels.astype(np.float64) / 127.5
    across, down = np.diff(values, axis=3), np.diff(values, axis=2)
    return float(((across**2).sum() + (down**2).sum()) / (across.size + down.size))
