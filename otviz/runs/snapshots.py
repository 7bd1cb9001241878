"""What is shown of a run: a scene that never changes, and snapshots of a fixed probe. Needs no torch."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otviz.data.datasets import ImageSet, to_pixels
from otviz.data.datasets.rows import in_turn
from otviz.data.target import Source, Target
from otviz.data.units import Units

Array = NDArray[np.float32]
Samples = NDArray[Any]
"""Points (n, 2), float32, or images (n, C*H*W), uint8: 0 is black, channel by channel, row by row."""
Meter = dict[str, Any]
Box = tuple[float, float, float, float]
"""x_low, x_high, y_low, y_high."""
KEPT = 480  # snapshots of one run; if there are more, the older half is thinned
LEAST_KEPT = 40
ROOM = 8_000_000  # bytes that the images of one run's snapshots may take
MOST_IMAGES = 64
MOST_COLUMNS = 12
FEWEST_IMAGES = 9
FRAME_BYTES = 200_000  # of one snapshot with two sheets

IMAGE_BOX = (-1.0, 1.0, -1.0, 1.0)


@dataclass(frozen=True)
class Scene:
    """The part of a picture that all snapshots of a run share.

    Positions and lengths here, in snapshots and in metrics are in the units of the target's file (`Distribution.units`), also
    those of the source. Without a file they are in data units. Losses are always in data units.

    Attributes:
        title: the method's title.
        box: (x_low, x_high, y_low, y_high), spanned by the grids of snapshots. Not used for images.
        target: samples of the target, shape (m, 2), or (m, C*H*W) for images.
        source: source samples that `Snapshot.generated` is the image of, shape (n, 2), or (n, C*H*W) for images; n = 0 if
            the generator does not use them.
        centres: mode centres, shape (k, 2); None if the target has none.
        adversary: what the heat map shows: "potential" or "critic"; "" for methods without adversary.
        steps: planned steps.
        loss_floor: mean and standard deviation of the generator loss between real points; None if there is no such floor.
        shape: of a sample: (2,) for points, (C, H, W) for images.
        classes: names of the classes of images, in the order of the shares in metrics; empty without classes.
        judge: for images, a sentence that says where scores come from, or why there are none.
        unit: symbol of the unit of length (`Units.word`); "" for data units.
    """

    title: str
    box: Box
    target: Samples
    source: Samples
    centres: Array | None
    adversary: str
    steps: int
    loss_floor: tuple[float, float] | None
    shape: tuple[int, ...] = (2,)
    classes: tuple[str, ...] = ()
    judge: str = ""
    unit: str = ""


@dataclass(frozen=True)
class Snapshot:
    """The state of a run at one step, seen through fixed x and z.

    Attributes:
        sequence: 0, 1, 2, ... within the run; gaps appear when old snapshots are thinned.
        step, progress: steps done, and their share of all steps, in [0, 1].
        seconds: training time so far.
        generated: T(x, z), shape (n, 2), or (n, C*H*W) for images.
        potential: adversary values on a (g, g) grid over the box, row 0 at the low y; None without adversary.
        arrows: gradient of the potential, per unit of length, on a (k, k, 2) grid over the box; None without adversary.
        manifold: image of a regular grid of source points under T with z = 0, shape (k, k, 2); None for images.
        generator_loss, adversary_loss: the last losses; nan without.
        alpha: current weight of the divergence; None for methods without one.
        meter: metrics by name, as last measured; absent until measured or where they do not apply. For points: those of
            `otviz.evaluation.metrics.coverage`, w2, precision, recall, stray, their values for real points (w2_floor, ...) and
            samples. For images: frechet, frechet_floor, precision, recall, recall_floor, class_shares, true_class_shares,
            as_asked (conditional models only), classes_effective, classes_total, diversity, diversity_target, brightness,
            roughness, ... and samples. `measured_at` is the step at which w2, precision, recall, stray and all scores of
            images were measured. `unit` is the symbol of the unit of length, absent for data units.
        raw: for images, if `generated` uses averaged weights, the images of the weights without averaging; otherwise None.
    """

    sequence: int
    step: int
    progress: float
    seconds: float
    generated: Samples
    potential: Array | None
    arrows: Array | None
    manifold: Array | None
    generator_loss: float
    adversary_loss: float
    alpha: float | None
    meter: Meter = field(default_factory=dict)
    raw: Samples | None = None

    @property
    def image_bytes(self) -> int:
        """Size of its images in bytes; 0 for points."""
        raw = 0 if self.raw is None else self.raw.nbytes
        return self.generated.nbytes + raw if self.generated.dtype == np.uint8 else 0


@dataclass(frozen=True)
class Curve:
    """Losses over steps, averaged over a few hundred intervals: arrays of equal length, nan without adversary."""

    step: NDArray[np.int64]
    generator: Array
    adversary: Array


def curve_of(losses: Array, points: int = 400) -> Curve:
    """Losses of every step, shape (n, 2), averaged over at most `points` equal intervals."""
    stretch = max(1, math.ceil(len(losses) / points))
    whole = len(losses) // stretch * stretch
    means = losses[:whole].reshape(-1, stretch, 2).mean(1).astype(np.float32)
    return Curve(np.arange(stretch, whole + 1, stretch, dtype=np.int64), means[:, 0], means[:, 1])


def square_box(*clouds: NDArray[np.floating[Any]]) -> Box:
    """A square (x_low, x_high, y_low, y_high) around the clouds, each (n, 2), without outliers, plus a margin of 12 %."""
    exact = [cloud.astype(np.float64) for cloud in clouds]
    low = np.min([np.quantile(cloud, 0.002, axis=0) for cloud in exact], axis=0)
    high = np.max([np.quantile(cloud, 0.998, axis=0) for cloud in exact], axis=0)
    centre, half = (low + high) / 2, float((high - low).max()) / 2 * 1.12
    half = half or max(1e-6, 1e-6 * float(np.abs(centre).max()))  # all points are equal
    return (
        float(centre[0] - half),
        float(centre[0] + half),
        float(centre[1] - half),
        float(centre[1] + half),
    )


def in_file(box: Box, units: Units) -> Box:
    """Convert a box from data units to those of the file."""
    (x_low, y_low), (x_high, y_high) = units.to_file(np.array(box).reshape(2, 2).T).tolist()
    return x_low, x_high, y_low, y_high


def preview(target: Target, source: Source, seed: int = 0) -> Scene:
    """The scene of a run that has not started: 1000 points of target and source.

    Args:
        target, source: the distributions.
        seed: for the points.
    """
    rng = np.random.default_rng([seed, 7])
    mixture, units = target.mixture(), target.units
    points, start = target.sample(1000, rng), source.sample(1000, rng)
    box = in_file(square_box(points, start), units)
    centres = None if mixture is None else units.to_file(mixture.centres)
    return Scene(
        "Target and source", box, units.to_file(points), units.to_file(start), centres, "", 0, None, unit=units.word
    )


def thinned(snapshots: tuple[Snapshot, ...], image_bytes: int = 0) -> tuple[Snapshot, ...]:
    """Drop every second snapshot of the older half if there are too many; the first and the last always stay.

    The limit is `KEPT`, or fewer for snapshots with so many `image_bytes` each that they take more than `ROOM`.
    """
    most = min(max(ROOM // image_bytes, LEAST_KEPT), KEPT) if image_bytes else KEPT
    if len(snapshots) <= most:
        return snapshots
    half = len(snapshots) // 2
    return snapshots[:half:2] + snapshots[half:]


def spread_steps(steps: int, count: int, bend: float = 1.6) -> list[int]:
    """Steps at which to take snapshots, from 0 to `steps`.

    Args:
        steps: of the training.
        count: number of snapshots, at most.
        bend: exponent of their spacing; above 1, early snapshots are closer together.
    """
    shares = np.linspace(0, 1, count) ** bend
    return sorted({round(share * steps) for share in shares.tolist()})


def sheet_side(classes: int = 0) -> int:
    """Images per side of a sheet: one column per class for 2 to 12 classes, otherwise 8."""
    return classes if 1 < classes <= MOST_COLUMNS else math.isqrt(MOST_IMAGES)


def sheet_size(dim: int, classes: int = 0) -> int:
    """Number of images of `dim` numbers that a run shows: a square number, smaller for large images."""
    side = math.isqrt(FRAME_BYTES // (2 * dim))
    return int(min(max(side, math.isqrt(FEWEST_IMAGES)), sheet_side(classes)) ** 2)


def real_images(images: ImageSet, seed: int, classes: int = 0) -> Samples:
    """As many training images as a run shows, shape (n, C*H*W), uint8.

    Args:
        images: the image set.
        seed: for the choice of images.
        classes: number of classes of a conditional generator, whose order the images then have; 0 without.

    Raises:
        ValueError: the images are not available (as `split`).
    """
    pixels, labels = images.split("train")
    rng, count = np.random.default_rng([seed, 7]), sheet_size(images.dim, classes)
    if classes:
        chosen = np.array([rng.choice(np.flatnonzero(labels == wanted)) for wanted in in_turn(count, classes)])
    else:
        chosen = rng.choice(len(pixels), count, len(pixels) < MOST_IMAGES)
    shown: Samples = pixels[chosen].reshape(len(chosen), -1)
    return shown


def as_images(rows: Samples, shape: tuple[int, int, int]) -> Samples:
    """Rows (n, C*H*W) in [-1, 1] as uint8 of the same shape."""
    return to_pixels(rows, shape).reshape(len(rows), -1)


def preview_of(target: Target, source: Source | None, seed: int = 0) -> Scene:
    """The scene of a run that has not started: its target and, for points, its source.

    Args:
        target, source: the distributions.
        seed: for the samples.

    Raises:
        ValueError: images are not available (as `split`).
    """
    if not isinstance(target, ImageSet):
        assert source is not None
        return preview(target, source, seed)
    real = real_images(target, seed)
    return Scene(
        title=target.title, box=IMAGE_BOX, target=real, source=real[:0], centres=None, adversary="", steps=0,
        loss_floor=None, shape=target.shape, classes=target.class_names,
    )  # fmt: skip
