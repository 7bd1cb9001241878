"""What can be carried away from a run: it opens elsewhere."""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest
from safetensors.numpy import load

from otviz.data.distributions import named as distribution
from otviz.methods import named
from otviz.runs.config import RunConfig
from otviz.runs.run import Run
from otviz.runs.saved import run_files
from tests.waiting import PATIENCE


@pytest.fixture(scope="module")
def run() -> Run:
    method = named("uotm-sd")(hidden=16, layers=2, batch_size=32, ema=0.5, schedule="cosine")
    target = distribution("ring")(modes=5, weights=(1, 2, 3, 4, 5))
    config = RunConfig(method, target, distribution("gaussian")(std=0.5), steps=80, seed=3, device="cpu")
    run = Run("exported", config).start()
    assert run.wait(PATIENCE)
    return run


def test_history(run: Run) -> None:
    rows = list(csv.DictReader(io.StringIO(run_files.history_csv(run.losses()))))
    assert [int(row["step"]) for row in rows] == list(range(1, 81))
    back = np.array([[row["generator_loss"], row["adversary_loss"]] for row in rows], dtype=np.float32)
    assert np.array_equal(back, run.losses()), "to the bit"


def test_history_without_adversary() -> None:
    text = run_files.history_csv(np.array([[0.5, np.nan]], np.float32))
    assert text == "step,generator_loss,adversary_loss\n1,0.5,nan\n"


def test_weights_are_those_shown(run: Run) -> None:
    found = load(run_files.weights(run.live.training))
    for name, value in run.live.training.eval_generator.state_dict().items():
        assert np.array_equal(found[name], value.numpy())


def test_config(run: Run) -> None:
    assert RunConfig.from_record(json.loads(run_files.config_json(run.config))) == run.config


def test_samples(run: Run) -> None:
    text = run_files.samples_csv(run.snapshots[-1])
    assert text.startswith("x,y\n")
    back = np.loadtxt(io.StringIO(text), delimiter=",", skiprows=1)
    assert back == pytest.approx(run.snapshots[-1].generated, rel=1e-5, abs=1e-6)  # six digits are written
