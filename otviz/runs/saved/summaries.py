"""The list of runs: a summary of each, read again only if its files have changed."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from otviz import methods
from otviz.core.records import LAST, read
from otviz.data import datasets, distributions
from otviz.data.target import Kind
from otviz.runs.run_view import ENDED, RunView
from otviz.runs.saved.file_schema import CONFIG, SUMMARY
from otviz.runs.saved.run_lock import is_locked
from otviz.runs.saved.run_store import Store, read_tags
from otviz.runs.snapshots import Meter

DAMAGED = "damaged"
"""Status of a folder that cannot be read; it can only be deleted."""


@dataclass(frozen=True)
class Summary:
    """A run in the list.

    Attributes:
        id: of the run.
        method, target: their names.
        method_title, target_title: their titles.
        kind: points or images; points for a damaged run.
        status: of the run, or DAMAGED.
        step, steps: steps done and planned.
        seed: of the run.
        seconds: training time.
        created: time of its start, in seconds since 1970.
        meter: finite metrics of the last snapshot.
        tags: given by users.
        note: what is wrong, or where a branch comes from.
    """

    id: str
    method: str
    target: str
    method_title: str
    target_title: str
    kind: Kind
    status: str
    step: int
    steps: int
    seed: int
    seconds: float
    created: float
    meter: Meter
    tags: tuple[str, ...] = ()
    note: str = ""


class Summaries:
    """The list of all runs of a store. Later calls read only what has changed."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[str, tuple[tuple[int, ...], Summary]] = {}
        self._lock = threading.Lock()  # if several pages ask at once, the first one reads for all

    def all(self, here: Sequence[RunView] = ()) -> list[Summary]:
        """Summaries of all runs, newest first.

        Args:
            here: runs of this process, whose current state is used instead of the saved one.
        """
        living = {run.id: run for run in here}
        with self._lock:
            stored = {name: self._read(name) for name in self._store.ids() if name not in living}
            self._known = {name: known for name, known in self._known.items() if name in stored}
        found = [*map(self._of_run, living.values()), *stored.values()]
        return sorted(found, key=lambda summary: summary.created, reverse=True)

    def _of_run(self, run: RunView) -> Summary:
        tags = read_tags(self._store.path(run.id))
        return replace(_of_record(run.id, run.config.record(), _state_of(run)), tags=tags)

    def _read(self, name: str) -> Summary:
        folder = self._store.path(name)
        stamp = tuple(_stamp(folder / file) for file in ("summary.json", "config.json", "tags.json"))
        known = self._known.get(name)
        if known is None or known[0] != stamp:
            known = self._known[name] = stamp, _read(folder)
        summary = known[1]
        trains = summary.step < summary.steps and is_locked(folder)
        return replace(summary, status="elsewhere") if trains else summary


def _state_of(run: RunView) -> dict[str, Any]:
    note = run.message or run.origin
    return {
        "status": run.status, "step": run.step, "seconds": run.seconds, "created": run.created, "meter": run.meter,
        "note": note,
    }  # fmt: skip


def _read(folder: Path) -> Summary:
    try:
        config, kept = read(folder / "config.json", CONFIG), read(folder / "summary.json", SUMMARY)
        status = kept["status"] if kept["status"] in ENDED else "stopped"
        summary = _of_record(
            folder.name, config, {**kept, "status": status, "note": kept["message"] or kept.get("origin", "")}
        )
    except ValueError as error:
        created = min(max(_stamp(folder / "summary.json") / 1e9, 0.0), LAST)
        note = f"damaged: {error}; delete it"
        return Summary(folder.name, "", "", "", "", "points", DAMAGED, 0, 0, 0, 0.0, created, {}, (), note)
    return replace(summary, tags=read_tags(folder))


def _of_record(name: str, config: Mapping[str, Any], state: Mapping[str, Any]) -> Summary:
    """A summary from the records alone, so that images and uploaded files need not be available."""
    method, target = str(config["method"]["name"]), str(config["target"]["name"])
    kind: Kind = "images" if "networks" in config else "points"
    kinds: Mapping[str, Any] = datasets.datasets() if kind == "images" else distributions.distributions()
    return Summary(
        name, method, target, _title(methods.methods(), method), _title(kinds, target), kind, str(state["status"]),
        int(state["step"]), int(config["steps"]), int(config["seed"]), float(state["seconds"]), float(state["created"]),
        _known(state["meter"]), (), str(state["note"]),
    )  # fmt: skip


def _known(meter: Meter) -> Meter:
    """Metrics without NaN and infinity, which a table cannot sort."""
    return {
        name: value
        for name, value in meter.items()
        if value is not None and not (isinstance(value, float) and not math.isfinite(value))
    }


def _title(kinds: Mapping[str, Any], name: str) -> str:
    return str(kinds[name].title) if name in kinds else name


def _stamp(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:  # not there
        return 0
