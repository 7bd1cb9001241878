"""Views below the picture of a run: formula, diagnostics, latent path, downloads, the list of runs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import streamlit as st

from otviz.runs.run_view import RunView
from otviz.viz.views import Labelled, View, views
from pages._ui.learn import glossary_view
from pages._ui.player import run_controls
from pages._ui.runs import run_table
from pages._ui.shell import reading
from pages._ui.shell.downloads import offer
from pages._ui.shell.links import Link, plain

if TYPE_CHECKING:
    from otviz.methods import Method

VIEWS = {
    "formula": "Formula",
    **{name: view.title for name, view in views("train").items()},
    "latent": "Latent path",
    "download": "Download",
    "runs": "Runs",
}


def show(link: Link, run: RunView | None, method: Method | None) -> None:
    """Draw the selected view; only that one is computed."""
    view = reading.choose_view(link, "train", VIEWS, default="formula", picture="player")
    with reading.place(link, view):
        _draw(link, view, run, method)


def _draw(link: Link, view: str, run: RunView | None, method: Method | None) -> None:
    if view == "runs":
        run_table.show_kind(link, run, "points")
    elif view == "formula":
        show_formula(run, method)
    elif run is None:
        st.caption("Train a model first, or open one from the list of runs.")
    elif not run.snapshots:
        st.caption("Nothing to show yet: the run has not begun.")
    elif view == "latent":
        _latent(run)
    elif view == "download":
        offer({run.config.method.title: run}, run.id)
    else:
        show_figure(views("train")[view], {run.config.method.title: run})


def show_formula(run: RunView | None, method: Method | None) -> None:
    """The losses of the run or method, and their source."""
    shown = method if run is None else run.config.method
    if shown is not None:
        run_controls.show_formula(shown, run)
        st.caption(f"{shown.title}: {shown.paper}. An overline is the mean over the minibatch.")
        derivation = glossary_view.topic_of(method=shown.name)
        if derivation is not None:
            glossary_view.link_to(derivation.topic, f"Where this comes from: {derivation.title}")


def show_figure(view: View, runs: Labelled) -> None:
    """Draw a view of runs that have begun, and below it what it says of itself."""
    try:
        figure = view.figure(runs)
    except ValueError as error:
        text = plain(str(error))
        st.caption(f"{text[:1].upper()}{text[1:]}.")
        return
    st.plotly_chart(figure, key=f"view-{view.name}", width="stretch")
    if note := view.note(runs):
        st.caption(note)
    draw_again(runs.values())


def draw_again(runs: Iterable[RunView]) -> None:
    """A button that brings a figure of runs that still train up to date."""
    if any(map(run_controls.alive, runs)):
        st.button("Draw again", key="again", help="The picture shows the moment it was drawn")


def _latent(run: RunView) -> None:
    from otviz.viz.interpolation import interpolation

    seed = int(st.number_input("Seed", 0, 10_000, 0, key="latent-seed", width=200))
    st.plotly_chart(interpolation(run.training_copy(), seed), key="latent", width="stretch")
    st.caption(
        "The map is continuous, so the line cannot jump: where its image passes from one mode to another, it crosses the gap between them."
    )
