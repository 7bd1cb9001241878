"""What stands under the picture of a run: formula, diagnostics, latent path, downloads, the list of runs."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from pages._ui import controls, running
from pages._ui.downloads import offer
from pages._ui.leases import registry
from pages._ui.links import Link, plain
from pages._ui.setup import address

if TYPE_CHECKING:
    from otviz.methods import Method
    from otviz.runs.config import RunConfig
    from otviz.runs.recorded import Recorded
    from otviz.runs.run import Run
    from otviz.runs.snapshots import Meter
    from otviz.runs.store import Stored

LISTED = 30

VIEWS = {
    "formula": "Formula",
    "diagnostics": "Diagnostics",
    "latent": "Latent path",
    "download": "Download",
    "runs": "Runs",
}


def show(link: Link, run: Run | Recorded | None, method: Method | None) -> None:
    """Draw the view chosen; only that one is computed."""
    view = controls.choice(link, "view", VIEWS, default="formula", label="Under the picture", in_a_row=True)
    if view == "runs":
        show_runs(link, run, address, images=False)
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


def show_formula(run: Run | Recorded | None, method: Method | None) -> None:
    """The losses of the run or method, and where they come from."""
    shown = method if run is None else run.config.method
    if shown is not None:
        running.show_formula(shown, run)
        st.caption(f"{shown.title}: {shown.paper}. A bar is the mean over the minibatch.")


def _diagnostics(run: Run | Recorded) -> None:
    from otviz.figures.diagnostics import diagnostics

    assert run.scene is not None
    st.plotly_chart(diagnostics(run.scene, run.snapshots, run.losses()), key="diagnostics", width="stretch")
    st.caption(
        f"As of step {run.step}. Diversity cannot see mode collapse: two opposite modes of a ring have the same "
        "value as all eight. Read it beside the modes covered."
    )
    if running.alive(run):
        st.button("Draw again", help="Diagnostics show the moment they were drawn")


def _latent(run: Run | Recorded) -> None:
    from otviz.figures.interpolation import interpolation

    seed = int(st.number_input("Seed of the two ends", 0, 10_000, 0, key="latent-seed", width=200))
    st.plotly_chart(interpolation(run.still(), seed), key="latent", width="stretch")
    st.caption("A continuous map must carry the line from start to end across the gaps between modes.")


def show_runs(
    link: Link, shown: Run | Recorded | None, to: Callable[[RunConfig, str], dict[str, str]], images: bool
) -> None:
    """The newest runs on images, or on points, to open or delete.

    Args:
        to: the address of a run, from its config and id.
    """
    here = [run.id for run in registry().runs()]
    ids = [*here, *(name for name in registry().stored.ids() if name not in here)]
    found, others, at = [], 0, 0
    for at, name in enumerate(ids, start=1):  # noqa: B007
        known = _known(name)
        if known is not None and known.config.images != images:
            others += 1
        else:
            found.append((name, known))
        if len(found) == LISTED:
            break
    if not found:
        st.caption("No runs yet.")
    with st.container(gap="xsmall"):
        for name, known in found:
            _row(link, name, known, to, shown is not None and name == shown.id)
    if at < len(ids):
        st.caption(f"The newest {LISTED} runs.")
    if others:
        where, what = ("Train", "points") if images else ("Images", "images")
        st.caption(f"Runs on {what} are listed on the page {where}.")


def _known(name: str) -> Run | Stored | None:
    """What is known of a run; None, and said why, if it cannot be read."""
    run = registry().find(name)
    try:
        return registry().stored.read(name) if run is None else run
    except ValueError as error:
        st.caption(plain(str(error)))
        return None


def _row(
    link: Link, name: str, known: Run | Stored | None, to: Callable[[RunConfig, str], dict[str, str]], shown: bool
) -> None:
    if known is None:
        return
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        began = time.strftime("%d %b %H:%M", time.localtime(known.created))
        title = f"{known.config.method.title} on {known.config.target.title}, seed {known.config.seed}"
        state = f"{known.status} at step {known.step:,} of {known.config.steps:,}"
        parts = [began, state, _result(known.meter)]
        st.markdown(f"{plain(title)}  \n:small[{plain(' · '.join(filter(None, parts)))}]", width="stretch")
        if st.button("Shown" if shown else "Open", key=f"open-{name}", disabled=shown):
            link.go(to(known.config, name))
        ended = known.status in ("done", "stopped", "failed")
        if st.button("Delete", key=f"delete-{name}", disabled=not ended, help="Remove this run for good"):
            registry().delete(name)
            if shown:
                link.go({key: text for key, text in to(known.config, "").items() if text})
            st.rerun()


def _result(meter: Meter) -> str:
    if "modes_total" in meter:
        return f"{meter['modes_covered']} of {meter['modes_total']} modes"
    if "frechet" in meter:
        return f"Frechet distance {meter['frechet']:.3g}, recall {meter['recall']:.2f}"
    return ""
