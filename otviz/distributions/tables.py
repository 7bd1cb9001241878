"""Two columns of numbers from a file: CSV, TSV, NPY or Parquet. Whatever is wrong with it becomes one ValueError."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

EXTENSIONS = (".csv", ".tsv", ".npy", ".parquet")
SEPARATORS = {".csv": ",", ".tsv": "\t"}
MAX_BYTES = 200_000_000
MAX_ROWS_READ = 20_000_000  # Parquet packs equal values, so the size of a file does not bound what it unpacks to
HEAD = 1000  # rows of a text file from which the kinds of its columns are told

Columns = NDArray[np.float64]


def extension_of(name: str | Path) -> str:
    """The lower-case extension of a file name. Raises ValueError if no file of that kind is read here."""
    extension = Path(name).suffix.lower()
    if extension not in EXTENSIONS:
        raise ValueError(f"a file must end in {', '.join(EXTENSIONS)}; got {str(name)!r}")
    return extension


def read_columns(path: Path, x: str = "", y: str = "") -> tuple[Columns, tuple[str, str]]:
    """Read two columns of a file, and their names.

    Args:
        path: an existing file of at most MAX_BYTES.
        x, y: names of the columns (numbers from "0" where the file names none); empty: the first numeric ones.

    Returns:
        The columns side by side, shape (rows, 2), float64, nan where a value is missing; the names of x and y.

    Raises:
        ValueError: one sentence that names the file, what is wrong and the mend.
    """
    extension = _extension_in_bounds(path)
    if extension == ".npy":
        return _read_npy(path, x, y)
    if extension == ".parquet":
        return _read_parquet(path, x, y)
    return _read_text(path, x, y, SEPARATORS[extension])


def numeric_columns(path: Path) -> tuple[str, ...]:
    """The names of the columns of numbers that a file has, in its order. Raises ValueError as `read_columns`."""
    extension = _extension_in_bounds(path)
    if extension == ".npy":
        return tuple(_npy_columns(path))
    if extension == ".parquet":
        return tuple(_parquet_columns(path)[1])
    return tuple(_text_columns(path, SEPARATORS[extension])[2])


def _extension_in_bounds(path: Path) -> str:
    extension, size = extension_of(path), path.stat().st_size
    if not 0 < size <= MAX_BYTES:
        raise ValueError(f"{path.name} must have from 1 byte to {MAX_BYTES / 1e6:g} MB; it has {size} bytes")
    return extension


@contextlib.contextmanager
def _reading(path: Path, kind: str) -> Iterator[None]:
    """Turn whatever a reader raises on a damaged file (pandas and pyarrow raise many kinds) into a ValueError."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise ValueError(f"{path.name} is not UTF-8 text; save it again as UTF-8 {kind}") from error
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        raise ValueError(f"{path.name} cannot be read as {kind} ({reason}); save it again") from error


def _pick(path: Path, names: Sequence[str], numeric: Sequence[str], x: str, y: str) -> tuple[str, str]:
    """The columns to read: those asked for, otherwise the first numeric ones that are left."""
    for knob, wanted in (("x", x), ("y", y)):
        if wanted and wanted not in names:
            raise ValueError(f"{knob} must be a column of {path.name} ({_list(names)}); got {wanted!r}")
        if wanted and wanted not in numeric:
            raise ValueError(f"{knob} must be a column of numbers ({_list(numeric)}); {wanted!r} holds something else")
    if x and x == y:
        raise ValueError(f"x and y must be two columns of {path.name} ({_list(numeric)}); both are {x!r}")
    # A column without a heading is the row number that pandas writes, not a coordinate.
    left = [name for name in numeric if name not in (x, y) and not name.startswith("Unnamed: ")]
    if len(left) < (not x) + (not y):
        raise ValueError(
            f"{path.name} must have two columns of numbers; of its columns ({_list(names)}) "
            f"those are numbers: {_list(numeric)}"
        )
    first = x or left.pop(0)
    return first, y or left.pop(0)


def _list(names: Sequence[str]) -> str:
    more = f" and {len(names) - 20} more" if len(names) > 20 else ""
    return (", ".join(" ".join(name.split())[:40] for name in names[:20]) or "none") + more


def _few(path: Path, rows: int) -> None:
    if rows > MAX_ROWS_READ:
        raise ValueError(
            f"{path.name} must have at most {MAX_ROWS_READ} rows; it has {rows} or more: keep some of them"
        )


