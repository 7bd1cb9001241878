"""The Compare page in a browser: a teacher's lesson from the link to the picture that is carried away."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.e2e.axe import findings
from tests.e2e.helpers import Shown, downloaded

pytestmark = pytest.mark.browser
SMALL = "&".join(f"{at}.batch_size=16&{at}.hidden=16" for at in range(1, 8))


class Compare(Shown):
    """What a test reads and presses on the page."""

    def __init__(self, page: Any, server: str) -> None:
        super().__init__(page)
        self.server = server
        self.panels = page.locator(".otviz-player section")

    def open(self, query: str) -> None:
        self.page.goto(f"{self.server}/compare?{query}")
        self.main.get_by_role("radio", name="Robustness map").wait_for()  # the last thing drawn

    def train(self) -> None:
        self.press("Train it live")
        self.until(lambda: min(self.steps, default=-1) > 0)

    @property
    def titles(self) -> list[str]:
        return self.panels.locator(".title").all_text_contents()

    @property
    def verdicts(self) -> list[str]:
        return self.page.locator(".otviz-player .verdict .when").all_inner_texts()

    @property
    def bottoms(self) -> list[int]:
        """Lower edges of the panels in the window."""
        return [round(box["y"] + box["height"]) for box in (panel.bounding_box() for panel in self.panels.all()) if box]


@pytest.fixture
def compare(app: str, page: Any) -> Iterator[Compare]:
    shown = Compare(page, app)
    yield shown
    shown.stops("Stop all", "Start over")


def test_table_1_from_one_button_to_verdicts_and_the_figure(compare: Compare) -> None:
    compare.open(f"preset=table-1&steps=100&{SMALL}")
    compare.main.get_by_text("no transport cost").wait_for()
    compare.train()
    assert compare.titles == ["WGAN", "OTM", "WGAN-GP", "GAN", "UOTM without cost", "UOTM", "UOTM-SD"]
    compare.main.get_by_text("Modes and shares: 1000 generated points").wait_for()
    compare.until(lambda: compare.steps == [100] * 7)
    compare.until(lambda: compare.verdicts == ["final"] * 7)
    compare.page.set_viewport_size({"width": 1440, "height": 900})
    compare.until(lambda: max(compare.bottoms) <= 900, 30)  # seven panels and their verdicts, without scrolling
    assert len(set(compare.bottoms)) == 2
    assert compare.page.locator(".otviz-player .losses").first.is_hidden()
    compare.panels.first.locator(".summary").hover()
    compare.page.locator(".otviz-player .losses").first.wait_for()
    compare.panels.first.locator(".picture canvas").click()
    compare.until(lambda: compare.panels.locator("visible=true").count() == 1)
    compare.panels.first.get_by_role("button", name="Enlarge").click()
    compare.page.set_viewport_size({"width": 1280, "height": 900})
    compare.main.get_by_text("How each verdict was reached").click()
    compare.main.get_by_text(re.compile("Samples (have collapsed|mix modes|are|cover)")).first.wait_for()

    compare.main.get_by_role("radio", name="Figure 1").click()
    compare.main.get_by_text("step 100", exact=True).wait_for()
    html = downloaded(compare.page, compare.button("This picture").click).read_text(encoding="utf-8")
    assert "UOTM without cost" in html
    assert not re.search(r"<script[^>]+src=", html), "it opens without a network"


def test_runs_keep_their_steps_through_pause_and_reload(compare: Compare) -> None:
    compare.open(f"preset=own&methods=otm,gan,uotm&steps=100000&{SMALL}")
    compare.train()
    compare.until(lambda: min(compare.steps, default=-1) > 60)
    compare.button("Pause training").click()
    compare.button("Resume training").wait_for()
    compare.until(lambda: compare.statuses == ["paused"] * 3)
    before = compare.steps
    assert findings(compare.page) == []  # with settings that are locked
    compare.page.reload()
    compare.until(lambda: compare.steps == before)
    compare.button("Resume training").click()
    compare.until(lambda: min(compare.steps, default=-1) > max(before))


def test_freezing_forks_two_runs_and_the_link_brings_them_back(compare: Compare, new_page: Callable[..., Any]) -> None:
    compare.open(f"preset=own&methods=ot-gan,dan-s&steps=100000&{SMALL}")
    compare.train()
    compare.button("Fork").click()
    compare.page.get_by_role("button", name="Fork", exact=True).click()
    compare.until(lambda: len(compare.titles) == 4)
    compare.until(lambda: min(compare.steps, default=-1) > 0)
    expected = ["OT-GAN, frozen", "OT-GAN", "DAN-S, frozen", "DAN-S"]
    compare.until(lambda: compare.titles == expected)

    other = Compare(new_page(), compare.server)  # a pupil
    other.page.goto(compare.page.url)
    other.until(lambda: other.titles == expected)
    other.page.goto("about:blank")


def test_a_branch_with_one_knob_changed_gets_a_panel(compare: Compare) -> None:
    compare.open(f"preset=own&methods=uotm&steps=100000&{SMALL}")
    compare.train()
    compare.button("Branch").click()
    compare.page.get_by_role("textbox", name="New value").fill("3")
    compare.page.keyboard.press("Tab")
    start = compare.page.get_by_role("button", name="Start the branch")
    start.wait_for()
    compare.page.wait_for_timeout(500)
    start.click()
    compare.until(lambda: len(compare.titles) == 2)
    assert any("α = 3" in title for title in compare.titles)
