"""Views below the picture of an image run: scores over time, formula, downloads, the list of runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from otviz.runs.run_view import RunView
from otviz.viz.views import views
from pages._ui.player import run_controls
from pages._ui.runs import run_table
from pages._ui.shell import reading
from pages._ui.shell.downloads import offer
from pages._ui.shell.links import Link
from pages._ui.train import run_details

if TYPE_CHECKING:
    from otviz.methods import Method

REDRAWN = 5.0  # seconds between updates of the scores while a run trains

NOT_BEGUN = "Nothing to show yet: the run has not begun."

VIEWS = {
    "scores": "Scores over time",
    **{name: view.title for name, view in views("images").items()},
    "formula": "Formula",
    "download": "Download",
    "runs": "Runs",
}


def show(link: Link, run: RunView | None, method: Method | None) -> None:
    """Draw the selected view; only that one is computed."""
    if run is not None and run.config.classes:
        names = ", ".join(run.config.target.class_names)
        st.caption(f"Each column is a class that the generator is asked for, in real images their own: {names}.")
    view = reading.choose_view(link, "images", VIEWS, default="scores", picture="player")
    with reading.place(link, view):
        _draw(link, view, run, method)


def _draw(link: Link, view: str, run: RunView | None, method: Method | None) -> None:
    if view == "runs":
        run_table.show_kind(link, run, "images")
    elif view == "formula":
        run_details.show_formula(run, method)
    elif run is None:
        st.caption("Train a model first, or open one from the list of runs.")
    elif view == "scores":
        st.fragment(_scores, run_every=REDRAWN if run_controls.alive(run) else None)(run)
    elif not run.snapshots:
        st.caption(NOT_BEGUN)
    elif view == "download":
        offer({run.config.method.title: run}, run.id)
    else:
        run_details.show_figure(views("images")[view], {run.config.method.title: run})


def _scores(run: RunView) -> None:
    from otviz.viz.image_metrics_history import image_metrics_history

    if run.scene is None or not run.snapshots:
        st.caption(NOT_BEGUN)
        return
    figure = image_metrics_history(run.scene, run.snapshots, run.curve())
    st.plotly_chart(figure, key="scores", width="stretch")
    meter = run.meter
    if "as_asked" in meter:
        st.markdown(
            f"**{meter['as_asked']:.0%}** of {meter['samples']} images show the class that was asked for, as the classifier sees it."
        )
    if "frechet" in meter:
        st.caption(
            f"{meter['samples']} generated images at each measurement, {meter['neighbour_samples']} for precision and recall. "
            "Grey: real images judged alike, the floor or ceiling of what can be reached. The distance is between features "
            "of this project's classifier: compare within a data set only, and not with published FID. Precision is high "
            "for a collapsed generator too; read it with recall and classes."
        )
