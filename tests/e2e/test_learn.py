"""Learn in a browser: every derivation's formulas are drawn, links lead on, the search answers while one types."""

from __future__ import annotations

import re
from typing import Any

import pytest

from otviz.content.explanations import derivations, glossary
from pages._ui.shell.reading import LABEL

pytestmark = pytest.mark.browser


def test_every_derivation_is_drawn_without_an_error(app: str, page: Any) -> None:
    page.goto(f"{app}/learn?view=derivations&topic=uotm")
    page.get_by_role("heading", name=derivations()["uotm"].title).wait_for()
    for topic in derivations():
        page.get_by_test_id("stRadio").get_by_text(derivations()[topic].title, exact=True).click()
        page.get_by_role("heading", name=derivations()[topic].title).wait_for()
        page.locator(".katex-display").first.wait_for()
        assert page.locator(".katex-error").count() == 0, topic
        # a formula that is not closed would be left as text
        assert "$" not in page.get_by_test_id("stMainBlockContainer").inner_text(), topic
    assert page.get_by_test_id("stException").count() == 0


def test_a_derivation_leads_to_a_word_and_back(app: str, page: Any) -> None:
    page.goto(f"{app}/learn?view=derivations&topic=otm")
    page.get_by_role("button", name="cost intensity").click()
    page.get_by_role("heading", name="Cost intensity").wait_for()
    page.wait_for_url(re.compile(r"/learn\?view=glossary&word=tau$"))
    page.get_by_role("button", name=derivations()["uotm"].title).click()
    page.get_by_role("heading", name=derivations()["uotm"].title).wait_for()
    page.wait_for_url(re.compile(r"topic=uotm$"))
    page.get_by_role("button", name="cost intensity").click()
    page.get_by_role("heading", name="Cost intensity").wait_for()


def test_the_glossary_is_searched_and_drawn(app: str, page: Any) -> None:
    page.goto(f"{app}/learn?view=glossary")
    search = page.get_by_role("searchbox").or_(page.get_by_role("textbox")).first
    search.press_sequentially("floor")
    page.get_by_role("heading", name="Noise floor").wait_for()
    search.fill("")
    page.get_by_text("verdict", exact=True).wait_for()
    assert page.get_by_test_id("stRadio").get_by_role("radio").count() == len(glossary())
    # the list has the symbols of all words
    assert page.locator(".katex-error").count() == 0


@pytest.mark.parametrize(
    ("where", "words"), [("", "A cross marks a lost mode"), ("transport?n=100", "prices of the dual problem")]
)
def test_a_picture_says_how_it_is_read(app: str, page: Any, where: str, words: str) -> None:
    page.goto(f"{app}/{where}")
    page.get_by_role("button", name=LABEL).click()
    page.get_by_text(words).wait_for()


def test_a_card_is_clicked_anywhere_next_leads_on_and_a_figure_answers_without_the_server(app: str, page: Any) -> None:
    page.goto(f"{app}/learn")
    card = page.locator(".st-key-step-derivation-kantorovich")
    card.locator("img").wait_for()
    card.scroll_into_view_if_needed()
    box = card.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 60)  # on the picture
    page.get_by_role("heading", name=derivations()["kantorovich"].title).wait_for()
    page.wait_for_url(re.compile(r"view=derivations"))
    following = page.locator(".st-key-read-next").get_by_role("button")
    following.scroll_into_view_if_needed()
    following.click()
    heading = page.get_by_role("heading", name=derivations()["entropic"].title)
    heading.wait_for()
    page.wait_for_function("document.querySelector('[data-testid=stMain]').scrollTop === 0")
    the_slider_of_a_figure_answers_without_the_server(page)


def test_a_lesson_s_card_opens_its_page(app: str, page: Any) -> None:
    page.goto(f"{app}/learn")
    card = page.locator(".st-key-step-lesson-what-blur-does")
    card.locator("img").wait_for()
    card.get_by_role("link").wait_for()  # drawn after the picture, and lies over it
    page.wait_for_function("document.querySelector('[data-testid=stApp]').dataset.testScriptState === 'notRunning'")
    card.locator("img").click(force=True)
    page.wait_for_url(re.compile(r"/transport\?lesson=what-blur-does$"))
    page.get_by_role("heading", name="What blur does").wait_for()


def the_slider_of_a_figure_answers_without_the_server(page: Any) -> None:
    figure = page.locator(".otviz-flipbook")
    slider = figure.get_by_role("slider", name="blur")
    slider.wait_for()
    picture = figure.locator("canvas").last
    before, said = picture.evaluate("all => all.toDataURL()"), figure.locator(".said").inner_text()
    page.context.set_offline(True)
    slider.focus()
    slider.press("End")
    assert picture.evaluate("all => all.toDataURL()") != before
    assert figure.locator(".said").inner_text() != said
    assert slider.get_attribute("aria-valuetext") == "10"
    page.context.set_offline(False)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
