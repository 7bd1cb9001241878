"""The desk: the problem that a browser session last solved, which its board asks about again and again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from otviz.transport.problem import Problem

if TYPE_CHECKING:
    from otviz.distributions.base import Points
    from otviz.transport.picture import Picture
    from otviz.transport.refining import Refinement

_KEY = "otviz.desk"


@dataclass
class Desk:
    """Points, problem and answer.

    Attributes:
        name: stays the same while only the sliders of the board move.
        message: the picture as the board reads it.
        sent: messages handed to the board so far.
        serial: of the question that the picture answers.
        refinement: what computes the rest of the answer, or None.
        trouble: why the rest of the answer cannot be had, or "".
    """

    name: str
    x: Points
    y: Points
    problem: Problem
    picture: Picture
    message: bytes = b""
    serial: int = 0
    sent: int = 0
    refinement: Refinement | None = None
    trouble: str = ""

    def put(self, problem: Problem, picture: Picture, serial: int) -> None:
        """A new problem or a better picture; a refinement of another problem ends."""
        if self.refinement is not None and self.refinement.problem != problem:
            self.refinement.stop()
            self.refinement = None
        if problem != self.problem:
            self.trouble = ""
        self.problem, self.picture, self.serial = problem, picture, serial


def current() -> Desk | None:
    """The session's desk, or None before the first problem."""
    found: Desk | None = st.session_state.get(_KEY)
    return found


def lay(desk: Desk) -> Desk:
    """Make it the session's desk; what the old one still computed ends."""
    old = current()
    if old is not None and old.refinement is not None:
        old.refinement.stop()
    st.session_state[_KEY] = desk
    return desk


def picture() -> Picture | None:
    """What the board shows."""
    found = current()
    return None if found is None else found.picture
