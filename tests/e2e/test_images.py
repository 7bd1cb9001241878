"""The Images page in a browser: a sheet that grows sharper, compared with real images, and still there after a reload."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.helpers import Shown, downloaded

pytestmark = pytest.mark.browser
QUICK = "batch_size=8&noise_dim=3&network.width=8&network.adversary_width=4&ema=0&steps=200000"

PIXELS = """canvas => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let sum = 0;
    for (let i = 0; i < data.length; i += 4) sum = (sum * 31 + data[i] + 7 * data[i + 1]) % 1000003;
    return sum;
}"""


class Images(Shown):
    """What a test reads and presses on the page."""

    @property
    def canvas(self) -> Any:
        return self.player.locator(".picture canvas")

    @property
    def picture(self) -> int:
        """A number that another picture hardly has."""
        return int(self.canvas.evaluate(PIXELS))

    @property
    def words(self) -> str:
        return str(self.canvas.get_attribute("aria-label"))


@pytest.fixture
def images(app: str, page: Any) -> Images:
    shown = Images(page, f"{app}/images?{QUICK}")
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
    places = player.locator("canvas.places")
    images.until(lambda: "and 64 generated images" in str(places.get_attribute("aria-label")))  # the map beside it

    images.button("Pause training").click()
    images.until(lambda: images.status == "paused")
    at = images.rests()
    images.until(lambda: int(player.get_attribute("data-step")) == at)  # the playhead follows

    generated = images.picture
    player.get_by_role("button", name="real images").click()
    images.until(lambda: images.picture != generated)
    assert "64 real training images" in player.inner_text()
    player.press("r")  # and back
    images.until(lambda: images.picture == generated)

    run = images.query["run"]
    page.reload()
    images.until(lambda: player.count() == 1 and images.status == "paused" and images.step == at)
    assert images.query["run"] == run
    images.until(lambda: images.picture == generated)

    images.button("100 steps").click()
    images.until(lambda: images.step == at + 100 and images.status == "paused")
    images.view("Download")
    images.main.get_by_text("More formats").click()
    saved = downloaded(page, images.button("Samples \\(PNG\\)").click)
    assert saved.read_bytes().startswith(b"\x89PNG")
    images.stops()
    images.is_now("stopped")
