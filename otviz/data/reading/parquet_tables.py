"""Parquet as a table: integers, floats and decimals, with or without gaps."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from otviz.data.reading.numerals import Cells
from otviz.data.reading.tables import Table, counts_rows, reading, refuse_columns

COUNTED = 1000  # rows used to detect a column that only numbers the rows


class ParquetTable(Table):
    """A Parquet file; only requested columns are read."""

    def __init__(self, path: Path, name: str) -> None:
        import pyarrow.parquet as pq
        import pyarrow.types as kinds

        self.name, self._path = name, path
        with reading(name, "Parquet"), pq.ParquetFile(path) as file:
            rows, fields = file.metadata.num_rows, list(file.schema_arrow)
        self.check_rows(rows)
        try:
            refuse_columns(len(fields))
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
        self.columns = tuple(field.name for field in fields)
        of_numbers = (kinds.is_integer, kinds.is_floating, kinds.is_decimal)
        self.numeric = tuple(field.name for field in fields if any(is_kind(field.type) for is_kind in of_numbers))
        others = {field.name: str(field.type) for field in fields if field.name not in self.numeric}
        self.strange = {name: "text" if "string" in kind else kind for name, kind in others.items()}
        self.counting = frozenset(column for column in self.numeric[:50] if counts_rows(self._values(column, COUNTED)))

    def read(self, columns: Sequence[str]) -> tuple[Cells, ...]:
        found = [self._values(column) for column in columns]
        return tuple(Cells(values, np.zeros(len(values), bool)) for values in found)

    def words(self, column: str) -> list[str]:
        import pyarrow.parquet as pq

        if column in self.numeric:
            return super().words(column)
        with reading(self.name, "Parquet"), pq.ParquetFile(self._path) as file:
            return [str(value) for value in file.read(columns=[column]).column(column).to_pylist()]

    def _values(self, column: str, rows: int | None = None) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        import pyarrow as pa
        import pyarrow.parquet as pq

        with reading(self.name, "Parquet"), pq.ParquetFile(self._path) as file:
            if rows is None:
                table = file.read(columns=[column])
            else:
                batch = next(file.iter_batches(rows, columns=[column]), None)
                table = pa.Table.from_batches(
                    [batch] if batch is not None else [], None if batch else file.schema_arrow
                )
            return np.asarray(table.column(column).cast(pa.float64(), safe=False).to_numpy(), np.float64)
