"""What a browser session of a shared server keeps there: how much, and a button that deletes its uploads."""

from __future__ import annotations

import streamlit as st

from otviz.core.files import refused
from otviz.core.owners import Owner, Quota, stored_bytes, uploads_of
from pages._ui.shell import sessions
from pages._ui.shell.links import plain


def show() -> None:
    """Say whose runs the list holds and how much they take; nothing on a server of one person."""
    owner = sessions.owner()
    if not owner.secret:
        return
    with st.container(horizontal=True, wrap=False, vertical_alignment="center", gap="small"):
        st.caption(
            "A class shares this server: these are the runs that this browser began. Whoever has the link of a run can open and steer it. "
            f"Runs and uploads take {stored_bytes(owner) / 1e6:.1f} of {Quota.chosen().stored} MB.",
            width="stretch",
        )
        if uploads_of(owner):
            with st.popover("Delete uploads"):
                st.markdown("Runs on an uploaded file can then only be looked at, until the file is uploaded again.")
                st.button(
                    "Delete all files that this browser uploaded", on_click=_delete, args=(owner,), type="primary"
                )


def _delete(owner: Owner) -> None:
    for path in uploads_of(owner):
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            st.toast(plain(refused(path, error, "cannot be deleted")), icon=":material/error:", duration="long")
            return
