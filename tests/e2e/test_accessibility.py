"""Every page for those who use a keyboard, a screen reader, or need contrast: title, heading, names, focus, axe-core."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pages._ui.shell import frame
from tests.e2e.axe import findings
from tests.waiting import page_until

pytestmark = pytest.mark.browser
CARDS = frame.cards()
RESTED = """() => {
    const rests = document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'
        && !document.querySelector('[data-testid=stSkeleton], [data-testid=stSpinner]');
    const now = performance.now();
    if (!rests || !document.querySelector('h1')) window.since = undefined;
    else window.since ??= now;
    return now - window.since > 600;
}"""
SCHEMES = "light", "dark"


INNER = (
    "learn?view=glossary",
    "learn?view=derivations",
    "compare?lesson=why-gans-collapse",
    "gallery?model=digits-uotm&picked=3",
    "gallery?model=digits-uotm&view=walk",
    "gallery?study=tau",
)


def opened(page: Any, app: str, card: frame.Card) -> Any:
    """The page once nothing more is drawn for a while."""
    return at_rest(page, f"{app}/{'' if card is CARDS[0] else card.name}")


def at_rest(page: Any, address: str) -> Any:
    page.goto(address)
    page.wait_for_function(RESTED)
    return page


def in_both_schemes(page: Any) -> dict[str, list[str]]:
    """Findings in each colour scheme of a page that was opened in the first; the second differs in its colours alone."""
    found, before = {SCHEMES[0]: findings(page)}, background(page)
    page.emulate_media(color_scheme=SCHEMES[1])
    page_until(page, lambda: background(page) != before)
    page.evaluate("() => { window.since = undefined; }")
    page.wait_for_function(RESTED)
    return {
        scheme: found for scheme, found in (found | {SCHEMES[1]: findings(page, "color-contrast")}).items() if found
    }


def background(page: Any) -> str:
    return str(page.get_by_test_id("stApp").evaluate("app => getComputedStyle(app).backgroundColor"))


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_a_page_has_a_title_one_heading_and_no_serious_finding(
    app: str, new_page: Callable[..., Any], card: frame.Card
) -> None:
    page = opened(new_page(color_scheme=SCHEMES[0], reduced_motion="reduce"), app, card)
    assert page.title() == f"{card.title} · otviz"
    assert page.locator("h1").count() == 1, page.locator("h1").all_text_contents()
    assert in_both_schemes(page) == {}
    if card is CARDS[0]:
        the_navigation_shows_where_the_keyboard_is(page)
    if card.name == "train":
        names_are_without_shortcuts_and_help_is_no_stop_of_the_tab_key(page)


def the_navigation_shows_where_the_keyboard_is(page: Any) -> None:
    for _ in range(4):
        page.keyboard.press("Tab")
    link = page.locator("[data-testid=stTopNavLink]:focus")
    assert link.evaluate("link => getComputedStyle(link).outlineStyle") == "solid"
    assert link.evaluate("link => parseFloat(getComputedStyle(link).outlineWidth)") >= 2


def names_are_without_shortcuts_and_help_is_no_stop_of_the_tab_key(page: Any) -> None:
    button = page.get_by_role("button", name="Train", exact=True)
    assert button.get_attribute("aria-keyshortcuts") == "T"
    helps = page.locator(".stTooltipIcon button")
    assert helps.count() > 0
    assert [help.get_attribute("tabindex") for help in helps.all()] == ["-1"] * helps.count()


@pytest.mark.parametrize("place", INNER)
def test_what_a_page_leads_to_has_no_serious_finding(app: str, new_page: Callable[..., Any], place: str) -> None:
    assert findings(at_rest(new_page(color_scheme="light", reduced_motion="reduce"), f"{app}/{place}")) == []


def test_nothing_moves_for_those_who_asked_for_less_motion(app: str, new_page: Callable[..., Any]) -> None:
    page = opened(new_page(reduced_motion="reduce", offline=False), app, CARDS[0])  # where nothing else keeps it still
    player = page.locator(".otviz-player").first
    player.wait_for()
    page.wait_for_timeout(500)  # the page has rested for as long already
    assert player.get_attribute("data-playing") == "false"
    moving = "() => [...document.querySelectorAll('*')].filter(e => parseFloat(getComputedStyle(e).transitionDuration) > 0.01).length"
    assert page.evaluate(moving) == 0
