"""Columns of numbers from a file of points. Whatever is wrong with it becomes one ValueError that names the file."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from otviz.data.reading.numerals import Cells

MOST_COLUMNS = 10_000
MENU = 300  # columns offered at most; others are typed
MAX_ROWS_READ = 20_000_000  # Parquet packs equal values, so the size of a file does not bound what it unpacks to


class Table(ABC):
    """What a file of points offers before its numbers are read.

    Attributes:
        name: of the file, as uploaded.
        columns: names of all columns, in the order of the file.
        numeric: those that hold numbers.
        first: those of them that coordinates are looked for in before the others; empty: all alike.
        counting: those of them that only number the rows.
        strange: what other columns hold, such as "'error' in row 3", by name, as far as it is known.
        units: by column, as the file names them; columns without one are not in it.
        notes: what was decided about the file, in short sentences without a full stop.
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
        """The numbers of these columns of `numeric`, all of one length. Raises ValueError."""

    def row(self, index: int) -> str:
        """Where a row is in the file, for a message: "row 18" of a sheet whose heading is row 1."""
        return f"row {index + 1}"

    def text(self, column: str, index: int) -> str:
        """A cell as it is written in the file; empty where nothing is."""
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
    """Turn what a reader raises on a damaged file (pandas and pyarrow raise many kinds) into a ValueError."""
    try:
        yield
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        raise ValueError(f"{name} cannot be read as {kind} ({reason}); save it again") from error


def counts_rows(values: NDArray[np.float64]) -> bool:
    """Whether numbers are 0, 1, 2 ... or 1, 2, 3 ..., at least three of them."""
    return len(values) > 2 and any(np.array_equal(values, np.arange(len(values)) + start) for start in (0, 1))


def listed(names: Sequence[str]) -> str:
    """Names of columns in a sentence, the first of many."""
    more = f" and {len(names) - 20} more" if len(names) > 20 else ""
    return (", ".join(" ".join(name.split())[:40] for name in names[:20]) or "none") + more
