"""The report's figures on scikit-learn's digits instead of MNIST, and on made-up losses and images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from otviz.cli.main import main
from otviz.data.datasets.mnist import Mnist
from otviz.experiments import experiments, named
from otviz.experiments.claims.report_figures import _rank_correlation
from otviz.experiments.experiment_job import measure_seed
from otviz.experiments.image_trajectories import SCORES, ImageTrajectory, image_trajectory, report_config, roughness

FIGURES = ("four-epochs", "mlp-or-cnn", "small-batches", "small-epsilon", "tau-on-images")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OTVIZ_HOME", str(tmp_path))
    monkeypatch.delenv("OTVIZ_DATA", raising=False)
    return tmp_path


@pytest.mark.usefixtures("digits")
@pytest.mark.parametrize("name", FIGURES)
def test_a_quick_run_is_finite_and_keeps_its_album(name: str, home: Path) -> None:
    assert named(name).unavailable_reason() == ""
    found = measure_seed(name, 0, True)
    assert {number.key for number in experiments()[name].numbers} <= set(found.values)
    assert all(np.isfinite(float(value)) for value in found.values.values())
    assert list((home / "experiments" / "albums").glob("*.npz"))
    assert measure_seed(name, 0, True).values == found.values


@pytest.mark.parametrize("name", FIGURES)
def test_without_mnist_one_sentence_says_so(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def nothing(self: Mnist, which: str) -> None:
        raise ValueError("no connection")

    monkeypatch.setattr(Mnist, "read", nothing)
    assert main(["experiment", name, "--seeds", "1", "--quick"]) == 0
    said = capsys.readouterr()
    assert "NOT MEASURED" in said.out
    assert "not measured: MNIST is not on this machine; set OTVIZ_DATA" in said.out
    assert "Traceback" not in said.err


def test_the_settings_are_those_of_the_report() -> None:
    method = report_config("mnist8-ot-gan-epoch-4", 3).method
    knobs = method.as_dict()
    told = {"epsilon": 1.0, "iterations": 50, "batch_size": 32, "n_gen": 5, "lr": 1e-4, "adversary_lr": 1e-4,
            "noise_dim": 16, "features": 16, "cost": "cosine"}  # fmt: skip
    assert {key: knobs[key] for key in told} == told
    assert report_config("mnist8-ot-gan-epoch-4", 3).seed == 3
    assert report_config("mnist8-ot-gan-batch-8", 0).method.as_dict()["batch_size"] == 8
    assert report_config("mnist8-ot-gan-epsilon", 0).method.as_dict()["epsilon"] == 0.01


def test_losses_of_epochs_and_their_spread() -> None:
    steps = np.array([0, 1000, 2000, 3000, 4000])  # two epochs
    rng = np.random.default_rng(0)
    trend = np.concatenate([np.linspace(10, 2, 2000), np.full(2000, 1.0)])
    noise = np.concatenate([np.full(2000, 0.5), np.full(2000, 0.1)]) * rng.standard_normal(4000)
    losses = (trend + noise).astype(np.float32)
    losses[0] = np.nan
    made = ImageTrajectory(steps, np.zeros((5, 1, 1, 2, 2), np.uint8), np.arange(25.0).reshape(5, len(SCORES)), losses)
    assert made.loss(0, 1) == pytest.approx(6, abs=0.1)
    assert made.loss(1, 2) == pytest.approx(1, abs=0.01)
    assert made.spread(0, 1) == pytest.approx(0.5, rel=0.1), "the fall itself is no spread"
    assert made.spread(1, 2) == pytest.approx(0.1, rel=0.1)
    assert made.score("frechet", 1) == 10
    assert made.score("recall", 2) == 22


def test_roughness_of_a_checkerboard_and_a_plain_image() -> None:
    board = (255 * (np.indices((8, 8)).sum(0) % 2)).astype(np.uint8)[None, None]
    assert roughness(board) == pytest.approx(4), "from -1 to 1 everywhere"
    assert roughness(np.full((2, 1, 8, 8), 77, np.uint8)) == 0


def test_rank_correlation() -> None:
    assert _rank_correlation([1, 2, 3, 9], [2, 3, 4, 100]) == pytest.approx(1)
    assert _rank_correlation([1, 2, 3, 4], [4, 3, 2, 1]) == pytest.approx(-1)


@pytest.mark.usefixtures("digits")
def test_a_damaged_album_is_made_again(home: Path) -> None:
    first = image_trajectory(report_config("mnist8-ot-gan-mlp", 0), quick=True)
    path = next((home / "experiments" / "albums").glob("*.npz"))
    path.write_bytes(b"PK\x03\x04 broken")
    assert np.array_equal(image_trajectory(report_config("mnist8-ot-gan-mlp", 0), quick=True).scores, first.scores)
