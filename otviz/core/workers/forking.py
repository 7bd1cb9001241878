"""Worker processes forked from one that has imported torch (see `otviz.core.workers.fork_server`). Linux only."""

from __future__ import annotations

import contextlib
import json
import math
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from typing import IO, Any

from otviz.core.workers.fork_server import NUMBER


class ForkedProcess:
    """A worker, child of the fork server, with the interface of `subprocess.Popen`.

    Attributes:
        stdin, stdout: pipes to and from the worker.

    Args:
        stdin, stdout: as above.
        status: the pipe on which the fork server reports the process id, then the exit code.
    """

    def __init__(self, stdin: IO[bytes], stdout: IO[bytes], status: IO[bytes]) -> None:
        self.stdin, self.stdout, self._status = stdin, stdout, status
        self._numbers: list[int] = []  # process id, exit code
        self._lock = threading.Lock()

    @property
    def pid(self) -> int | None:
        """The process id; None until the process has begun."""
        self.poll()
        return self._numbers[0] if self._numbers else None

    def poll(self) -> int | None:
        """The exit code, negative for a signal; None until it has ended."""
        with self._lock:
            while len(self._numbers) < 2 and self._readable(0):
                found = os.read(self._status.fileno(), NUMBER.size)
                # Without the fork server nobody knows how its workers end; it was most likely killed for its memory.
                self._numbers += NUMBER.unpack(found) if found else (-signal.SIGKILL,) * (2 - len(self._numbers))
            return self._numbers[1] if len(self._numbers) > 1 else None

    def wait(self, timeout: float = math.inf) -> int:
        """Wait until it has ended; returns the exit code. Raises TimeoutError after `timeout` seconds."""
        end = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() >= end:
                raise TimeoutError(f"the worker has not ended within {timeout} s")
            self._readable(min(end - time.monotonic(), 1.0))
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal, if it has begun and not ended."""
        if self.poll() is None and self._numbers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._numbers[0], number)

    def kill(self) -> None:
        """Kill it; one that has not begun ends as soon as it begins."""
        if self.pid is not None and self.poll() is None:
            self.send_signal(signal.SIGKILL)
        else:  # also one whose end is unknown, since the fork server was killed
            with contextlib.suppress(OSError):
                self.stdin.close()

    def _readable(self, seconds: float) -> bool:
        poll = select.poll()  # unlike `select`, it takes any number of open files
        poll.register(self._status, select.POLLIN)
        return bool(poll.poll(max(seconds, 0) * 1000))


class ForkServer:
    """The fork server of this process, started by the first request and again if it was killed.

    Args:
        environment: its environment variables; workers take over those of this process that begin with OTVIZ_.
        imports: modules that it imports at its start.
    """

    def __init__(self, environment: Mapping[str, str], imports: Sequence[str]) -> None:
        self._environment, self._imports = dict(environment), list(imports)
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    @property
    def pid(self) -> int | None:
        """Its process id; None if it has not begun or has ended."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def prepare(self, *modules: str) -> None:
        """Let it import modules before it forks the next worker; does not wait."""
        with self._lock:
            self._started().send(_message(imports=modules))

    def fork(self, module: str, niceness: int) -> ForkedProcess:
        """Start a worker that serves a module; does not wait.

        Args:
            module: served by `otviz.core.workers.serving.serve`.
            niceness: added to its niceness.
        """
        (source, stdin), (stdout, out), (status, report) = (os.pipe() for _ in range(3))
        environment = {name: value for name, value in os.environ.items() if name.startswith("OTVIZ_")}
        request = _message(module=module, niceness=niceness, environment=environment)
        try:
            with self._lock:
                socket.send_fds(self._started(), [request], [source, out, report])
        finally:
            for theirs in (source, out, report):
                os.close(theirs)
        return ForkedProcess(os.fdopen(stdin, "wb"), os.fdopen(stdout, "rb"), os.fdopen(status, "rb", 0))

    def _started(self) -> socket.socket:
        if self._control is None or self.pid is None:
            self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with theirs:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "otviz.core.workers.fork_server", str(theirs.fileno())],
                    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=self._environment, pass_fds=[theirs.fileno()],
                )  # fmt: skip
            self._control.send(_message(imports=self._imports))
        return self._control


def _message(**values: Any) -> bytes:
    return json.dumps(values).encode()
