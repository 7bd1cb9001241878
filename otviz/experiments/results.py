"""Results on disk: one JSON file per experiment, with the values of all seeds and the machine."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from otviz.core import __version__, records
from otviz.core.files import ROOT, home, write_whole
from otviz.core.machine import cores, processor, versions
from otviz.core.records import fields, flag, listed, number, text, whole
from otviz.experiments.evidence import OUTCOME
from otviz.experiments.experiment import Outcome

FORMAT = 1
"""Format version of a results file; others are rejected."""

SHIPPED = ROOT / "results"
"""Folder of the shipped results, from full runs."""

RESULT = fields(
    {
        "format": whole(FORMAT, FORMAT), "experiment": text(80), "quick": flag, "otviz": text(40),
        "versions": fields({}, others=text(200)), "machine": fields({"processor?": text(200), "cores?": whole(1)}),
        "seconds": number(0, 1e10), "outcomes": listed(OUTCOME, 1000),
    }
)  # fmt: skip


def experiments_folder() -> Path:
    """The folder of the user's results: `experiments` under OTVIZ_HOME (.otviz)."""
    return home() / "experiments"


@dataclass(frozen=True)
class Result:
    """The result of an experiment.

    Attributes:
        experiment: its name.
        quick: whether it was the short form, on which no verdict can be based.
        outcomes: one per seed, in order.
        otviz, versions: version of otviz, and of its dependencies by name.
        machine: system, processor and cores.
    """

    experiment: str
    quick: bool
    outcomes: tuple[Outcome, ...]
    otviz: str
    versions: Mapping[str, str]
    machine: Mapping[str, str | int]

    @property
    def seconds(self) -> float:
        """Sum of the seconds of all seeds."""
        return sum(outcome.seconds for outcome in self.outcomes)

    def record(self) -> dict[str, Any]:
        """As JSON-compatible values."""
        return {
            "format": FORMAT, "experiment": self.experiment, "quick": self.quick, "otviz": self.otviz,
            "versions": dict(self.versions), "machine": dict(self.machine), "seconds": round(self.seconds, 3),
            "outcomes": [outcome.record() for outcome in self.outcomes],
        }  # fmt: skip


def result_of(
    experiment: str, outcomes: Sequence[Outcome], quick: bool, machine: Mapping[str, str | int] | None = None
) -> Result:
    """The result of a run.

    Args:
        experiment: its name.
        outcomes: of its seeds.
        quick: whether it was the short form.
        machine: where it ran; None: this machine.
    """
    here: dict[str, str | int] = {
        "system": platform.system(), "processor": processor(), "cores": cores(),
    }  # fmt: skip
    ordered = tuple(sorted(outcomes, key=lambda outcome: outcome.seed))
    return Result(experiment, quick, ordered, __version__, versions(), machine or here)


def read(experiment: str, folder: Path = SHIPPED) -> Result | None:
    """The stored result of an experiment, or None.

    Raises ValueError for a file that is damaged or has another format version.
    """
    path = folder / f"{experiment}.json"
    if not path.exists():
        return None
    try:
        record = records.read(path, RESULT)
    except ValueError as error:
        raise ValueError(f"{error}; run the experiment again") from error
    outcomes = tuple(Outcome.from_record(each) for each in record["outcomes"])
    return Result(
        record["experiment"], record["quick"], outcomes, record["otviz"], record["versions"], record["machine"]
    )


def write(result: Result, folder: Path = SHIPPED) -> Path:
    """Write a result atomically and return its path. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{result.experiment}.json"
    write_whole(path, (json.dumps(result.record(), indent=1, allow_nan=False) + "\n").encode())
    return path
