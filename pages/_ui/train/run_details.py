"""Views below the picture of a run: formula, diagnostics, latent path, downloads, the list of runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from otviz.core.numbers import whole
from otviz.runs.run_view import RunView
from pages._ui.learn import glossary_view
from pages._ui.player import run_controls
from pages._ui.runs import run_table
from pages._ui.shell import reading
from pages._ui.shell.downloads import offer
from pages._ui.shell.links import Link

if TYPE_CHECKING:
    from otviz.methods import Method

VIEWS = {
    "formula": "Formula",
    "diagnostics": "Diagnostics",
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
    elif view == "diagnostics":
        _diagnostics(run)
    elif view == "latent":
        _latent(run)
    else:
        offer({run.config.method.title: run}, run.id)


def show_formula(run: RunView | None, method: Method | None) -> None:
    """The losses of the run or method, and their source."""
    shown = method if run is None else run.config.method
    if shown is not None:
        run_controls.show_formula(shown, run)
        st.caption(f"{shown.title}: {shown.paper}. An overline is the mean over the minibatch.")
        derivation = glossary_view.topic_of(method=shown.name)
        if derivation is not None:
            glossary_view.link_to(derivation.topic, f"Where this comes from: {derivation.title}")


def _diagnostics(run: RunView) -> None:
    from otviz.viz.diagnostics import diagnostics

    assert run.scene is not None
    st.plotly_chart(diagnostics(run.scene, run.snapshots, run.losses()), key="diagnostics", width="stretch")
    st.caption(
        f"As of step {whole(run.step)}. Diversity does not show mode collapse: two opposite modes of a ring have the "
        "same diversity as all eight. Read it together with the modes covered."
    )
    if run_controls.alive(run):
        st.button("Update", help="Draw the diagnostics as the run is now")


def _latent(run: RunView) -> None:
    from otviz.viz.interpolation import interpolation

    seed = int(st.number_input("Seed", 0, 10_000, 0, key="latent-seed", width=200))
    st.plotly_chart(interpolation(run.training_copy(), seed), key="latent", width="stretch")
    st.caption(
        "The map is continuous, so the line cannot jump: where its image passes from one mode to another, it crosses the gap between them."
    )
