"""Where the outcomes of sweeps are kept."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from otviz.core.files import home
from otviz.core.version import __version__
from otviz.experiments.jobs.journal import Journal
from otviz.experiments.sweeps.sweep import Cell, Outcome, Sweep, identity


class SweepJournal(Journal):
    """Outcomes of all sweeps with the same target, source and steps: in `sweeps` under OTVIZ_HOME (.otviz).

    Its file is named by a hash of these, each line by that of its run: a value, method or seed more costs only its own runs.
    """

    def __init__(self, sweep: Sweep) -> None:
        self._sweep = sweep
        shared = {
            "otviz": __version__, "steps": sweep.steps,
            "target": sweep.target.record(), "source": sweep.source.record(),
        }  # fmt: skip
        name = hashlib.sha256(json.dumps(shared, sort_keys=True).encode()).hexdigest()[:16]
        super().__init__(home() / "sweeps" / f"{name}.jsonl")

    def outcomes(self) -> dict[Cell, Outcome]:
        """The outcomes there are of the sweep's cells."""
        found = dict(self.read(_parsed))
        names = {cell: identity(self._sweep.config(cell)) for cell in self._sweep.cells()}
        return {cell: found[name] for cell, name in names.items() if name in found}

    def save(self, cell: Cell, outcome: Outcome) -> None:
        """Write one down. Raises OSError."""
        self.add({"run": identity(self._sweep.config(cell)), "outcome": dataclasses.asdict(outcome)})


def _parsed(line: Mapping[str, Any]) -> tuple[str, Outcome]:
    return str(line["run"]), Outcome.from_record(line["outcome"])
