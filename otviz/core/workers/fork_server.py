"""The fork server: `python -m otviz.core.workers.fork_server SOCKET` forks one worker for each request of its parent.

It has one thread, and has imported what workers need: a worker starts within milliseconds and shares these pages of memory. Once
the parent closes its socket, or has died, it kills the workers that are left and ends. `otviz.core.workers.forking` is the parent's side.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import select
import signal
import socket
import struct
import sys
from typing import Any, NoReturn

from otviz.core.imports import pot
from otviz.core.workers.child import ignore_signals

LONGEST = 65536  # bytes of a request
NUMBER = struct.Struct("<q")  # what is written about a worker: its process id, later its exit code


def main(number: str) -> NoReturn:
    """Serve requests from a socket, given by its file descriptor, until its other end is closed."""
    ignore_signals()
    os.dup2(2, 1)  # output of libraries must not get between messages of the parent
    control, (alarm, bell) = socket.socket(fileno=int(number)), socket.socketpair()
    for end in (alarm, bell):
        end.setblocking(False)
    signal.set_wakeup_fd(bell.fileno())
    signal.signal(signal.SIGCHLD, lambda *_: None)  # without a handler nothing rings
    gc.disable()  # a collection writes into each object, and written pages are no longer shared
    workers: dict[int, int] = {}  # by process id, the pipe that reports the exit code
    while True:
        ready = select.select([control, alarm], [], [])[0]
        if alarm in ready:
            alarm.recv(LONGEST)
            _report_ended(workers)
        if control in ready:
            request, pipes, _, _ = socket.recv_fds(control, LONGEST, 3)
            if not request:
                break
            _serve(json.loads(request), pipes, workers, (control, alarm, bell))
    for pid in workers:
        os.kill(pid, signal.SIGKILL)  # also those that are stopped, which do not see that their input has ended
    os._exit(0)


def _serve(request: Any, pipes: list[int], workers: dict[int, int], sockets: tuple[socket.socket, ...]) -> None:
    """Import the named modules, or fork a worker."""
    if "imports" in request:
        for name in request["imports"]:
            with contextlib.suppress(ImportError):  # the worker reports it
                pot() if name == "ot" else importlib.import_module(name)
        return
    source, out, status = pipes
    gc.freeze()
    pid = os.fork()
    if pid == 0:
        _become_worker(request, source, out, [status, *workers.values()], sockets)
    workers[pid] = status
    os.close(source)
    os.close(out)
    _write(status, pid)


def _become_worker(
    request: Any, source: int, out: int, pipes: list[int], sockets: tuple[socket.socket, ...]
) -> NoReturn:
    """Serve as the requested worker until the input ends."""
    from otviz.core.workers.serving import serve

    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for end in sockets:
            end.close()
        for pipe in pipes:
            os.close(pipe)
        for name in [name for name in os.environ if name.startswith("OTVIZ_")]:
            del os.environ[name]
        os.environ.update(request["environment"])
        gc.enable()
        serve(os.fdopen(source, "rb"), os.fdopen(out, "wb"), request["module"], request["niceness"])
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(1)


def _report_ended(workers: dict[int, int]) -> None:
    for pid in list(workers):
        if (found := os.waitpid(pid, os.WNOHANG))[0]:
            _write(workers[pid], os.waitstatus_to_exitcode(found[1]))
            os.close(workers.pop(pid))


def _write(pipe: int, number: int) -> None:
    with contextlib.suppress(OSError):  # the parent no longer listens
        os.write(pipe, NUMBER.pack(number))


if __name__ == "__main__":
    main(sys.argv[1])
