"""The formats that a file of points may have, and the reader of each."""

from __future__ import annotations

from pathlib import Path

from otviz.core.uploads import known_as, refusal
from otviz.data.reading.array_tables import ArrayTable
from otviz.data.reading.parquet_tables import ParquetTable
from otviz.data.reading.tables import Table
from otviz.data.reading.text_tables import TextTable

EXTENSIONS = (".csv", ".tsv", ".txt", ".dat", ".npy", ".npz", ".parquet")
MAX_BYTES = 200_000_000


def open_table(path: Path) -> Table:
    """Open a file of points.

    Args:
        path: an existing file with one of EXTENSIONS, of at most MAX_BYTES.

    Raises:
        ValueError: the message names the file, the problem and what to do.
    """
    name, extension, size = known_as(path), path.suffix.lower(), path.stat().st_size
    if extension not in EXTENSIONS:
        raise ValueError(refusal(name, EXTENSIONS))
    if not 0 < size <= MAX_BYTES:
        raise ValueError(f"{name} must have from 1 byte to {MAX_BYTES / 1e6:g} MB; it has {size} bytes")
    if extension in (".npy", ".npz"):
        return ArrayTable(path, name)
    return ParquetTable(path, name) if extension == ".parquet" else TextTable(path, name)
