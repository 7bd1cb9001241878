"""When a run trains: what it is asked to do, its clock, its place at the processor, and its turn among runs in step.

In step, runs take turns of a few steps, the one furthest behind first, so that none gets ahead. In each lane one trains
at a time. Trainings of one process share a lane: two threads of eager steps of small networks do no more than one, since
Python lets only one of them on. Those in hosts have a lane for each host.
"""

from __future__ import annotations

import math
import queue
import threading
import time
from typing import Any

from otviz.training.driver import Pace

Command = tuple[str, Any]  # what to do, with what

CHUNK_SECONDS = 0.02  # seconds of training between two glances at the clock and at what others ask
WATCHED, UNWATCHED = 0.06, 0.25  # seconds between looks while somebody watches, and while nobody does
LOOK_SHARE = 20  # a look may cost at most 1/20 of the time until the next
LONGEST = 2.0  # seconds between looks at most, however long one look was held up
MEMORY = 5.0  # seconds that a measured pace goes back
SAVE_SECONDS = 30.0  # seconds between saves of a run that goes on

TURN = 20
"""Steps of a turn: few enough that no run is visibly ahead, and enough that switching costs nothing."""

AHEAD = 3 * TURN
"""Steps that the fastest lane may be ahead of the slowest run."""


class CommandQueue:
    """Orders that wait, and how many steps may be done before the next pause.

    `get` and `defer` are for the run's thread alone.

    Attributes:
        steps_allowed: steps until the next pause; infinite unless told otherwise.
    """

    def __init__(self) -> None:
        self.steps_allowed: float = math.inf
        self._queue: queue.SimpleQueue[Command] = queue.SimpleQueue()
        self._deferred: list[Command] = []

    def put(self, name: str, value: Any = None) -> None:
        """Order something, from any thread: `allow` so many steps, so many `more`, or what the run itself knows."""
        self._queue.put((name, value))

    def get(self, wait: bool = False) -> Command | None:
        """The next command for the run; None when there is none, or once steps are allowed.

        Args:
            wait: when no step is allowed, wait for a command.
        """
        if self._deferred:
            return self._deferred.pop(0)
        while not self._queue.empty() or (wait and self.steps_allowed <= 0):
            command = self._queue.get()
            if not self._handle_step_command(*command):
                return command
        return None

    def defer(self) -> bool:
        """Keep what needs a training for later; True, at once, on a stop."""
        while not self._queue.empty():
            command = self._queue.get()
            if command[0] == "stop":
                return True
            if not self._handle_step_command(*command):
                self._deferred.append(command)
        return False

    def _handle_step_command(self, name: str, value: Any) -> bool:
        """Whether the command is about the number of steps only; then it is done with."""
        if name == "more":
            left = self.steps_allowed if math.isfinite(self.steps_allowed) else 0.0
            value += max(left, 0.0)
        elif name != "allow":
            return False
        self.steps_allowed = value
        return True


class LoopTimer:
    """The clock of one run.

    Attributes:
        speed: steps per second of training between the last two looks.
        mean_speed: steps per second by the clock on the wall, a mean over some seconds: looks and the turns of others count too.
    """

    def __init__(self) -> None:
        self.speed = self.mean_speed = 0.0
        self._pace = Pace()
        self._look_cost = 0.0
        self._watched_at = -math.inf
        self._saved_at = self._next_look = self._paced_at = time.monotonic()

    def watch(self) -> None:
        """Somebody watches."""
        self._watched_at = time.monotonic()

    def chunk_size(self) -> int:
        """Steps to do before the next glance at the clock."""
        until_look = max(self._next_look - time.monotonic(), 0.0)
        return self._pace.steps_in(min(CHUNK_SECONDS, until_look))

    def record_steps(self, steps: int, seconds: float) -> None:
        """So many steps took so long."""
        self._pace.record_steps(steps, seconds)

    def record_wait(self, seconds: float) -> None:
        """The run stood still: its looks are paced by its own time, not by that of the others."""
        self._next_look += seconds

    def snapshot_due(self) -> bool:
        """Whether it is time for a look."""
        return time.monotonic() >= self._next_look

    def record_snapshot(self, cost: float, steps: int, seconds: float) -> None:
        """A snapshot was taken.

        Args:
            cost: seconds that it took.
            steps, seconds: of training since the one before.
        """
        if seconds > 0:
            self.speed = steps / seconds
        self._update_mean_speed(steps)
        self._look_cost += (cost - self._look_cost) / 4  # a running mean: some looks also draw the field
        now = time.monotonic()
        pause = WATCHED if now - self._watched_at < 3 else UNWATCHED
        self._next_look = now + max(pause, min(LOOK_SHARE * self._look_cost, LONGEST))

    def restart_clock(self) -> None:
        """The run goes on: how long it rested says nothing of its pace."""
        self._paced_at = time.monotonic()

    def _update_mean_speed(self, steps: int) -> None:
        now = time.monotonic()
        seconds, self._paced_at = max(now - self._paced_at, 1e-6), now
        share = 1 - math.exp(-seconds / MEMORY) if self.mean_speed else 1.0
        self.mean_speed += share * (steps / seconds - self.mean_speed)

    def save_due(self) -> bool:
        """Whether it is time to save; the time until the next begins anew."""
        late = time.monotonic() - self._saved_at > SAVE_SECONDS
        if late:
            self.record_save()
        return late

    def record_save(self) -> None:
        """The run was saved."""
        self._saved_at = time.monotonic()


