"""Select the columns of a table that are coordinates and weights, and read their rows, with notes on decisions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otviz.data.reading.layout import base_of
from otviz.data.reading.numerals import Cells
from otviz.data.reading.tables import Table, listed

LARGEST = 1e30  # float32 ends at 3e38, and sums and differences of points must not overflow
FEWEST = 3  # smallest number of rows
NONE = "none"
"""Choice of equal weights, even if there is a column of weights."""

WEIGHTS = ("weight", "weights", "mass")
"""A column of this name is used as weights by default."""

MAYBE_WEIGHTS = (*WEIGHTS, "masses", "w", "wt", "count", "counts", "probability", "prob", "p")
"""Columns of these names are offered first, and mentioned if they are not used."""

PAIRS = (
    ("x", "y"),
    ("lon", "lat"),
    ("long", "lat"),
    ("lng", "lat"),
    ("longitude", "latitude"),
    ("easting", "northing"),
)
"""Preferred names of x and y, in lower case and without units."""

_NOT_PLACES = re.compile(
    r"unnamed: [\d.]+|__index_level_\d+__|level_\d+|index_?\d*|#|no\.?|nr\.?|nos?|num(ber)?|n|row ?(names?|no|number)?|rows|"
    r"(.*[ _.\-])?(ids?|idx|indices|index|[fgopu]id|uuid|(object|point|sample)id|key|labels?|class|classes|clusters?|category|categories|groups?|targets?|"
    r"weights?|w|wt|mass|masses|probability|prob)|.*(class|label|cluster|row|track|cell|object|image)(_?id|_?no|_?number)"
)
_CAMEL_ID = re.compile(r".*[a-z](ID|Id|Index)")


@dataclass(frozen=True)
class Places:
    """Points of a file, in its units.

    Attributes:
        rows: (kept, 2), float64, finite.
        weights: (kept,), >= 0, not all 0; None for equal weights.
        columns: names of x, y and weights; the last is empty without weights.
        unit: of both coordinates; empty if the file gives none, or two.
        notes: decisions and omissions, as short sentences without a full stop.
    """

    rows: NDArray[np.float64]
    weights: NDArray[np.float64] | None
    columns: tuple[str, str, str]
    unit: str
    notes: tuple[str, ...]


def read_places(table: Table, x: str = "", y: str = "", weight: str = "") -> Places:
    """Read the points of a table.

    Args:
        table: of columns.
        x, y: names of columns; empty: columns called so, or else the first possible ones.
        weight: name of a column, NONE, or empty: one of WEIGHTS, if the table has it with valid weights.

    Raises:
        ValueError: the message names the file, the row, the value and what to do.
    """
    first, second = _coordinates(table, x, y)
    weighing = _weighing(table, weight, (first, second))
    names = [first, second, *([weighing] if weighing else [])]
    cells = dict(zip(names, table.read(names), strict=True))
    for name in names[:2]:
        check_numbers(table, name, cells[name])
    notes = [*table.notes, *_passed_over(table, names)]
    if weighing:
        trouble = _trouble_with_weights(table, weighing, cells[weighing])
        if trouble and weight:
            raise ValueError(trouble)
        if trouble:
            notes.append(f"column {weighing} not used as weights: {trouble}")
            del cells[names.pop()]
            weighing = ""
    numbers = np.stack([cells[name].values for name in names], axis=1)
    _refuse_lying(table, len(numbers))
    missing = np.isnan(numbers).any(axis=1)
    notes += left_out(table, names, np.isnan(numbers))
    numbers = numbers[~missing]
    if len(numbers) < FEWEST:
        why = f" ({notes[-1]})" if missing.any() else ""
        raise ValueError(f"{table.name} must have at least {FEWEST} rows of numbers; it has {len(numbers)}{why}")
    weights = numbers[:, 2] if weighing else None
    if weights is not None and not weights.any():
        raise ValueError(_only_zeros(table, weighing))
    unit, said = _unit(table, [first, second], cells)
    return Places(np.ascontiguousarray(numbers[:, :2]), weights, (first, second, weighing), unit, (*notes, *said))


def may_weigh(table: Table) -> tuple[str, ...]:
    """Numeric columns; those with names of weights come first."""
    return tuple(sorted(table.numeric, key=lambda name: base_of(name) not in MAYBE_WEIGHTS))


def _coordinates(table: Table, x: str, y: str) -> tuple[str, str]:
    x, y = _asked(table, "x", x), _asked(table, "y", y)
    if x and x == y:
        raise ValueError(f"x and y must be two columns of {table.name} ({listed(table.numeric)}); both are {x!r}")
    first, all_free = ([name for name in some if name not in (x, y)] for some in (table.first, table.numeric))
    free = first if len(first) >= (not x) + (not y) else all_free
    if len(free) < (not x) + (not y):
        raise ValueError(_too_few(table))
    for x_name, y_name in _named(free):
        x, y = x or x_name, y or y_name
    free = [name for name in free if name not in (x, y)]
    best = sorted(free, key=lambda name: is_no_place(table, name))[: (not x) + (not y)]
    best.sort(key=free.index)
    return x or best.pop(0), y or best.pop(0)


def _asked(table: Table, knob: str, wanted: str) -> str:
    """The column of that name, ignoring case, blanks and unit if necessary."""
    if not wanted:
        return ""
    like = [name for name in table.columns if base_of(name) == base_of(wanted)]
    name = wanted if wanted in table.columns else like[0] if len(like) == 1 else ""
    if not name:
        raise ValueError(f"{knob} must be a column of {table.name} ({listed(table.columns)}); got {wanted!r}")
    if name not in table.numeric:
        holds = table.strange.get(name, "something else")
        raise ValueError(f"{knob} must be a column of numbers ({listed(table.numeric)}); {name!r} holds {holds}")
    return name


def _named(free: Sequence[str]) -> list[tuple[str, str]]:
    """Pairs of columns named like x and y, best first; empty if only one of them exists."""
    by_base = {base_of(name): name for name in reversed(free)}
    found = [(by_base[a], by_base[b]) for a, b in PAIRS if a in by_base and b in by_base]
    parts = {re.sub(r"(?<![a-z])x(?![a-z])", "*", base): name for base, name in by_base.items() if base != "x"}
    for base, name in by_base.items():  # pos_x and pos_y, "x coord" and "y coord"
        partner = re.sub(r"(?<![a-z])y(?![a-z])", "*", base)
        if partner != base and partner in parts and parts[partner] != name:
            found.append((parts[partner], name))
    return [*found[:1], (by_base.get("x", ""), by_base.get("y", ""))]


def is_no_place(table: Table, name: str) -> bool:
    """Whether a column numbers, names or weighs the rows, as far as its name and first values tell."""
    return name in table.counting or bool(_NOT_PLACES.fullmatch(base_of(name))) or bool(_CAMEL_ID.fullmatch(name))


def _passed_over(table: Table, names: Sequence[str]) -> list[str]:
    others = [name for name in table.numeric if name not in names and is_no_place(table, name)]
    notes = [f"not coordinates unless chosen: {listed(others)}"] if others else []
    weights = [name for name in table.numeric if name not in names and base_of(name) in MAYBE_WEIGHTS]
    return [*notes, f"can be chosen as weight: {listed(weights)}"] if weights and len(names) < 3 else notes


def _too_few(table: Table) -> str:
    strange = [f"column {' '.join(name.split())[:40]} holds {what}" for name, what in table.strange.items()][:3]
    why = "; ".join(strange) or f"its columns: {listed(table.columns)}"
    return f"{table.name} must have two columns of numbers; it has {len(table.numeric)} ({why}): correct it"


def _refuse_lying(table: Table, rows: int) -> None:
    """Raise ValueError if columns and rows seem to be transposed."""
    if (rows == 2 and len(table.numeric) > 2) or (rows <= 4 and len(table.numeric) > 20):
        raise ValueError(
            f"{table.name} has {rows} rows of {len(table.numeric)} numbers: transpose it, so that each row is a point"
        )


def _weighing(table: Table, weight: str, taken: tuple[str, str]) -> str:
    if weight == NONE and NONE not in table.columns:
        return ""
    if weight:
        return _asked(table, "weight", weight)
    called = [name for name in table.numeric if base_of(name) in WEIGHTS and name not in taken]
    return called[0] if called else ""


def check_numbers(table: Table, name: str, cells: Cells) -> None:
    """Check that every cell is a number, or empty, and not too large.

    Args:
        table: of the column.
        name: of the column.
        cells: in it.

    Raises:
        ValueError: the first cell that is not; the message says where it is.
    """
    bad = cells.bad | (np.abs(cells.values) > LARGEST)
    if bad.any():
        at = int(bad.argmax())
        text = table.text(name, at)
        what = (
            f"is not a number{f' in {cells.unit}' if cells.unit else ''}"
            if cells.bad[at]
            else f"is not within {LARGEST:g}"
        )
        more = f"; {int(bad.sum()) - 1:,} more like it" if bad.sum() > 1 else ""
        shown = repr(text) if cells.bad[at] or text else f"{cells.values[at]:g}"
        raise ValueError(
            f"{table.name}, {table.row(at)}, column {name}: {shown} {what}; correct or remove that row{more}"
        )


def _trouble_with_weights(table: Table, name: str, cells: Cells) -> str:
    """Why a column cannot be weights, or empty."""
    try:
        check_numbers(table, name, cells)
    except ValueError as error:
        return str(error)
    low = cells.values < 0
    if low.any():
        at = int(low.argmax())
        return f"{table.name}, {table.row(at)}, column {name}: weight must be >= 0; got {cells.values[at]:g}"
    return "" if (cells.values > 0).any() else _only_zeros(table, name)


def _only_zeros(table: Table, name: str) -> str:
    return f"weight must be a column with a number > 0; {name!r} of {table.name} holds only zeros"


def left_out(table: Table, names: Sequence[str], gaps: NDArray[np.bool_]) -> list[str]:
    """Notes on rows with missing numbers.

    Args:
        table: of the columns.
        names: of the columns.
        gaps: missing numbers, (rows, columns).
    """
    rows = np.flatnonzero(gaps.any(axis=1))
    if not len(rows):
        return []

    def said(row: int) -> str:
        cells = [(name, table.text(name, row)) for name, gap in zip(names, gaps[row], strict=True) if gap]
        if len(cells) == len(names) and not any(text for _, text in cells):
            return f"{table.row(row)} (empty)"
        return (
            f"{table.row(row)} ({', '.join(f'{name} {text!r}' if text else f'{name} empty' for name, text in cells)})"
        )

    more = f" and {len(rows) - 3:,} more" if len(rows) > 3 else ""
    return [f"rows without a number left out: {', '.join(said(int(row)) for row in rows[:3])}{more}"]


def _unit(table: Table, names: Sequence[str], cells: dict[str, Cells]) -> tuple[str, list[str]]:
    units = [cells[name].unit or table.units.get(name, "") for name in names]
    if units[0] == units[1]:
        return units[0], []
    said = [f"{name} is in {unit or 'no unit'}" for name, unit in zip(names, units, strict=True)]
    return "", [f"units differ: {', '.join(said)}"]
