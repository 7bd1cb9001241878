"""Where files of this project lie, and files that are never seen half written."""

from __future__ import annotations

import contextlib
import errno
import glob
import io
import os
import re
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""The folder of the project."""

CHECKPOINTS = ROOT / "checkpoints"
"""Those that are shipped."""

WRITTEN_WITHIN = 600.0
"""Seconds within which any file is written."""

_ASIDE = re.compile(r"\..+\.[a-z0-9_]{8}")


def home() -> Path:
    """The folder of what users make: the environment variable OTVIZ_HOME names it (.otviz)."""
    return Path(os.environ.get("OTVIZ_HOME", ".otviz"))


def check_repository() -> None:
    """Raise ValueError where this package was installed without the folders that lie beside it in its repository."""
    if not (CHECKPOINTS / "catalogue.toml").is_file():
        raise ValueError(
            "checkpoints, lessons and results are not part of an installed package: clone the repository of otviz and "
            "run python -m pip install -e . in it"
        )


class CarefulFile(io.FileIO):
    """A file that refuses to give much at once: a small ZIP can list millions of members, and zipfile takes them all.

    Attributes:
        most: bytes that one call of `read` may ask for; raised once the list of members is read.
    """

    def __init__(self, path: Path, most: int) -> None:
        super().__init__(path)
        self.most = most

    def read(self, size: int | None = -1, /) -> bytes:
        """At most `size` bytes. Raises ValueError where that is more than `most`."""
        if size is not None and size > self.most:
            raise ValueError(f"its list of files has more than {self.most / 1e6:g} MB")
        return super().read(-1 if size is None else size) or b""


def write_whole(path: Path, data: bytes) -> None:
    """Write a file aside and rename it: a reader sees the whole file or none, after a power cut too.

    Raises OSError; then nothing is left behind.
    """
    handle, aside = tempfile.mkstemp(dir=path.parent, prefix=_aside(path.name))
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)  # closed by now: Windows renames no open file
    except BaseException:
        Path(aside).unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def clear(folder: Path, names: Iterable[str]) -> None:
    """Remove what a process that was killed while it wrote these files left aside; nobody may be writing them now."""
    for name in names:
        for left in folder.glob(f"{glob.escape(_aside(name))}*"):
            left.unlink(missing_ok=True)


def clear_folders(folder: Path) -> None:
    """Remove what killed processes left aside in the folders of `folder`; what is younger may still be written."""
    for left in folder.glob("*/.*"):
        with contextlib.suppress(OSError):  # renamed meanwhile, or on a disk that cannot be written
            if _ASIDE.fullmatch(left.name) and time.time() - left.stat().st_mtime > WRITTEN_WITHIN:
                left.unlink()


def _sync_folder(folder: Path) -> None:
    """Let the new name in a folder survive a power cut, where the system can; the file itself is safe."""
    with contextlib.suppress(OSError):  # Windows opens no folder, and some network disks cannot sync one
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _aside(name: str) -> str:
    return f".{name}."


_CAUSES = {
    errno.ENOSPC: ("the disk is full", "free some space"),
    errno.EDQUOT: ("the quota of the disk is used up", "free some space"),
    errno.EROFS: ("the disk is read-only", "make it writable"),
    errno.EACCES: ("permission is denied", "allow this user to write there"),
    errno.EPERM: ("permission is denied", "allow this user to write there"),
    errno.ENOENT: ("its folder does not exist", "make the folder first"),
    errno.ENOTDIR: ("its folder is a file", "choose another folder"),
    errno.EISDIR: ("it is a folder", "choose the name of a file"),
}


def refused(path: Path, error: OSError, what: str = "cannot be written") -> str:
    """One sentence on a file that could not be changed: its name, what is wrong, and what to do."""
    wrong, advice = _CAUSES.get(error.errno or 0, (error.strerror or str(error), "check the disk"))
    return f"{str(path)!r} {what} ({wrong}); {advice}, then try again"
