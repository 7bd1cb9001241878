"""Plates for print: places on paper, files that are whole, figures from stored runs, and sentences where they cannot be drawn."""

from __future__ import annotations

import base64
import html
import io
import json
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from otviz.cli.main import main
from otviz.content.bibliography import cite
from otviz.data.datasets.mnist import Mnist
from otviz.runs.run_store import Store
from otviz.viz.overviews import overviews
from otviz.viz.plate import Panel, Plate, round_ticks

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OTVIZ_HOME", str(tmp_path))
    monkeypatch.delenv("OTVIZ_DATA", raising=False)
    return tmp_path


def test_a_panel_puts_the_data_upright_on_the_paper() -> None:
    panel = Panel(10, 20, 40, 20, (-1, 1, 0, 5))
    x, y = panel.at(np.array([-1, 0, 1]), np.array([0, 2.5, 5]))
    assert x.tolist() == [10, 30, 50]
    assert y.tolist() == [40, 30, 20], "up is less on paper"


def test_points_and_lines_are_where_they_belong() -> None:
    plate, panel = Plate(60, 50, "a < b & c"), Panel(10, 20, 40, 20, (-1, 1, 0, 5))
    plate.dots(panel, np.array([[0.0, 2.5]]), "#123456", 0.4)
    plate.line(panel, np.array([-1, 0, 1]), np.array([0, np.nan, 5]), "#654321")
    root = ElementTree.fromstring(plate.svg())
    assert root.find(f"{SVG}title").text == "a < b & c"  # type: ignore[union-attr]
    assert (root.get("width"), root.get("viewBox")) == ("60mm", "0 0 60 50")
    dots, line = (path.get("d") for path in root.iter(f"{SVG}path"))
    assert dots == "M30.00 30.00h0"
    assert line == "M10.00 40.00M50.00 20.00", "a gap where there is no number"


def test_images_come_back_pixel_by_pixel() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (4, 1, 3, 3)).astype(np.uint8)
    plate = Plate(30, 30, "images")
    plate.images(Panel(0, 0, 21, 21), pixels, 2)
    data = re.search(r"base64,([^']+)'", plate.svg())
    assert data is not None
    shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(data[1]))).convert("L"))
    assert np.array_equal(shown[:3, :3], pixels[0, 0])
    assert np.array_equal(shown[4:, 4:], pixels[3, 0])


@pytest.mark.parametrize(
    ("low", "high", "most", "ticks"),
    [
        (0, 4, 4, [0, 1, 2, 3, 4]),
        (-0.47, 0.12, 4, [-0.4, -0.2, 0]),
        (0, 5000, 5, [0, 1000, 2000, 3000, 4000, 5000]),
        (0, 0.5, 4, [0, 0.2, 0.4]),
        (3, 3, 4, []),
        (0, float("nan"), 4, []),
    ],
)
def test_ticks_are_round(low: float, high: float, most: int, ticks: list[float]) -> None:
    assert round_ticks(low, high, most) == pytest.approx(ticks)


def test_a_figure_of_points_is_drawn_from_stored_runs(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["figures", "salimans-figure-2", "--quick", "--out", str(home / "out")]
    assert main([*words, "--json"]) == 0
    path = Path(json.loads(capsys.readouterr().out)["salimans-figure-2"])
    first = path.read_text(encoding="utf-8")
    runs = Store().ids()
    assert len(runs) == 2, "OT-GAN and DAN-S"
    path.unlink()
    assert main(words) == 0
    assert path.read_text(encoding="utf-8") == first
    assert Store().ids() == runs, "nothing was trained again"
    root = ElementTree.fromstring(first)
    assert len(list(root.iter(f"{SVG}clipPath"))) == 2 * 2 * 8, "target and generated, two rows, eight columns"


def test_without_mnist_its_figures_say_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def nothing(self: Mnist, which: str) -> None:
        raise ValueError("no connection")

    monkeypatch.setattr(Mnist, "read", nothing)
    assert main(["figures", "vu-figure-1", "--quick"]) == 0
    assert "not measured: MNIST is not on this machine" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["choi-figure-9", "nonsense", "<script>"])
def test_a_figure_that_there_is_not_is_told(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["figures", name]) == 2
    assert "there is no figure" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_told(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "file").write_text("")
    assert main(["figures", "salimans-figure-2", "--quick", "--out", str(home / "file")]) == 2
    assert "choose another --out" in capsys.readouterr().err


def test_each_figure_cites_the_one_it_follows() -> None:
    for name, overview in overviews().items():
        source, number = name.split("-figure-")
        assert f"(after {cite(source, f'Fig. {number}')})" in overview.title
        drawn = (PICTURES / f"{name}.svg").read_text(encoding="utf-8")
        assert overview.title in html.unescape(drawn), "the picture in docs is of this figure"
