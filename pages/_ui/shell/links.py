"""Links: the address contains all settings that differ from their defaults, so that it reproduces the screen.

A page calls `open_link` first, draws its widgets with `controls`, and calls `publish` last. In a link with `lesson=`, the
lesson's settings are the defaults: controls that the lesson shows may override them, all others are fixed.
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
MOST_BACK = 50  # largest number of changes that can be undone
STALE = 3.0  # seconds after the last rerun during which a request may be one that the browser sent before it
LONGEST_RERUN = 20.0  # seconds; a request may wait so long, and an address be so old

VISIT = "otviz.visit"
"""Session key of the visits of pages: the page and a number."""


@dataclass
class _Memory:
    """What a browser session stores for a page."""

    visit: tuple[str, int] = ("", -1)
    published: dict[str, str] = field(default_factory=dict)
    replaced: list[tuple[float, dict[str, str]]] = field(default_factory=list)
    active: float = 0.0  # when a rerun last began or wrote the address
    pending: dict[str, str] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    seeded: set[str] = field(default_factory=set)
    reading: bool = True
    problems: list[str] = field(default_factory=list)
    reported: dict[str, str] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)
    newer: bool = False
    lesson: Lesson | None = None
    reads: int = 0
    kept: set[str] = field(default_factory=set)
    runs: tuple[str, ...] = ()
    drawn: dict[str, object] = field(default_factory=dict)  # values of the page's widgets, unless it is being drawn
    past: list[dict[str, str]] = field(default_factory=list)

    def read(self, page: str, address: dict[str, str]) -> None:
        """Use the values of this address at the next rerun."""
        for kept in (self.seeded, self.problems, self.texts, self.asked):
            kept.clear()
        found = addresses.unpack(address)
        self.published, self.settings, self.newer = dict(address), dict(found.settings), found.newer
        self.problems.extend(found.problems)
        self.pending = dict(found.settings)
        self.lesson = self._open(page, self.pending.pop(LESSON, None))
        if self.lesson is not None:
            self.pending = self._below(self.lesson, self.pending)
        self.reading = True
        self.reads += 1

    def remember(self, now: Mapping[str, str]) -> None:
        """Store the last settings for `back`, if relevant ones have changed."""
        before = self.settings
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
        """The lesson's settings, overridden by those of the link that the lesson allows."""
        held = [key for key, text in given.items() if not lesson.shows(key) and lesson.settings.get(key) != text]
        if held:
            self.problems.append(f"The lesson holds {addresses.named(held)}; what the link says of it is not used.")
        return {**lesson.settings, **{key: text for key, text in given.items() if lesson.shows(key)}}


