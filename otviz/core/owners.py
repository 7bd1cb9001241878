"""Who owns a run or an upload on a server that a class shares: its name says so, and nothing else is stored.

A browser session has a secret. The names of what it makes end in a hash of the secret, by which the session recognises what is its
own, and in 96 bits that nobody can guess, so that a name opens only for those who got it in a link.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from otviz.core.files import home

_KEY, _REST = 12, 24  # hex digits
_OWNED = re.compile(rf"(?:.*[-:])?([0-9a-f]{{{_KEY}}})[0-9a-f]{{{_REST}}}")


def shared() -> bool:
    """Whether a class shares this server: the environment variable OTVIZ_SHARED."""
    return os.environ.get("OTVIZ_SHARED", "0") not in ("", "0")


@dataclass(frozen=True)
class Owner:
    """A browser session of a shared server.

    Attributes:
        secret: known to the browser and the server only; empty where one person owns everything.
    """

    secret: str = field(default="", repr=False)

    @property
    def key(self) -> str:
        """The hash of the secret that names contain; empty where one person owns everything."""
        return hashlib.sha256(self.secret.encode()).hexdigest()[:_KEY] if self.secret else ""

    def fresh(self) -> str:
        """The end of a new name."""
        return self.key + secrets.token_hex(_REST // 2) if self.secret else secrets.token_hex(4)

    def digest(self, data: bytes, digits: int = 16) -> str:
        """The end of a name that depends on a content: so many hex digits of its hash, or more for a session."""
        if not self.secret:
            return hashlib.sha256(data).hexdigest()[:digits]
        return self.key + hmac.digest(self.secret.encode(), data, "sha256").hex()[:_REST]

    def owns(self, name: str) -> bool:
        """Whether this session made what has this name."""
        found = _OWNED.fullmatch(name)
        return not self.secret or (found is not None and found[1] == self.key)

    def may_open(self, name: str) -> bool:
        """Whether this session may see and change what has this name. Who knows the name of something owned got its link."""
        return not self.secret or _OWNED.fullmatch(name) is not None

    def check(self, name: str) -> None:
        """Raise ValueError if this session may not open what has this name."""
        if not self.may_open(name):
            raise ValueError(
                f"{name[:80]!r} belongs to no browser session, and a class shares this server: use a whole link"
            )


EVERYBODY = Owner()
"""The owner of everything on a server of one person."""


@dataclass(frozen=True)
class Quota:
    """What one browser session of a shared server may have.

    Attributes:
        runs: living runs.
        stored: megabytes of its runs and uploads on the disk.
    """

    runs: int = 10
    stored: int = 500

    @classmethod
    def chosen(cls) -> Quota:
        """As the environment variables OTVIZ_SESSION_RUNS and OTVIZ_SESSION_MB say."""
        usual = cls()
        return cls(_whole("OTVIZ_SESSION_RUNS", usual.runs), _whole("OTVIZ_SESSION_MB", usual.stored))

    def admit_bytes(self, owner: Owner, more: int = 0) -> None:
        """Raise ValueError if a session would store too much.

        Args:
            owner: the session.
            more: bytes that it is about to store.
        """
        if owner.secret and (used := stored_bytes(owner)) + more > self.stored * 1e6:
            what = f" and this file has {more / 1e6:.1f} MB" if more else ""
            raise ValueError(
                f"a browser may keep {self.stored} MB on this server; yours keeps {used / 1e6:.1f} MB{what}: "
                "delete some on the page Runs"
            )

    def admit_runs(self, owner: Owner, living: int, more: int) -> None:
        """Check that a session may begin runs.

        Args:
            owner: the session.
            living: how many it has.
            more: how many it is about to begin.

        Raises:
            ValueError: they would be too many.
        """
        if owner.secret and living + more > self.runs:
            raise ValueError(
                f"at most {self.runs} runs of one browser can be active at once on this server; yours has {living}, and {more} more "
                "would be too many: stop some of them first"
            )


def stored_bytes(owner: Owner) -> int:
    """Bytes of what a session has stored: all that has its key in the name, in any folder of OTVIZ_HOME."""
    return sum(_size(path) for path in home().glob(f"*/*{owner.key}*"))


def uploads_of(owner: Owner) -> list[Path]:
    """The uploaded files of a session, and those beside them that hold their names."""
    return sorted((home() / "uploads").glob(f"{owner.key}*"))


def _size(path: Path) -> int:
    try:
        files = [path] if path.is_file() else list(path.rglob("*"))
        return sum(each.stat().st_size for each in files)
    except OSError:  # deleted meanwhile
        return 0


def _whole(variable: str, usual: int) -> int:
    text = os.environ.get(variable, "")
    return int(text) if text.isdigit() else usual
