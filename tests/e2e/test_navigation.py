"""The frame in a browser: cold deep links, navigation, the address, no request to anywhere else."""

from __future__ import annotations

import re
from typing import Any

import pytest

from pages._ui.shell import frame

pytestmark = pytest.mark.browser
CARDS = frame.cards()
HEADING = "Why does one generator forget modes and the other none?"


def test_home_shows_the_pages_asks_nobody_else_and_leads_to_each(app: str, page: Any) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(app)
    page.get_by_role("heading", name=HEADING).wait_for()
    page.get_by_text(re.compile(r"Training runs on (CPU|CUDA|MPS), \d+ cores?\.")).wait_for()
    assert [
        request for request in asked if not request.startswith((app, app.replace("http", "ws"), "data:", "blob:"))
    ] == []
    assert page.get_by_test_id("stException").count() == 0
    page.get_by_role("link", name=CARDS[-1].title, exact=True).last.wait_for()
    for card in CARDS[1:]:
        links = page.get_by_role("link", name=card.title, exact=True).evaluate_all("all => all.map(a => a.pathname)")
        assert set(links) == {f"/{card.name}"}
    for link in ("first", "last"):
        card = CARDS[-1 if link == "last" else 1]
        getattr(page.get_by_role("link", name=card.title, exact=True), link).click()
        page.wait_for_url(re.compile(rf"/{card.name}\b"))
        page.get_by_role("heading", name=card.title, level=1).wait_for()
        page.go_back()
        page.get_by_role("heading", name=HEADING).wait_for()
