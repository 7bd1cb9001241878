"""`import otviz`: what it offers, without torch until it is used, against POT, closed forms and what was put in."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import ot
import pytest
import torch
from scipy.spatial.distance import cdist

import otviz
from otviz.cli.main import main
from otviz.cli.trained_model import TrainedModel
from otviz.core import files
from otviz.methods.unified import OTM

ROOT = Path(__file__).resolve().parents[1]
QUICK = {"steps": 40, "hidden": 16, "batch_size": 64}


@pytest.fixture(scope="module")
def clouds() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(60, 3)), rng.normal(size=(45, 3)) * 0.5 + [2, 0, 1]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CSV far from the origin, at another scale than networks learn at."""
    points = np.random.default_rng(1).normal([500.0, -20.0], [30.0, 10.0], size=(400, 2))
    path = tmp_path_factory.mktemp("table") / "points.csv"
    np.savetxt(path, points, delimiter=",", header="x,y", comments="")
    return path


@pytest.fixture(scope="module")
def model(table: Path) -> TrainedModel:
    return otviz.train("uotm", table, tau=0.05, seed=3, **QUICK)


def test_names_come_when_they_are_asked_for() -> None:
    program = """
import sys, otviz
assert dir(otviz) == otviz.__all__ and "torch" not in sys.modules
assert "ring" in otviz.distributions.distributions() and "torch" not in sys.modules
import otviz.clouds.problem
assert all(callable(getattr(otviz, name)) for name in ("train", "load", "evaluate", "transport", "sinkhorn_divergence"))
assert otviz.transport([[0.0, 0.0]], [[3.0, 4.0]]).cost == 12.5
assert "uotm" in otviz.methods.methods() and not hasattr(otviz, "teleport")
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_plan_is_that_of_pot(clouds: tuple[np.ndarray, np.ndarray]) -> None:
    x, y = clouds
    found = otviz.transport(x, y, blur=0.7)
    cost = cdist(x, y, "sqeuclidean") / 2
    expected = ot.sinkhorn(
        ot.unif(60), ot.unif(45), cost, 0.49, method="sinkhorn_log", stopThr=1e-13, numItermax=20_000
    )
    assert np.abs(found.plan - expected).max() < 1e-9
    assert found.cost == pytest.approx((expected * cost).sum())
    f, g = found.potentials
    assert np.allclose(found.plan, np.exp((f[:, None] + g - cost) / 0.49) / (60 * 45))
    assert found.marginal_error < 1e-8


def test_with_little_blur_the_cost_is_that_of_the_linear_program(clouds: tuple[np.ndarray, np.ndarray]) -> None:
    x, y = clouds
    a = np.linspace(1, 2, 60) / np.linspace(1, 2, 60).sum()
    found = otviz.transport(x, y, blur=0.01, p=1, a=a)
    assert found.cost == pytest.approx(ot.emd2(a, ot.unif(45), cdist(x, y)), rel=2e-3)
    assert np.allclose(found.plan.sum(1), a)


def test_with_reach_mass_stays_behind_as_in_pot(clouds: tuple[np.ndarray, np.ndarray]) -> None:
    x, y = clouds
    found = otviz.transport(x, y, blur=0.7, reach=1.0)
    a, b, cost = ot.unif(60), ot.unif(45), cdist(x, y, "sqeuclidean") / 2
    expected = ot.unbalanced.sinkhorn_unbalanced(
        a, b, cost, 0.49, 1.0, reg_type="kl", c=np.outer(a, b), stopThr=1e-13, numItermax=20_000
    )
    assert np.abs(found.plan - expected).max() < 1e-8
    assert found.plan.sum() < 0.9


def test_the_divergence_of_a_shifted_cloud_is_half_the_squared_shift(clouds: tuple[np.ndarray, np.ndarray]) -> None:
    x, shift = clouds[0], np.array([1.0, -2.0, 0.5])
    assert float(otviz.sinkhorn_divergence(x, x + shift, blur=0.3)) == pytest.approx(shift @ shift / 2, rel=1e-3)
    assert float(otviz.sinkhorn_divergence(x, x)) == 0
    moving = torch.tensor(x, requires_grad=True)
    otviz.sinkhorn_divergence(moving, torch.tensor(x + shift), blur=0.3).backward()
    assert moving.grad is not None
    assert np.allclose(moving.grad.numpy(), -shift / 60, atol=1e-3)


def test_samples_have_the_units_of_the_file(model: TrainedModel) -> None:
    samples = model.sample(2000)
    assert samples.shape == (2000, 2)
    # 40 steps: the cloud is where the data are, within some of their standard deviations (30 and 10)
    assert np.abs(samples.mean(0) - [500, -20]).max() < 60
    assert (model.sample(50, seed=1) != samples[:50]).any()
    assert (model.sample(50, seed=1) == model.sample(50, seed=1)).all()


def test_metrics_are_distances_of_its_samples(model: TrainedModel, table: Path) -> None:
    found = model.metrics(1000)
    assert found["samples"] == 1000
    real = np.loadtxt(table, delimiter=",", skiprows=1)
    expected = np.sqrt(ot.emd2(ot.unif(1000), ot.unif(400), cdist(model.sample(1000), real, "sqeuclidean")))
    assert found["w2"] == pytest.approx(expected, rel=0.15)  # other samples of both sides
    assert otviz.evaluate(model, 1000) == found


def test_what_is_saved_is_loaded(model: TrainedModel, tmp_path: Path) -> None:
    loaded = otviz.load(model.save(tmp_path / "saved"))
    assert (loaded.sample(20) == model.sample(20)).all()
    assert loaded.config == model.config
    assert (loaded.config.steps, loaded.config.seed, loaded.config.method.tau) == (40, 3, 0.05)


def test_an_array_is_learned_like_its_file(
    model: TrainedModel, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTVIZ_HOME", str(tmp_path))
    points = np.loadtxt(table, delimiter=",", skiprows=1)
    again = otviz.train("uotm", points, tau=0.05, seed=3, **QUICK)
    assert np.allclose(again.sample(50), model.sample(50), rtol=1e-3)


def test_the_picture_shows_target_and_samples(model: TrainedModel) -> None:
    target, generated = model.plot(200).data
    assert (target.name, generated.name) == ("target", "generated")
    assert np.allclose(np.c_[generated.x, generated.y], model.sample(200))
    assert abs(np.mean(target.x) - 500) < 10


def test_a_shipped_image_model_is_loaded_by_name() -> None:
    model = otviz.load("digits-uotm")
    assert model.sample(5).shape == (5, 64)
    assert np.abs(model.sample(5)).max() <= 1
    assert model.plot(9).data[0].z.shape == (2 * 9 - 1, 8 * 9 - 1, 3)


def test_a_failed_training_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(_self: OTM, generator: Any, _adversary: Any, batch: Any, _s: Any) -> torch.Tensor:
        return generator(batch.source, batch.noise).mean() * float("nan")

    monkeypatch.setattr(OTM, "generator_loss", breaks)
    with pytest.raises(RuntimeError, match="NaN or infinite at step 1"):
        otviz.train("otm", "ring", **QUICK)


def test_an_installed_package_says_what_lies_beside_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(files, "CHECKPOINTS", tmp_path)
    assert main(["record"]) == 2
    assert "python -m pip install -e ." in capsys.readouterr().err
    with pytest.raises(ValueError, match="not part of an installed package"):
        otviz.load("mnist8-nothing")


def test_the_package_is_described_completely() -> None:
    """What setuptools installs: every file in otviz, the command, and lists of requirements that it can read."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = project["tool"]["setuptools"]["package-data"]["otviz"]
    folder = ROOT / "otviz"
    data = {path for path in folder.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")}
    assert data == {path for pattern in patterns for path in folder.glob(pattern)}
    assert project["project"]["scripts"] == {"otviz": f"{main.__module__}:{main.__name__}"}
    dynamic = project["tool"]["setuptools"]["dynamic"]
    assert dynamic["version"] == {"attr": "otviz.core.__version__"}
    for extra in (dynamic["dependencies"], *dynamic["optional-dependencies"].values()):
        lines = [line for name in extra["file"] for line in (ROOT / name).read_text(encoding="utf-8").split()]
        assert lines
        assert all(re.fullmatch(r"[\w-]+==[\w.]+", line) for line in lines)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: otviz.train("uotm", "ring", speed=3), "uotm has no setting 'speed'; it has .*tau"),
        (lambda: otviz.train("uotn", "ring"), "method must be one of .*uotm"),
        (lambda: otviz.train("uotm", "rong"), "distribution must be one of"),
        (lambda: otviz.train("uotm", np.zeros((5, 3))), r"points must have shape \(n, 2\); got \(5, 3\)"),
        (lambda: otviz.train("uotm", "ring", steps=0), "steps must be"),
        (lambda: otviz.load("nowhere"), "there is no checkpoint, no run and no folder"),
        (lambda: otviz.evaluate("ring-uotm-sd", 3), "n must be 6 to 100,000; got 3"),
        (lambda: otviz.transport([[0.0, 0]], [[1.0, 0, 0]]), "samples must have shapes"),
        (lambda: otviz.transport([[0.0, 0]], [[np.nan, 0]]), "points must be finite"),
        (lambda: otviz.sinkhorn_divergence([[0.0, 0]], [[1.0, 0]], blur=0), "blur must be > 0"),
    ],
)
def test_errors_say_what_to_do(call: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()  # type: ignore[operator]
