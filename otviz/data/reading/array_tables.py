"""NumPy files as tables: NPY, and NPZ with arrays of points. Nothing is unpickled."""

from __future__ import annotations

import math
import re
import sys
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from otviz.core.files import CarefulFile
from otviz.core.uploads import known_as
from otviz.data.reading.numerals import Cells
from otviz.data.reading.tables import MOST_COLUMNS, Table, counts_rows, listed, reading

MOST_ARRAYS = 1000
MOST_BYTES = 2_000_000_000  # largest size of an unpacked array
MOST_LIST_BYTES = 1_000_000  # largest size of the central directory of an NPZ
PLAIN = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # with other methods everything is unpacked at once
FIRST = ("points", "xy", "positions", "coords", "coordinates", "data", "samples", "generated", "target", "x")
"""Preferred names of arrays, also as run0_<name>, as in an export of several runs."""


@dataclass(frozen=True)
class Stored:
    """An array that is not read yet.

    Attributes:
        name: name in the NPZ; empty for an NPY.
        shape, dtype: as in the header.
    """

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def across(self) -> bool:
        """Whether its two rows are x and y."""
        return len(self.shape) > 1 and self.shape[-2] == 2 and self.shape[-1] > 2

    @property
    def rows(self) -> int:
        """Number of points."""
        return self.shape[0] if len(self.shape) == 1 else self.shape[-1] if self.across else self.shape[-2]

    @property
    def columns(self) -> tuple[str, ...]:
        """Fields of a structured array, or numbers; () if it is not an array of real points."""
        fields, shape = self.dtype.names, self.shape
        if fields and len(shape) == 1:
            return tuple(field for field in fields if self.dtype[field].kind in "iuf")
        exported = len(shape) == 3 and shape[-1] == 2 and shape[0] > 0 and bool(self.name)  # format of a run
        measured = re.match(r"(run\d+_)?meter_", self.name)  # metrics of an exported run, not its points
        if measured or self.dtype.kind not in "iuf" or not (len(shape) in (1, 2) or exported):
            return ()
        width = 1 if len(shape) == 1 else 2 if self.across else shape[-1]
        return tuple(str(column) for column in range(min(width, MOST_COLUMNS)))

    def describe(self) -> str:
        """Kind and shape in words."""
        return f"{self.name} {self.dtype} of shape {self.shape}".strip()


