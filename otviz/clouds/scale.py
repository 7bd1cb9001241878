"""What depends on the scale of the data: ranges of sliders, the initial blur, and notes about both clouds."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otviz.clouds.problem import Problem
from otviz.core.params import LEAST, MOST
from otviz.data.distributions.distribution import Cloud
from otviz.data.reading import layout
from otviz.data.units import Units

UNIT = 20.0
"""Diameter up to which clouds of shapes have the default ranges."""

APART = 20.0
"""A shape and a file differ in scale if the smaller fits this many times into the larger or into the gap."""

SHAPES = 4.0
"""Distance from the origin that shapes reach by default."""

Array = NDArray[np.float32]
Range = tuple[float, float]


@dataclass(frozen=True)
class Scale:
    """Lengths that suit two clouds, in their units.

    Attributes:
        blur, reach: ranges of their sliders.
        start_blur: initial blur.
        unit: initial reach, about an eighth of the diameter; 1 for shapes.
    """

    blur: Range = (1e-3, 10.0)
    reach: Range = (0.05, 20.0)
    start_blur: float = 0.05
    unit: float = 1.0


def scale_of(source: Cloud, target: Cloud) -> Scale:
    """Lengths from the diameter D of both clouds: blur from D / 10 000 to 2 D, initially D / 100.

    Shapes with D up to UNIT have the defaults.
    """
    length = diameter(source, target)
    drawn = source.rows is None and target.rows is None
    if not length > 0 or (drawn and length <= UNIT):
        return Scale()
    start = Scale().start_blur if drawn else _round(length / 100)
    return Scale(
        blur=(_round(length / 10_000), _round(2 * length)),
        reach=(_round(length / 200), _round(4 * length)),
        start_blur=start,
        unit=_round(length / 8),
    )


def diameter(source: Cloud, target: Cloud) -> float:
    """Diagonal of the bounding box of both clouds."""
    both = np.concatenate([source.points, target.points])
    return float(np.hypot(*np.ptp(both, axis=0)))


def shapes_beside(source: Cloud, target: Cloud) -> float:
    """The factor on the default size and place of a shape that suits the files among the two; 1 without a file."""
    files = [cloud.units.to_file(cloud.points) for cloud in (source, target) if cloud.rows is not None]
    if not files:
        return 1.0
    return _round(float(np.abs(np.concatenate(files)).max()) / SHAPES)


def _round(length: float) -> float:
    """Round to one digit, within the limits of a problem."""
    return min(max(float(f"{length:.0e}"), LEAST), MOST)


def at_unit_scale(source: Cloud, target: Cloud) -> tuple[Units, Array, Array]:
    """The change of coordinates to unit scale, and both clouds after it, in float32. Shapes stay as they are."""
    scale = scale_of(source, target)
    if scale == Scale():
        return Units(), source.points.astype(np.float32), target.points.astype(np.float32)
    middle = np.concatenate([source.points, target.points]).mean(0)
    units = Units((float(middle[0]), float(middle[1])), scale.unit)
    return units, units.to_data(source.points).astype(np.float32), units.to_data(target.points).astype(np.float32)


def scale_notes(source: Cloud, target: Cloud) -> list[str]:
    """A sentence for each file about what was read of it."""
    sides = (("Source", source), ("Target", target))
    return [f"{side}: {cloud.describe()}" for side, cloud in sides if cloud.rows is not None]


def beside_numbers(source: Cloud, target: Cloud) -> list[str]:
    """Short sentences to show beside the numbers: points read from files, and the coordinates of both clouds."""
    if source.rows is None and target.rows is None:
        return [*filter(None, [change(source.units)])]
    counts = [f"{cloud.taken}{', weighted' if cloud.weights is not None else ''}" for cloud in (source, target)]
    name = f" ({source.units.name})" if source.units.name and source.units.name == target.units.name else ""
    unit = change(source.units) or f"Lengths are in the units of the file{name}"
    return [f"Source: {counts[0]}", f"Target: {counts[1]}", unit]


def unit_of(source: Cloud, target: Cloud) -> str:
    """The unit of lengths in both clouds, such as "mm"; empty if there is none, or not the same for both."""
    names = {cloud.units.name for cloud in (source, target) if cloud.rows is not None}
    return names.pop() if len(names) == 1 and source.units.factor == 1 else ""


def axes(source: Cloud, target: Cloud) -> tuple[str, str] | None:
    """Labels of the axes: the columns of the files, with their unit if there is a common one; None without a file."""
    named = [cloud.columns for cloud in (source, target) if cloud.columns is not None]
    if not named:
        return None
    x, y = (" / ".join(dict.fromkeys(columns[axis] for columns in named)) for axis in (0, 1))
    unit = unit_of(source, target)
    if not unit or layout.unit_of(x) == unit:  # the heading of the column contains it
        return x, y
    return f"{x} ({unit})", f"{y} ({unit})"


def change(units: Units) -> str:
    """A sentence about the change of coordinates of both clouds; empty if there was none."""
    if units == Units(name=units.name):
        return ""
    said = f"Both clouds: ({units.offset[0]:.6g}, {units.offset[1]:.6g}) subtracted"
    if units.factor == 1:
        return said
    return f"{said}, then divided by {units.factor:.6g}; lengths here are in units of that"


def mismatch(source: Cloud, target: Cloud) -> str:
    """A hint if a file and a shape differ in scale, or two files in units; otherwise empty."""
    if source.rows is not None and target.rows is not None:
        differ = source.units.name and target.units.name and source.units.name != target.units.name
        return (
            f"{source.name} is in {source.units.name}, {target.name} in {target.units.name}: their numbers are used unchanged"
            if differ
            else ""
        )
    if source.rows is None and target.rows is None:
        return ""
    file, shape = (source, target) if target.rows is None else (target, source)
    sizes = [float(np.ptp(cloud.points, axis=0).max()) for cloud in (file, shape)]
    gap = math.dist(file.points.mean(0), shape.points.mean(0))
    if max(*sizes, gap) < APART * min(sizes):
        return ""
    return (
        f"{file.name} spans {_spans(file.points)}, {shape.name} {_spans(shape.points)}: use a file on both sides, or "
        f"give {shape.name} the place and size of the file"
    )


def blurred(blur: float, source: Cloud, target: Cloud) -> str:
    """A hint if the blur exceeds the diameter of both clouds, so that all detail is ignored; otherwise empty.

    Args:
        blur: length, in the units of the clouds.
        source, target: clouds of points (n, 2) and (m, 2).
    """
    length = diameter(source, target)
    if not 0 < length < blur:
        return ""
    return f"blur {blur:g} is longer than both clouds are wide ({length:.3g}), so all detail is ignored; try {_round(length / 100):g}"


def _spans(points: NDArray[np.float64]) -> str:
    (x0, y0), (x1, y1) = points.min(0), points.max(0)
    return f"x from {x0:.3g} to {x1:.3g} and y from {y0:.3g} to {y1:.3g}"


def starting_blur(problem: Problem, scale: Scale) -> float:
    """The blur if the user has not chosen one. For the cosine, which has no unit, it does not depend on the scale."""
    return Scale().start_blur if problem.cost == "cosine" else scale.start_blur
