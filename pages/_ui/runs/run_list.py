"""The page Runs: filters, the list of runs, and curves and files of selected runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from otviz.runs.run_view import RunView
from pages._ui.controls import controls
from pages._ui.runs import run_table, session_files
from pages._ui.shell import reading
from pages._ui.shell.downloads import offer
from pages._ui.shell.links import Link, plain
from pages._ui.shell.sessions import registry

if TYPE_CHECKING:
    from otviz.runs.saved.saved_run import RunCurves
    from otviz.runs.saved.summaries import Summary

KEY = "runs:chosen"
LINKED = "runs:linked"  # session key: runs in links, which may be those of other sessions
FEWEST, MOST = 2, 8
VIEWS = {"curves": "Curves", "download": "Download"}

_SORTS: dict[str, tuple[str, Callable[[Summary], Any]]] = {
    "newest": ("Newest first", lambda run: -run.created),
    "oldest": ("Oldest first", lambda run: run.created),
    "method": ("By method", lambda run: (run.method_title, -run.created)),
    "modes": ("Most modes first", lambda run: -run.meter.get("modes_covered", -1)),
    "w2": ("Smallest W2 first", lambda run: run.meter.get("w2", float("inf"))),
    "frechet": ("Smallest Fréchet first", lambda run: run.meter.get("frechet", float("inf"))),
}

_FILTERS: dict[str, Callable[[Summary], list[tuple[str, str]]]] = {
    "method": lambda run: [(run.method, run.method_title)] * bool(run.method),
    "target": lambda run: [(run.target, run.target_title)] * bool(run.target),
    "status": lambda run: [(run.status, run.status)],
    "tag": lambda run: [(tag, tag) for tag in run.tags],
}
"""Values of a run for each filter, with their titles."""


def find(link: Link) -> list[Summary]:
    """All runs that this session may see; without any, a message on what to do."""
    asked = link.take("runs")
    wanted = list(dict.fromkeys(filter(None, (asked or "").split(","))))
    linked: set[str] = st.session_state.setdefault(LINKED, set())
    linked.update(wanted)
    runs = registry().listed(linked)
    session_files.show()
    if not runs:
        st.markdown("There are no runs yet: train one, and it is kept here.")
        st.page_link(run_table.TRAIN, label="Train", icon=":material/play_circle:")
    if asked is not None:
        existing = {run.id for run in runs}
        lost = [name for name in wanted if name not in existing]
        if lost:
            link.complain(
                f"{len(lost)} of {len(wanted)} runs are not here: {', '.join(lost[:3])}; they may be deleted."
            )
        run_table.remember(KEY, [name for name in wanted if name in existing])
    return runs


def show(link: Link, runs: Sequence[Summary]) -> list[Summary]:
    """Draw filters and table; returns the selected runs."""
    shown = _filtered(link, runs)
    every = f"{len(runs)} {'run' if len(runs) == 1 else 'runs'}"
    words = f"{len(shown)} of {every}" if len(shown) < len(runs) else every
    if not shown:
        st.caption(f"None of the {every} matches these filters.")
        return []
    chosen = run_table.choose(shown, KEY)
    st.caption(f"{words}. A click on the name of a column sorts by it.")
    link.put("runs", ",".join(run.id for run in chosen))
    run_table.act(link, chosen)
    return chosen


def _filtered(link: Link, runs: Sequence[Summary]) -> list[Summary]:
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        text = _text(link)
        picked = {
            name: _choice(link, name, [each for run in runs for each in of(run)]) for name, of in _FILTERS.items()
        }
        sorts = {name: title for name, (title, _) in _SORTS.items()}
        sort = controls.choice(link, "sort", sorts, default="newest", label="Order")
    fits = [
        run
        for run in runs
        if all(not wanted or wanted in dict(_FILTERS[name](run)) for name, wanted in picked.items())
        and all(_has(_words(run), word) for word in text.casefold().split())
    ]
    return sorted(fits, key=_SORTS[sort][1])


def _choice(link: Link, name: str, found: Sequence[tuple[str, str]]) -> str:
    options = {"": "All", **dict(sorted(set(found), key=lambda each: each[1].casefold()))}
    return controls.choice(link, name, options, default="", label=name.capitalize())


def _text(link: Link) -> str:
    key, given = "runs:filter", link.take("filter")
    if link.first(key):
        st.session_state[key] = (given or "")[:200]
    text = st.text_input(
        "Find", key=key, max_chars=200, placeholder="words in any column", persist_state="session", width=240
    )
    link.put("filter", text)
    return text


def _has(words: str, asked: str) -> bool:
    """Whether a run matches a search text; numbers match whole words only, since ids contain digits."""
    return asked in words.split() if asked.isdigit() else asked in words


def _words(run: Summary) -> str:
    tags = " ".join(run.tags)
    return f"{run.id} {run.method_title} {run.target_title} {run.status} seed {run.seed} {tags} {run.note}".casefold()


def show_chosen(link: Link, chosen: Sequence[Summary]) -> None:
    """Draw curves and files of the selected runs; only what is shown is read."""
    view = reading.choose_view(link, "runs", VIEWS, default="curves", label="Of the runs chosen")
    whole = [run for run in chosen if run.method]
    if view == "curves":
        _curves(whole)
    elif not 1 <= len(whole) <= MOST:
        st.caption(f"Choose 1 to {MOST} runs to download them together.")
    else:
        _download(whole)


def _curves(chosen: Sequence[Summary]) -> None:
    from otviz.runs.saved.saved_run import names_of
    from otviz.viz.run_curves import run_curves

    if not FEWEST <= len(chosen) <= MOST:
        st.caption(f"Choose {FEWEST} to {MOST} runs in the table to compare their curves.")
        return
    try:
        names = names_of([run_table.config_of(run) for run in chosen])
        figure = run_curves({name: _run_curves(run) for name, run in zip(names, chosen, strict=True)})
    except ValueError as error:
        st.error(plain(str(error)))
        return
    st.plotly_chart(figure, key="run-curves", width="stretch")
    st.caption(
        "Losses are averages over equal numbers of steps. They mean different things in different methods: compare their "
        "shape, not their height. Modes and quality are measured on 1000 generated points, W2 between 500 and 500, Fréchet "
        "distance and recall on up to 1000 images."
    )


def _download(chosen: Sequence[Summary]) -> None:
    from otviz.runs.saved.saved_run import names_of

    try:
        runs = [_whole(run) for run in chosen]
        names = names_of([run.config for run in runs])
    except ValueError as error:
        st.error(plain(str(error)))
        return
    offer(dict(zip(names, runs, strict=True)), runs[0].id if len(runs) == 1 else "otviz-runs")


def _run_curves(run: Summary) -> RunCurves:
    from otviz.runs.saved.saved_run import curves_of_run

    here = registry().find(run.id)
    return _stored_curves(run.id, run.step, run.seconds) if here is None else curves_of_run(here)


@st.cache_resource(max_entries=32, show_spinner=False)
def _stored_curves(run_id: str, _step: int, seconds: float) -> RunCurves:
    """Cached per saved state (identified by `seconds` of training)."""
    from otviz.runs.saved.saved_run import read_curves

    return read_curves(registry().stored.path(run_id))


def _whole(run: Summary) -> RunView:
    from otviz.runs.saved.saved_run import SavedRun

    here = registry().find(run.id)
    return SavedRun.read(registry().stored, run.id) if here is None else here
