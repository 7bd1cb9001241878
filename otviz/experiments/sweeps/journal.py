"""Outcomes on disk: one line of JSON each, so that a stopped or enlarged sweep continues from the results so far."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from pathlib import Path

from otviz.core.files import home
from otviz.core.version import __version__
from otviz.data import distributions
from otviz.experiments.sweeps.sweep import Cell, Outcome, Sweep, identity


class Journal:
    """Outcomes of all sweeps with the same target, source and steps.

    Its file is named by a hash of these, each line by that of its run: a value, method or seed more costs only its own runs.

    Args:
        sweep: whose outcomes.
        folder: where the file lies; `sweeps` under OTVIZ_HOME (.otviz) if None.
    """

    def __init__(self, sweep: Sweep, folder: Path | None = None) -> None:
        self._sweep = sweep
        shared = {
            "otviz": __version__, "steps": sweep.steps,
            "target": distributions.record(sweep.target), "source": distributions.record(sweep.source),
        }  # fmt: skip
        name = hashlib.sha256(json.dumps(shared, sort_keys=True).encode()).hexdigest()[:16]
        folder = home() / "sweeps" if folder is None else folder
        self.path = folder / f"{name}.jsonl"

    def read(self) -> dict[Cell, Outcome]:
        """The outcomes there are of the sweep's cells. Lines that cannot be read, as of a full disk, count as not there."""
        try:
            lines = self.path.read_text(encoding="utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            return {}
        found = dict(filter(None, map(_parsed, lines)))
        names = {cell: identity(self._sweep.config(cell)) for cell in self._sweep.cells()}
        return {cell: found[name] for cell, name in names.items() if name in found}

    def add(self, cell: Cell, outcome: Outcome) -> None:
        """Write one down. Raises OSError."""
        line = {"run": identity(self._sweep.config(cell)), "outcome": dataclasses.asdict(outcome)}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab+") as file:
            if file.tell():
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":  # the last line was broken off
                    file.write(b"\n")
            file.write(json.dumps(line).encode() + b"\n")


def _parsed(line: str) -> tuple[str, Outcome] | None:
    try:
        kept = json.loads(line)
        return str(kept["run"]), Outcome.from_record(kept["outcome"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
