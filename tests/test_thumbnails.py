"""Pictures to choose by: there is one for everything, it is small, and it shows what it should."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from otviz.core.params import param
from otviz.data.distributions import Distribution
from otviz.data.distributions.distribution import Points
from otviz.viz import thumbnails

NAMESPACE = "{http://www.w3.org/2000/svg}"


@dataclass(frozen=True)
class TwoCorners(Distribution):
    """Half of the points at (-1, -1), half at (1, 1)."""

    name: ClassVar[str] = "two-corners"
    title: ClassVar[str] = "Two corners"

    side: float = param(1.0, 0.1, 5, doc="Half a side")

    def sample(self, n: int, rng: np.random.Generator) -> Points:
        return np.float32(self.side) * rng.choice(np.array([-1, 1], np.float32), (n, 1)).repeat(2, axis=1)


def places(svg: str) -> set[tuple[int, int]]:
    return {(int(x), int(y)) for x, y in re.findall(r"M(\d+) (\d+)h0", svg)}


@pytest.mark.parametrize("each", thumbnails.known())
def test_everything_that_can_be_chosen_has_a_small_picture(each: str) -> None:
    path = thumbnails.FOLDER / f"{each}.svg"
    assert path.stat().st_size < 16_000
    root = ET.fromstring(path.read_text(encoding="utf-8"))
    assert root.tag == f"{NAMESPACE}svg"
    assert {part.tag for part in root.iter()} <= {f"{NAMESPACE}{tag}" for tag in ("svg", "path", "image")}
    assert all(text.startswith("data:image/png;base64,") for part in root.iter() if (text := part.get("href")))


def test_the_ring_shows_its_eight_modes() -> None:
    dots = np.array(sorted(places(thumbnails.picture("distributions", "ring"))), float) - thumbnails.SIDE / 2
    turns = np.round(np.degrees(np.arctan2(dots[:, 1], dots[:, 0])) / 45) % 8
    assert set(turns) == set(range(8))
    assert np.linalg.norm(dots, axis=1).min() > 10


def test_a_new_distribution_is_drawn_when_it_is_asked_for() -> None:
    assert places(thumbnails.of_distribution(TwoCorners)) == {(5, 59), (59, 5)}  # y points upwards, with a margin


def test_a_new_method_shows_its_first_letters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thumbnails, "FOLDER", tmp_path)
    thumbnails.picture.cache_clear()
    assert ">SI</text>" in thumbnails.picture("methods", "sinkhorn")
    thumbnails.picture.cache_clear()


def test_one_is_drawn_by_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thumbnails, "FOLDER", tmp_path)
    thumbnails.main(["distributions/moons", "images/digits"])
    assert sorted(path.name for path in tmp_path.rglob("*.svg")) == ["digits.svg", "moons.svg"]
    with pytest.raises(ValueError, match="there is no 'methods/nothing'"):
        thumbnails.main(["methods/nothing"])
