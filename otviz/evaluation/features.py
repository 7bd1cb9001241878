"""Scores of generated images from the features of a classifier: `evaluate(rows, images)`, and `floor` for comparison.

    scores = evaluate(rows, named("mnist8")())
    scores.frechet, floor(named("mnist8")(), n=len(rows)).frechet

Rows are first converted to 8-bit pixels, so that real and generated images are treated alike.
"""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from otviz.data.datasets import ImageSet, to_pixels, to_rows
from otviz.data.datasets.cache import Once
from otviz.evaluation import image_metrics, metrics
from otviz.evaluation.classifier import Trained, as_input, classifier_for

Array = NDArray[np.float64]
Pixels = NDArray[np.uint8]
Rows = NDArray[np.float32]

SAMPLES = 10_000
NEAREST = 1000
"""Default number of samples whose nearest training image is searched."""

FEWEST = image_metrics.K_DENSITY + 1
BLOCK = 500  # images per pass of a classifier: small enough for CPU caches


class Seen(NamedTuple):
    """Features (n, 64) and class probabilities (n, classes) of n images."""

    features: Array
    probabilities: Array


@torch.inference_mode()
def see(pixels: Pixels, classifier: Trained) -> Seen:
    """Features and class probabilities of images (n, C, H, W), uint8, in blocks."""
    features, probabilities = [], []
    for first in range(0, len(pixels), BLOCK):
        found = classifier.network.features(as_input(torch.tensor(pixels[first : first + BLOCK])))
        features.append(found.double().numpy())
        probabilities.append(classifier.network.logits(found).double().softmax(1).numpy())
    return Seen(np.concatenate(features), np.concatenate(probabilities))


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """Scores of images by the classifier of their data set, with their sample sizes.

    Attributes:
        judge: the classifier: name of its checkpoint and the first digits of its weights' SHA-256. Scores of different
            classifiers are not comparable.
        frechet: squared Fréchet distance between Gaussians fitted to the features, in squared feature units; not FID.
        precision, recall, coverage: in [0, 1]; density: >= 0, about 1 for real images (`image_metrics.neighbours`).
        inception_style: from 1 to the number of classes, by this classifier; not an Inception score.
        class_shares: share of the samples in each class, summing to 1.
        class_entropy: entropy of these shares, in nats; classes_effective: exp of it.
        confident: share of the samples with a class probability above 0.9.
        nearest, nearest_real: median distance of samples, and of test images, to the nearest training image (Euclidean,
            pixels from -1 to 1); None if not requested.
        memorisation: nearest / nearest_real: near 0 for copies of training images, about 1 for new real images.
        samples, real: sample sizes of frechet (all test images); samples is also that of the class scores.
        neighbour_samples: number of samples, and of test images, for precision, recall, density and coverage.
        nearest_samples: number of samples, and largest number of test images, for nearest.
    """

    judge: str
    frechet: float
    precision: float
    recall: float
    density: float
    coverage: float
    inception_style: float
    class_shares: tuple[float, ...]
    class_entropy: float
    classes_effective: float
    confident: float
    nearest: float | None
    nearest_real: float | None
    memorisation: float | None
    samples: int
    real: int
    neighbour_samples: int
    nearest_samples: int

    def record(self) -> dict[str, Any]:
        """All scores as JSON-compatible values."""
        return {**dataclasses.asdict(self), "class_shares": list(self.class_shares)}


