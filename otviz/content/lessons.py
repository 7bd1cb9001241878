"""Lessons: a page with settings, visible controls and a text chosen by a teacher; one Markdown file each.

Files are `lessons/<name>.md` in OTVIZ_HOME, which comes first, or in this project. A file begins with lines `key: value`
between two lines `---`; the rest is shown as text beside the picture.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from otviz.core.addresses import read_query
from otviz.core.files import ROOT, home

SHIPPED = ROOT / "lessons"
PAGES = ("transport", "train", "compare", "images")
"""Pages with controls beside a picture: those that a lesson can be about."""

FREE = ("run", "runs")
"""What is on screen rather than how it is set: always in the link, never in a lesson."""

NAME = re.compile(r"[a-z0-9]{1,40}(-[a-z0-9]{1,40}){0,9}")
MAX_BYTES = 20_000
MAX_LESSONS = 100  # per folder
FENCE = "---"


@dataclass(frozen=True)
class Lesson:
    """A lesson.

    Attributes:
        name: its key in links: the file name without `.md`.
        title: shown title.
        page: one of `PAGES`.
        learn: what the reader learns, in a sentence.
        minutes: duration.
        order: position in the list.
        settings: settings of the page, as in a link.
        shown: keys of the visible controls.
        body: Markdown shown beside the picture.
        path: its file.
        lines: line number of each key of its head, from 1.
    """

    name: str
    title: str
    page: str
    learn: str
    minutes: int
    order: int
    settings: Mapping[str, str]
    shown: tuple[str, ...]
    body: str
    path: Path
    lines: Mapping[str, int]

    def shows(self, key: str) -> bool:
        """Whether the control with this key is visible."""
        return key in self.shown or key in FREE

    def at(self, key: str) -> str:
        """Location of a key of the head, for messages: "lessons/blur.md, line 5"."""
        return _at(self.path, self.lines.get(key, 1))


def folders() -> tuple[Path, ...]:
    """The folders of lessons; the teacher's own come first."""
    return home() / "lessons", SHIPPED


def names() -> list[str]:
    """Names of all lessons, including unreadable ones; at most `MAX_LESSONS` per folder."""
    found = [
        path.stem
        for folder in folders()
        for path in sorted(folder.glob("*.md"))[:MAX_LESSONS]
        if NAME.fullmatch(path.stem) and path.is_file()
    ]
    return list(dict.fromkeys(found))


def lesson(name: str) -> Lesson:
    """The lesson of that name.

    Raises:
        ValueError: invalid name, no such lesson, or an invalid file (the message names file, line and fix).
    """
    if not NAME.fullmatch(name):  # only letters, digits and hyphens reach the file system
        short = name if len(name) <= 40 else name[:39] + "…"
        raise ValueError(f"a lesson is named by small letters, digits and hyphens, as what-blur-does; got {short!r}")
    path = next((path for folder in folders() if (path := folder / f"{name}.md").is_file()), None)
    if path is None:
        near = difflib.get_close_matches(name, names(), 1) or names()
        raise ValueError(f"there is no lesson {name!r}; there is {', '.join(near) or 'none'}")
    return read(path)


def lessons() -> tuple[list[Lesson], list[str]]:
    """All lessons in order, and a message for each invalid file."""
    found, problems = [], []
    for name in names():
        try:
            found.append(lesson(name))
        except ValueError as error:
            problems.append(str(error))
    return sorted(found, key=lambda each: (each.order, each.name)), problems


def shipped() -> list[Lesson]:
    """The lessons of this project, sorted by name. Raises ValueError for an invalid file."""
    return [read(path) for path in sorted(SHIPPED.glob("*.md"))]


def read(path: Path) -> Lesson:
    """Read a lesson.

    Raises:
        ValueError: the file is too large or not UTF-8, or its head lacks a line or has an invalid one.
    """
    lines = _text(path).split("\n")
    ends = [at for at, line in enumerate(lines) if line.strip() == FENCE][:2]
    if len(ends) < 2 or ends[0] != 0:
        raise ValueError(f"{_at(path, 1)}: a lesson begins with lines 'key: value' between two lines {FENCE}")
    values, where = _head(path, lines[1 : ends[1]])
    body = "\n".join(lines[ends[1] + 1 :]).strip()
    if not body:
        raise ValueError(f"{_at(path, len(lines))}: there is no text below the second {FENCE}; write what to do")
    return Lesson(path.stem, **values, body=body, path=path, lines=MappingProxyType(where))


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ValueError(f"{_name(path)} cannot be read: {error.strerror}") from error
    if len(data) > MAX_BYTES:
        raise ValueError(f"{_name(path)} has more than {MAX_BYTES} bytes; a lesson is a text of a page: shorten it")
    try:
        text = data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ValueError(f"{_at(path, line)}: this is no UTF-8; save the file as UTF-8") from error
    for at, sign in enumerate(text):
        if unicodedata.category(sign) == "Cc" and sign not in "\n\t":
            line = text.count("\n", 0, at) + 1
            raise ValueError(f"{_at(path, line)}: there is a control character, U+{ord(sign):04X}; delete it")
    return text


def _head(path: Path, lines: list[str]) -> tuple[dict[str, Any], dict[str, int]]:
    values: dict[str, Any] = {}
    where: dict[str, int] = {}
    for number, line in enumerate(lines, start=2):
        if not line.strip():
            continue
        key, colon, text = (part.strip() for part in line.partition(":"))
        try:
            if not colon:
                raise ValueError(f"a line here is 'key: value'; got {line[:60]!r}")
            if key not in _KEYS:
                raise ValueError(f"{key[:40]!r} is not known here; write one of {', '.join(_KEYS)}")
            if key in where:
                raise ValueError(f"{key} stands already in line {where[key]}; delete one of them")
            values[key], where[key] = _KEYS[key](text), number
        except ValueError as error:
            raise ValueError(f"{_at(path, number)}: {error}") from error
    missing = [key for key in _KEYS if key not in values and key not in _OPTIONAL]
    if missing:
        raise ValueError(
            f"{_at(path, 1)}: {missing[0]} is missing; add a line '{missing[0]}: ...' between the two {FENCE}"
        )
    return {_FIELDS.get(key, key): value for key, value in {**_OPTIONAL, **values}.items()}, where


def _line(text: str) -> str:
    if not 0 < len(text) <= 200:
        raise ValueError(f"write 1 to 200 characters; there are {len(text)}")
    return text


def _page(text: str) -> str:
    if text not in PAGES:
        raise ValueError(f"page must be one of {', '.join(PAGES)}; got {text[:40]!r}")
    return text


def _whole(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,3}", text):
        raise ValueError(f"write a whole number from 0 to 999; got {text[:40]!r}")
    return int(text)


def _settings(text: str) -> Mapping[str, str]:
    found = read_query(text.partition("?")[2] or text)
    if found.problems:
        raise ValueError(found.problems[0])
    return MappingProxyType({key: value for key, value in found.settings.items() if key not in (*FREE, "lesson")})


def _shown(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(key for key in re.split(r"[,\s]+", text) if key))


_KEYS: Mapping[str, Callable[[str], Any]] = {
    "title": _line, "page": _page, "learn": _line, "minutes": _whole, "order": _whole, "settings": _settings, "show": _shown,
}  # fmt: skip
_OPTIONAL: Mapping[str, Any] = {"order": 500, "settings": MappingProxyType({}), "show": ()}
_FIELDS = {"show": "shown"}


def _name(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def _at(path: Path, line: int) -> str:
    return f"{_name(path)}, line {line}"
