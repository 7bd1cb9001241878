"""Lengths of time in words."""

import math

import pytest

from otviz.core.numbers import duration_in_words


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "a few seconds"), (5, "a few seconds"), (5.1, "about 10 s"), (34, "about 40 s"), (89, "about 90 s"),
        (90, "about 2 min"), (3540, "about 59 min"), (3600, "about 1 h"), (4000, "about 1 h 10 min"),
        (7 * 3600 + 1799, "about 7 h 30 min"), (11 * 3600 + 1, "about 12 h"), (86400, "about 24 h"), (47 * 3600 + 1, "about 2 days"),
    ],
)  # fmt: skip
def test_times_are_told_roughly(seconds: float, text: str) -> None:
    assert duration_in_words(seconds) == text


@pytest.mark.parametrize("seconds", [-1.0, math.nan, math.inf])
def test_what_is_no_length_of_time_is_refused(seconds: float) -> None:
    with pytest.raises(ValueError, match="finite number of seconds >= 0"):
        duration_in_words(seconds)
