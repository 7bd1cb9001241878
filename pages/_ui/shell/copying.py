"""A button that copies the address of the page, with all settings, to the clipboard."""

from __future__ import annotations

from pages._ui.shell.component import mount


def copy_link(key: str) -> None:
    """Draw the button; the copying is done in the browser."""
    mount("copying", key=key, options={}, body=b"", trigger="copied")
