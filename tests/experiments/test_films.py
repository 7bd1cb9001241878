"""Trajectories are cached and read again, measured from their points alone, and end where they are not finite."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from otviz.data.distributions.ring import Ring
from otviz.experiments import cached_trainings, trajectories
from otviz.experiments.trainings import trained
from otviz.experiments.trajectories import LAST, POINTS, Trajectory, measured, trajectory
from otviz.methods import named
from otviz.runs.config import RunConfig
from otviz.training.loop import Training

RING = Ring(radius=2.0, std=0.1)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OTVIZ_HOME", str(tmp_path))
    return tmp_path


def config(steps: int = 40) -> RunConfig:
    return RunConfig(named("uotm")(), RING, steps=steps, seed=1, device="cpu")


def made(points: np.ndarray, losses: np.ndarray, steps: int = 40) -> Trajectory:
    """A trajectory of a run whose every look shows these points."""
    looks = np.arange(steps + 1)
    return Trajectory(looks, np.repeat(points[None], steps + 1, 0), np.linspace(1, 2, steps + 1), losses)


def drawn(rng: np.random.Generator) -> np.ndarray:
    """Points on the eight modes in equal shares, and one in ten in the middle."""
    points = RING.mixture().centres[np.arange(POINTS) % 8] + 0.05 * rng.standard_normal((POINTS, 2))
    points[::10] = 0.01 * rng.standard_normal((POINTS // 10, 2))
    return points.astype(np.float32)


def test_a_film_is_kept_and_comes_back_as_it_was(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = trajectory(config())
    monkeypatch.setattr(trajectories, "_begun", lambda config: pytest.fail("it was trained again"))
    again = trajectory(config())
    assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip(first, again, strict=True))
    assert first.points.shape == (41, POINTS, 2)
    assert first.losses.shape == (40, 2)


def test_a_damaged_film_is_played_again(home: Path) -> None:
    first = trajectory(config())
    path = next((home / "experiments" / "films").glob("*.npz"))
    path.write_bytes(b"PK\x03\x04 broken")
    assert np.array_equal(trajectory(config()).points, first.points)


def test_a_killed_training_goes_on_from_its_last_save_to_the_same_numbers(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = trajectory(config())
    (path,) = (home / "experiments" / "films").glob("*.npz")
    path.unlink()
    monkeypatch.setattr(cached_trainings, "SAVE_SECONDS", 0.0)
    scale, begun, steps = trajectories._scale, trajectories._begun, []

    def killed(training: Training, y: object) -> float:
        steps.append(training.step)
        if len(steps) == 30:
            raise KeyboardInterrupt
        return scale(training, y)  # type: ignore[arg-type]

    monkeypatch.setattr(trajectories, "_scale", killed)
    with pytest.raises(KeyboardInterrupt):
        trajectory(config())
    assert steps == list(range(30))
    assert not path.exists()
    again = trajectory(config())
    assert steps[30] == 29, "snapshots are not taken twice"
    assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip(whole, again, strict=True))
    assert {each.suffix for each in path.parent.iterdir()} == {".npz", ".lock"}
    path.unlink()
    path.with_suffix(".unfinished").write_bytes(b"damaged")
    monkeypatch.setattr(trajectories, "_scale", scale)
    assert np.array_equal(trajectory(config()).points, whole.points)
    assert begun(config()).step == 0


def test_its_scores_are_those_of_its_points() -> None:
    points = drawn(np.random.default_rng(0))
    found = measured(made(points, np.zeros((40, 2), np.float32)), config())
    assert found["high_quality"] == pytest.approx(0.9, abs=0.01)
    assert found["modes_covered"] == 8
    # each mode has 125 of 1000 less its share of the hundred that were moved: modes 0, 2, 4, 6 lose 25 each
    assert found["least_mode"] == pytest.approx(100 / 125, abs=0.02)
    assert found["scale"] == pytest.approx(np.linspace(1, 2, 41)[-LAST:].mean())


def test_its_distance_is_how_far_its_points_lie() -> None:
    moved = drawn(np.random.default_rng(0)) + np.float32([30, 40])
    found = measured(made(moved, np.zeros((40, 2), np.float32)), config())
    assert found["w2"] == pytest.approx(50, abs=0.5), "moved by (30, 40)"
    assert found["precision"] == found["recall"] == 0
    assert 0 < float(found["w2_floor"]) < 1


def test_the_spread_of_the_loss_leaves_its_trend_out() -> None:
    steps = 4000
    rng = np.random.default_rng(0)
    losses = np.zeros((steps, 2), np.float32)
    losses[:, 0] = np.linspace(100, 0, steps) + np.where(np.arange(steps) < 3000, 0.5, 2.0) * rng.standard_normal(steps)
    found = made(np.zeros((POINTS, 2), np.float32), losses)
    assert found.spread(0.25, 0.5) == pytest.approx(0.5, rel=0.1)
    assert found.spread(0.75, 1) == pytest.approx(2, rel=0.1)
    assert found.level(0.75, 1) == pytest.approx(12.5, abs=0.2)


def test_what_is_not_finite_is_left_out() -> None:
    points = drawn(np.random.default_rng(0))
    losses = np.zeros((40, 2), np.float32)
    losses[30:] = np.inf
    ended = Trajectory(np.arange(21), np.repeat(points[None], 21, 0), np.ones(21), losses)
    found = measured(ended, config())
    assert (found["kind"], found["stability"]) == ("not judged", "unstable")
    assert "w2" not in found
    assert "loss_spread" not in found
    assert found["loss_spread_early"] == 0


def test_trainings_have_a_verdict_and_numbers_under_their_keys() -> None:
    found = trained({"a": named("uotm")(), "b": named("ot-gan")()}, 5000, 0, True)
    assert {"a", "b", "a_w2", "b_least_mode", "b_scale"} <= set(found)
    assert float(found["b_scale"]) > 0
