"""A fresh server: how long from pressing Train to the first steps, and how much memory it takes with one process that trains."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from statistics import median

import psutil

from benchmarks.rows import Effort, Measured, Row
from benchmarks.visitors import Server, Visitor, serving, until

SERVERS = 5
LATER = 4.0  # seconds after the first visit
TRAINED = {"start": 1, "method": "uotm", "target": "ring", "steps": 1_000_000}
WITHIN = 120.0


def first_steps(effort: Effort) -> Measured:
    """Seconds from the visit of a link that trains, on a fresh server, to the first picture of a step; and 4 s after a visit."""
    at_once, later = list[float](), list[float]()
    for number in range(2 if effort.quick else 2 * SERVERS):
        with tempfile.TemporaryDirectory() as home, serving(Path(home), Path(home) / "log.txt") as server:
            if number % 2:
                visitor = Visitor(server, "train")
                time.sleep(LATER)
                visitor.close()
            (later if number % 2 else at_once).append(_seconds_to_first_steps(server))
    first, second = median(at_once), median(later)
    return Measured(
        shown=f"{first:.1f} s (worst {max(at_once):.1f}); {second:.1f} s (worst {max(later):.1f})",
        reached=first <= 1.5 and second <= 0.5,
        value=first,
        extra={"after_4_s": second, "worst": max(at_once), "worst_after_4_s": max(later)},
        sample=f"{2 * len(at_once)} fresh servers",
    )


def _seconds_to_first_steps(server: Server) -> float:
    began = time.monotonic()
    visitor = Visitor(server, "train", TRAINED)
    if not until(lambda: visitor.run and visitor.seen.get(visitor.run, ("", 0))[1] > 0, WITHIN):
        raise RuntimeError(f"no step within {WITHIN:.0f} s: {visitor.exceptions}")
    took = time.monotonic() - began
    visitor.close()
    return took


def memory(effort: Effort) -> Measured:
    """Resident memory of server and one worker, and the proportional set size of all processes of the server."""
    with tempfile.TemporaryDirectory() as home, serving(Path(home), Path(home) / "log.txt") as server:
        visitor = Visitor(server, "train", TRAINED)
        until(lambda: visitor.run and visitor.seen.get(visitor.run, ("", 0))[1] > 100, WITHIN)
        time.sleep(1 if effort.quick else 20)
        own = psutil.Process(server.process.pid).memory_info().rss / 1e6
        worker = max((process.memory_info().rss / 1e6 for process in server.workers()), default=0.0)
        together = server.memory() / 1e6
        visitor.close()
    return Measured(
        shown=f"{own:.0f} + {worker:.0f} MB; all processes, shared pages counted once: {together:.0f} MB",
        reached=own + worker <= 900,
        value=own + worker,
        extra={"server": own, "worker": worker, "pss": together},
    )


ROWS = (
    Row("train-first-steps", "first steps on a fresh server, at once; 4 s after its first visit", "<= 1.5 s; <= 0.5 s", first_steps),
    Row("server-memory", "server and one process that trains, resident", "<= 900 MB together", memory),
)  # fmt: skip
