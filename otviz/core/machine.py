"""The environment of a measurement: software versions and processor."""

from __future__ import annotations

import functools
import platform
from pathlib import Path


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
