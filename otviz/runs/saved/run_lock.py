"""The lock of a stored run: only one process at a time trains and saves it; others may read it.

The operating system releases the lock when the process ends, even if it is killed.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from filelock import FileLock, Timeout

from otviz.core.files import reason

LOCK = ".lock"
_PROBE_BYTES = 2**17
_WAIT = 0.3
"""Seconds to wait for a lock, since `is_locked` in another process holds it for a moment."""


class RunLock:
    """Locks the folder of a run until `close`, if the folder can be written.

    Args:
        folder: of the run.

    Attributes:
        refusal: why the folder cannot be written, in which case it is not locked; otherwise empty.

    Raises:
        ValueError: another process holds the lock.
    """

    def __init__(self, folder: Path) -> None:
        self.refusal = ""
        self._folder = folder
        self._lock = FileLock(folder / LOCK, thread_local=False)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder, buffering=0) as probe:  # is there room?
                probe.write(bytes(_PROBE_BYTES))
                os.fsync(probe.fileno())
            self.hold()
        except OSError as error:
            self._clear()
            self.refusal = f"this run will not be kept: {str(folder.parent)!r} cannot be written ({reason(error)})"
        self._seen = self._stamp()

    def hold(self) -> None:
        """Acquire the lock if not held yet. Raises OSError, or ValueError if another process holds it."""
        if self._lock.is_locked:
            return
        try:
            self._lock.acquire(timeout=_WAIT)
        except Timeout:
            raise ValueError(elsewhere(self._folder)) from None

    def close(self) -> None:
        """Release the lock. If the run was never saved, its folder is removed."""
        self._seen = self._stamp()
        with contextlib.suppress(OSError):
            self._lock.release()
        self._clear()

    def is_outdated(self) -> bool:
        """Whether another process has continued or deleted the run since `close`."""
        return not self._lock.is_locked and (self._stamp() != self._seen or is_locked(self._folder))

    def _clear(self) -> None:
        with contextlib.suppress(OSError):  # missing, or not writable
            if {path.name for path in self._folder.iterdir()} <= {LOCK}:
                (self._folder / LOCK).unlink(missing_ok=True)
                self._folder.rmdir()

    def _stamp(self) -> int:
        try:
            return (self._folder / "summary.json").stat().st_mtime_ns
        except OSError:  # not saved
            return 0


def is_locked(folder: Path) -> bool:
    """Whether a process holds the lock of the run in a folder."""
    if not (folder / LOCK).is_file():
        return False
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=0.02, poll_interval=0.005)  # another process may be calling this, too
    except Timeout:
        return True
    except OSError:  # a read-only disk, so nobody trains there
        return False
    lock.release()
    return False


def elsewhere(folder: Path) -> str:
    """The error message for a run that another process trains."""
    return f"the run {folder.name!r} is trained by another process; stop it there first"
