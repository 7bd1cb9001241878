"""Short runs to export: three on points, one of them steered midway, and one on images, trained in a host."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from otviz.data.datasets import named as image_set
from otviz.data.distributions import named as distribution
from otviz.methods import named
from otviz.networks import Networks
from otviz.runs.config import RunConfig
from otviz.runs.hosts.host_pool import HostPool
from otviz.runs.run import Run
from otviz.runs.saved.run_store import Store
from otviz.runs.saved.saved_run import SavedRun
from tests.waiting import PATIENCE

SMALL = {"batch_size": 32, "hidden": 16, "layers": 2}


def configs() -> dict[str, RunConfig]:
    """By the label that a page would give them."""
    points = {
        "Sinkhorn generator": (named("sinkhorn")(**SMALL), distribution("ring")(modes=5, weights=(1, 2, 3, 4, 5)), 20),
        "UOTM-SD": (named("uotm-sd")(**SMALL, ema=0.5, schedule="cosine"), distribution("letters")(text="</SCRIPT>"), 60),
        "OT-GAN": (named("ot-gan")(**SMALL), distribution("ring")(), 20),
    }  # fmt: skip
    found = {
        label: RunConfig(method, target, distribution("gaussian")(std=0.5), steps=steps, seed=3, device="cpu")
        for label, (method, target, steps) in points.items()
    }
    digits = RunConfig(
        named("uotm")(batch_size=8, noise_dim=3), image_set("digits")(), steps=20, seed=5, device="cpu",
        networks=Networks(width=8, adversary_width=4),
    )  # fmt: skip
    return {**found, "UOTM": digits}


@pytest.fixture(scope="package")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(tmp_path_factory.mktemp("home") / "runs")


@pytest.fixture(scope="package")
def recorded(store: Store) -> Iterator[dict[str, SavedRun]]:
    """The runs as they were stored, by label."""
    hosts = HostPool(1)
    found = {}
    for label, config in configs().items():
        run = Run(f"run-{config.method.name}", config, save=store.save, hosts=hosts)
        if label == "UOTM-SD":
            steered(run)
        else:
            run.start()
        assert run.wait(PATIENCE)
        assert run.status == "done", run.message
        found[label] = SavedRun.read(store, run.id)
    yield found
    hosts.close()


def steered(run: Run) -> None:
    """Start a run and move a slider after 40 steps."""
    run.do_steps(40)
    run.start()
    end = time.monotonic() + PATIENCE
    while run.status != "paused":
        assert time.monotonic() < end, run.message
        time.sleep(0.02)
    run.retune(tau=0.3)
    run.resume()
