"""The glossary and the derivations: a list on the left, the text on the right, both in the link."""

from __future__ import annotations

import difflib
import re
import urllib.parse
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from otviz.content.bibliography import BIBLIOGRAPHY
from otviz.content.explanations import Derivation, Word, derivations, glossary, matching, words_of_knobs
from pages._ui.controls import controls, widgets
from pages._ui.learn import syllabus_view
from pages._ui.player import flipbook
from pages._ui.shell import frame
from pages._ui.shell.links import Link, plain, shorten

if TYPE_CHECKING:
    from pages._ui.learn.declared import Declared

PAGE = "learn"
WIDE = 860  # px, largest width of a text

# On a phone the text comes first, then the list.
_STYLE = """<style>@media (max-width: 640px) {
[data-testid=stColumn]:has(.st-key-learn-list) {order: 2; border-top: 1px solid var(--st-border-color); padding-top: 1rem}
}</style>"""


def show_derivations(link: Link) -> None:
    """Draw the list of derivations, and the selected one."""
    known = derivations()
    st.html(_STYLE)
    left, right = st.columns([3, 8], gap="large")
    with left, st.container(key="learn-list"):
        topic = _pick(link, "topic", {name: each.title for name, each in known.items()}, "Derivations", {})
    with right, st.container(width=WIDE):
        _derivation(link, known[topic], glossary())


def show_glossary(link: Link) -> None:
    """Draw the list of words with a search field, and the selected one."""
    known = glossary()
    aliases = words_of_knobs(known.values())
    left, right = st.columns([3, 8], gap="large")
    with left:
        asked = controls.search(link, "Search", "tau, blur, floor …")
        found = matching(known.values(), asked) if asked.strip() else list(known.values())
        if not found:
            link.take("word")
            st.caption(plain(f"None of the {len(known)} words contains {shorten(asked, 40)!r}. Try fewer letters."))
            return
        with st.container(height=620, border=False):
            name = _pick(link, "word", {word.name: _titled(word) for word in found}, "Words", aliases)
    with right, st.container(width=WIDE):
        _word(link, known[name])


def link_to(topic: str, label: str) -> None:
    """A link to a derivation, from any page."""
    _link(PAGE, label, {"view": "derivations", "topic": topic}, ":material/function:")


def topic_of(*, method: str = "", loss: str = "") -> Derivation | None:
    """The derivation of a method or of a transport loss, by name, or None."""
    return next((each for each in derivations().values() if method in each.methods or loss in each.losses), None)


def _pick(link: Link, key: str, titles: Mapping[str, str], label: str, aliases: Mapping[str, str]) -> str:
    """Draw a list of names and return the selected one; an unknown name in the link gives a warning with similar ones."""
    widget, text, first = f"{link.page}:{key}", link.take(key), next(iter(titles))
    if link.first(widget) or st.session_state[widget] not in titles:
        wanted = (text or "").strip().lower()
        name = aliases.get(wanted, wanted)
        if text is not None and name not in titles:
            near = difflib.get_close_matches(name.replace("_", "-"), titles, 3, 0.5)
            nearest = f"; near it are {', '.join(near)}" if near else ""
            link.complain(f"There is no {key} {shorten(text, 40)!r} here{nearest}; {first} is shown.")
        st.session_state[widget] = name if name in titles else first
    chosen = st.radio(
        label, list(titles), key=widget, format_func=lambda name: titles.get(name, name), persist_state="session",
        label_visibility="collapsed",
    )  # fmt: skip
    link.put(key, str(chosen), first)
    return str(chosen)


