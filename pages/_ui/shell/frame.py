"""The frame of every page: navigation, theme, and support for deep links on a fresh server.

A page is a file `pages/<order>_<name>.py` with a docstring "Title: description". It is served at `/<name>`, the first at `/`.
"""

from __future__ import annotations

import re
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

from pages._ui.controls import widgets
from pages._ui.shell import links, torch_warmup

_HERE = Path(__file__).resolve().parent
PAGES = _HERE.parents[1]
MARK = _HERE / "icons" / "mark.svg"

# Streamlit has no setting for the side margins, whose space the pictures need. A line of text above a picture is as high as
# the buttons that replace it, so that the picture does not move. "How to read this" wraps instead of being cut. Small grey
# text and primary buttons have a contrast of 4.5 in both themes, the navigation shows the keyboard focus, and reduced motion
# is respected.
_STYLE = """<style>
[data-testid=stMainBlockContainer] {padding-inline: clamp(1rem, 2.5vw, 3rem)}
.st-key-told {min-height: 2.5rem; justify-content: center}
[data-testid=stLayoutWrapper]:has(> [class*=st-key-reading-]) {min-width: 10.5rem}
[data-testid=stCaptionContainer] {color: inherit; opacity: 0.78}
[data-testid=stWidgetLabel], [data-testid=stWidgetLabel] [data-testid=stMarkdownContainer] {color: inherit}
button[kind^=primary]:enabled {background: #0f6ca8; border-color: #0f6ca8; color: #fff}
button[kind^=primary]:enabled:hover {background: #0b5a8e; border-color: #0b5a8e}
:is([data-testid=stTopNavLink], [data-testid=stLogoLink]):focus-visible {outline: 2px solid; outline-offset: 2px}
[data-testid=stLayoutWrapper]:has(> .st-key-unseen) {position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%)}
@media (max-width: 820px) {.st-key-said {flex-wrap: wrap}}
@media (prefers-reduced-motion: reduce) {*, ::before, ::after {animation-duration: 1ms !important; transition-duration: 1ms !important}}
</style>"""

_inside: ContextVar[bool] = ContextVar("inside_the_frame", default=False)


@dataclass(frozen=True)
class Card:
    """Metadata of a page, read without running it."""

    path: Path
    name: str
    title: str
    text: str


def run() -> None:
    """Draw the frame and the requested page: all that `app.py` does."""
    page = _navigate()
    st.set_page_config(page_title=f"{page.title} · otviz", page_icon=MARK, layout="wide")
    st.logo(str(MARK), size="medium")
    st.html(_STYLE + widgets.STYLE)
    with st.container(key="unseen"):
        if page.url_path:  # the first page has a visible title
            st.html(f"<h1>{page.title}</h1>")
        _tidy()(key="tidy")
    links.arrive(page.url_path)
    token = _inside.set(True)
    try:
        page.run()
    finally:
        _inside.reset(token)
        torch_warmup.warmup().start(torch_warmup.VISITED)


@cache
def _tidy() -> ComponentRenderer:
    return st.components.v2.component("otviz_tidy", js=(_HERE / "tidy.js").read_text(encoding="utf-8"))


_DOCSTRING = re.compile(r'"""(.*?)("""|\n)')


def require() -> None:
    """Rerun through the frame if Streamlit ran the page without it; the first call of every page.

    Streamlit does so for a page's own address on a fresh server, until `st.navigation` has been called.
    """
    if not _inside.get():
        _navigate()
        st.rerun()


def cards(folder: Path = PAGES) -> list[Card]:
    """All pages, in the order of the numbers in the file names.

    Raises:
        ValueError: a page's docstring does not begin with "Title: text".
    """
    named = [(re.fullmatch(r"(\d+)_(\w+)\.py", path.name), path) for path in folder.iterdir()]
    found = sorted((int(match[1]), match[2], path) for match, path in named if match)
    return [_card(path, name) for _, name, path in found]


def _card(path: Path, name: str) -> Card:
    # Not by ast.parse, which fails now and then when several threads use it (Python 3.11: "AST constructor recursion depth mismatch").
    doc = _DOCSTRING.match(path.read_text(encoding="utf-8"))
    title, colon, text = doc[1].partition(": ") if doc else ("", "", "")
    if not colon:
        raise ValueError(f'{path.name} must begin with a docstring such as "Train: watch a generator learn"')
    return Card(path, name, title, text.rstrip("."))


def _navigate() -> st.Page:
    pages = [
        st.Page(card.path, title=card.title, url_path=card.name, default=index == 0)
        for index, card in enumerate(cards())
    ]
    return st.navigation(pages, position="top")
