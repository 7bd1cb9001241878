"""The machine as this process may use it, and the environment of a measurement: software versions and processor."""

from __future__ import annotations

import functools
import math
import platform
from pathlib import Path

import psutil

from otviz.core import cgroups


def versions() -> dict[str, str]:
    """Versions of Python, torch and numpy, by name."""
    import numpy
    import torch

    return {"python": platform.python_version(), "torch": torch.__version__, "numpy": numpy.__version__}


def made_on(device: str) -> dict[str, str]:
    """The environment of a measurement: device, processor and versions, by name."""
    return {"device": device, "processor": processor(), **versions()}


@functools.cache
def processor() -> str:
    """The name of the processor, as the system reports it; psutil has none."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, "") or platform.processor() or platform.machine()


def cores() -> int:
    """Number of CPU cores available to this process, by its affinity and the quota of its container."""
    process = psutil.Process()
    # macOS has no affinity
    own = len(process.cpu_affinity()) if hasattr(process, "cpu_affinity") else psutil.cpu_count() or 1
    return max(1, math.ceil(min(own, cgroups.processors())))


def total_memory() -> float:
    """Memory in bytes that this process may use: that of the machine, or less in a container."""
    return min(float(psutil.virtual_memory().total), cgroups.memory_limit())


def free_memory() -> float:
    """Free memory in bytes, without swapping."""
    return min(float(psutil.virtual_memory().available), cgroups.memory_left())
