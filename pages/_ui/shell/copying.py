"""A button that copies the address of the page, with all settings, to the clipboard."""

from __future__ import annotations

from pages._ui.shell.component import mount


def copy_link(key: str) -> None:
    """Draw it; the browser does the rest."""
    mount("copying", key=key, options={}, body=b"", trigger="copied")
