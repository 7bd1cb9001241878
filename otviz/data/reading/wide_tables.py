"""Points of any dimension from a table: all columns of coordinates, or those chosen, and classes if there is a column of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otviz.data.reading.columns import MAYBE_WEIGHTS, check_numbers, is_no_place, left_out
from otviz.data.reading.layout import base_of
from otviz.data.reading.tables import Table, listed

CLASSES = ("label", "labels", "class", "classes", "category", "cluster", "group")
"""A column of this name holds the classes by default."""

MOST_CLASSES = 100
"""A column with more different values does not hold classes."""

UNCLASSED = "none"
"""Choice of no classes, even if there is a column of them."""


@dataclass(frozen=True, eq=False)
class Points:
    """Points of a file, in its units.

    Attributes:
        values: (kept, d), float64, finite.
        columns: names of the d columns.
        rows: where the points stand in the file, (kept,), from 0.
        labels: indices into `classes`, (kept,); None without classes.
        classes: sorted.
        notes: decisions and omissions, as short sentences without a full stop.
    """

    values: NDArray[np.float64]
    columns: tuple[str, ...]
    rows: NDArray[np.int64]
    labels: NDArray[np.int64] | None
    classes: tuple[str, ...]
    notes: tuple[str, ...]


def read_points(table: Table, columns: Sequence[str] = (), label: str = "") -> Points:
    """Read the points of a table; rows without a number are left out.

    Args:
        table: of columns.
        columns: names of the coordinates; empty: all columns of numbers but those that number, name or weigh the rows.
        label: name of a column of classes, UNCLASSED, or empty: one of CLASSES, if the table has it.

    Raises:
        ValueError: the message names the file, the column or row, and what to do.
    """
    names = coordinates(table, columns)
    cells = table.read(names)
    for name, column in zip(names, cells, strict=True):
        check_numbers(table, name, column)
    values = np.stack([column.values for column in cells], axis=1)
    gaps = np.isnan(values)
    kept = np.flatnonzero(~gaps.any(1))
    notes = [*table.notes, *left_out(table, names, gaps)]
    if not columns and (passed := [name for name in _candidates(table) if name not in names]):
        notes.append(f"not coordinates unless chosen: {listed(passed)}")
    labels, classes = _labels(table, label, names, notes)
    return Points(values[kept], tuple(names), kept, None if labels is None else labels[kept], classes, tuple(notes))


def coordinates(table: Table, columns: Sequence[str] = ()) -> list[str]:
    """Names of the columns of coordinates.

    Args:
        table: of columns.
        columns: as for `read_points`.

    Raises:
        ValueError: a name that is no column of numbers, or fewer than two columns.
    """
    for name in columns:
        if name not in table.numeric:
            raise ValueError(
                f"columns must be columns of numbers of {table.name} ({listed(table.numeric)}); got {name!r}"
            )
    found = list(dict.fromkeys(columns)) or [name for name in _candidates(table) if not _is_beside(table, name)]
    found = found if columns or len(found) >= 2 else list(_candidates(table))
    if len(found) < 2:
        raise ValueError(
            f"{table.name} must have two columns of numbers or more; it has {listed(found)}: choose others"
        )
    return found


def _candidates(table: Table) -> tuple[str, ...]:
    return table.first if len(table.first) >= 2 else table.numeric


def _is_beside(table: Table, name: str) -> bool:
    return is_no_place(table, name) or base_of(name) in MAYBE_WEIGHTS


def _labels(
    table: Table, label: str, taken: Sequence[str], notes: list[str]
) -> tuple[NDArray[np.int64] | None, tuple[str, ...]]:
    if label and label != UNCLASSED and label not in table.columns:
        raise ValueError(f"labels must be a column of {table.name} ({listed(table.columns)}); got {label!r}")
    called = [name for name in table.columns if base_of(name) in CLASSES and name not in taken]
    column = label or (called[0] if called else UNCLASSED)
    if column == UNCLASSED and UNCLASSED not in table.columns:
        return None, ()
    classes, labels = np.unique(np.asarray(table.words(column), str), return_inverse=True)
    if 2 <= len(classes) <= MOST_CLASSES:
        return labels.astype(np.int64), tuple(" ".join(name.split())[:40] or "empty" for name in classes.tolist())
    trouble = f"column {column} holds {len(classes):,} different values, which is not 2 to {MOST_CLASSES} classes"
    if label:
        raise ValueError(f"{table.name}: {trouble}: choose another")
    notes.append(trouble)
    return None, ()
