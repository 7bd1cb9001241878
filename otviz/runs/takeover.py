"""When a run goes on with compiled updates: once they are on disk, and it lets them be compiled if it is long enough.

The step at which it does is in its change log, so that a repetition is exact. Compiling has a process of its own, with the
lowest priority; if it fails, the run goes on as it was.
"""

from __future__ import annotations

import contextlib
import os
import threading

import psutil

from otviz.core.distributed import world
from otviz.core.machine import cores, free_memory
from otviz.core.workers.worker import Worker
from otviz.methods import Method
from otviz.runs.config import RunConfig
from otviz.training.ahead import can_build, has_libraries

SHORTEST = 1000
"""Steps of the shortest run that goes on with compiled updates: anything shorter is over soon, and stays the same everywhere."""

SETTLED, WORTH = 3.0, 20.0
"""Seconds of training until its pace is known, and seconds left from which compiling, some twenty of them, pays."""

BUSY = 200.0
"""Seconds left from which it pays on a machine that is busy.

Seven methods that train together for a minute are slowed down more by compiling than they gain. It waits for a free core then,
at the latest until they have ended, and serves the next ones.
"""

FREE, LOOK = 0.75, 2.0
"""The part of a core that counts as a free one, and the seconds over which it is measured."""

ROOM = 1.5e9
"""Bytes of free memory without which nothing is compiled."""

MODULE, NICENESS = "otviz.runs.hosts.compile_server", 19


def allowed() -> bool:
    """Whether runs may go on with compiled updates by themselves: unless the environment variable OTVIZ_COMPILE is 0."""
    return os.environ.get("OTVIZ_COMPILE", "1") != "0"


class Takeover:
    """Decides for one run.

    Args:
        config: of the run.
        device: on which it trains.
    """

    def __init__(self, config: RunConfig, device: str) -> None:
        self._method, self._dim = config.method, config.target.shape[0]
        self._open = (
            allowed() and config.target.kind == "points" and device == "cpu" and world().size == 1
            and config.method.can_compile and not config.compile and config.steps >= SHORTEST
        )  # fmt: skip

    def due(self, trained: float, left: float | None) -> bool:
        """Whether compiled updates are ready, True only once. If they are worth it, it lets them be compiled.

        Args:
            trained: seconds of training so far.
            left: estimated seconds to the end; None if unknown.
        """
        if not self._open:
            return False
        if has_libraries(self._method, self._dim):
            self._open = False
            return True
        if trained > SETTLED and left is not None and left > WORTH:
            _builder.request(self._method, self._dim, left)
        return False


def free_core() -> bool:
    """Whether a core has had nothing to do; takes `LOOK` seconds."""
    count = cores()
    return float(psutil.cpu_percent(LOOK)) < 100 * (count - FREE) / count


class _Builder:
    """Lets updates be compiled, one kind after the other, each once as long as this process lives."""

    def __init__(self) -> None:
        self._left: dict[tuple[Method, int], float] = {}  # of the kinds asked for, by the newest request
        self._lock, self._turn = threading.Lock(), threading.Lock()

    def request(self, method: Method, dim: int, left: float) -> None:
        """Let the updates of a method on points of dimension `dim` be compiled; does not wait.

        Args:
            method, dim: of the run.
            left: estimated seconds until it ends.
        """
        with self._lock:
            is_new = (method, dim) not in self._left
            self._left[method, dim] = left
        if is_new:
            threading.Thread(target=self._build, args=(method, dim), name="compile", daemon=True).start()

    def _build(self, method: Method, dim: int) -> None:
        while True:
            with self._turn:
                if self._left[method, dim] >= BUSY or free_core():
                    return _compile(method, dim)


def _compile(method: Method, dim: int) -> None:
    if not can_build() or free_memory() < ROOM:
        return
    worker = Worker(MODULE, NICENESS, "")
    with contextlib.suppress(ValueError):  # it failed, or was ended: runs stay as they are
        for _ in worker.ask({"method": method.record(), "dim": dim}):
            pass
    worker.end()


_builder = _Builder()
