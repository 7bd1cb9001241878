"""The last transport problem of a browser session, which answers the requests of its board."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import streamlit as st

from otviz.clouds.problem import Problem
from pages._ui.shell.channel import Reply
from pages._ui.transport.board_canvas import Asked, read_question

if TYPE_CHECKING:
    from otviz.clouds.solution import Picture
    from otviz.clouds.solve import Refinement
    from otviz.data.distributions.distribution import Cloud

MOMENT = 0.5  # seconds that a request waits for a refinement, before the board asks again
_KEY = "otviz.desk"


@dataclass
class BoardState:
    """Points, problem and solution. Several requests may be answered concurrently, in their own threads.

    Attributes:
        problem_key: identifies the problem without the sliders of the board.
        source, target: the point clouds.
        problem: with the current values of the sliders.
        name: unique, also among previous servers.
        message: the picture in the format of the board.
        sent: number of pictures sent so far.
        serial: serial of the request that the picture answers.
        refinement: computes the rest of the solution, or None.
        error: why a request or a refinement failed, or "".
        stopped: whether the user stopped the refinement of the picture.
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
    stopped: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self) -> None:
        self._show(self.problem, self.picture, 0)

    def answer(self, question: bytes) -> Reply:
        """A picture, or a note that its refinement is in progress; empty for a request that is no longer the newest.

        Raises:
            ValueError: invalid request.
        """
        asked = read_question(question)
        if asked.stage == "shown":
            return Reply(self.message)
        if asked.stage == "refine":
            return self._refine(asked)
        if asked.stage == "stop":
            return self._stop(asked)
        try:
            return self._first(asked)
        except ValueError as error:
            self.error = str(error)
            return Reply(options={"trouble": True})

    def _first(self, asked: Asked) -> Reply:
        from otviz.clouds.solve import coarse

        problem = replace(self.problem, blur=asked.blur, reach=asked.reach)
        x, y = self.source, self.target
        picture = coarse(problem, x.points, y.points, x.weights, y.weights)
        with self._lock:
            if asked.serial < self.serial:
                return Reply()
            self.end()
            self.error, self.stopped = "", False
            return self._show(problem, picture, asked.serial)

    def _refine(self, asked: Asked) -> Reply:
        from otviz.clouds.solve import Refinement

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
                return Reply(options={"under_way": True, "progress": refinement.progress.words})
            self.refinement = None
            if refinement.error:
                self.error = f"Only an approximate picture can be shown: {refinement.error}."
            return self._show(problem, refinement.picture, asked.serial)

    def _stop(self, asked: Asked) -> Reply:
        """The picture as it is, which stays so."""
        with self._lock:
            if asked.serial != self.serial or self.refinement is None:
                return Reply()
            self.end()
            self.stopped = True
            return self._show(self.problem, self.picture, self.serial)

    def _show(self, problem: Problem, picture: Picture, serial: int) -> Reply:
        from otviz.clouds.board_message import message
        from otviz.clouds.scale import axes, beside_numbers, unit_of

        self.problem, self.picture, self.serial, self.sent = problem, picture, serial, self.sent + 1
        clouds = self.source, self.target
        self.message = message(
            problem, picture, serial, self.name, self.sent, bool(self.error) or self.stopped,
            beside_numbers(*clouds), axes(*clouds), unit_of(*clouds),
        )  # fmt: skip
        return Reply(self.message)

    def end(self) -> None:
        """Stop the refinement."""
        if self.refinement is not None:
            self.refinement.stop()
            self.refinement = None


def current() -> BoardState | None:
    """The session's state, or None before the first problem."""
    found: BoardState | None = st.session_state.get(_KEY)
    return found


def set_current(state: BoardState) -> BoardState:
    """Replace the session's state and stop the old one."""
    old = current()
    if old is not None:
        old.end()
    st.session_state[_KEY] = state
    return state


def picture() -> Picture | None:
    """The picture on the board."""
    found = current()
    return None if found is None else found.picture
