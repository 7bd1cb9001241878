"""Records on disk, one JSON line each, from which a stopped job continues."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from otviz.core import records
from otviz.core.locks import alone

T = TypeVar("T")


class Journal:
    """A file that records are appended to."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self, parse: Callable[[Any], T]) -> list[T]:
        """All records, parsed; unreadable lines, as after a full disk, are skipped."""
        try:
            lines = self.path.read_bytes().splitlines()
        except OSError:  # missing, or cannot be read, so that `add` will say why
            return []
        found = []
        for line in lines:
            with contextlib.suppress(ValueError, KeyError, TypeError):
                found.append(parse(records.parsed(line, self.path.name)))
        return found

    def add(self, record: Mapping[str, Any]) -> None:
        """Append a record; several processes may do so. Raises OSError."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with alone(self.path.with_suffix(".lines")), self.path.open("ab+") as file:
            if file.tell():
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":  # the last line is incomplete
                    file.write(b"\n")
            file.write(json.dumps(record).encode() + b"\n")
