"""A run: one training played in a thread, looked at by wall clock, steered through a queue.

The thread owns the training. Others read immutable snapshots and send commands; errors are values, never raised across.
"""

from __future__ import annotations

import math
import queue
import threading
import time
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from otviz.methods import Adversarial
from otviz.runs.config import RunConfig
from otviz.runs.kept import Losses, Restored, State, States, collect
from otviz.runs.pace import Pace
from otviz.runs.probe import Probe
from otviz.runs.slots import Slots
from otviz.runs.snapshots import Curve, Meter, Scene, Snapshot, curve_of, thinned
from otviz.training import Step, Training, start, train

Status = Literal["queued", "running", "paused", "done", "stopped", "failed"]
ENDED: tuple[Status, ...] = ("done", "stopped", "failed")
WATCHED, UNWATCHED = 0.06, 0.25  # seconds between looks while somebody watches, and while nobody does
SAVED = 30.0  # seconds between saves of a run that goes on
LOOK_SHARE = 12  # a look may cost at most 1/12 of the time until the next
LONGEST = 2.0  # seconds between looks at most, however long one look was held up


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
    ) -> None:
        self.id = run_id
        self.config = config
        self.status: Status = "queued"
        self.scene: Scene | None = None
        self.frozen = False
        self.created = time.time()
        self.seconds = restored.snapshots[-1].seconds if restored and restored.snapshots else 0.0
        self.origin = origin
        self._slots = slots or Slots(1)
        self._pace = pace
        self._save = save
        self._restored = restored
        self._commands: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        self._snapshots: tuple[Snapshot, ...] = restored.snapshots if restored else ()
        self._losses = Losses(restored.losses if restored else None)
        self._later: list[tuple[str, Any]] = []  # commands that came while queued
        self._pending: list[Step] = []
        self._states = States(config.steps)
        self._allowed: float = math.inf  # steps until the next pause
        self._fault = ""
        self._unsaved = ""
        self._watched_at = 0.0
        self._speed = 0.0
        self._look_cost = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._play, name=f"run {run_id}", daemon=True)
        if pace is not None:
            pace.join(self, self.step)  # before any of the group begins

    # What others call

    def start(self) -> Run:
        """Begin in a thread of its own; returns itself."""
        self._thread.start()
        return self

    def pause(self) -> None:
        """Stop between two steps until `resume`."""
        self._commands.put(("allow", 0))

    def resume(self) -> None:
        """Go on."""
        self._commands.put(("allow", math.inf))

    def do_steps(self, n: int) -> None:
        """Do n more steps, then pause; asked again before they are done, so many more."""
        self._commands.put(("more", n))

    def retune(self, **changes: Any) -> None:
        """Change live knobs from the next step on. Raises ValueError at once if a change is not allowed."""
        if self.status in ENDED:
            raise ValueError("this run has ended, so its knobs cannot change; start a new run with the values you want")
        self.config = self.config.retuned(changes)
        self._commands.put(("retune", self.config.method))

    def freeze(self, frozen: bool = True) -> None:
        """Freeze the adversary, or let it learn again."""
        self._commands.put(("freeze", frozen))

    def stop(self) -> None:
        """End for good, keeping what there is."""
        self._commands.put(("stop", None))

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the run has ended; False if it has not within `timeout` seconds."""
        return self._ended.wait(timeout)

    def watch(self, after: int = -1) -> tuple[Snapshot, ...]:
        """Snapshots with a sequence number above `after`; being watched makes the run look more often."""
        self._watched_at = time.monotonic()
        return tuple(snapshot for snapshot in self._snapshots if snapshot.sequence > after)

    @property
    def message(self) -> str:
        """What went wrong, for a person: why the run failed, or could not be saved; empty if nothing did."""
        return "; ".join(part for part in (self._fault, self._unsaved) if part)

    @property
    def snapshots(self) -> tuple[Snapshot, ...]:
        """All snapshots kept, without counting as watching."""
        return self._snapshots

    @property
    def steps_per_second(self) -> float:
        """Speed over the last looks; 0 unless running."""
        return self._speed if self.status == "running" else 0.0

    @property
    def has_adversary(self) -> bool:
        """Whether there is an adversary that could be frozen."""
        return isinstance(self.config.method, Adversarial)

    @property
    def step(self) -> int:
        """Steps done, as of the last look."""
        return self._snapshots[-1].step if self._snapshots else 0

    @property
    def meter(self) -> Meter:
        """Measurements of the last look."""
        return self._snapshots[-1].meter if self._snapshots else {}

    def losses(self) -> NDArray[np.float32]:
        """Losses after each step as of the last look, shape (steps, 2): generator, adversary (nan without)."""
        return self._losses.all()

    def curve(self) -> Curve:
        """Losses thinned to a few hundred means over equal stretches of steps."""
        return curve_of(self.losses())

    @property
    def kept(self) -> tuple[int, ...]:
        """Steps whose weights are kept, in order: of the last look, and of some looks before it."""
        return self._states.kept

    def state(self, step: int | None = None) -> State:
        """The training's state after `step` steps, or as of the last look. Raises ValueError when it was not kept."""
        newest = self._states.newest
        if newest is None:
            raise ValueError("this run has not begun, so it has no weights yet; wait for its first step")
        return newest if step is None else self._states.at(step)

    def still(self) -> Training:
        """The training as of the last look, a copy on the CPU that no longer moves. Raises ValueError before the first."""
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
            self._ended.set()

    def _train(self) -> None:
        if not self._admitted():
            return
        config = self.config
        self.training = start(
            config.method,
            config.target,
            config.source,
            steps=config.steps,
            seed=config.seed,
            device=config.device,
            compile=config.compile,
        )
        if self._restored is not None:
            self.training.restore(self._restored.tensors, self._restored.text)
            self.frozen, self._restored = self.training.frozen, None
        self.probe = Probe(self.training, config.seed)
        self.scene = self.probe.scene
        self._saved_at = time.monotonic()
        if self._look() and self._obey():
            self._loop(self.training)

    def _loop(self, training: Training) -> None:
        next_look = since = time.monotonic()
        for step in train(self.config.method, self.config.target, training=training):
            self._pending.append(step)
            self._allowed -= 1
            now, last = time.monotonic(), step.number >= training.steps
            due = last or now >= next_look or self._allowed <= 0
            turn = self._pace is None or self._pace.has_turn(self, step.number)
            if not due and turn and self._commands.empty():
                continue
            self.seconds += now - since
            if due:
                before = self._snapshots[-1]
                if not self._look():
                    return
                next_look = self._plan(before, time.monotonic() - now)
            if not last and not self._obey():
                return
            since = time.monotonic()
            if not turn and not last:
                if not self._wait_for_turn(step.number):
                    return
                waited, since = time.monotonic() - since, time.monotonic()
                next_look += waited  # a run's looks are paced by its own time, not by that of the others
        self._end("done")

    def _wait_for_turn(self, step: int) -> bool:
        """Let the runs in step with this one come up. False when the run has ended meanwhile."""
        assert self._pace is not None
        while not self._pace.turn(self, step, timeout=0.1):
            if not self._obey():
                return False
        return True

    def _plan(self, before: Snapshot, spent: float) -> float:
        """When to look next: often while watched, never for more than a share of the time. Saves now and then."""
        now, last = time.monotonic(), self._snapshots[-1]
        if last.seconds > before.seconds:
            self._speed = (last.step - before.step) / (last.seconds - before.seconds)
        if now - self._saved_at > SAVED:
            self._store()
        pause = WATCHED if now - self._watched_at < 3 else UNWATCHED
        self._look_cost += (spent - self._look_cost) / 4  # a running mean: some looks also draw the field
        return time.monotonic() + max(pause, min(LOOK_SHARE * self._look_cost, LONGEST))

    def _look(self) -> bool:
        """Keep a snapshot of what was done since the last look; False, ending the run, if that is no longer numbers."""
        steps, self._pending = self._pending, []
        if not steps and self._states.newest is not None:
            return True
        losses, bad = collect(steps) if steps else (np.empty((0, 2), np.float32), None)
        state = self.training.state()
        if bad is None and not all(value.isfinite().all() for value in state[0].values()):
            bad = self.training.step
        if bad is not None:
            if self._states.newest is not None:
                self.training.restore(*self._states.newest)
            self._fail(f"the loss was no longer a number at step {bad}; a smaller lr or larger penalty may help")
            return False
        self._states.add(self.training.step, state)
        self.frozen = self.training.frozen
        self._losses.add(losses)
        if not self._snapshots or self._snapshots[-1].step != self.training.step:
            recent = losses if len(losses) else self.losses()
            one, two = recent[-1].tolist() if len(recent) else (math.nan, math.nan)
            sequence = self._snapshots[-1].sequence + 1 if self._snapshots else 0
            self._snapshots = thinned((*self._snapshots, self.probe.look(sequence, self.seconds, (one, two))))
        return True

    def _obey(self) -> bool:
        """Carry out waiting commands; while paused, wait for one. False when the run has ended."""
        while self.status not in ENDED:
            if self._later:
                self._carry_out(*self._later.pop(0))
            elif not self._commands.empty() or (self.status == "paused" and self._allowed <= 0):
                self._carry_out(*self._commands.get())
            elif self._allowed <= 0:
                self._pause()
            elif self.status == "running":
                return True
            else:
                self._admitted()
        return False

    def _carry_out(self, command: str, value: Any) -> None:
        if command == "stop":
            if self._look():
                self._end("stopped")
        elif command == "retune":
            self.training.retune(value)
        elif command == "freeze":
            self.training.frozen = self.frozen = value
        else:
            self._allow(command, value)

    def _allow(self, command: str, steps: float) -> None:
        left = self._allowed if math.isfinite(self._allowed) else 0.0
        self._allowed = max(left, 0.0) + steps if command == "more" else steps

    def _pause(self) -> None:
        if self._look():
            self.status = "paused"
            self._give_way()
            self._store()

    def _admitted(self) -> bool:
        """Wait for a slot, as queued; what needs the training is carried out later. False when told to stop."""
        self.status = "queued"
        while not self._slots.enter(self, timeout=0.1, group=self._pace):
            while not self._commands.empty():
                command, value = self._commands.get()
                if command == "stop":
                    self._end("stopped")
                    return False
                if command in ("allow", "more"):
                    self._allow(command, value)
                else:
                    self._later.append((command, value))
        self.status = "running"
        if self._pace is not None:
            self._pace.join(self, self.step)
        return True

    def _give_way(self) -> None:
        self._slots.leave(self)
        if self._pace is not None:
            self._pace.leave(self)

    def _fail(self, message: str) -> None:
        self._fault = message
        self._end("failed")

    def _end(self, status: Status) -> None:
        self.status = status
        self._give_way()
        self._store()
        self._ended.set()

    def _store(self) -> None:
        self._saved_at = time.monotonic()
        self._unsaved = ""
        if self._save is None or self.scene is None:
            return
        try:
            self._save(self)
        except Exception as error:  # whatever the disk does, the training is not lost
            reason = (error.strerror if isinstance(error, OSError) else None) or error
            later = "" if self.status in ENDED else ", it will be tried again"
            self._unsaved = f"the run could not be saved ({reason}); free some disk space{later}"
