"""The widget of a knob, by type, with its label, help and limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from otviz.content.explanations import glossary, words_of_knobs
from otviz.core.params import Param
from otviz.data.reading.tables import MENU
from pages._ui.controls import scales
from pages._ui.shell.links import plain

TYPED = 200  # characters in a text field
_BIGGEST = 2**53 - 1  # largest integer that a browser represents exactly
_BOX = 96  # px, width of a number input

# A number has its label and an input in a row, and the slider below, without its own value label.
STYLE = """<style>
[class*=st-key-knob-] [data-testid=stSliderThumbValue], [class*=st-key-knob-] [data-testid=stSliderTickBar] {display: none}
[class*=st-key-knob-] [data-testid=stHorizontalBlock] {flex-wrap: nowrap}
[class*=st-key-knob-] [data-testid=stSlider] {padding-block: 0; margin-block: -0.35rem -0.7rem}
[class*=st-key-knob-] [data-testid=stNumberInputContainer] {height: 1.9rem; min-height: 0}
[class*=st-key-knob-] [data-testid=stNumberInputContainer] > div {min-height: 0; height: 100%}
[class*=st-key-knob-] [data-testid=stNumberInputField] {padding: 0 0.45rem; font-size: 0.875rem; text-align: right}
.st-key-beside {min-height: 2.5rem; justify-content: center}
[class*=st-key-knob-] [data-testid=stMarkdownContainer] p {font-size: 0.875rem}
</style>"""


@dataclass(frozen=True)
class Field:
    """A knob on a page."""

    knob: Param
    key: str
    default: Any
    disabled: bool
    offered: Sequence[str] = ()

    @property
    def owner(self) -> str:
        """The class of the knob, as in its key."""
        return self.key.rpartition(".")[0]

    @property
    def label(self) -> str:
        return plain(label_of(self.knob))

    @property
    def short(self) -> bool:
        """Whether it is a number without a slider."""
        return self.knob.kind in (int, float) and not scales.is_slider(self.knob, inner_default(self))

    @property
    def help(self) -> str:
        knob = self.knob
        parts = [f"{knob.doc} ({knob.unit})." if knob.unit else f"{knob.doc.rstrip('.')}."]
        if knob.low is not None and knob.high is not None:
            parts.append(f"From {shown(knob.low)} to {shown(knob.high)}.")
        parts.append(f"Default: {'off' if self.default is None else shown(self.default) or 'empty'}.")
        if knob.live:
            parts.append("Can change while a run trains.")
        words = plain(" ".join(parts))
        return f"{words} [Glossary](learn?view=glossary&word={knob.name})" if knob.name in _explained() else words


@cache
def _explained() -> frozenset[str]:
    """Names of knobs in the glossary, cached because every widget needs them."""
    return frozenset(words_of_knobs(glossary().values()))


def draw(field: Field) -> Any:
    if not field.knob.optional:
        return _widget(field, "visible")
    on = st.toggle(field.label, key=f"{field.key}?", help=field.help, disabled=field.disabled, persist_state="session")
    return _widget(field, "collapsed") if on else None


def _widget(field: Field, visibility: Any) -> Any:
    knob = field.knob
    common: dict[str, Any] = {
        "key": field.key, "help": field.help, "disabled": field.disabled, "label_visibility": visibility,
        "persist_state": "session",
    }  # fmt: skip
    if field.key not in st.session_state:  # an optional knob that was switched off
        st.session_state[field.key] = st.session_state[f"{field.key}!"]
    if knob.kind is bool:
        return st.toggle(field.label, **common)
    if knob.choices and len(knob.choices) <= 4 and sum(map(len, knob.choices)) <= 30:
        return st.segmented_control(field.label, knob.choices, required=True, **common)
    if knob.choices:
        return st.selectbox(field.label, knob.choices, **common)
    if field.offered:
        return _offered(field, common)
    if knob.kind is str:
        return st.text_input(field.label, max_chars=TYPED, **common)
    if knob.kind is tuple:
        return knob.parse(st.text_input(field.label, max_chars=TYPED, **common))
    return _number(field, visibility == "visible")


def label_of(knob: Param) -> str:
    """Label of a knob."""
    words = knob.name.replace("_", " ")
    return knob.label or words[:1].upper() + words[1:]


def _offered(field: Field, common: dict[str, Any]) -> str:
    """A list of choices; the empty choice has the label from the knob's description of an empty text."""
    nothing, now = field.knob.doc.partition("empty: ")[2] or "none", st.session_state[field.key]
    options = list(
        dict.fromkeys(["", *field.offered, now])
    )  # a choice from a link may not exist, which is reported later
    typed = len(field.offered) >= MENU  # too many columns for a menu
    chosen: str | None = st.selectbox(
        field.label, options, format_func=lambda text: text or nothing, accept_new_options=typed, **common
    )
    return chosen or ""


