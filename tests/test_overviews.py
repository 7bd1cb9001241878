"""Figures for print: files that are whole, drawn from stored runs, and sentences where they cannot be drawn."""

from __future__ import annotations

import html
import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest

from otviz.cli.main import main
from otviz.content.bibliography import cite
from otviz.data.datasets.mnist import Mnist
from otviz.experiments.image_trajectories import ImageTrajectory
from otviz.runs.saved.run_store import Store
from otviz.viz import overviews as overviews_module
from otviz.viz.claim import round_ticks
from otviz.viz.overviews import overviews

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OTVIZ_HOME", str(tmp_path))
    monkeypatch.delenv("OTVIZ_DATA", raising=False)
    return tmp_path


def test_a_sheet_of_images_shows_each_where_it_belongs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The picture of a look after an epoch, with its score, and curves with the same limits beside them."""
    pixels = np.random.default_rng(0).integers(0, 256, (9, 64, 1, 8, 8)).astype(np.uint8)
    scores = np.arange(45, dtype=float).reshape(9, 5)
    kept = ImageTrajectory(np.arange(9) * 10, pixels, scores, np.linspace(1, 0, 80, dtype=np.float32))
    monkeypatch.setattr(overviews_module, "image_trajectory", lambda config, quick: kept)
    monkeypatch.setattr(overviews_module, "unavailable_reason", lambda: "")
    figure = overviews()["vu-figure-3"].figure()
    first, second, *curves = figure.axes
    assert first.get_title(loc="left") == "batch 8, epoch 4: Fréchet 40", "two looks in an epoch"
    assert second.get_title(loc="left") == "batch 32, epoch 4: Fréchet 40"
    shown = first.images[0].get_array()
    assert np.array_equal(shown[:8, :8, 0], pixels[8, 0, 0])
    assert np.array_equal(shown[-8:, -8:, 0], pixels[8, 63, 0])
    assert len({axes.get_ylim() for axes in curves}) == 1
    assert all(axes.get_xlim() == (0, 4) for axes in curves)


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
    panels = [group for group in root.iter(f"{SVG}g") if (group.get("id") or "").startswith("axes_")]
    assert len(panels) == 2 * 8, "two rows, eight columns"
    assert root.find(f"{SVG}title").text == overviews()["salimans-figure-2"].title  # type: ignore[union-attr]
    assert main([*words, "--as", "pdf"]) == 0
    assert path.with_suffix(".pdf").read_bytes().startswith(b"%PDF")


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
