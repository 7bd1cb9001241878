"""Points of the user's own, from a file: the target is whatever they bring."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from otviz.distributions.base import Distribution, Points
from otviz.distributions.tables import EXTENSIONS, Columns, read_columns
from otviz.distributions.uploads import PREFIX, find_upload
from otviz.params import param

MAX_ROWS = 1_000_000
UNIT_STD = 1.5  # about that of the ring and the grid: the scale on which methods are tuned
LARGEST = 1e30  # float32 ends at 3e38, and sums and differences of such points must stay within


@dataclass(frozen=True)
class Loaded:
    """What a file gave: points (kept, 2) = (rows of the file - offset) / factor.

    Attributes:
        points: float32, read-only.
        rows: rows in the file; where there are more than MAX_ROWS, that many are kept, drawn with a fixed seed.
        columns: names of the columns taken as x and y.
        offset: what was subtracted, in the file's units.
        factor: what both columns were divided by: file units per data unit.
    """

    points: Points
    rows: int
    columns: tuple[str, str]
    offset: tuple[float, float]
    factor: float


@dataclass(frozen=True)
class PointsFile(Distribution):
    """Rows of a file, drawn with replacement. The file is read and checked when an instance is made."""

    name: ClassVar[str] = "points"
    title: ClassVar[str] = "Your points"
    needs_file: ClassVar[bool] = True

    file: str = param("", doc=f"Path of a file ({', '.join(EXTENSIONS)}) of at most 200 MB, or an upload")
    x: str = param("", doc="Column drawn to the right; empty: the first column of numbers")
    y: str = param("", doc="Column drawn upwards; empty: the next column of numbers")
    centred: bool = param(True, doc="Move the mean to the origin")
    scaled: bool = param(
        True, doc=f"Divide both columns by one number, so that their standard deviations average {UNIT_STD}"
    )

    loaded: ClassVar[Loaded]  # set per instance; not a field, since it follows from the knobs

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.file:
            raise ValueError(f"choose a file of points ({', '.join(EXTENSIONS)}); got none")
        path = find_upload(self.file) if self.file.startswith(PREFIX) else Path(self.file)
        # Held by the instance: training goes on undisturbed when the file changes or goes away.
        object.__setattr__(self, "loaded", _load(*_identity(path), self.x, self.y, self.centred, self.scaled))

    def sample(self, n: int, rng: np.random.Generator) -> Points:
        points = self.loaded.points
        drawn: Points = points[rng.integers(len(points), size=n)]
        return drawn

    def describe(self) -> str:
        """One sentence: rows read and kept, columns, and what was subtracted and divided by."""
        got = self.loaded
        kept = "all kept" if got.rows == len(got.points) else f"{len(got.points):,} kept at random"
        moved = f"({got.offset[0]:.4g}, {got.offset[1]:.4g}) subtracted, then divided by {got.factor:.4g}"
        return f"{got.rows:,} rows read, {kept}; columns {got.columns[0]} and {got.columns[1]}; {moved}."


def _identity(path: Path) -> tuple[Path, int, int]:
    """The file, its time of change and size: what a cached reading stays valid for."""
    try:
        if path.is_file():  # not a folder, and no pipe or device, which could block for ever
            state = path.stat()
            return path.resolve(), state.st_mtime_ns, state.st_size
    except (OSError, ValueError):
        pass
    raise ValueError(f"file must be a file that exists; got {str(path)!r}: check the path, or upload it")


@functools.lru_cache(maxsize=8)
def _load(path: Path, _changed: int, _size: int, x: str, y: str, centred: bool, scaled: bool) -> Loaded:
    rows, columns = read_columns(path, x, y)
    _check(rows, path.name)
    count = len(rows)
    if count > MAX_ROWS:
        rows = rows[np.sort(np.random.default_rng(0).choice(count, MAX_ROWS, replace=False))]
    mean = rows.mean(axis=0)
    offset = mean if centred else np.zeros(2)
    factor = _spread(rows - mean) / UNIT_STD if scaled else 1.0
    with np.errstate(all="ignore"):  # what this makes inf or nan is refused below
        points = ((rows - offset) / factor).astype(np.float32)
    if not np.isfinite(points).all() or _distinct(points) < 3:
        raise ValueError(f"{path.name} lies too far from 0 for its spread; centre it (centred), and scale it (scaled)")
    points.setflags(write=False)
    return Loaded(points, count, columns, (float(offset[0]), float(offset[1])), factor)


def _check(rows: Columns, name: str) -> None:
    """Raise ValueError unless there are 3 different points, all finite."""
    if len(rows) < 3:
        raise ValueError(f"{name} must have at least 3 rows; it has {len(rows)}")
    bad = int((~(np.abs(rows) <= LARGEST)).any(axis=1).sum())
    if bad:
        raise ValueError(
            f"{name} must hold finite numbers up to {LARGEST:g} only; {bad} of {len(rows)} rows do not: mend or remove them"
        )
    distinct = _distinct(rows)
    if distinct < 3:
        what = f"all {len(rows)} points are equal" if distinct == 1 else f"its {len(rows)} rows hold only 2"
        raise ValueError(f"{name} must hold at least 3 different points; {what}")


def _spread(residuals: Columns) -> float:
    """Standard deviation averaged over x and y."""
    largest = float(np.abs(residuals).max())  # divided out, or squares of small numbers would vanish
    return largest * float((residuals / largest).std(axis=0).mean())


def _distinct(rows: Columns | Points) -> int:
    """The number of different rows, counted up to 3: whole files need not be sorted for that."""
    count = 0
    while len(rows) and count < 3:
        rows = rows[(rows != rows[0]).any(axis=1)]
        count += 1
    return count
