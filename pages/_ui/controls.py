"""Controls: widgets drawn from a dataclass of knobs, with values that come from the link and go back to it.

link = links.open_link("train")
name = controls.choice(link, "target", {"ring": "Ring of Gaussians"}, default="ring", label="Target")
target = controls.knobs(link, named(name), prefix="target.")   # None while a value is bad
link.publish()
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, TypeVar

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from otviz.params import Knobs, Param, params_of
from pages._ui import scales
from pages._ui.links import Link, plain, shorten

T = TypeVar("T", bound=Knobs)

_GREEK = dict(
    alpha="α", beta="β", gamma="γ", delta="δ", epsilon="ε", eta="η", theta="θ", lam="λ", mu="μ", rho="ρ", sigma="σ",
    tau="τ", phi="φ", psi="ψ", lambda_="λ", **{"lambda": "λ"},
)  # fmt: skip
TYPED = 200  # characters in a text field
_BIGGEST = 2**53 - 1  # the largest whole number that a browser holds exactly


@dataclass(frozen=True)
class _Field:
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
        parts.append(f"Default: {_shown(self.default) or 'empty'}.")
        return plain(" ".join(parts))


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
) -> T | None:
    """Draw the knobs of a class and return an instance, or None (and say why) while a value is bad.

    Those that a lesson has not chosen, or that stand in a section that is closed, are not drawn; their values are in force
    all the same.

    Args:
        link: the page's open link.
        cls: frozen dataclass of knobs.
        prefix: put before a knob's name in the address, such as "target.".
        scope: tells apart what is remembered for the same class in different places, such as two methods.
        defaults: defaults that differ from the declared ones, by name; also used for knobs that are not drawn.
        only: names of the knobs to draw; None draws all.
        offers: for text knobs, by name, the texts to choose from; others are typed.
        disabled: no knob can be changed.
        locked: only knobs that are `live` can be changed.
    """
    start = {knob.name: knob.default for knob in params_of(cls)} | dict(defaults or {})
    fields = [
        _Field(
            knob, widget_key(link.page, cls, knob.name, prefix=prefix, scope=scope), start[knob.name],
            disabled or (locked and not knob.live), (offers or {}).get(knob.name, ()),
        )
        for knob in params_of(cls)
        if only is None or knob.name in only
    ]  # fmt: skip
    fields.sort(key=lambda field: not field.knob.live)  # what may change during a run comes first
    for field in fields:
        _seed(link, field, prefix + field.knob.name)
    slots = _lay_out(link, fields, prefix)
    values, bad = dict(start), False
    for field in fields:
        name = field.knob.name
        with slots.get(name) or link.place or nullcontext():
            try:
                values[name] = field.knob.check(_draw(field) if name in slots else _kept(field))
            except ValueError as error:
                bad = True
                st.error(_sentence(error))
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
) -> str:
    """Draw one choice between names and return the name chosen; in a lesson that does not show it, the one it has set.

    Args:
        link: the page's open link.
        key: its name in the address.
        options: what is shown for each name.
        default: the name chosen when the address says nothing.
        label, help, disabled: of the widget.
        in_a_row: all names side by side instead of a list that opens; the label is then only for screen readers.
    """
    widget = f"{link.page}:{key}"
    text = link.take(key)
    if link.first(widget) or st.session_state[widget] not in options:
        if text is not None and text not in options:
            sentence = f"{key} must be one of {', '.join(options)}; got {shorten(text, 40)!r}; {default} is used."
            link.complain(sentence, key)
        st.session_state[widget] = text if text in options else default
    common: dict[str, Any] = {
        "format_func": lambda name: options.get(name, name), "key": widget, "help": help,
        "disabled": disabled, "persist_state": "session",
    }  # fmt: skip
    if not link.shows(key):
        chosen = str(st.session_state[widget])
    elif in_a_row:
        chosen = str(st.segmented_control(label, list(options), required=True, label_visibility="collapsed", **common))
    else:
        chosen = str(st.selectbox(label, list(options), **common))
    link.put(key, chosen, default)
    return chosen


@contextmanager
def section(link: Link, title: str, *, prefix: str = "", scope: str = "", expanded: bool = False) -> Iterator[None]:
    """Where controls stand that most do not need: an expander; in a lesson, which has few, they stand in the open.

    They are drawn once it is open: a page redraws all its widgets at every look at a run, whether one sees them or not.

    Args:
        prefix: what their keys begin with; a lesson that shows one of them shows the title too.
        scope: tells apart sections of one title and prefix.
    """
    if link.lesson is not None:
        with st.container(gap="small"):
            if prefix and any(key.startswith(prefix) for key in link.lesson.shown):
                st.caption(title)
            yield
        return
    place, key = st.container(), f"{link.page}:open:{scope}:{prefix}{title}"
    box = st.expander(title, expanded=expanded, key=key, on_change="rerun")
    with box, nullcontext() if box.open else link.folded(place):
        yield


def menu(link: Link, key: str, label: str, fill: Callable[[], None], *, width: Any = "content") -> None:
    """A button that opens what `fill` draws, which is drawn only then; in a lesson only if it shows `key`.

    It closes when what was chosen in it shows the page anew.
    """
    if link.shows(key):
        box = st.popover(label, width=width, key=f"{link.page}:menu:{key}:{link.reads}", on_change="rerun")
        if box.open:
            with box:
                fill()


def side_by_side(link: Link, *keys: str) -> list[DeltaGenerator]:
    """A place for each control with these keys, in a row; one that a lesson does not show takes no room in it."""
    shown = [key for key in keys if link.shows(key)]
    columns = iter(st.columns(len(shown), gap="small")) if shown else iter(())
    return [next(columns) if key in shown else st.container() for key in keys]


def widget_key(page: str, cls: type[Knobs], name: str, *, prefix: str = "", scope: str = "") -> str:
    """The key of a knob's widget: the class is in it, so that each method keeps its own value of a shared name."""
    owner = ".".join(part for part in (scope, cls.name or cls.__name__) if part)
    return f"{page}:{prefix}{owner}.{name}"


