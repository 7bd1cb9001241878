"""Records on disk, one JSON line each, from which a stopped job continues."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")


class Journal:
    """A file that records are appended to."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self, parse: Callable[[Any], T]) -> list[T]:
        """All records, parsed; unreadable lines, as after a full disk, are skipped."""
        try:
            lines = self.path.read_text(encoding="utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            return []
        found = []
        for line in lines:
            with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError):
                found.append(parse(json.loads(line)))
        return found

    def add(self, record: Mapping[str, Any]) -> None:
        """Append a record. Raises OSError."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab+") as file:
            if file.tell():
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":  # the last line is incomplete
                    file.write(b"\n")
            file.write(json.dumps(record).encode() + b"\n")
