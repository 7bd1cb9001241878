"""Figures with a slider hold what they say: against POT, a search over couplings, finite differences, a closed form."""

from __future__ import annotations

import numpy as np
import ot
import pytest
from scipy.spatial.distance import cdist

from otviz.clouds.laboratory.slider_figures import FLIPBOOKS, Flipbook


@pytest.fixture(scope="module")
def books() -> dict[str, Flipbook]:
    return {name: make() for name, make in FLIPBOOKS.items()}


@pytest.mark.parametrize("name", sorted(FLIPBOOKS))
def test_every_position_has_a_frame_a_sentence_and_finite_marks(books: dict[str, Flipbook], name: str) -> None:
    book = books[name]
    assert 0 <= book.start < len(book.values) == len(book.sentences)
    for panel in book.panels:
        assert len(panel.frames) == len(book.values)
        assert len({str(frame) for frame in panel.frames}) > 1  # the slider changes the picture
        for mark in [*panel.fixed, *(mark for frame in panel.frames for mark in frame)]:
            assert np.isfinite(np.asarray(mark.xy)).all()
            assert not mark.ends or len(mark.ends) == len(mark.xy)
            assert not mark.sizes or len(mark.sizes) == len(mark.xy)


def test_no_price_bounds_more_than_the_least_cost(books: dict[str, Flipbook]) -> None:
    half = np.full(2, 0.5)
    least = ot.emd2(half, half, cdist([[0.0], [1.0]], [[1.0], [3.0]], "sqeuclidean"))
    bounds = [frame[0].xy[0][1] for frame in books["prices"].panels[1].frames]
    assert max(bounds) == pytest.approx(least)
    assert bounds[0] == 0.5
    assert bounds[-1] == 0.5


def test_arrows_lead_to_the_mean_of_the_partners(books: dict[str, Flipbook]) -> None:
    book = books["blur-and-plan"]
    cloud, _ = book.panels
    target, source = (np.asarray(mark.xy) for mark in cloud.fixed)
    even = np.full(len(source), 1 / len(source))
    for at in (8, 12):  # where POT's plain iteration converges
        epsilon = np.geomspace(0.1, 10, len(book.values))[at] ** 2
        plan = ot.sinkhorn(even, even, cdist(source, target, "sqeuclidean") / 2, epsilon, numItermax=20_000)
        ends = np.asarray(cloud.frames[at][0].ends)
        assert ends == pytest.approx(plan @ target * len(source), abs=5e-3)


def test_a_large_epsilon_pulls_every_point_to_the_mean(books: dict[str, Flipbook]) -> None:
    cloud, _ = books["matchings"].panels
    target = np.asarray(cloud.fixed[0].xy)
    assert np.asarray(cloud.frames[-2][0].ends) == pytest.approx(np.tile(target.mean(0), (len(target), 1)), abs=1.0)
    alone = np.asarray(cloud.frames[-1][0].ends)  # a random partner each
    assert np.sort(alone, axis=0) == pytest.approx(np.sort(target, axis=0), abs=2e-3)


def test_the_slope_is_that_of_the_curve(books: dict[str, Flipbook]) -> None:
    values, slopes = books["g-and-slope"].panels
    for frame, other in zip(values.frames[::4], slopes.frames[::4], strict=True):
        for curve, slope in zip(frame, other, strict=True):
            (x, y), (_, s) = np.transpose(curve.xy), np.transpose(slope.xy)
            seen = (y > -3) & (y < 5)
            numeric = np.gradient(y, x)
            inner = seen & (np.abs(np.gradient(np.gradient(s, x), x)) < 2) & (x > -2.8) & (x < 2.8)
            assert s[inner] == pytest.approx(numeric[inner], abs=0.06)
            assert inner.sum() > 20


def test_mass_kept_grows_with_alpha_to_all_of_it(books: dict[str, Flipbook]) -> None:
    kept = [frame[0].xy[0][1] for frame in books["alpha-and-mass"].panels[1].frames]
    assert kept == sorted(kept)
    assert kept[0] < 0.5
    assert kept[-1] > 0.95
