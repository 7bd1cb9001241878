"""How a text file of columns is laid out: its separator, headings, units and numbers, found from its first lines."""

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
SURE = ("\t", ";", "|")  # commas and blanks may stand in numbers
SEPARATORS = (*SURE, ",", BLANKS)
TRIED = 200  # rows that decide upon the separator
YEAR = re.compile(r"(?:1[89]|2[01])\d\d")
_UNIT_IN_NAME = re.compile(
    rf"(?P<base>.*?)\s*(?:\[\s*(?P<square>[^\d\]][^\]]{{0,15}})\]|\((?P<round>{UNIT})\)"
    rf"|\s/\s*(?P<slash>{UNIT})|_(?P<low>[mcunk]m|px|pixels?|deg))"
)
_UNIT_IN_COMMENT = re.compile(rf"\bunits?\b(?:\s+(?:are|is|in|of))?\s*[:=]?\s*[\[(]?({UNIT})[\])]?\s*$", re.IGNORECASE)

Row = list[str]


@dataclass(frozen=True)
class Layout:
    """What must be known to read a text file.

    Attributes:
        separator: between columns, as pandas takes it.
        skip: lines that hold no point, from 0: titles, headings, units (comments apart).
        width: cells in a row, those counted that are always empty.
        names: of all columns, (width,).
        units: of all columns, empty where the file names none, (width,).
        numeric: columns of numbers, by place.
        counting: those of them that only number the rows: 0, 1, 2 ... or 1, 2, 3 ...
        strange: by column of something else, its first cell that is not a number, as "'error' in row 3", or "nothing".
        style: how numbers are written.
        notes: what was decided, in short sentences without a full stop.
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
    """Find out how a text file is laid out.

    Args:
        lines: its first lines, or all of them.
        comments: those of them that are comments, by number from 0.
        usual: the separator of such files, taken where none fits.

    Raises:
        ValueError: what is wrong and where, without the name of the file.
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
    if top and len(heading) == width - 1:  # R writes none above the names of rows
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
    """Cells of the widest line, about, in next to no time."""

    def width(line: str) -> int:
        return max(map(line.count, SURE)) or line.count(",") or len(line.split()) - 1

    return 1 + max(map(width, lines), default=0)


def base_of(name: str) -> str:
    """The name of a column without its unit, in small letters: "x" for "X [mm]"."""
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
    """Cells up to the last that is not empty."""
    return max((at for at, cell in enumerate(row, start=1) if cell), default=0)


def _has_number(row: Row) -> bool:
    return any(is_number(cell) for cell in row)


def _usual_width(rows: Mapping[int, Row]) -> int:
    """The most frequent number of cells in rows that hold a number, or in all; of two equally frequent the larger."""
    counts = Counter(_filled(row) for row in rows.values() if _has_number(row)) or Counter(map(_filled, rows.values()))
    return max(counts, key=lambda width: (counts[width], width))


def _separator(lines: Sequence[str], usual: str) -> str:
    """One that stands in no number, else the one that gives most numbers, and least else, in rows of equal width."""

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
    """The line where the table begins: what stands above are titles, of one cell each, or of several words."""
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
    """Lines of the heading and of the units, as far as there are, and what was decided."""
    below = {at: row for at, row in rows.items() if at > first}
    second = next(iter(below), first)
    numeric = _numeric({at: row for at, row in below.items() if at != second} or below or {first: rows[first]}, width)
    shift = 1 if len(rows[first]) == width - 1 else 0  # one heading less than columns
    titles = [cell for at in numeric if (cell := _cell(rows[first], at - shift)) and not is_missing(cell)]
    counted = bool(titles) and titles == [str(at) for at in range(len(titles))]  # as pandas writes above an array
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
    """Whether whole numbers above a table are years: what stands below hardly is, and has fractions or they are in turn."""
    if len(titles) < 2 or len(set(titles)) < len(titles) or not all(YEAR.fullmatch(title) for title in titles):
        return False
    like = sum(YEAR.fullmatch(cell) is not None for cell in cells)
    fractions = any(is_number(cell) and not cell.strip("+-").isdigit() for cell in cells)
    in_turn = all(int(b) - int(a) == 1 for a, b in pairwise(titles))
    return 10 * like < len(cells) and (fractions or in_turn)


def _heading_in_comment(comments: Mapping[int, str], separator: str, width: int) -> Row:
    """The names in the last comment above a table without heading, as np.savetxt writes them; [] if there are none."""
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
    """Columns with more numbers than other texts."""
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
    """Plain numbers, or none at all if one of the cells is something else."""
    try:
        return np.array(cells, np.float64)
    except ValueError:
        return np.zeros(0)


def _names(heading: Row, width: int) -> tuple[str, ...]:
    """A name for each column, all different; numbers where there is no heading."""
    names: list[str] = []
    for at in range(width):
        name = " ".join(_cell(heading, at).split()) or (f"Unnamed: {at}" if heading else str(at))
        again = names.count(name)
        names.append(f"{name}.{again}" if again else name)
    return tuple(names)


def _units(names: Sequence[str], row: Row, comments: Mapping[int, str]) -> tuple[str, ...]:
    """Of each column: from a row of units, its name, or a comment that names one for all."""
    said = [found[1] for text in comments.values() if (found := _UNIT_IN_COMMENT.search(text))]
    every = said[0] if said else ""
    return tuple(_bare(_cell(row, at)) or unit_of(name) or every for at, name in enumerate(names))


def _are_units(row: Row) -> bool:
    return any(map(_bare, row)) and all(is_missing(cell) or _bare(cell) for cell in row)


def _bare(cell: str) -> str:
    """The unit in a cell such as "mm" or "[mm]"; empty if it holds something else."""
    inner = cell.strip("[]() ")
    return inner if UNITS.fullmatch(inner) else ""


def _cell(row: Row, at: int) -> str:
    return row[at] if 0 <= at < len(row) else ""


def _short(cells: Sequence[str]) -> str:
    text = ", ".join(" ".join(cell.split()) for cell in cells[:6] if cell)
    return text[:60]
