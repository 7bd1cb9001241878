"""The views below the panels of a comparison; only the selected one is computed."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import streamlit as st

from otviz.content.bibliography import cite
from otviz.runs.run_view import RunView
from otviz.viz.views import views
from pages._ui.compare import sweep_view
from pages._ui.compare.comparison_setup import Chosen, labels_of
from pages._ui.player import run_controls
from pages._ui.shell import reading
from pages._ui.shell.downloads import download, offer
from pages._ui.shell.lesson_view import LIVE
from pages._ui.shell.links import Link, plain
from pages._ui.train import exactness_view, laboratory_view, run_details

_NUMBER = functools.partial(st.column_config.NumberColumn, format="%.2f", width=62)
_SHARE = functools.partial(st.column_config.NumberColumn, format="percent", width=70)
_COLUMNS: dict[str, Any] = {
    "verdict": st.column_config.TextColumn(
        width=190, help="Of the samples at this step, and unstable where the training was; final unless it says so far"
    ),
    "step": st.column_config.NumberColumn(width=50),
    "modes": st.column_config.TextColumn(width=60),
    "on modes": _SHARE(width=76, help="Share of points within 3 standard deviations of a mode"),
    "between modes": _SHARE(label="between", help="Share of points between neighbouring modes"),
    "W2": _NUMBER(help="Exact, in data units"),
    "W2 floor": _NUMBER(label="floor", help="Mean W2 between two draws of the target"),
    "± floor": _NUMBER(label="±", width=50, help="Its standard deviation: W2 within two of them is within noise"),
    "precision": _NUMBER(width=74),
    "recall": _NUMBER(),
    "diversity": _NUMBER(width=74, help="Blind to collapse onto opposite modes: see below"),
    "of the target": _NUMBER(label="target's", help="Diversity of the target"),
    "loss spread": _NUMBER(
        label="spread", help="Standard deviation of the generator loss about its trend in the last quarter of its steps"
    ),
}

TABLE = 4.0  # seconds between updates of the table while runs train

VIEWS = {
    "meter": "Meter",
    **{name: view.title for name, view in views("compare").items()},
    "figure": "Figure 1",
    "convex": "g and alpha",
    "weights": "Sample weights",
    "tau": "Tau in units",
    "exact": "Exact plan",
    "inside": "Inside OT-GAN",
    "map": "Robustness map",
    "download": "Download",
}


def show(link: Link, runs: Sequence[RunView], chosen: Chosen) -> None:
    """Draw the selected view."""
    view = reading.choose_view(link, "compare", VIEWS, default="meter", picture="player")
    begun = [run for run in runs if run.snapshots]
    if view == "tau" and chosen.configs:
        first = chosen.configs[0]
        laboratory_view.show_tau(link, [config.method for config in chosen.configs], first.target, first.source)
    elif view == "map":
        sweep_view.show(link, chosen.target, chosen.source)
    elif not begun:
        st.caption(f"Nothing to show yet: this view is about runs of your own. Press **{LIVE}**.")
    elif view == "meter":
        _meter(begun)
    elif view in views("compare"):
        run_details.show_figure(views("compare")[view], dict(zip(labels_of(begun), begun, strict=True)))
    elif view == "figure":
        _figure(begun)
    elif view == "download":
        offer(dict(zip(labels_of(begun), begun, strict=True)), "otviz-panel")
    else:
        {
            "convex": laboratory_view.show_convex, "weights": laboratory_view.show_sample_weights,
            "exact": exactness_view.show_exact, "inside": exactness_view.show_matchings,
        }[view](link, begun)  # fmt: skip


def _meter(runs: Sequence[RunView]) -> None:
    from otviz.runs.run_verdict import verdict_on

    live = any(map(run_controls.alive, runs))
    st.fragment(_table, run_every=TABLE if live else None)(runs)
    why = st.expander("How each verdict was reached", key="compare:open:why", on_change="rerun")
    if why.open:
        for label, run in zip(labels_of(runs), runs, strict=True):
            found = verdict_on(run)
            why.markdown(
                f"**{plain(label)}: {plain(found.words)}.** {plain(found.sentence)} {plain(found.shaking)}  \n"
                f":small[{plain(found.rule)}]"
            )
    blind = st.expander("A collapse that diversity does not see", key="compare:open:blind", on_change="rerun")
    if blind.open:
        with blind:
            _blind_spot()


def _table(runs: Sequence[RunView]) -> None:
    from otviz.runs.run_verdict import table

    unit = next((str(run.meter["unit"]) for run in runs if "unit" in run.meter), "")
    columns = _COLUMNS | (_of_file(unit) if unit else {})
    st.dataframe(table(runs, labels_of(runs)), key="meter", hide_index=True, width="stretch", column_config=columns)
    st.caption(
        "Measured at the last look; a verdict is final unless it says *so far*. Modes and shares: 1000 generated points. W2, "
        "precision and recall: 500 generated points against 500 real ones that training did not see. Floor: W2 between two samples "
        "of the target of that size; a W2 within two standard deviations (±) of it is as good as real points. Diversity: the mean "
        f"variance of the coordinates, as in {cite('fuge')}."
    )


def _of_file(unit: str) -> dict[str, Any]:
    """Column settings of lengths and squared lengths in the unit of a file, where they may have any size."""
    of = functools.partial(st.column_config.NumberColumn, format="%.3g", width=74)
    square = f"In {unit}². {_COLUMNS['diversity']['help']}"
    return {
        "W2": of(label=f"W2 ({unit})", width=116, help=f"Exact, in {unit}"),
        "W2 floor": of(label="floor", help=f"W2 between two draws of the target, in {unit}"),
        "diversity": of(help=square), "of the target": of(label="target's", help=f"Diversity of the target, in {unit}²"),
    }  # fmt: skip


def _blind_spot() -> None:
    from otviz.evaluation.verdicts import notebook_diversity_example
    from otviz.viz.blind_spot import blind_spot

    example = notebook_diversity_example()
    st.plotly_chart(blind_spot(example), key="blind-spot", width="stretch")
    st.caption(
        f"{example.label}. Their diversity is {example.diversity:.2f} and that of the target {example.target_diversity:.2f}; "
        f"the verdict on them is: {example.verdict.word}. {plain(example.verdict.sentence)}"
    )


def _figure(runs: Sequence[RunView]) -> None:
    from otviz.runs.run_verdict import verdict_so_far
    from otviz.viz.snapshot_table import Row, snapshot_table
    from otviz.viz.style import as_html

    rows = [
        Row(label, verdict_so_far(run), run.scene, run.snapshots, run.curve())
        for label, run in zip(labels_of(runs), runs, strict=True)
        if run.scene is not None
    ]
    columns = int(st.number_input("Columns", 1, 8, 4, key="figure-columns", width=160))
    figure = snapshot_table(rows, columns)
    config = {"toImageButtonOptions": {"format": "svg", "filename": "otviz-figure-1"}}
    st.plotly_chart(figure, key="figure-1", width="stretch", config=config)
    with st.container(horizontal=True):
        download("This picture (HTML)", lambda: as_html(figure, "otviz-figure-1"), "otviz-figure-1.html", "text/html")
        run_details.draw_again(runs)
    st.caption("The camera over the picture saves it as SVG; the file in HTML opens anywhere and saves PNG as well.")
