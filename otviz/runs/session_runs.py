"""The runs of the server as one browser session sees them: the only way by which pages reach them."""

from __future__ import annotations

import threading
from collections.abc import Collection, Sequence

from otviz.core.owners import Owner, Quota
from otviz.runs.branches import Branch
from otviz.runs.config import RunConfig
from otviz.runs.registry import Registry
from otviz.runs.run import Run
from otviz.runs.run_view import ENDED
from otviz.runs.saved.run_store import Store
from otviz.runs.saved.summaries import Summary

_ADMISSION = threading.RLock()  # two tabs of a session must not both take its last place


class SessionRuns:
    """The registry for one session: it lists the session's runs, and opens others only by an id that cannot be guessed.

    Args:
        registry: of the server.
        owner: the session, or everybody.
        quota: what the session may have.
    """

    def __init__(self, registry: Registry, owner: Owner, quota: Quota) -> None:
        self.owner = owner
        self._registry = registry
        self._quota = quota

    def submit(self, config: RunConfig | Branch) -> Run:
        """As `Registry.submit`. Raises ValueError also when the session's quota is used up."""
        with _ADMISSION:
            self._admit(1)
            return self._registry.submit(config, self.owner)

    def submit_together(self, configs: Sequence[RunConfig | Branch]) -> list[Run]:
        """As `Registry.submit_together`. Raises ValueError also when the session's quota is used up."""
        with _ADMISSION:
            self._admit(len(configs))
            return self._registry.submit_together(configs, self.owner)

    def resume(self, run_id: str) -> Run:
        """As `Registry.resume`. Raises ValueError also when the session's quota is used up, or for a run of nobody."""
        with _ADMISSION:
            self._admit_again([run_id])
            return self._registry.resume(run_id)

    def resume_together(self, run_ids: Sequence[str]) -> list[Run]:
        """As `Registry.resume_together`. Raises ValueError also when the session's quota is used up, or for a run of nobody."""
        with _ADMISSION:
            self._admit_again(run_ids)
            return self._registry.resume_together(run_ids)

    @property
    def stored(self) -> Store:
        """The runs on disk that the session may open. Raises ValueError if they are kept in memory only."""
        return Store(self._registry.stored.folder, self.owner)

    def find(self, run_id: str) -> Run | None:
        """As `Registry.find`."""
        return self._registry.find(run_id) if self.owner.may_open(run_id) else None

    def listed(self, also: Collection[str] = ()) -> list[Summary]:
        """The session's runs, and those with the ids in `also` if it may open them, newest first. Raises ValueError."""
        opened = {run_id for run_id in also if self.owner.may_open(run_id)}
        return [run for run in self._registry.listed() if self.owner.owns(run.id) or run.id in opened]

    def tag(self, run_id: str, tags: Sequence[str]) -> None:
        """As `Registry.tag`. Raises ValueError."""
        self.owner.check(run_id)
        self._registry.tag(run_id, tags)

    def delete(self, run_id: str) -> None:
        """As `Registry.delete`. Raises ValueError."""
        self.owner.check(run_id)
        self._registry.delete(run_id)

    def end_processes(self, run_ids: Sequence[str]) -> None:
        """As `Registry.end_processes`, of runs that the session may open."""
        self._registry.end_processes([run_id for run_id in run_ids if self.owner.may_open(run_id)])

    def acquire(self, run_id: str, token: str) -> None:
        """As `Registry.acquire`, of a run that was found."""
        self._registry.acquire(run_id, token)

    def release(self, token: str) -> None:
        """As `Registry.release`."""
        self._registry.release(token)

    def holders(self, run_id: str) -> int:
        """As `Registry.holders`."""
        return self._registry.holders(run_id)

    def _admit(self, more: int) -> None:
        if self.owner.secret:
            runs = self._registry.runs()
            living = sum(run.status not in ENDED and self.owner.owns(run.id) for run in runs)
            self._quota.admit_runs(self.owner, living, more)
            self._quota.admit_bytes(self.owner)

    def _admit_again(self, run_ids: Sequence[str]) -> None:
        for run_id in run_ids:
            self.owner.check(run_id)
        here = map(self._registry.find, run_ids)
        if all(run is None or run.status in ENDED for run in here):  # else they live already
            self._admit(len(run_ids))
