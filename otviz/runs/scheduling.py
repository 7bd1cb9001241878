"""When a run trains: its commands, its clock, its slot, and its turn in a lockstep.

Runs in lockstep take turns of a few steps, the one furthest behind first. In each lane one run trains at a time. Trainings
of one process share a lane, since with Python's global lock two threads that train small networks do no more than one. So
each host is a lane.
"""

from __future__ import annotations

import math
import queue
import threading
import time
from typing import Any, NamedTuple

from otviz.training.driver import Pace

Command = tuple[str, Any]  # name and value

CHUNK_SECONDS = 0.02  # seconds of training between checks of the clock and the commands
WATCHED, UNWATCHED = 0.06, 0.25  # seconds between snapshots while somebody watches, and while nobody does
LOOK_SHARE = 20  # a snapshot may cost at most 1/20 of the time until the next
LONGEST = 2.0  # seconds to the next snapshot at most, however long one took
MEMORY = 5.0  # time constant of the mean speed, in seconds
SAVE_SECONDS = 30.0  # seconds between saves during a run

SHARE_SECONDS = 1.0  # of training until a slot goes to the next run that waits: few enough that all seem to move

STUCK_SECONDS = 8.0
"""Seconds after the end of its turn when a run that has not asked loses its slot: its process may have been stopped."""

TURN = 20
"""Steps of a turn in a lockstep: few enough that no run is visibly ahead, and enough to make the cost of switching negligible."""

AHEAD = 3 * TURN
"""Steps that a run may be ahead of the slowest one."""


