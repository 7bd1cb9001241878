"""Large clouds, solved coarse to fine: small ones here, cut as large ones are, against a solver that shares no code."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import otviz
from otviz.clouds import large, large_picture, multiscale, truncated
from otviz.clouds.cells import DEEPEST, Curve, hilbert
from otviz.clouds.problem import COSTS, LOSSES, Problem
from otviz.clouds.solve import coarse, is_complete, refine
from otviz.clouds.studies.solution_files import arrays_npz, points_csv
from otviz.core.work import Progress, completed
from tests.ot import log_domain

N, M = 160, 120


@pytest.fixture(autouse=True)
def few() -> Iterator[None]:
    """Matrices up to 30 cells, blocks of 16 rows, and clouds of more than 100 points are large: all pairs are never looked at."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(multiscale, "COARSE", 30)
        patch.setattr(truncated, "ROWS", 16)
        patch.setattr(large, "LARGE", 100)
        patch.setattr(large_picture, "SHOWN", 50)
        patch.setattr(large, "cores", lambda: 2)
        yield


def _clusters(rng, n, centres, spreads):
    k = rng.integers(0, len(centres), n)
    return np.array(centres, float)[k] + np.array(spreads)[k, None] * rng.standard_normal((n, 2))


def _ring(rng, n):
    angle = 2 * np.pi * rng.integers(8, size=n) / 8
    return 3 * np.stack([np.cos(angle), np.sin(angle)], 1) + 0.25 * rng.standard_normal((n, 2))


