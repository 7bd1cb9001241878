"""Download buttons."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from otviz.runs.run_view import RunView
from pages._ui.shell.links import plain

if TYPE_CHECKING:
    from otviz.viz.exports import Export

FIRST = ("html", "notebook")
"""The most wanted files."""

REPEAT = (
    "The report is one file that plays without a server and without internet. The notebook trains the run again, with every "
    "change in its place, and says whether the numbers agree."
)


def download(
    label: str, data: str | bytes | Callable[[], str | bytes], name: str, mime: str | None = None, quiet: bool = False
) -> None:
    """A button that saves `data` as a file.

    It does not rerun the page: Streamlit drops a function with its rerun, so one click would invalidate the next download.

    Args:
        label: of the button.
        data: content, or a function that computes it on the click.
        name, mime: file name and media type.
        quiet: draw the button without a frame.
    """
    icon = ":material/download:" if quiet else None
    st.download_button(label, data, name, mime, on_click="ignore", type="tertiary" if quiet else "secondary", icon=icon)


def offer(runs: Mapping[str, RunView], name: str) -> None:
    """A button for every export of these runs, and the script that repeats them.

    Args:
        runs: by label.
        name: prefix of the file names.
    """
    from otviz.runs.reproduce import run_record
    from otviz.viz.exports import exports, exports_of
    from otviz.viz.exports.scripts import describe_record

    begun = {label: run for label, run in runs.items() if run.snapshots}
    if not begun:
        st.caption("Nothing to show yet: no run has begun.")
        return
    files = exports_of(begun)
    with st.container(horizontal=True, gap="small"):
        _buttons([each for each in files if each.name in FIRST], begun, name)
    st.caption(REPEAT)
    with st.expander("More formats"), st.container(horizontal=True, gap="small"):
        _buttons([each for each in files if each.name not in FIRST], begun, name)
    for label, run in begun.items():
        for line in describe_record(run_record(run)):
            st.caption(plain(line if len(begun) == 1 else f"{label}: {line}"))
    with st.expander("The Python script"):
        st.code(exports()["script"].make(begun).decode(), language="python", height=260)


def _buttons(files: Sequence[Export], runs: Mapping[str, RunView], name: str) -> None:
    for each in files:
        download(each.label, functools.partial(each.make, runs), name + each.suffix, each.mime)
