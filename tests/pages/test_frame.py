"""Navigation, the guard against cold deep links, and the home page."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages._ui.shell import frame

PAGES = frame.cards()


def test_home_is_shown_first(app: AppTest) -> None:
    app.run()
    assert not app.exception
    assert app.title[0].value == "Why does one generator forget modes and the other none?"


@pytest.mark.parametrize("card", PAGES, ids=lambda card: card.name)
def test_every_page_opens_cold(app: AppTest, card: frame.Card) -> None:
    """`switch_page` before the first run is a cold deep link: Streamlit runs the page without `app.py`."""
    app.switch_page(f"pages/{card.path.name}").run()
    assert not app.exception
    # Pages read the address of their own name; home has none, and a title.
    links = [other.name for other in PAGES if f"otviz.link.{other.name}" in app.session_state]
    assert links == ([] if card is PAGES[0] else [card.name])
    assert [title.value for title in app.title] == (
        ["Why does one generator forget modes and the other none?"] if card is PAGES[0] else []
    )


@pytest.mark.parametrize("card", PAGES, ids=lambda card: card.name)
def test_the_guard_comes_before_anything_drawn(card: frame.Card) -> None:
    calls = [line for line in card.path.read_text(encoding="utf-8").splitlines() if line.startswith(("frame.", "st."))]
    assert calls[0] == "frame.require()"


def test_pages_come_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for name in ("10_last.py", "2_second.py", "0_first.py"):
        (tmp_path / name).write_text('"""Title: what one sees there."""\n')
    (tmp_path / "__init__.py").touch()
    cards = frame.cards(tmp_path)
    assert [card.name for card in cards] == ["first", "second", "last"]
    assert (cards[0].title, cards[0].text) == ("Title", "what one sees there")


def test_a_page_without_title_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "3_odd.py").write_text('"""No title"""\n')
    with pytest.raises(ValueError, match=r"3_odd\.py must begin with a docstring"):
        frame.cards(tmp_path)
