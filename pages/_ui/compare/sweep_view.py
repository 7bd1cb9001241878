"""The robustness map: one knob over many values, methods and seeds, updated as runs finish."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from otviz.content.bibliography import cite_link
from otviz.core.numbers import duration_in_words
from otviz.data.distributions import Distribution
from pages._ui.controls import controls, point_setup
from pages._ui.experiments.job_stage import JobStage
from pages._ui.shell import sessions
from pages._ui.shell.links import Link, plain, shorten

if TYPE_CHECKING:
    from otviz.experiments.sweeps import Cell, Outcome, Sweep
    from otviz.experiments.sweeps.sweep_job import SweepJob
    from otviz.methods import Method

POLL = 1.5
TITLES = {
    "tau": "τ (cost intensity)",
    "penalty_weight": "λ (penalty weight)",
    "lr": "Learning rates",
    "alpha": "α (divergence weight)",
}


@st.cache_resource(scope="session", on_release=JobStage.end, show_spinner=False)
def _stage() -> JobStage[SweepJob]:
    return JobStage()


def _outcomes(job: SweepJob | None, sweep: Sweep) -> dict[Cell, Outcome]:
    """All results of a sweep so far."""
    from otviz.experiments.sweeps.sweep_job import SweepJournal

    return job.outcomes if job is not None and job.sweep == sweep else SweepJournal(sweep, sessions.owner()).outcomes()


def show(link: Link, target: Distribution | None, source: Distribution | None) -> None:
    """Draw the section: what to sweep, the buttons, and the figures."""
    st.markdown(
        "How far off can a setting be before a method fails? Each cell of the map is one whole training, judged by the same rules as "
        f"any run and kept in the list of runs. {cite_link('choi')} ask this about τ: UOTM needs a good value, UOTM-SD is less sensitive."
    )
    stage = _stage()
    working = stage.working
    sweep = _choose(link, target, source, working)
    if sweep is None:
        return
    if stage.working and stage.job is not None and stage.job.sweep != sweep:
        st.caption(
            "The running sweep uses the earlier target and settings. Stop it to start one with the current settings."
        )
    left, right = st.columns([3, 1], gap="small", vertical_alignment="bottom")
    with right:
        measure = _choose_measure(link)
    with left:
        _steer(stage, sweep, working)
    st.fragment(_follow, run_every=POLL if working else None)(stage, sweep, measure, working)


def _choose(link: Link, target: Distribution | None, source: Distribution | None, locked: bool) -> Sweep | None:
    """The sweep from the widgets, or None after a message."""
    from otviz.experiments.sweeps import Extent, Sweep
    from otviz.experiments.sweeps.sweep_parameters import VALUES

    left, right = st.columns([1, 3], gap="small")
    with left:
        knob = controls.choice(link, "sweep.knob", TITLES, default="tau", label="Setting", disabled=locked)
    with right:
        methods = _choose_methods(link, knob, locked)
    parts: list[Extent | None] = []
    for column, name in zip(st.columns([2, 1, 1], gap="small"), ("values", "seeds", "steps"), strict=True):
        with column:
            start = {"values": VALUES[knob]}
            parts.append(controls.knobs(
                link, Extent, prefix="sweep.", scope=knob, defaults=start, only=(name,), disabled=locked
            ))  # fmt: skip
    values, seeds, steps = parts
    if target is None or source is None:
        st.info("The sweep can start once the settings of target and source are valid.")
        return None
    if values is None or seeds is None or steps is None:
        return None
    try:
        return Sweep(knob, values.values, methods, target, source, tuple(range(seeds.seeds)), steps.steps)
    except ValueError as error:
        st.error(plain(f"{error}."))
        return None


def _choose_methods(link: Link, knob: str, locked: bool) -> tuple[Method, ...]:
    """Draw the choice of methods that have the knob; it is stored in the link."""
    from otviz.experiments.sweeps import label
    from otviz.experiments.sweeps.sweep_parameters import favoured, rows

    methods, default = rows(knob), favoured(knob)
    widget, text = f"{link.page}:sweep.methods.{knob}", link.take("sweep.methods")
    if link.first(widget):
        wanted = default if text is None else [name for name in text.split(",") if name]
        unknown = [name for name in wanted if name not in methods]
        if unknown:
            link.complain(f"sweep.methods: no method {shorten(unknown[0], 40)!r} has {knob}; it is left out.")
        st.session_state[widget] = [name for name in dict.fromkeys(wanted) if name in methods]
    chosen: list[str] = st.multiselect(
        "Methods", list(methods), format_func=lambda name: label(methods[name], knob), key=widget, disabled=locked,
        persist_state="session",
    )  # fmt: skip
    link.put("sweep.methods", ",".join(chosen), ",".join(default))
    return tuple(methods[name] for name in chosen)


def _choose_measure(link: Link) -> str:
    from otviz.viz.robustness_map import MEASURES

    return controls.choice(link, "sweep.colour", MEASURES, default="high_quality", label="Colour shows")


def _steer(stage: JobStage[SweepJob], sweep: Sweep, working: bool) -> None:
    """Draw the button that starts, stops or continues."""
    if working:
        st.button("Stop the sweep", on_click=stage.end, help="Finished runs are kept; you can continue later")
        return
    done = len(_outcomes(stage.job, sweep))
    if done == sweep.total:
        return
    word = f"Continue: {sweep.total - done} of {sweep.total} runs left" if done else f"Start {sweep.total} runs"
    if st.button(word, type="primary"):
        from otviz.experiments.sweeps.sweep_job import SweepJob

        def made() -> SweepJob:
            sessions.check_room()
            return SweepJob(sweep, owner=sessions.owner())

        stage.begin(made, "The sweep could not start")


def _follow(stage: JobStage[SweepJob], sweep: Sweep, measure: str, drawn_working: bool) -> None:
    """Draw progress and figures; redraw the page when the sweep ends."""
    working = stage.working
    outcomes = _outcomes(stage.job, sweep)
    _show_progress(stage, sweep, len(outcomes))
    if outcomes or working:
        _draw(sweep, outcomes, measure)
    if drawn_working and not working:
        st.rerun()


def _show_progress(stage: JobStage[SweepJob], sweep: Sweep, done: int) -> None:
    job = stage.job
    if job is not None and not job.over and job.sweep == sweep:
        left = job.seconds_left
        when = "estimating the time left" if left is None else f"{duration_in_words(left)} left"
        st.progress(done / sweep.total, text=f"{done} of {sweep.total} runs done, {when}")
    elif 0 < done < sweep.total:
        st.caption(f"{done} of {sweep.total} runs are done.")
    if job is not None and job.error:
        st.error(plain(f"The sweep stopped early: {job.error}."))


def _draw(sweep: Sweep, outcomes: dict[Cell, Outcome], measure: str) -> None:
    from otviz.viz.robustness_map import robustness_curves, robustness_map, text_alternative

    alt = text_alternative(sweep, outcomes)
    common: dict[str, Any] = {"on_select": "rerun", "selection_mode": "points", "width": "stretch", "alt": alt}
    events = [
        st.plotly_chart(robustness_map(sweep, outcomes, measure), key="sweep map", **common),
        st.plotly_chart(robustness_curves(sweep, outcomes), key="sweep curves", **common),
    ]
    play = st.container()
    st.caption(
        "Marks are single seeds, lines are means, bars are standard deviations. Shares are measured on 1000 samples, W2 on "
        "500 points. Click a cell or a mark to play that run."
    )
    key, seen = "otviz.sweep.picked", [picked(event) for event in events]
    before, chosen = st.session_state.get(key, ([""] * len(seen), ""))
    # New results redraw the figures and clear their selection, so the last selection is remembered.
    chosen = next((name for name, old in zip(seen, before, strict=True) if name and name != old), chosen)
    st.session_state[key] = (seen, chosen)
    with play:
        offer(sweep, outcomes, chosen)


def picked(event: Any) -> str:
    """The id of the run that was clicked in a figure, or empty."""
    for point in event["selection"]["points"]:
        data = point.get("customdata")
        found = data[0] if isinstance(data, list) and data else data
        if isinstance(found, str):
            return found
    return ""


def offer(sweep: Sweep, outcomes: dict[Cell, Outcome], run_id: str) -> None:
    """Draw a link to a run of the sweep, with its verdict."""
    for cell, outcome in outcomes.items():
        if run_id and outcome.run_id == run_id:
            from otviz.experiments.sweeps import label

            name = f"{label(cell.method, sweep.knob)}, {sweep.knob.replace('_', ' ')} {cell.value:g}, seed {cell.seed}"
            st.markdown(f"**{plain(name)}: {plain(outcome.word)}.** {plain(outcome.sentence)}")
            st.page_link(
                "pages/2_train.py",
                label="Play this run",
                query_params=point_setup.address(sweep.config(cell, "cpu"), run_id),
            )
