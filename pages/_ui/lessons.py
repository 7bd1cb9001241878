"""Lessons on pages: the list of them, and one beside its picture, with the few controls it has chosen."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from otviz import lessons
from otviz.lessons import Lesson
from pages._ui import frame
from pages._ui.downloads import download
from pages._ui.links import LESSON, Link, plain

WIDTHS = (4, 9)  # of text and picture: some 45 characters a line in a window of 1280 pixels

# What a formula draws stays within the text, however large it makes itself; places of controls that are not shown take none.
_STYLE = """<style>
.st-key-lesson-text {overflow: auto; contain: paint; max-height: 150vh}
.st-key-lesson-text :is(p, li) {font-size: 0.94rem; line-height: 1.5}
.st-key-lesson-controls [data-testid=stLayoutWrapper]:not(:has([data-testid=stElementContainer])) {display: none}
</style>"""


def columns(link: Link, panel: int, picture: int) -> tuple[DeltaGenerator, DeltaGenerator]:
    """Where the controls of a page stand and where its picture, in such widths; in a lesson with its title and text."""
    lesson = link.lesson
    if lesson is None:
        left, right = st.columns([panel, picture], gap="medium")
        return left, right
    st.html(_STYLE)
    left, right = st.columns(WIDTHS, gap="medium")
    with left:
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            st.markdown(f"#### {plain(lesson.title)}", width="stretch")
            words = "Leave the lesson; everything stays as it is set"
            if st.button("All controls", type="tertiary", icon=":material/tune:", help=words):
                link.leave_lesson()
        chosen = st.container(key="lesson-controls", gap="small")
        with st.expander("The lesson", expanded=True), st.container(key="lesson-text"):
            st.markdown(shown(lesson.body))
    return chosen, right


def shown(body: str) -> str:
    """The text of a lesson as Markdown that loads nothing: an image from elsewhere is shown as it is written."""
    return body.replace("![", "!\u200b[")


def show_lessons() -> None:
    """A card for each lesson, and a sentence for each file that is broken."""
    found, problems = lessons.lessons()
    with st.container(horizontal=True, gap="small"):
        for lesson in found:
            with st.container(border=True, width=330, height="stretch", gap="xsmall"):
                _show_card(lesson)
    if not found:
        st.info("There are no lessons; put one into the folder lessons under OTVIZ_HOME.")
    for problem in problems:
        st.warning(plain(f"A lesson is not shown. {problem}."))
    st.caption(
        "A lesson is a small text file: copy one, change it, and put it into the folder lessons under OTVIZ_HOME. "
        "CONTRIBUTING.md says what its lines mean."
    )


def _show_card(lesson: Lesson) -> None:
    card = next(card for card in frame.cards() if card.name == lesson.page)
    with st.container(gap="xsmall", height="stretch"):
        st.markdown(f"**{plain(lesson.title)}**  \n{plain(lesson.learn)}")
        st.caption(f"{card.title} · {lesson.minutes} minutes")
    with st.container(gap=None):
        st.page_link(card.path, label="Open", icon=":material/play_circle:", query_params={LESSON: lesson.name})
        download(f"lessons/{lesson.name}.md", lesson.path.read_bytes, f"{lesson.name}.md", "text/markdown", quiet=True)
