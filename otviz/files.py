"""Where files of this project lie, and files that are never seen half written."""

from __future__ import annotations

import glob
import io
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

CHECKPOINTS = Path(__file__).resolve().parents[1] / "checkpoints"
"""Those that are shipped."""


def home() -> Path:
    """The folder of what users make: the environment variable OTVIZ_HOME names it (.otviz)."""
    return Path(os.environ.get("OTVIZ_HOME", ".otviz"))


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
    """Write a file aside and rename it: a reader sees the whole file or none. Raises OSError; then nothing is left behind."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=_aside(path.name), delete=False) as file:
        try:
            file.write(data)
            file.flush()
            os.replace(file.name, path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise


def clear(folder: Path, names: Iterable[str]) -> None:
    """Remove what a process that was killed while it wrote these files left aside; nobody may be writing them now."""
    for name in names:
        for left in folder.glob(f"{glob.escape(_aside(name))}*"):
            left.unlink(missing_ok=True)


def _aside(name: str) -> str:
    return f".{name}."
