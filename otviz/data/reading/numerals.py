"""Number formats: decimal commas, thousands separators, units after the digits."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

MISSING = frozenset(
    (
        "",
        "na",
        "n/a",
        "#n/a",
        "#na",
        "<na>",
        "nan",
        "-nan",
        "+nan",
        "null",
        "none",
        "nil",
        "missing",
        "-",
        "--",
        "?",
        ".",
    )
)
"""Cells without a value, in lower case."""

_PREFIX = "(?:[fpnuµμmcdhkKMGT]|da)?"
_BASE = (
    "(?:m|s|g|A|K|V|W|J|N|T|H|F|C|Pa|Hz|eV|mol|rad|deg|bar|min|h|d|yr|in|ft|px|[Pp]ixels?|pt|pc|ly|AU|au|arcsec|arcmin|mas|"
    "inch(?:es)?|(?:[Kk]ilo|[Cc]enti|[Mm]illi|[Mm]icro|[Nn]ano)?[Mm]et(?:er|re)s?|[Dd]egrees?|seconds?|us|um|micrometers?|microns?|counts?|cts|arb|Å|Ω|°[CFNSEW]?|a\\.u\\.)"
)
_ONE = rf"{_PREFIX}{_BASE}(?:\^?-?\d|[²³])?"
UNIT = rf"(?:%|‰|{_ONE}(?:\s?[/·*]\s?{_ONE})*)"
"""A unit of measurement, as a regular expression."""

UNITS = re.compile(UNIT)


class Style(NamedTuple):
    """The number format of a file; `thousands` is the separator, empty for none, " " for any space."""

    thousands: str
    decimal: str


PLAIN = Style("", ".")
STYLES = (PLAIN, *map(Style._make, [("", ","), (",", "."), (".", ","), (" ", "."), (" ", ","), ("'", "."), ("'", ",")]))
_GROUPS = {" ": "[ \u00a0\u2009\u202f]", "'": "['’]"}


@functools.cache
def number(style: Style) -> str:
    """A regular expression for numbers of a style."""
    decimal, group = re.escape(style.decimal), _group(style)
    whole = rf"(?:[1-9]\d{{0,2}}(?:{group}\d{{3}})+|\d+)" if group else r"\d+"
    return rf"[+\-−]?(?:{whole}(?:{decimal}\d*)?|{decimal}\d+)(?:[eEdD][+\-−]?\d+)?|[+\-−]?[iI]nf(?:inity)?"


def _group(style: Style) -> str:
    return _GROUPS.get(style.thousands, re.escape(style.thousands))


@functools.cache
def _with_unit(style: Style) -> re.Pattern[str]:
    return re.compile(rf"({number(style)})\s?({UNIT})?")


_ANY = re.compile(rf"(?:{'|'.join(number(style) for style in STYLES)})(?:\s?{UNIT})?")


def is_number(cell: str) -> bool:
    """Whether a cell is a number in any style, with or without a unit."""
    return _ANY.fullmatch(cell.strip()) is not None


def is_missing(cell: str) -> bool:
    """Whether a cell has no value."""
    return cell.strip().lower() in MISSING


def style_of(cells: Iterable[str], commas_between: bool) -> Style:
    """The style that fits most cells.

    Args:
        cells: numbers in one style, with or without a unit.
        commas_between: whether commas separate columns; then "1,234" in quotes is 1234, otherwise 1.234.
    """
    order = sorted(STYLES, key=lambda style: (style != PLAIN, commas_between and style != (",", ".")))
    some = [cell.strip() for cell in cells]
    fits = {style: sum(_with_unit(style).fullmatch(cell) is not None for cell in some) for style in order}
    return max(order, key=fits.__getitem__)  # the first in a tie


class Cells(NamedTuple):
    """A column of numbers.

    Attributes:
        values: (rows,), float64, nan for missing numbers.
        bad: mask of cells that are neither numbers nor empty, (rows,).
        unit: unit after the numbers, or empty.
    """

    values: NDArray[np.float64]
    bad: NDArray[np.bool_]
    unit: str = ""


def numbers_in(texts: pd.Series[str], style: Style) -> Cells:
    """The numbers in cells, all in one style and with one unit; other cells are bad."""
    import pandas as pd

    stripped = texts.fillna("").str.strip()
    parts = stripped.str.extract(rf"^({number(style)})\s?({UNIT})?$")
    units = parts[1].fillna("")
    found = units[parts[0].notna()]
    unit = str(found.mode().iloc[0]) if len(found) else ""
    digits = parts[0].where(units == unit).str.replace("−", "-", regex=False).str.replace("[dD]", "e", regex=True)
    if style.thousands:
        digits = digits.str.replace(_group(style), "", regex=True)
    if style.decimal != ".":
        digits = digits.str.replace(style.decimal, ".", regex=False)
    values = pd.to_numeric(digits, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    missing = stripped.str.lower().isin(MISSING).to_numpy(bool)
    return Cells(values, np.isnan(values) & ~missing, unit)
