"""Lessons: a page with settings, visible controls and a text chosen by a teacher; one Markdown file each.

Files are `lessons/<name>.md` in OTVIZ_HOME, which comes first, or in this project. A file begins with TOML between two lines
`+++`; the rest is shown as text beside the picture.
"""

from __future__ import annotations

import difflib
import re
import tomllib
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
"""Pages that a lesson can use."""

FREE = ("run", "runs")
"""Keys of the shown runs: always in the link, never in a lesson."""

NAME = re.compile(r"[a-z0-9]{1,40}(-[a-z0-9]{1,40}){0,9}")
MAX_BYTES = 20_000
MAX_LESSONS = 100  # per folder
FENCE = "+++"


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
        show: keys of the visible controls.
        body: Markdown shown beside the picture.
        path: its file.
    """

    name: str
    title: str
    page: str
    learn: str
    minutes: int
    order: int
    settings: Mapping[str, str]
    show: tuple[str, ...]
    body: str
    path: Path

    def shows(self, key: str) -> bool:
        """Whether the control with this key is visible."""
        return key in self.show or key in FREE

    def at(self, key: str) -> str:
        """Location of a key of the head, for messages: "lessons/blur.md, settings"."""
        return f"{_name(self.path)}, {key}"


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
        ValueError: the file is too large or not UTF-8, or its head lacks a key or has an invalid one.
    """
    lines = _text(path).split("\n")
    ends = [at for at, line in enumerate(lines) if line.strip() == FENCE][:2]
    if len(ends) < 2 or ends[0] != 0:
        raise ValueError(f"{_at(path, 1)}: a lesson begins with lines 'key = value' between two lines {FENCE}")
    values = _head(path, "\n".join(["", *lines[1 : ends[1]]]))  # the first line is the fence
    body = "\n".join(lines[ends[1] + 1 :]).strip()
    if not body:
        raise ValueError(f"{_at(path, len(lines))}: there is no text below the second {FENCE}; write what to do")
    return Lesson(path.stem, **values, body=body, path=path)


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


def _head(path: Path, text: str) -> dict[str, Any]:
    try:
        said = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ValueError(
            f'{_name(path)}: the head is not TOML, lines such as title = "On blur" or minutes = 5: {error}'
        ) from error
    if unknown := [key for key in said if key not in _KEYS]:
        raise ValueError(f"{_name(path)}: {unknown[0][:40]!r} is unknown; write one of {', '.join(_KEYS)}")
    if missing := [key for key in _KEYS if key not in said and key not in _OPTIONAL]:
        raise ValueError(
            f"{_name(path)}: {missing[0]} is missing; add a line '{missing[0]} = ...' between the two {FENCE}"
        )
    values = dict(_OPTIONAL)
    for key, value in said.items():
        try:
            values[key] = _KEYS[key](value)
        except ValueError as error:
            raise ValueError(f"{_name(path)}, {key}: {error}") from error
    return values


def _text_in_quotes(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"write a text in quotation marks; got {str(value)[:40]}")
    return value


def _sentence(value: object) -> str:
    text = _text_in_quotes(value)
    if not 0 < len(text) <= 200:
        raise ValueError(f"write 1 to 200 characters; there are {len(text)}")
    return text


def _page(value: object) -> str:
    if value not in PAGES:
        raise ValueError(f"page must be one of {', '.join(PAGES)}; got {str(value)[:40]!r}")
    return str(value)


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 999:
        raise ValueError(f"write a whole number from 0 to 999; got {str(value)[:40]!r}")
    return value


def _settings(value: object) -> Mapping[str, str]:
    text = _text_in_quotes(value)
    found = read_query(text.partition("?")[2] or text)
    if found.problems:
        raise ValueError(found.problems[0])
    return MappingProxyType({key: value for key, value in found.settings.items() if key not in (*FREE, "lesson")})


def _shown(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ValueError(f'write a list such as ["tau", "seed"]; got {str(value)[:40]!r}')
    return tuple(dict.fromkeys(map(_text_in_quotes, value)))


_KEYS: Mapping[str, Callable[[object], Any]] = {
    "title": _sentence, "page": _page, "learn": _sentence, "minutes": _whole, "order": _whole, "settings": _settings,
    "show": _shown,
}  # fmt: skip
_OPTIONAL: Mapping[str, Any] = {"order": 500, "settings": MappingProxyType({}), "show": ()}


def _name(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def _at(path: Path, line: int) -> str:
    return f"{_name(path)}, line {line}"