class Link:
    """The address of a page during a rerun."""

    def __init__(self, page: str, memory: _Memory, slot: DeltaGenerator) -> None:
        self.page = page
        self._memory = memory
        self._slot = slot
        self._out: dict[str, str] = {}
        self._defaults: dict[str, str] = {}
        self._folds: list[DeltaGenerator] = []

    @property
    def problems(self) -> tuple[str, ...]:
        """Messages on parts of the address that were ignored, as plain text."""
        return tuple(self._memory.problems)

    @property
    def settings(self) -> dict[str, str]:
        """The settings in the address as last read or published, unpacked."""
        return dict(self._memory.settings)

    @property
    def lesson(self) -> Lesson | None:
        """The current lesson, if any."""
        return self._memory.lesson

    @property
    def runs(self) -> tuple[str, ...]:
        """Ids of the runs that the page shows, or will once it is drawn: presses of its buttons are meant for them.

        To set them is not a use of the session, where a press may end the script.
        """
        return self._memory.runs

    @runs.setter
    def runs(self, ids: tuple[str, ...]) -> None:
        self._memory.runs = ids

    @property
    def reads(self) -> int:
        """How often the address was read, including by `go`."""
        return self._memory.reads

    def shows(self, key: str) -> bool:
        """Whether the control with this key is drawn: not in a closed section, and in a lesson only if the lesson shows it."""
        self._memory.asked.add(key)
        return not self._folds and (self.lesson is None or self.lesson.shows(key))

    @contextmanager
    def folded(self, place: DeltaGenerator) -> Iterator[None]:
        """Hide the controls of the block, whose values still apply; `place` is for their error messages."""
        self._folds.append(place)
        try:
            yield
        finally:
            self._folds.pop()

    @property
    def place(self) -> DeltaGenerator | None:
        """Container for errors of a hidden control; None if it is visible."""
        return self._folds[0] if self._folds else None

    def text(self, key: str, default: str = "") -> str:
        """A value without a widget, such as the id of a run: from the address, or as last published."""
        value = self.take(key)
        if value is not None:
            self._memory.texts[key] = value
        return self._memory.texts.get(key, default)

    def take(self, key: str) -> str | None:
        """The text under `key` if the address was just read and has it; a second call returns None."""
        self._memory.asked.add(key)
        return self._memory.pending.pop(key, None)

    def first(self, widget: str) -> bool:
        """Whether the widget with this key must be initialised now: once per address read."""
        if widget in self._memory.seeded and widget in st.session_state:
            return False
        self._memory.seeded.add(widget)
        return True

    def complain(self, problem: str, key: str = "") -> None:
        """Add a message to `problems`; if the value under `key` is the lesson's, with its location in the lesson."""
        lesson = self.lesson
        if lesson is not None and key in lesson.settings and not (lesson.shows(key) and key in self._memory.settings):
            problem = f"{lesson.at('settings')}: {problem}"
        self._memory.problems.append(shorten(problem, 300))

    def put(self, key: str, text: str, default: str = "") -> None:
        """Set the text under `key` in the address; the default is left out."""
        self._defaults[key] = default
        if text != default and len(text) <= MAX_CHARS:
            self._out[key] = text

    def publish(self, values: Mapping[str, str] | None = None) -> None:
        """Write the values that were `put`, and `values`, to the address, and show problems once. The page's last call."""
        for key, text in (values or {}).items():
            self._memory.pending.pop(key, None)
            self.put(key, text)
        fresh = self._memory.reading
        self._finish_reading()
        self._write(remember=not fresh)
        self._memory.drawn = _widgets(self.page)
        if self._memory.problems and self._out == self._memory.reported:
            lines = "\n".join(f"- {plain(problem)}" for problem in self._memory.problems)
            self._slot.warning(f"Part of this link could not be used:\n{lines}")
        else:
            self._memory.problems.clear()

    def go(self, values: Mapping[str, str], *, remember: bool = True) -> NoReturn:
        """Reopen the page with these values, as through a link; the view is kept unless they contain one.

        Args:
            values: the settings.
            remember: whether the change can be undone.
        """
        kept = {key: text for key, text in self.settings.items() if key == "view"}
        self._out = {**kept, **values}
        self._write(remember)
        self._memory.read(self.page, self._memory.published)
        st.rerun()

    def keep(self) -> None:
        """Mark the values that were put so far as settings, whose changes can be undone."""
        self._memory.kept |= self._defaults.keys()

    @property
    def past(self) -> tuple[dict[str, str], ...]:
        """The addresses before each change of settings, latest last."""
        return tuple(self._memory.past)

    def back(self) -> dict[str, str]:
        """Undo the last change of settings: returns the previous address, for `go`."""
        settings = {key: text for key, text in self._memory.past.pop().items() if key != LESSON}
        return settings if self.lesson is None else {**self.lesson.settings, **settings}

    def changed(self, but: Collection[str] = ()) -> bool:
        """Whether any setting, except those in `but`, differs from the defaults of the page or the lesson."""
        start = {} if self.lesson is None else self.lesson.settings
        values = {**self._defaults, **self._out}
        return any(
            values[key] != start.get(key, self._defaults[key]) for key in self._memory.kept & values.keys() - {*but}
        )

    def leave_lesson(self) -> NoReturn:
        """Show all controls of the page, with the current settings."""
        memory, settings = self._memory, dict(self._memory.texts)
        if memory.reading and memory.lesson is not None:  # clicked before the page was drawn: nothing is published yet
            settings = {**memory.lesson.settings, **memory.settings}
            settings.pop(LESSON, None)
        memory.lesson = None
        self.go(settings)

    def go_to_lesson(self, name: str) -> NoReturn:
        """Reopen the page in this lesson, with only the lesson's settings."""
        self._memory.lesson, self._memory.settings = None, {}
        self.go({LESSON: name})

    def _finish_reading(self) -> None:
        memory, lesson = self._memory, self.lesson
        if not memory.reading:
            return
        unknown = list(memory.pending)
        if lesson is not None:
            self._complain_of_lesson("settings", [key for key in unknown if key not in memory.settings])
            self._complain_of_lesson("show", [key for key in lesson.show if key not in memory.asked])
            unknown = [key for key in unknown if key in memory.settings]
        if unknown and not memory.newer:  # settings of a newer otviz were reported in one message
            what = "is no setting" if len(unknown) == 1 else "are no settings"
            it = "it is" if len(unknown) == 1 else "they are"
            self.complain(f"{addresses.named(unknown)} {what} of this page; {it} not used.")
        memory.pending.clear()
        memory.reading = False
        memory.reported = dict(self._out)

    def _complain_of_lesson(self, line: str, unknown: list[str]) -> None:
        assert self.lesson is not None
        if unknown:
            near = difflib.get_close_matches(unknown[0], self._memory.asked, 1)
            fix = f"did you mean {near[0]!r}?" if near else "copy it from the address of the page."
            self.complain(f"{self.lesson.at(line)}: {addresses.named(unknown)} is no setting of this page; {fix}")

    def _write(self, remember: bool) -> None:
        memory = self._memory
        settings = (
            dict(self._out) if self.lesson is None else {LESSON: self.lesson.name, **self._overrides(self.lesson)}
        )
        if remember:
            memory.remember(settings)
        now, new = st.query_params.to_dict(), addresses.pack(settings)
        memory.active = time.monotonic()
        if now != new:
            recent = [(at, old) for at, old in memory.replaced if memory.active - at < LONGEST_RERUN]
            memory.replaced = [*recent, (memory.active, now)]
            st.query_params.from_dict(new)
        memory.published, memory.settings = new, settings
        memory.texts = dict(self._out)

    def _overrides(self, lesson: Lesson) -> dict[str, str]:
        """The part of the address beside the lesson's name: visible settings that differ from the lesson."""
        values = {**self._defaults, **self._out}
        return {
            key: text
            for key, text in values.items()
            if lesson.shows(key) and text != lesson.settings.get(key, self._defaults.get(key, ""))
        }


