"""The files of a folder or a ZIP, listed before they are read. An archive is never extracted to disk."""

from __future__ import annotations

import os
import stat
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from otviz.core.files import CarefulFile
from otviz.core.uploads import known_as

MOST_FILES = 50_000
MOST_FILE_BYTES = 50_000_000  # of one file, unpacked
MOST_LIST_BYTES = 16_000_000  # of an archive's central directory
MOST_TOTAL_BYTES = 4_000_000_000  # of an archive, unpacked
MOST_RATIO = 100  # unpacked to packed size; images are compressed already and hardly shrink
RATIO_FROM_BYTES = 50_000_000  # smaller archives are harmless at any ratio

Read = Callable[[str], bytes]


class Entry(NamedTuple):
    """A file: its path within the folder or archive (with "/"), size in bytes, and modification time or CRC."""

    name: str
    size: int
    changed: int


class Listing(NamedTuple):
    """The files of a folder or ZIP, sorted by name, without hidden ones."""

    path: Path
    entries: tuple[Entry, ...]


def list_files(path: Path) -> Listing:
    """List a folder, recursively, or a ZIP. Raises ValueError if it is neither or exceeds a limit."""
    try:
        if path.is_dir():
            return Listing(path.resolve(), _in_folder(path.resolve()))
        if path.is_file():  # pipes and devices could block for ever
            return Listing(path.resolve(), _in_archive(path))
    except OSError as error:
        raise ValueError(
            f"{known_as(path)} cannot be read ({error.strerror}): check the path and its permissions"
        ) from error
    raise ValueError(f"file must be a folder or a ZIP that exists; got {str(path)!r}: check the path, or upload a ZIP")


@contextmanager
def reader(listing: Listing) -> Iterator[Read]:
    """A thread-safe function from an entry's name to its content; it raises ValueError for a bad entry."""
    if listing.path.is_dir():
        yield lambda name: _from_folder(listing.path / name)
        return
    with _opened(listing.path) as archive:
        yield lambda name: _from_archive(archive, name)


def _in_folder(path: Path) -> tuple[Entry, ...]:
    entries: list[Entry] = []
    for folder, below, files in os.walk(path):  # does not follow links to folders, which could be cyclic
        below[:] = [name for name in below if not name.startswith(".")]
        for name in files:
            file = Path(folder, name)
            if not name.startswith(".") and file.is_file():
                state = file.stat()
                entries.append(Entry(file.relative_to(path).as_posix(), state.st_size, state.st_mtime_ns))
        _not_too_many(path, len(entries))
    return tuple(sorted(entries))


def _in_archive(path: Path) -> tuple[Entry, ...]:
    with _opened(path) as archive:
        members = [member for member in archive.infolist() if not member.is_dir()]
    _not_too_many(path, len(members))
    packed, total = path.stat().st_size, sum(member.file_size for member in members)
    if total > MOST_TOTAL_BYTES:
        raise ValueError(
            f"{known_as(path)} must unpack to at most {MOST_TOTAL_BYTES / 1e9:g} GB; it claims {total / 1e9:.3g} GB: "
            "put fewer or smaller images into it"
        )
    if total > RATIO_FROM_BYTES and total > MOST_RATIO * packed:
        raise ValueError(
            f"{known_as(path)} must unpack to at most {MOST_RATIO} times its size; it claims {total / packed:.0f} times: "
            "images do not shrink like that, save them as PNG or JPEG"
        )
    shown = (member for member in members if not _hidden(member.filename))
    # Of members with equal names the last counts, which is also the one that zipfile opens.
    entries = {member.filename: Entry(member.filename, member.file_size, member.CRC) for member in shown}
    return tuple(sorted(entries.values()))


def _not_too_many(path: Path, count: int) -> None:
    if count > MOST_FILES:
        raise ValueError(
            f"{known_as(path)} must hold at most {MOST_FILES:,} files; it has {count:,} or more: keep some of them"
        )


def _hidden(name: str) -> bool:
    """Whether a file is hidden or created by the operating system, such as __MACOSX/._a.png."""
    return any((part.startswith(".") and part.strip(".")) or part == "__MACOSX" for part in name.split("/"))


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    with CarefulFile(path, MOST_LIST_BYTES) as file:
        try:
            archive = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError) as error:
            raise ValueError(
                f"{known_as(path)} cannot be read as a ZIP file ({str(error)[:100]}): pack the images into a new one"
            ) from error
        file.most = sys.maxsize  # members are as large as `list_files` allows
        yield archive


def _from_folder(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            state = os.fstat(file.fileno())
            if not stat.S_ISREG(state.st_mode):
                raise ValueError("no longer a file")
            _check_size(state.st_size)
            return file.read(MOST_FILE_BYTES)
    except OSError as error:
        raise ValueError(error.strerror or "not readable") from error


def _from_archive(archive: zipfile.ZipFile, name: str) -> bytes:
    try:
        member = archive.getinfo(name)
        _check_size(member.file_size)
        # With other compression methods zipfile unpacks everything at once, whatever the requested and the claimed size.
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError("compressed by another method than DEFLATE")
        with archive.open(member) as file:
            return file.read(member.file_size + 1)  # one byte more than claimed makes zipfile check the CRC
    except ValueError:
        raise
    except Exception as error:  # password, unknown compression, damage: zipfile raises many types
        raise ValueError(str(error)[:100] or type(error).__name__) from error


def _check_size(size: int) -> None:
    if size > MOST_FILE_BYTES:
        raise ValueError(f"larger than {MOST_FILE_BYTES / 1e6:g} MB")
