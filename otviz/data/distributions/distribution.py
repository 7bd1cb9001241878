"""The interface of a 2D distribution: samples and, if it has any, modes."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from otviz.core.params import Param, params_of
from otviz.data.target import Kind, Target
from otviz.data.units import Units

Points = NDArray[np.float32]


@dataclass(frozen=True)
class Cloud:
    """The source or the target of a transport problem, and its origin.

    Attributes:
        points: shape (n, 2), float64: (file - units.offset) / units.factor, by default in file units; data units without a
            file.
        weights: shape (n,), > 0, summing to 1; None for equal weights.
        name: of the file as uploaded, or of the distribution.
        rows: number of rows of the file; None for random draws.
        columns: columns of the file used as x and y.
        weighed_by: column of weights; empty for equal weights.
        massless: number of rows with weight 0, which were left out.
        units: of the points.
        notes: decisions and omissions while reading the file, as short sentences without a full stop.
    """

    points: NDArray[np.float64]
    weights: NDArray[np.float64] | None = None
    name: str = ""
    rows: int | None = None
    columns: tuple[str, str] | None = None
    weighed_by: str = ""
    massless: int = 0
    units: Units = Units()
    notes: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether these are all rows of a file that have positive weight."""
        return self.rows is not None and len(self.points) + self.massless == self.rows

    @property
    def taken(self) -> str:
        """The number of points and how they were obtained."""
        n = f"{len(self.points):,}"
        if self.rows is None:
            return f"{n} points drawn"
        left_out = f", {self.massless:,} of weight 0 left out" if self.massless else ""
        if self.whole:
            return f"{self.rows:,} rows as they are{left_out}"
        return f"{n} of {self.rows:,} rows, drawn without replacement{left_out}"

    def describe(self) -> str:
        """One sentence: rows, columns, weights and units."""
        if self.columns is None:
            return f"{self.name}, {self.taken}"
        weights = f"weights {self.weighed_by}, divided by their sum" if self.weighed_by else "no weights"
        units = f"units of the file ({self.units.name})" if self.units.name else "units of the file"
        notes = "".join(f"; {note}" for note in self.notes)
        return f"{self.name}, {self.taken}, columns {self.columns[0]} and {self.columns[1]}, {weights}, {units}{notes}"

    def as_dict(self) -> dict[str, Any]:
        """Origin, columns and units as JSON-compatible values."""
        taken: dict[str, Any] = {"name": self.name, "points": len(self.points), "rows": self.rows}
        taken |= {"columns": None if self.columns is None else list(self.columns), "weights": self.weighed_by or None}
        return taken | {
            "units": self.units.name or ("data" if self.rows is None else "file"),
            "as_they_are": self.whole,
        }


@dataclass(frozen=True)
class Distribution(Target):
    """A distribution of points in the plane. Subclasses are frozen dataclasses of knobs.

    With the defaults, points are at unit scale (within about 4 of the origin): networks and learning rates of all methods
    are tuned for that, and lose modes on data ten times as wide.

    Attributes:
        extensions: file extensions that it reads, in lower case with the dot.
        drawn: the knob that holds a drawing, for hand-drawn distributions.
        training_only: knobs that transform points for training; transport problems ignore them.
    """

    kind: ClassVar[Kind] = "points"
    shape: ClassVar[tuple[int, ...]] = (2,)
    extensions: ClassVar[tuple[str, ...]] = ()
    drawn: ClassVar[str] = ""
    training_only: ClassVar[tuple[str, ...]] = ()

    @classmethod
    @functools.cache
    def taken(cls) -> tuple[Param, ...]:
        """The knobs, with lengths of any size: the declared limits suit training, transport problems the scale of a file."""
        return tuple(knob.at_any_scale() for knob in params_of(cls))

    def cloud(self, n: int, rng: np.random.Generator) -> Cloud:
        """At most n points for a transport problem: n draws, or all rows of a file that has at most n."""
        return Cloud(self.sample(n, rng).astype(np.float64), name=self.name)

    @classmethod
    def offers(cls, file: str) -> Mapping[str, tuple[str, ...]]:
        """The choices that a file gives for knobs, such as its columns. Raises ValueError if it cannot be read."""
        return {}
