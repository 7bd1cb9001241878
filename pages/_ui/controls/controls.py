"""Widgets for a dataclass of knobs, with values that are read from and written to the link.

link = links.open_link("train")
name = controls.choice(link, "target", {"ring": "Ring of Gaussians"}, default="ring", label="Target")
target = controls.knobs(link, named(name), prefix="target.")   # None while a value is invalid
link.publish()
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Any, Literal, TypeVar

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from otviz.core.params import GROUPS, Knobs, Param, params_of
from pages._ui.controls import boxes, scales
from pages._ui.controls.widgets import Field, draw, inner_default, label_of, shown, written
from pages._ui.shell.links import Link, plain, shorten

T = TypeVar("T", bound=Knobs)
SEARCH = 60  # characters


def knobs(
    link: Link,
    cls: type[T],
    *,
    prefix: str = "",
    scope: str = "",
    defaults: Mapping[str, Any] | None = None,
    only: Collection[str] | None = None,
    offers: Mapping[str, Sequence[str]] | None = None,
    disabled: bool = False,
    locked: bool = False,
    scale: float | None = None,
    rest: boxes.Section | None = None,
) -> T | None:
    """Draw the knobs of a class and return an instance, or None, with a message, while a value is invalid.

    Knobs that a lesson hides, or in a closed section, are not drawn; their values still apply.

    Args:
        link: the page's open link.
        cls: frozen dataclass of knobs.
        prefix: prefix of the names in the link, such as "target.".
        scope: distinguishes the state of equal classes in different places, such as two methods.
        defaults: overrides of declared defaults, by name; also used for knobs that are not drawn.
        only: names of the knobs to draw; None: all.
        offers: choices for text knobs, by name; others are typed.
        disabled: disable all knobs.
        locked: disable all knobs that are not `live`.
        scale: allow lengths of any size, with slider ranges multiplied by this; None: limits as declared.
        rest: section for the knobs that are not `basic`; by default a new one.
    """
    start = {knob.name: knob.default for knob in params_of(cls)} | dict(defaults or {})
    fields = [
        Field(
            knob, widget_key(link.page, cls, knob.name, prefix=prefix, scope=scope), start[knob.name],
            disabled or (locked and not knob.live), (offers or {}).get(knob.name, ()),
        )
        for knob in (params_of(cls) if scale is None else cls.taken())
        if only is None or knob.name in only
    ]  # fmt: skip
    for field in fields:
        _seed(link, field, prefix + field.knob.name)
    if scale is not None:
        fields = [_stretched(field, known, scale) for field, known in _declared(cls, fields)]
    slots = _lay_out(link, cls, fields, prefix, rest)
    values, bad = dict(start), False
    for field in fields:
        name = field.knob.name
        with slots.get(name) or link.place or nullcontext():
            try:
                values[name] = field.knob.check(draw(field) if name in slots else _kept(field))
            except ValueError as error:
                bad = True
                st.error(_sentence(error, cls))
    made = None if bad else _make(cls, values, slots, link.place)
    if made is not None:
        for field in fields:
            value = getattr(made, field.knob.name)
            link.put(prefix + field.knob.name, written(field.knob, value), written(field.knob, field.default))
    return made


def choice(
    link: Link,
    key: str,
    options: Mapping[str, str],
    *,
    default: str,
    label: str,
    help: str | None = None,
    disabled: bool = False,
    in_a_row: bool = False,
    labelled: bool = True,
) -> str:
    """Draw a choice between names and return the selected one; in a lesson that hides it, the lesson's.

    Args:
        link: the page's open link.
        key: its name in the link.
        options: labels by name.
        default: the selected name if the link has none.
        label, help, disabled: of the widget.
        in_a_row: show all names side by side instead of a drop-down list; the label is then for screen readers only.
        labelled: show the label of a drop-down list, too.
    """
    widget = seed_choice(link, key, options, default)
    common: dict[str, Any] = {
        "format_func": lambda name: options.get(name, name), "key": widget, "help": help,
        "disabled": disabled, "persist_state": "session",
    }  # fmt: skip
    if not link.shows(key):
        chosen = str(st.session_state[widget])
    elif in_a_row:
        row: dict[str, Any] = {"required": True, "label_visibility": "collapsed", "wrap": True}
        chosen = str(st.segmented_control(label, list(options), **row, **common))
    else:
        visibility: Any = "visible" if labelled else "collapsed"
        chosen = str(st.selectbox(label, list(options), label_visibility=visibility, **common))
    link.put(key, chosen, default)
    return chosen


def seed_choice(link: Link, key: str, options: Collection[str], default: str) -> str:
    """Initialise a choice after the link was read, or at its first use; returns the key of its widget."""
    widget = f"{link.page}:{key}"
    text = link.take(key)
    if link.first(widget) or st.session_state[widget] not in options:
        if text is not None and text not in options:
            sentence = f"{key} must be one of {', '.join(options)}; got {shorten(text, 40)!r}; {default} is used."
            link.complain(sentence, key)
        st.session_state[widget] = text if text in options else default
    return widget


def search(link: Link, label: str, placeholder: str, width: int | Literal["stretch"] = "stretch") -> str:
    """Draw a search field that updates while the user types; its text is stored in the link as `search`."""
    widget, text = f"{link.page}:search", link.take("search")
    if link.first(widget):
        st.session_state[widget] = (text or "")[:SEARCH]
    asked = st.text_input(
        label, key=widget, max_chars=SEARCH, type="search", live=True, placeholder=placeholder,
        icon=":material/search:", label_visibility="collapsed", persist_state="session", width=width,
    )  # fmt: skip
    link.put("search", asked)
    return asked


def widget_key(page: str, cls: type[Knobs], name: str, *, prefix: str = "", scope: str = "") -> str:
    """The key of a knob's widget. It contains the class, so that each method has its own value of a shared name."""
    owner = ".".join(part for part in (scope, cls.name or cls.__name__) if part)
    return f"{page}:{prefix}{owner}.{name}"


