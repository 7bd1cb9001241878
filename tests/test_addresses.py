"""Links reproduce the settings they were made from, and invalid links do no harm."""

from __future__ import annotations

import base64
import random
import zlib
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otviz.core.addresses import LONG, MAX_CHARS, MAX_KEYS, MAX_PACKED, MAX_QUERY, VERSION, pack, read_query, unpack

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
SETTINGS = st.dictionaries(st.from_regex(r"[a-z]{1,4}\.[a-z0-9_.]{0,6}", fullmatch=True), TEXT, max_size=8)


def packed(query: str | bytes, level: int = 9) -> dict[str, str]:
    """A packed link, made without the code under test."""
    raw = query.encode() if isinstance(query, str) else query
    return {"v": "1", "packed": base64.urlsafe_b64encode(zlib.compress(raw, level)).decode().rstrip("=")}


@given(SETTINGS)
def test_any_settings_survive_the_link(settings: dict[str, str]) -> None:
    assert unpack(pack(settings)).settings == settings
    assert unpack(pack(settings)).problems == ()


@given(SETTINGS)
def test_any_settings_survive_being_packed(settings: dict[str, str]) -> None:
    assert unpack(packed(urlencode(settings))).settings == settings


@given(SETTINGS)
def test_what_is_copied_from_the_address_is_read(settings: dict[str, str]) -> None:
    assert read_query(urlencode(pack(settings))).settings == settings


@given(st.text(max_size=300))
def test_no_packed_text_does_harm(text: str) -> None:
    found = unpack({"packed": text, "tau": "2"})
    assert found.settings["tau"] == "2"
    assert all(sentence.endswith(".") for sentence in found.problems)


@given(st.binary(max_size=300))
def test_no_packed_bytes_do_harm(raw: bytes) -> None:
    assert unpack(packed(raw)).newer is False


def test_short_links_are_plain_and_long_ones_are_short() -> None:
    short, long = {"tau": "2"}, {"target.strokes": "0,0 1,1;" * 400}
    assert pack(short) == short
    assert set(pack(long)) == {"v", "packed"}
    assert len(urlencode(pack(long))) < LONG < len(urlencode(long))


def test_what_packing_does_not_shorten_stays_plain() -> None:
    noise = base64.urlsafe_b64encode(random.Random(0).randbytes(2000)).decode()
    assert pack({"target.strokes": noise}) == {"target.strokes": noise}


def test_the_largest_link_that_a_page_can_write_can_be_read() -> None:
    """Two drawings and as many other settings as there may be, of signs that a link writes as three."""
    rng = random.Random(0)
    hard = "".join(chr(rng.randrange(33, 127)) for _ in range(2 * MAX_CHARS))
    settings = {"source.strokes": hard[:MAX_CHARS], "target.strokes": hard[MAX_CHARS:]}
    settings |= {f"knob{i}": hard[i : i + 40] for i in range(MAX_KEYS - 2)}
    assert unpack(pack(settings)).settings == settings


def test_what_stands_beside_the_packed_value_goes_first() -> None:
    assert unpack({**packed("tau=2&n=50"), "tau": "3"}).settings == {"tau": "3", "n": "50"}


def test_a_packed_link_is_not_unpacked_twice() -> None:
    inner = urlencode(packed("tau=2"))
    assert set(unpack(packed(inner)).settings) == {"v", "packed"}  # no settings of any page


def test_a_page_cannot_have_more_settings_than_a_link() -> None:
    from otviz.core.params import params_of
    from otviz.methods import methods
    from otviz.training.compare import MOST

    most = max(len(params_of(cls)) for cls in methods().values())
    assert MOST * most + 50 < MAX_KEYS  # distributions, plan and views have fewer than 50


def test_no_knob_is_called_as_what_a_link_needs_for_itself() -> None:
    from otviz.clouds.problem import Problem
    from otviz.core.params import params_of
    from otviz.methods import methods
    from otviz.training.plan import Plan

    knobs = {knob.name for cls in (*methods().values(), Plan, Problem) for knob in params_of(cls)}
    assert not knobs & {"v", "packed", "lesson", "run", "runs", "view"}


def test_a_bomb_is_refused_unopened() -> None:
    bomb = packed(b"a=" + b"x" * 20_000_000)
    assert len(bomb["packed"]) < MAX_PACKED
    found = unpack(bomb)
    assert found.settings == {}
    assert found.problems == (
        f"The packed part of the link unpacks to more than {MAX_QUERY} characters; it is not used.",
    )


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"packed": "a b!"}, "holds characters other than letters"),
        ({"packed": "abc"}, "is damaged"),
        ({"packed": ""}, "is damaged"),
        ({"packed": packed("tau=2")["packed"][:-6]}, "is damaged"),
        ({"packed": "A" * (MAX_PACKED + 1)}, f"more than {MAX_PACKED}"),
        (packed(b"\xff\xfe"), "does not hold settings"),
        (packed("a=%ff"), "hold bytes that are not text"),
        (packed("&".join(f"k{i}=1" for i in range(5000))), f"hold more than {MAX_KEYS} settings"),
        ({f"k{i}": "1" for i in range(301)}, "301 settings"),
        ({"v": "one"}, "v must be a whole number"),
        ({"v": "9" * 5000}, "v must be a whole number"),
        ({"tau": "1" * (MAX_CHARS + 1)}, f"longer than {MAX_CHARS} characters"),
        ({f"k{i}": "1" * (MAX_CHARS + 1) for i in range(50)}, "and 45 more are longer"),
    ],
)
def test_what_cannot_be_used_is_one_sentence(parameters: dict[str, str], sentence: str) -> None:
    found = unpack(parameters)
    assert found.settings == {}
    assert [sentence in problem for problem in found.problems] == [True]
    assert len(found.problems[0]) < 300


def test_a_link_of_a_newer_otviz_is_told_and_used() -> None:
    found = unpack({"v": str(VERSION + 1), "tau": "2"})
    assert found.newer
    assert found.settings == {"tau": "2"}
    assert [f"links of version {VERSION + 1}, here {VERSION}" in problem for problem in found.problems] == [True]
