"""The Gallery in a browser: browse, open, scrub a training, walk, compare on the same latents, share the link."""

from __future__ import annotations

import re
from typing import Any

import pytest

from otviz.checkpoints import image_cards
from otviz.core.numbers import whole
from tests.e2e.helpers import query

pytestmark = pytest.mark.browser
SHIPPED = image_cards()


@pytest.mark.skipif(len(SHIPPED) < 2, reason="no image models are shipped yet")
def test_from_the_shelf_to_a_comparison(app: str, page: Any) -> None:
    names = [name for name in ("mnist8-uotm", "mnist8-uotm-no-cost", *SHIPPED) if name in SHIPPED][:2]
    first = SHIPPED[names[0]]
    page.goto(f"{app}/gallery")
    main = page.get_by_test_id("stMain")
    page.locator(".st-key-shelf img").nth(len(SHIPPED) - 1).wait_for()
    assert page.locator(".st-key-shelf img").evaluate_all("all => all.every(img => img.alt.length > 10)")

    main.get_by_role("button", name=first.title, exact=True).click()
    main.get_by_text("images of x and z drawn with seed 0").wait_for()
    assert query(page) == {"model": names[0]}
    main.get_by_role("button", name=re.compile("^Resample")).click()
    main.get_by_text("images of x and z drawn with seed 1").wait_for()
    assert query(page) == {"model": names[0], "seed": "1"}

    main.get_by_role("radio", name="x and z", exact=True).click()
    main.get_by_text("each row has one x, each column one z").wait_for()
    main.get_by_role("radio", name="Training", exact=True).click()
    player = page.locator(".otviz-player")
    player.get_by_text(f"step {whole(first.record['steps'])}").first.wait_for()

    page.goto(f"{app}/gallery?compare={','.join(names)}&seed=5")
    main.get_by_text("has the same x and z").wait_for()
    main.locator(".st-key-sheets img").nth(1).wait_for()
    assert main.locator(".st-key-sheets img").count() == 2
    assert query(page) == {"compare": ",".join(names), "seed": "5"}
    main.get_by_role("button", name="All models").click()
    page.locator(".st-key-shelf img").first.wait_for()
    page.wait_for_url(re.compile(r"/gallery$"))


@pytest.mark.skipif("mnist8-uotm" not in SHIPPED, reason="the model is not shipped")
def test_the_ends_of_a_way_are_picked_by_clicks(app: str, page: Any) -> None:
    page.goto(f"{app}/gallery?model=mnist8-uotm&view=between")
    picker = page.locator(".otviz-picker")
    picker.get_by_role("button", name="Image 6", exact=True).click()
    page.get_by_text("From image 6 to image 2").wait_for()
    picker.get_by_role("button", name="Image 20", exact=True).click()
    page.get_by_text("From image 6 to image 20").wait_for()
    assert query(page) == {"model": "mnist8-uotm", "view": "between", "first": "5", "second": "19"}
    assert picker.get_by_role("button", pressed=True).count() == 2
