"""Child processes, each serving a module of this project (see `otviz.core.workers.worker`)."""

from __future__ import annotations

import contextlib
import functools
import os
import subprocess
import sys
from typing import TYPE_CHECKING

from otviz.core.files import ROOT
from otviz.core.imports import pot

if TYPE_CHECKING:
    from otviz.core.workers.forking import ForkedProcess, ForkServer

SHARED = ("torch", "ot")
"""What the fork server imports at its start."""


def import_what_is_needed_soon() -> None:
    """Import what the first exact W2 needs before rather than during a training."""
    with contextlib.suppress(RuntimeError):  # some modules cannot be imported during the exit of the process
        pot()


def prepare(module: str) -> None:
    """Let workers that will serve a module share what it imports; does not wait, and does nothing where they cannot."""
    if (server := fork_server()) is not None:
        server.prepare(module)


def begin(module: str, niceness: int) -> subprocess.Popen[bytes] | ForkedProcess:
    """Start a process that serves a module, with one torch thread, since small networks gain nothing from two.

    On Linux it is forked from a process that has imported torch. Elsewhere it starts anew: the frameworks of macOS do not
    survive a fork, and Windows has none.
    """
    if (server := fork_server()) is not None:
        return server.fork(module, niceness)
    return subprocess.Popen(
        [sys.executable, "-m", "otviz.core.workers.child", module, str(niceness)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=_environment(),
    )  # fmt: skip


@functools.cache
def fork_server() -> ForkServer | None:
    """The fork server of this process; None where processes cannot be forked."""
    if sys.platform != "linux":
        return None
    from otviz.core.workers.forking import ForkServer

    return ForkServer(_environment(), SHARED)


def _environment() -> dict[str, str]:
    found = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, found)), "OMP_NUM_THREADS": "1"}
