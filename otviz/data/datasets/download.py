"""Files from the web: continued where they stopped, and kept only with the SHA-256 that was published.

Nothing that a server says is trusted: the hash alone decides, so what came from one address is continued from another.
"""

from __future__ import annotations

import hashlib
import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from otviz.core import __version__
from otviz.core.locks import alone
from otviz.core.numbers import duration_in_words

PATIENCE = 30.0
"""Seconds without data before a connection is closed."""
LOOK = 0.2
"""Seconds between looks at what another process downloads."""
SHOWN = 0.5
"""Seconds between lines on a terminal."""
BLOCK = 1 << 16
BUSY = "another process downloads it"


class RemoteFile(NamedTuple):
    """A published file.

    Attributes:
        name: of the file.
        size: in bytes.
        sha256: of its content, hex.
        urls: where it is, the best address first.
    """

    name: str
    size: int
    sha256: str
    urls: tuple[str, ...]

    @property
    def host(self) -> str:
        """The name of the server that is asked first."""
        return urlsplit(self.urls[0]).netloc


def fetch(
    files: Sequence[RemoteFile], folder: Path, ready: Callable[[], bool], unpack: Callable[[Path], None]
) -> Iterator[int]:
    """Download files into a folder, unless they are there, and yield at intervals how many bytes of all have come.

    What has come of a file lies in `NAME.part`, also after an error or when the caller stops, and the next call continues from
    there. If another process downloads into the folder, this one waits for it and tells its progress.

    Args:
        files: what to fetch.
        folder: where to put them; made if necessary.
        ready: whether nothing is left to do.
        unpack: called with the folder when all files are there.

    Raises:
        OSError: no connection, it was lost, or the folder cannot be written.
        ValueError: the servers have other files.
    """
    while not ready():
        try:
            with alone(folder, BUSY, wait=LOOK):
                if not ready():
                    folder.mkdir(parents=True, exist_ok=True)
                    for at, file in enumerate(files):
                        before = sum(file.size for file in files[:at])
                        yield from (before + done for done in _fetch(file, folder))
                    unpack(folder)
                return
        except ValueError as error:
            if str(error) != BUSY:
                raise
            yield present(files, folder)


def present(files: Sequence[RemoteFile], folder: Path) -> int:
    """Bytes of the files that are in the folder already."""
    parts = [(folder / file.name, folder / f"{file.name}.part", file.size) for file in files]
    return sum(size if path.is_file() else min(_size(part), size) for path, part, size in parts)


def _fetch(file: RemoteFile, folder: Path) -> Iterator[int]:
    path, part = folder / file.name, folder / f"{file.name}.part"
    if not path.is_file():
        yield from _complete(part, file)
        part.replace(path)
    yield file.size


def _complete(part: Path, file: RemoteFile) -> Iterator[int]:
    """Fetch what is missing. An address that brings nothing new is given up; a wrong part is fetched anew, once."""
    urls, anew = list(file.urls), False
    while True:
        before = _size(part)
        try:
            yield from _receive(part, file, urls[0])
            return _check(part, file, urls[0])
        except (OSError, ValueError):
            if before and not part.is_file() and not anew:
                anew = True
            elif _size(part) <= before:
                del urls[0]
            if not urls:
                raise


def _receive(part: Path, file: RemoteFile, url: str) -> Iterator[int]:
    """Append what is missing, or write all of it if the server sends all. Raises OSError or ValueError."""
    done = _size(part)
    if done >= file.size:
        return
    asked = {"Range": f"bytes={done}-"} if done else {}
    request = Request(url, headers={"User-Agent": f"otviz/{__version__}", "Accept-Encoding": "identity", **asked})
    try:
        with urlopen(request, timeout=PATIENCE) as response:
            done = _begin(response, done)
            _expect(file, url, done + (file.size - done if response.length is None else response.length))
            with part.open("ab" if done else "wb") as out:
                while block := response.read(min(BLOCK, file.size - done)):
                    out.write(block)
                    done += len(block)
                    yield done
    except HTTPException as error:
        raise OSError(f"the connection was lost ({type(error).__name__})") from error
    if done < file.size:
        raise OSError(f"the connection was lost after {done:,} of {file.size:,} bytes, which are kept")


def _begin(response: HTTPResponse, asked: int) -> int:
    """From which byte on the server sends: the one that was asked for, or 0 from a server that cannot continue."""
    if response.status != 206:
        return 0
    sent = response.headers.get("Content-Range", "")
    if not sent.startswith(f"bytes {asked}-"):
        raise OSError(f"the server sent {sent[:40]!r} when it was asked for what follows byte {asked:,}")
    return asked


def _check(part: Path, file: RemoteFile, url: str) -> None:
    """Delete a part that is not the published file. Raises ValueError for it."""
    with part.open("rb") as data:
        found = hashlib.file_digest(data, "sha256").hexdigest() if _size(part) == file.size else ""
    if found != file.sha256:
        part.unlink()
        raise ValueError(f"{url} is not the published file (another SHA-256), so it was deleted")


def _expect(file: RemoteFile, url: str, size: int) -> None:
    if size != file.size:
        raise ValueError(f"{url} is not the published file: it has {size:,} bytes instead of {file.size:,}")


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


class Pace:
    """How far a download is, and how long the rest takes.

    Args:
        done: bytes that were there before it began.
        total: all bytes.
    """

    def __init__(self, done: int, total: int) -> None:
        self.done, self.total = done, total
        self._before, self._began = done, time.monotonic()

    @property
    def share(self) -> float:
        """Share that is done, in [0, 1]."""
        return self.done / self.total if self.total else 1.0

    @property
    def seconds_left(self) -> float:
        """Seconds until the end; inf if not known yet."""
        came = self.done - self._before
        return (time.monotonic() - self._began) * (self.total - self.done) / came if came > 0 else math.inf

    @property
    def words(self) -> str:
        """Both, such as "3.2 of 11.6 MB, about 20 s left"."""
        left = (
            ""
            if self.seconds_left == math.inf or self.done >= self.total
            else f", {duration_in_words(self.seconds_left)} left"
        )
        return f"{self.done / 1e6:.1f} of {self.total / 1e6:.1f} MB{left}"


def tell(title: str, download: Iterator[int], pace: Pace) -> None:
    """Download, with the progress in a line of a terminal.

    Args:
        title: of what is downloaded.
        download: yields how many bytes have come.
        pace: of this download.
    """
    terminal, due = sys.stderr.isatty(), 0.0
    if not terminal:
        sys.stderr.write(f"{title} is downloaded, {pace.total / 1e6:.1f} MB\n")
    for pace.done in download:
        if terminal and time.monotonic() >= due:
            sys.stderr.write(f"\r{title}: {pace.words}".ljust(70))
            sys.stderr.flush()
            due = time.monotonic() + SHOWN
    if terminal:
        sys.stderr.write(f"\r{title}: {pace.words}".ljust(70) + "\n")
