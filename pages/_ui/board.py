"""The board: a solved transport problem in the browser, whose sliders ask for the next one."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, get_args

from otviz.params import params_of
from otviz.transport.problem import Problem
from pages._ui.component import mount

Stage = Literal["first", "refine"]


@dataclass(frozen=True)
class Asked:
    """What the sliders of the board ask for.

    Attributes:
        serial: to be repeated in the header of the answer.
        blur: a length, within the limits of `Problem`.
        reach: a length, or None for a balanced problem.
        stage: "first" wants a picture at once, maybe a coarse one; "refine" what was left out of it.
    """

    serial: int
    blur: float
    reach: float | None
    stage: Stage


@cache
def _limits() -> dict[str, tuple[float, float]]:
    knobs = {knob.name: knob for knob in params_of(Problem)}
    return {name: (float(knobs[name].low or 0), float(knobs[name].high or math.inf)) for name in ("blur", "reach")}


def board(message: bytes, *, key: str, height: int = 640, sliders: Collection[str] = ("blur", "reach")) -> Asked | None:
    """Mount the board, or bring the next answer to the one already on the page under this key.

    Args:
        message: `otviz.transport.packing.pack(header, arrays)` of one answer; empty: nothing is solved yet.
        key: the same key keeps the viewer's choices while answers change.
        height: pixels that the board takes in a window 900 px high; it grows with higher windows.
        sliders: those that are drawn, of blur and reach; one that is not keeps its value.

    Returns:
        What the sliders ask for, once per question; None on every other run.
    """
    options = {"limits": _limits(), "height": height, "sliders": list(sliders)}
    return read_question(mount("board", key=key, options=options, body=message, trigger="asked"))


def read_question(question: Any) -> Asked | None:
    """The question that came from the browser, put within the limits; None if it is none."""
    try:
        stage = question["stage"]
        serial = int(question["serial"])
        blur = _within("blur", question["blur"])
        reach = None if question["reach"] is None else _within("reach", question["reach"])
    except (TypeError, KeyError, ValueError, OverflowError):
        return None
    return Asked(serial, blur, reach, stage) if stage in get_args(Stage) else None


def _within(name: str, value: Any) -> float:
    low, high = _limits()[name]
    if not math.isfinite(number := float(value)):
        raise ValueError(f"{name} must be a number; got {value!r}")
    return min(max(number, low), high)
