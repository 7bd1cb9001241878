"""Limits of memory and processor that a container or service sets: Linux control groups, version 1 and 2.

psutil reports the whole machine. A limit of any group above this process counts, too.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

MOUNT = Path("/sys/fs/cgroup")
PROCESS = Path("/proc/self/cgroup")


def memory_limit() -> float:
    """The smallest limit of memory in bytes; infinite without one."""
    return min((limit for limit, _ in _memory()), default=math.inf)


def memory_left() -> float:
    """Bytes until the first limit of memory is reached; infinite without one. File caches that can be dropped are free."""
    return min((max(limit - used, 0.0) for limit, used in _memory()), default=math.inf)


def processors() -> float:
    """The smallest quota of processor time, in cores; infinite without one."""
    return min(_quotas(), default=math.inf)


def _memory() -> Iterator[tuple[float, float]]:
    """Limit and use of the memory of each group that has a limit."""
    for group in _groups("memory"):
        second = (group / "memory.max").is_file()
        limit = _number(group / ("memory.max" if second else "memory.limit_in_bytes"))
        used = _number(group / ("memory.current" if second else "memory.usage_in_bytes"))
        if limit is not None and used is not None:
            yield limit, used - _dropped(group / "memory.stat", "inactive_file" if second else "total_inactive_file")


def _dropped(path: Path, name: str) -> float:
    """Bytes of file caches that the system drops when memory is needed."""
    rows = (line.split() for line in _text(path).splitlines())
    return next((float(row[1]) for row in rows if len(row) == 2 and row[0] == name and row[1].isdigit()), 0.0)


def _quotas() -> Iterator[float]:
    for group in _groups("cpu"):
        quota, period = ([*_text(group / "cpu.max").split(), "", ""])[:2]
        quota = quota or _text(group / "cpu.cfs_quota_us").strip()
        period = period or _text(group / "cpu.cfs_period_us").strip()
        if quota.isdigit() and period.isdigit() and int(period):  # not "max" or -1
            yield int(quota) / int(period)


def _groups(controller: str) -> Iterator[Path]:
    """The folders of the groups of this process, the innermost first.

    In a container the root of the mount is its own group, and the path from outside does not exist.
    """
    for line in _text(PROCESS).splitlines():
        number, _, rest = line.partition(":")
        names, _, path = rest.partition(":")
        if number == "0" or controller in names.split(","):
            root = MOUNT if number == "0" else MOUNT / controller
            place = PurePosixPath(path)
            inside = [root / each.relative_to("/") for each in (place, *place.parents)] if place.is_absolute() else []
            yield from (folder for folder in inside if ".." not in folder.parts and folder.is_dir())


def _number(path: Path) -> float | None:
    text = _text(path).strip()
    return float(text) if text.isdigit() else None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
