"""Text tables: CSV in any locale, TSV, and columns separated by blanks, read by pandas with a detected `layout`."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from otviz.data.reading import tables
from otviz.data.reading.layout import Layout, layout_of, width_of
from otviz.data.reading.numerals import MISSING, Cells, numbers_in
from otviz.data.reading.tables import Table, reading, refuse_columns

if TYPE_CHECKING:
    import pandas as pd

HEAD_BYTES, HEAD_LINES = 1_000_000, 1000  # start of a file that is used to detect its layout
NARROW = 50  # up to this many columns all are read, to detect rows that are too long
MARKS = (b"#", b"%", b"//")  # start of comment lines
_EXCEL = (b"#N/A", b"#NAME?", b"#NUM!", b"#NULL!", b"#DIV/0!", b"#VALUE!", b"#REF!")  # cells, not comments
_NO_TEXT = {
    b"PK\x03\x04": "a ZIP or an Excel workbook", b"\xd0\xcf\x11\xe0": "an Excel workbook", b"\x1f\x8b": "packed by gzip",
    b"%PDF": "a PDF", b"\x89PNG": "a picture", b"PAR1": "a Parquet file", b"\x93NUMPY": "a NumPy file",
}  # fmt: skip


class TextTable(Table):
    """A text table. The file is decoded as a whole, its layout detected from its head, and parsed by pandas' C parser."""

    def __init__(self, path: Path, name: str) -> None:
        self.name = name
        self._kind = path.suffix[1:].upper()
        with reading(name, self._kind):
            data = path.read_bytes()
        self._data, self._letters = _as_utf8(data, name)
        self._comments = _comment_lines(self._data)
        self.columns = self._layout.names
        self.numeric = tuple(self.columns[at] for at in self._layout.numeric)
        self.counting = frozenset(self.columns[at] for at in self._layout.counting)
        self.strange = self._layout.strange
        self.units = {name: unit for name, unit in zip(self.columns, self._layout.units, strict=True) if unit}
        self.notes = self._said()

    @cached_property
    def _layout(self) -> Layout:
        head = self._data[:HEAD_BYTES].decode(errors="replace")
        lines = [line.removesuffix("\r") for line in head.split("\n")]
        width = width_of(lines)
        if len(self._data) > HEAD_BYTES:
            lines.pop()  # it may be incomplete
        lines = lines[:HEAD_LINES]
        comments = {at: lines[at] for at in self._comments if at < len(lines)}
        with reading(self.name, self._kind):
            try:
                refuse_columns(width)  # before cells are parsed
                return layout_of(lines, comments, "\t" if self._kind == "TSV" else ",")
            except ValueError as error:
                trouble = str(error)
        raise ValueError(f"{self.name}: {trouble}")

    def _said(self) -> tuple[str, ...]:
        layout, notes = self._layout, [self._letters] if self._letters else []
        if self._comments:
            notes.append(f"{len(self._comments)} lines of comments left out")
        thousands, decimal = layout.style
        if decimal == ",":
            notes.append("decimal comma read")
        if thousands:
            notes.append(f"thousands separated by {'a space' if thousands == ' ' else thousands} read")
        return (*notes, *layout.notes)

    def read(self, columns: Sequence[str]) -> tuple[Cells, ...]:
        places = [self.columns.index(name) for name in columns]
        plain = None if self._layout.style.thousands else self._parsed(places)
        if plain is not None:
            self.check_rows(len(plain))
        return tuple(self._cells(plain, place) for place in places)

    def _cells(self, plain: pd.DataFrame | None, place: int) -> Cells:
        if plain is not None and plain[place].dtype.kind in "iuf":
            values = plain[place].to_numpy(np.float64)
            return Cells(values, np.zeros(len(values), bool))
        texts = self._texts(place)
        self.check_rows(len(texts))
        return numbers_in(texts, self._layout.style)

    def words(self, column: str) -> list[str]:
        return [str(text).strip() for text in self._texts(self.columns.index(column))]

    def row(self, index: int) -> str:
        for line in sorted({*self._layout.skip, *self._comments}):
            index += line <= index
        return f"row {index + 1}"

    def text(self, column: str, index: int) -> str:
        texts = self._texts(self.columns.index(column), index + 1)
        return " ".join(str(texts.iloc[index]).split())[:40] if index < len(texts) else ""

    def _texts(self, place: int, rows: int | None = None) -> pd.Series[str]:
        return self._parsed([place], rows, dtype=str, keep_default_na=False, na_values=[])[place]

    def _parsed(self, places: Sequence[int], rows: int | None = None, **options: Any) -> pd.DataFrame:
        import pandas as pd

        layout = self._layout
        narrow = layout.width <= NARROW
        words = [*MISSING, *map(str.upper, MISSING), *map(str.capitalize, MISSING)]
        try:
            with reading(self.name, self._kind):
                return pd.read_csv(
                    io.BytesIO(self._data), sep=layout.separator, header=None, names=range(layout.width), index_col=False,
                    usecols=None if narrow else sorted(set(places)), decimal=layout.style.decimal, skip_blank_lines=False,
                    skiprows=sorted({*layout.skip, *self._comments}), skipinitialspace=True, low_memory=False,
                    nrows=tables.MAX_ROWS_READ + 1 if rows is None else rows, float_precision="round_trip",
                    **{"na_values": words, **options},
                )  # fmt: skip
        except ValueError as error:
            wide = re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", str(error))
            if not wide:
                raise
            expected, line, saw = wide.groups()
            raise ValueError(
                f"{self.name}, row {line}: it has {saw} cells, other rows have {expected}; correct or remove that row"
            ) from error


def _as_utf8(data: bytes, name: str) -> tuple[bytes, str]:
    """The text as UTF-8, with line feeds if necessary, and notes on the encoding."""
    for begin, what in _NO_TEXT.items():
        if data.startswith(begin):
            raise ValueError(f"{name} is {what}, despite its name; save the table in it as CSV")
    text, note = _decoded(data, name)
    if "\n" not in text:
        text = text.replace("\r", "\n")
    return text.encode(), note


def _decoded(data: bytes, name: str) -> tuple[str, str]:
    head = data[:1000]
    wide = head.count(0) * 4 > len(head)  # UTF-16 without byte order mark
    order = "utf-16-le" if head[1::2].count(0) > head[::2].count(0) else "utf-16-be"
    marked = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    tries = ["utf-16"] if marked else [order] if wide else ["utf-8-sig", "cp1252", "latin-1"]
    for encoding in tries:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if sum(letter < " " and letter not in "\t\r\n\f" for letter in text[:1000]) * 20 > len(text[:1000]):
            break
        return text, "text read as Windows-1252, not UTF-8" if encoding in tries[1:] else ""
    raise ValueError(f"{name} holds bytes that are not text; save it as CSV, or give it the right extension")


def _comment_lines(data: bytes) -> list[int]:
    """Numbers of comment lines, from 0; none if all lines, or all below a heading, look like comments."""
    places = [0] if data.startswith(MARKS) else []
    for mark in MARKS:
        found = data.find(b"\n" + mark)
        while found >= 0:
            places.append(found + 1)
            found = data.find(b"\n" + mark, found + 1)
    places = [place for place in places if not data.startswith(_EXCEL, place)]
    lines, line, before = [], 0, 0
    for place in sorted(places):
        line += data.count(b"\n", before, place)
        before = place
        lines.append(line)
    return lines if len(lines) < data.strip().count(b"\n") else []
