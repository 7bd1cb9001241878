"""Where files of this project lie, and files that are never seen half written."""

from __future__ import annotations

import glob
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

CHECKPOINTS = Path(__file__).resolve().parents[1] / "checkpoints"
"""Those that are shipped."""


def home() -> Path:
    """The folder of what users make: the environment variable OTVIZ_HOME names it (.otviz)."""
    return Path(os.environ.get("OTVIZ_HOME", ".otviz"))


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
