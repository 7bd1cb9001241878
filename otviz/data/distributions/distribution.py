"""What every 2D distribution offers: samples and, where it has them, its modes."""

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
    """One side of a transport problem, and where it comes from.

    Attributes:
        points: shape (n, 2), float64: (file - units.offset) / units.factor, in the units of the file as long as nobody
            asks for another transformation; data units for what needs no file.
        weights: shape (n,), > 0, they sum to 1; None where all points weigh the same.
        name: of the file as the user knows it, or of the distribution.
        rows: rows of the file; None for what was drawn.
        columns: of the file, taken as x and y.
        weighed_by: the column of weights; empty if all points weigh the same.
        massless: rows of weight 0, which were left out.
        units: of the points.
        notes: what was decided and left out as the file was read, in short sentences without a full stop.
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
        """Whether these are all rows of a file that have mass."""
        return self.rows is not None and len(self.points) + self.massless == self.rows

    @property
    def taken(self) -> str:
        """How many points, and how they were come by."""
        n = f"{len(self.points):,}"
        if self.rows is None:
            return f"{n} points drawn"
        left_out = f", {self.massless:,} of weight 0 left out" if self.massless else ""
        if self.whole:
            return f"{self.rows:,} rows as they are{left_out}"
        return f"{n} of {self.rows:,} rows, drawn without replacement{left_out}"

    def describe(self) -> str:
        """One sentence on what was taken: rows, columns, weights and units."""
        if self.columns is None:
            return f"{self.name}, {self.taken}"
        weights = f"weights {self.weighed_by}, divided by their sum" if self.weighed_by else "no weights"
        units = f"units of the file ({self.units.name})" if self.units.name else "units of the file"
        notes = "".join(f"; {note}" for note in self.notes)
        return f"{self.name}, {self.taken}, columns {self.columns[0]} and {self.columns[1]}, {weights}, {units}{notes}"

    def as_dict(self) -> dict[str, Any]:
        """What was taken, as plain values that JSON takes."""
        taken: dict[str, Any] = {"name": self.name, "points": len(self.points), "rows": self.rows}
        taken |= {"columns": None if self.columns is None else list(self.columns), "weights": self.weighed_by or None}
        return taken | {
            "units": self.units.name or ("data" if self.rows is None else "file"),
            "as_they_are": self.whole,
        }


@dataclass(frozen=True)
class Distribution(Target):
    """A distribution of points in the plane. Subclasses are frozen dataclasses of knobs.

    Defaults keep the points at unit scale (within about 4 of the origin): networks and step sizes
    of all methods here are tuned for that, and lose modes on data ten times as wide.

    Attributes:
        extensions: of the files it reads, lower case with the dot.
        drawn: the knob that holds a drawing, for those that are drawn by hand.
        training_only: knobs that say how training sees the points; a transport problem takes them as they are.
    """

    kind: ClassVar[Kind] = "points"
    shape: ClassVar[tuple[int, ...]] = (2,)
    extensions: ClassVar[tuple[str, ...]] = ()
    drawn: ClassVar[str] = ""
    training_only: ClassVar[tuple[str, ...]] = ()

    @classmethod
    @functools.cache
    def taken(cls) -> tuple[Param, ...]:
        """Lengths of any size: those declared are for training, but a transport problem has the scale of its files."""
        return tuple(knob.at_any_scale() for knob in params_of(cls))

    def cloud(self, n: int, rng: np.random.Generator) -> Cloud:
        """At most n points for a transport problem: n draws, or the rows of a file as they are if it has at most n."""
        return Cloud(self.sample(n, rng).astype(np.float64), name=self.name)

    @classmethod
    def offers(cls, file: str) -> Mapping[str, tuple[str, ...]]:
        """By knob, the texts that a file offers for it, as its columns; ValueError if it cannot be read."""
        return {}