def _make(
    cls: type[T], values: dict[str, Any], slots: Mapping[str, DeltaGenerator], place: DeltaGenerator | None
) -> T | None:
    try:
        return cls(**values)
    except ValueError as error:
        # Errors about several knobs begin with the name of the knob to change.
        name = str(error).partition(" ")[0]
        slots.get(name, place or next(iter(slots.values()), st)).error(_sentence(error, cls))
        return None


def _sentence(error: ValueError, cls: type[Knobs]) -> str:
    """The error message with the knob's label instead of its name; other messages begin with the name of a file."""
    text = shorten(str(error), 400)
    name, _, rest = text.partition(" ")
    label = next((label_of(knob) for knob in params_of(cls) if knob.name == name), None)
    return plain(text if label is None else f"{label} {rest}")


def _lay_out(
    link: Link, cls: type[Knobs], fields: Sequence[Field], prefix: str, rest: boxes.Section | None
) -> dict[str, DeltaGenerator]:
    """Containers for the drawn knobs, by name: the basic ones, then the others under their group headings."""

    def places(some: Sequence[Field]) -> dict[str, DeltaGenerator]:
        return {field.knob.name: st.container() for field in some if link.shows(prefix + field.knob.name)}

    known = {field.knob.name: field for field in fields}
    others = [field for name, field in known.items() if cls.basic and name not in cls.basic]
    with st.container(gap="small"):
        slots = places([known[name] for name in cls.basic or known if name in known])
    if others and link.place is None:
        with (rest or boxes.Section(link, "All settings", scope=others[0].owner)).filling():
            for group in ("", *GROUPS):
                some = [field for field in others if field.knob.group == group]
                if some and group and link.lesson is None and link.place is None:
                    st.markdown(f"**{group}**")
                slots |= places(some)
    return slots


def _declared(cls: type[Knobs], fields: Sequence[Field]) -> list[tuple[Field, Param]]:
    known = {knob.name: knob for knob in params_of(cls)}
    return [(field, known[field.knob.name]) for field in fields]


def _stretched(field: Field, declared: Param, scale: float) -> Field:
    """A length with a slider range that fits the scale of the data and contains the current value."""
    if field.knob == declared or declared.kind is tuple or declared.low is None or declared.high is None:
        return field
    value = st.session_state.get(field.key, st.session_state[f"{field.key}!"])
    st.session_state[field.key] = value  # Streamlit resets a widget whose limits change
    low, high = scales.tidy(declared.low * min(scale, 1)), scales.tidy(declared.high * max(scale, 1))
    return replace(field, knob=replace(declared, low=min(low, value), high=max(high, value)))


def _seed(link: Link, field: Field, name: str) -> None:
    """Initialise the widget after the link was read, or at its first use."""
    text = link.take(name)
    if not link.first(field.key):
        return
    value = field.default
    if text is not None:
        try:
            value = field.knob.parse(text)
        except ValueError as error:
            prefix = name.removesuffix(field.knob.name)
            link.complain(f"{prefix}{error}; {shown(field.default) or 'the default'} is used.", name)
    if field.knob.optional:
        st.session_state[f"{field.key}?"] = value is not None
        value = inner_default(field) if value is None else value
    st.session_state[f"{field.key}!"] = value
    st.session_state[field.key] = shown(value) if field.knob.kind is tuple else value


def _kept(field: Field) -> Any:
    """The value of a knob that is not drawn."""
    if field.knob.optional and not st.session_state[f"{field.key}?"]:
        return None
    value = st.session_state.get(field.key, st.session_state[f"{field.key}!"])
    return field.knob.parse(value) if field.knob.kind is tuple else value
