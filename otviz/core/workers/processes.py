"""Child processes, each serving a module of this project (see `otviz.core.workers.child`)."""

from __future__ import annotations

import contextlib
import importlib
import os
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
        [sys.executable, "-m", "otviz.core.workers.child", module, str(niceness)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, **paths},
    )  # fmt: skip
