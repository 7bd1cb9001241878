"""Detect the layout of a text table from its first lines: separator, headings, units and number format."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from otviz.data.reading.numerals import UNIT, UNITS, Style, is_missing, is_number, style_of
from otviz.data.reading.tables import counts_rows

BLANKS = r"\s+"
SURE = ("\t", ";", "|")  # never part of a number, unlike commas and blanks
SEPARATORS = (*SURE, ",", BLANKS)
TRIED = 200  # rows used to find the separator
YEAR = re.compile(r"(?:1[89]|2[01])\d\d")
_UNIT_IN_NAME = re.compile(
    rf"(?P<base>.*?)\s*(?:\[\s*(?P<square>[^\d\]][^\]]{{0,15}})\]|\((?P<round>{UNIT})\)"
    rf"|\s/\s*(?P<slash>{UNIT})|_(?P<low>[mcunk]m|px|pixels?|deg))"
)
_UNIT_IN_COMMENT = re.compile(rf"\bunits?\b(?:\s+(?:are|is|in|of))?\s*[:=]?\s*[\[(]?({UNIT})[\])]?\s*$", re.IGNORECASE)

Row = list[str]


@dataclass(frozen=True)
class Layout:
    """The layout of a text table.

    Attributes:
        separator: between columns, as for pandas.
        skip: line numbers from 0 of titles, headings and units (not comments).
        width: cells per row, including columns that are always empty.
        names: of all columns, (width,).
        units: of all columns, empty if the file gives none, (width,).
        numeric: indices of numeric columns.
        counting: numeric columns that only number the rows: 0, 1, 2 ... or 1, 2, 3 ...
        strange: for other columns, the first cell that is not a number, as "'error' in row 3", or "nothing".
        style: number format.
        notes: decisions, as short sentences without a full stop.
    """

    separator: str
    skip: tuple[int, ...]
    width: int
    names: tuple[str, ...]
    units: tuple[str, ...]
    numeric: tuple[int, ...]
    counting: tuple[int, ...]
    strange: dict[str, str]
    style: Style
    notes: tuple[str, ...]


def layout_of(lines: Sequence[str], comments: Mapping[int, str], usual: str) -> Layout:
    """Detect the layout of a text table.

    Args:
        lines: first lines of the file, or all.
        comments: comment lines by number, from 0.
        usual: the separator if none fits.

    Raises:
        ValueError: invalid table; the message has the location but not the file name.
    """
    hint = re.fullmatch(r'\s*"?sep=(.)"?[,;]*\s*', lines[0], re.IGNORECASE) if lines else None
    kept = [at for at in range(1 if hint else 0, len(lines)) if at not in comments]
    separator = hint[1] if hint else _separator([lines[at] for at in kept[:TRIED]], usual)
    rows = {kept[at]: row for at, row in enumerate(_split([lines[at] for at in kept], separator)) if _filled(row)}
    if not rows:
        raise ValueError("it must have rows of numbers; it has none")
    width = _usual_width(rows)
    first = _first(rows, width, titles_of_words=separator == BLANKS)
    top, notes = _top(rows, first, width)
    body = {at: row for at, row in rows.items() if at >= first and at not in top}
    above = {at: text for at, text in comments.items() if at < first}
    heading = rows[first] if top else _heading_in_comment(above, separator, width)
    if top and len(heading) == width - 1:  # R writes no heading above row names
        heading = ["", *heading]
    width = max(width, _filled(heading))
    _refuse_wide(body, width)
    width = max(width, *map(len, rows.values()))
    names = _names(heading, width)
    numeric = _numeric(body, width)
    cells = [row[at] for row in body.values() for at in numeric if at < len(row)]
    return Layout(
        separator,
        tuple(at for at in range(min(body, default=max(rows) + 1)) if at not in comments),
        width,
        names,
        _units(names, rows[top[1]] if len(top) > 1 else [], above),
        numeric,
        tuple(at for at in numeric if counts_rows(_values([_cell(row, at) for row in body.values()]))),
        _strange(body, names, numeric),
        style_of([cell for cell in cells if is_number(cell)], commas_between=separator == ","),
        (*(f"row {at + 1} ({_short(rows[at])}) left out" for at in rows if at < first), *notes),
    )


def width_of(lines: Sequence[str]) -> int:
    """Approximate number of cells of the widest line, computed fast."""

    def width(line: str) -> int:
        return max(map(line.count, SURE)) or line.count(",") or len(line.split()) - 1

    return 1 + max(map(width, lines), default=0)


def base_of(name: str) -> str:
    """The name of a column without its unit, in lower case: "x" for "X [mm]"."""
    found = _UNIT_IN_NAME.fullmatch(name.strip())
    return (found["base"] if found else name).strip().lower()


def unit_of(name: str) -> str:
    """The unit in the name of a column, such as "x [mm]", "x (mm)", "x / mm" or "x_mm"; empty if there is none."""
    found = _UNIT_IN_NAME.fullmatch(name.strip())
    return next((unit.strip() for unit in found.groups()[1:] if unit), "") if found else ""


def _split(lines: Sequence[str], separator: str) -> list[Row]:
    if separator == BLANKS:
        lines, separator = [line.replace("\t", " ").strip() for line in lines], " "
    ended = (f"{line}\n" for line in lines)
    return [[cell.strip() for cell in row] for row in csv.reader(ended, delimiter=separator, skipinitialspace=True)]


def _filled(row: Row) -> int:
    """Number of cells up to the last non-empty one."""
    return max((at for at, cell in enumerate(row, start=1) if cell), default=0)


def _has_number(row: Row) -> bool:
    return any(is_number(cell) for cell in row)


def _usual_width(rows: Mapping[int, Row]) -> int:
    """The most frequent number of cells in rows with a number, or in all rows; the larger in a tie."""
    counts = Counter(_filled(row) for row in rows.values() if _has_number(row)) or Counter(map(_filled, rows.values()))
    return max(counts, key=lambda width: (counts[width], width))


def _separator(lines: Sequence[str], usual: str) -> str:
    """A separator that is never part of a number, or the one with most numbers and fewest other cells in rows of equal width."""

    def fit(separator: str) -> int:
        rows = {at: row for at, row in enumerate(_split(lines, separator)) if _filled(row)}
        width = _usual_width(rows) if rows else 0
        cells = [
            cell for row in list(rows.values())[1:] if _filled(row) == width for cell in row if not is_missing(cell)
        ]
        return sum(1 if is_number(cell) else -1 for cell in cells) if width > 1 else -len("".join(lines)) - 1

    fits = {separator: fit(separator) for separator in SEPARATORS}
    sure = [separator for separator in SURE if fits[separator] > 0]
    best = sure[0] if sure else max(fits, key=fits.__getitem__)
    return best if sure or fits[best] > fits[usual] else usual


def _first(rows: Mapping[int, Row], width: int, titles_of_words: bool) -> int:
    """The first line of the table, after titles with one cell or several words."""
    lines = list(rows)
    for at, below in zip(lines, [*lines[1:], lines[-1]], strict=True):
        row = rows[at]
        words = [one for one in (row, rows[below]) if not _has_number(one) and not _are_units(one)]
        if titles_of_words and len(words) == 2 and at != below:
            continue
        numbered = len(row) == width - 1 and len(rows[below]) == width and _has_number(rows[below])  # R's headings
        if _filled(row) >= width or (numbered and width > 2) or (_has_number(row) and (len(row) > 1 or width == 2)):
            return at
        if _filled(row) > 1:
            raise ValueError(
                f"row {at + 1} has {_filled(row)} cells and the rows below have {width}: give each column a heading; "
                "if the numbers have a decimal comma, save the file with semicolons between columns"
            )
    return lines[0]


def _top(rows: Mapping[int, Row], first: int, width: int) -> tuple[tuple[int, ...], list[str]]:
    """Lines of the heading and of the units, if any, and notes."""
    below = {at: row for at, row in rows.items() if at > first}
    second = next(iter(below), first)
    numeric = _numeric({at: row for at, row in below.items() if at != second} or below or {first: rows[first]}, width)
    shift = 1 if len(rows[first]) == width - 1 else 0  # one heading fewer than columns
    titles = [cell for at in numeric if (cell := _cell(rows[first], at - shift)) and not is_missing(cell)]
    counted = bool(titles) and titles == [str(at) for at in range(len(titles))]  # pandas' heading of an array
    if counted or (numeric and _are_years(titles, [_cell(row, at) for row in below.values() for at in numeric])):
        notes = [f"row {first + 1} ({_short(titles)}) read as headings"] if below else []
    elif numeric and all(is_number(cell) for cell in titles):
        return (), []
    else:
        notes = []
    units = [_cell(rows[second], at) for at in numeric]
    if second != first and _are_units(units):
        return (first, second), [*notes, f"row {second + 1} ({_short(units)}) read as units"]
    return (first,), notes


def _are_years(titles: Sequence[str], cells: Sequence[str]) -> bool:
    """Whether integers above a table are years: the cells below are not, and have fractions, or the years are consecutive."""
    if len(titles) < 2 or len(set(titles)) < len(titles) or not all(YEAR.fullmatch(title) for title in titles):
        return False
    like = sum(YEAR.fullmatch(cell) is not None for cell in cells)
    fractions = any(is_number(cell) and not cell.strip("+-").isdigit() for cell in cells)
    in_turn = all(int(b) - int(a) == 1 for a, b in pairwise(titles))
    return 10 * like < len(cells) and (fractions or in_turn)


def _heading_in_comment(comments: Mapping[int, str], separator: str, width: int) -> Row:
    """Column names in the last comment above a table without heading, as np.savetxt writes them, or []."""
    text = comments[max(comments)].lstrip("#%/ \t") if comments else ""
    for one in (separator, BLANKS):
        names = next(iter(_split([text], one)), [])
        if len(names) == width and not _has_number(names) and not _UNIT_IN_COMMENT.search(text):
            return names
    return []


def _refuse_wide(body: Mapping[int, Row], width: int) -> None:
    for at, row in body.items():
        if _filled(row) > width:
            raise ValueError(
                f"row {at + 1} has {_filled(row)} cells, other rows have {width}: correct or remove that row"
            )


def _numeric(body: Mapping[int, Row], width: int) -> tuple[int, ...]:
    """Indices of columns with more numbers than other cells."""
    found = []
    for at in range(width):
        cells = [row[at] for row in body.values() if at < len(row) and not is_missing(row[at])]
        if 2 * sum(map(is_number, cells)) > len(cells):
            found.append(at)
    return tuple(found)


def _strange(body: Mapping[int, Row], names: Sequence[str], numeric: Sequence[int]) -> dict[str, str]:
    found = {name: "nothing" for place, name in enumerate(names) if place not in numeric}
    for at, row in reversed(list(body.items())):
        for place, cell in enumerate(row):
            if place not in numeric and not is_missing(cell) and not is_number(cell):
                found[names[place]] = f"{_short([cell])!r} in row {at + 1}"
    return found


def _values(cells: Sequence[str]) -> NDArray[np.float64]:
    """The cells as numbers, or an empty array if any is not a plain number."""
    try:
        return np.array(cells, np.float64)
    except ValueError:
        return np.zeros(0)


def _names(heading: Row, width: int) -> tuple[str, ...]:
    """Unique names of all columns; numbers without a heading."""
    names: list[str] = []
    for at in range(width):
        name = " ".join(_cell(heading, at).split()) or (f"Unnamed: {at}" if heading else str(at))
        again = names.count(name)
        names.append(f"{name}.{again}" if again else name)
    return tuple(names)


def _units(names: Sequence[str], row: Row, comments: Mapping[int, str]) -> tuple[str, ...]:
    """The unit of each column: from a row of units, its name, or a comment on all columns."""
    said = [found[1] for text in comments.values() if (found := _UNIT_IN_COMMENT.search(text))]
    every = said[0] if said else ""
    return tuple(_bare(_cell(row, at)) or unit_of(name) or every for at, name in enumerate(names))


def _are_units(row: Row) -> bool:
    return any(map(_bare, row)) and all(is_missing(cell) or _bare(cell) for cell in row)


def _bare(cell: str) -> str:
    """The unit in a cell such as "mm" or "[mm]", or empty."""
    inner = cell.strip("[]() ")
    return inner if UNITS.fullmatch(inner) else ""


def _cell(row: Row, at: int) -> str:
    return row[at] if 0 <= at < len(row) else ""


def _short(cells: Sequence[str]) -> str:
    text = ", ".join(" ".join(cell.split()) for cell in cells[:6] if cell)
    return text[:60]
