"""Columns of numbers from a file of points. Whatever is wrong with it becomes one ValueError that names the file."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from otviz.data.reading.numerals import Cells

MOST_COLUMNS = 10_000
MENU = 300  # most columns in a menu; others are typed
MAX_ROWS_READ = 20_000_000  # Parquet compresses equal values, so the file size does not limit the unpacked size


class Table(ABC):
    """The structure of a file of points, before its numbers are read.

    Attributes:
        name: of the file, as uploaded.
        columns: names of all columns, in file order.
        numeric: numeric columns.
        first: numeric columns that are tried first as coordinates; empty: no preference.
        counting: numeric columns that only number the rows.
        strange: content of other columns, such as "'error' in row 3", by name, if known.
        units: units in the file, by column; columns without one are missing.
        notes: decisions about the file, as short sentences without a full stop.
    """

    name: str
    columns: tuple[str, ...]
    numeric: tuple[str, ...]
    first: tuple[str, ...] = ()
    counting: frozenset[str] = frozenset()
    strange: Mapping[str, str] = {}
    units: Mapping[str, str] = {}
    notes: tuple[str, ...] = ()

    @abstractmethod
    def read(self, columns: Sequence[str]) -> tuple[Cells, ...]:
        """Read these numeric columns, all of equal length. Raises ValueError."""

    def words(self, column: str) -> list[str]:
        """The cells of any column as text, whole numbers without a fraction. Raises ValueError."""
        values = self.read([column])[0].values
        return [f"{value:.15g}" for value in values.tolist()]

    def row(self, index: int) -> str:
        """Location of a row in the file, for messages: "row 18", where the heading is row 1."""
        return f"row {index + 1}"

    def text(self, column: str, index: int) -> str:
        """The text of a cell in the file, or empty."""
        return "nan"

    def check_rows(self, count: int) -> None:
        """Raise ValueError for too many rows."""
        if count > MAX_ROWS_READ:
            raise ValueError(
                f"{self.name} must have at most {MAX_ROWS_READ} rows; it has {count} or more: keep some of them"
            )


def refuse_columns(count: int) -> None:
    """Raise ValueError for too many columns, without the name of the file."""
    if count > MOST_COLUMNS:
        raise ValueError(f"it must have at most {MOST_COLUMNS:,} columns; it has {count:,}: keep those you need")


@contextlib.contextmanager
def reading(name: str, kind: str) -> Iterator[None]:
    """Convert the errors of readers of damaged files (pandas and pyarrow raise many types) to ValueError."""
    try:
        yield
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        raise ValueError(f"{name} cannot be read as {kind} ({reason}); save it again") from error


def counts_rows(values: NDArray[np.float64]) -> bool:
    """Whether numbers are 0, 1, 2 ... or 1, 2, 3 ..., at least three of them."""
    return len(values) > 2 and any(np.array_equal(values, np.arange(len(values)) + start) for start in (0, 1))


def listed(names: Sequence[str]) -> str:
    """Names of columns in a sentence; only the first of many."""
    more = f" and {len(names) - 20} more" if len(names) > 20 else ""
    return (", ".join(" ".join(name.split())[:40] for name in names[:20]) or "none") + more
