"""The claims of two papers on images, with equal budgets: on digits and on made-up pictures in place of the sets."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest

from otviz.cli.main import main
from otviz.data.datasets.cifar import Cifar10
from otviz.data.datasets.image_set import Images
from otviz.data.datasets.published import Published
from otviz.experiments import Outcome, image_trajectories, named
from otviz.experiments.claims import batches_on_cifar10 as batches
from otviz.experiments.claims import cost_and_recall_on_images as table
from otviz.experiments.experiment_job import measure_seed
from otviz.methods.ot_gan import OTGAN
from otviz.methods.unified import Unified


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without data, short trainings, and no downloads."""
    monkeypatch.setenv("OTVIZ_HOME", str(tmp_path))
    monkeypatch.delenv("OTVIZ_DATA", raising=False)
    monkeypatch.setattr(image_trajectories, "QUICK_STEPS", 2)

    def nothing(self: Published, which: str) -> None:
        raise ValueError("no connection")

    monkeypatch.setattr(Published, "read", nothing)
    return tmp_path


@pytest.fixture
def pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Noise in place of CIFAR-10."""

    def read(self: Cifar10, which: str) -> Images:
        rng = np.random.default_rng(which == "train")
        return Images(rng.integers(0, 256, (300, 3, 32, 32), dtype=np.uint8), np.arange(300) % 10)

    monkeypatch.setattr(Cifar10, "read", read)


@pytest.mark.usefixtures("digits")
def test_a_set_that_is_not_there_is_left_out_and_named() -> None:
    each = named(table.CostAndRecallOnImages.name)
    assert each.unavailable_reason() == ""
    found = measure_seed(each.name, 0, True)
    assert found.values["left_out"] == "CIFAR-10, MNIST, Fashion-MNIST"
    measured = {name for name in each.keys if name.startswith("mnist8-")}
    assert set(found.values) == {*measured, "left_out"}
    assert len(measured) == 16
    assert all(math.isfinite(float(found.values[name])) for name in measured)
    assert measure_seed(each.name, 0, True).values == found.values
    findings = each.judge([found]).findings
    assert [finding.asked and "no seed measured it" in finding.evidence for finding in findings] == [
        finding.says.partition(":")[0] != "MNIST 8 x 8" for finding in findings
    ]
    assert each.judge([found]).word == "cannot be told", "the main part is of CIFAR-10"


@pytest.mark.usefixtures("pictures")
def test_a_quick_run_of_batches_is_finite_and_kept(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "NETWORKS", {**batches.NETWORKS, "width": 4, "adversary_width": 4})
    found = measure_seed("batches-on-cifar10", 0, True)
    assert named("batches-on-cifar10").keys == set(found.values)
    assert all(math.isfinite(float(value)) for value in found.values.values())
    kept = len(list((home / "experiments" / "last-images").glob("*.npz")))
    assert kept == len(batches.RUNS) - 1, "two steps of 32 are the same in two of them"
    assert measure_seed("batches-on-cifar10", 0, True).values == found.values


@pytest.mark.parametrize(
    ("name", "title"), [("cost-and-recall-on-images", "MNIST"), ("batches-on-cifar10", "CIFAR-10")]
)
def test_without_its_images_one_sentence_says_so(name: str, title: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["experiment", name, "--seeds", "1", "--quick"]) == 0
    assert f"not measured: {title} is not on this machine; set OTVIZ_DATA" in capsys.readouterr().out


@pytest.mark.parametrize("target", table.SETS)
def test_methods_have_equal_budgets_and_differ_in_cost_and_convex_function_alone(target: str) -> None:
    configs = {method: table.config_of(target, method, 1) for method in table.METHODS}
    one = configs["uotm"]
    for method, config in configs.items():
        assert dataclasses.replace(config, method=one.method) == one, "steps, seed, networks, decay"
        other = config.method.as_dict()
        shared = {key: value for key, value in one.method.as_dict().items() if key in other and key != "tau"}
        assert {key: other[key] for key in shared} == shared
        assert isinstance(config.method, Unified)
        assert (config.method.scalars(0)["tau"] > 0) == (method in table.PAIRS)
        assert (config.method.conjugates()[0] == "softplus") == method.startswith("uotm")


def test_every_training_sees_its_number_of_images() -> None:
    for key, (size, matching, images, _) in batches.RUNS.items():
        config = batches.config_of(key, 2)
        assert isinstance(config.method, OTGAN)
        assert (config.method.batch_size, config.method.matching, config.seed) == (size, matching, 2)
        assert 0 <= images - config.steps * config.method.rows < config.method.rows
        spanned = size / (1 - config.method.ema)
        assert spanned == pytest.approx(batches.EMA_BATCH / (1 - batches.EMA), rel=0.05)


@pytest.mark.usefixtures("digits")
def test_a_training_that_diverges_has_no_scores(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(training: object, n: int, seed: int) -> np.ndarray:
        return np.full((n, 64), np.nan, np.float32)

    monkeypatch.setattr(image_trajectories, "generated", broken)
    assert image_trajectories.last_scores(table.config_of("mnist8", "wgan", 5), quick=True) == {}


def outcome(**distances: float) -> Outcome:
    values = {f"{key.replace('_', '-')}_frechet": value for key, value in distances.items()}
    recalls = {name.replace("frechet", "recall"): 1 / value for name, value in values.items()}
    return Outcome(0, {**values, **recalls}, 1.0)


def test_the_parts_ask_for_the_order_that_is_claimed() -> None:
    each = named("batches-on-cifar10")
    as_claimed = outcome(b32=9.0, b128=6.0, b512=4.0, random_128=12.0, b32_steps=10.0)
    assert all(part.found([as_claimed], True).against == () for part in each.parts)
    reverse = outcome(b32=4.0, b128=6.0, b512=9.0, random_128=3.0, b32_steps=5.0)
    assert all(part.found([reverse], True).against == (0,) for part in each.parts)


def test_uotm_is_the_best_only_if_no_other_is_nearer() -> None:
    each, best = named("cost-and-recall-on-images"), "CIFAR-10: UOTM has the lowest Fréchet distance of the four"
    (part,) = (part for part in each.parts if part.says == best)
    values = {
        "cifar10-uotm_frechet": 5.0,
        "cifar10-uotm-no-cost_frechet": 7.0,
        "cifar10-otm_frechet": 6.0,
        "cifar10-wgan_frechet": 9.0,
    }
    assert part.found([Outcome(0, values, 1.0)], True).against == ()
    assert part.found([Outcome(0, values | {"cifar10-wgan_frechet": 4.9}, 1.0)], True).against == (0,)
    lacking = {key: value for key, value in values.items() if "otm_" not in key or "uotm" in key}
    assert part.found([Outcome(0, lacking, 1.0)], True).against == (0,), "a missing method is no evidence"
