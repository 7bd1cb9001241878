"""Processes of our own beside this one: what they run is a module of this project.

A terminal or a service sends its signals to all of them. `python -m otviz.core.processes MODULE` ignores those before it imports
anything slow: whoever began it saves first, and its end then ends the input.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import runpy
import signal
import subprocess
import sys
from typing import Any

from otviz.core.files import ROOT

NEEDED_SOON = ("torch._dynamo", "ot")


def import_what_is_needed_soon() -> None:
    """Import what the first optimiser and the first exact W2 need, 2 s each: better before a training than within it."""
    for name in NEEDED_SOON:
        with contextlib.suppress(RuntimeError):  # some modules cannot be imported once the process is ending
            importlib.import_module(name)


def begin(module: str, **options: Any) -> subprocess.Popen[Any]:
    """Start `python -m module` with one thread for torch; this process writes what it reads and reads what it writes.

    Args:
        module: its full name.
        options: of `subprocess.Popen`, as `text=True`.
    """
    found = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    paths = {"PYTHONPATH": os.pathsep.join(filter(None, found)), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", __name__, module],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, **paths}, **options,
    )  # fmt: skip


def cores() -> int:
    """CPU cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def main(module: str) -> None:
    """Run a module that the end of its input ends, and nothing else that reaches all processes at once."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):  # Windows has no SIGHUP
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1])
