"""The start of a child process: `python -m otviz.core.workers.child MODULE NICENESS` serves a module until its input ends.

A terminal or a service sends its signals to all processes. A child ignores them before any slow import, so that the parent can save
first; it ends when the parent closes its input.
"""

from __future__ import annotations

import os
import signal
import sys

from otviz.core.interrupts import NAMES


def ignore_signals() -> None:
    """Ignore signals to the whole process group."""
    for name in NAMES:
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)


def main(module: str, niceness: str) -> None:
    """Serve a module at low priority until the input ends."""
    ignore_signals()
    from otviz.core.workers.serving import serve

    serve(sys.stdin.buffer, os.fdopen(os.dup(1), "wb"), module, int(niceness))


if __name__ == "__main__":
    main(*sys.argv[1:])
