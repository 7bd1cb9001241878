"""Where images of a model lie among real ones, on a plane of classifier features: collapse against coverage for images.

plane = real_plane(model.images)
pair = sample_map(model)             # real and generated samples, and which real ones have nothing generated near
plane.place(pixels)                  # where some images lie on the same plane
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from otviz.checkpoints.model_samples import samples_of
from otviz.checkpoints.models import ImageModel
from otviz.checkpoints.real_images import real_images
from otviz.data.datasets import ImageSet
from otviz.data.datasets.cache import Once
from otviz.evaluation.classifier import Trained, classifier_for
from otviz.evaluation.diagnosis import Samples
from otviz.evaluation.diagnosis.pair import Pair
from otviz.evaluation.diagnosis.reference import Reference
from otviz.evaluation.features import see
from otviz.evaluation.image_metrics import nearest_few

SAMPLES = 600
"""Images of a model that are drawn for its map."""

MOST = 2000
SHOWN = 5
"""Nearest real images that are shown."""

Pixels = NDArray[np.uint8]


class RealPlane:
    """Real images of a set, and the plane that all its models share.

    Args:
        images: the set.

    Raises:
        ValueError: no real images are at hand.
    """

    def __init__(self, images: ImageSet) -> None:
        self.samples = real_images(images)
        self.reference = Reference(self.samples, None, 0, MOST)

    @property
    def title(self) -> str:
        """What the plane is."""
        return self.reference.plane.title

    def place(self, pixels: Pixels) -> NDArray[np.float64]:
        """Where images (n, C, H, W), uint8, lie on the plane, (n, 2)."""
        found = Samples(pixels)
        return self.reference.plane.of(self.reference.space.of(found).vectors, found)


class NearReal(NamedTuple):
    """The nearest real images of one image, by pixels.

    Attributes:
        pixels: (k, C, H, W), uint8, the nearest first.
        labels: their classes, (k,); -1 if unknown.
        distances: in pixels from -1 to 1, (k,).
        among: number of real images that were searched.
        training: whether these were all training images; else the shipped ones.
    """

    pixels: Pixels
    labels: NDArray[np.int64]
    distances: NDArray[np.float64]
    among: int
    training: bool


_PLANES: Once[RealPlane] = Once(keep=8)
_MAPS: Once[Pair] = Once(keep=24)
_CLASSIFIERS: Once[Trained] = Once(keep=8)


def real_plane(images: ImageSet) -> RealPlane:
    """The plane of a set, cached. Raises ValueError if no real images are at hand."""
    return _PLANES.get((images, images.stamp()), lambda: RealPlane(images))


def sample_map(model: ImageModel) -> Pair:
    """Samples of a model among real ones, cached. Raises ValueError if no real images are at hand."""
    reference = real_plane(model.images).reference
    return _MAPS.get((model.name, _weights(model)), lambda: Pair(reference, samples_of(model, SAMPLES)))


def samples_of_map(model: ImageModel) -> Samples:
    """The generated samples of its map. Raises ValueError as `sample_map`."""
    return sample_map(model).given


def seen_classes(images: ImageSet, pixels: Pixels) -> NDArray[np.float64] | None:
    """Probabilities of the classes that the classifier of a set sees in images, (n, classes); None if it has no classifier."""
    try:
        classifier = _CLASSIFIERS.get((images, images.stamp()), lambda: classifier_for(images))
    except ValueError:
        return None
    return see(pixels, classifier).probabilities


def near_real(images: ImageSet, pixels: Pixels, count: int = SHOWN) -> NearReal:
    """The nearest training images of one image, or the nearest shipped ones; nothing is downloaded.

    Args:
        images: the set.
        pixels: the image, (C, H, W), uint8.
        count: number of real images.

    Raises:
        ValueError: no real images are at hand, or the shape differs.
    """
    if images.is_at_hand():
        known, labels = images.split("train")
    else:
        known = real_plane(images).samples.values
        labels = np.full(len(known), -1)
    found = nearest_few(pixels, known, count)
    return NearReal(known[found.places], labels[found.places], found.distances, len(known), images.is_at_hand())


def _weights(model: ImageModel) -> str:
    """Identifies the weights of a model, since a user's own ones all have one name."""
    first = next(iter(model.network.state_dict().values()))
    return hashlib.sha256(first.numpy().tobytes()).hexdigest()
