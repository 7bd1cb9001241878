"""Scores of generated images from features, class probabilities and pixels: formulas on NumPy arrays.

Every score of finite samples has a noise floor, that of real images against other real images, and is meaningful only
relative to it. No score suffices alone: precision is high for a collapsed generator and even for noise; Fréchet distance
and inception-style score do not detect copies. Read precision with recall, and both with the class histogram.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Values = NDArray[np.floating[Any]]

K_PRECISION = 3
"""k of the k-th neighbour that sets the radius of a ball in precision and recall (Kynkaanniemi et al. 2019)."""

K_DENSITY = 5
"""The same in density and coverage (Naeem et al. 2020)."""

CONFIDENT = 0.9
"""Class probability above which the classifier is confident."""

BLOCK = 100  # rows of the distance matrix at a time: 8 MB against 10 000 points, which fits into a cache
ROUNDING = 1e-12  # bound on the error of |x - y|^2, relative to |x|^2 + |y|^2
TRAINING_BLOCK = 4000  # training images at a time: 50 MB at 32 x 32 in colour


class Moments(NamedTuple):
    """Mean (d,) and covariance (d, d) of features."""

    mean: Array
    covariance: Array


def moments(features: Values) -> Moments:
    """Mean and unbiased covariance of features (n, d), in double precision. Raises ValueError unless n >= 2."""
    points = _points(features, 2)
    return Moments(points.mean(0), np.atleast_2d(np.cov(points, rowvar=False)))


def frechet_distance(a: Moments, b: Moments) -> float:
    """Squared Fréchet distance (squared W2) between Gaussians, in squared units of the features, >= 0.

    |m_a - m_b|^2 + tr(S_a) + tr(S_b) - 2 tr (S_a^1/2 S_b S_a^1/2)^1/2 (Dowson and Landau 1982; Heusel et al. 2017).
    """
    # The matrix under the root is symmetric, so its eigenvalues are real and >= 0 up to rounding, and the trace of its root
    # is the sum of their roots. S_a S_b has the same eigenvalues, but is not symmetric.
    root = _root(a.covariance)
    eigenvalues = np.linalg.eigvalsh(root @ b.covariance @ root).clip(min=0)
    shift = float(((a.mean - b.mean) ** 2).sum())
    spread = float(np.trace(a.covariance) + np.trace(b.covariance) - 2 * np.sqrt(eigenvalues).sum())
    return shift + max(0.0, spread)


def _root(covariance: Array) -> Array:
    values, vectors = np.linalg.eigh(covariance)
    root: Array = (vectors * np.sqrt(values.clip(min=0))) @ vectors.T
    return root


class Radii(NamedTuple):
    """Squared distance of each of n points to its k-th nearest among the others, (n,), for both values of k."""

    precision: Array
    density: Array


def radii(features: Values) -> Radii:
    """Squared radii of the balls around features (n, d). Raises ValueError unless n > K_DENSITY."""
    points = _points(features, K_DENSITY + 1)
    found = np.empty((2, len(points)))
    for rows, squared in _squared_distances(points, points):
        nearest = np.sort(np.partition(squared, K_DENSITY, axis=1)[:, : K_DENSITY + 1], axis=1)
        found[:, rows] = nearest[:, (K_PRECISION, K_DENSITY)].T  # index 0 is the point itself
    return Radii(*found)


class Neighbours(NamedTuple):
    """Precision, recall and coverage in [0, 1], and density >= 0, which is 1 on average for real images."""

    precision: float
    recall: float
    density: float
    coverage: float


def neighbours(
    samples: Values,
    real: Values,
    samples_radii: Radii | None = None,
    real_radii: Radii | None = None,
) -> Neighbours:
    """Precision, recall, density and coverage, computed in blocks: memory does not grow with n * m.

    Precision and recall as in Kynkaanniemi et al. 2019: share of samples within some real point's ball, and vice versa
    (`metrics.precision_recall` is the same for few points, with one matrix). Density and coverage as in Naeem et al. 2020:
    mean number of real balls around a sample, divided by k, and share of real balls with any sample. All depend on n and m:
    compare at equal sizes.

    Args:
        samples, real: features (n, d) and (m, d), n, m > K_DENSITY.
        samples_radii, real_radii: their `radii`, if already known.

    Raises:
        ValueError: too few points, or features of different lengths.
    """
    x, y = _points(samples, K_DENSITY + 1), _points(real, K_DENSITY + 1)
    if x.shape[1] != y.shape[1]:
        raise ValueError(f"features of samples and real images must be equally long; got {x.shape[1]} and {y.shape[1]}")
    around_samples, around_real = samples_radii or radii(x), real_radii or radii(y)
    # Copies are in each other's balls of radius 0, despite rounding.
    slack = ROUNDING * ((x**2).sum(1).max() + (y**2).sum(1).max())
    sample_ball = around_samples.precision[:, None] + slack
    real_ball, wide_ball = around_real.precision + slack, around_real.density + slack
    inside, counted = 0, 0
    held, covered = np.zeros(len(y), dtype=bool), np.zeros(len(y), dtype=bool)
    for rows, squared in _squared_distances(x, y):
        inside += int((squared <= real_ball).any(1).sum())
        held |= (squared <= sample_ball[rows]).any(0)
        near = squared <= wide_ball
        counted += int(near.sum())
        covered |= near.any(0)
    return Neighbours(
        precision=inside / len(x),
        recall=float(held.mean()),
        density=counted / (K_DENSITY * len(x)),
        coverage=float(covered.mean()),
    )


def _points(features: Values, fewest: int) -> Array:
    points = np.asarray(features, dtype=np.float64)
    if points.ndim != 2 or len(points) < fewest:
        raise ValueError(f"features must have shape (n, d) with n >= {fewest}; got {points.shape}")
    return points


def _squared_distances(x: Array, y: Array) -> Iterator[tuple[slice, Array]]:
    """|x_i - y_j|^2 for all j and slices of rows i, one after the other."""
    centre = y.mean(0)
    x, y = x - centre, y - centre  # shorter vectors lose less to cancellation
    square_x, square_y = (x**2).sum(1)[:, None], (y**2).sum(1)
    for first in range(0, len(x), BLOCK):
        rows = slice(first, min(first + BLOCK, len(x)))
        squared = (-2 * x[rows]) @ y.T
        squared += square_x[rows]
        squared += square_y
        yield rows, squared


def inception_style_score(probabilities: Values) -> float:
    """exp of the mean KL(p(c|x) | p(c)), from 1 to the number of classes (Salimans et al. 2016, with our classifier).

    It is high if each image clearly belongs to one class and all classes are equally frequent. It does not detect copies.

    Args:
        probabilities: p(c|x), shape (n, classes), rows sum to 1.
    """
    p = np.asarray(probabilities, dtype=np.float64)
    # Mean KL = entropy of the mean minus mean of the entropies.
    return float(np.exp(_entropy(p.mean(0)) - np.mean(_entropy(p))))


def class_shares(probabilities: Values) -> Array:
    """Share of the samples with most likely class c (the first in a tie), shape (classes,), summing to 1."""
    shares: Array = np.bincount(probabilities.argmax(1), minlength=probabilities.shape[1]) / len(probabilities)
    return shares


def class_entropy(shares: Array) -> float:
    """Entropy of shares (classes,), in nats: from 0 for one class to log(classes). Its exp is the effective number."""
    return float(_entropy(shares))


def confident(probabilities: Values) -> float:
    """Share of the samples with a class probability above CONFIDENT, in [0, 1]. It can be high for noise, too."""
    return float((probabilities.max(1) > CONFIDENT).mean())


def _entropy(p: Array) -> Any:
    """Entropy over the last axis, in nats; 0 log 0 is 0."""
    return 0.0 - (p * np.log(np.where(p > 0, p, 1.0))).sum(-1)  # never -0.0


class Nearest(NamedTuple):
    """Index (n,) and distance (n,) of the nearest other image, for each of n images."""

    places: NDArray[np.int64]
    distances: Array


def nearest_images(pixels: NDArray[np.uint8], training: NDArray[np.uint8]) -> Nearest:
    """The nearest training image of each image: exact, Euclidean over all pixels and channels.

    Args:
        pixels, training: shapes (n, C, H, W) and (m, C, H, W), uint8, m >= 1.

    Returns:
        distances in the units of rows, from -1 (black) to 1 (white).

    Raises:
        ValueError: images of different shapes, or no training image.
    """
    _check_alike(pixels.shape[1:], training)
    x = _centred(pixels)
    best, places = np.full(len(x), np.inf, np.float32), np.zeros(len(x), np.int64)
    for first in range(0, len(training), TRAINING_BLOCK):
        y = _centred(training[first : first + TRAINING_BLOCK])
        ranked = np.einsum("ij,ij->i", y, y) - 2 * (x @ y.T)  # |x - y|^2 - |x|^2, which ranks the same
        place = ranked.argmin(1)
        closest = np.take_along_axis(ranked, place[:, None], 1)[:, 0]
        places = np.where(closest < best, first + place, places)
        best = np.minimum(closest, best)
    # Recomputed without cancellation, so that a copy has distance 0.
    between = (pixels.astype(np.float32) - training[places]).reshape(len(x), -1)
    return Nearest(places, np.sqrt((between.astype(np.float64) ** 2).sum(1)) / 127.5)


def nearest_few(image: NDArray[np.uint8], training: NDArray[np.uint8], count: int) -> Nearest:
    """The nearest training images of one image, the nearest first: exact, Euclidean over all pixels and channels.

    Args:
        image: shape (C, H, W), uint8.
        training: shape (m, C, H, W), uint8, m >= 1.
        count: number of training images; all of them if there are fewer.

    Returns:
        distances in the units of rows, from -1 (black) to 1 (white).

    Raises:
        ValueError: images of different shapes, or no training image.
    """
    _check_alike(image.shape, training)
    x = image.reshape(-1).astype(np.float32)
    squares = np.empty(len(training), np.float32)
    for first in range(0, len(training), TRAINING_BLOCK):
        between = training[first : first + TRAINING_BLOCK].reshape(-1, len(x)).astype(np.float32)
        between -= x
        squares[first : first + TRAINING_BLOCK] = np.einsum("ij,ij->i", between, between)
    places = np.argsort(squares, kind="stable")[:count]
    return Nearest(places, np.sqrt(squares[places].astype(np.float64)) / 127.5)


def _check_alike(shape: tuple[int, ...], training: NDArray[np.uint8]) -> None:
    if shape != training.shape[1:] or not len(training):
        raise ValueError(
            f"images to compare must have one shape, with 1 or more to compare with; got {shape} and {training.shape}"
        )


def _centred(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    return pixels.reshape(len(pixels), -1).astype(np.float32) - np.float32(127.5)
