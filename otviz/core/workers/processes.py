"""Child processes, each serving a module of this project (see `otviz.core.workers.worker`).

A terminal or a service sends its signals to all processes. `python -m otviz.core.workers.processes MODULE NICENESS` ignores them
before any slow import, so that the parent can save first; the child ends when the parent closes its input.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import subprocess
import sys

from otviz.core.files import ROOT

NEEDED_SOON = ("torch._dynamo", "ot")


def import_what_is_needed_soon() -> None:
    """Import what the first optimiser and the first exact W2 need, 2 s each, before rather than during a training."""
    for name in NEEDED_SOON:
        with contextlib.suppress(RuntimeError):  # some modules cannot be imported during the exit of the process
            importlib.import_module(name)


def begin(module: str, niceness: int) -> subprocess.Popen[bytes]:
    """Start a process that serves a module, with one torch thread, since small networks gain nothing from two."""
    found = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    paths = {"PYTHONPATH": os.pathsep.join(filter(None, found)), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", __name__, module, str(niceness)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, **paths},
    )  # fmt: skip


def cores() -> int:
    """Number of CPU cores available to this process."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def main(module: str, niceness: str) -> None:
    """Serve a module at low priority until the input ends, ignoring signals to the whole process group."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):  # Windows has no SIGHUP
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    if sys.platform != "win32":
        os.nice(int(niceness))
    importlib.import_module("otviz.core.workers.worker").serve(module)


if __name__ == "__main__":
    main(*sys.argv[1:])
