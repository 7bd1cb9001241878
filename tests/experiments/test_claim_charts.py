"""The chart of every claim shows the numbers that are stored, in their order and at their distances."""

from __future__ import annotations

import math
import re
from xml.etree import ElementTree

import numpy as np
import pytest

from otviz.experiments import Experiment, Outcome, experiments
from otviz.experiments.charts import Curves, Dots, Line, Mark, Row
from otviz.experiments.results import read
from otviz.viz.claim import CARD, PAGE, Size, claim_svg

ALL = {name: cls() for name, cls in experiments().items() if cls.chart is not None}
MEASURED = [name for name, each in ALL.items() if each.cost != "reference"]
SVG = "{http://www.w3.org/2000/svg}"


def outcomes_of(each: Experiment) -> tuple[Outcome, ...]:
    found = read(each.name)
    return () if found is None else found.outcomes


def drawn(each: Experiment, size: Size = CARD) -> ElementTree.Element:
    assert each.chart is not None
    return ElementTree.fromstring(claim_svg(each.chart, outcomes_of(each), each.title, size))


def texts(root: ElementTree.Element) -> list[str]:
    return [part.text or "" for part in root.iter(f"{SVG}text")]


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("size", [CARD, PAGE], ids=["card", "page"])
def test_everything_lies_on_the_paper(name: str, size: Size) -> None:
    root = drawn(ALL[name], size)
    wide, high = (float(part) for part in root.attrib["viewBox"].split()[2:])
    for part in root.iter():
        for key, end in (("x", wide), ("cx", wide), ("y", high), ("cy", high)):
            assert 0 <= float(part.attrib.get(key, 0)) <= end, part.attrib
    for part in root.iter(f"{SVG}text"):
        assert part.attrib.get("font-size") is None, "12 px everywhere"
    assert ALL[name].title in root.attrib["aria-label"]


@pytest.mark.parametrize("name", [name for name in MEASURED if isinstance(ALL[name].chart, Dots)])
def test_each_seed_has_its_dot(name: str) -> None:
    chart, root = ALL[name].chart, drawn(ALL[name])
    assert isinstance(chart, Dots)
    assert {row.label for row in chart.rows} <= set(texts(root))
    assert max(len(row.label) for row in chart.rows) <= 21, "longer labels are cut on a card"
    places: dict[str, float] = {}
    for circle in root.iter(f"{SVG}circle"):
        places[circle.findtext(f"{SVG}title", "").rpartition(":")[0]] = float(circle.attrib["cx"])
    due = {
        f"{row.label}, seed {each.seed}": _value(row, each)
        for row in chart.rows for each in outcomes_of(ALL[name]) if row.value and not math.isnan(_value(row, each))
    }  # fmt: skip
    assert set(places) == set(due)
    known = {key: value for key, value in due.items() if value > 0 or not chart.log}
    values = np.array([math.log(value) if chart.log else value for value in known.values()])
    at = np.array([places[key] for key in known])
    if np.ptp(values) > 0:
        fitted = np.polyval(np.polyfit(values, at, 1), values)
        assert np.abs(fitted - at).max() < 0.2  # places are written with one decimal
        assert at[values.argmax()] > at[values.argmin()]


@pytest.mark.parametrize("name", [name for name in MEASURED if isinstance(ALL[name].chart, Curves)])
def test_each_place_of_a_line_has_its_mean(name: str) -> None:
    chart, root = ALL[name].chart, drawn(ALL[name])
    assert isinstance(chart, Curves)
    told = [circle.findtext(f"{SVG}title", "") for circle in root.iter(f"{SVG}circle")]
    for line in chart.lines:
        assert sum(text.startswith(f"{line.label}: mean ") for text in told) == len(line.points)
    for line in chart.lines[1:]:
        assert line.label in texts(root)
    assert {chart.x, chart.y} <= set(texts(root))
    assert {mark.label for mark in chart.marks} <= set(texts(root))


def _value(row: Row, each: Outcome) -> float:
    found = each.values.get(row.value, math.nan) if isinstance(row.value, str) else row.value(each.values)
    return float(found)


MADE = [Outcome(seed, {"a": 1.0 + seed, "b": 10.0 + seed}, 0.1) for seed in range(3)]


def test_a_line_is_drawn_at_the_means_with_a_band_over_all_seeds() -> None:
    chart = Curves("n", "error", (Line("made", {1.0: "a", 2.0: "b"}),), (Mark("floor", 2.0),))
    root = ElementTree.fromstring(claim_svg(chart, MADE, "Made"))
    first, second = (float(circle.attrib["cy"]) for circle in root.iter(f"{SVG}circle"))
    path = next(part for part in root.iter(f"{SVG}path") if part.attrib.get("fill-opacity"))
    band = [float(y) for y in re.findall(r"[\d.]+ ([\d.]+)", path.attrib["d"])]
    scale = (first - second) / 9  # the means are 2 and 11
    assert sorted(band) == pytest.approx(
        sorted([first - scale, second - scale, second + scale, first + scale]), abs=0.2
    )
    dashed = next(part for part in root.iter(f"{SVG}path") if part.attrib.get("stroke-dasharray") == "4 3")
    level = float(re.findall(r"[\d.]+", dashed.attrib["d"])[1])
    assert level == pytest.approx(first, abs=0.2), "the floor is at the mean of the first place"


def test_what_the_source_reports_is_a_diamond_and_what_it_claims_a_range() -> None:
    chart = Dots("made", (Row("measured", "a", 2.5, low=2.0), Row("reported alone", reported=4.0)))
    root = ElementTree.fromstring(claim_svg(chart, MADE, "Made"))
    titles = [part.text for part in root.iter(f"{SVG}title")]
    assert "measured, reported: 2.5" in titles
    assert "reported alone, reported: 4" in titles
    assert titles.count("the range that is claimed") == 1
    assert "measured 2, reported 2.5; reported alone reported 4" in root.attrib["aria-label"]


def test_texts_are_escaped() -> None:
    chart = Dots('<b>"x"</b>', (Row("<script>alert(1)</script>", "a"),), (Mark("<i>", 1.0),))
    text = claim_svg(chart, MADE, 'A "title" & <more>')
    root = ElementTree.fromstring(text)
    assert "<script>" not in text
    assert "<script>alert(1)</script>" in texts(root)
    assert root.attrib["aria-label"].startswith('A "title" & <more>')


def test_a_number_that_is_nowhere_leaves_its_row_empty() -> None:
    root = ElementTree.fromstring(claim_svg(Dots("made", (Row("none", "c"), Row("some", "a"))), MADE, "Made"))
    assert len(list(root.iter(f"{SVG}circle"))) == len(MADE)
