"""A file of points on the Train page: the picture, its edges and what lies under the pointer are in the file's units."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from otviz.distributions.gaussian import Gaussian
from otviz.distributions.points import PointsFile
from otviz.runs.snapshots import preview
from pages._ui.component import module
from tests.waiting import page_until

pytestmark = pytest.mark.browser
CENTRES = np.array([[1200.0, -340.0], [1201.5, -339.0], [1199.0, -338.5]])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    points = CENTRES[rng.integers(3, size=900)] + 0.12 * rng.standard_normal((900, 2))
    np.savetxt(tmp_path / "off.csv", points, delimiter=",", header="x,y", comments="")
    return tmp_path / "off.csv"


def under(page: Any, right: float, down: float) -> list[float]:
    """The coordinates that the page tells at these shares of the picture."""
    box = page.locator(".picture canvas").bounding_box()
    page.mouse.move(box["x"] + right * box["width"], box["y"] + down * box["height"])
    text = page.locator(".coordinates").text_content()
    found = re.fullmatch(r"(−?[\d.]+), (−?[\d.]+) file units", text)
    assert found, text
    return [float(number.replace("−", "-")) for number in found.groups()]


def test_an_upload_is_shown_and_trained_in_its_own_units(
    serve: Callable[..., str], page: Any, file: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    server = serve("app.py", env={"OTVIZ_HOME": str(tmp_path_factory.mktemp("home"))})
    page.goto(f"{server}/train?method=sinkhorn&target=points&steps=300&batch_size=64&hidden=32")
    page.get_by_test_id("stMain").get_by_role("radio", name="Runs", exact=True).wait_for()  # the last thing drawn
    page.locator('input[type="file"]').set_input_files(file)
    page.locator(".picture canvas").wait_for()
    x_low, x_high, y_low, y_high = preview(PointsFile(file=str(file)), Gaussian()).box
    assert x_low < 1199  # in the file's units
    for right, down in ((0.25, 0.5), (0.75, 0.125)):
        place = x_low + right * (x_high - x_low), y_high - down * (y_high - y_low)
        assert under(page, right, down) == pytest.approx(place, abs=(x_high - x_low) / 100)
    page.get_by_role("button", name=re.compile("^Train")).click()
    page.locator(".status", has_text="done").wait_for(timeout=120_000)
    page.locator(".value.w2", has_text=re.compile(r"^W2[\d.]+ file units \(floor [\d.]+")).wait_for()
    middle = pytest.approx([(x_low + x_high) / 2, (y_low + y_high) / 2], abs=1)
    page_until(page, lambda: under(page, 0.5, 0.5) == middle)  # the picture moves as the first numbers come


def test_a_picture_without_a_file_tells_plain_coordinates(serve: Callable[..., str], page: Any) -> None:
    page.goto(serve(Path(__file__).with_name("player_demo.py")) + "/?mode=recorded")
    canvas = page.locator(".picture canvas")
    canvas.wait_for()
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + 0.75 * box["width"], box["y"] + 0.75 * box["height"])  # of a box from -6 to 6
    x, y = (float(part.replace("−", "-")) for part in page.locator(".coordinates").text_content().split(", "))
    assert (x, y) == pytest.approx((3, -3), abs=0.05)
    page.mouse.move(5, 5)
    assert page.locator(".coordinates").text_content() == ""


@pytest.mark.parametrize(
    ("value", "step", "text"),
    [
        (1200, 1, "1200"), (-338.5, 0.5, "−338.5"), (-338.75, 0.25, "−338.75"), (5_400_000.02, 0.01, "5400000.02"),
        (0, 0.2, "0"), (1e-17, 0.2, "0"), (2e-6, 1e-6, "2e−6"), (2.5e-6, 5e-7, "2.5e−6"), (1.5e30, 5e29, "1.5e30"),
        (123_456_789, 1, "1.23456789e8"),
    ],
)  # fmt: skip
def test_coordinates_have_as_many_digits_as_tell_them_apart(
    serve: Callable[..., str], page: Any, value: float, step: float, text: str
) -> None:
    page.goto(serve(Path(__file__).with_name("player_demo.py")) + "/?mode=empty")
    found = page.evaluate(
        """async ([source, value, step]) => {
            const whole = `${source}\nexport { coordinate };`;
            const module = await import(URL.createObjectURL(new Blob([whole], { type: "text/javascript" })));
            return module.coordinate(value, step);
        }""",
        [module("player"), value, step],
    )
    assert found == text
