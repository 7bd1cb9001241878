"""Links: everything needed to repeat what is on screen stands in the address, and only what differs from the default.

A page calls `open_link` first, draws its widgets through `controls`, and calls `publish` last.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NoReturn

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

MAX_KEYS = 100
MAX_CHARS = 4000  # of one value: a drawing of 1000 vertices has 2700
STALE = 3.0  # seconds in which a browser may still send the address that was just replaced

_VISIT = "otviz.visit"


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

    def read(self, address: dict[str, str]) -> None:
        """Take the values of this address when the page is drawn."""
        self.seeded.clear()
        self.problems.clear()
        self.texts.clear()
        self.published = dict(address)
        self.pending, problems = _admit(address)
        self.problems.extend(problems)
        self.reading = True


class Link:
    """The address of one page while it is drawn."""

    def __init__(self, page: str, memory: _Memory, slot: DeltaGenerator) -> None:
        self.page = page
        self._memory = memory
        self._slot = slot
        self._out: dict[str, str] = {}

    @property
    def problems(self) -> tuple[str, ...]:
        """Sentences on what in the address could not be used, as plain text."""
        return tuple(self._memory.problems)

    def text(self, key: str, default: str = "") -> str:
        """A value that no widget holds, such as the id of a run: from the address, else as published last."""
        value = self.take(key)
        if value is not None:
            self._memory.texts[key] = value
        return self._memory.texts.get(key, default)

    def take(self, key: str) -> str | None:
        """The text under `key` if the address was just read and has it; a second call returns None."""
        return self._memory.pending.pop(key, None)

    def first(self, widget: str) -> bool:
        """Whether the widget with this key must get its value now: once for every address read."""
        if widget in self._memory.seeded and widget in st.session_state:
            return False
        self._memory.seeded.add(widget)
        return True

    def complain(self, problem: str) -> None:
        """Add a sentence to `problems`."""
        self._memory.problems.append(shorten(problem, 300))

    def put(self, key: str, text: str, default: str = "") -> None:
        """Note what the address shall say under `key`: nothing if it is the default."""
        if text != default and len(text) <= MAX_CHARS:
            self._out[key] = text

    def publish(self, values: Mapping[str, str] | None = None) -> None:
        """Write what was `put`, and `values`, to the address, and show the problems once. The page's last call."""
        for key, text in (values or {}).items():
            self._memory.pending.pop(key, None)
            self.put(key, text)
        self._finish_reading()
        self._write()
        if self._memory.problems and self._out == self._memory.told:
            lines = "\n".join(f"- {plain(problem)}" for problem in self._memory.problems)
            self._slot.warning(f"Part of this link could not be used:\n{lines}")
        else:
            self._memory.problems.clear()

    def go(self, values: Mapping[str, str]) -> NoReturn:
        """Show the page anew with these values, as if one had come by a link with them; the view stays if they name none."""
        kept = {key: text for key, text in st.query_params.to_dict().items() if key == "view"}
        self._out = {**kept, **values}
        self._write()
        self._memory.read(self._out)
        st.rerun()

    def _finish_reading(self) -> None:
        memory = self._memory
        if not memory.reading:
            return
        for key in memory.pending:
            self.complain(f"{shorten(key, 40)!r} is no setting of this page; it is not used.")
        memory.pending.clear()
        memory.reading = False
        memory.told = dict(self._out)

    def _write(self) -> None:
        memory = self._memory
        now = st.query_params.to_dict()
        if now != self._out:
            recent = [(at, old) for at, old in memory.replaced if time.monotonic() - at < STALE]
            memory.replaced = [*recent, (time.monotonic(), now)]
            st.query_params.from_dict(self._out)
        memory.published = dict(self._out)
        memory.texts = dict(self._out)


def open_link(page: str) -> Link:
    """Read the address for the page of this name. The first call of a page after the guard.

    Values are read when the session first sees the page, when one comes to it by a link with settings, and when one
    goes back in the browser's history. They are not read when the address is the one written by `publish`.
    """
    memory: _Memory = st.session_state.setdefault(f"otviz.link.{page}", _Memory())
    now = st.query_params.to_dict()
    visit = st.session_state.get(_VISIT, ("", 0))
    if _is_new(memory, now, visit):
        memory.read(now)
    memory.visit = visit
    return Link(page, memory, st.container())


def arrive(page: str) -> None:
    """Count the visit when another page is shown than before (called by the frame)."""
    before, count = st.session_state.get(_VISIT, ("", 0))
    if before != page:
        st.session_state[_VISIT] = (page, count + 1)


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


def _admit(now: dict[str, str]) -> tuple[dict[str, str], list[str]]:
    if len(now) > MAX_KEYS:
        return {}, [f"The link has {len(now)} settings, more than {MAX_KEYS}; none is used."]
    long = [key for key, text in now.items() if len(key) > MAX_CHARS or len(text) > MAX_CHARS]
    problems = [f"{shorten(key, 40)!r} is longer than {MAX_CHARS} characters; it is not used." for key in long]
    return {key: text for key, text in now.items() if key not in long}, problems
