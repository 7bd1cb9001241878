"""Transport on a page: the problem that the widgets pose, and the board that answers while its sliders move."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import streamlit as st

from otviz.distributions import Distribution
from otviz.params import params_of
from otviz.transport.problem import COSTS, LOSSES, Problem, clouds
from pages._ui import controls
from pages._ui.board import Asked, board, read_question
from pages._ui.desk import Desk, current, lay
from pages._ui.links import Link, plain, shorten

BOARD = "transport:board"
HEIGHT = 660
MOMENT = 0.03  # seconds that a question about a refinement waits for it: a new question may stand behind it
ON_BOARD = ("blur", "reach")  # these knobs are sliders of the board, which answers faster than a page can

PRESETS: dict[str, tuple[str, dict[str, str]]] = {
    "The notebook's ring": ("Fuge, chapter 11: source N(0, 0.5²), eight modes at radius 3", {
        "source.std": "0.5", "n": "2000", "blur": "0.01", "scaling": "0.9", "points": "notebook",
    }),
    "Off-centre": ("A target that is not symmetric shows mistakes that a ring hides", {
        "target": "mixture", "source.std": "0.5",
    }),
    "Outliers": ("Unbalanced: mass beyond reach stays where it is", {
        "source": "moons", "target": "two-diracs", "reach": "1",
    }),
    "Draw two shapes": ("Your own source and target", {"source": "drawing", "target": "letters"}),
}  # fmt: skip


def offer_presets(link: Link) -> None:
    """A menu of problems worth a look; choosing one replaces all settings."""

    def fill() -> None:
        for name, (words, settings) in PRESETS.items():
            if st.button(name, help=words, width="stretch", key=f"preset:{name}"):
                link.go(settings)

    controls.menu(link, "examples", "Examples", fill, width="stretch")


def pose(link: Link) -> Problem | None:
    """Draw the knobs of the problem that are not on the board; None while a value is bad."""
    loss = controls.choice(link, "loss", LOSSES, default="sinkhorn", label="Loss")
    cost = controls.choice(
        link, "cost", COSTS, default="half-squared", label="Cost of moving mass from x to y",
        help="p = 1 is the Euclidean distance, not the Manhattan one, and p = 2 is half the squared distance; ε = blur^p.",
    )  # fmt: skip
    held = {name: _held(link, name) for name in ON_BOARD} | {"loss": loss, "cost": cost}
    return controls.knobs(link, Problem, defaults=held, only=("n", "scaling", "seed", "points"))


def _held(link: Link, name: str) -> Any:
    """The value of a knob on the board: as the link says when it was just read, else as the board last asked."""
    knob, key = _knob(name), f"{link.page}:{name}"
    text = link.take(name)
    if link.first(key):
        st.session_state[key] = knob.default
        if text is not None:
            try:
                st.session_state[key] = knob.parse(text)
            except ValueError as error:
                link.complain(f"{error}; {knob.default} is used.", name)
    value = st.session_state[key]
    link.put(name, controls.written(knob, value), controls.written(knob, knob.default))
    return value


def _knob(name: str) -> Any:
    return next(knob for knob in params_of(Problem) if knob.name == name)


def show(link: Link, problem: Problem, source: Distribution, target: Distribution) -> None:
    """Draw the board and go on answering it."""
    st.fragment(_answer)(link, problem, source, target)


def _answer(link: Link, problem: Problem, source: Distribution, target: Distribution) -> None:
    """One round: take what the board asks for, solve it, and hand the picture over."""
    asked, name = _asked(), _name(problem, source, target)
    desk, over = current(), True
    try:
        if desk is None or desk.name != name or (asked is None and desk.problem != problem):
            desk = _open(name, problem, source, target)
        elif asked is not None:
            problem = replace(problem, blur=asked.blur, reach=asked.reach)
            _remember(link, problem)
            over = _solve(desk, problem, asked)
    except ValueError as error:
        st.error(plain(shorten(str(error), 400)))
        return
    board(_written(desk, over), key=BOARD, height=HEIGHT, sliders=[name for name in ON_BOARD if link.shows(name)])
    if desk.trouble:
        st.warning(plain(desk.trouble))
    if over and asked is not None and asked.stage == "refine":
        st.rerun()  # the slider rests: the address and the views below take its value


def _asked() -> Asked | None:
    """What the board asks for, known before it is drawn again, so that one run answers it."""
    return read_question((st.session_state.get(BOARD) or {}).get("asked"))


def _name(problem: Problem, source: Distribution, target: Distribution) -> str:
    """What stays the same while the sliders of the board move."""
    posed = replace(problem, blur=1.0, reach=None)
    return hashlib.sha256(f"{posed!r}{source!r}{target!r}".encode()).hexdigest()[:12]


def _open(name: str, problem: Problem, source: Distribution, target: Distribution) -> Desk:
    from otviz.transport.solve import coarse

    x, y = clouds(problem, source, target)
    return lay(Desk(name, x, y, problem, coarse(problem, x, y)))


def _solve(desk: Desk, problem: Problem, asked: Asked) -> bool:
    """Solve what was asked, or look after its refinement for a moment; whether there is something new to draw."""
    from otviz.transport.refining import Refinement
    from otviz.transport.solve import coarse

    if asked.stage == "first" or desk.problem != problem:
        desk.put(problem, coarse(problem, desk.x, desk.y), asked.serial)
        return True
    if desk.refinement is None:
        desk.refinement = Refinement(problem, desk.x, desk.y, desk.picture)
    if not desk.refinement.wait(MOMENT):
        return False
    desk.put(problem, desk.refinement.picture, desk.serial)
    if desk.refinement.error:
        desk.trouble = f"The picture stays a coarse one: {desk.refinement.error}."
    desk.refinement = None
    return True


def _written(desk: Desk, over: bool) -> bytes:
    """What the board is told: the picture, or that the rest of it is under way."""
    from otviz.transport.board import message, under_way

    desk.sent += 1
    if not over:
        return under_way(desk.problem, desk.serial, desk.sent)
    desk.message = message(desk.problem, desk.picture, desk.serial, desk.name, desk.sent, last=bool(desk.trouble))
    return desk.message


def _remember(link: Link, problem: Problem) -> None:
    for name in ON_BOARD:
        st.session_state[f"{link.page}:{name}"] = getattr(problem, name)
