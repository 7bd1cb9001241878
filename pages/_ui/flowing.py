"""The gradient flow on a page: several losses move the same points side by side, in one player."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from otviz import wire
from otviz.distributions import Distribution
from otviz.transport.problem import Problem, clouds
from pages._ui.links import plain
from pages._ui.player import player

if TYPE_CHECKING:
    from otviz.transport.flows import Flows

POLL = 0.4
POINTS = 400


class Stage:
    """The flows of one browser session; starting new ones ends the old, and so does closing the tab."""

    def __init__(self) -> None:
        self.flows: Flows | None = None
        self.of = ""
        self.sent: list[int] = []

    def play(self, flows: Flows | None, of: str = "") -> None:
        """Show these flows instead of what was there."""
        self.end()
        self.flows, self.of, self.sent = flows, of, []

    def end(self) -> None:
        """Stop what plays. Streamlit calls this when the tab is closed or reloaded."""
        if self.flows is not None:
            self.flows.stop()


@st.cache_resource(scope="session", on_release=Stage.end, show_spinner=False)
def _stage() -> Stage:
    return Stage()


def show(problem: Problem, source: Distribution, target: Distribution) -> None:
    """The button that begins, and the player."""
    stage, of = _stage(), f"{problem.seed}{problem.points}{source!r}{target!r}"
    st.markdown(
        "Let every source point follow minus the gradient of a loss, $\\dot x_i = -n\\,\\nabla_{x_i} L$, and watch what each "
        f"loss can do with {POINTS} points: kernels (MMD) pull only as far as they reach, the Sinkhorn divergence pulls "
        "across any distance, a large blur forgets details, a finite reach leaves distant mass where it is."
    )
    playing = stage.flows is not None and not stage.flows.done
    with st.container(horizontal=True, vertical_alignment="center"):
        if playing:
            st.button("Stop the flow", on_click=stage.end)
        elif st.button("Play the gradient flow", type="primary"):
            _begin(stage, of, problem, source, target)
        if stage.flows is not None and stage.of != of:
            st.caption("These flows belong to other clouds than those above; play again for the new ones.")
    if stage.flows is not None:
        over = stage.flows.done
        st.fragment(_follow, run_every=None if over else POLL)(stage, over)


def _begin(stage: Stage, of: str, problem: Problem, source: Distribution, target: Distribution) -> None:
    from otviz.transport.flows import Flows

    x, y = clouds(replace(problem, n=POINTS), source, target)
    try:
        stage.play(Flows(x, y).start(), of)
    except ValueError as error:
        st.error(plain(str(error)))
        return
    st.rerun()


def _follow(stage: Stage, drawn_over: bool) -> None:
    """Hand the player what is new; draw the page again once the last flow has ended."""
    flows = stage.flows
    if flows is None:
        return
    over, panels = flows.done, flows.panels(stage.sent)
    lacking = player(wire.encode(panels), key="flows", columns=4, names={"generated": "moving", "generator": "loss"})
    known = [panel.snapshots[-1].sequence for panel in panels if panel.snapshots]
    stage.sent = known if len(known) == len(panels) and not lacking else []
    if lacking and drawn_over:
        st.rerun(scope="fragment")
    if over and not drawn_over:
        st.rerun()
