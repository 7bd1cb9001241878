"""The Gallery in a browser: open a card, pick images, walk, move through a study, compare on the same latents, share the link."""

from __future__ import annotations

import re
from typing import Any

import pytest

from otviz.checkpoints import image_cards
from otviz.core.numbers import whole
from tests.e2e.helpers import query

pytestmark = pytest.mark.browser
SHIPPED = image_cards()
NAMES = "mnist8-uotm", "mnist8-uotm-no-cost"
shipped = pytest.mark.skipif(not set(NAMES) <= set(SHIPPED), reason="the models are not shipped")


@shipped
def test_from_the_shelf_into_a_study_and_a_model(app: str, page: Any) -> None:
    page.goto(f"{app}/gallery")
    shelf = page.locator(".otviz-shelf")
    shelf.get_by_role("heading", name="Studies").wait_for()
    assert shelf.locator("img").evaluate_all("all => all.every(img => img.alt.length > 3)")
    shelf.locator("[data-opens='study:tau']").click(position={"x": 200, "y": 120})  # anywhere on the card
    strip = page.locator(".otviz-strip")
    slider = strip.get_by_role("slider", name="τ")
    slider.wait_for()
    assert query(page) == {"study": "tau"}
    before = strip.locator(".selected img").first.get_attribute("src")
    slider.press("Home")
    assert strip.get_attribute("data-at") == "0"
    assert strip.locator(".selected img").first.get_attribute("src") != before
    strip.get_by_role("button", name="Look into this model").first.click()
    page.locator(".otviz-explorer[data-maps='1']").wait_for()
    assert query(page) == {"model": NAMES[1]}


@shipped
def test_images_are_picked_walked_between_and_found_on_the_map(app: str, page: Any) -> None:
    page.goto(f"{app}/gallery?model={NAMES[0]}")
    explorer = page.locator(".otviz-explorer")
    explorer.get_by_role("button", name="Image 6", exact=True).click()
    explorer.get_by_text("The classifier sees").wait_for()
    explorer.get_by_role("button", name="Image 6", exact=True).press("ArrowDown")
    page.keyboard.press("Enter")
    explorer.get_by_text("From image 6 to image 14").wait_for()
    page.wait_for_url(re.compile("picked=5(,|%2C)13"))
    assert query(page) == {"model": NAMES[0], "picked": "5,13"}
    page.locator(".otviz-explorer[data-maps='1']").wait_for()
    assert "of 600 real images" in str(explorer.locator("canvas").get_attribute("aria-label"))

    main = page.get_by_test_id("stMain")
    main.get_by_role("radio", name="Walk", exact=True).click()
    walk = page.locator(".otviz-walk[data-at='0.00,0.00']")
    walk.wait_for()
    walk.get_by_role("slider").press("ArrowRight")
    page.locator(".otviz-walk[data-at='0.05,0.00']").wait_for()
    main.get_by_role("radio", name="Training", exact=True).click()
    page.locator(".otviz-player").get_by_text(f"step {whole(SHIPPED[NAMES[0]].record['steps'])}").first.wait_for()


@shipped
def test_models_are_compared_on_the_same_latents_and_one_map(app: str, page: Any) -> None:
    page.goto(f"{app}/gallery?compare={','.join(NAMES)}&seed=5&picked=3")
    explorer = page.locator(".otviz-explorer[data-maps='2']")
    explorer.wait_for()
    explorer.get_by_text("The classifier sees").nth(1).wait_for()
    assert explorer.locator(".cell.first").count() == 2
    missed = [words.split()[0] for words in explorer.locator(".map .words b").all_text_contents()]
    assert int(missed[0]) < int(missed[1])  # without a cost it has collapsed
    assert query(page) == {"compare": ",".join(NAMES), "seed": "5", "picked": "3"}
    page.get_by_test_id("stMain").get_by_role("button", name="All models").click()
    page.locator(".otviz-shelf .card").first.wait_for()
