"""Links: everything needed to repeat what is on screen stands in the address, and only what differs from the default.

A page calls `open_link` first, draws its widgets through `controls`, and calls `publish` last. A link with `lesson=` puts the
settings of that lesson below its own: what the lesson shows may be set beside it, everything else is held.
"""

from __future__ import annotations

import difflib
import re
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NoReturn

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from otviz.content import lessons
from otviz.content.lessons import Lesson
from otviz.core import addresses
from otviz.core.addresses import MAX_CHARS

LESSON = "lesson"
MOST_BACK = 50  # changes of settings that can be undone
STALE = 3.0  # seconds in which a browser may still send the address that was just replaced

VISIT = "otviz.visit"
"""Under which a session counts the visits of pages: the page and a number."""


@dataclass
class _Memory:
    """What a browser session remembers of one page."""

    visit: tuple[str, int] = ("", -1)
    published: dict[str, str] = field(default_factory=dict)
    replaced: list[tuple[float, dict[str, str]]] = field(default_factory=list)
    pending: dict[str, str] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    seeded: set[str] = field(default_factory=set)
    reading: bool = True
    problems: list[str] = field(default_factory=list)
    told: dict[str, str] = field(default_factory=dict)
    said: dict[str, str] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)
    newer: bool = False
    lesson: Lesson | None = None
    reads: int = 0
    kept: set[str] = field(default_factory=set)
    past: list[dict[str, str]] = field(default_factory=list)

    def read(self, page: str, address: dict[str, str]) -> None:
        """Take the values of this address when the page is drawn."""
        for kept in (self.seeded, self.problems, self.texts, self.asked):
            kept.clear()
        found = addresses.unpack(address)
        self.published, self.said, self.newer = dict(address), dict(found.settings), found.newer
        self.problems.extend(found.problems)
        self.pending = dict(found.settings)
        self.lesson = self._open(page, self.pending.pop(LESSON, None))
        if self.lesson is not None:
            self.pending = self._below(self.lesson, self.pending)
        self.reading = True
        self.reads += 1

    def remember(self, now: Mapping[str, str]) -> None:
        """Keep the settings said last for `back`, if those that count are others now."""
        before = self.said
        if any(before.get(key) != now.get(key) for key in self.kept):
            self.past = [*self.past[1 - MOST_BACK :], before]

    def _open(self, page: str, name: str | None) -> Lesson | None:
        try:
            found = None if name is None else lessons.lesson(name)
        except ValueError as error:
            self.problems.append(f"The lesson cannot be shown: {error}.")
            return None
        if found is not None and found.page != page:
            self.problems.append(f"The lesson {name} belongs to another page; open /{found.page}?{LESSON}={name}.")
            return None
        return found

    def _below(self, lesson: Lesson, given: dict[str, str]) -> dict[str, str]:
        """The settings of the lesson, with those of the link that it leaves open."""
        held = [key for key, text in given.items() if not lesson.shows(key) and lesson.settings.get(key) != text]
        if held:
            self.problems.append(f"The lesson holds {addresses.named(held)}; what the link says of it is not used.")
        return {**lesson.settings, **{key: text for key, text in given.items() if lesson.shows(key)}}


