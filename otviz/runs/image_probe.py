"""The probe of a run on images. Fixed x and z make a sheet of images at every snapshot; sometimes many more are judged.

The probe has its own random generators and does not change the networks, so it has no effect on the training.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from otviz.data.datasets import ImageSet
from otviz.evaluation.features import FEWEST, Evaluation, Reference, reference
from otviz.evaluation.metrics import diversity
from otviz.runs.probe import Probe, as_array, loss_floor
from otviz.runs.snapshots import IMAGE_BOX, Array, Meter, Scene, Snapshot, as_images, real_images, sheet_size
from otviz.training.loop import Training

Labels = NDArray[np.int64]

JUDGED = 1000
"""Images judged at a time; fewer if an image has more than 1024 numbers."""
NUMBERS = 1_024_000
BLOCK = 250  # images generated at a time

FIRST_AFTER = 2.0  # seconds of training before anything is judged
EVERY, SHARE = 3.0, 20  # least time between measurements: in seconds, and as a multiple of the cost of one
PATIENCE = 1.0  # the same on points, by the clock
NOISE_STDS = 3.0  # standard deviations of the source that are drawn as black or white


def probe_of(training: Training, seed: int) -> Probe | ImageProbe:
    """The probe of a live training on points or images: no metric holds up its first pictures."""
    return ImageProbe(training, seed) if training.target.kind == "images" else Probe(training, seed, patience=PATIENCE)


class ImageProbe:
    """Takes snapshots of one training on images.

    Args:
        training: it is read, never changed.
        seed: for the probe's x and z.
    """

    has_measured = True  # judging takes seconds, which a run that pauses does not wait for

    def __init__(self, training: Training, seed: int) -> None:
        images = training.target
        assert isinstance(images, ImageSet)
        self.training, self._images, self._seed = training, images, seed
        self._count = int(min(JUDGED, max(FEWEST, NUMBERS // images.dim)))
        self._meter: Meter = {}
        self._due = FIRST_AFTER
        self._judge, judge = _judge_of(images)
        x, z = next(self._draws(sheet_size(images.dim, training.classes), [seed, 7]))
        self._x, self._z = x.to(training.device), z.to(training.device)
        sees_x = training.networks is not None and training.networks.from_source
        drawn = as_images(as_array(x) / NOISE_STDS, images.shape)
        self.scene = Scene(
            title=training.method.title,
            box=IMAGE_BOX,
            target=real_images(images, seed, training.classes),
            source=drawn if sees_x else drawn[:0],
            centres=None,
            adversary=training.method.adversary_word,
            steps=training.steps,
            loss_floor=loss_floor(training, np.random.default_rng([seed, 9])),
            shape=images.shape,
            classes=images.class_names,
            judge=judge,
        )

    def take_snapshot(
        self, sequence: int, seconds: float, losses: tuple[float, float], measure: bool | None = None
    ) -> Snapshot:
        """A snapshot of the training. Its metrics were measured at the step `measured_at`.

        Args:
            sequence: number of the snapshot within the run.
            seconds: training time so far.
            losses: the last ones, of generator and adversary.
            measure: whether to judge images now; None leaves it to the time since the last measurement.
        """
        training, shape = self.training, self._images.shape
        shown = as_images(as_array(training.generate(self._x, self._z)), shape)
        raw = None
        if training.eval_generator is not training.generator:
            raw = as_images(as_array(training.generate(self._x, self._z, averaged=False)), shape)
        due = seconds >= self._due or training.step >= training.steps
        if due if measure is None else measure:
            self._measure(seconds)
        return Snapshot(
            sequence=sequence,
            step=training.step,
            progress=training.progress,
            seconds=seconds,
            generated=shown,
            potential=None,
            arrows=None,
            manifold=None,
            generator_loss=losses[0],
            adversary_loss=losses[1],
            alpha=training.method.scalars(training.progress).get("alpha"),
            meter=dict(self._meter),
            raw=raw,
        )

    def samples(self, n: int, seed: int) -> Array:
        """n new generated images as rows, shape (n, C*H*W), in [-1, 1]."""
        return self._generate(n, [seed, 11])[0]

    def _measure(self, seconds: float) -> None:
        floor = None if self._judge is None else self._judge.floor(self._count)  # takes seconds the first time
        began = time.monotonic()
        rows, labels = self._generate(self._count, [self._seed, 8])
        if np.isfinite(rows).all():
            self._meter = self._measured(rows, labels, floor)
        self._due = seconds + max(EVERY, SHARE * (time.monotonic() - began))

    def _measured(self, rows: Array, labels: Labels, floor: Evaluation | None) -> Meter:
        real = self._images.sample(len(rows), np.random.default_rng([self._seed, 10]))
        found: Meter = {
            "measured_at": self.training.step, "samples": len(rows),
            "diversity": diversity(rows), "diversity_target": diversity(real),
            "brightness": float(rows.mean()), "brightness_target": float(real.mean()),
            "roughness": roughness(rows, self._images.shape), "roughness_target": roughness(real, self._images.shape),
        }  # fmt: skip
        if self._judge is None or floor is None:
            return found
        scores = self._judge.evaluate(rows, len(rows), nearest=0)
        if self.training.classes:
            found["as_asked"] = self._judge.as_asked(rows, labels)
        return found | {
            "frechet": scores.frechet, "frechet_floor": floor.frechet,
            "precision": scores.precision, "precision_floor": floor.precision,
            "recall": scores.recall, "recall_floor": floor.recall,
            "neighbour_samples": scores.neighbour_samples,
            "class_shares": list(scores.class_shares), "true_class_shares": _shares_of(self._images),
            "class_entropy": scores.class_entropy, "classes_effective": scores.classes_effective,
            "classes_total": len(scores.class_shares),
        }  # fmt: skip

    def _generate(self, n: int, seed: list[int]) -> tuple[Array, Labels]:
        """n images as rows, and their classes, drawn by frequency; only a conditional generator uses them."""
        labels, parts = self._images.sample_labels(n, np.random.default_rng(seed)), []
        for first, pair in zip(range(0, n, BLOCK), self._draws(n, seed), strict=True):
            wanted = torch.from_numpy(labels[first : first + BLOCK])
            parts.append(as_array(self.training.generate(*_to(pair, self.training.device), wanted)))
        return np.concatenate(parts), labels

    def _draws(self, n: int, seed: list[int]) -> Iterator[tuple[Tensor, Tensor]]:
        """n pairs of x (B, d) and z (B, k) on the CPU, in blocks."""
        rng = np.random.default_rng(seed)
        noise = torch.Generator().manual_seed(int(rng.integers(2**31)))
        for first in range(0, n, BLOCK):
            rows = min(BLOCK, n - first)
            x = torch.from_numpy(self.training.source.sample(rows, rng))
            yield x, torch.randn(rows, self.training.method.noise_dim, generator=noise)


def roughness(rows: Array, shape: tuple[int, int, int]) -> float:
    """Mean squared difference of neighbouring pixels, across plus down, of images (n, C*H*W); large for noise."""
    images = rows.reshape(-1, *shape)
    return sum(float((np.diff(images, axis=axis) ** 2).mean()) for axis in (2, 3))


def _judge_of(images: ImageSet) -> tuple[Reference | None, str]:
    """The reference that judges images of this set, if any, and a sentence about it or why there is none."""
    try:
        judge = reference(images)
    except ValueError as error:
        return None, f"{error}."
    return (
        judge,
        f"Scored by {judge.judge}, which is correct on {judge.classifier.card['accuracy']:.1%} of test images.",
    )


def _shares_of(images: ImageSet) -> list[float]:
    labels = images.labels()
    shares: list[float] = (np.bincount(labels, minlength=len(images.class_names)) / len(labels)).tolist()
    return shares


def _to(pair: tuple[Tensor, Tensor], device: torch.device) -> tuple[Tensor, Tensor]:
    return pair[0].to(device), pair[1].to(device)
