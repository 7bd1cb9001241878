"""Formatting of numbers in pictures, pages and reports."""

from __future__ import annotations


def whole(n: float) -> str:
    """Round to an integer with a thin space between thousands, as "12 000"."""
    return f"{round(n):,}".replace(",", "\u202f")
