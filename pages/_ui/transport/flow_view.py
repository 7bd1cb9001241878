"""Gradient flows: several losses move the same points side by side, in one player."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from otviz.clouds.problem import Problem, clouds
from otviz.clouds.scale import at_unit_scale, change
from otviz.data.distributions import Distribution
from otviz.player import wire
from pages._ui.player.player_canvas import known, player
from pages._ui.shell import channel
from pages._ui.shell.links import plain

if TYPE_CHECKING:
    from otviz.clouds.studies.flow_player import Flows

POLL = 0.4  # seconds
POINTS = 400


class Stage:
    """The flows of a browser session. New flows or closing the tab stop the old ones."""

    def __init__(self) -> None:
        self.flows: Flows | None = None
        self.of = ""
        self.note = ""

    def play(self, flows: Flows | None, of: str = "", note: str = "") -> None:
        """Replace the flows, with a note on their units."""
        self.end()
        self.flows, self.of, self.note = flows, of, note

    def end(self) -> None:
        """Stop the flows. Streamlit calls this when the tab is closed or reloaded."""
        if self.flows is not None:
            self.flows.stop()


@st.cache_resource(scope="session", on_release=Stage.end, show_spinner=False)
def _stage() -> Stage:
    return Stage()


def show(problem: Problem, source: Distribution, target: Distribution) -> None:
    """Draw the start button and the player."""
    stage, of = _stage(), f"{problem.seed}{problem.points}{problem.transform}{source!r}{target!r}"
    st.markdown(
        f"Each of {POINTS} source points follows minus the gradient of a loss, $\\dot x_i = -n\\,\\nabla_{{x_i}} L$. Kernels (MMD) pull "
        "only over short distances, the Sinkhorn divergence pulls over any distance. A large blur ignores detail, and a finite "
        "reach leaves distant mass behind."
    )
    playing = stage.flows is not None and not stage.flows.done
    with st.container(horizontal=True, vertical_alignment="center"):
        if playing:
            st.button("Stop the flow", on_click=stage.end)
        elif st.button("Play the gradient flow", type="primary"):
            _begin(stage, of, problem, source, target)
        if stage.flows is not None and stage.of != of:
            st.caption("These flows belong to the previous clouds. Press play for the current ones.")
    if stage.flows is not None:
        if stage.note:
            st.caption(plain(stage.note))
        address = channel.opened("flows", functools.partial(_answer, stage.flows, not playing))
        player(b"", key="flows", channel=address, columns=4, names={"generated": "moving", "generator": "loss"})


def _begin(stage: Stage, of: str, problem: Problem, source: Distribution, target: Distribution) -> None:
    from otviz.clouds.studies.flow_player import Flows

    left, right = clouds(replace(problem, n=POINTS), source, target)
    units, x, y = at_unit_scale(left, right)
    try:
        stage.play(Flows(x, y, a=left.weights, b=right.weights).start(), of, change(units))
    except ValueError as error:
        st.error(plain(str(error)))
        return
    st.rerun()


def _answer(flows: Flows, drawn_over: bool, question: bytes) -> channel.Reply:
    """New snapshots; the page is out of date when the last flow has ended."""
    over = flows.done  # read first, so that the last frame is not missed
    panels = flows.panels({name: last for name, (_, last) in known(question).items()})
    return channel.Reply(wire.encode(panels), {"again": None if over else POLL, "changed": over != drawn_over})
