"""The table of runs, and the actions on selected runs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import streamlit as st

from otviz.data.target import Kind
from otviz.runs.run_view import RunView
from pages._ui.controls import image_setup, point_setup
from pages._ui.shell import leases
from pages._ui.shell.links import Link, plain
from pages._ui.shell.sessions import registry

if TYPE_CHECKING:
    from otviz.runs.config import RunConfig
    from otviz.runs.saved.summaries import Summary

LIVING = ("running", "paused", "queued", "elsewhere")
POLL = 2.0  # seconds between polls of training runs
TRAIN = "pages/2_train.py"
OPENED: dict[Kind, tuple[str, Callable[[RunConfig, str], dict[str, str]]]] = {
    "points": (TRAIN, point_setup.address), "images": ("pages/4_images.py", image_setup.address),
}  # fmt: skip
"""Page and link of a run."""
REFUSED = "runs:refused"  # session key: what Delete could not do, shown at the next rerun
ROW, TALLEST = 35, 12  # height of a row in px; largest number of visible rows

_number = st.column_config.NumberColumn
_COLUMNS: dict[str, Any] = {
    "began": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm", width=140),
    "method": st.column_config.TextColumn(width=150),
    "target": st.column_config.TextColumn(width=150),
    "seed": _number(width=60, format="%d"),
    "status": st.column_config.TextColumn(width=75),
    "step": _number(width=75, format="localized"),
    "of": _number(width=75, format="localized", help="Steps planned"),
    "modes": st.column_config.TextColumn(width=70, help="Modes covered at the last look"),
    "high quality": _number(
        width=90, format="percent", help="Share of 1000 samples within 3 standard deviations of a mode"
    ),
    "W2": _number(
        width=60,
        format="%.3f",
        help="Wasserstein-2 distance to the target between 500 and 500 points, in data units or the unit beside it",
    ),
    "unit": st.column_config.TextColumn(width=70, help="Of W2, where the target is a file"),
    "Fréchet": _number(
        width=70, format="%.3g", help="Squared Fréchet distance of features; compare within a data set only"
    ),
    "tags": st.column_config.ListColumn(width=130),
    "trained": _number(width=75, format="%.0f s", help="Time spent training"),
    "note": st.column_config.TextColumn(width=200, help="Where a branch comes from, or what went wrong"),
    "id": st.column_config.TextColumn(width=200),
}


def show_kind(link: Link, shown: RunView | None, kind: Kind) -> None:
    """The table of all runs on images, or on points: a view below the picture.

    Args:
        link: the page's open link.
        shown: the run in the picture, which cannot be opened.
        kind: of the runs: on points or on images.
    """
    runs = [run for run in registry().listed() if run.kind == kind]
    if not runs:
        st.caption("No runs yet.")
    else:
        key = f"{link.page}:runs"
        if shown is not None and key not in st.session_state:
            remember(key, [shown.id])
        chosen = choose(runs, key)
        act(link, chosen, "" if shown is None else shown.id)
    st.page_link("pages/8_runs.py", label="All runs: filter, tag, compare", icon=":material/table_rows:")


def choose(runs: Sequence[Summary], key: str) -> list[Summary]:
    """Draw the table; returns the selected runs, which stay selected while others come and go.

    Args:
        runs: in row order.
        key: session key of the selected ids (`remember` sets them).
    """
    remembered: Collection[str] = st.session_state.setdefault(key, ())
    ids = [run.id for run in runs]
    # Other rows need a new widget, since Streamlit stores the selection by position.
    widget = (
        f"{key}:{hashlib.sha256(' '.join(ids).encode()).hexdigest()[:16]}:{st.session_state.get(f'{key}:again', 0)}"
    )
    rows = [at for at, name in enumerate(ids) if name in remembered]
    found: Any = st.dataframe(
        _table(runs), key=widget, hide_index=True, width="stretch", height=ROW * (min(len(runs), TALLEST) + 1) + 3,
        row_height=ROW, column_config=_columns(runs), on_select="rerun", selection_mode="multi-row", placeholder="",
        selection_default={"selection": {"rows": rows, "columns": [], "cells": []}},
        alt="Runs with their settings and what was measured last",
    )  # fmt: skip
    chosen = [runs[at] for at in found["selection"]["rows"] if at < len(runs)]
    st.session_state[key] = tuple(run.id for run in chosen)  # filtered runs are deselected
    if any(run.status in LIVING for run in runs):
        _watch(runs)
    return chosen


def _columns(runs: Sequence[Summary]) -> dict[str, Any]:
    """Settings of columns with lengths in units of a file, which may have any size."""
    of_file = {"W2": _number(width=75, format="%.4g", help=_COLUMNS["W2"]["help"])}
    return _COLUMNS | of_file if any("unit" in run.meter for run in runs) else _COLUMNS


def remember(key: str, ids: Collection[str]) -> None:
    """Select these runs, replacing the user's selection."""
    st.session_state[key] = tuple(ids)
    st.session_state[f"{key}:again"] = st.session_state.get(f"{key}:again", 0) + 1


def act(link: Link, chosen: Sequence[Summary], shown: str = "") -> None:
    """Draw the buttons for the selected runs: open, continue, tag, delete."""
    if not chosen:
        st.caption("Tick runs at the left of the table to open them, go on with them, tag or delete them.")
        return
    for refusal in st.session_state.pop(REFUSED, ()):
        st.error(refusal)
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        one = chosen[0]
        alone = len(chosen) == 1 and bool(one.method) and one.id != shown
        if st.button(
            "Open", key="open-run", type="primary", disabled=not alone, help="Open this run on its page; one at a time"
        ):
            _open(link, one)
        left = [run for run in chosen if run.status in ("stopped", "failed") and run.step < run.steps]
        if left and st.button(
            "Go on", key="go-on", help="Continue, from their last save, those that ended before their last step"
        ):
            _resume(left)
        with st.popover("Tag"):
            _tag(chosen)
        with st.popover("Delete"):
            _delete(link, chosen, shown)
        words = f"{len(chosen)} runs chosen" if len(chosen) > 1 else f"{one.method_title} on {one.target_title}"
        st.markdown(plain(words if one.method or len(chosen) > 1 else f"{one.id}: {one.note}"))


