"""Diagnose in a browser: the picture says what a sample is and what lies nearest, keeps what was clicked, and fits a phone."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.e2e.helpers import Component, resize

pytestmark = pytest.mark.browser


def test_samples_of_the_picture_say_what_they_are(app: str, page: Any) -> None:
    view = Component(page, f"{app}/diagnose", "diagnosis")
    view.wait(lambda: view.root.get_attribute("data-loud"))
    missing, surplus = map(int, view.read("loud").split())
    assert missing > surplus > 0
    assert "lost" in view.root.locator(".clusters li").first.inner_text()

    page.get_by_role("button", name="Show a missing one").click()
    view.wait(lambda: "Real: image" in view.read("kept"))
    first = view.read("kept")
    assert view.root.locator(".card img").count() == 4  # the sample and its three nearest on the other side
    page.get_by_role("button", name="Show a missing one").click()
    view.wait(lambda: view.read("kept") not in ("", first))
    page.get_by_role("button", name="Let go of this point").click()
    view.wait(lambda: view.read("kept") == "")

    plane = view.root.locator(".plane")
    plane.scroll_into_view_if_needed()
    box = plane.bounding_box()
    for share in (0.5, 0.45, 0.55):  # the samples lie densely in the middle
        page.mouse.move(box["x"] + share * box["width"], box["y"] + box["height"] / 2)
        page.wait_for_timeout(150)
    view.root.locator(".tip .title").filter(has_text=re.compile("image")).wait_for()

    layer = view.root.get_by_role("button", name=re.compile("^missing"))
    layer.click()
    assert layer.get_attribute("aria-pressed") == "false"

    resize(page, 390, 844)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
