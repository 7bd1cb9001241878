"""The Compare page in a browser: a teacher's lesson from the link to the picture that is carried away."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.e2e.axe import findings
from tests.waiting import PATIENCE

pytestmark = pytest.mark.browser
SMALL = "&".join(f"{at}.batch_size=16&{at}.hidden=16" for at in range(1, 8))


class Compare:
    """What a test reads and presses on the page."""

    def __init__(self, page: Any, server: str) -> None:
        self.page = page
        self.server = server
        self.main = page.get_by_test_id("stMain")
        self.panels = page.locator(".otviz-player section")

    def open(self, query: str) -> None:
        self.page.goto(f"{self.server}/compare?{query}")
        self.main.get_by_role("radio", name="Robustness map").wait_for()  # the last thing drawn

    def button(self, name: str) -> Any:
        return self.main.get_by_role("button", name=re.compile(f"^{name}"))

    def train(self) -> None:
        self.button("Train it live").click()
        self.until(lambda: min(self.steps, default=-1) > 0)

    @property
    def steps(self) -> list[int]:
        """Steps trained in each panel, -1 where it does not say."""
        texts = self.page.locator(".otviz-player .progress").all_text_contents()
        return [int(re.sub(r"\D", "", re.split("of|·", text)[0]) or -1) for text in texts]

    def settled(self) -> list[int]:
        """Steps once they stand still: the pictures of the last steps come a poll after the button, or some on a busy machine."""
        before: list[int] = []
        while (now := self.steps) != before:
            before = now
            self.page.wait_for_timeout(3000)
        return now

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

    def until(self, condition: Callable[[], Any], seconds: float = PATIENCE) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"not within {seconds} s: {self.titles} {self.steps} {self.verdicts}"
            self.page.wait_for_timeout(50)


@pytest.fixture(scope="module")
def server(serve: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> str:
    return serve("app.py", env={"OTVIZ_HOME": str(tmp_path_factory.mktemp("home")), "OTVIZ_GRACE": "120"})


@pytest.fixture
def compare(server: str, new_page: Callable[..., Any]) -> Iterator[Compare]:
    shown = Compare(new_page(), server)
    yield shown
    assert shown.page.get_by_test_id("stException").count() == 0
    if shown.button("Stop all").count():  # the others need the processor
        shown.button("Stop all").click()
        shown.button("Start over").wait_for()


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
    with compare.page.expect_download() as download:
        compare.button("This picture").click()
    html = download.value.path().read_text()
    assert "UOTM without cost" in html
    assert not re.search(r"<script[^>]+src=", html), "it opens without a network"


def test_runs_keep_their_steps_through_pause_and_reload(compare: Compare) -> None:
    compare.open(f"preset=own&methods=otm,gan,uotm&steps=100000&{SMALL}")
    compare.train()
    compare.until(lambda: min(compare.steps, default=-1) > 60)
    compare.button("Pause training").click()
    compare.button("Resume training").wait_for()
    before = compare.settled()
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
    other.page.close()


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
    assert any("alpha 3.0" in title for title in compare.titles)
