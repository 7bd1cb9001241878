"""Host processes for trainings, so that trainings and pages do not compete for Python's global lock.

Two training threads share one core's worth of Python; two processes do twice as much (docs/NUMBERS.md).
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Mapping
from typing import Any

from otviz.core.container import Arrays
from otviz.core.workers.pipe import Message
from otviz.core.workers.processes import prepare
from otviz.core.workers.worker import Worker
from otviz.methods import Method
from otviz.runs.change_log import RunCheckpoint
from otviz.runs.config import RunConfig
from otviz.runs.hosts import MODULE, fitting, messages
from otviz.runs.snapshots import Array, Scene, Snapshot
from otviz.runs.training_handle import LocalTraining, TrainingHandle
from otviz.training.driver import Losses
from otviz.training.loop import TrainingState

NICENESS = 5
"""Lowers the priority of hosts below that of the pages."""

_numbers = itertools.count()


class Host(Worker):
    """A process that runs `otviz.runs.hosts.training_server`.

    Attributes:
        open: number of its trainings.
    """

    def __init__(self) -> None:
        prepare(MODULE)
        super().__init__(MODULE, NICENESS, "go on with the run from its last save")
        self.open = 0

    def call(self, plain: Mapping[str, Any], arrays: Arrays | None = None) -> Message:
        """Send a request and return its answer. Raises ValueError if the host reports an error or has ended."""
        (answer,) = self.ask(plain, arrays)
        return answer


class HostPool:
    """A pool of host processes. Each is started when first needed, and ends with this process.

    Args:
        count: number of hosts; by default as many as there are cores and memory for.
    """

    def __init__(self, count: int | None = None) -> None:
        self._hosts: list[Host | None] = [None] * (count or max(1, fitting()))
        self._lock = threading.Lock()
        self._closed = False

    def acquire(self) -> tuple[int, Host]:
        """The index of the host with the fewest trainings, but no hung one, and that host. Call `release` when done with it."""
        with self._lock:
            place = min(range(len(self._hosts)), key=self._load)
            host = self._at(place)
            host.open += 1
            return place, host

    def release(self, host: Host) -> None:
        """Count one training less on this host."""
        with self._lock:
            host.open -= 1

    def warm_up(self) -> None:
        """Start the first host, so that the first run need not wait for what trainings import."""
        with self._lock:
            if not self._closed:
                self._at(0)

    def close(self) -> None:
        """End all hosts."""
        with self._lock:
            self._closed = True
            for host in filter(None, self._hosts):
                host.end()

    def _load(self, place: int) -> tuple[bool, int]:
        host = self._hosts[place]
        return (False, 0) if host is None or host.over else (host.hung, host.open)

    def _at(self, place: int) -> Host:
        host = self._hosts[place]
        if host is None or host.over:
            host = self._hosts[place] = Host()
        return host


class HostLease:
    """The host of one run.

    Args:
        pool: where it comes from; with None the run trains in this process.

    Attributes:
        lane: index of the host; trainings of one lane cannot train at the same time.
        host: the host, or None.
    """

    def __init__(self, pool: HostPool | None) -> None:
        self._pool = pool
        self.lane = 0
        self.host: Host | None = None
        if pool is not None:
            self.lane, self.host = pool.acquire()

    @property
    def is_hung(self) -> bool:
        """Whether the host gives no sign of life."""
        return self.host is not None and self.host.hung

    def open(self, config: RunConfig, restored: RunCheckpoint | None) -> TrainingHandle:
        """Begin a training: on another host if this one has ended meanwhile.

        Args:
            config: what to train.
            restored: the state to continue from; None starts from the beginning.

        Raises:
            ValueError: the training cannot begin.
        """
        if self._pool is not None and self.host is not None and self.host.over:
            self._pool.release(self.host)
            self.lane, self.host = self._pool.acquire()
        return LocalTraining(config, restored) if self.host is None else RemoteTraining(self.host, config, restored)

    def end_host(self, reason: str) -> None:
        """Kill the host; `reason` is the error message of its runs."""
        if self.host is not None:
            self.host.end(reason)

    def release(self) -> None:
        """Give the host back."""
        if self._pool is not None and self.host is not None:
            self._pool.release(self.host)


class RemoteTraining:
    """A training in a host process, with the interface of `otviz.runs.training_handle.TrainingHandle`.

    Args:
        host: the process.
        config: what to train.
        restored: the state to continue from; None starts from the beginning.

    Raises:
        ValueError: from every method, if the host reports an error or has ended.
    """

    def __init__(self, host: Host, config: RunConfig, restored: RunCheckpoint | None = None) -> None:
        self._host = host
        self._config = config
        self._number = next(_numbers)
        self.step, self.frozen = 0, False
        state: Message = ({}, {}) if restored is None else messages.pack_state((restored.tensors, restored.text))
        plain, arrays = self._ask("open", state[1], config=config.record(), **state[0])
        self.scene: Scene = messages.unpack_scene(plain["scene"], arrays)
        self.device: str = plain["device"]

    def advance(self, steps: int) -> tuple[Losses, int | None]:
        plain, arrays = self._ask("advance", steps=steps)
        return arrays["losses"], plain["bad"]

    def take_snapshot(
        self, sequence: int, seconds: float, losses: tuple[float, float], whole: bool = True, rests: bool = False
    ) -> tuple[Snapshot, TrainingState | None] | None:
        """A snapshot, and the state to continue from; None if a weight is NaN or infinite.

        Args:
            sequence: number of the snapshot within the run.
            seconds: training time so far.
            losses: the last ones, of generator and adversary.
            whole: include the state.
            rests: no step follows soon, so measure what was never measured.
        """
        plain, arrays = self._ask("look", sequence=sequence, seconds=seconds, losses=losses, whole=whole, rests=rests)
        if plain["snapshot"] is None:
            return None
        state = messages.unpack_state(plain, arrays) if whole else None
        return messages.unpack_snapshot(plain["snapshot"], arrays), state

    def restore(self, state: TrainingState) -> None:
        plain, arrays = messages.pack_state(state)
        self._ask("restore", arrays, **plain)

    def retune(self, method: Method) -> None:
        self._ask("retune", config={**self._config.record(), "method": {"name": method.name, **method.as_dict()}})

    def freeze(self, frozen: bool) -> None:
        self._ask("freeze", frozen=frozen)

    def take_over(self) -> bool:
        return bool(self._ask("take over")[0]["compiled"])

    def samples(self, n: int, seed: int) -> Array:
        samples: Array = self._ask("samples", n=n, seed=seed)[1]["samples"]
        return samples

    def close(self) -> None:
        if not self._host.over:
            self._ask("close")

    def _ask(self, do: str, arrays: Arrays | None = None, **plain: Any) -> Message:
        answer = self._host.call({"do": do, "of": self._number, **plain}, arrays)
        if "step" in answer[0]:
            self.step, self.frozen = answer[0]["step"], answer[0]["frozen"]
        return answer
