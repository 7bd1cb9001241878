"""Lessons: files are read, and a broken one is a sentence that names file, place and fix."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from otviz.content import lessons
from otviz.content.lessons import MAX_BYTES, PAGES, lesson, read
from otviz.core.addresses import pack

ROOT = Path(__file__).resolve().parents[1]
GOOD = """+++
title = "On tau"
page = "train"
learn = "What tau does."
minutes = 3
settings = "method=uotm&tau=2.0"
show = ["tau", "seed"]
+++
Move it.
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of a teacher's own lessons."""
    monkeypatch.setenv("OTVIZ_HOME", str(tmp_path))
    (tmp_path / "lessons").mkdir()
    return tmp_path / "lessons"


def put(home: Path, text: str | bytes, name: str = "own") -> Path:
    path = home / f"{name}.md"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_a_good_file(home: Path) -> None:
    found = read(put(home, GOOD))
    assert (found.name, found.title, found.page, found.minutes, found.body) == ("own", "On tau", "train", 3, "Move it.")
    assert (dict(found.settings), found.show) == ({"method": "uotm", "tau": "2.0"}, ("tau", "seed"))
    assert [key for key in ("tau", "seed", "method", "run") if found.shows(key)] == ["tau", "seed", "run"]
    assert found.at("show") == "lessons/own.md, show"


@pytest.mark.parametrize("ending", ["\r\n", "\r"])
def test_line_ends_and_marks_of_other_editors(home: Path, ending: str) -> None:
    text = b"\xef\xbb\xbf" + GOOD.replace("\n", ending).encode()
    assert read(put(home, text)).body == "Move it."


def test_settings_copied_from_the_address_bar_may_be_whole_or_packed(home: Path) -> None:
    rng = random.Random(0)
    long = {"target": "drawing", "target.strokes": "".join(rng.choice("0123456789,; ") for _ in range(2000))}
    query = "&".join(f"{key}={text}" for key, text in pack(long).items())
    text = GOOD.replace("method=uotm&tau=2.0", f"http://localhost:8501/train?run=a1b2&{query}")
    assert dict(read(put(home, text)).settings) == long


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('"train"', '"trane"', ", page: page must be one of transport, train, compare, images; got 'trane'"),
        ('"train"', "['train']", ", page: page must be one of transport, train, compare, images; got"),
        ('title = "On tau"\n', "", ": title is missing; add a line 'title = ...'"),
        ("title =", "titel =", ": 'titel' is unknown; write one of title, page"),
        ("minutes = 3", 'minutes = "three"', ", minutes: write a whole number from 0 to 999; got 'three'"),
        ("minutes = 3", "minutes = true", ", minutes: write a whole number from 0 to 999; got 'True'"),
        ("minutes = 3", "minutes 3", ": the head is not TOML, lines such as title = "),
        ("minutes = 3", "minutes 3", "(at line 5, column 9)"),
        ('"On tau"', "On tau", "(at line 2, column 9)"),
        ("minutes = 3", 'page = "train"', "(at line 5, column 15)"),
        ("minutes = 3", "minutes = " + "[" * 5000, ": the head is not TOML"),
        ('"What tau does."', '""', ", learn: write 1 to 200 characters; there are 0"),
        ('"What tau does."', "7", ", learn: write a text in quotation marks; got 7"),
        ("method=uotm&tau=2.0", "packed=%21", ", settings: The packed part of the link holds characters other"),
        ("method=uotm&tau=2.0", "v=9&tau=2.0", ", settings: The link is from a newer otviz"),
        ('["tau", "seed"]', '"tau"', ', show: write a list such as ["tau", "seed"]'),
        ('["tau", "seed"]', "[7]", ", show: write a text in quotation marks; got 7"),
        ("+++\nMove", "Move", ", line 1: a lesson begins with lines"),
        ("+++\ntitle", "title", ", line 1: a lesson begins with lines"),
        ("Move it.", "", "there is no text below the second +++"),
        ("Move it.", "Move\nit\0.", "line 10: there is a control character, U+0000; delete it"),
        ("Move it.", "Move it." * MAX_BYTES, f"has more than {MAX_BYTES} bytes"),
    ],
)
def test_a_broken_file_names_file_place_and_fix(home: Path, old: str, new: str, sentence: str) -> None:
    assert old in GOOD
    with pytest.raises(ValueError, match=re.escape(sentence)) as caught:
        read(put(home, GOOD.replace(old, new)))
    assert str(caught.value).startswith("lessons/own.md")


def test_a_file_that_is_no_utf8(home: Path) -> None:
    with pytest.raises(ValueError, match=re.escape("lessons/own.md, line 9: this is no UTF-8; save the file as UTF-8")):
        read(put(home, GOOD.encode().replace(b"Move it", "größer".encode("latin-1"))))


def test_nothing_but_a_name_reaches_the_file_system(home: Path) -> None:
    put(home.parent, GOOD, "secret")
    for name in ("../secret", "..", ".", "", "/etc/passwd", "own.md", "Own", "own\0", "own\n", "a" * 5000, "-own"):
        with pytest.raises(ValueError, match="small letters, digits and hyphens"):
            lesson(name)


def test_a_teachers_own_goes_before_the_shipped_one(home: Path) -> None:
    assert lesson("what-blur-does").title == "What blur does"
    put(home, GOOD, "what-blur-does")
    assert lesson("what-blur-does").title == "On tau"
    assert [each.title for each in lessons.lessons()[0]].count("On tau") == 1


def test_a_lesson_that_there_is_not_names_one_that_is_near() -> None:
    with pytest.raises(ValueError, match="there is what-blur-does"):
        lesson("what-blurr-does")


def test_the_list_tells_what_is_broken_and_goes_on(home: Path) -> None:
    put(home, "nothing", "broken")
    (home / "folder.md").mkdir()
    found, problems = lessons.lessons()
    assert len(found) == 6
    assert [problem.partition(",")[0] for problem in problems if "broken" in problem] == ["lessons/broken.md"]


def test_six_are_shipped_and_each_asks_a_question() -> None:
    found, problems = lessons.lessons()
    assert len(found) == 6
    assert problems == []
    assert sorted({each.page for each in found}) == ["compare", "train", "transport"]
    for each in found:
        assert all(f"**{word}" in each.body for word in ("Do.", "Look for", "Question.")), each.name
        assert "?" in each.body.rpartition("**Question.**")[2], each.name
        assert each.minutes > 0


def test_every_page_of_lessons_is_there() -> None:
    assert all(list((ROOT / "pages").glob(f"*_{page}.py")) for page in PAGES)
