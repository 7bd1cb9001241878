"""Points and pictures that users hand in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from otviz.core.uploads import PREFIX, keep_upload, uploads_folder
from otviz.core.uploads import find_upload as find
from otviz.data.reading import formats, image_pixels

__all__ = ["EXTENSIONS", "PREFIX", "find_upload", "identity", "store_upload", "uploads_folder"]

EXTENSIONS = (*formats.EXTENSIONS, *image_pixels.EXTENSIONS)


def store_upload(data: bytes, filename: str, folder: Path | None = None, extensions: Sequence[str] = EXTENSIONS) -> str:
    """Keep a file of points or a picture and return its name. Raises ValueError as `otviz.core.uploads.keep_upload`."""
    return keep_upload(data, filename, extensions, formats.MAX_BYTES, folder)


def find_upload(name: str, folder: Path | None = None) -> Path:
    """The file that `store_upload` called `name`. Raises ValueError for a malformed or unknown name."""
    return find(name, EXTENSIONS, folder)


def identity(path: Path) -> tuple[Path, int, int]:
    """The file, its time of change and size: what a cached reading stays valid for."""
    try:
        if path.is_file():  # not a folder, and no pipe or device, which could block for ever
            state = path.stat()
            return path.resolve(), state.st_mtime_ns, state.st_size
    except (OSError, ValueError):
        pass
    raise ValueError(f"file must be a file that exists; got {str(path)!r}: check the path, or upload it")
