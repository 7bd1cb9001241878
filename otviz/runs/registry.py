"""The registry of the runs of this process: who holds each, and how many train at once."""

from __future__ import annotations

import atexit
import contextlib
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from otviz.core.files import clear_folders
from otviz.core.owners import EVERYBODY, Owner
from otviz.runs.branches import Branch
from otviz.runs.config import RunConfig
from otviz.runs.hosts.host_pool import HostPool
from otviz.runs.run import Run
from otviz.runs.run_view import ENDED
from otviz.runs.saved.run_lock import RunLock
from otviz.runs.saved.run_store import SavedRunInfo, Store, read_checkpoint
from otviz.runs.saved.summaries import Summaries, Summary
from otviz.runs.scheduling import Lockstep, Slots
from otviz.training.compare import MOST

ABANDONED = "stopped because its tab was closed"
"""Message of a run that was stopped because nobody held it."""

AT_ONCE = 2
ALIVE = 64
REMEMBERED = 64
ROOM = 500e6  # bytes of runs in memory; beyond it, too, the oldest ended runs are dropped


def _new_id(what: RunConfig | Branch, owner: Owner = EVERYBODY) -> str:
    config = what if isinstance(what, RunConfig) else what.config
    return f"{config.method.name}-{config.target.name}-{owner.fresh()}"


@dataclass
class _Hold:
    """The holders of a run: tokens of browser sessions. The run is stopped when it had none for the grace time."""

    tokens: set[str] = field(default_factory=set)
    abandoned_at: float | None = None
    paused_by_us: bool = False