class Reference:
    """Features of the test images of a data set, and what evaluations share; cached by `reference`.

    Args:
        images: a data set that has a classifier.
        classifier: its classifier.
    """

    def __init__(self, images: ImageSet, classifier: Trained) -> None:
        self.images = images
        self.classifier = classifier
        test = images.split("test").pixels
        # Shuffled once, so that the first k are a random sample.
        self._test = test[np.random.default_rng(0).permutation(len(test))]
        self._seen = see(self._test, classifier)
        self._moments = image_metrics.moments(self._seen.features)
        self._radii: Once[image_metrics.Radii] = Once(keep=8)
        self._nearest: Once[float] = Once(keep=8)
        self._floors: Once[Evaluation] = Once(keep=8)

    @property
    def judge(self) -> str:
        """Name of the classifier's checkpoint and the first digits of its weights' SHA-256."""
        return f"classifier-{self.images.name} {self.classifier.card['sha256'][:12]}"

    def evaluate(self, rows: Rows, n: int = SAMPLES, seed: int = 0, nearest: int = NEAREST) -> Evaluation:
        """Score generated images.

        Args:
            rows: images as rows (m, C*H*W), clipped to [-1, 1].
            n: largest number of images to use; if there are more, n are drawn.
            seed: of the draw.
            nearest: number of samples whose nearest training image is searched for; 0 is faster.

        Raises:
            ValueError: rows of another length, not finite, fewer than 6; n < 6 or nearest < 0.
        """
        if n < FEWEST or nearest < 0:
            raise ValueError(f"n must be {FEWEST} or more and nearest 0 or more; got {n} and {nearest}")
        rows = metrics.check_samples(rows, self.images.dim)
        if len(rows) < FEWEST:
            raise ValueError(f"an evaluation needs {FEWEST} images or more; got {len(rows)}")
        return self._judged(to_pixels(_some(rows, n, seed), self.images.shape), nearest)

    def floor(self, n: int = SAMPLES) -> Evaluation:
        """Noise floor: scores of at most n training images, as if they were generated. Raises ValueError for n < 6."""
        training = self.images.split("train").pixels
        return self._floors.get(n, lambda: self.evaluate(to_rows(_some(training, n, seed=0)), n, nearest=0))

    def as_asked(self, rows: Rows, labels: NDArray[np.int64]) -> float:
        """Share of images that the classifier assigns to the requested class, labels (m,); rows as for `evaluate`.

        For real images this is the classifier's accuracy.
        """
        seen = see(to_pixels(rows, self.images.shape), self.classifier).probabilities
        return float((seen.argmax(1) == labels).mean())

    def _judged(self, pixels: Pixels, nearest: int) -> Evaluation:
        seen = see(pixels, self.classifier)
        count = min(len(pixels), len(self._test))
        real = self._seen.features[:count]
        around = self._radii.get(count, lambda: image_metrics.radii(real))
        near = image_metrics.neighbours(seen.features[:count], real, real_radii=around)
        shares = image_metrics.class_shares(seen.probabilities)
        entropy = image_metrics.class_entropy(shares)
        return Evaluation(
            judge=self.judge,
            frechet=image_metrics.frechet_distance(image_metrics.moments(seen.features), self._moments),
            **near._asdict(),
            inception_style=image_metrics.inception_style_score(seen.probabilities),
            class_shares=tuple(shares.tolist()),
            class_entropy=entropy,
            classes_effective=float(np.exp(entropy)),
            confident=image_metrics.confident(seen.probabilities),
            **self._memory(pixels[:nearest]),
            samples=len(pixels),
            real=len(self._test),
            neighbour_samples=count,
        )

    def _memory(self, pixels: Pixels) -> dict[str, Any]:
        if not len(pixels):
            return {"nearest": None, "nearest_real": None, "memorisation": None, "nearest_samples": 0}
        count = min(len(pixels), len(self._test))
        found = self._median_nearest(pixels)
        real = self._nearest.get(count, lambda: self._median_nearest(self._test[:count]))
        # If all test images are copies of training images, the ratio is undefined.
        ratio = found / real if real > 0 else None
        return {"nearest": found, "nearest_real": real, "memorisation": ratio, "nearest_samples": len(pixels)}

    def _median_nearest(self, pixels: Pixels) -> float:
        training = self.images.split("train").pixels
        return float(np.median(image_metrics.nearest_images(pixels, training).distances))


def _some(items: NDArray[Any], n: int, seed: int) -> NDArray[Any]:
    """n items drawn without replacement, or all if there are no more."""
    if len(items) <= n:
        return items
    return items[np.random.default_rng(seed).choice(len(items), n, replace=False)]


_REFERENCES: Once[Reference] = Once(keep=4)


def reference(images: ImageSet) -> Reference:
    """The cached reference of a data set. Raises ValueError if it has no classifier or cannot be read."""
    key = (type(images), images, images.stamp())
    return _REFERENCES.get(key, lambda: Reference(images, classifier_for(images)))


def evaluate(rows: Rows, images: ImageSet, n: int = SAMPLES, seed: int = 0, nearest: int = NEAREST) -> Evaluation:
    """Score generated images with the classifier of their data set.

    Args:
        rows, n, seed, nearest: as for `Reference.evaluate`.
        images: the data set.

    Raises:
        ValueError: as `Reference.evaluate`, or the data set has no classifier.
    """
    return reference(images).evaluate(rows, n, seed, nearest)


def floor(images: ImageSet, n: int = SAMPLES) -> Evaluation:
    """The cached noise floor of a data set, as `Reference.floor`. Raises ValueError."""
    return reference(images).floor(n)
