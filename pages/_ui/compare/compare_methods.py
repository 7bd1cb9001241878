"""The methods of a comparison: a row of names, the knobs of the selected one, and buttons to add and remove."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

import streamlit as st

from pages._ui.controls import boxes, controls
from pages._ui.shell.links import Link, plain

if TYPE_CHECKING:
    from otviz.methods import Method
    from otviz.training.compare import Preset

OWN_METHODS = ("wgan", "uotm")


def choose(link: Link, name: str, preset: Preset | None, locked: bool) -> tuple[Method | None, ...]:
    """Draw the methods of a comparison and return them; None for one with invalid knobs."""
    from otviz.methods import named as method_named
    from otviz.training.compare import labels

    first = tuple(method.name for method in preset.methods) if preset else OWN_METHODS
    names = _names(link, name, first)
    given = [
        preset.methods[at] if preset and at < len(first) and first[at] == one else None for at, one in enumerate(names)
    ]
    known = labels(preset.methods) if preset else []
    titles = [known[at] if known and given[at] else method_named(one).title for at, one in enumerate(names)]
    shown = _open(link, titles, f"{name}:{','.join(names)}")
    made = []
    for at, one in enumerate(names):
        start = given[at]
        with _box(link, titles[at], at, name, shown):
            made.append(
                controls.knobs(
                    link, method_named(one), prefix=f"{at + 1}.", scope=name, locked=locked,
                    defaults=start.as_dict() if start else None,
                )
            )  # fmt: skip
    if not locked:
        _change(link, names, titles, shown)
    return tuple(made)


def _names(link: Link, name: str, first: Sequence[str]) -> list[str]:
    """The methods in the link, or those of the comparison if there are none."""
    from otviz.methods import methods
    from otviz.training.compare import MOST

    text, last = link.take("methods"), st.session_state.get("otviz.training.compare.preset", name)
    if text is None:
        text = link.text("methods", ",".join(first)) if last == name else ",".join(first)
    st.session_state["otviz.training.compare.preset"] = name
    names = [one for one in text.split(",") if one in methods()][:MOST] or list(first)
    if ",".join(names) != text:
        link.complain(
            f"methods must be 1 to {MOST} of {', '.join(methods())}, joined by commas; the others are left out."
        )
    link.put("methods", ",".join(names), ",".join(first))
    return names


def _open(link: Link, titles: Sequence[str], of: str) -> int | None:
    """Draw the row of names; returns the selected index."""
    if link.lesson is not None:
        return None
    again = [f"{title} ({at + 1})" if titles.count(title) > 1 else title for at, title in enumerate(titles)]
    return st.pills(
        "Methods and their settings", range(len(titles)), format_func=lambda at: plain(again[at]),
        key=f"{link.page}:open:methods:{of}",
    )  # fmt: skip


def _box(link: Link, title: str, at: int, scope: str, shown: int | None) -> AbstractContextManager[None]:
    if link.lesson is not None:
        return boxes.section(link, plain(title), prefix=f"{at + 1}.", scope=scope)
    return _visible_if(link, at == shown)


@contextmanager
def _visible_if(link: Link, shown: bool) -> Iterator[None]:
    place = st.container()
    with place if shown else link.folded(place):
        yield


def _change(link: Link, names: Sequence[str], titles: Sequence[str], shown: int | None) -> None:
    from otviz.methods import methods
    from otviz.training.compare import MOST

    with st.container(horizontal=True, gap="small"):
        removable = link.shows("methods") and len(names) > 1
        if shown is not None and removable and st.button(f"Remove {plain(titles[shown])}", key="remove"):
            link.go(_without(link, shown, names))
        if len(names) < MOST:
            _offer(link, names, {name: cls.title for name, cls in methods().items()})


def _offer(link: Link, names: Sequence[str], titles: dict[str, str]) -> None:
    def fill() -> None:
        for name, title in titles.items():
            if st.button(title, key=f"add-{name}", width="stretch"):
                link.go({**_settings(link), "methods": ",".join([*names, name])})

    boxes.menu(link, "methods", "Add a method", fill, width="stretch")


def _settings(link: Link) -> dict[str, str]:
    """The settings without runs, which no longer match when the methods change."""
    return {key: text for key, text in link.settings.items() if key != "runs"}


def _without(link: Link, at: int, names: Sequence[str]) -> dict[str, str]:
    """The settings without the method at an index; the knobs of later methods move up."""
    kept = {}
    for key, text in _settings(link).items():
        place, dot, knob = key.partition(".")
        if not (dot and place.isdigit()) or int(place) <= at:
            kept[key] = text
        elif int(place) > at + 1:
            kept[f"{int(place) - 1}.{knob}"] = text
    return {**kept, "methods": ",".join([*names[:at], *names[at + 1 :]])}
