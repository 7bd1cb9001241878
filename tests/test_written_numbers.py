"""Numbers as they are written."""

from otviz.core.numbers import whole


def test_thousands_are_set_apart_by_a_thin_space() -> None:
    assert [whole(n) for n in (0, 999, 1000, 1234567.4)] == ["0", "999", "1\u202f000", "1\u202f234\u202f567"]
