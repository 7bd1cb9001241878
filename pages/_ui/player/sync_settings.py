"""Settings and the run on screen are kept together: what may change during a run changes it, anything else starts it again."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import streamlit as st

from otviz.core.params import Knobs, params_of
from otviz.runs.plan import Plan
from otviz.runs.run_view import RunView
from pages._ui.controls.widgets import label_of, shown
from pages._ui.player import run_controls
from pages._ui.player.live_view import tuned
from pages._ui.shell.leases import registry
from pages._ui.shell.links import Link

if TYPE_CHECKING:
    from otviz.runs.config import RunConfig
    from otviz.runs.run import Run

_SHOWN = "otviz.shown"
PLANNED = {knob.name: label_of(knob) for knob in params_of(Plan)}
_NAMED = 2  # changes that the note names; more are counted


def sync_settings(link: Link, run: RunView, config: RunConfig | None, address: dict[str, str]) -> None:
    """Bring settings and run together.

    A session that first sees a run takes over its settings (those of a run that is over only if the address has none).
    Later, a live knob moved here goes to the run, and one moved in another browser comes here; any other change ends the
    run, which is kept, and begins a new one.

    Args:
        config: what the settings say now; None while one of them is bad.
        address: of the page with the settings of the run.
    """
    seen, living = tuned(), run_controls.alive(run)
    before, bare = seen.get(run.id), set(link.said) <= {"run", "view"}
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
    """What to say of a run that a change of the settings began, or that could not take one; "" of any other."""
    run_id, words = st.session_state.get(run_controls.NOTE, ("", ""))
    return str(words) if run is not None and run.id == run_id else ""


def restore_previous_run(now: RunView | None, run_id: str) -> None:
    """Leave the run on screen for the one that was there before, which goes on if it was stopped before its end."""
    living = run_controls.alive(now)
    if now is None or now.id == run_id:
        return
    if living is not None:
        _leave(living)
    if not run_id:
        return
    with contextlib.suppress(ValueError):  # it is over, or was not saved: what there is of it is shown
        registry().resume(run_id)


def _leave(run: Run) -> None:
    """Stop a run, unless others watch it too."""
    if registry().holders(run.id) <= 1:
        run.stop()


def _shown() -> dict[str, RunConfig]:
    """What the settings said when each run was last on this page, by the run's id."""
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
            said = "" if knob.name in ("strokes", "file") else f" {shown(values[knob.name])}"
            found.append(f"{label_of(knob)}{said}")
    return found
