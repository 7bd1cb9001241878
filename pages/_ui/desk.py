"""The desk: the problem that a browser session last solved, which its board asks about again and again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from otviz.transport.problem import Problem

if TYPE_CHECKING:
    from otviz.distributions.base import Points
    from otviz.transport.picture import Picture

_KEY = "otviz.desk"


@dataclass
class Desk:
    """Points, problem and answer.

    Attributes:
        name: stays the same while only the sliders of the board move.
        message: the picture as the board reads it.
        sent: messages handed to the board so far.
        serial: of the question that the picture answers.
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
    trouble: str = ""


def current() -> Desk | None:
    """The session's desk, or None before the first problem."""
    found: Desk | None = st.session_state.get(_KEY)
    return found


def lay(desk: Desk) -> Desk:
    """Make it the session's desk."""
    st.session_state[_KEY] = desk
    return desk


def picture() -> Picture | None:
    """What the board shows."""
    found = current()
    return None if found is None else found.picture
