"""Home in a browser: two pictures move on arrival, the slider swaps the right one, one click trains what is shown."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from pages._ui.home import home_view
from tests.e2e.helpers import resize
from tests.waiting import PATIENCE, page_until

pytestmark = pytest.mark.browser
ATLAS, _, START = home_view._atlas()


class Home:
    """What a test reads and moves."""

    def __init__(self, page: Any, url: str) -> None:
        self.page = page
        page.goto(url)
        self.root = page.locator(".otviz-player")
        self.slider = self.root.get_by_label("Transport cost tau of the right picture")
        self.slider.wait_for()

    def read(self, name: str) -> str:
        return str(self.root.get_attribute(f"data-{name}"))

    @property
    def step(self) -> int:
        return int(self.read("step") or 0)

    @property
    def badges(self) -> list[str]:
        return [text.strip() for text in self.root.locator("header .verdict .word").all_inner_texts()]

    @property
    def titles(self) -> list[str]:
        return list(self.root.locator(".panel .title").all_inner_texts())

    def says(self, left: str, fits: Callable[[str], bool]) -> None:
        """Wait until the left badge says this, and the right one something that fits."""
        page_until(self.page, lambda: (said := self.badges)[0] == left and fits(said[1]))

    def rightmost(self, part: str) -> float:
        """The right edge of what is shown of a kind."""
        boxes = filter(None, (one.bounding_box() for one in self.root.locator(part).all()))
        return max(box["x"] + box["width"] for box in boxes)

    def choose(self, at: int) -> None:
        """Put the slider at a place, by keyboard."""
        self.slider.focus()
        self.page.keyboard.press("Home")
        for _ in range(at):
            self.page.keyboard.press("ArrowRight")

    def at_the_end(self) -> None:
        """Let the last step be shown, at rest."""
        self.root.get_by_label("Training step shown").focus()
        self.page.keyboard.press("End")
        self.until("root => root.dataset.playing === 'false'")

    def until(self, test: str) -> None:
        self.page.wait_for_function(
            f"({test})(document.querySelector('.otviz-player') ?? {_SHADOW})", timeout=1000 * PATIENCE
        )


_SHADOW = "[...document.querySelectorAll('*')].map((e) => e.shadowRoot?.querySelector('.otviz-player')).find(Boolean)"


@pytest.fixture
def shown(app: str, page: Any) -> Home:
    return Home(page, app)


def test_both_pictures_move_on_arrival_and_the_right_one_is_chosen(shown: Home) -> None:
    shown.until("root => Number(root.dataset.step) >= " + str(START))
    first = shown.root.locator(".panel canvas").evaluate_all("all => all.map((c) => c.toDataURL())")
    before = shown.step
    shown.until(f"root => Number(root.dataset.step) > {before} + 100")
    later = shown.root.locator(".panel canvas").evaluate_all("all => all.map((c) => c.toDataURL())")
    pictures = [index for index, (a, b) in enumerate(zip(first, later, strict=True)) if a != b]
    assert len(pictures) >= 2
    assert shown.titles == ["Without transport cost", f"With transport cost τ = {ATLAS['values'][ATLAS['at']]}"]
    the_slider_swaps_the_right_picture_at_the_same_step(shown)
    other_data_and_methods_bring_their_own_runs(shown)


def the_slider_swaps_the_right_picture_at_the_same_step(shown: Home) -> None:
    group = ATLAS["groups"]["ring-uotm"]
    shown.until("root => (root.dataset.groups ?? '').includes('ring-uotm')")
    shown.at_the_end()
    for at in (0, len(ATLAS["values"]) - 1, ATLAS["at"]):
        shown.choose(at)
        shown.until(f"root => root.dataset.shown === 'home-ring-uotm.{at + 1}'")
        shown.until("root => root.dataset.step === '5000'")
        left, others = group["meaningOf"][0], (group["meaningOf"][0], group["meaningOf"][ATLAS["at"]])
        if group["kinds"][at] in ("collapsed", "covers"):
            shown.says(left, {group["meaningOf"][at]}.__contains__)
        else:
            shown.says(left, lambda text, others=others: text not in others)
        assert shown.slider.get_attribute("aria-valuetext").startswith(f"tau {ATLAS['values'][at]}: ")
        href = shown.root.get_by_role("link", name="Train it live").get_attribute("href")
        assert f"2.tau={float(ATLAS['values'][at])}" in href


def other_data_and_methods_bring_their_own_runs(shown: Home) -> None:
    shown.root.get_by_role("button", name="UOTM-SD", exact=True).click()
    shown.until("root => root.dataset.shown?.startsWith('home-ring-uotm-sd.')")
    shown.root.get_by_role("button", name=home_view.TITLES["off-centre"]).click()
    shown.until("root => root.dataset.shown?.startsWith('home-off-centre-uotm-sd.')")


def test_one_click_trains_what_is_shown(shown: Home) -> None:
    shown.choose(5)
    shown.root.get_by_role("link", name="Train it live").click()
    shown.page.wait_for_url(re.compile(r"/compare\?.*runs="))
    assert "start=" not in shown.page.url
    assert "2.tau=0.2" in shown.page.url
    shown.page.get_by_role(
        "button", name="Stop all"
    ).click()  # it is there while they train; other tests need the processor


def test_nothing_is_wider_than_the_window_and_a_card_is_a_link_as_a_whole(shown: Home) -> None:
    for width in (390, 820, 1440):
        resize(shown.page, width, 800)
        assert shown.page.evaluate("document.documentElement.scrollWidth") <= width
        for part in (".go", ".panel", ".cost", ".verdict"):
            assert shown.rightmost(part) <= width + 1
    for part in (".sketch", "[data-testid=stCaptionContainer]"):
        place = shown.page.locator(f".st-key-card-learn {part}").first
        place.scroll_into_view_if_needed()
        hit = """(part) => {
          const at = part.getBoundingClientRect();
          return document.elementFromPoint(at.x + at.width / 2, at.y + at.height / 2)?.closest("a")?.pathname ?? "";
        }"""
        assert place.evaluate(hit) == "/learn"


def test_with_reduced_motion_the_end_is_shown_at_rest(app: str, new_page: Callable[..., Any]) -> None:
    shown = Home(new_page(reduced_motion="reduce"), app)
    shown.until("root => root.dataset.step === '5000'")
    assert shown.read("playing") == "false"
    assert shown.badges[1] == ATLAS["groups"]["ring-uotm"]["meaningOf"][ATLAS["at"]]
