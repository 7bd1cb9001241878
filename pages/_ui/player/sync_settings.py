"""Keeps settings and the shown run in sync: live knobs change the run, other settings restart it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import streamlit as st

from otviz.core.params import Knobs, params_of
from otviz.runs.run_view import RunView
from otviz.training.plan import Plan
from pages._ui.controls.widgets import label_of, shown
from pages._ui.player import run_controls
from pages._ui.player.live_view import seen_methods
from pages._ui.shell.links import Link
from pages._ui.shell.sessions import registry

if TYPE_CHECKING:
    from otviz.runs.config import RunConfig
    from otviz.runs.run import Run

_SHOWN = "otviz.shown"
PLANNED = {knob.name: label_of(knob) for knob in params_of(Plan)}
_NAMED = 2  # changes that the note lists; more are only counted


def sync_settings(link: Link, run: RunView, config: RunConfig | None, address: dict[str, str]) -> None:
    """Sync settings and run.

    When a session first shows a run, it takes over the run's settings (of a finished run only if the link has none). Later,
    live knobs changed in this session are applied to the run, and those changed in another browser are applied here; any
    other change stops the run, which stays stored, and starts a new one.

    Args:
        link: the page's open link.
        run: the shown run.
        config: the current settings; None while one is invalid.
        address: query of the page with the settings of the run.
    """
    seen, living = seen_methods(), run_controls.alive(run)
    before, bare = seen.get(run.id), set(link.settings) <= {"run", "view"}
    seen[run.id] = run.config.method
    if before is None and (living or bare) and config != run.config:
        link.go(address, remember=False)
    if living is not None and before is not None:
        if before != run.config.method:
            _shown().pop(run.id, None)
            link.go(address)
        if config is not None:
            _follow(link, living, config, address)
    if config is not None:
        _shown()[run.id] = config


def _follow(link: Link, run: Run, config: RunConfig, address: dict[str, str]) -> None:
    if run_controls.comes_from(run.config, config):
        run_controls.retune(run, run_controls.moved(run.config.method, config.method))
    elif config == _shown().get(run.id, run.config):
        pass
    elif run.origin:
        st.session_state[run_controls.NOTE] = (run.id, "It goes on from other weights: stop it to change this.")
        link.go(address, remember=False)
    else:
        note = f"Restarted: {_changes(run.config, config)}."
        _leave(run)
        run_controls.begin(link, config, note)


def note(run: RunView | None) -> str:
    """The note on a run that was started by a change of settings, or that rejected one; otherwise ""."""
    run_id, words = st.session_state.get(run_controls.NOTE, ("", ""))
    return str(words) if run is not None and run.id == run_id else ""


def restore_previous_run(now: RunView | None, run_id: str) -> None:
    """Replace the shown run by the previous one, which continues if it was stopped before its end."""
    living = run_controls.alive(now)
    if now is None or now.id == run_id:
        return
    if living is not None:
        _leave(living)
    if not run_id:
        return
    with contextlib.suppress(ValueError):  # finished or not saved: its stored part is shown
        registry().resume(run_id)


def _leave(run: Run) -> None:
    """Stop a run, unless others watch it too."""
    if registry().holders(run.id) <= 1:
        run.stop()


def _shown() -> dict[str, RunConfig]:
    """The settings when each run was last shown on this page, by run id."""
    configs: dict[str, RunConfig] = st.session_state.setdefault(_SHOWN, {})
    return configs


def _changes(old: RunConfig, new: RunConfig) -> str:
    """What differs, in the words of the screen."""
    found: list[str] = []
    before_by_side = old.sides
    sides = [(before_by_side[side], now) for side, now in new.sides.items()]
    for before, now in [*sides, (old.method, new.method)]:
        found += [now.title] if type(now) is not type(before) else _knobs(before, now)
    if new.networks is not None and old.networks is not None:
        found += _knobs(old.networks, new.networks)
    for name, label in PLANNED.items():
        value: Any = getattr(new, name)
        if value != getattr(old, name):
            found.append(f"{label} {shown(value)}")
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return ", ".join(found[:_NAMED]) + more


def _knobs(before: Knobs, now: Knobs) -> list[str]:
    values = now.as_dict()
    found = []
    for knob in params_of(type(now)):
        if values[knob.name] != before.as_dict()[knob.name]:
            value = "" if knob.name in ("strokes", "file") else f" {shown(values[knob.name])}"
            found.append(f"{label_of(knob)}{value}")
    return found