def _watch(runs: Sequence[Summary]) -> None:
    """Rerun the page when one of these runs has advanced.

    Never during a rerun, which would lose clicks further down.
    """
    watched = {run.id for run in runs if run.status in LIVING}
    before, drawing = _moves(runs, watched), True

    def look() -> None:
        nonlocal drawing
        if not drawing and _moves(registry().listed(watched), watched) != before:
            st.rerun()
        drawing = False

    st.fragment(look, run_every=POLL)()


def _moves(runs: Sequence[Summary], watched: Collection[str]) -> dict[str, tuple[str, int]]:
    return {run.id: (run.status, run.step) for run in runs if run.id in watched}


def _table(runs: Sequence[Summary]) -> dict[str, list[Any]]:
    """Columns by name, without those that no run has."""
    columns: dict[str, list[Any]] = {
        "began": [datetime.fromtimestamp(run.created) for run in runs],
        "method": [run.method_title for run in runs],
        "target": [run.target_title for run in runs],
        "seed": [run.seed if run.method else None for run in runs],
        "status": [run.status for run in runs],
        "step": [run.step if run.method else None for run in runs],
        "of": [run.steps if run.method else None for run in runs],
        "modes": [_modes(run) for run in runs],
        "high quality": [run.meter.get("high_quality") for run in runs],
        "W2": [run.meter.get("w2") for run in runs],
        "unit": [run.meter.get("unit", "") for run in runs],
        "Fréchet": [run.meter.get("frechet") for run in runs],
        "tags": [list(run.tags) for run in runs],
        "trained": [run.seconds if run.method else None for run in runs],
        "note": [run.note for run in runs],
        "id": [run.id for run in runs],
    }
    return {name: values for name, values in columns.items() if any(value not in (None, "", []) for value in values)}


def _modes(run: Summary) -> str:
    return f"{run.meter['modes_covered']} of {run.meter['modes_total']}" if "modes_total" in run.meter else ""


def _open(link: Link, run: Summary) -> None:
    try:
        config = config_of(run)
    except ValueError as error:
        st.error(plain(str(error)))
        return
    page, setup = OPENED[config.target.kind]
    address = setup(config, run.id)
    if page.endswith(f"_{link.page}.py"):
        link.go(address)
    st.switch_page(page, query_params=address)


def config_of(run: Summary) -> RunConfig:
    """The settings of a run, of this process or stored. Raises ValueError when it is not there or damaged."""
    here = registry().find(run.id)
    return registry().stored.read(run.id).config if here is None else here.config


def _resume(runs: Sequence[Summary]) -> None:
    """Continue stored runs; they pause when this tab is closed."""
    for run in runs:
        try:
            leases.hold(registry(), registry().resume(run.id).id)
        except ValueError as error:
            st.toast(plain(str(error)), icon=":material/error:", duration="long")
    st.rerun()


def _tag(chosen: Sequence[Summary]) -> None:
    known = registry().listed([run.id for run in chosen])
    everywhere = sorted({tag for run in known for tag in run.tags}, key=str.casefold)
    common = [tag for tag in everywhere if all(tag in run.tags for run in chosen)]
    key = "tags:" + hashlib.sha256(" ".join(run.id for run in chosen).encode()).hexdigest()[:16]
    st.multiselect(
        "Tags of all that are chosen", everywhere, default=common, accept_new_options=True, key=key,
        on_change=_save_tags, args=(chosen, common, key), placeholder="Type a tag and press Enter", width=320,
    )  # fmt: skip


def _save_tags(chosen: Sequence[Summary], common: Sequence[str], key: str) -> None:
    """Apply added and removed tags; tags that only some of the runs have are kept."""
    from otviz.runs.saved.run_store import read_tags

    wanted = [str(tag) for tag in st.session_state[key]]
    removed, added = set(common) - set(wanted), set(wanted) - set(common)
    try:
        for run in chosen:
            now = read_tags(registry().stored.path(run.id))  # another server may have added some
            registry().tag(run.id, [*(tag for tag in now if tag not in removed), *added])
    except ValueError as error:
        st.session_state[key] = list(common)
        st.toast(plain(str(error)), icon=":material/error:", duration="long")


def _delete(link: Link, chosen: Sequence[Summary], shown: str) -> None:
    over = [run for run in chosen if run.status not in LIVING]
    if not over:
        elsewhere = " or server" if any(run.status == "elsewhere" for run in chosen) else ""
        st.markdown(f"What still trains, waits or is paused must be stopped first, on its own page{elsewhere}.")
        return
    left = f" {len(chosen) - len(over)} of those chosen still train and stay." if len(over) < len(chosen) else ""
    st.markdown(f"Remove {len(over)} {'run' if len(over) == 1 else 'runs'} from the disk for good?{left}")
    if not st.button("Delete for good", key="delete-runs", type="primary"):
        return
    gone, refusals = [], []
    for run in over:
        try:
            registry().delete(run.id)
            gone.append(run.id)
        except ValueError as error:  # restarted meanwhile, or the disk is not writable
            refusals.append(plain(str(error)))
    st.session_state[REFUSED] = refusals
    if shown in gone:
        link.go({key: text for key, text in st.query_params.to_dict().items() if key not in ("run", "view")})
    st.rerun()
