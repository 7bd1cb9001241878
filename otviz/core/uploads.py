"""Uploaded files, stored under a hash of their content, so that links can refer to them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from otviz.core.files import home, refused, write_whole
from otviz.core.owners import EVERYBODY, Owner

PREFIX = "upload:"
UPLOAD = re.compile(r"upload:(?:[0-9a-f]{16}|[0-9a-f]{36})")  # the longer ones have an owner
STORED = re.compile(r"(?:[0-9a-f]{16}|[0-9a-f]{36})\.\w+")
MOST_LETTERS = 100  # longest stored file name
WORKBOOKS = (".xlsx", ".xls", ".xlsm", ".ods", ".numbers")
PACKED = (".gz", ".bz2", ".xz", ".zst", ".zip", ".7z", ".tar")


def uploads_folder() -> Path:
    """The folder of uploads: `uploads` in the folder of the environment variable OTVIZ_HOME (default .otviz)."""
    return home() / "uploads"


def keep_upload(
    data: bytes,
    filename: str,
    extensions: Sequence[str],
    most: int,
    folder: Path | None = None,
    owner: Owner = EVERYBODY,
) -> str:
    """Store a file and return its name: "upload:" and the first 16 hex digits of its SHA-256, or 36 for an owner.

    Args:
        data: content of the file; it is validated when it is used.
        filename: the user's name for it; the extension is used, and the name is stored beside the file for `known_as`.
        extensions: accepted ones, as ".csv".
        most: largest size in bytes.
        folder: where to store it; default `uploads_folder()`.
        owner: whose it is.

    Raises:
        ValueError: unknown extension, empty or too large file, or the folder cannot be written.
    """
    extension = Path(filename).suffix.lower()
    if extension not in extensions:
        raise ValueError(refusal(filename, extensions))
    if not 0 < len(data) <= most:
        raise ValueError(f"a file must have from 1 byte to {most / 1e6:g} MB; {filename!r} has {len(data)} bytes")
    folder = uploads_folder() if folder is None else folder
    stored = folder / (owner.digest(data) + extension)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(_name_beside(stored), _tidy(filename).encode())
        if stored.is_file() and stored.stat().st_size == len(data):
            stored.touch()  # a page may have mapped it to memory, and Windows replaces no such file
        else:
            write_whole(stored, data)
    except OSError as error:
        raise ValueError(f"the file is not kept: {refused(folder, error)}") from error
    return PREFIX + stored.stem


def find_upload(name: str, extensions: Sequence[str], folder: Path | None = None) -> Path:
    """The uploaded file of that name.

    Args:
        name: as `keep_upload` returned it.
        extensions: accepted ones.
        folder: as for `keep_upload`.

    Raises:
        ValueError: no such file.
    """
    # Only hex digits reach the file system, so a name cannot leave the folder.
    if not UPLOAD.fullmatch(name):
        raise ValueError(
            f"an uploaded file is written {PREFIX} and 16 hex digits, or 36 on a shared server; got {name!r}"
        )
    folder = uploads_folder() if folder is None else folder
    stored = [folder / (name.removeprefix(PREFIX) + extension) for extension in extensions]
    found = [path for path in stored if path.is_file()]
    if not found:
        known = [known_as(path) for path in stored if _name_beside(path).is_file()]
        raise ValueError(f"{known[0] if known else name} is not among the uploads kept here; upload the file again")
    # The same bytes may have been uploaded as .csv and as .tsv: the last upload counts.
    return max(found, key=lambda path: path.stat().st_mtime_ns)


def known_as(path: Path) -> str:
    """The user's name for a file: that of the upload (of equal files the last one's), or the file's own."""
    if STORED.fullmatch(path.name):
        try:
            return _tidy(_name_beside(path).read_text(encoding="utf-8")) or path.name
        except (OSError, UnicodeDecodeError):
            pass
    return path.name


def refusal(filename: str, extensions: Sequence[str]) -> str:
    """The message for a file with none of these extensions."""
    name, extension = _tidy(filename), Path(filename).suffix.lower()
    if extension in WORKBOOKS and ".csv" in extensions:
        return f"{name} is a workbook, which cannot be read here; save its sheet as CSV and use that"
    if extension in PACKED and extension not in extensions:
        return f"{name} is compressed ({extension}); unpack it, and use the file inside ({', '.join(extensions)})"
    return f"a file must end in {', '.join(extensions)}; got {name!r}"


def _name_beside(stored: Path) -> Path:
    return stored.with_name(f"{stored.name}.name")


def _tidy(filename: str) -> str:
    """The last part of a path, on one line."""
    name = "".join(letter if letter.isprintable() else " " for letter in re.split(r"[\\/]", filename)[-1])
    return " ".join(name.split())[-MOST_LETTERS:]
