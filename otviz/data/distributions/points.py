"""Points from a user's own file as the target."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from otviz.core.params import param
from otviz.core.uploads import known_as
from otviz.data.distributions.distribution import Cloud, Distribution, Points
from otviz.data.distributions.own_files import PREFIX, find_upload, identity
from otviz.data.reading.columns import NONE, WEIGHTS, may_weigh, read_places
from otviz.data.reading.formats import EXTENSIONS, open_table
from otviz.data.reading.tables import MENU
from otviz.data.units import Units

MAX_ROWS = 1_000_000
UNIT_STD = 1.5  # about that of the ring and the grid, for which methods are tuned


@dataclass(frozen=True)
class Loaded:
    """The points of a file: (kept, 2) = (rows of the file - offset) / factor.

    Attributes:
        points: float32, read-only.
        own: the same rows in the file's units, (kept, 2) float64, read-only.
        weights: of the kept rows, (kept,), as in the file; None for equal weights.
        rows: number of rows in the file; above MAX_ROWS, that many are kept, drawn with a fixed seed.
        columns: names of the columns used as x and y.
        weight: name of the column of weights; empty for equal weights.
        edges: cumulative weights, (kept,), or None for equal weights.
        total: sum of the weights in the file; 1 without weights.
        offset: subtracted from both columns, in file units.
        factor: divisor of both columns: file units per data unit.
        name: of the file, as uploaded.
        unit: of both columns, as in the file; may be empty.
        notes: decisions and omissions while reading the file, as short sentences without a full stop.
    """

    points: Points
    own: NDArray[np.float64]
    weights: NDArray[np.float64] | None
    rows: int
    columns: tuple[str, str]
    weight: str
    edges: NDArray[np.float64] | None
    total: float
    offset: tuple[float, float]
    factor: float
    name: str
    unit: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class PointsFile(Distribution):
    """Rows of a file, drawn with replacement. The file is read and checked when an instance is made."""

    name: ClassVar[str] = "points"
    title: ClassVar[str] = "Your points"
    needs_file: ClassVar[bool] = True
    extensions: ClassVar[tuple[str, ...]] = EXTENSIONS
    training_only: ClassVar[tuple[str, ...]] = ("centred", "scaled")

    file: str = param("", doc=f"Path of a file ({', '.join(EXTENSIONS)}) of at most 200 MB, or an upload")
    x: str = param(
        "", doc="Column drawn to the right; empty: the one called x, or the first of coordinates", label="Column x"
    )
    y: str = param(
        "", doc="Column drawn upwards; empty: the one called y, or the next of coordinates", label="Column y"
    )
    centred: bool = param(True, doc="Move the mean to the origin", label="Centre the points")
    scaled: bool = param(
        True,
        doc=f"Divide both columns by one number, so that their standard deviations average {UNIT_STD}",
        label="Scale to unit size",
    )
    weight: str = param(
        "",
        doc=f"Column of weights, all >= 0, made to sum to 1; {NONE}: all points weigh the same; "
        f"empty: the one called {', '.join(WEIGHTS[:-1])} or {WEIGHTS[-1]}, if any",
        label="Column of weights",
    )

    loaded: ClassVar[Loaded]  # set per instance; not a field, since the knobs determine it

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.file:
            raise ValueError(f"choose a file of points ({', '.join(EXTENSIONS)}); got none")
        path = _path(self.file)
        # Stored on the instance, so that training continues if the file changes or disappears.
        object.__setattr__(
            self, "loaded", _load(*identity(path), self.x, self.y, self.weight, self.centred, self.scaled)
        )

    @classmethod
    def offers(cls, file: str) -> Mapping[str, tuple[str, ...]]:
        numeric, weights = _columns(*identity(_path(file)))
        return {"x": numeric[:MENU], "y": numeric[:MENU], "weight": (NONE, *weights)[:MENU]}

    def sample(self, n: int, rng: np.random.Generator) -> Points:
        points, edges = self.loaded.points, self.loaded.edges
        if edges is None:
            rows = rng.integers(len(points), size=n)
        else:
            rows = np.searchsorted(edges, rng.random(n) * edges[-1], side="right").clip(max=len(points) - 1)
        drawn: Points = points[rows]
        return drawn

    def pair(self, n: int, rng: np.random.Generator) -> tuple[Points, Points]:
        """Two sets of min(n, half the rows) points without common rows; weighted rows are drawn with replacement."""
        points, weights = self.loaded.points, self.loaded.weights
        rows, size = rng.permutation(len(points)), min(n, len(points) // 2)
        sides = [rows[:size], rows[size : 2 * size]]
        if weights is not None:
            sides = [rng.choice(side, size, p=_shares(weights[side])) for side in sides]
        return points[sides[0]], points[sides[1]]

    @property
    def units(self) -> Units:
        """The inverse of `centred` and `scaled`."""
        return Units(self.loaded.offset, self.loaded.factor, self.loaded.unit)

    def cloud(self, n: int, rng: np.random.Generator) -> Cloud:
        """The rows in file units, without those of weight 0; at most n, drawn without replacement."""
        got = self.loaded
        points, weights = got.own, got.weights
        if weights is not None:
            points, weights = points[weights > 0], weights[weights > 0]
        massless = len(got.own) - len(points)
        if len(points) > n:
            kept = np.sort(rng.choice(len(points), n, replace=False))
            points, weights = points[kept], None if weights is None else weights[kept]
        weights = None if weights is None else weights / weights.sum()
        return Cloud(
            points, weights, name=got.name, rows=got.rows, columns=got.columns, weighed_by=got.weight, massless=massless,
            units=Units(name=got.unit), notes=got.notes,
        )  # fmt: skip

    def describe(self) -> str:
        """Rows read and kept, columns, weights, offset and factor, and the notes."""
        got = self.loaded
        kept = "all kept" if got.rows == len(got.points) else f"{len(got.points):,} kept at random"
        columns = f"columns {got.columns[0]} and {got.columns[1]}{f' in {got.unit}' if got.unit else ''}"
        moved = f"({got.offset[0]:.4g}, {got.offset[1]:.4g}) subtracted, then divided by {got.factor:.4g}"
        weighed = f"; weights {got.weight} added up to {got.total:.6g} and were divided by that" if got.weight else ""
        notes = "".join(f" {note[:1].upper()}{note[1:]}." for note in got.notes)
        return f"{got.name}: {got.rows:,} rows read, {kept}; {columns}{weighed}; {moved}.{notes}"


def _shares(weights: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Weights normalised to sum 1, or None if all are 0."""
    total = float(weights.sum())
    return weights / total if total > 0 else None


