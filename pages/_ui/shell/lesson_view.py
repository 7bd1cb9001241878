"""A lesson on its page: text beside the picture, its controls, and its recorded runs."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from otviz.checkpoints import recordings
from pages._ui.learn import syllabus_view
from pages._ui.player import recording_view
from pages._ui.shell.links import Link, plain

LIVE = "Train it live"
WIDTHS = (4, 9)  # of text and picture: about 45 characters per line in a window of 1280 px

# Formulas are clipped to the text, and empty containers of hidden controls take no space.
_STYLE = """<style>
.st-key-lesson-text {overflow: auto; contain: paint; max-height: 150vh}
.st-key-read-next p {white-space: normal; text-align: left}
.st-key-lesson-text :is(p, li) {font-size: 0.94rem; line-height: 1.5}
.st-key-lesson-controls [data-testid=stLayoutWrapper]:not(:has([data-testid=stElementContainer])) {display: none}
</style>"""


def columns(link: Link, panel: int, picture: int) -> tuple[DeltaGenerator, DeltaGenerator]:
    """Containers of the controls and of the picture, with these widths; in a lesson with its title and text."""
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
    """Play the recorded runs of the current lesson; returns False, and draws nothing, if there are none.

    Pages call it instead of a preview, before a training, with the key of the live picture.
    """
    lesson = link.lesson
    if lesson is None:
        return False
    return recording_view.show(f"lesson-{lesson.name}", key=key, height=height, columns=columns)


def train_label(link: Link) -> str:
    """Label of the train button: beside a recorded run it says that the new run is live."""
    return LIVE if _is_recorded(link) else "Train"


def invitation(link: Link, other: str) -> str:
    """What to do before a training: a hint for recorded runs, or `other`."""
    return f"This run is recorded. **{LIVE}** trains one on your computer." if _is_recorded(link) else other


def _is_recorded(link: Link) -> bool:
    return link.lesson is not None and f"lesson-{link.lesson.name}" in recordings.names()


def shown(body: str) -> str:
    """The text of a lesson as Markdown that loads nothing: external images are shown as source text."""
    return body.replace("![", "!\u200b[")
