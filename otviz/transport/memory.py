"""Whether matrices between two clouds fit into memory, asked before they are made."""

from __future__ import annotations

import math
from pathlib import Path

SPARE = 0.9
"""Share of the free memory that one problem may take."""


def available() -> float:
    """Bytes that can be had without swapping; infinite where the system does not tell."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return math.inf
    return next((int(line.split()[1]) * 1024.0 for line in lines if line.startswith("MemAvailable:")), math.inf)


def check_memory(n: int, m: int, matrices: float) -> None:
    """Raise ValueError unless `matrices` float32 matrices (n, m) fit into the memory that is free."""
    entry, free = 4.0 * matrices, available()
    need = entry * n * m
    if need > SPARE * free:
        fits = math.isqrt(int(SPARE * free / entry))
        raise ValueError(
            f"n = {max(n, m)} points need {need / 1e9:.2g} GB for the plan and {free / 1e9:.2g} GB are free;"
            f" n = {fits} fits"
        )