def _derivation(link: Link, shown: Derivation, words: Mapping[str, Word]) -> None:
    _to_the_top(shown.topic)
    st.markdown(f"#### {shown.title}")
    st.caption(f"{shown.learn} About {shown.minutes} minutes.")
    for text, figure in shown.parts:
        st.markdown(text)
        if figure:
            flipbook.show(figure)
    syllabus_view.show_next(link, "derivation", shown.topic)
    st.divider()
    named = [words[name] for name in shown.words if name in words]
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.markdown(":small[**See it**]", width="content")
        for view in shown.views:
            _link(view.page, view.label, dict(urllib.parse.parse_qsl(view.query)), ":material/play_circle:")
    _lead(link, "Sliders that change it", [_to(word) for word in named if word.knobs])
    _lead(link, "Words", [_to(word) for word in named if not word.knobs])
    code = ", ".join(f"`{module}`{_listed(names)}" for module, names in shown.code)
    st.caption(f"In the code: {code}.")
    if shown.tests:
        with st.expander("Tests of this page"):
            st.markdown("\n".join(f"- `{test}`" for test in shown.tests))
    st.caption(
        "  \n".join(
            f"{each.short}: *{each.title}*, {each.where}." for each in BIBLIOGRAPHY.values() if each.short in shown.text
        )
    )


def _to_the_top(topic: str) -> None:
    """Scroll to the top for a new text, since Streamlit keeps the scroll position."""
    script = 'document.querySelector("[data-testid=stMain]")?.scrollTo(0, 0)'
    st.html(f"<script>/* {topic} */ {script}</script>", unsafe_allow_javascript=True)


def _listed(names: Sequence[str]) -> str:
    return f" ({', '.join(f'`{name}`' for name in names)})" if names else ""


def _titled(word: Word) -> str:
    """Title and symbol of a word."""
    same = re.sub(r"[${}_]", "", word.symbol) == word.title
    return f"{word.title} {word.symbol}" if "$" in word.symbol and not same else word.title


def _to(word: Word) -> tuple[str, dict[str, str]]:
    return _titled(word), {"view": "glossary", "word": word.name}


def _lead(link: Link, title: str, to: Sequence[tuple[str, dict[str, str]]], icon: str | None = None) -> None:
    """Buttons to other texts of this page: a link to the current page would not change the address."""
    if not to:
        return
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.markdown(f":small[**{title}**]", width="content")
        for label, query in to:
            if st.button(label, key=f"{title}:{label}", type="tertiary", icon=icon):
                link.go(query)


def _link(page: str, label: str, query: dict[str, str], icon: str | None) -> None:
    card = next((card for card in frame.cards() if card.name == page), None)
    if card is not None:
        st.page_link(card.path, label=label, icon=icon, query_params=query)


def _word(link: Link, word: Word) -> None:
    st.markdown(f"#### {word.title[:1].upper()}{word.title[1:]}")
    st.markdown(word.text)
    facts = [("Symbol", word.symbol), ("Unit", word.unit), ("Elsewhere", word.elsewhere)]
    st.markdown("  \n".join(f"**{name}** {text}" for name, text in facts if text))
    if word.knobs:
        with st.spinner("Reading the ranges …"):
            from pages._ui.learn.declared import declared

            known = declared()
        for knob in word.knobs:
            if knob in known:
                _ranges(knob, known[knob])
    titles = {name: each.title for name, each in derivations().items() if name in word.derivations}
    to = [(title, {"view": "derivations", "topic": name}) for name, title in titles.items()]
    _lead(link, "Derivations", to, ":material/function:")


def _ranges(name: str, where: Sequence[Declared]) -> None:
    """Ranges and defaults of a knob; owners with equal values share a line."""
    lines: dict[tuple[str, str], list[str]] = {}
    for each in where:
        knob = each.knob
        span = ", ".join(knob.choices) if knob.choices else ""
        if knob.low is not None and knob.high is not None:
            span = f"{knob.low:g} to {knob.high:g}"
        default = widgets.written(knob, knob.default) or "empty"
        lines.setdefault((span or "any", default), []).append(each.owner)
    rows = [
        f"| {plain(', '.join(owners))} | {plain(span)} | {plain(default)} |"
        for (span, default), owners in lines.items()
    ]
    st.markdown("\n".join([f"| `{name}` of | from, to | default |", "|---|---|---|", *rows]))
