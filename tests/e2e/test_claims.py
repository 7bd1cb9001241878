"""The cards of claims in a browser: a click anywhere, the keyboard, links of their own, and the way back."""

from __future__ import annotations

import re
from typing import Any

import pytest

from otviz.experiments import experiments
from tests.e2e.helpers import resize

pytestmark = pytest.mark.browser

TITLE = experiments()["frozen-critic"].title


def test_a_click_anywhere_on_a_card_opens_it_and_the_list_comes_back(app: str, page: Any) -> None:
    page.goto(f"{app}/experiments?paper=salimans")
    card = page.get_by_role("listitem").filter(has_text=TITLE)
    card.locator("svg").click()
    page.wait_for_url(re.compile(r"claim=frozen-critic"))
    page.get_by_role("heading", name=TITLE.replace("-", "\u2011")).wait_for()
    page.get_by_role("img", name=re.compile("modes of 8 found")).first.wait_for()
    assert "paper=salimans" in page.url
    page.get_by_role("button", name="All claims").click()
    page.get_by_role("link", name=TITLE).wait_for()
    page.wait_for_url(re.compile(r"/experiments\?paper=salimans$"))


def test_no_card_is_clipped_and_they_are_links_in_a_list_for_keyboard_and_screen_reader(app: str, page: Any) -> None:
    page.goto(f"{app}/experiments")
    page.get_by_role("link", name=TITLE).wait_for()
    for width in (390, 820, 1920, 1280):
        resize(page, width)
        assert page.evaluate(TOO_WIDE) == [], width
    assert page.locator("li.card").count() == len(experiments())
    headings = page.locator("li.card").get_by_role("heading", level=3)
    assert headings.all_inner_texts() == [cls.title for cls in experiments().values()]
    link = page.get_by_role("link", name=TITLE)
    assert link.get_attribute("href") == "?claim=frozen-critic"
    with page.context.expect_page() as other:
        link.click(modifiers=["ControlOrMeta"])
    other.value.wait_for_url(re.compile(r"claim=frozen-critic"))  # a new tab is blank at first
    other.value.close()
    assert "claim" not in page.url
    link.focus()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"claim=frozen-critic"))


def test_the_search_answers_while_one_types(app: str, page: Any) -> None:
    page.goto(f"{app}/experiments")
    page.get_by_role("link", name=TITLE).wait_for()
    page.get_by_role("searchbox").press_sequentially("critic frozen")
    page.wait_for_function("document.location.search === '?search=critic+frozen'")
    page.get_by_role("link", name=TITLE).wait_for()
    assert page.locator("li.card").count() < 4


TOO_WIDE = """() => [...document.querySelectorAll("li.card")].flatMap((card) => [
    ...card.scrollWidth > card.clientWidth ? [`the card ${card.textContent}`] : [],
    ...[...card.querySelectorAll("svg text")].filter((text) => {
        const at = text.getBoundingClientRect(), paper = text.closest("svg").getBoundingClientRect();
        return at.width && (at.left < paper.left - 1 || at.right > paper.right + 1 || at.bottom > paper.bottom + 1);
    }).map((text) => text.textContent),
])"""
