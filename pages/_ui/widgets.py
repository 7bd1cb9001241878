"""The widget of one knob: what is drawn for each kind, with its label, help and limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import streamlit as st

from otviz.explanations import glossary, words_of_knobs
from otviz.params import Param
from pages._ui import scales
from pages._ui.links import plain

_GREEK = dict(
    alpha="α", beta="β", gamma="γ", delta="δ", epsilon="ε", eta="η", theta="θ", lam="λ", mu="μ", rho="ρ", sigma="σ",
    tau="τ", phi="φ", psi="ψ", lambda_="λ", **{"lambda": "λ"},
)  # fmt: skip
TYPED = 200  # characters in a text field
_BIGGEST = 2**53 - 1  # the largest whole number that a browser holds exactly


@dataclass(frozen=True)
class Field:
    """One knob on one page."""

    knob: Param
    key: str
    default: Any
    disabled: bool
    offered: Sequence[str] = ()

    @property
    def owner(self) -> str:
        """The class of the knobs, as it stands in the key."""
        return self.key.rpartition(".")[0]

    @property
    def label(self) -> str:
        name, sign = self.knob.name, _GREEK.get(self.knob.symbol, self.knob.symbol)
        words = name.replace("_", " ")
        if len(words) > 2:  # "lr" and "p" stay as they are written in the papers
            words = words[:1].upper() + words[1:]
        return plain(words if sign in ("", name) else f"{words} {sign}")

    @property
    def help(self) -> str:
        knob = self.knob
        parts = [f"{knob.doc} ({knob.unit})." if knob.unit else f"{knob.doc.rstrip('.')}."]
        if knob.low is not None and knob.high is not None:
            parts.append(f"From {knob.low:g} to {knob.high:g}.")
        parts.append(f"Default: {shown(self.default) or 'empty'}.")
        words = plain(" ".join(parts))
        return f"{words} [Glossary](learn?view=glossary&word={knob.name})" if knob.name in _explained() else words


@cache
def _explained() -> frozenset[str]:
    """Names of knobs that the glossary has, read once: every widget of every page asks."""
    return frozenset(words_of_knobs(glossary().values()))


def draw(field: Field) -> Any:
    if not field.knob.optional:
        return _widget(field, "visible")
    on = st.toggle(field.label, key=f"{field.key}?", help=field.help, disabled=field.disabled, persist_state="session")
    return _widget(field, "collapsed") if on else None


def _widget(field: Field, visibility: Any) -> Any:
    knob = field.knob
    common: dict[str, Any] = {
        "key": field.key,
        "help": field.help,
        "disabled": field.disabled,
        "label_visibility": visibility,
        "persist_state": "session",
    }
    if field.key not in st.session_state:  # an optional one that was switched off for a while
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
    return _number(field, common)


def _offered(field: Field, common: dict[str, Any]) -> str:
    """A list of the texts on offer; nothing chosen is called what the knob's meaning says of an empty text."""
    nothing, now = field.knob.doc.partition("empty: ")[2] or "none", st.session_state[field.key]
    options = list(dict.fromkeys(["", *field.offered, now]))  # one from a link may not be there; making says so
    chosen: str = st.selectbox(field.label, options, format_func=lambda text: text or nothing, **common)
    return chosen


def _number(field: Field, common: dict[str, Any]) -> float:
    knob, default = field.knob, inner_default(field)
    whole = knob.kind is int
    if not scales.is_slider(knob, default):
        return _typed(field, default, common)
    if knob.log:
        stops = scales.log_stops(knob, (default, st.session_state[f"{field.key}!"]))
        return st.select_slider(field.label, stops, format_func=lambda stop: f"{stop:g}", **common)  # type: ignore[no-any-return]
    low, high = knob.kind(knob.low), knob.kind(knob.high)
    step = 1 if whole else scales.step(low, high, default)
    value = st.slider(field.label, low, high, step=step, format="%d" if whole else "%g", **common)
    return min(max(scales.tidy(value), low), high)  # type: ignore[no-any-return]


def _typed(field: Field, default: float, common: dict[str, Any]) -> float:
    knob = field.knob
    bounds: dict[str, Any] = {
        "min_value": None if knob.low is None else knob.kind(max(knob.low, -_BIGGEST)),
        "max_value": None if knob.high is None else knob.kind(min(knob.high, _BIGGEST)),
    }
    if knob.kind is int:
        return int(st.number_input(field.label, step=1, **bounds, **common))
    step = scales.tidy(10.0 ** len(f"{int(abs(default))}") / 100) if default >= 1 else (default or 1.0) / 10
    return scales.tidy(st.number_input(field.label, step=step, format="%g", **bounds, **common))


def inner_default(field: Field) -> Any:
    return scales.middle(field.knob) if field.default is None else field.default


def written(knob: Param, value: Any) -> str:
    text = knob.write(value)
    short = f"{value:g}" if isinstance(value, float) else text
    return short if isinstance(value, float) and float(short) == value else text


def shown(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(f"{item:g}" if float(f"{item:g}") == item else repr(item) for item in value)
    return f"{value:g}" if isinstance(value, float) else str(value)
