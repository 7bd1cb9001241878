"""A file of points on the Train page: picture, edges and pointer position are in the file's units."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from otviz.data.distributions.gaussian import Gaussian
from otviz.data.distributions.points import PointsFile
from otviz.runs.snapshots import preview
from pages._ui.shell.component import module
from tests.waiting import page_until

UNIT = " file units"
pytestmark = pytest.mark.browser
CENTRES = np.array([[1200.0, -340.0], [1201.5, -339.0], [1199.0, -338.5]])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    points = CENTRES[rng.integers(3, size=900)] + 0.12 * rng.standard_normal((900, 2))
    np.savetxt(tmp_path / "off.csv", points, delimiter=",", header="x,y", comments="")
    return tmp_path / "off.csv"


def under(page: Any, right: float, down: float, unit: str = "") -> list[float]:
    """The coordinates that the page shows at these shares of the picture."""
    found: list[str] = []

    def told() -> bool:
        box = page.locator(".picture canvas").bounding_box()  # the picture moves while the page is drawn
        page.mouse.move(box["x"] + right * box["width"], box["y"] + down * box["height"])
        found[:] = re.findall(rf"^(−?[\d.]+), (−?[\d.]+){unit}$", page.locator(".coordinates").text_content())
        return bool(found)

    page_until(page, told, 60)
    return [float(number.replace("−", "-")) for number in found[0]]


def test_an_upload_is_shown_and_trained_in_its_own_units(app: str, page: Any, file: Path) -> None:
    page.goto(f"{app}/train?method=sinkhorn&target=points&steps=60&batch_size=64&hidden=32")
    page.get_by_test_id("stMain").get_by_role("radio", name="Runs", exact=True).wait_for()  # the last thing drawn
    page.locator('input[type="file"]').first.set_input_files(file)
    page.locator(".picture canvas").wait_for()
    x_low, x_high, y_low, y_high = preview(PointsFile(file=str(file)), Gaussian()).box
    assert x_low < 1199  # in the file's units
    for right, down in ((0.25, 0.5), (0.75, 0.125)):
        place = x_low + right * (x_high - x_low), y_high - down * (y_high - y_low)
        assert under(page, right, down, UNIT) == pytest.approx(place, abs=(x_high - x_low) / 100)
    page.get_by_role("button", name=re.compile("^Train")).click()
    page.locator(".status", has_text="done").wait_for(timeout=120_000)
    page.locator(".value.w2", has_text=re.compile(r"^W2[\d.]+ file units \(floor [\d.]+")).wait_for()
    middle = pytest.approx([(x_low + x_high) / 2, (y_low + y_high) / 2], abs=1)
    page_until(page, lambda: under(page, 0.5, 0.5, UNIT) == middle)  # the picture moves as the first numbers come


def test_a_picture_without_a_file_tells_plain_coordinates(demos: str, page: Any) -> None:
    page.goto(demos + "/?demo=player&mode=recorded")
    page.locator(".picture canvas").wait_for()
    assert under(page, 0.75, 0.75) == pytest.approx((3, -3), abs=0.05)  # of a box from -6 to 6
    page.mouse.move(5, 5)
    page_until(page, lambda: page.locator(".coordinates").text_content() == "")


def test_coordinates_have_as_many_digits_as_tell_them_apart(page: Any) -> None:
    told = [
        (1200, 1, "1200"), (-338.5, 0.5, "−338.5"), (-338.75, 0.25, "−338.75"), (5_400_000.02, 0.01, "5400000.02"),
        (0, 0.2, "0"), (1e-17, 0.2, "0"), (2e-6, 1e-6, "2e−6"), (2.5e-6, 5e-7, "2.5e−6"), (1.5e30, 5e29, "1.5e30"),
        (123_456_789, 1, "1.23456789e8"),
    ]  # fmt: skip
    found = page.evaluate(
        """async ([source, numbers]) => {
            const whole = `${source}\nexport { coordinate };`;
            const module = await import(URL.createObjectURL(new Blob([whole], { type: "text/javascript" })));
            return numbers.map(([value, step]) => module.coordinate(value, step));
        }""",
        [module("player"), [[value, step] for value, step, _ in told]],
    )
    assert found == [text for _, _, text in told]
