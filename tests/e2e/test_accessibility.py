"""Every page for those who use a keyboard, a screen reader, or need contrast: title, heading, names, focus, axe-core."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pages._ui import frame
from tests.e2e.axe import findings
from tests.waiting import PATIENCE

pytestmark = pytest.mark.browser
CARDS = frame.cards()
RESTS = """() => document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'
    && !document.querySelector('[data-testid=stSkeleton], [data-testid=stSpinner]')"""


INNER = (
    "learn?view=glossary",
    "learn?view=derivations",
    "compare?lesson=why-gans-collapse",
    "gallery?model=digits-otm",
)


def opened(page: Any, app: str, card: frame.Card) -> Any:
    """The page once nothing more is drawn for a second."""
    return at_rest(page, f"{app}/{'' if card is CARDS[0] else card.name}")


def at_rest(page: Any, address: str) -> Any:
    page.goto(address)
    page.locator("h1").first.wait_for(state="attached")
    rested = 0
    for _ in range(int(10 * PATIENCE)):
        rested = rested + 1 if page.evaluate(RESTS) else 0
        if rested >= 10:
            return page
        page.wait_for_timeout(100)
    raise AssertionError(f"{address} is still being drawn")


@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_a_page_has_a_title_one_heading_and_no_serious_finding(
    app: str, new_page: Callable[..., Any], card: frame.Card, scheme: str
) -> None:
    page = opened(new_page(color_scheme=scheme), app, card)
    assert page.title() == f"{card.title} · otviz"
    assert page.locator("h1").count() == 1, page.locator("h1").all_text_contents()
    assert findings(page) == []


@pytest.mark.parametrize("place", INNER)
def test_what_a_page_leads_to_has_no_serious_finding(app: str, new_page: Callable[..., Any], place: str) -> None:
    assert findings(at_rest(new_page(color_scheme="light"), f"{app}/{place}")) == []


def test_the_navigation_shows_where_the_keyboard_is(app: str, page: Any) -> None:
    opened(page, app, CARDS[0])
    for _ in range(4):
        page.keyboard.press("Tab")
    link = page.locator("[data-testid=stTopNavLink]:focus")
    assert link.evaluate("link => getComputedStyle(link).outlineStyle") == "solid"
    assert link.evaluate("link => parseFloat(getComputedStyle(link).outlineWidth)") >= 2


def test_names_are_without_shortcuts_and_help_is_no_stop_of_the_tab_key(app: str, page: Any) -> None:
    train = next(card for card in CARDS if card.name == "train")
    opened(page, app, train)
    button = page.get_by_role("button", name="Train", exact=True)
    assert button.get_attribute("aria-keyshortcuts") == "T"
    helps = page.locator(".stTooltipIcon button")
    assert helps.count() > 0
    assert [help.get_attribute("tabindex") for help in helps.all()] == ["-1"] * helps.count()


def test_nothing_moves_for_those_who_asked_for_less_motion(app: str, new_page: Callable[..., Any]) -> None:
    page = opened(new_page(reduced_motion="reduce"), app, CARDS[0])
    player = page.locator(".otviz-player").first
    player.wait_for()
    page.wait_for_timeout(1500)
    assert player.get_attribute("data-playing") == "false"
    moving = "() => [...document.querySelectorAll('*')].filter(e => parseFloat(getComputedStyle(e).transitionDuration) > 0.01).length"
    assert page.evaluate(moving) == 0