class Link:
    """The address of one page while it is drawn."""

    def __init__(self, page: str, memory: _Memory, slot: DeltaGenerator) -> None:
        self.page = page
        self._memory = memory
        self._slot = slot
        self._out: dict[str, str] = {}
        self._defaults: dict[str, str] = {}
        self._folds: list[DeltaGenerator] = []

    @property
    def problems(self) -> tuple[str, ...]:
        """Sentences on what in the address could not be used, as plain text."""
        return tuple(self._memory.problems)

    @property
    def said(self) -> dict[str, str]:
        """The settings in the address as it was read or published last, unpacked."""
        return dict(self._memory.said)

    @property
    def lesson(self) -> Lesson | None:
        """The lesson that the page is in, if any."""
        return self._memory.lesson

    @property
    def reads(self) -> int:
        """How often the address was read: by `go` too, which shows the page anew."""
        return self._memory.reads

    def shows(self, key: str) -> bool:
        """Whether the control with this key is drawn: not in a section that is closed, and in a lesson only if it has chosen it."""
        self._memory.asked.add(key)
        return not self._folds and (self.lesson is None or self.lesson.shows(key))

    @contextmanager
    def folded(self, place: DeltaGenerator) -> Iterator[None]:
        """What is asked for meanwhile is not drawn, its values are in force all the same; `place` is for what must be said."""
        self._folds.append(place)
        try:
            yield
        finally:
            self._folds.pop()

    @property
    def place(self) -> DeltaGenerator | None:
        """Where to say what is wrong with a control that is folded away; None if none is."""
        return self._folds[0] if self._folds else None

    def text(self, key: str, default: str = "") -> str:
        """A value that no widget holds, such as the id of a run: from the address, else as published last."""
        value = self.take(key)
        if value is not None:
            self._memory.texts[key] = value
        return self._memory.texts.get(key, default)

    def take(self, key: str) -> str | None:
        """The text under `key` if the address was just read and has it; a second call returns None."""
        self._memory.asked.add(key)
        return self._memory.pending.pop(key, None)

    def first(self, widget: str) -> bool:
        """Whether the widget with this key must get its value now: once for every address read."""
        if widget in self._memory.seeded and widget in st.session_state:
            return False
        self._memory.seeded.add(widget)
        return True

    def complain(self, problem: str, key: str = "") -> None:
        """Add a sentence to `problems`; when the value under `key` is the lesson's, it begins with where that stands."""
        lesson = self.lesson
        if lesson is not None and key in lesson.settings and not (lesson.shows(key) and key in self._memory.said):
            problem = f"{lesson.at('settings')}: {problem}"
        self._memory.problems.append(shorten(problem, 300))

    def put(self, key: str, text: str, default: str = "") -> None:
        """Note what the address shall say under `key`: nothing if it is the default."""
        self._defaults[key] = default
        if text != default and len(text) <= MAX_CHARS:
            self._out[key] = text

    def publish(self, values: Mapping[str, str] | None = None) -> None:
        """Write what was `put`, and `values`, to the address, and show the problems once. The page's last call."""
        for key, text in (values or {}).items():
            self._memory.pending.pop(key, None)
            self.put(key, text)
        fresh = self._memory.reading
        self._finish_reading()
        self._write(remember=not fresh)
        if self._memory.problems and self._out == self._memory.told:
            lines = "\n".join(f"- {plain(problem)}" for problem in self._memory.problems)
            self._slot.warning(f"Part of this link could not be used:\n{lines}")
        else:
            self._memory.problems.clear()

    def go(self, values: Mapping[str, str], *, remember: bool = True) -> NoReturn:
        """Show the page anew with these values, as if one had come by a link with them; the view stays if they name none.

        Args:
            remember: what is in force now can be brought back.
        """
        kept = {key: text for key, text in self.said.items() if key == "view"}
        self._out = {**kept, **values}
        self._write(remember)
        self._memory.read(self.page, self._memory.published)
        st.rerun()

    def keep(self) -> None:
        """What was put so far are settings: each change of them can be undone."""
        self._memory.kept |= self._defaults.keys()

    @property
    def past(self) -> tuple[dict[str, str], ...]:
        """What the address said before each change of the settings, the latest last."""
        return tuple(self._memory.past)

    def back(self) -> dict[str, str]:
        """Take back the last change of the settings: what the address said before it, to `go` to."""
        said = {key: text for key, text in self._memory.past.pop().items() if key != LESSON}
        return said if self.lesson is None else {**self.lesson.settings, **said}

    def changed(self, but: Collection[str] = ()) -> bool:
        """Whether a setting, `but` those with these keys, is not as the page, or the lesson, has it by default."""
        start = {} if self.lesson is None else self.lesson.settings
        values = {**self._defaults, **self._out}
        return any(
            values[key] != start.get(key, self._defaults[key]) for key in self._memory.kept & values.keys() - {*but}
        )

    def leave_lesson(self) -> NoReturn:
        """Show all controls of the page, with the settings now in force."""
        settings = dict(self._memory.texts)
        self._memory.lesson = None
        self.go(settings)

    def go_to_lesson(self, name: str) -> NoReturn:
        """Show the page anew in this lesson, with its settings alone."""
        self._memory.lesson, self._memory.said = None, {}
        self.go({LESSON: name})

    def _finish_reading(self) -> None:
        memory, lesson = self._memory, self.lesson
        if not memory.reading:
            return
        unknown = list(memory.pending)
        if lesson is not None:
            self._complain_of_lesson("settings", [key for key in unknown if key not in memory.said])
            self._complain_of_lesson("show", [key for key in lesson.show if key not in memory.asked])
            unknown = [key for key in unknown if key in memory.said]
        if unknown and not memory.newer:  # what a newer otviz knows was told in one sentence
            what = "is no setting" if len(unknown) == 1 else "are no settings"
            it = "it is" if len(unknown) == 1 else "they are"
            self.complain(f"{addresses.named(unknown)} {what} of this page; {it} not used.")
        memory.pending.clear()
        memory.reading = False
        memory.told = dict(self._out)

    def _complain_of_lesson(self, line: str, unknown: list[str]) -> None:
        assert self.lesson is not None
        if unknown:
            near = difflib.get_close_matches(unknown[0], self._memory.asked, 1)
            mend = f"did you mean {near[0]!r}?" if near else "copy it from the address of the page."
            self.complain(f"{self.lesson.at(line)}: {addresses.named(unknown)} is no setting of this page; {mend}")

    def _write(self, remember: bool) -> None:
        memory = self._memory
        said = dict(self._out) if self.lesson is None else {LESSON: self.lesson.name, **self._beside(self.lesson)}
        if remember:
            memory.remember(said)
        now, new = st.query_params.to_dict(), addresses.pack(said)
        if now != new:
            recent = [(at, old) for at, old in memory.replaced if time.monotonic() - at < STALE]
            memory.replaced = [*recent, (time.monotonic(), now)]
            st.query_params.from_dict(new)
        memory.published, memory.said = new, said
        memory.texts = dict(self._out)

    def _beside(self, lesson: Lesson) -> dict[str, str]:
        """What the address says beside the name of the lesson: what is shown and differs from it."""
        values = {**self._defaults, **self._out}
        return {
            key: text
            for key, text in values.items()
            if lesson.shows(key) and text != lesson.settings.get(key, self._defaults.get(key, ""))
        }