class ArrayTable(Table):
    """Columns of an array of points; in an NPZ those of the main array first."""

    def __init__(self, path: Path, name: str) -> None:
        self.name, self._path = name, path
        self._kind = path.suffix[1:].upper()
        stored = self._npz() if self._kind == "NPZ" else [self._npy()]
        self._read: dict[str, NDArray[Any]] = {}
        main = self._main(stored)
        length = main[0].rows
        beside = [
            one for one in stored if one.columns and one not in main and (one.rows == length or len(one.columns) == 2)
        ]
        beside.sort(key=lambda one: one.rows != length)
        several = sum(len(one.columns) > 1 for one in (*main, *beside)) > 1
        self._places = {
            _label(one, column, several): (one, column) for one in (*main, *beside) for column in one.columns
        }
        self.check_rows(length)
        self.columns = self.numeric = tuple(self._places)
        self.first = tuple(label for label, (one, _) in self._places.items() if one in main)
        self.counting = frozenset(label for label in self.first[:50] if counts_rows(self._values(label)[:1000]))
        self.notes = _notes(main, beside)

    def _main(self, stored: Sequence[Stored]) -> list[Stored]:
        """The array of points, or one-dimensional arrays that are its columns."""
        flat = {one.name: one for one in stored if len(one.columns) == 1 and len(one.shape) == 1}
        wide = [one for one in stored if len(one.columns) > 1]
        lower = {name.lower(): one for name, one in flat.items()}
        if {"x", "y"} <= set(lower) and lower["x"].rows == lower["y"].rows:
            return [lower["x"], lower["y"]]
        if wide:
            return [min(wide, key=_rank)]
        lengths = Counter(one.rows for one in flat.values()).most_common(1)
        images = any(len(one.shape) > 2 for one in stored)  # the other arrays then describe them
        if lengths and lengths[0][1] > 1 and not images:
            return [one for one in flat.values() if one.rows == lengths[0][0]]
        if any(one.dtype.hasobject for one in stored):
            raise ValueError(f"{self.name} holds Python objects (pickle), which are never opened; save it as numbers")
        held = listed([one.describe() for one in stored])
        raise ValueError(f"{self.name} must hold real numbers of shape (rows, 2) or wider; it holds {held}")

    def read(self, columns: Sequence[str]) -> tuple[Cells, ...]:
        if len({self._places[column][0].rows for column in columns}) > 1:
            lengths = ", ".join(f"{column} has {self._places[column][0].rows}" for column in columns)
            raise ValueError(f"columns must have the same number of rows in {self.name}; {lengths}: choose others")
        found = [self._values(column) for column in columns]
        return tuple(Cells(values, np.zeros(len(values), bool)) for values in found)

    def _values(self, label: str) -> NDArray[np.float64]:
        one, column = self._places[label]
        array = self._array(one)
        if one.dtype.names:
            return np.asarray(array[column], np.float64)
        array = array[-1] if array.ndim == 3 else array[:, None] if array.ndim == 1 else array
        return np.asarray((array.T if one.across else array)[:, int(column)], np.float64)

    def _array(self, one: Stored) -> NDArray[Any]:
        if one.name not in self._read:
            with reading(self.name, self._kind):
                if self._kind == "NPZ":
                    with _opened(self._path) as archive, archive.open(f"{one.name}.npy") as file:
                        self._read[one.name] = np.lib.format.read_array(file, allow_pickle=False)
                else:  # empty arrays cannot be memory-mapped
                    self._read[one.name] = np.load(self._path, allow_pickle=False, mmap_mode="r" if one.rows else None)
        return self._read[one.name]

    def _npy(self) -> Stored:
        with reading(self.name, "NPY"), self._path.open("rb") as file:
            one = _header(file, "")
            held = self._path.stat().st_size - file.tell()
        self._check_size(one, held)
        return one

    def _npz(self) -> list[Stored]:
        stored, held = [], []
        with reading(self.name, "NPZ"), _opened(self._path) as archive:
            for member in archive.infolist()[:MOST_ARRAYS]:
                if member.filename.endswith(".npy") and member.compress_type in PLAIN:
                    with archive.open(member) as file:
                        stored.append(_header(file, member.filename.removesuffix(".npy")))
                        held.append(member.file_size - file.tell())
        for one, size in zip(stored, held, strict=True):
            self._check_size(one, size)
        return stored

    def _check_size(self, one: Stored, held: int) -> None:
        """Raise ValueError unless the file is as long as the header claims."""
        claimed = math.prod(one.shape) * one.dtype.itemsize
        if one.columns and claimed > held:
            raise ValueError(f"{self.name} claims {claimed} bytes of numbers but holds {held}; save it again")
        if one.columns and claimed > MOST_BYTES:
            raise ValueError(
                f"{self.name} must hold arrays of at most {MOST_BYTES / 1e9:g} GB; {one.name} has {claimed} bytes"
            )


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """All arrays of an NPY or NPZ file by name; that of an NPY is called "". Raises ValueError for a damaged or huge file."""
    name, kind = known_as(path), path.suffix[1:].upper()
    with reading(name, kind):
        if kind == "NPY":
            return {"": np.load(path, allow_pickle=False, mmap_mode="r")}
        found: dict[str, NDArray[Any]] = {}
        with _opened(path) as archive:
            for member in archive.infolist()[:MOST_ARRAYS]:
                if member.file_size > MOST_BYTES:
                    raise ValueError(f"{member.filename} has {member.file_size:,} bytes, more than {MOST_BYTES:,}")
                if member.filename.endswith(".npy") and member.compress_type in PLAIN:
                    with archive.open(member) as file:
                        array = np.lib.format.read_array(file, allow_pickle=False)
                    found[member.filename.removesuffix(".npy")] = array
    return found


def _header(file: IO[bytes], name: str) -> Stored:
    """Read the header of an array in NPY format; the file is then at the data."""
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(file)
    return Stored(name, shape, dtype)


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    with CarefulFile(path, MOST_LIST_BYTES) as file, zipfile.ZipFile(file) as archive:
        file.most = sys.maxsize
        yield archive


def _rank(one: Stored) -> tuple[int, bool]:
    """Sort key: arrays that are probably points come first, by name, then by having two columns."""
    name = re.sub(r"^run\d+_", "", one.name.lower())
    return FIRST.index(name) if name in FIRST else len(FIRST), len(one.columns) != 2


def _label(one: Stored, column: str, several: bool) -> str:
    """The name of a column: that of its array if it has only one, its number, or both."""
    if len(one.shape) == 1 and not one.dtype.names:
        return one.name
    return f"{one.name}.{column}" if several and one.name else column


def _notes(main: Sequence[Stored], beside: Sequence[Stored]) -> tuple[str, ...]:
    one, notes = main[0], []
    others = [other.name for other in beside if len(other.columns) > 1]
    last = f", the last of its {one.shape[0]}" if len(one.shape) == 3 else ""
    if len(main) == 1 and (others or last):
        notes.append(f"array {one.name} used{last}" + (f"; others: {listed(others)}" if others else ""))
    if one.across:
        notes.append(f"array of shape {one.shape} transposed: its two rows are x and y")
    return tuple(notes)
