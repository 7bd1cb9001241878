"""Settings of a comparison: its methods, their knobs, and the runs that train them in lockstep."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from otviz.runs.run_view import RunView
from pages._ui.compare import compare_methods
from pages._ui.controls import controls, point_setup
from pages._ui.player import live_view, recording_view, run_controls
from pages._ui.player.live_view import seen_methods
from pages._ui.shell.lesson_view import LIVE
from pages._ui.shell.links import Link, plain
from pages._ui.shell.sessions import registry
from pages._ui.train import exactness_view

if TYPE_CHECKING:
    from otviz.data.distributions import Distribution
    from otviz.methods import Method
    from otviz.runs.config import RunConfig
    from otviz.training.compare import Preset

HEIGHT = 760
OWN = "own"
LOCKED = "Moving a slider changes these runs immediately. To change data or methods, stop them first."


@dataclass(frozen=True)
class Chosen:
    """The settings of the comparison: methods (None with invalid knobs), target, source and plan."""

    preset: Preset | None
    methods: tuple[Method | None, ...]
    target: Distribution | None
    source: Distribution | None
    configs: tuple[RunConfig, ...]


def find(link: Link) -> list[RunView]:
    """The runs in the link that still exist."""
    from otviz.training.compare import MOST

    ids = list(dict.fromkeys(filter(None, link.text("runs").split(","))))
    if len(ids) > MOST:
        link.complain(f"runs must name at most {MOST} runs; got {len(ids)}: the first {MOST} are shown.")
    found = [run_controls.named(link, run_id) for run_id in ids[:MOST]]
    runs = [run for run in found if run is not None]
    link.runs = tuple(run.id for run in runs)
    return runs


def choose(link: Link, locked: bool) -> Chosen:
    """Draw preset, target, methods, steps and seed. While runs are active (`locked`) only live knobs are enabled."""
    from otviz.training.compare import presets

    known = presets()
    titles = {name: preset.title for name, preset in known.items()} | {OWN: "Your own choice"}
    name = controls.choice(link, "preset", titles, default="table-1", label="What to compare", disabled=locked)
    preset = known.get(name)
    target = point_setup.choose_distribution(link, "target", (preset and preset.target) or "ring", locked, scope=name)
    methods = compare_methods.choose(link, name, preset, locked)
    steps, compilable = preset.steps if preset else 5000, any(method and method.compilable for method in methods)
    plan = point_setup.choose_plan(link, f"compare-{name}", steps, compilable, locked)
    source = point_setup.choose_distribution(link, "source", "gaussian", locked)
    made = [point_setup.config_of(method, target, source, plan) for method in methods]
    complete = tuple(config for config in made if config is not None)
    return Chosen(preset, methods, target, source, complete if len(complete) == len(methods) else ())


def resume(runs: Sequence[RunView]) -> None:
    """Continue the unfinished ones of these runs in lockstep, and show them."""
    try:
        registry().resume_together([run.id for run in runs if run_controls.unfinished(run)])
    except ValueError as error:
        st.error(plain(str(error)))
        return
    st.rerun()


def begin(link: Link, configs: Sequence[RunConfig]) -> None:
    """Start runs in lockstep with the settings on the page, and show them."""
    try:
        runs = registry().submit_together(configs)
    except ValueError as error:
        st.error(plain(str(error)))
        return
    link.runs = tuple(run.id for run in runs)
    run_controls.remember_started(runs)
    link.publish({"runs": ",".join(run.id for run in runs)})
    st.rerun()


def go_to(link: Link, runs: Sequence[RunView]) -> None:
    """Show these runs, with their settings."""
    link.runs = tuple(run.id for run in runs)
    first = runs[0].config
    found = {"preset": OWN, "methods": ",".join(run.config.method.name for run in runs)}
    found |= {"target": first.target.name, "steps": str(first.steps), "seed": str(first.seed), "device": first.device}
    found |= first.target.written("target.", first.target.changed())
    for at, run in enumerate(runs, start=1):
        found |= run.config.method.written(f"{at}.", run.config.method.changed())
    link.go({**found, "runs": ",".join(run.id for run in runs)})


def sync_settings(link: Link, runs: list[RunView], chosen: Chosen) -> list[RunView]:
    """Keep knobs and runs in sync, as `sync_settings.sync_settings` does for one run.

    Returns the runs to show: none if other methods were selected.
    """
    if not runs:
        return runs
    begun = run_controls.started_by_session(runs[0])
    fits = [
        method is None or type(method) is type(run.config.method)
        for run, method in zip(runs, chosen.methods, strict=False)
    ]
    if len(runs) != len(chosen.methods) or not all(fits):
        if begun or not any(run.id in seen_methods() for run in runs):
            _remember(runs)
            go_to(link, runs)
        return []
    for run, method in zip(runs, chosen.methods, strict=True):
        living, before = run_controls.alive(run), seen_methods().get(run.id)
        seen_methods()[run.id] = run.config.method
        if living is None or method is None:
            continue
        elsewhere = method != run.config.method if before is None else before != run.config.method
        if elsewhere or (begun and not run_controls.retunes(run.config, method)):
            _remember(runs)
            go_to(link, runs)
        if before is not None:
            run_controls.retune(living, run_controls.moved(before, method))
    return runs


def _remember(runs: Sequence[RunView]) -> None:
    for run in runs:
        seen_methods()[run.id] = run.config.method


def labels_of(runs: Sequence[RunView]) -> list[str]:
    """Titles of the panels, which distinguish the runs; frozen ones are marked."""
    from otviz.training.compare import labels

    return labels([run.config.method for run in runs], ["frozen" if run.frozen else "" for run in runs])


def recording_of(link: Link, chosen: Chosen) -> str:
    """The name of the recording of exactly these runs, or empty."""
    from otviz.checkpoints.recordings import names
    from otviz.checkpoints.recordings.table import recordings

    found = chosen.preset.name if chosen.preset else ""
    name = f"compare-{found}" if link.lesson is None else f"lesson-{link.lesson.name}"
    made = tuple(dataclasses.replace(config, device="cpu") for config in chosen.configs)
    return name if name in names() and recordings()[name].configs == made else ""


def show_status(link: Link, runs: Sequence[RunView], chosen: Chosen, recording: str) -> None:
    """Show what to look for, with the start button, or the state of the runs."""
    with st.container(horizontal=True, wrap=False, vertical_alignment="center", key="said"):
        if chosen.preset is not None and link.lesson is None:
            st.markdown(chosen.preset.look_for, width="stretch")
        elif not runs and not recording:
            st.markdown(
                f"**{LIVE}**: the methods learn from the same data with the same seed, in step.", width="stretch"
            )
        if not runs:
            _offer_to_begin(link, chosen, recording)
    _show_end(runs)
    exactness_view.show_convergence(runs, labels_of(runs))


def _offer_to_begin(link: Link, chosen: Chosen, recording: str) -> None:
    with st.container(horizontal=True, width="content", gap="small", vertical_alignment="center", key="go"):
        if recording:
            words = "These runs were trained before, with the settings shown"
            st.badge("recorded", icon=":material/movie:", color="gray", help=words)
        if st.button(LIVE, type="primary", disabled=not chosen.configs, shortcut="T"):
            begin(link, chosen.configs)


def _show_end(runs: Sequence[RunView]) -> None:
    """Show why unfinished runs ended."""
    from otviz.runs.registry import ABANDONED

    on, left = any(map(run_controls.alive, runs)), [run for run in runs if run_controls.unfinished(run)]
    stopped = [run for run in left if run.status == "stopped"]
    if stopped and not on:
        why = " because their tab was closed" if all(run.message == ABANDONED for run in stopped) else ""
        st.markdown(f"Stopped{why} at step {max(run.step for run in stopped):,} of {left[0].config.steps:,}.")
    messages: dict[str, list[str]] = {}
    for run, label in zip(runs, labels_of(runs), strict=True):
        message = run_controls.elsewhere(run) if run.status == "elsewhere" else run.message
        if message and message != ABANDONED:
            messages.setdefault(message, []).append(label)
    ended = {run.message for run in left}
    for message, found in messages.items():
        others = " The others go on." if on and message in ended else ""
        st.warning(
            plain(f"{'all' if len(found) == len(runs) > 1 else '; '.join(found)}: {message.rstrip('.')}.{others}")
        )


def show(runs: Sequence[RunView], chosen: Chosen, drawn: live_view.State, recording: str) -> None:
    """Draw the runs, their recording, or a preview."""
    known = chosen.preset if chosen.preset and len(chosen.methods) == len(chosen.preset.methods) else None
    columns = known.columns if known else None
    if runs:
        live_view.show(runs, drawn, labels=labels_of(runs), key="compare", height=HEIGHT, columns=columns)
    elif not (recording and recording_view.show(recording, key="compare", height=HEIGHT, columns=columns)):
        live_view.show_preview(chosen.target, chosen.source)
