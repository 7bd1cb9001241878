"""What a run keeps to be looked at: a scene that never changes and snapshots of a fixed probe. Needs no torch."""

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
KEPT = 480  # snapshots of one run; beyond, the older half is thinned
LEAST_KEPT = 40
ROOM = 8_000_000  # bytes that the images of one run's snapshots may take
MOST_IMAGES = 64
MOST_COLUMNS = 12
FEWEST_IMAGES = 9
FRAME_BYTES = 200_000  # of one look, if there are two sheets of it

IMAGE_BOX = (-1.0, 1.0, -1.0, 1.0)


@dataclass(frozen=True)
class Scene:
    """The part of a picture that stays: shown under every snapshot of one run.

    Places and lengths here, in snapshots and in meters are in the units of the target's file (`Distribution.units`), those
    of the source too; points that need no file have data units. Losses are those of the training, in data units.

    Attributes:
        title: the method's title.
        box: (x_low, x_high, y_low, y_high); grids below span it. Without meaning for images.
        target: probe of the target, shape (m, 2), or (m, C*H*W) for images.
        source: probe of the source that `Snapshot.generated` is the image of, shape (n, 2), or (n, C*H*W); n = 0 where
            the generator does not see it.
        centres: mode centres (k, 2), or None where the target has none.
        adversary: what the heat map shows: "potential", "critic" or "" for methods without one.
        steps: steps planned.
        loss_floor: (mean, std) of the generator loss of real against real points, or None where it has no such floor.
        shape: of a sample: (2,), or (C, H, W) for images.
        classes: names of the classes of images, in the order of the meter's shares; empty without.
        judge: of images: what the meter's scores come from, or one sentence why there are none.
        unit: what a length is followed by (`Units.word`); "" for data units.
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
    """One look at a run: the same probe x, z each time, so pictures move smoothly.

    Attributes:
        sequence: 0, 1, 2 ... within the run; gaps appear when old snapshots are thinned.
        step, progress: step index and step / steps in [0, 1].
        seconds: training time so far.
        generated: T(x, z) of the probe, shape (n, 2), or (n, C*H*W) for images.
        potential: adversary values on a (g, g) grid over the box, row 0 at the low y; None without adversary.
        arrows: gradient of the potential, per length, on a (k, k, 2) grid over the box; None without adversary.
        manifold: image of a regular grid of source points under T with z = 0, shape (k, k, 2).
        generator_loss, adversary_loss: last losses; nan where there is none.
        alpha: divergence weight now, or None for methods without one.
        meter: what `otviz.evaluation.metrics.coverage` returns, w2, precision, recall, stray, what real draws score (w2_floor and
            so on), samples: the last values measured; keys are absent until measured or where they do not apply.
            measured_at is the step of what is measured less often: w2, precision, recall, stray, all scores of images.
            unit is what lengths are followed by, absent in data units.
            Of images: frechet, frechet_floor, precision, recall, recall_floor, class_shares, true_class_shares, as_asked
            (where classes are asked for), classes_effective, classes_total, diversity, diversity_target, brightness,
            roughness (and so on), samples.
        raw: of images whose `generated` comes from averaged weights: the same from the weights as they are, else None.
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
        """Bytes of its images; 0 for points."""
        raw = 0 if self.raw is None else self.raw.nbytes
        return self.generated.nbytes + raw if self.generated.dtype == np.uint8 else 0


@dataclass(frozen=True)
class Curve:
    """Losses over steps, thinned to a few hundred points: arrays of equal length, nan where there is none."""

    step: NDArray[np.int64]
    generator: Array
    adversary: Array


def curve_of(losses: Array, points: int = 400) -> Curve:
    """Losses of every step, shape (n, 2), as means over equal stretches of steps, a few hundred in all."""
    stretch = max(1, math.ceil(len(losses) / points))
    whole = len(losses) // stretch * stretch
    means = losses[:whole].reshape(-1, stretch, 2).mean(1).astype(np.float32)
    return Curve(np.arange(stretch, whole + 1, stretch, dtype=np.int64), means[:, 0], means[:, 1])


def square_box(*clouds: NDArray[np.floating[Any]]) -> Box:
    """The smallest square (x_low, x_high, y_low, y_high) round all clouds (each (n, 2)), with a margin of 12 %."""
    exact = [cloud.astype(np.float64) for cloud in clouds]
    low = np.min([np.quantile(cloud, 0.002, axis=0) for cloud in exact], axis=0)
    high = np.max([np.quantile(cloud, 0.998, axis=0) for cloud in exact], axis=0)
    centre, half = (low + high) / 2, float((high - low).max()) / 2 * 1.12
    half = half or max(1e-6, 1e-6 * float(np.abs(centre).max()))  # all points are one
    return (
        float(centre[0] - half),
        float(centre[0] + half),
        float(centre[1] - half),
        float(centre[1] + half),
    )


def in_file(box: Box, units: Units) -> Box:
    """A box of data units in those of the file."""
    (x_low, y_low), (x_high, y_high) = units.to_file(np.array(box).reshape(2, 2).T).tolist()
    return x_low, x_high, y_low, y_high


def preview(target: Target, source: Source, seed: int = 0) -> Scene:
    """The scene of a run that has not begun: its target and source, 1000 points each.

    Args:
        target, source: what they are drawn from.
        seed: draws them.
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
    """At most KEPT snapshots, first and last among them: when there are more, every second one of the older half goes.

    Of snapshots with so many `image_bytes` each, there are only as many as there is room for.
    """
    most = min(max(ROOM // image_bytes, LEAST_KEPT), KEPT) if image_bytes else KEPT
    if len(snapshots) <= most:
        return snapshots
    half = len(snapshots) // 2
    return snapshots[:half:2] + snapshots[half:]


def sheet_side(classes: int = 0) -> int:
    """Images along a side of a sheet: as many as there are classes to ask for, so that each has a column, else 8."""
    return classes if 1 < classes <= MOST_COLUMNS else math.isqrt(MOST_IMAGES)


def sheet_size(dim: int, classes: int = 0) -> int:
    """How many images of `dim` numbers a run shows: a square number, fewer of large images."""
    side = math.isqrt(FRAME_BYTES // (2 * dim))
    return int(min(max(side, math.isqrt(FEWEST_IMAGES)), sheet_side(classes)) ** 2)


def real_images(images: ImageSet, seed: int, classes: int = 0) -> Samples:
    """As many training images as a run shows, shape (n, C*H*W), uint8. Raises ValueError as `split`.

    Args:
        images: the set.
        seed: draws them.
        classes: that a generator is told; then they come in the order in which it is asked for them.
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
    """Rows (n, C*H*W) in [-1, 1] as bytes of the same shape."""
    return to_pixels(rows, shape).reshape(len(rows), -1)


def preview_of(target: Target, source: Source | None, seed: int = 0) -> Scene:
    """The scene of a run that has not begun: its target, and its source if it has points. Raises ValueError as `split`.

    Args:
        target, source: what they are drawn from.
        seed: draws them.
    """
    if not isinstance(target, ImageSet):
        assert source is not None
        return preview(target, source, seed)
    real = real_images(target, seed)
    return Scene(
        title=target.title, box=IMAGE_BOX, target=real, source=real[:0], centres=None, adversary="", steps=0,
        loss_floor=None, shape=target.shape, classes=target.class_names,
    )  # fmt: skip
