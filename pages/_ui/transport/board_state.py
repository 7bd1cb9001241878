"""The desk: the problem that a browser session last solved, which its board asks about again and again."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import streamlit as st

from otviz.transport.problem import Problem
from pages._ui.shell.channel import Reply
from pages._ui.transport.board_canvas import Asked, read_question

if TYPE_CHECKING:
    from otviz.data.distributions.distribution import Cloud
    from otviz.transport.solution import Picture
    from otviz.transport.solve import Refinement

MOMENT = 0.5  # seconds that a question about a refinement waits for it; then the board asks again
_KEY = "otviz.desk"


@dataclass
class BoardState:
    """Points, problem and answer. Several questions may be answered at once, in threads of their own.

    Attributes:
        problem_key: tells the problem from others; the sliders of the board do not count.
        source, target: its clouds.
        problem: as its sliders stand.
        name: tells the desk from others, also from those of a server that ran before.
        message: the picture as the board reads it.
        sent: pictures handed to the board so far.
        serial: of the question that the picture answers.
        refinement: what computes the rest of the answer, or None.
        error: why a slider could not be followed, or the rest of an answer not be had, or "".
    """

    problem_key: str
    source: Cloud
    target: Cloud
    problem: Problem
    picture: Picture
    name: str = field(default_factory=lambda: secrets.token_hex(6))
    message: bytes = b""
    serial: int = 0
    sent: int = 0
    refinement: Refinement | None = None
    error: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self) -> None:
        self._show(self.problem, self.picture, 0)

    def answer(self, question: bytes) -> Reply:
        """A picture, or that the rest of it is under way; nothing for a question that a newer one has overtaken.

        Raises:
            ValueError: no board asks this.
        """
        asked = read_question(question)
        if asked.stage == "shown":
            return Reply(self.message)
        if asked.stage == "refine":
            return self._refine(asked)
        try:
            return self._first(asked)
        except ValueError as error:
            self.error = str(error)
            return Reply(options={"trouble": True})

    def _first(self, asked: Asked) -> Reply:
        from otviz.transport.solve import coarse

        problem = replace(self.problem, blur=asked.blur, reach=asked.reach)
        x, y = self.source, self.target
        picture = coarse(problem, x.points, y.points, x.weights, y.weights)
        with self._lock:
            if asked.serial < self.serial:
                return Reply()
            self.end()
            self.error = ""
            return self._show(problem, picture, asked.serial)

    def _refine(self, asked: Asked) -> Reply:
        from otviz.transport.solve import Refinement

        with self._lock:
            if asked.serial != self.serial:
                return Reply()
            problem, x, y = self.problem, self.source, self.target
            if self.refinement is None:
                self.refinement = Refinement(problem, x.points, y.points, self.picture, x.weights, y.weights)
            refinement = self.refinement
        over = refinement.wait(MOMENT)
        with self._lock:
            if self.refinement is not refinement:
                return Reply()
            if not over:
                return Reply(options={"under_way": True})
            self.refinement = None
            if refinement.error:
                self.error = f"Only an approximate picture can be shown: {refinement.error}."
            return self._show(problem, refinement.picture, asked.serial)

    def _show(self, problem: Problem, picture: Picture, serial: int) -> Reply:
        from otviz.transport.board_message import message
        from otviz.transport.scale import axes, beside_numbers, unit_of

        self.problem, self.picture, self.serial, self.sent = problem, picture, serial, self.sent + 1
        clouds = self.source, self.target
        self.message = message(
            problem, picture, serial, self.name, self.sent, bool(self.error),
            beside_numbers(*clouds), axes(*clouds), unit_of(*clouds),
        )  # fmt: skip
        return Reply(self.message)

    def end(self) -> None:
        """What is still computed is no longer wanted."""
        if self.refinement is not None:
            self.refinement.stop()
            self.refinement = None


def current() -> BoardState | None:
    """The session's desk, or None before the first problem."""
    found: BoardState | None = st.session_state.get(_KEY)
    return found


def set_current(desk: BoardState) -> BoardState:
    """Make it the session's desk; what the old one still computed ends."""
    old = current()
    if old is not None:
        old.end()
    st.session_state[_KEY] = desk
    return desk


def picture() -> Picture | None:
    """What the board shows."""
    found = current()
    return None if found is None else found.picture
