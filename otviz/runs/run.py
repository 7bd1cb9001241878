"""A run: one training played in a thread, looked at by wall clock, steered through a queue.

The thread drives the training, which lives here or in a process of its own. Others read immutable snapshots and send
commands; errors are values, never raised across.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from otviz.machine import made_on
from otviz.methods import Adversarial
from otviz.runs.config import RunConfig
from otviz.runs.diary import Diary
from otviz.runs.hosts import Host, Hosted, Hosts
from otviz.runs.kept import Restored, State
from otviz.runs.live import Here, Live
from otviz.runs.orders import Orders
from otviz.runs.pace import Pace
from otviz.runs.past import Change, Past
from otviz.runs.rhythm import Rhythm
from otviz.runs.slots import Slots
from otviz.runs.snapshots import Curve, Meter, Scene, Snapshot, curve_of
from otviz.training import Training

Status = Literal["queued", "running", "paused", "done", "stopped", "failed"]
ENDED: tuple[Status, ...] = ("done", "stopped", "failed")


class Run:
    """Plays `train` on a config.

    Args:
        run_id: its name, also on disk.
        config: what to train.
        slots: admits so many runs to the processor at once; the others wait their turn.
        save: called with the run when it pauses, ends and every 30 seconds; raises OSError when the disk is full.
        restored: what to continue: of this run as it was stored, or of another that it branches from.
        pace: of the runs that train in step with this one; they hold one slot together.
        origin: where a branch comes from, for a person.
        hosts: processes to train in; in this one if None.

    Attributes:
        live: its training, from when it is admitted until it has ended.
        past: what it began with, and what was changed after which step.
    """

    def __init__(
        self,
        run_id: str,
        config: RunConfig,
        slots: Slots | None = None,
        save: Callable[[Run], None] | None = None,
        restored: Restored | None = None,
        pace: Pace | None = None,
        origin: str = "",
        hosts: Hosts | None = None,
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
        self._pace = pace
        self._save = save
        self._restored = restored
        self.live: Live | None = None
        self._orders = Orders()
        self._diary = Diary(config.steps, restored)
        self.past = Past.behind(config, restored)
        self._turn_ends = math.inf
        self._fault = ""
        self._why_stopped = ""
        self._unsaved = ""
        self._rhythm = Rhythm()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._play, name=f"run {run_id}", daemon=True)
        self._lane = 0
        self._hosts = hosts
        self._host: Host | None = None
        if hosts is not None:
            self._lane, self._host = hosts.take()
        if pace is not None:
            pace.join(self, self.step, self._lane)  # before any of the group begins

    # What others call

    def start(self) -> Run:
        """Begin in a thread of its own; returns itself."""
        self._thread.start()
        return self

    def pause(self) -> None:
        """Stop between two steps until `resume`."""
        self._orders.give("allow", 0)

    def resume(self) -> None:
        """Go on."""
        self._orders.give("allow", math.inf)

    def do_steps(self, n: int) -> None:
        """Do n more steps, then pause; asked again before they are done, so many more."""
        self._orders.give("more", n)

    def retune(self, **changes: Any) -> None:
        """Change live knobs from the next step on. Raises ValueError at once if a change is not allowed."""
        if self.status in ENDED:
            raise ValueError(
                "this run has ended, so its settings cannot change; start a new run with the values you want"
            )
        self.config = self.config.retuned(changes)
        self._orders.give("retune", self.config.method)

    def freeze(self, frozen: bool = True) -> None:
        """Freeze the adversary, or let it learn again."""
        self._orders.give("freeze", frozen)

    def stop(self, why: str = "") -> None:
        """End for good, keeping what there is; `why` becomes its message."""
        self._why_stopped = why
        self._orders.give("stop")

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the run has ended; False if it has not within `timeout` seconds."""
        return self._ended.wait(timeout)

    def watch(self, after: int = -1) -> tuple[Snapshot, ...]:
        """Snapshots with a sequence number above `after`; being watched makes the run look more often."""
        self._rhythm.watch()
        return tuple(snapshot for snapshot in self._diary.snapshots if snapshot.sequence > after)

    @property
    def message(self) -> str:
        """For a person: why the run failed, was stopped by nobody's hand, or could not be saved; empty if nothing went wrong."""
        why = self._why_stopped if self.status == "stopped" else ""
        return "; ".join(filter(None, (self._fault, why, self._unsaved)))

    @property
    def snapshots(self) -> tuple[Snapshot, ...]:
        """All snapshots kept, without counting as watching."""
        return self._diary.snapshots

    @property
    def steps_per_second(self) -> float:
        """Speed over the last looks; 0 unless running."""
        return self._rhythm.speed if self.status == "running" else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Seconds to its last step at the pace so far, once it goes on if it is paused; None while nothing is known."""
        pace = self._rhythm.pace
        return (self.config.steps - self.step) / pace if pace and self.status in ("running", "paused") else None

    @property
    def has_adversary(self) -> bool:
        """Whether there is an adversary that could be frozen."""
        return isinstance(self.config.method, Adversarial)

    @property
    def step(self) -> int:
        """Steps done, as of the last look."""
        return self._diary.last.step if self._diary.last else 0

    @property
    def meter(self) -> Meter:
        """Measurements of the last look."""
        return self._diary.last.meter if self._diary.last else {}

    @property
    def made(self) -> dict[str, str]:
        """Device, processor and versions that its numbers come from."""
        return made_on(self.live.device if self.live else self.config.device)

    def losses(self) -> NDArray[np.float32]:
        """Losses after each step as of the last look, shape (steps, 2): generator, adversary (nan without)."""
        return self._diary.losses.all()

    def curve(self) -> Curve:
        """Losses thinned to a few hundred means over equal stretches of steps."""
        return curve_of(self.losses())

    @property
    def kept(self) -> tuple[int, ...]:
        """Steps whose weights are kept, in order: of the last look (large ones a few seconds old), and of some before it."""
        return self._diary.states.kept

    @property
    def nbytes(self) -> int:
        """What its snapshots of images and its states take in memory."""
        return self._diary.nbytes

    def state(self, step: int | None = None) -> State:
        """The training's state after `step` steps, or the newest. Raises ValueError when it was not kept."""
        states = self._diary.states
        if states.newest is None:
            raise ValueError("this run has not begun, so it has no weights yet; wait for its first step")
        return states.newest if step is None else states.at(step)

    def still(self) -> Training:
        """The training as of the newest state kept, a copy on the CPU that no longer moves. Raises ValueError before the first."""
        return self.config.training_from(self.state())

    # What the thread does

    def _play(self) -> None:
        try:
            torch.set_num_threads(1)  # small networks gain nothing from two, and the page needs the other core
            self._train()
        except Exception as error:
            kind = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
            self._fail(f"{kind}{error}")
        finally:
            self._give_way()
            if self._hosts is not None and self._host is not None:
                self._hosts.give_back(self._host)
            self._ended.set()

    def _train(self) -> None:
        if not self._admitted():
            return
        host, restored = self._host, self._restored
        live: Live = Here(self.config, restored) if host is None else Hosted(host, self.config, restored)
        self.live, self._restored = live, None
        self.frozen, self.scene = live.frozen, live.scene
        self._rhythm.saved()
        try:
            if self._look(live) and self._obey():
                self._loop(live)
        finally:
            live.close()

    def _loop(self, live: Live) -> None:
        while live.step < self.config.steps:
            if not self._has_turn(live) and not self._wait_for_turn(live):
                return
            began = time.monotonic()
            left = self.config.steps - live.step
            steps = int(min(self._rhythm.portion(), self._orders.allowed, self._turn_ends - live.step, left))
            self._diary.trained(*live.advance(steps))
            self._orders.allowed -= steps
            seconds = time.monotonic() - began
            self.seconds += seconds
            self._rhythm.trained(steps, seconds)
            last = live.step >= self.config.steps
            rests = last or self._orders.allowed <= 0
            if (rests or self._rhythm.due()) and not self._look(live, rests):
                return
            if not last and not self._obey():
                return
        self._end("done")

    def _has_turn(self, live: Live) -> bool:
        return self._pace is None or live.step < self._turn_ends < math.inf

    def _wait_for_turn(self, live: Live) -> bool:
        """Let the runs in step with this one come up. False when the run has ended meanwhile."""
        assert self._pace is not None
        began = time.monotonic()
        while not (until := self._pace.turn(self, live.step, timeout=0.1)):
            if not self._obey():
                return False
        self._turn_ends = until
        self._rhythm.waited(time.monotonic() - began)
        return True

    def _look(self, live: Live, whole: bool = False) -> bool:
        """Keep a snapshot of what was done since the last look; False, ending the run, if that is no longer numbers.

        Its state is kept too, except that large ones are taken less often unless the look must be `whole`.
        """
        save = self._rhythm.to_save()
        whole = whole or save or self._diary.states.due()
        if self._diary.tells_all(live.step, whole):
            return True
        began, before = time.monotonic(), self._diary.last
        snapshot = self._diary.look(live, self.seconds, whole)
        if snapshot is None:
            bad = self._diary.bad
            self._fail(f"the loss became NaN or infinite at step {bad}; a smaller lr or larger penalty may help")
            return False
        self.frozen = live.frozen
        if before is not None:
            steps, trained = snapshot.step - before.step, snapshot.seconds - before.seconds
            self._rhythm.looked(time.monotonic() - began, steps, trained)
        if save:
            self._store()
        return True

    def _obey(self) -> bool:
        """Carry out what was ordered; while paused, wait for one. False when the run has ended."""
        while self.status not in ENDED:
            if order := self._orders.take(wait=self.status == "paused"):
                self._carry_out(*order)
            elif self._orders.allowed <= 0:
                self._pause()
            elif self.status == "running":
                return True
            else:
                self._admitted()
        return False

    def _carry_out(self, order: str, value: Any) -> None:
        live = self.live
        assert live is not None
        if order == "stop":
            if self._look(live, whole=True):
                self._end("stopped")
        elif order == "retune":
            live.retune(value)
            self.past = self.past.then(Change(live.step, method=value))
        elif order == "freeze":
            live.freeze(value)
            self.frozen, self._diary.altered = value, True
            self.past = self.past.then(Change(live.step, frozen=value))

    def _pause(self) -> None:
        assert self.live is not None
        if self._look(self.live, whole=True):
            self.status = "paused"
            self._give_way()
            self._store()

    def _admitted(self) -> bool:
        """Wait for a slot, as queued; what needs the training is carried out later. False when told to stop."""
        self.status = "queued"
        while not self._slots.enter(self, timeout=0.1, group=self._pace):
            if self._orders.put_off():
                self._end("stopped")
                return False
        self.status = "running"
        self._rhythm.resumed()
        if self._pace is not None:
            self._pace.join(self, self.step, self._lane)
        return True

    def _give_way(self) -> None:
        self._slots.leave(self)
        self._turn_ends = math.inf
        if self._pace is not None:
            self._pace.leave(self)

    def _fail(self, message: str) -> None:
        self._fault = message
        self._end("failed")

    def _end(self, status: Status) -> None:
        self.status = status
        self._give_way()
        self._store()

    def _store(self) -> None:
        self._rhythm.saved()
        self._unsaved = ""
        if self._save is None or self.scene is None:
            return
        try:
            self._save(self)
        except Exception as error:  # whatever the disk does, the training is not lost
            reason = (error.strerror if isinstance(error, OSError) else None) or error
            later = "" if self.status in ENDED else ", it will be tried again"
            self._unsaved = f"the run could not be saved ({reason}); free some disk space{later}"