class Registry:
    """Starts, finds, holds and ends runs.

    Args:
        store: where runs are saved; None keeps them in memory only.
        at_once: number of runs that train at the same time; others are queued.
        grace: seconds without a holder after which a run is stopped; it is paused at once.
        hosts: processes to train in; None trains in this one.
    """

    def __init__(
        self, store: Store | None = None, at_once: int = AT_ONCE, grace: float = 90.0, hosts: HostPool | None = None
    ) -> None:
        self.store = store
        self.grace = grace
        self.hosts = hosts
        self._summaries = None if store is None else Summaries(store)
        if store is not None:
            clear_folders(store.folder)
        self._slots = Slots(at_once)
        self._runs: dict[str, Run] = {}
        self._locks: dict[str, RunLock] = {}
        self._holds: dict[str, _Hold] = {}
        self._lock = threading.RLock()
        self._closed = threading.Event()
        self._reaper: threading.Thread | None = None
        atexit.register(self.close)

    def submit(self, config: RunConfig | Branch, owner: Owner = EVERYBODY) -> Run:
        """Start a run of this owner, or queue it. Raises ValueError if too many runs are active."""
        with self._lock:
            self._admit(1)
            return self._make(_new_id(config, owner), config).start()

    def submit_together(self, configs: Sequence[RunConfig | Branch], owner: Owner = EVERYBODY) -> list[Run]:
        """Start runs of this owner that train in lockstep and share one slot. Raises ValueError for too many runs."""
        if not 1 <= len(configs) <= MOST:
            raise ValueError(f"1 to {MOST} runs can train side by side; got {len(configs)}")
        lockstep = Lockstep()
        with self._lock:
            self._admit(len(configs))
            made = [self._make(_new_id(one, owner), one, lockstep=lockstep) for one in configs]
            return [run.start() for run in made]

    def resume(self, run_id: str) -> Run:
        """Continue a stored run that ended before its last step. Raises ValueError if it cannot be continued."""
        return self._resume([run_id], None)[0]

    def resume_together(self, run_ids: Sequence[str]) -> list[Run]:
        """Continue stored runs, in lockstep. Raises ValueError if one cannot be continued."""
        return self._resume(run_ids, Lockstep())

    def end_processes(self, run_ids: Sequence[str]) -> None:
        """Kill the processes that train these runs and do not answer. The runs fail.

        Other runs of these processes that are in no lockstep go on in another process, from their last state.
        """
        ended = [run for run in map(self.find, run_ids) if run is not None]
        others = [
            other
            for other in self.runs()
            if other not in ended and other.status not in ENDED and any(map(other.shares_process, ended))
        ]
        for run in ended:
            run.end_process()
        for other in others:
            if other.wait(10) and other.status == "failed" and not other.in_lockstep and other.is_saved:
                with contextlib.suppress(ValueError):  # it says itself why it failed
                    self.resume(other.id)

    @property
    def stored(self) -> Store:
        """Where runs are saved. Raises ValueError if they are kept in memory only."""
        if self.store is None:
            raise ValueError("runs of this process are not kept on disk")
        return self.store

    def find(self, run_id: str) -> Run | None:
        """The run with this id, or None if it is not in this process or another process has continued it."""
        if self._is_outdated(run_id):
            with self._lock:  # unless it is just being continued here
                if self._is_outdated(run_id):
                    del self._runs[run_id], self._locks[run_id]
        return self._runs.get(run_id)

    def runs(self) -> list[Run]:
        """The runs of this process, newest first."""
        return [run for run in map(self.find, reversed(list(self._runs))) if run is not None]

    def listed(self) -> list[Summary]:
        """All runs, of this process and stored, newest first. Raises ValueError if runs are kept in memory only."""
        if self._summaries is None:
            raise ValueError("runs of this process are not kept on disk")
        return self._summaries.all(self.runs())

    def tag(self, run_id: str, tags: Sequence[str]) -> None:
        """Replace the tags of a run. Raises ValueError for invalid tags or if there is no such run."""
        with self._lock:  # it must not be deleted meanwhile
            if self.find(run_id) is not None:
                self.stored.path(run_id).mkdir(parents=True, exist_ok=True)  # it may not have been saved yet
            self.stored.tag(run_id, tags)

    def delete(self, run_id: str) -> None:
        """Delete an ended run from memory and disk. Raises ValueError if it is active or cannot be deleted."""
        with self._lock:
            run = self.find(run_id)
            if run is not None and run.status not in ENDED:
                raise ValueError(f"run {run_id!r} is still {run.status}; stop it first")
            if run is not None:
                run.wait(10)  # its last save may still be under way
            if self.store is not None:
                self.store.delete(run_id)
            self._drop(run_id)

    def acquire(self, run_id: str, token: str) -> None:
        """Hold a run with `token`. If it was paused because nobody held it, it continues."""
        with self._lock:
            hold = self._holds.setdefault(run_id, _Hold())
            hold.tokens.add(token)
            hold.abandoned_at = None
            run = self._runs.get(run_id)
            if hold.paused_by_us and run is not None:
                run.resume()
            hold.paused_by_us = False

    def holders(self, run_id: str) -> int:
        """Number of holders of a run."""
        with self._lock:
            hold = self._holds.get(run_id)
            return len(hold.tokens) if hold else 0

    def release(self, token: str) -> None:
        """Release all runs held by `token`. A run without holders is paused, and stopped after the grace time."""
        with self._lock:
            for run_id, hold in self._holds.items():
                if token in hold.tokens:
                    hold.tokens.discard(token)
                    if not hold.tokens:
                        self._abandon(run_id, hold)

    def close(self) -> None:
        """Stop all runs and wait for their threads, since torch must not be interrupted at exit."""
        self._closed.set()
        for run in list(self._runs.values()):
            if run.status not in ENDED:
                run.stop()
            if run.unresponsive:  # it would never stop
                run.end_process()
        end = time.monotonic() + 10
        for run in list(self._runs.values()):
            run.wait(max(0.0, end - time.monotonic()))

    def _admit(self, more: int) -> None:
        if self._closed.is_set():
            raise ValueError("the server is ending and saves its runs; start this one once it is back")
        alive = sum(run.status not in ENDED for run in self._runs.values())
        if alive + more > ALIVE:
            raise ValueError(f"at most {ALIVE} runs can be active at once, and {alive} are; stop some of them first")

    def _unfinished(self, run_id: str) -> SavedRunInfo:
        """The stored run, if it ended before its last step; otherwise raises ValueError."""
        stored = self.stored.read(run_id)
        if stored.step >= stored.config.steps:
            raise ValueError(f"run {run_id!r} has done all its {stored.config.steps} steps; start a new one")
        return stored

    def _resume(self, run_ids: Sequence[str], lockstep: Lockstep | None) -> list[Run]:
        with self._lock, contextlib.ExitStack() as undo:
            here = [run for run in map(self.find, run_ids) if run is not None]
            living = [run for run in here if run.status not in ENDED]
            if living:
                return living  # another session has continued them already
            for run in here:
                run.wait(10)  # its last save may still be under way
            if self.store is None:
                raise ValueError(f"run {run_ids[0]!r} was not saved; start it again")
            for run_id in run_ids:
                self._unfinished(run_id)  # checked before its lock creates a folder
            locks = [undo.enter_context(contextlib.closing(RunLock(self.store.path(run_id)))) for run_id in run_ids]
            stored = [self._unfinished(run_id) for run_id in run_ids]
            self._admit(len(stored))
            branches = [Branch(one.config, read_checkpoint(self.store.path(one.id))[1], one.origin) for one in stored]
            undo.pop_all()
            made = [self._make(o.id, b, lockstep, lock) for o, b, lock in zip(stored, branches, locks, strict=True)]
            for run, one in zip(made, stored, strict=True):
                run.created = one.created
            return [run.start() for run in made]

    def _make(
        self, run_id: str, what: RunConfig | Branch, lockstep: Lockstep | None = None, lock: RunLock | None = None
    ) -> Run:
        if isinstance(what, RunConfig):
            what = Branch(what, None, "")
        save = None if self.store is None else self.store.save
        lock = RunLock(self.store.path(run_id)) if self.store is not None and lock is None else lock
        run = Run(run_id, what.config, self._slots, save, what.restored, lockstep, what.origin, self.hosts, lock)
        self._runs.pop(run_id, None)  # a resumed run is the newest again
        self._runs[run_id] = run
        if lock is not None:
            self._locks[run_id] = lock
        self._forget()
        return run

    def _is_outdated(self, run_id: str) -> bool:
        run, lock = self._runs.get(run_id), self._locks.get(run_id)
        return run is not None and lock is not None and run.wait(0) and lock.is_outdated()

    def _drop(self, run_id: str) -> None:
        """Remove a run from memory; the store still has it."""
        for kept in (self._runs, self._locks, self._holds):
            kept.pop(run_id, None)

    def _forget(self) -> None:
        """Remove the oldest ended runs from memory; the store still has them."""
        ended = [name for name, run in self._runs.items() if run.status in ENDED]
        taken = sum(run.nbytes for run in self._runs.values())
        for name in ended:
            if len(self._runs) <= REMEMBERED and taken <= ROOM:
                break
            taken -= self._runs[name].nbytes
            self._drop(name)

    def _abandon(self, run_id: str, hold: _Hold) -> None:
        hold.abandoned_at = time.monotonic()
        run = self._runs.get(run_id)
        if run is not None and run.status in ("running", "queued"):
            run.pause()
            hold.paused_by_us = True
        if self._reaper is None:
            self._reaper = threading.Thread(target=self._reap, name="registry reaper", daemon=True)
            self._reaper.start()

    def _reap(self) -> None:
        while not self._closed.wait(min(1.0, max(self.grace / 2, 0.01))):
            self._stop_abandoned()

    def _stop_abandoned(self) -> None:
        """Stop runs that have had no holder for the grace time, and remove them from memory once they are on disk."""
        with self._lock:
            for run_id, hold in list(self._holds.items()):
                if hold.abandoned_at is None or time.monotonic() - hold.abandoned_at <= self.grace:
                    continue
                run = self._runs.get(run_id)
                if run is None:
                    del self._holds[run_id]
                elif run.status not in ENDED:
                    hold.abandoned_at = time.monotonic()
                    run.stop(ABANDONED)
                    if run.unresponsive:
                        run.end_process()
                elif run.is_saved:
                    self._drop(run_id)