class CommandQueue:
    """The pending commands of a run, and the number of steps until its next pause.

    Only the run's thread may call `get` and `defer`.

    Attributes:
        steps_allowed: steps until the next pause; infinite by default.
    """

    def __init__(self) -> None:
        self.steps_allowed: float = math.inf
        self._queue: queue.SimpleQueue[Command] = queue.SimpleQueue()
        self._deferred: list[Command] = []

    def put(self, name: str, value: Any = None) -> None:
        """Add a command, from any thread: `allow` or `more` with a number of steps, or one that the run executes."""
        self._queue.put((name, value))

    def get(self, wait: bool = False) -> Command | None:
        """The next command for the run; None if there is none.

        Args:
            wait: while no steps are allowed, wait for a command.
        """
        if self._deferred:
            return self._deferred.pop(0)
        while not self._queue.empty() or (wait and self.steps_allowed <= 0):
            command = self._queue.get()
            if not self._handle_step_command(*command):
                return command
        return None

    def defer(self) -> bool:
        """Defer commands that need a training. Returns True at once on `stop`."""
        while not self._queue.empty():
            command = self._queue.get()
            if command[0] == "stop":
                return True
            if not self._handle_step_command(*command):
                self._deferred.append(command)
        return False

    def _handle_step_command(self, name: str, value: Any) -> bool:
        """Execute a command about the number of steps; returns False for any other."""
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
        speed: steps per second of training between the last two snapshots.
        mean_speed: steps per second of wall-clock time, a mean over some seconds, which includes snapshots and waiting.
    """

    def __init__(self) -> None:
        self.speed = self.mean_speed = 0.0
        self._pace = Pace()
        self._look_cost = 0.0
        self._watched_at = -math.inf
        self._saved_at = self._next_look = self._paced_at = time.monotonic()

    def watch(self) -> None:
        """Record that somebody watches."""
        self._watched_at = time.monotonic()

    def chunk_size(self) -> int:
        """Steps until the clock and the commands are checked again."""
        until_look = max(self._next_look - time.monotonic(), 0.0)
        return self._pace.steps_in(min(CHUNK_SECONDS, until_look))

    def record_steps(self, steps: int, seconds: float) -> None:
        """Record the time that steps took."""
        self._pace.record_steps(steps, seconds)

    def record_wait(self, seconds: float) -> None:
        """Record that the run waited for others; its next snapshot is due that much later."""
        self._next_look += seconds

    def snapshot_due(self) -> bool:
        """Whether it is time for a snapshot."""
        return time.monotonic() >= self._next_look

    def record_snapshot(self, cost: float, steps: int, seconds: float) -> None:
        """Record that a snapshot was taken.

        Args:
            cost: seconds that it took.
            steps, seconds: of training since the one before.
        """
        if seconds > 0:
            self.speed = steps / seconds
        self._update_mean_speed(steps)
        self._look_cost += (cost - self._look_cost) / 4  # a running mean, as some snapshots also compute the field
        now = time.monotonic()
        pause = WATCHED if now - self._watched_at < 3 else UNWATCHED
        self._next_look = now + max(pause, min(LOOK_SHARE * self._look_cost, LONGEST))

    def restart_clock(self) -> None:
        """Record that the run continues, so that a pause does not count in the mean speed."""
        self._paced_at = time.monotonic()

    def _update_mean_speed(self, steps: int) -> None:
        now = time.monotonic()
        seconds, self._paced_at = max(now - self._paced_at, 1e-6), now
        share = 1 - math.exp(-seconds / MEMORY) if self.mean_speed else 1.0
        self.mean_speed += share * (steps / seconds - self.mean_speed)

    def save_due(self) -> bool:
        """Whether it is time to save; if so, the clock for the next save restarts."""
        late = time.monotonic() - self._saved_at > SAVE_SECONDS
        if late:
            self.record_save()
        return late

    def record_save(self) -> None:
        """Record that the run was saved."""
        self._saved_at = time.monotonic()


class Standing(NamedTuple):
    """The standing of a run among those that want to train.

    Attributes:
        place: in the queue, from 1; 0 for a run that has a slot or wants none.
        wait: seconds until its turn comes, at most.
        others: runs and groups that it takes turns with.
    """

    place: int = 0
    wait: float = 0.0
    others: int = 0


class Slots:
    """Slots to train in. Runs get them in the order in which they asked, and take turns if there are more runs than slots.

    The members of a group share one slot.

    Args:
        size: number of slots.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._holders: dict[int, set[int]] = {}
        self._since: dict[int, float] = {}
        self._queue: dict[int, set[int]] = {}  # in the order they came
        self._changed = threading.Condition()

    def acquire(self, who: object, timeout: float, group: object | None = None) -> bool:
        """Wait for a slot. Returns False after the timeout, and keeps the place in the queue.

        Args:
            who: the run that asks.
            timeout: seconds to wait.
            group: shares one slot among its members; None for a run alone.
        """
        key, member = id(who if group is None else group), id(who)
        with self._changed:
            if key not in self._holders:
                self._queue.setdefault(key, set()).add(member)
            self._drop_stuck()
            free = self._changed.wait_for(lambda: self._may_enter(key), timeout)
            if free:
                if key not in self._holders:
                    self._since[key] = time.monotonic()
                self._holders.setdefault(key, set()).update(self._queue.pop(key, set()), {member})
            return free

    def keeps(self, who: object, group: object | None = None) -> bool:
        """Whether a run still has its slot. At the end of its turn the slot goes to the next in the queue, if there is one.

        Args:
            who, group: as for `acquire`, which gets the slot again.
        """
        key = id(who if group is None else group)
        with self._changed:
            over = self._queue and time.monotonic() - self._since.get(key, 0.0) > SHARE_SECONDS
            if key in self._holders and over:
                self._queue[key] = self._holders.pop(key)
                self._changed.notify_all()
            return key in self._holders

    def standing(self, who: object) -> Standing:
        """The standing of a run."""
        with self._changed:
            waiting = next((at for at, members in enumerate(self._queue.values(), 1) if id(who) in members), 0)
            holds = any(id(who) in members for members in self._holders.values())
            if not (waiting or holds):
                return Standing()
            others = len(self._holders) + len(self._queue) - 1 if self._queue else 0
            return Standing(waiting, math.ceil(waiting / self._size) * SHARE_SECONDS, others)

    def release(self, who: object) -> None:
        """Release a slot, or leave the queue. The slot of a group is free once its last member has released it."""
        member = id(who)
        with self._changed:
            for places in (self._holders, self._queue):
                for key in [key for key, members in places.items() if member in members]:
                    places[key].discard(member)
                    if not places[key]:
                        del places[key]
            self._since = {key: since for key, since in self._since.items() if key in self._holders}
            self._changed.notify_all()

    def _drop_stuck(self) -> None:
        """Take the slots from runs that do not ask whether their turn is over; once they do, they queue again."""
        latest = time.monotonic() - SHARE_SECONDS - STUCK_SECONDS
        self._holders = {key: members for key, members in self._holders.items() if self._since[key] > latest}

    def _may_enter(self, key: int) -> bool:
        free = self._size - len(self._holders)
        return key in self._holders or (key in self._queue and list(self._queue).index(key) < free)


class Lockstep:
    """Decides which runs of a group may train now."""

    def __init__(self) -> None:
        self._steps: dict[int, int] = {}
        self._lanes: dict[int, int] = {}
        self._training: dict[int, int] = {}  # by lane, the run that trains
        self._changed = threading.Condition()

    def join(self, who: object, step: int, lane: int = 0) -> None:
        """Add a run to the group; the others wait while it is behind.

        Args:
            who: the run.
            step: steps it has done.
            lane: number of its lane, in which one run trains at a time.
        """
        with self._changed:
            self._steps[id(who)] = step
            self._lanes[id(who)] = lane
            self._changed.notify_all()

    def leave(self, who: object) -> None:
        """Remove a run from the group; the others no longer wait for it."""
        with self._changed:
            self._steps.pop(id(who), None)
            self._end(id(who))
            self._lanes.pop(id(who), None)

    def turn(self, who: object, step: int, timeout: float) -> int:
        """End this run's turn, and wait for the next one.

        Returns the step at which the new turn ends, or 0 after the timeout.

        Args:
            who: the run.
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
