"""What the processes of test_workers.py do."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from typing import Any

import numpy as np


def answers(plain: dict[str, Any], arrays: dict[str, Any]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Count, double the arrays, or fail in the requested way."""
    print("what a library prints", flush=True)
    os.write(1, b"and one in C")
    if plain["do"] == "count":
        for n in range(plain["to"]):
            yield {"index": 0, "outcome": n, "nice": os.nice(0)}, {}
    elif plain["do"] == "double":
        arrays["x"] *= 2
        yield {"nan": np.float64("nan")}, arrays
    elif plain["do"] == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    elif plain["do"] == "sleep":
        time.sleep(600)
    elif plain["do"] == "compute":
        end = time.monotonic() + plain["seconds"]
        while time.monotonic() < end:
            pass
    elif plain["do"] == "tell":
        yield {"pid": os.getpid(), "home": os.environ.get("OTVIZ_HOME"), "threads": os.environ["OMP_NUM_THREADS"]}, {}
    else:
        raise KeyError(plain["do"])
