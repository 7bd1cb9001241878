"""A run: one training driven by a thread, with snapshots by wall clock and commands through a queue.

The training itself is in this process or in a host. Other threads read immutable snapshots and send commands. Errors in the
run's thread become its status and message.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from otviz.core.files import reason
from otviz.core.machine import made_on
from otviz.methods import Adversarial
from otviz.runs.change_log import Change, ChangeLog, RunCheckpoint
from otviz.runs.config import RunConfig
from otviz.runs.hosts.host_pool import HostLease, HostPool
from otviz.runs.run_history import RunHistory
from otviz.runs.run_view import ENDED, Status
from otviz.runs.saved.run_lock import RunLock
from otviz.runs.scheduling import CommandQueue, Lockstep, LoopTimer, Slots, Standing
from otviz.runs.snapshots import Curve, Meter, Scene, Snapshot, curve_of
from otviz.runs.takeover import Takeover
from otviz.runs.training_handle import TrainingHandle
from otviz.training.driver import Chunk, Diverged, drive
from otviz.training.loop import Training, TrainingState


class Run:
    """A training that runs in a thread.

    Args:
        run_id: name of the run, also of its folder.
        config: what to train.
        slots: limits how many runs train at once; others wait.
        save: called with the run every 30 seconds, and when it pauses or ends; may raise OSError.
        restored: the state to continue from, of this run or of one that it branches from.
        lockstep: shared by runs that train in lockstep; they also share one slot.
        origin: where a branch comes from, in words.
        hosts: processes to train in; None trains in this one.
        lock: closed once the run has ended and is saved.

    Attributes:
        live: the training; None until the run gets its slot.
        change_log: the initial settings, and each change with its step.
    """

    def __init__(
        self,
        run_id: str,
        config: RunConfig,
        slots: Slots | None = None,
        save: Callable[[Run], None] | None = None,
        restored: RunCheckpoint | None = None,
        lockstep: Lockstep | None = None,
        origin: str = "",
        hosts: HostPool | None = None,
        lock: RunLock | None = None,
    ) -> None:
        self.id = run_id
        self.config = config
        self.status: Status = "queued"
        self.scene: Scene | None = None
        self.frozen = restored is not None and restored.frozen
        self.created = time.time()
        self.seconds = restored.snapshots[-1].seconds if restored and restored.snapshots else 0.0
        self.origin = origin
        self._slots = slots or Slots(1)
        self._lockstep = lockstep
        self._save = save
        self._restored = restored
        self.live: TrainingHandle | None = None
        self._commands = CommandQueue()
        self._history = RunHistory(config.steps, restored)
        self.change_log = ChangeLog.from_restored(config, restored)
        self._turn_ends = math.inf
        self._error = self._stop_reason = ""
        self._lock = lock
        self._save_error = lock.refusal if lock else ""
        self._timer = LoopTimer()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._play, name=f"run {run_id}", daemon=True)
        self._lease = HostLease(hosts)
        if lockstep is not None:
            lockstep.join(self, self.step, self._lease.lane)  # before any of the group begins

    # For other threads

    def start(self) -> Run:
        """Start the thread; returns the run itself."""
        self._thread.start()
        return self

    def pause(self) -> None:
        """Pause between two steps until `resume`."""
        self._commands.put("allow", 0)

    def resume(self) -> None:
        """Continue after a pause."""
        self._commands.put("allow", math.inf)

    def do_steps(self, n: int) -> None:
        """Do n more steps, then pause. Repeated calls add up."""
        self._commands.put("more", n)

    def retune(self, **changes: Any) -> None:
        """Change live knobs from the next step on. Raises ValueError if a change is not allowed or the run has ended."""
        if self.status in ENDED:
            raise ValueError(
                "this run has ended, so its settings cannot change; start a new run with the values you want"
            )
        self.config = self.config.retuned(changes)
        self._commands.put("retune", self.config.method)

    def freeze(self, frozen: bool = True) -> None:
        """Freeze or unfreeze the adversary."""
        self._commands.put("freeze", frozen)

    def stop(self, why: str = "") -> None:
        """End the run and save it as it is; `why` becomes its message."""
        self._stop_reason = why
        self._commands.put("stop")

    def end_process(self) -> None:
        """Kill the process that trains this run and does not answer; its runs fail, and can go on from their last save."""
        self._lease.end_host("the training process did not answer and was ended")

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the run has ended; returns False if it has not within `timeout` seconds."""
        return self._ended.wait(timeout)

    def watch(self, after: int = -1) -> tuple[Snapshot, ...]:
        """Snapshots with a sequence number above `after`. A run takes snapshots more often while watched."""
        self._timer.watch()
        return tuple(snapshot for snapshot in self._history.snapshots if snapshot.sequence > after)

    @property
    def message(self) -> str:
        """Why the run failed, was stopped, or could not be saved; empty if nothing went wrong."""
        why = self._stop_reason if self.status == "stopped" else ""
        return "; ".join(filter(None, (self._error, why, self._save_error)))

    @property
    def is_saved(self) -> bool:
        """Whether it has ended and its last save has succeeded."""
        return self._ended.is_set() and self._save is not None and not self._save_error

    @property
    def unresponsive(self) -> bool:
        """Whether the process that trains it gives no sign of life."""
        return self.status not in ENDED and self._lease.is_hung

    def shares_process(self, other: Run) -> bool:
        """Whether the same process trains both."""
        return self._lease.host is not None and self._lease.host is other._lease.host

    @property
    def in_lockstep(self) -> bool:
        """Whether it trains in lockstep with others."""
        return self._lockstep is not None

    @property
    def standing(self) -> Standing:
        """Its place in the queue, and how many runs it takes turns with."""
        return self._slots.standing(self)

    @property
    def snapshots(self) -> tuple[Snapshot, ...]:
        """All snapshots kept, oldest first. Reading them does not count as watching."""
        return self._history.snapshots

    @property
    def steps_per_second(self) -> float:
        """Speed between the last two snapshots; 0 unless running."""
        return self._timer.speed if self.status == "running" else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Estimated seconds of training to the last step; None if unknown, or if not running or paused."""
        pace = self._timer.mean_speed
        return (self.config.steps - self.step) / pace if pace and self.status in ("running", "paused") else None

    @property
    def has_adversary(self) -> bool:
        """Whether the method has an adversary."""
        return isinstance(self.config.method, Adversarial)

    @property
    def step(self) -> int:
        """Steps done at the last snapshot."""
        return self._history.last.step if self._history.last else 0

    @property
    def meter(self) -> Meter:
        """Metrics of the last snapshot."""
        return self._history.last.meter if self._history.last else {}

    @property
    def environment(self) -> dict[str, str]:
        """Device, processor and library versions that its numbers come from."""
        return made_on(self.live.device if self.live else self.config.device)

    def losses(self) -> NDArray[np.float32]:
        """Losses of every step up to the last snapshot, shape (steps, 2): generator, adversary (nan without)."""
        return self._history.losses.all()

    def curve(self) -> Curve:
        """Losses averaged over a few hundred equal intervals."""
        return curve_of(self.losses())

    @property
    def saved_steps(self) -> tuple[int, ...]:
        """Steps whose weights are kept, increasing. Those of large networks may be a few seconds old."""
        return self._history.states.saved_steps

    @property
    def nbytes(self) -> int:
        """Memory taken by states and snapshots of images, in bytes."""
        return self._history.nbytes

    def state(self, step: int | None = None) -> TrainingState:
        """The training state after `step` steps; the newest if None. Raises ValueError if it was not kept."""
        states = self._history.states
        if states.newest is None:
            raise ValueError("this run has not begun, so it has no weights yet; wait for its first step")
        return states.newest if step is None else states.at(step)

    def training_copy(self) -> Training:
        """A copy on the CPU of the training at the newest state kept. Raises ValueError if there is none."""
        return self.config.training_from(self.state())

    # For the run's own thread

    def _play(self) -> None:
        try:
            torch.set_num_threads(1)  # small networks gain nothing from more, and the page needs a core
            self._train()
        except Exception as error:
            kind = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
            self._error = f"{kind}{error}"
            self._end("failed")
        finally:
            self._release_slot()
            self._lease.release()
            if self._lock is not None:
                self._lock.close()
            self._ended.set()

    def _train(self) -> None:
        if not self._acquire_slot():
            return
        fresh, live = self._restored is None, self._lease.open(self.config, self._restored)
        if self._lockstep is not None:
            self._lockstep.join(self, self.step, self._lease.lane)  # its host may be another one by now
        self.live, self._restored = live, None
        self.frozen, self.scene = live.frozen, live.scene
        self._timer.record_save()
        try:
            self._take_snapshot(live)
            if not self._save_error and (fresh or self.origin):  # a process killed at once loses no run
                self._store()
            takeover = Takeover(self.config, live.device)
            for _ in drive(live, self, [self._history.record, self._record], seconds=self.seconds):
                self._take_snapshot(live, rests=self._rests(live.step))
                if takeover.due(self.seconds, self.seconds_left) and live.take_over():
                    self.change_log = self.change_log.with_change(Change(live.step, compiled=True))
        except Diverged:
            if self._history.states.newest is not None:
                live.restore(self._history.states.newest)
            raise
        finally:
            live.close()

    def next_steps(self, done: int) -> int | None:
        """As a schedule: steps until the clock and the commands are checked again; None once the run has ended."""
        if done >= self.config.steps:
            self._end("done")
        elif self._process_commands() and self._wait_for_turn(done):
            left = min(self._commands.steps_allowed, self._turn_ends - done, self.config.steps - done)
            return int(min(self._timer.chunk_size(), left))
        return None

    def record_steps(self, steps: int, seconds: float) -> None:
        """As a schedule: record the time that the last steps took."""
        self._commands.steps_allowed -= steps
        self._timer.record_steps(steps, seconds)

    def snapshot_due(self, done: int) -> bool:
        """As a schedule: whether to take a snapshot."""
        return self._rests(done) or self._timer.snapshot_due()

    def _rests(self, done: int) -> bool:
        return done >= self.config.steps or self._commands.steps_allowed <= 0

    def _record(self, chunk: Chunk) -> None:
        self.seconds = chunk.seconds

    def _wait_for_turn(self, done: int) -> bool:
        """Wait for this run's turn in its lockstep. False if the run has ended meanwhile."""
        if self._lockstep is None or done < self._turn_ends < math.inf:
            return True
        began = time.monotonic()
        while not (until := self._lockstep.turn(self, done, timeout=0.1)):
            if not self._process_commands():
                return False
        self._turn_ends = until
        self._timer.record_wait(time.monotonic() - began)
        return True

    def _take_snapshot(self, live: TrainingHandle, rests: bool = False) -> None:
        """Record a snapshot unless the last one is up to date. Raises Diverged if a weight is NaN or infinite.

        The state is recorded too; large ones only every few seconds, unless it `rests`.
        """
        save = self._timer.save_due()
        whole = rests or save or self._history.states.due()
        if self._history.is_up_to_date(live.step, whole, rests):
            return
        began, before = time.monotonic(), self._history.last
        snapshot = self._history.take_snapshot(live, self.seconds, whole, rests)
        self.frozen = live.frozen
        if before is not None:
            steps, trained = snapshot.step - before.step, snapshot.seconds - before.seconds
            self._timer.record_snapshot(time.monotonic() - began, steps, trained)
        if save:
            self._store()

    def _process_commands(self) -> bool:
        """Execute all commands; while paused, wait for more. False if the run has ended."""
        while self.status not in ENDED:
            if command := self._commands.get(wait=self.status == "paused"):
                self._execute(*command)
            elif self._commands.steps_allowed <= 0:
                self._pause()
            elif self.status != "running":
                self._acquire_slot()
            elif self._has_turn():
                return True
        return False

    def _has_turn(self) -> bool:
        """Whether it may train now. If others wait for a slot, it waits a moment for its next turn."""
        if self._slots.keeps(self, self._lockstep):
            return True
        began = time.monotonic()
        free = self._slots.acquire(self, timeout=0.1, group=self._lockstep)
        self._timer.record_wait(time.monotonic() - began)
        return free

    def _execute(self, command: str, value: Any) -> None:
        live = self.live
        assert live is not None
        if command == "stop":
            self._take_snapshot(live, rests=True)
            self._end("stopped")
        elif command == "retune":
            live.retune(value)
            self.change_log = self.change_log.with_change(Change(live.step, method=value))
        elif command == "freeze":
            live.freeze(value)
            self.frozen, self._history.changed_since_snapshot = value, True
            self.change_log = self.change_log.with_change(Change(live.step, frozen=value))

    def _pause(self) -> None:
        assert self.live is not None
        self._take_snapshot(self.live, rests=True)
        self.status = "paused"
        self._release_slot()
        self._store()

    def _acquire_slot(self) -> bool:
        """Wait for a slot. Commands that need the training are deferred. False if told to stop."""
        self.status = "queued"
        while not self._slots.acquire(self, timeout=0.1, group=self._lockstep):
            if self._commands.defer():
                self._end("stopped")
                return False
        self.status = "running"
        self._timer.restart_clock()
        if self._lockstep is not None:
            self._lockstep.join(self, self.step, self._lease.lane)
        return True

    def _release_slot(self) -> None:
        self._slots.release(self)
        self._turn_ends = math.inf
        if self._lockstep is not None:
            self._lockstep.leave(self)

    def _end(self, status: Status) -> None:
        self.status = status
        self._release_slot()
        self._store()

    def _store(self) -> None:
        self._timer.record_save()
        if self._save is None or self.scene is None:
            return
        try:
            if self._lock is not None:
                self._lock.hold()  # in case the disk could not be written when the run began
            self._save(self)
            self._save_error = ""
        except Exception as error:  # a failed save must not end the training
            why = reason(error) if isinstance(error, OSError) else error
            later = "" if self.status in ENDED else "; it will be tried again"
            self._save_error = f"the run could not be saved ({why}){later}"