KINDS = {
    "ring": lambda rng: (rng.standard_normal((N, 2)), _ring(rng, M)),
    "the same ring": lambda rng: (_ring(rng, N), _ring(rng, M)),
    "densities": lambda rng: (
        _clusters(rng, N, [[0, 0], [4, 0], [0, 5]], [0.05, 0.5, 1.0]),
        _clusters(rng, M, [[0, 0], [4, 0], [0, 5], [0, 5]], [0.3, 0.1, 0.02, 0.02]),
    ),
    "far": lambda rng: (rng.standard_normal((N, 2)), _ring(rng, M) + np.array([1e4, 0])),
    "outlier": lambda rng: (np.concatenate([rng.standard_normal((N - 1, 2)), [[200, 200]]]), _ring(rng, M)),
    "duplicates": lambda rng: (np.round(2 * rng.standard_normal((N, 2))) / 2, np.repeat(_ring(rng, M // 20), 20, 0)),
    "line": lambda rng: (rng.random((N, 2)) * [1, 0], rng.random((M, 2)) ** 2 * [3, 0]),
    "one place": lambda rng: (np.zeros((N, 2)), _ring(rng, M)),
}


@st.composite
def problems(draw):
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    kind, scale = draw(st.sampled_from(sorted(KINDS))), draw(st.sampled_from([1e-4, 1.0, 1.0, 1e6]))
    x, y = (points * scale for points in KINDS[kind](rng))
    masses = [None, None]
    if draw(st.booleans()):
        masses = [rng.random(len(points)) ** 2 + 1e-3 for points in (x, y)]
        masses = [w / w.sum() for w in masses]
    reach = draw(st.sampled_from([None, None, 1.0]))
    setting = {
        "p": draw(st.sampled_from([1, 2])),
        "blur": draw(st.sampled_from([0.1, 0.3, 3.0])) * scale,
        "reach": None if reach is None else reach * scale,
    }
    return kind, x, y, *masses, setting


def _problem(setting, **more):
    cost = "half-squared" if setting["p"] == 2 else "euclidean"
    return Problem(cost=cost, blur=setting["blur"], reach=setting["reach"], **more)


def _refined(problem, x, y, a=None, b=None, progress=None):
    rough = coarse(problem, x, y, a, b)
    return next(found for found in refine(problem, x, y, rough, a, b, progress) if found)


@settings(max_examples=12, deadline=None, derandomize=True)
@given(problems())
def test_the_divergence_is_that_of_the_log_domain_and_the_marginal_error_is_true(posed):
    kind, x, y, a, b, setting = posed
    got = _refined(_problem(setting), x, y, a, b)
    expected = log_domain.divergence(x, y, **setting, a=a, b=b)
    scale = max(np.ptp(y, 0).max(), setting["blur"]) ** setting["p"]
    assert got.numbers.sinkhorn_divergence == pytest.approx(expected, rel=0.01, abs=1e-6 * scale)
    assert got.numbers.marginal_error < 0.01
    found = otviz.transport(x, y, **setting, a=a, b=b)
    plan = found.rows(range(len(x)))
    a, b = (np.full(len(z), 1 / len(z)) if w is None else w for z, w in ((x, a), (y, b)))
    f, g = found.potentials
    due_x, due_y = (a, b)
    if setting["reach"] is not None:
        rho = setting["reach"] ** setting["p"]
        due_x, due_y = a * np.exp(-f / rho), b * np.exp(-g / rho)
    true = max(np.abs(plan.sum(1) - due_x).sum(), np.abs(plan.sum(0) - due_y).sum())
    # with masses a point may be drawn twice, and the estimate has a spread
    assert found.marginal_error == pytest.approx(true, rel=1e-6 if np.ptp(a) == 0 else 0.5, abs=1e-4)
    cost = log_domain.cost(x, y, setting["p"])
    if kind != "far":  # the plan's own cost; far away it is a difference of large numbers
        assert found.cost == pytest.approx((plan * cost).sum(), rel=0.01)


@pytest.mark.parametrize(("cost", "reach"), [*((cost, None) for cost in COSTS), ("half-squared", 1.0)])
def test_the_picture_is_that_of_the_matrix(cost, reach, monkeypatch):
    x, y = KINDS["ring"](np.random.default_rng(0))
    problem = Problem(cost=cost, reach=reach, blur=0.2, scaling=0.95)
    found = _refined(problem, x, y).all_points
    monkeypatch.setattr(large, "LARGE", 1000)
    whole = coarse(problem, x, y).all_points
    for name in ("force", "map", "potential_x", "potential_y", "mass_x"):
        got, expected = getattr(found, name), getattr(whole, name)
        off = np.sqrt(np.square(got - expected).mean()) / np.sqrt(np.square(expected - expected.mean(0)).mean() + 1e-12)
        assert off < 0.01 or np.abs(got - expected).max() < 1e-3, (name, off)


def test_pairs_are_left_out_and_what_is_left_out_does_not_matter():
    rng = np.random.default_rng(0)
    points, other = rng.random((500, 2)), rng.random((400, 2))
    x, y = Curve.of(points, None), Curve.of(other, None)
    g = torch.from_numpy(0.01 * rng.standard_normal(400))
    epsilon = 0.05**2
    every = truncated.Pairs.all(large.Quadratic(1.0), x.single(), y.single())
    with truncated.Team(2, Progress()) as team:
        values, some = completed(every.screened(g, epsilon, 1.0, team, torch.from_numpy(other[y.order])))
        again = completed(some.pulls(g, epsilon, 1.0, team))
    assert some.entries < 0.3 * every.entries
    squares = ((points[x.order, None] - other[y.order]) ** 2).sum(-1) / 2
    scores = np.exp((g.numpy() - squares) / epsilon) / 400
    expected = -epsilon * np.log(scores.sum(1))
    for found in (values, again.values):
        assert found.numpy() == pytest.approx(expected, abs=1e-4 * epsilon)  # float32
    share = scores / scores.sum(1, keepdims=True)
    assert again.means.numpy() == pytest.approx(share @ other[y.order], abs=1e-5)
    assert again.costs.numpy() == pytest.approx((share * squares).sum(1), abs=1e-5)


@pytest.mark.parametrize("halvings", [0, 3, DEEPEST])
def test_cells_are_squares_and_runs_of_the_curve(halvings):
    rng = np.random.default_rng(0)
    points = np.concatenate([rng.random((300, 2)), np.repeat(rng.random((5, 2)), 4, 0)]) * 7 + 1e6
    masses = rng.random(320)
    curve = Curve.of(points, masses / masses.sum())
    cells = curve.cells(halvings)
    places = np.minimum((points - points.min(0)) / curve.span * 2.0**halvings, 2.0**halvings - 1)
    squares = np.unique(np.floor(places[curve.order]), axis=0, return_inverse=True)[1].ravel()
    assert len(cells) == curve.count(halvings) == squares.max() + 1
    assert (np.diff(squares) != 0).sum() + 1 == len(cells)  # no square is left and entered again
    assert cells.masses.sum().item() == pytest.approx(1)
    share = masses[curve.order] / masses.sum()
    for cell, start in enumerate(cells.starts):
        inside = squares == squares[start]
        middle = np.average(curve.points[inside], axis=0, weights=share[inside])
        assert cells.points[cell].numpy() == pytest.approx(middle, abs=1e-8)


def test_neighbours_on_the_curve_are_neighbours_in_the_plane():
    side = (np.arange(16) + 0.5) / 16
    places = np.stack(np.meshgrid(side, side), -1).reshape(-1, 2)
    along = places[np.argsort(hilbert(places))]
    assert np.abs(np.diff(along, axis=0)).sum(1) == pytest.approx(1 / 16)


@pytest.mark.parametrize("loss", LOSSES)
def test_some_points_are_drawn_and_all_are_kept(loss):
    x, y = KINDS["ring"](np.random.default_rng(0))
    a = np.arange(N) / np.arange(N).sum()
    problem = Problem(loss=loss, blur=0.3)
    rough = coarse(problem, x, y, a)
    picture = next(found for found in refine(problem, x, y, rough, a) if found)
    assert is_complete(picture)
    assert len(picture.x) == len(rough.x) == len(picture.y) == 50
    assert np.array_equal(picture.x, rough.x)
    assert any("50 of 160 source and 50 of 120 target points are drawn" in note for note in picture.notes)
    whole = picture.all_points
    places = [int(np.flatnonzero((x == point).all(1))[0]) for point in picture.x]
    assert np.array_equal(whole.x, x)
    assert np.array_equal(whole.force[places], picture.force)
    assert picture.a == pytest.approx(a[places] / a[places].sum())
    if picture.plan is not None:
        assert np.array_equal(whole.map[places], picture.plan.map)
        assert picture.plan.partner.max() < 50
        assert picture.plan.lines_to.max() < 50
        assert picture.plan.lines_share.sum(1).max() <= 1 + 1e-5
    assert points_csv(picture).count(b"\n") == 1 + N + M
    saved = np.load(io.BytesIO(arrays_npz(picture)), allow_pickle=False)
    assert np.array_equal(saved["all_force"], whole.force)


@pytest.mark.parametrize("p", [1, 2])
def test_gradients_are_differences_of_the_divergence(p):
    x, y = KINDS["densities"](np.random.default_rng(0))
    x, y = x[:150], y[:130]
    left, right = torch.tensor(x, requires_grad=True), torch.tensor(y, requires_grad=True)
    otviz.sinkhorn_divergence(left, right, blur=0.4, p=p, scaling=0.98).backward()
    rng = np.random.default_rng(1)
    along = [rng.standard_normal(points.shape) for points in (x, y)]
    step = 1e-4
    ends = [log_domain.divergence(x + s * along[0], y + s * along[1], p, 0.4) for s in (step, -step)]
    slope = sum(float((points.grad.numpy() * way).sum()) for points, way in zip((left, right), along, strict=True))
    assert slope == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=0.02)


def test_points_on_a_line_and_equal_clouds():
    rng = np.random.default_rng(0)
    x, y = rng.random((300, 1)), rng.random((250, 1)) + 2
    found = otviz.transport(x, y, blur=0.02)
    quantiles = (np.arange(1000) + 0.5) / 1000
    in_order = np.square(np.quantile(y, quantiles) - np.quantile(x, quantiles)).mean() / 2  # sorting is optimal
    assert found.cost == pytest.approx(in_order, rel=5e-3)
    assert found.plan is None
    assert found.map.shape == (300, 1)
    assert float(otviz.sinkhorn_divergence(x, x[::-1].copy())) == 0


def test_progress_grows_and_a_solve_can_be_abandoned():
    x, y = KINDS["ring"](np.random.default_rng(0))
    progress, shares = Progress(), []
    problem = Problem(blur=0.1)
    rough = coarse(problem, x, y)
    for found in refine(problem, x, y, rough, progress=progress):
        shares.append(progress.share)
        if found:
            break
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1)
    threads = threading.active_count()
    work = refine(problem, x, y, rough)
    assert next(work) is None
    work.close()
    assert threading.active_count() == threads


def test_progress_corrects_its_guess(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("otviz.core.work.time.monotonic", lambda: now[0])
    progress = Progress()
    progress.expect([1.0, 3.0])
    assert progress.words == ""
    progress.add(20.0)
    now[0] = 5.0
    progress.next_part()
    assert progress.words == "25 %, about 15 s left"
    progress.add(30.0)  # half of the three parts of 20 each
    now[0] = 12.5
    assert progress.share == pytest.approx(0.625)
    assert progress.seconds_left == pytest.approx(7.5)
