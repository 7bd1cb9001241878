"""Locks between processes. The operating system releases them when a process ends, even if it is killed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

WAIT = 2.0
"""Seconds to wait for a lock before another process counts as its holder: one that was just stopped may not have ended yet."""


@contextlib.contextmanager
def alone(path: Path, refusal: str = "", wait: float = WAIT) -> Iterator[None]:
    """Hold the lock of a file, in `.NAME.lock` beside it; nothing is locked where that cannot be written.

    Args:
        path: the file.
        refusal: raised as ValueError if another process holds the lock; empty: wait for it, however long that takes.
        wait: seconds to wait before that.

    Raises:
        ValueError: `refusal`.
    """
    lock = FileLock(path.parent / f".{path.name}.lock", thread_local=False)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=wait if refusal else -1)
    except Timeout:
        raise ValueError(refusal) from None
    except OSError:  # a read-only disk, so nothing can be overwritten
        pass
    try:
        yield
    finally:
        lock.release()
