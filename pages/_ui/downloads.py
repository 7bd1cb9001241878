"""Buttons that hand out a file."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st


def download(
    label: str, data: str | bytes | Callable[[], str | bytes], name: str, mime: str | None = None, quiet: bool = False
) -> None:
    """A button that saves `data`, computed on the click if it is a function, as a file called `name`; `quiet`: without a frame.

    The page is not run again by it: Streamlit drops a function with the run that named it, so a page that runs because of
    one click would take the file from the next.
    """
    icon = ":material/download:" if quiet else None
    st.download_button(label, data, name, mime, on_click="ignore", type="tertiary" if quiet else "secondary", icon=icon)
