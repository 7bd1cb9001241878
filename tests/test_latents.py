"""The latent space: draws, truncation against SciPy's truncated normal, arcs, walks, and who explains the pixels."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from otviz.checkpoints import latents


def test_the_first_latents_are_the_same_for_every_count() -> None:
    few, many = latents.drawn(3, 10, 4, seed=5), latents.drawn(50, 10, 4, seed=5)
    assert (few.x == many.x[:3]).all()
    assert (few.z == many.z[:3]).all()
    assert few.x.shape == (3, 10)
    assert few.z.shape == (3, 4)
    assert (latents.drawn(3, 10, 4, seed=6).x != few.x).any()


@pytest.mark.parametrize("truncation", [0.3, 1.0, 2.5])
def test_truncated_latents_follow_the_truncated_normal(truncation: float) -> None:
    found = latents.drawn(4000, 4, 2, 0, truncation)
    values = np.concatenate([part.ravel() for part in found])
    assert np.abs(values).max() <= truncation
    assert scipy.stats.kstest(values, scipy.stats.truncnorm(-truncation, truncation).cdf).pvalue > 0.01


def test_a_wide_truncation_changes_nothing_and_a_small_change_changes_little() -> None:
    free, wide = latents.drawn(100, 8, 2, 0), latents.drawn(100, 8, 2, 0, 8.0)
    assert np.abs(free.x - wide.x).max() < 1e-6
    near = [latents.drawn(100, 8, 2, 0, cut).x for cut in (1.0, 1.01)]
    assert np.abs(near[0] - near[1]).max() < 0.02


def test_an_arc_keeps_to_the_shell() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, 500)).astype(np.float32)
    arc = latents.between(a, b, 9)
    assert arc[0] == pytest.approx(a, abs=1e-5)
    assert arc[-1] == pytest.approx(b, abs=1e-5)
    lengths = np.linalg.norm(arc, axis=1)
    assert lengths.min() > 0.95 * min(np.linalg.norm(a), np.linalg.norm(b))
    straight = np.linalg.norm((a + b) / 2)
    assert straight < 0.8 * lengths.min()  # what the arc is there to avoid
    steps = np.linalg.norm(np.diff(arc, axis=0), axis=1)
    assert steps.max() < 1.1 * steps.min()


def test_an_arc_bears_equal_opposite_and_empty_ends() -> None:
    a = np.array([1, 2, 3], np.float32)
    assert latents.between(a, a, 3) == pytest.approx(np.stack([a] * 3))
    assert latents.between(a, -a, 3)[1] == pytest.approx(np.zeros(3), abs=1e-6)
    assert latents.between(np.zeros(0, np.float32), np.zeros(0, np.float32), 4).shape == (4, 0)


@pytest.mark.parametrize("moves", ["both", "x", "z", "crossed"])
def test_a_plane_of_latents_keeps_the_law_of_draws_and_holds_what_does_not_move(moves: str) -> None:
    found = latents.drawn(3, 4000, 3000, seed=1)
    across, down = np.array([0.0, 1.2, 0.7, 0.7]), np.array([0.0, -0.8, 0.9, -1.4])
    x, z = latents.on_plane(found, across, down, moves)
    assert x[0] == pytest.approx(found.x[0], abs=1e-6)
    assert z[0] == pytest.approx(found.z[0], abs=1e-6)
    for values in (*x, *z):  # sums of normal numbers whose weights squared add to 1
        assert scipy.stats.kstest(values, "norm").pvalue > 1e-3
    assert (np.abs(x[1] - x[0]).max() > 0.1) == (moves != "z")
    assert (np.abs(z[1] - z[0]).max() > 0.1) == (moves != "x")
    if moves == "crossed":  # x follows the first number alone, z the second
        assert x[2] == pytest.approx(x[3])
        assert np.abs(z[2] - z[3]).max() > 0.1


def test_crossed_latents_tell_who_explains_the_pixels() -> None:
    found = latents.drawn(5, 3, 3, 0)
    x, z = latents.crossed(found)
    assert (x[:5] == found.x[0]).all()
    assert (z[:5] == found.z).all()
    assert latents.explained(x, 5) == pytest.approx((1, 0, 0), abs=1e-6)
    assert latents.explained(z, 5) == pytest.approx((0, 1, 0), abs=1e-6)
    sides = x / np.sqrt(found.x.var(0).sum()) + 2 * z / np.sqrt(found.z.var(0).sum())
    assert latents.explained(sides, 5) == pytest.approx((0.2, 0.8, 0), abs=1e-5)
    assert latents.explained(np.ones((25, 3), np.float32), 5) is None
    mixed = latents.explained(x * z, 5)
    assert mixed is not None
    assert mixed.both > 0.1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: latents.drawn(0, 3, 3, 0), "n must be 1 or more"),
        (lambda: latents.drawn(1, 3, 3, 0, 0.0), "truncation must be > 0"),
        (lambda: latents.on_plane(latents.drawn(2, 3, 3, 0), np.zeros(1), np.zeros(1)), "through 3 pairs"),
        (lambda: latents.path(latents.drawn(3, 3, 3, 0), 0, 3, 5), "one of 0 to 2; got 3"),
    ],
)
def test_what_cannot_be_drawn_is_told(call, message) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=message):
        call()
