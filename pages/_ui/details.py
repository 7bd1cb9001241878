"""What stands under the picture of a run: formula, diagnostics, latent path, downloads, the list of runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from otviz.runs import export
from pages._ui import controls, running
from pages._ui.leases import registry
from pages._ui.links import Link, plain
from pages._ui.setup import address

if TYPE_CHECKING:
    from otviz.runs.run import Run

VIEWS = {
    "formula": "Formula",
    "diagnostics": "Diagnostics",
    "latent": "Latent path",
    "download": "Download",
    "runs": "Runs",
}


def show(link: Link, run: Run | None) -> None:
    """Draw the view chosen; only that one is computed."""
    view = controls.choice(link, "view", VIEWS, default="formula", label="Under the picture", in_a_row=True)
    if view == "runs":
        _runs()
    elif run is None:
        st.caption("Train a model first, or open one from the list of runs.")
    elif view == "formula":
        running.show_formula(run)
        st.caption(f"{run.config.method.title}: {run.config.method.paper}. A bar is the mean over the minibatch.")
    elif not run.snapshots:
        st.caption("Nothing to show yet: the run has not begun.")
    elif view == "diagnostics":
        _diagnostics(run)
    elif view == "latent":
        _latent(run)
    else:
        _download(run)


def _diagnostics(run: Run) -> None:
    from otviz.figures.diagnostics import diagnostics

    assert run.scene is not None
    st.plotly_chart(diagnostics(run.scene, run.snapshots, run.losses()), key="diagnostics", width="stretch")
    st.caption(
        f"As of step {run.step}. Diversity cannot see mode collapse: two opposite modes of a ring have the same "
        "value as all eight. Read it beside the modes covered."
    )
    st.button("Draw again", help="Diagnostics show the moment they were drawn")


def _latent(run: Run) -> None:
    from otviz.figures.interpolation import interpolation

    seed = int(st.number_input("Ends of the line, seed", 0, 10_000, 0, key="latent-seed", width=200))
    st.plotly_chart(interpolation(run.training, seed), key="latent", width="stretch")
    st.caption("A continuous map must carry the line from start to end across the gaps between modes.")


def _download(run: Run) -> None:
    with st.container(horizontal=True, gap="small"):
        st.download_button("Losses (CSV)", lambda: export.history_csv(run.losses()), f"{run.id}-losses.csv", "text/csv")
        last = run.snapshots[-1]
        st.download_button("Samples (CSV)", lambda: export.samples_csv(last), f"{run.id}-samples.csv", "text/csv")
        st.download_button("Config (JSON)", export.config_json(run.config), f"{run.id}.json", "application/json")
        st.download_button("Weights (safetensors)", lambda: export.weights(run.training), f"{run.id}.safetensors")
        st.download_button("Python script", export.snippet(run.config), f"{run.id}.py", "text/x-python")
    st.code(export.snippet(run.config), language="python", height=260)


def _runs() -> None:
    store = registry().store
    assert store is not None
    alive = {run.id for run in registry().runs()}
    ids = [*(run.id for run in registry().runs()), *(name for name in store.ids() if name not in alive)]
    if not ids:
        st.caption("No runs yet.")
    for name in ids[:30]:
        _row(name)


def _row(name: str) -> None:
    store, run = registry().store, registry().find(name)
    assert store is not None
    try:
        known = store.read(name) if run is None else run
    except ValueError as error:
        st.caption(plain(str(error)))
        return
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        meter = known.meter
        modes = f", {meter['modes_covered']} of {meter['modes_total']} modes" if "modes_total" in meter else ""
        title = f"{known.config.method.title} on {known.config.target.title}, seed {known.config.seed}"
        st.markdown(f"{plain(title)}: {known.status} at step {known.step}{modes}", width="stretch")
        if st.button("Open", key=f"open {name}"):
            st.query_params.from_dict(address(known.config, name))
            st.rerun()
        if run is None and st.button("Delete", key=f"delete {name}"):
            store.delete(name)
            st.rerun()