def _make(
    cls: type[T], values: dict[str, Any], slots: Mapping[str, DeltaGenerator], place: DeltaGenerator | None
) -> T | None:
    try:
        return cls(**values)
    except ValueError as error:
        # Rules between knobs begin with the name of the one to mend.
        name = str(error).partition(" ")[0]
        slots.get(name, place or next(iter(slots.values()), st)).error(_sentence(error))
        return None


def _sentence(error: ValueError) -> str:
    text = shorten(str(error), 300)
    return plain(text[:1].upper() + text[1:])


def _lay_out(link: Link, fields: Sequence[_Field], prefix: str) -> dict[str, DeltaGenerator]:
    """A place for each knob that is drawn, by name."""

    def places(some: Sequence[_Field]) -> dict[str, DeltaGenerator]:
        return {field.knob.name: st.container() for field in some if link.shows(prefix + field.knob.name)}

    with st.container(gap="xsmall"):
        slots = places([field for field in fields if not field.knob.advanced])
    advanced = [field for field in fields if field.knob.advanced]
    if advanced and link.place is None:
        with section(link, "Advanced", scope=advanced[0].owner), st.container(gap="xsmall"):
            slots |= places(advanced)
    return slots


def _seed(link: Link, field: _Field, name: str) -> None:
    """Give the widget its value when the address was just read, or nobody has drawn it yet."""
    text = link.take(name)
    if not link.first(field.key):
        return
    value = field.default
    if text is not None:
        try:
            value = field.knob.parse(text)
        except ValueError as error:
            prefix = name.removesuffix(field.knob.name)
            link.complain(f"{prefix}{error}; {_shown(field.default) or 'the default'} is used.", name)
    if field.knob.optional:
        st.session_state[f"{field.key}?"] = value is not None
        value = _inner_default(field) if value is None else value
    st.session_state[f"{field.key}!"] = value
    st.session_state[field.key] = _shown(value) if field.knob.kind is tuple else value


def _kept(field: _Field) -> Any:
    """The value of a knob that is not drawn."""
    if field.knob.optional and not st.session_state[f"{field.key}?"]:
        return None
    value = st.session_state.get(field.key, st.session_state[f"{field.key}!"])
    return field.knob.parse(value) if field.knob.kind is tuple else value


def _draw(field: _Field) -> Any:
    if not field.knob.optional:
        return _widget(field, "visible")
    on = st.toggle(field.label, key=f"{field.key}?", help=field.help, disabled=field.disabled, persist_state="session")
    return _widget(field, "collapsed") if on else None


def _widget(field: _Field, visibility: Any) -> Any:
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


def _offered(field: _Field, common: dict[str, Any]) -> str:
    """A list of the texts on offer; nothing chosen is called what the knob's meaning says of an empty text."""
    nothing, now = field.knob.doc.partition("empty: ")[2] or "none", st.session_state[field.key]
    options = list(dict.fromkeys(["", *field.offered, now]))  # one from a link may not be there; making says so
    shown: str = st.selectbox(field.label, options, format_func=lambda text: text or nothing, **common)
    return shown


def _number(field: _Field, common: dict[str, Any]) -> float:
    knob, default = field.knob, _inner_default(field)
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


def _typed(field: _Field, default: float, common: dict[str, Any]) -> float:
    knob = field.knob
    bounds: dict[str, Any] = {
        "min_value": None if knob.low is None else knob.kind(max(knob.low, -_BIGGEST)),
        "max_value": None if knob.high is None else knob.kind(min(knob.high, _BIGGEST)),
    }
    if knob.kind is int:
        return int(st.number_input(field.label, step=1, **bounds, **common))
    step = scales.tidy(10.0 ** len(f"{int(abs(default))}") / 100) if default >= 1 else (default or 1.0) / 10
    return scales.tidy(st.number_input(field.label, step=step, format="%g", **bounds, **common))


def _inner_default(field: _Field) -> Any:
    return scales.middle(field.knob) if field.default is None else field.default


def written(knob: Param, value: Any) -> str:
    text = knob.write(value)
    short = f"{value:g}" if isinstance(value, float) else text
    return short if isinstance(value, float) and float(short) == value else text


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(f"{item:g}" if float(f"{item:g}") == item else repr(item) for item in value)
    return f"{value:g}" if isinstance(value, float) else str(value)
