"""The Images page in a browser: a sheet that grows sharper, compared with real images, and still there after a reload."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.waiting import PATIENCE

pytestmark = pytest.mark.browser
QUICK = "batch_size=8&noise_dim=3&network.width=8&network.adversary_width=4&ema=0&steps=200000"

PIXELS = """canvas => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let sum = 0;
    for (let i = 0; i < data.length; i += 4) sum = (sum * 31 + data[i] + 7 * data[i + 1]) % 1000003;
    return sum;
}"""


class Images:
    """What a test reads and presses on the page."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.main = page.get_by_test_id("stMain")
        self.player = page.locator(".otviz-player")
        self.canvas = self.player.locator(".picture canvas")

    def button(self, name: str) -> Any:
        return self.main.get_by_role("button", name=re.compile(rf"^{name}"))

    def until(self, condition: Callable[[], bool], seconds: float = PATIENCE) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"nothing happened within {seconds} s: {self.step}, {self.page.url}"
            self.page.wait_for_timeout(50)

    @property
    def step(self) -> int:
        """Steps trained, as the picture says; -1 before it says."""
        said = "".join(self.player.locator(".progress").all_text_contents())
        return int(re.sub(r"\D", "", re.split("of|·", said)[0]) or -1)

    @property
    def status(self) -> str:
        return "".join(self.player.locator(".status").all_text_contents()).strip()

    @property
    def picture(self) -> int:
        """A number that another picture hardly has."""
        return int(self.canvas.evaluate(PIXELS))

    @property
    def words(self) -> str:
        return str(self.canvas.get_attribute("aria-label"))


@pytest.fixture
def images(serve: Callable[..., str], page: Any, tmp_path_factory: pytest.TempPathFactory) -> Images:
    home = tmp_path_factory.mktemp("images")
    page.goto(
        serve("app.py", env={"OTVIZ_HOME": str(home), "OTVIZ_GRACE": "30", "OTVIZ_HOSTS": "1"}) + f"/images?{QUICK}"
    )
    shown = Images(page)
    shown.until(lambda: shown.player.count() == 1 and shown.status == "ready")
    return shown


def test_digits_are_trained_watched_compared_paused_and_kept_through_a_reload(images: Images) -> None:
    page, player = images.page, images.player
    images.until(lambda: "64 real training images" in player.inner_text())
    images.button("Train").click()
    images.button("Pause training").wait_for()

    images.until(lambda: images.step > 0)
    before, drawn = images.step, images.picture
    images.until(lambda: images.step > before and images.picture != drawn)
    images.until(lambda: "64 generated from the same x and z" in images.words)

    images.button("Pause training").click()
    images.until(lambda: images.status == "paused")
    at = images.step
    page.wait_for_timeout(700)
    assert images.step == at
    images.until(lambda: int(player.get_attribute("data-step")) == at)  # the playhead follows

    generated = images.picture
    player.get_by_role("button", name="real images").click()
    images.until(lambda: images.picture != generated)
    assert "64 real training images" in player.inner_text()
    player.press("r")  # and back
    images.until(lambda: images.picture == generated)

    run = parse_qs(urlsplit(page.url).query)["run"]
    page.reload()
    images.until(lambda: player.count() == 1 and images.status == "paused" and images.step == at)
    assert parse_qs(urlsplit(page.url).query)["run"] == run
    images.until(lambda: images.picture == generated)

    images.button("100 steps").click()
    images.until(lambda: images.step == at + 100 and images.status == "paused")
    images.main.get_by_role("radio", name="Download", exact=True).click()
    images.main.get_by_text("More formats").click()
    with page.expect_download() as download:
        images.button("Samples \\(PNG\\)").click()
    assert download.value.path().read_bytes().startswith(b"\x89PNG")
    images.button("Stop").click()
    images.until(lambda: images.status == "stopped")
    assert page.get_by_test_id("stException").count() == 0
