"""A lesson on its page: the text beside the picture, the few controls it has chosen, and its recorded runs."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from otviz.checkpoints import recordings
from pages._ui.learn import syllabus_view
from pages._ui.player import recording_view
from pages._ui.shell.links import Link, plain

LIVE = "Train it live"
WIDTHS = (4, 9)  # of text and picture: some 45 characters a line in a window of 1280 pixels

# What a formula draws stays within the text, however large it makes itself; places of controls that are not shown take none.
_STYLE = """<style>
.st-key-lesson-text {overflow: auto; contain: paint; max-height: 150vh}
.st-key-read-next p {white-space: normal; text-align: left}
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
            words = "Leave the lesson and show all settings; nothing changes"
            if st.button("All controls", type="tertiary", icon=":material/tune:", help=words):
                link.leave_lesson()
        chosen = st.container(key="lesson-controls", gap="small")
        with st.expander("The lesson", expanded=True), st.container(key="lesson-text"):
            st.markdown(shown(lesson.body))
            syllabus_view.show_next(link, "lesson", lesson.name)
    return chosen, right


def show_recorded(link: Link, *, key: str, height: int = 650, columns: int | None = None) -> bool:
    """Play the recorded runs of the lesson that the page is in; False, and nothing is drawn, if there are none.

    A page calls it where it would show a preview: before anything is trained, under the key of its live picture.
    """
    lesson = link.lesson
    if lesson is None:
        return False
    return recording_view.show(f"lesson-{lesson.name}", key=key, height=height, columns=columns)


def train_label(link: Link) -> str:
    """What the button that trains is called: beside a recorded run it says that this one is live."""
    return LIVE if _is_recorded(link) else "Train"


def invitation(link: Link, other: str) -> str:
    """What to do before anything is trained: beside a recorded run, else `other`."""
    return f"This run is recorded. **{LIVE}** trains one on your computer." if _is_recorded(link) else other


def _is_recorded(link: Link) -> bool:
    return link.lesson is not None and f"lesson-{link.lesson.name}" in recordings.names()


def shown(body: str) -> str:
    """The text of a lesson as Markdown that loads nothing: an image from elsewhere is shown as it is written."""
    return body.replace("![", "!\u200b[")
