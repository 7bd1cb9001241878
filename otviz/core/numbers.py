"""Formatting of numbers and durations in pictures, pages and reports."""

from __future__ import annotations

import math


def whole(n: float) -> str:
    """Round to an integer with a thin space between thousands, as "12 000"."""
    return f"{round(n):,}".replace(",", "\u202f")


def duration_in_words(seconds: float) -> str:
    """A rounded duration: "a few seconds", "about 40 s", "about 3 min", "about 2 h 10 min", "about 3 days".

    Args:
        seconds: >= 0; rounded up.

    Raises:
        ValueError: negative, infinite or nan.
    """
    if not 0 <= seconds < math.inf:
        raise ValueError(f"a length of time must be a finite number of seconds >= 0; got {seconds}")
    if seconds <= 5:
        return "a few seconds"
    if seconds < 90:
        return f"about {math.ceil(seconds / 10) * 10} s"
    minutes = math.ceil(seconds / 60)
    if minutes < 60:
        return f"about {minutes} min"
    hours, rest = divmod(10 * math.ceil(minutes / 10), 60)
    if hours <= 36:
        return f"about {hours} h {rest} min" if rest and hours < 10 else f"about {hours + (rest > 0)} h"
    return f"about {math.ceil(seconds / 86400)} days"
