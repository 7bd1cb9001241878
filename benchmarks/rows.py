"""A row of the table of numbers: what is measured, what it should reach, and what was found on which machine."""

from __future__ import annotations

import datetime
import json
import platform
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil
import torch

from otviz.core.machine import processor

RESULTS = Path(__file__).parent / "results"
QUIET = 0.3
"""Cores that other programs may use, at most, when a row is measured."""


@dataclass(frozen=True)
class Measured:
    """What a row found.

    Attributes:
        shown: the cell of the table.
        reached: whether the target was reached; None when it could not be tried.
        value, reference, ratio: ours, what it is compared with, and how much better; None where there is no such number.
        extra: whatever else is worth keeping, as plain values.
        sample: what the numbers rest on.
        seconds: processor time of all runs, for rows made of runs that may have been kept from before.
    """

    shown: str
    reached: bool | None
    value: float | None = None
    reference: float | None = None
    ratio: float | None = None
    extra: dict[str, Any] = field(default_factory=dict)
    sample: str = ""
    seconds: float | None = None


@dataclass(frozen=True)
class Row:
    """One line of the table; `measure` may take minutes, and seconds when its effort is quick."""

    name: str
    what: str
    target: str
    measure: Callable[[Effort], Measured]


@dataclass
class Effort:
    """How hard to try. `journal` keeps finished runs of long rows, so that a broken-off one goes on where it stopped."""

    quick: bool = False
    journal: Path | None = None

    def once(self, key: tuple[Any, ...], run: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """The result kept under `key`, or that of `run`, which is kept."""
        kept = self._kept()
        name = " ".join(map(str, key))
        if name not in kept:
            found = run()
            if self.journal is None:
                return found
            self.journal.parent.mkdir(parents=True, exist_ok=True)
            with self.journal.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"key": name, "found": found}) + "\n")
            return found
        return kept[name]

    def _kept(self) -> dict[str, dict[str, Any]]:
        if self.journal is None or not self.journal.exists():
            return {}
        lines = [json.loads(line) for line in self.journal.read_text(encoding="utf-8").splitlines()]
        return {line["key"]: line["found"] for line in lines}


def load(seconds: float = 3.0) -> float:
    """Number of cores in use, by any program, on average over the next seconds.

    Unlike the load average, it has forgotten the row that was measured a moment before.
    """
    return float(psutil.cpu_percent(interval=seconds)) / 100 * (psutil.cpu_count() or 1)


def wait_until_quiet(patience: float = 120, busy: Callable[[], float] = load) -> float:
    """Wait until other programs leave the machine alone, and return the number of cores they still use.

    Args:
        patience: longest wait in seconds.
        busy: tells the number of cores in use.

    Raises:
        ValueError: they did not within that time.
    """
    until = time.monotonic() + patience
    while (found := busy()) > QUIET:
        if time.monotonic() > until:
            raise ValueError(
                f"other programs use {found:.1f} cores, more than {QUIET:g}, so that times would mean little; "
                "end them, or add --busy, which marks the numbers"
            )
    return found


def machine(load_before: float) -> dict[str, Any]:
    """Where a number was measured."""
    return {
        "cpu": processor(),
        "cores": psutil.cpu_count() or 1,
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "load": round(load_before, 2),
        "date": datetime.date.today().isoformat(),
    }


def record_of(row: Row, found: Measured, seconds: float, load_before: float) -> dict[str, Any]:
    """What a row found, where and when, as plain values."""
    return {
        "row": row.name, "what": row.what, "target": row.target, **asdict(found),
        "seconds": round(seconds if found.seconds is None else found.seconds, 1), "machine": machine(load_before),
    }  # fmt: skip


def store(row: Row, found: Measured, seconds: float, load_before: float, folder: Path = RESULTS) -> None:
    """Write what a row found."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(record_of(row, found, seconds, load_before), indent=1)
    (folder / f"{row.name}.json").write_text(text + "\n", encoding="utf-8")


def stored(row: Row, folder: Path = RESULTS) -> dict[str, Any] | None:
    """What was found last time, or None."""
    path = folder / f"{row.name}.json"
    if not path.exists():
        return None
    record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return record
