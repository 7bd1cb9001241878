"""Numbers as they are written everywhere: in pictures, on pages, in files to read."""

from __future__ import annotations


def whole(n: float) -> str:
    """A whole number with a thin space between thousands, as "12 000"; rounded."""
    return f"{round(n):,}".replace(",", "\u202f")
