"""Units of a user's file, and which measured numbers are lengths or squared lengths in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_POWERS = {"w2": 1, "stray": 1, "blur": 1, "sinkhorn": 2, "diversity": 2}


@dataclass(frozen=True)
class Units:
    """Relation of data units, in which methods train, to the units of the user's file: file = offset + factor * data.

    All points and lengths that a run reports are converted with the units of its target. A source that is also a file is
    first scaled by itself, and then converted like any other source.

    Attributes:
        offset: of the origin of the data units, in file units.
        factor: file units per data unit, > 0.
        name: the file's unit, such as "mm"; empty if the file gives none.
    """

    offset: tuple[float, float] = (0.0, 0.0)
    factor: float = 1.0
    name: str = ""

    @property
    def word(self) -> str:
        """The unit after a length: the name, "file units" if there is none, or "" for data units."""
        return self.name or ("" if self._same else "file units")

    @property
    def _same(self) -> bool:
        return self.offset == (0.0, 0.0) and self.factor == 1.0

    def to_file(self, points: NDArray[Any]) -> NDArray[Any]:
        """Convert points (..., 2) to file units: float64, or the points themselves if both units are the same."""
        if self._same:
            return points
        placed: NDArray[np.float64] = np.asarray(points, dtype=np.float64) * self.factor + np.asarray(self.offset)
        return placed

    def to_data(self, points: NDArray[Any]) -> NDArray[Any]:
        """The inverse of `to_file`."""
        if self._same:
            return points
        placed: NDArray[np.float64] = (np.asarray(points, dtype=np.float64) - np.asarray(self.offset)) / self.factor
        return placed

    def record(self) -> dict[str, Any]:
        """As JSON-compatible values."""
        return {"unit": self.word, "offset": list(self.offset), "factor": self.factor}


def unit_of(name: str, unit: str) -> str:
    """The unit of a metric if lengths have `unit`: that unit, its square, or ""."""
    return f"{unit}{('', '', '²')[_power(name)]}" if unit and _power(name) else ""


def in_file_units(numbers: Mapping[str, Any], units: Units) -> dict[str, Any]:
    """Convert lengths and squared lengths among the metrics from data units to units of the user's file.

    `unit` (`Units.word`) is added if lengths have a unit of their own.
    """
    found = {name: value * units.factor ** _power(name) if _power(name) else value for name, value in numbers.items()}
    return {**found, "unit": units.word} if units.word else found


def _power(name: str) -> int:
    """The power of length in a metric: 0 for shares and counts, 1, or 2; `w2_floor_std` is like `w2`."""
    return 0 if name.endswith("samples") else _POWERS.get(name.split("_")[0], 0)
