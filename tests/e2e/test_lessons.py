"""Lessons and links in a browser: a student sees the controls of a lesson, moves one, and leaves it with all settings kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from otviz.core.addresses import pack, unpack
from pages._ui.shell.reading import LABEL
from tests.e2e.helpers import Shown, slide

pytestmark = pytest.mark.browser

HOSTILE = r"""+++
title = "<b>Bold</b> ![t](http://evil.example/t.png)"
page = "transport"
learn = "<script>window.hit = 1</script>"
minutes = 1
settings = "n=60"
show = ["blur"]
+++
<script>window.hit = 1</script> <img src="http://evil.example/a.png" onerror="window.hit = 1">

![remote](http://evil.example/b.png) ![by name][1] <iframe src="http://evil.example/c"></iframe>

[click](javascript:window.hit=1) [data](data:text/html,<script>window.hit=1</script>)

$\href{javascript:window.hit=1}{x} \includegraphics{http://evil.example/d.png} \rule{90000px}{90000px}$

$\def\a{\a\a}\a$

[1]: http://evil.example/e.png
"""


class Lesson(Shown):
    """What a test reads and presses on a page."""

    def solved(self) -> None:
        self.until(lambda: self.board.count() and self.board.get_attribute("data-finished") == "true")

    @property
    def widgets(self) -> list[str]:
        """Names of the controls of the page itself, in order; "How to read this" sets nothing."""
        kinds = "stSlider", "stSelectbox", "stNumberInput", "stTextInput", "stButtonGroup", "stPopover", "stCheckbox"
        found = self.main.locator(", ".join(f"[data-testid={kind}]" for kind in kinds))
        names = found.evaluate_all(
            "all => all.map(one => one.innerText.split('\\n')[0] || one.querySelector('[aria-label]').ariaLabel)"
        )
        return list(dict.fromkeys(name for name in names if LABEL not in name))  # a slider and its box are one

    def leave(self) -> None:
        self.main.get_by_role("button", name="All controls").click()
        self.until(lambda: "lesson" not in self.query and len(self.widgets) > 3)


@pytest.fixture
def show(app: str, page: Any) -> Callable[..., Lesson]:
    return lambda path, **query: Lesson(page, f"{app}/{path}?{urlencode(query)}")


@pytest.fixture
def hostile(home: Path) -> Iterator[None]:
    """A hostile lesson among those of the server's home."""
    file = home / "lessons" / "hostile.md"
    file.parent.mkdir(exist_ok=True)
    file.write_text(HOSTILE, encoding="utf-8")
    yield
    file.unlink()


def test_the_lesson_on_blur_has_one_slider(show: Callable[..., Lesson]) -> None:
    shown = show("transport", lesson="what-blur-does")
    shown.solved()
    assert shown.widgets == []
    blur = shown.board.get_by_label("Blur", exact=True)
    assert blur.is_visible()
    assert not shown.board.get_by_label("Reach", exact=True).is_visible()
    assert shown.board.get_by_role("button", name="Play").is_visible()
    assert shown.main.get_by_text("Question.").is_visible()
    slide(shown.board, "Blur", 1)
    shown.until(lambda: shown.query == {"lesson": "what-blur-does", "blur": "10"})
    shown.solved()
    assert shown.board.locator(".number", has_text="Exact cost").count() == 1
    row = shown.board.locator(".number", has_text="Sinkhorn divergence")
    # Only the means are left, and (2, 1) of 300 points is right to a tenth: half of the squared length of it is 2.5.
    assert float(row.locator(".value").inner_text().split()[0]) == pytest.approx(2.5, abs=0.25)
    shown.leave()
    assert shown.query == {"n": "300", "target.centre": "2.0,1.0", "blur": "10"}
    assert shown.board.get_by_label("Reach", exact=True).is_visible()
    assert shown.board.get_attribute("data-blur") == "10"


def test_a_lesson_that_trains_keeps_its_run(show: Callable[..., Lesson]) -> None:
    shown = show("train", lesson="what-the-cost-does")
    shown.until(lambda: len(shown.widgets) == 1)
    assert shown.widgets == ["Transport cost τ"]
    shown.main.get_by_role("button", name="Train", exact=False).first.click()
    shown.until(lambda: "run" in shown.query)
    assert set(shown.query) == {"lesson", "run"}
    shown.main.get_by_role("slider").first.press("ArrowRight")
    shown.until(lambda: "tau" in shown.query)
    shown.player.get_by_role("button", name="Live").wait_for()
    run, tau = shown.query["run"], shown.query["tau"]
    shown.leave()
    left = {"run": run, "tau": tau, "steps": "8000"}
    shown.until(lambda: left.items() <= shown.query.items())
    shown.main.get_by_role("button", name="Stop").click()
    shown.main.get_by_text("stopped after").wait_for()


@pytest.mark.usefixtures("hostile")
def test_a_hostile_lesson_is_shown_as_text(show: Callable[..., Lesson]) -> None:
    asked: list[str] = []
    shown = show("learn")
    shown.page.on("request", lambda request: asked.append(request.url))
    shown.main.get_by_text("Bold").wait_for()
    shown.page.goto(f"{shown.page.url.partition('/learn')[0]}/transport?lesson=hostile")
    shown.solved()
    text = shown.page.locator(".st-key-lesson-text")
    assert "<script>window.hit = 1</script>" in text.inner_text()
    assert text.locator("script, img, iframe, [href^=javascript]").count() == 0  # no browser follows a data: link
    assert shown.page.evaluate("window.hit") is None
    assert not [url for url in asked if "evil" in url]
    assert text.bounding_box()["height"] <= 1.5 * 900
    box, picture = text.bounding_box(), shown.board.bounding_box()
    assert box["x"] + box["width"] <= picture["x"]  # a formula of 90 000 pixels stays in its place
    assert shown.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_long_link_and_hostile_ones(show: Callable[..., Lesson]) -> None:
    settings = {"preset": "own", "methods": ",".join(["otm"] * 9), "steps": "60"}
    knobs = {"tau": "0.2", "lr": "0.002", "adversary_lr": "0.003", "batch_size": "64", "hidden": "32", "layers": "2"}
    settings |= {
        f"{at}.{name}": text for at in range(1, 10) for name, text in (knobs | {"noise_dim": "3", "ema": "0.5"}).items()
    }
    settings |= {f"{at}.beta1": "0.25" for at in range(1, 10)} | {f"{at}.freeze_after": "1234" for at in range(1, 10)}
    settings |= {f"{at}.penalty_weight": "0.3" for at in range(1, 10)} | {f"{at}.penalty": "gp" for at in range(1, 10)}
    link = pack(settings)
    assert set(link) == {"v", "packed"}
    shown = show("compare", **link)
    shown.main.get_by_role("button", name="Train it live").wait_for()
    shown.until(lambda: "packed" in shown.query and unpack(shown.query).settings == settings)
    base = shown.page.url.partition("/compare")[0]
    for query, sentence in (
        ("packed=%25%25&seed=3", "The packed part of the link"),
        ("v=9&seed=3&hologram=1", "from a newer otviz"),
        ("lesson=../../etc/passwd&seed=3", "The lesson cannot be shown"),
    ):
        shown.page.goto(f"{base}/train?{query}")
        shown.main.get_by_text(sentence).wait_for()
        assert shown.main.get_by_test_id("stAlert").get_by_role("listitem").count() == 1
        shown.until(lambda: shown.query == {"seed": "3"})
        assert shown.main.get_by_role("button", name="Train", exact=False).first.is_enabled()