def _path(file: str) -> Path:
    return find_upload(file) if file.startswith(PREFIX) else Path(file)


@functools.lru_cache(maxsize=8)
def _columns(path: Path, _changed: int, _size: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Numeric columns, and the same with possible weights first."""
    table = open_table(path)
    return table.numeric, may_weigh(table)


@functools.lru_cache(maxsize=8)
def _load(path: Path, _changed: int, _size: int, x: str, y: str, weight: str, centred: bool, scaled: bool) -> Loaded:
    found, name = read_places(open_table(path), x, y, weight), known_as(path)
    rows, given = found.rows, found.weights
    _check_distinct(rows, name)
    weights = np.ones(len(rows)) if given is None else given
    count, total = len(rows), 1.0 if given is None else float(weights.sum())
    if count > MAX_ROWS:
        kept = np.sort(np.random.default_rng(0).choice(count, MAX_ROWS, replace=False))
        rows, weights = rows[kept], weights[kept]
    mean = np.average(rows, axis=0, weights=weights)
    offset = mean if centred else np.zeros(2)
    factor = _spread(rows - mean) / UNIT_STD if scaled else 1.0
    with np.errstate(all="ignore"):  # inf and nan are rejected below
        points = ((rows - offset) / factor).astype(np.float32)
    if not np.isfinite(points).all() or _distinct(points) < 3:
        raise ValueError(f"{name} lies too far from 0 for its spread; centre it (centred), and scale it (scaled)")
    points.setflags(write=False)
    rows.setflags(write=False)
    edges = None if given is None else np.cumsum(weights)
    return Loaded(
        points, rows, None if given is None else weights, count, found.columns[:2], found.columns[2], edges, total,
        (float(offset[0]), float(offset[1])), factor, name, found.unit, found.notes,
    )  # fmt: skip


def _check_distinct(rows: NDArray[np.float64], name: str) -> None:
    """Raise ValueError for fewer than 3 different points."""
    distinct = _distinct(rows)
    if distinct < 3:
        what = f"all {len(rows)} points are equal" if distinct == 1 else f"its {len(rows)} rows hold only 2"
        raise ValueError(f"{name} must hold at least 3 different points; {what}")


def _spread(residuals: NDArray[np.float64]) -> float:
    """Standard deviation averaged over x and y."""
    largest = float(np.abs(residuals).max())  # divided out, since squares of small numbers underflow
    return largest * float((residuals / largest).std(axis=0).mean())


def _distinct(rows: NDArray[np.float64] | Points) -> int:
    """The number of different rows, counted only up to 3, which avoids sorting whole files."""
    count = 0
    while len(rows) and count < 3:
        rows = rows[(rows != rows[0]).any(axis=1)]
        count += 1
    return count