class Slots:
    """A fair gate for `size` holders; the members of a group hold one place together."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._holders: dict[int, set[int]] = {}
        self._queue: dict[int, set[int]] = {}  # in the order they came
        self._changed = threading.Condition()

    def acquire(self, who: object, timeout: float, group: object | None = None) -> bool:
        """Take a place, or a place in the queue; True once there is one, False after the timeout.

        Args:
            who: takes it.
            timeout: seconds to wait.
            group: holds one place together.
        """
        key, member = id(who if group is None else group), id(who)
        with self._changed:
            if key not in self._holders:
                self._queue.setdefault(key, set()).add(member)
            free = self._changed.wait_for(lambda: self._may_enter(key), timeout)
            if free:
                self._holders.setdefault(key, set()).update(self._queue.pop(key, set()), {member})
            return free

    def release(self, who: object) -> None:
        """Give the place, or the place in the line, back; a group's goes with its last member. Harmless without one."""
        member = id(who)
        with self._changed:
            for places in (self._holders, self._queue):
                for key in [key for key, members in places.items() if member in members]:
                    places[key].discard(member)
                    if not places[key]:
                        del places[key]
            self._changed.notify_all()

    def _may_enter(self, key: int) -> bool:
        free = self._size - len(self._holders)
        return key in self._holders or (key in self._queue and list(self._queue).index(key) < free)


class Lockstep:
    """Who of a group may train now."""

    def __init__(self) -> None:
        self._steps: dict[int, int] = {}
        self._lanes: dict[int, int] = {}
        self._training: dict[int, int] = {}  # in each lane, who
        self._changed = threading.Condition()

    def join(self, who: object, step: int, lane: int = 0) -> None:
        """Take part; the others wait for one that is behind.

        Args:
            who: takes part.
            step: steps it has done.
            lane: in which one trains at a time.
        """
        with self._changed:
            self._steps[id(who)] = step
            self._lanes[id(who)] = lane
            self._changed.notify_all()

    def leave(self, who: object) -> None:
        """Take part no more: the others wait for this one no longer."""
        with self._changed:
            self._steps.pop(id(who), None)
            self._end(id(who))
            self._lanes.pop(id(who), None)

    def turn(self, who: object, step: int, timeout: float) -> int:
        """Give the turn to the run that is furthest behind, and take the next.

        Returns the step at which the turn ends, 0 if it did not come in time.

        Args:
            who: asks for it.
            step: steps it has done.
            timeout: seconds to wait.
        """
        key = id(who)
        with self._changed:
            self._steps[key] = step
            self._end(key)
            if not self._changed.wait_for(lambda: self._is_next(key), timeout):
                return 0
            self._training[self._lanes[key]] = key
            return step + TURN

    def _end(self, key: int) -> None:
        lane = self._lanes.get(key)
        if lane is not None and self._training.get(lane) == key:
            del self._training[lane]
        self._changed.notify_all()

    def _is_next(self, key: int) -> bool:
        lane = self._lanes[key]
        mine = [other for other in self._steps if self._lanes[other] == lane]
        first = key == min(mine, key=self._steps.__getitem__)
        return lane not in self._training and first and self._steps[key] <= min(self._steps.values()) + AHEAD