def _number(field: Field, labelled: bool) -> float:
    """A number input and, if the range allows, a slider below it with the same value."""
    with st.container(key=f"knob-{field.key}", gap=None):
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            if labelled:
                st.markdown(field.label, help=field.help, width="stretch")
            slot = st.container(width=_BOX if labelled or not field.short else "stretch")
        value = _typed(field, slot) if field.short else _slider(field, slot)
    return value


def _slider(field: Field, slot: DeltaGenerator) -> float:
    knob, default = field.knob, inner_default(field)
    value = knob.kind(st.session_state[field.key])
    common: dict[str, Any] = {
        "key": field.key, "disabled": field.disabled, "label_visibility": "collapsed", "persist_state": "session"
    }  # fmt: skip
    box = box_key(field.key)
    if st.session_state.get(box) != value:
        box = _new_box(field.key, value)
    _box(field, slot, box, on_change=_take_typed, args=(field.key, box))
    if knob.log:
        stops = scales.log_stops(knob, (default, st.session_state[f"{field.key}!"]))
        return st.select_slider(field.label, stops, format_func=shown, **common)  # type: ignore[no-any-return]
    low, high = knob.kind(knob.low), knob.kind(knob.high)
    step = 1 if knob.kind is int else scales.step(low, high, default)
    value = st.slider(field.label, low, high, step=step, format="%d" if knob.kind is int else "%g", **common)
    return min(max(scales.tidy(value), low), high)  # type: ignore[no-any-return]


def box_key(key: str) -> str:
    """The key of the number input beside the slider with this key."""
    return f"{key}#{st.session_state.get(f'{key}#', 0)}"


def _new_box(key: str, value: float) -> str:
    """Replace the number input beside a slider by one with the slider's value.

    A request that the browser sends before it has drawn this rerun still has the old input's value. Under the same key it would
    be taken for a typed value, and move the slider back while it is dragged.
    """
    st.session_state[f"{key}#"] = st.session_state.get(f"{key}#", 0) + 1
    box = box_key(key)
    st.session_state[box] = value
    return box


def _take_typed(key: str, box: str) -> None:
    """Move the slider to the typed value, which becomes one of its stops."""
    if box == box_key(key):
        st.session_state[key] = st.session_state[f"{key}!"] = st.session_state[box]


def _typed(field: Field, slot: DeltaGenerator) -> float:
    return _box(field, slot, field.key, persist_state="session")


def _box(field: Field, slot: DeltaGenerator, key: str, **changed: Any) -> float:
    knob, default = field.knob, inner_default(field)
    common: dict[str, Any] = {
        "key": key, "disabled": field.disabled, "label_visibility": "collapsed", **changed,
        "min_value": None if knob.low is None else knob.kind(max(knob.low, -_BIGGEST)),
        "max_value": None if knob.high is None else knob.kind(min(knob.high, _BIGGEST)),
    }  # fmt: skip
    if knob.kind is int:
        return int(slot.number_input(field.label, step=1, **common))
    step = scales.tidy(10.0 ** len(f"{int(abs(default))}") / 100) if default >= 1 else (default or 1.0) / 10
    return scales.tidy(slot.number_input(field.label, step=step, format="%g", **common))


def inner_default(field: Field) -> Any:
    return scales.middle(field.knob) if field.default is None else field.default


def written(knob: Param, value: Any) -> str:
    text = knob.write(value)
    short = f"{value:g}" if isinstance(value, float) else text
    return short if isinstance(value, float) and float(short) == value else text


def shown(value: Any) -> str:
    """Format of numbers in controls: the shortest exact form, with powers of ten only for long numbers."""
    if isinstance(value, tuple):
        return ", ".join(shown(item) for item in value)
    if not isinstance(value, float):
        return str(value)
    if 1e-6 <= abs(value) < 1e15 or not value:
        return np.format_float_positional(value, trim="-")
    return repr(value).replace("e-0", "e-")
