"""The transport problem from the widgets, and the board, which answers while its sliders move."""

from __future__ import annotations

import hashlib
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from otviz.clouds.problem import COSTS, LOSSES, Problem, clouds
from otviz.clouds.scale import Scale, mismatch, scale_notes, scale_of, shapes_beside, starting_blur
from otviz.core.params import params_of
from otviz.data.distributions import Cloud, Distribution
from pages._ui.controls import boxes, controls, widgets
from pages._ui.shell import channel
from pages._ui.shell.links import Link, plain, shorten
from pages._ui.transport.board_canvas import board
from pages._ui.transport.board_state import BoardState, current, set_current

BOARD = "transport:board"
HEIGHT = 660
SET_HERE = "otviz.clouds.set_here"  # session key: whether the page itself has set a slider of the board
ON_BOARD = ("blur", "reach")  # knobs with sliders on the board, which answers faster than a rerun of the page

PRESETS: dict[str, tuple[str, dict[str, str]]] = {
    "The notebook's ring": ("The example of Fuge's course notebook, chapter 11: a small Gaussian and eight modes at radius 3", {
        "source.std": "0.5", "n": "2000", "blur": "0.01", "scaling": "0.9", "points": "notebook",
    }),
    "Off-centre": ("An off-centre target reveals mistakes that a symmetric ring hides", {
        "target": "mixture", "source.std": "0.5",
    }),
    "Outliers": ("Unbalanced transport: mass that is too far away is left behind", {
        "source": "moons", "target": "two-diracs", "reach": "1",
    }),
    "Draw two shapes": ("Draw the source and type letters as the target", {"source": "drawing", "target": "letters"}),
}  # fmt: skip


def offer_presets(link: Link) -> None:
    """A menu of example problems; selecting one replaces all settings."""

    def fill() -> None:
        for name, (words, settings) in PRESETS.items():
            if st.button(name, help=words, width="stretch", key=f"preset:{name}"):
                link.go(settings)

    boxes.menu(link, "examples", "Examples", fill, width="stretch")


def shape_scale() -> float:
    """Factor on the size of shapes that makes them comparable with the files of the current problem."""
    state = current()
    return 1.0 if state is None else shapes_beside(state.source, state.target)


def choose_problem(link: Link, source: Distribution | None, target: Distribution | None) -> Problem | None:
    """Draw the knobs that are not on the board, and describe files; None while a value is invalid."""
    loss = controls.choice(link, "loss", LOSSES, default="sinkhorn", label="Loss")
    cost = controls.choice(
        link, "cost", COSTS, default="half-squared", label="Cost of moving from x to y",
        help="p = 1 is the Euclidean distance, not the Manhattan distance; p = 2 is half the squared distance. ε = blur^p.",
    )  # fmt: skip
    held = {"loss": loss, "cost": cost}
    problem = controls.knobs(
        link, Problem, defaults=held, only=("n", "scaling", "solver", "seed", "points", "transform")
    )
    if problem is None or source is None or target is None:
        for name, default in (("blur", Scale().start_blur), ("reach", None)):
            _held(link, name, default)
        return problem
    clouds = _clouds(problem, source, target)
    for sentence in scale_notes(*clouds):
        st.caption(plain(f"{sentence}."))
    blur = _held(link, "blur", starting_blur(problem, scale_of(*clouds)))
    return replace(problem, blur=blur, reach=_held(link, "reach", None))


def _held(link: Link, name: str, default: float | None) -> Any:
    """The value of a knob on the board: from the link if it was just read, or else from its slider.

    Before the user sets it, it is the default for the scale of the data.
    """
    knob, key, state = _knob(name), f"{link.page}:{name}", current()
    text, before = link.take(name), st.session_state.get(f"{key}:default", default)
    if link.first(key):
        st.session_state[key], st.session_state[SET_HERE] = default, True
        if text is not None:
            try:
                st.session_state[key] = knob.parse(text)
            except ValueError as error:
                link.complain(f"{error}; {default} is used.", name)
    else:
        if state is not None and not st.session_state.get(SET_HERE):
            st.session_state[key] = getattr(state.problem, name)
        if before != default and st.session_state[key] == before:
            st.session_state[key], st.session_state[SET_HERE] = default, True
    st.session_state[f"{key}:default"] = default
    value = st.session_state[key]
    link.put(name, widgets.written(knob, value), widgets.written(knob, default))
    return value


def _knob(name: str) -> Any:
    return next(knob for knob in params_of(Problem) if knob.name == name)


def message_place() -> DeltaGenerator:
    """A container for messages while a problem is solved; on a first visit, while torch loads, with a message at once."""
    place = st.empty()
    if current() is None:
        with place.container(border=True, height=HEIGHT, horizontal_alignment="center", vertical_alignment="center"):
            st.markdown(":material/hourglass_top: Preparing the solver …", width="content")
    return place


def show(link: Link, problem: Problem, source: Distribution, target: Distribution, place: DeltaGenerator) -> None:
    """Draw the board, which requests pictures while its sliders move; `place` is the container of `message_place`."""
    first = current() is None
    try:
        with nullcontext() if first else place:
            state = _state(problem, source, target)
        place.empty()
    except ValueError as error:
        st.error(plain(shorten(str(error), 400)))
        return
    sliders = [name for name in ON_BOARD if link.shows(name)]
    address, scale = channel.opened(BOARD, state.answer), scale_of(state.source, state.target)
    board(address, key=BOARD, problem=state.name, sent=state.sent, height=HEIGHT, sliders=sliders, scale=scale)
    if hint := mismatch(state.source, state.target):
        st.info(plain(f"{hint}."))
    if state.error:
        st.warning(plain(shorten(state.error, 400)))


def _problem_key(problem: Problem, source: Distribution, target: Distribution) -> str:
    """Identifies the problem without the sliders of the board."""
    return hashlib.sha256(f"{replace(problem, blur=1.0, reach=None)!r}{source!r}{target!r}".encode()).hexdigest()


def _clouds(problem: Problem, source: Distribution, target: Distribution) -> tuple[Cloud, Cloud]:
    """The point clouds of the session's state if it has this problem."""
    state = current()
    if state is not None and state.problem_key == _problem_key(problem, source, target):
        return state.source, state.target
    return clouds(problem, source, target)


def _state(problem: Problem, source: Distribution, target: Distribution) -> BoardState:
    """The session's state, or a new one for another problem."""
    key = _problem_key(problem, source, target)
    state, set_here = current(), st.session_state.pop(SET_HERE, False)
    # While a slider moves, the state is newer than the page, which was drawn for an earlier position.
    if state is not None and state.problem_key == key and (state.problem == problem or not set_here):
        return state
    with nullcontext() if state is None else st.spinner("Solving the transport problem …"):
        from otviz.clouds.solve import coarse  # imports torch, which takes seconds

        x, y = _clouds(problem, source, target)
        picture = coarse(problem, x.points, y.points, x.weights, y.weights)
        return set_current(BoardState(key, x, y, problem, picture))
