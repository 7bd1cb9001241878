"""Generated images of a set, judged by what its classifier sees: `evaluate(rows, images)`, and `floor` to read it against.

    scores = evaluate(rows, named("mnist8")())
    scores.frechet, floor(named("mnist8")(), n=len(rows)).frechet

Rows are turned into 8-bit pixels first, as if they were saved: real and generated images go the same way.
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
BLOCK = 500  # images that go through a classifier at a time: few enough for the caches of a CPU


class Seen(NamedTuple):
    """What a classifier sees in n images: features (n, 64) and class probabilities (n, classes)."""

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
    """Scores of images by the classifier of their set, each with the number of images behind it.

    Attributes:
        judge: the classifier: name of its checkpoint and the first digits of the SHA-256 of its weights. Scores of
            different judges must not be compared.
        frechet: squared Fréchet distance between Gaussians through the features, in their squared units; not FID.
        precision, recall, coverage: in [0, 1]; density: >= 0, about 1 for real images (`image_metrics.neighbours`).
        inception_style: from 1 to the number of classes, by this classifier; not an Inception score.
        class_shares: share of the samples in each class; sums to 1.
        class_entropy: of these shares, in nats; classes_effective: exp of it.
        confident: share of the samples with a class probability above 0.9.
        nearest, nearest_real: median distance of samples, and of test images, to the nearest training image (Euclidean,
            pixels from -1 to 1); None where it was not asked for.
        memorisation: nearest / nearest_real: towards 0 when training images are copied, about 1 for new real images.
        samples, real: images behind frechet (the test images are all used); samples also behind the classes.
        neighbour_samples: samples, and as many test images, behind precision, recall, density and coverage.
        nearest_samples: samples, and at most as many test images, behind nearest.
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
        """All of it as plain values that JSON takes."""
        return {**dataclasses.asdict(self), "class_shares": list(self.class_shares)}


class Reference:
    """Test images of a set as its classifier sees them, with all that evaluations share; made once by `reference`.

    Args:
        images: a set that has a classifier.
        classifier: what it is judged by.
    """

    def __init__(self, images: ImageSet, classifier: Trained) -> None:
        self.images = images
        self.classifier = classifier
        test = images.split("test").pixels
        # Shuffled once, so that any first k of them are a random sample.
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
        """Judge generated images.

        Args:
            rows: images as rows (m, C*H*W), in [-1, 1]; what lies outside counts as the nearer end.
            n: how many of them to judge at most; if there are more, `seed` draws n.
            seed: the same seed, rows and n give the same evaluation.
            nearest: samples whose nearest training image is looked for; 0: none, which is quicker.

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
        """Training images, at most n, judged as if they were generated: no generator can be expected to do better.

        Raises ValueError for n < 6.
        """
        training = self.images.split("train").pixels
        return self._floors.get(n, lambda: self.evaluate(to_rows(_some(training, n, seed=0)), n, nearest=0))

    def as_asked(self, rows: Rows, labels: NDArray[np.int64]) -> float:
        """Share of images in which the classifier sees the class that was asked for, labels (m,); rows as for `evaluate`.

        Of real images it is the classifier's accuracy.
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
        # Test images that are all copies of training images leave nothing to compare with.
        ratio = found / real if real > 0 else None
        return {"nearest": found, "nearest_real": real, "memorisation": ratio, "nearest_samples": len(pixels)}

    def _median_nearest(self, pixels: Pixels) -> float:
        training = self.images.split("train").pixels
        return float(np.median(image_metrics.nearest_images(pixels, training).distances))


def _some(items: NDArray[Any], n: int, seed: int) -> NDArray[Any]:
    """n of them, drawn without replacement, or all if there are no more."""
    if len(items) <= n:
        return items
    return items[np.random.default_rng(seed).choice(len(items), n, replace=False)]


_REFERENCES: Once[Reference] = Once(keep=4)


def reference(images: ImageSet) -> Reference:
    """The reference of a set, made once per process. Raises ValueError if it has no classifier or cannot be read."""
    key = (type(images), images, images.stamp())
    return _REFERENCES.get(key, lambda: Reference(images, classifier_for(images)))


def evaluate(rows: Rows, images: ImageSet, n: int = SAMPLES, seed: int = 0, nearest: int = NEAREST) -> Evaluation:
    """Judge generated images of a set by its classifier, as `Reference.evaluate`. Raises ValueError, also without one."""
    return reference(images).evaluate(rows, n, seed, nearest)


def floor(images: ImageSet, n: int = SAMPLES) -> Evaluation:
    """Training images judged against test images, as `Reference.floor`; kept per process. Raises ValueError."""
    return reference(images).floor(n)