def _text_columns(path: Path, separator: str) -> tuple[dict[str, Any], list[str], list[str]]:
    """How to read a text file, the names of its columns, and those that hold numbers."""
    import pandas as pd

    options: dict[str, Any] = {"sep": separator, "encoding": "utf-8-sig", "compression": None}
    options["skipinitialspace"] = separator == ","
    with _reading(path, "CSV" if separator == "," else "TSV"):
        first = pd.read_csv(path, nrows=1, header=None, **options)
        # Without a heading, pandas refuses a second row wider than the first; with one, it would shift the columns.
        pd.read_csv(path, nrows=2, header=None, **options)
        options["header"] = None if _starts_with_data(first) else 0
        head = pd.read_csv(path, nrows=HEAD, index_col=False, **options)
    names = [str(name) for name in head.columns]
    numeric = [name for name, dtype in zip(names, head.dtypes, strict=True) if dtype.kind in "iuf"]
    return options, names, numeric


def _read_text(path: Path, x: str, y: str, separator: str) -> tuple[Columns, tuple[str, str]]:
    import pandas as pd

    options, names, numeric = _text_columns(path, separator)
    chosen = _pick(path, names, numeric, x, y)
    places = [names.index(name) for name in chosen]
    with _reading(path, "CSV" if separator == "," else "TSV"):
        table = pd.read_csv(path, usecols=places, nrows=MAX_ROWS_READ + 1, index_col=False, **options)
        table = table.iloc[:, np.argsort(np.argsort(places))]  # read_csv keeps the order of the file
    _few(path, len(table))
    for name, dtype in zip(chosen, table.dtypes, strict=True):
        if dtype.kind not in "iuf":
            raise ValueError(f"column {name!r} of {path.name} must hold numbers only; after row {HEAD} it holds text")
    return table.to_numpy(np.float64), chosen


def _starts_with_data(first: Any) -> bool:
    """Whether the first row is a point already. A row 0, 1, 2 ... is the heading that pandas writes for an array."""
    if not all(dtype.kind in "iuf" for dtype in first.dtypes):
        return False
    row = first.to_numpy(np.float64)[0]
    row = row[~np.isnan(row)]
    return not np.array_equal(row, np.arange(len(row)))


def _npy_columns(path: Path) -> list[str]:
    """The columns of an array, by number. Nothing of it is loaded."""
    shape, dtype, begin = _npy_header(path)
    if dtype.kind not in "iuf" or len(shape) != 2 or shape[1] < 2:
        raise ValueError(
            f"{path.name} must hold real numbers of shape (rows, 2) or wider; it holds {dtype} of shape {shape}"
        )
    # The header is only a claim: an array is made of it only if the file is as long as it says.
    claimed, held = math.prod(shape) * dtype.itemsize, path.stat().st_size - begin
    if claimed > held:
        raise ValueError(f"{path.name} claims {claimed} bytes of numbers but holds {held}; save it again")
    _few(path, shape[0])
    return [str(column) for column in range(min(shape[1], 10_000))]


def _read_npy(path: Path, x: str, y: str) -> tuple[Columns, tuple[str, str]]:
    names = _npy_columns(path)
    chosen = _pick(path, names, names, x, y)
    rows = _npy_header(path)[0][0]
    with _reading(path, "NPY"):
        array = np.load(path, allow_pickle=False, mmap_mode="r" if rows else None)  # nothing cannot be mapped
        return np.stack([np.asarray(array[:, int(name)], np.float64) for name in chosen], axis=1), chosen


def _npy_header(path: Path) -> tuple[tuple[int, ...], np.dtype[Any], int]:
    """Shape and dtype that an NPY file claims, and where its numbers begin."""
    with _reading(path, "NPY"), path.open("rb") as file:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(file)
        begin = file.tell()
    if dtype.hasobject:
        raise ValueError(f"{path.name} holds Python objects (pickle), which are never opened; save it as numbers")
    return shape, dtype, begin


def _parquet_columns(path: Path) -> tuple[list[str], list[str]]:
    """The names of the columns of a Parquet file, and those that hold numbers."""
    import pyarrow.parquet as pq
    import pyarrow.types as kinds

    with _reading(path, "Parquet"), pq.ParquetFile(path) as file:
        rows = file.metadata.num_rows
        fields = list(file.schema_arrow)
    _few(path, rows)
    numeric = [field.name for field in fields if kinds.is_integer(field.type) or kinds.is_floating(field.type)]
    return [field.name for field in fields], numeric


def _read_parquet(path: Path, x: str, y: str) -> tuple[Columns, tuple[str, str]]:
    import pyarrow.parquet as pq

    names, numeric = _parquet_columns(path)
    chosen = _pick(path, names, numeric, x, y)
    with _reading(path, "Parquet"), pq.ParquetFile(path) as file:
        table = file.read(columns=list(dict.fromkeys(chosen)))
        columns = [np.asarray(table.column(name).to_numpy(), np.float64) for name in chosen]
        return np.stack(columns, axis=1), chosen
