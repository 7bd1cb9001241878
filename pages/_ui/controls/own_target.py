"""The user's own target: drawn on the picture, or dropped on it as a file."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from otviz.data.distributions import Distribution, kind_of, store_upload
from pages._ui.shell import sessions
from pages._ui.shell.links import Link, plain

DRAWING = "drawing"
FILE = "own-file"
"""Key of the uploader, which the player uses when a file is dropped on it."""

_FRESH, _TURN, _ERROR = "train:fresh", "train:file-turn", "train:file-said"

# The upload looks like the button beside it, since files can be dropped on the picture.
_STYLE = f"""<style>
.st-key-{FILE} [data-testid=stFileUploaderDropzone] {{padding: 0; min-height: 0; border: 0; background: none}}
.st-key-{FILE} :is([data-testid=stFileUploaderDropzoneInstructions], [data-testid=stFileUploaderFile]) {{display: none}}
.st-key-{FILE} [data-testid=stFileUploader] {{width: fit-content}}
.st-key-{FILE} {{flex: none}}
</style>"""


def offer(link: Link, target: Distribution | None) -> None:
    """Draw the buttons to draw a target and to open a file of points, in the current row."""
    if link.lesson is not None and not link.lesson.shows("target"):
        return
    if target is not None and target.name != DRAWING:
        st.session_state.pop(_FRESH, None)
        if st.button("Draw", icon=":material/draw:", help="Draw the target here"):
            st.session_state[_FRESH] = True
            link.go(_with_target(link, {"target": DRAWING}))
    with st.container(key=FILE, width="content"):
        st.html(_STYLE)
        turn = st.session_state.setdefault(_TURN, 0)
        given = st.file_uploader("A file of points or a picture", key=f"{_TURN}:{turn}", label_visibility="collapsed")
    if given is not None:
        _take(link, given.name, given.getvalue())


def missing_before_run(usual: str) -> str:
    """What is missing before a run: `usual`, or a drawing while the pad is empty."""
    return "Draw the target on the picture first." if st.session_state.get(_FRESH) else usual


def invitation(usual: str) -> str:
    """What to do before a run: `usual`, or to draw while the pad is empty."""
    return "Draw the target below, then press **Train**." if st.session_state.get(_FRESH) else usual


def show_error(link: Link) -> None:
    """Show what was wrong with the last file, until something else is selected."""
    message, settings = st.session_state.get(_ERROR, ("", {}))
    if message and settings == _chosen(link):
        st.error(plain(message))


def _take(link: Link, filename: str, data: bytes) -> None:
    """Use a file as the target; an invalid one changes nothing and shows an error."""
    st.session_state[_TURN] += 1  # a new key empties the uploader for the next file
    try:
        name = sessions.keep(store_upload, data, filename)
        kind = kind_of(name)
        kind.parse({"file": name})
    except ValueError as error:
        st.session_state[_ERROR] = (f"{error}. The target you had is kept.", _chosen(link))
        st.rerun()
    st.session_state.pop(_ERROR, None)
    st.session_state.pop(_FRESH, None)
    link.go(_with_target(link, {"target": kind.name, "target.file": name}))


def _with_target(link: Link, target: Mapping[str, str]) -> dict[str, str]:
    return {**_chosen(link), **target}


def _chosen(link: Link) -> dict[str, str]:
    """The settings of the page, without target and view."""
    return {
        key: text for key, text in link.settings.items() if key not in ("run", "view") and not key.startswith("target")
    }


def is_fresh(link: Link, key: str) -> bool:
    """Whether the pad is empty since the button was pressed; a link with a drawing fills it."""
    if link.text(key):
        st.session_state.pop(_FRESH, None)
    return bool(st.session_state.get(_FRESH))


def drawn() -> None:
    """Note the first stroke on the pad."""
    st.session_state.pop(_FRESH, None)