def open_link(page: str) -> Link:
    """Read the address of a page; the first call of a page after `frame.require`.

    Values are read when the session first opens the page, through a link with settings, and after going back in the browser's
    history; not when the address is the one that `publish` wrote.
    """
    memory: _Memory = st.session_state.setdefault(f"otviz.link.{page}", _Memory())
    now = st.query_params.to_dict()
    visit = st.session_state.get(VISIT, ("", 0))
    if _is_new(memory, now, visit):
        memory.read(page, now)
    memory.visit, memory.active = visit, time.monotonic()
    memory.drawn = {}
    return Link(page, memory, st.container())


def keep_drawn() -> None:
    """Give the widgets of the page the values with which it was drawn; for a fragment that will rerun the whole page.

    A request of a fragment may have left the browser before the answer to a change. It then carries older values of widgets that
    the page had set, such as those of a slider beside a number, or of all settings after a reset.
    """
    page, _ = st.session_state.get(VISIT, ("", 0))
    memory: _Memory | None = st.session_state.get(f"otviz.link.{page}")
    now = _widgets(page)
    for key, value in ({} if memory is None else memory.drawn).items():
        if key in now and now[key] != value:
            st.session_state[key] = value


def _widgets(page: str) -> dict[str, object]:
    """Values of the page's widgets that hold a setting, by key."""
    found = {str(key): value for key, value in st.session_state.items() if str(key).startswith(f"{page}:")}
    return {key: value for key, value in found.items() if isinstance(value, str | int | float | tuple | list | None)}


def arrive(page: str) -> None:
    """Count a visit when the page changes (called by the frame)."""
    before, count = st.session_state.get(VISIT, ("", 0))
    if before != page:
        st.session_state[VISIT] = (page, count + 1)


def plain(text: str) -> str:
    """Escape `text` for Markdown."""
    flat = re.sub(r"(://|www|@)", "\\1\u200b", " ".join(text.split()))  # a zero-width space prevents automatic links
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", flat)


def shorten(text: str, limit: int) -> str:
    """At most `limit` characters of a text."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _is_new(memory: _Memory, now: dict[str, str], visit: tuple[str, int]) -> bool:
    if memory.visit[1] < 0:
        return True
    if memory.visit != visit:
        return bool(now)  # an address without settings reopens the page as it was left
    if now == memory.published:
        return False
    # A request that waited for the end of a long rerun still has the address from before it; going back comes after a pause.
    waited = time.monotonic() - memory.active < STALE
    return not (waited and any(old == now for at, old in memory.replaced if time.monotonic() - at < LONGEST_RERUN))