def open_link(page: str) -> Link:
    """Read the address for the page of this name. The first call of a page after the guard.

    Values are read when the session first sees the page, when one comes to it by a link with settings, and when one
    goes back in the browser's history. They are not read when the address is the one written by `publish`.
    """
    memory: _Memory = st.session_state.setdefault(f"otviz.link.{page}", _Memory())
    now = st.query_params.to_dict()
    visit = st.session_state.get(VISIT, ("", 0))
    if _is_new(memory, now, visit):
        memory.read(page, now)
    memory.visit = visit
    return Link(page, memory, st.container())


def arrive(page: str) -> None:
    """Count the visit when another page is shown than before (called by the frame)."""
    before, count = st.session_state.get(VISIT, ("", 0))
    if before != page:
        st.session_state[VISIT] = (page, count + 1)


def plain(text: str) -> str:
    """Markdown that shows `text` as it is, whatever it holds."""
    flat = re.sub(r"(://|www|@)", "\\1\u200b", " ".join(text.split()))  # an invisible space: no address becomes a link
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", flat)


def shorten(text: str, limit: int) -> str:
    """At most `limit` characters of a text."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _is_new(memory: _Memory, now: dict[str, str], visit: tuple[str, int]) -> bool:
    if memory.visit[1] < 0:
        return True
    if memory.visit != visit:
        return bool(now)  # a bare address leads back to the page as it was left
    stale = any(old == now and time.monotonic() - at < STALE for at, old in memory.replaced)
    return now != memory.published and not stale
