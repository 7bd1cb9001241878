"""The syllabus: a card for each lesson and derivation, and the link from one to the next."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from otviz.content import lessons
from otviz.content.syllabus import Part, Stop, after, syllabus
from pages._ui.home import sketches
from pages._ui.shell import frame
from pages._ui.shell.downloads import download
from pages._ui.shell.links import LESSON, Link, plain

PAGE = "learn"

# The link covers the whole card.
_STYLE = """<style>
.sketch {display: block; width: 100%; aspect-ratio: 2; border-radius: 6px; background: color-mix(in srgb, currentColor 4%, transparent)}
[class*=st-key-part-] {display: grid; grid-template-columns: repeat(auto-fill, minmax(min(260px, 100%), 1fr))}
[class*=st-key-part-] > * {width: auto !important; max-width: none !important}
[class*=st-key-step-] {position: relative; transition: border-color .15s}
[class*=st-key-step-]:hover {border-color: var(--st-primary-color)}
[class*=st-key-step-] :is(a, button) {justify-content: flex-start; text-align: left; padding-inline: 0; min-height: 0; background: none}
[class*=st-key-step-] :is(a, button) p {white-space: normal; font-weight: 600}
[class*=st-key-step-] :is(a, button)::after {content: ""; position: absolute; inset: 0; border-radius: var(--st-base-radius)}
[class*=st-key-step-] :is([data-testid=stElementContainer], [data-testid=stPageLink], .stButton, .stPageLink, .stTooltipIcon, a, button) {position: static}
</style>"""


def show_path(link: Link) -> None:
    """Draw all parts in order, and an error for each invalid lesson."""
    parts = syllabus()
    stops = [stop for part in parts for stop in part.stops]
    st.html(_STYLE)
    kinds = sum(stop.kind == "lesson" for stop in stops), sum(stop.kind == "derivation" for stop in stops)
    st.markdown(
        f"{kinds[0]} lessons to try things out and {kinds[1]} derivations to read, in an order in which each builds on those "
        f"before it. About {sum(stop.minutes for stop in stops)} minutes in all; start anywhere."
    )
    number = 0
    for part in parts:
        _show_part(link, part, number)
        number += len(part.stops)
    for problem in lessons.lessons()[1]:
        st.warning(plain(f"A lesson is not shown. {problem}."))
    with st.expander("Write a lesson of your own"):
        _show_files()


def _show_part(link: Link, part: Part, before: int) -> None:
    st.markdown(f"#### {plain(part.title)}\n{plain(part.about)}")
    with st.container(horizontal=True, gap="small", key=f"part-{before}"):
        for number, stop in enumerate(part.stops, start=before + 1):
            with st.container(border=True, height="stretch", gap="xsmall", key=f"step-{stop.kind}-{stop.name}"):
                st.html(sketches.image(stop.kind, stop.name))
                _link_to(link, stop, stop.title)
                st.markdown(f":small[{plain(stop.learn)}]")
                st.caption(f"{number} · {_what(stop)} · {stop.minutes} min")


def _what(stop: Stop) -> str:
    return "derivation" if stop.kind == "derivation" else f"lesson on {_card(stop.page).title}"


def _card(page: str) -> frame.Card:
    return next(card for card in frame.cards() if card.name == page)


def _link_to(link: Link, stop: Stop, label: str, icon: str | None = None) -> None:
    """A link to a stop, or a button if it is on the current page, where a link would not change the address."""
    page, derivation = stop.page or PAGE, stop.kind == "derivation"
    query = {"view": "derivations", "topic": stop.name} if derivation else {LESSON: stop.name}
    if page != link.page:
        st.page_link(_card(page).path, label=plain(label), icon=icon, query_params=query)
    elif st.button(plain(label), key=f"to-{stop.kind}-{stop.name}", type="tertiary", icon=icon):
        if derivation:
            link.go(query)
        link.go_to_lesson(stop.name)


def show_next(link: Link, kind: str, name: str, parts: Sequence[Part] | None = None) -> None:
    """Draw the links from a lesson or derivation to the next one and to the syllabus."""
    found = after(parts or syllabus(), "lesson" if kind == "lesson" else "derivation", name)
    with st.container(horizontal=True, gap="small", vertical_alignment="center", key="read-next"):
        if found is None:
            return
        st.markdown("**Next**", width="content")
        _link_to(link, found, f"{found.title} ({_what(found)}, {found.minutes} min)", ":material/arrow_forward:")


def _show_files() -> None:
    st.markdown(
        "A lesson is a small text file. Download one, change it, and put it into the folder *lessons* under OTVIZ_HOME; "
        "CONTRIBUTING.md explains its lines."
    )
    with st.container(horizontal=True, gap="small"):
        for lesson in lessons.lessons()[0]:
            download(f"{lesson.name}.md", lesson.path.read_bytes, f"{lesson.name}.md", "text/markdown", quiet=True)
