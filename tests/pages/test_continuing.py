"""From a model of the gallery to a run on the Images page that begins with its weights."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from asking import address, words
from image_model import digits_config, made
from streamlit.testing.v1 import AppTest

from otviz.checkpoints.models import load
from otviz.runs.branches import from_weights
from otviz.runs.registry import Registry
from pages._ui.controls import image_setup
from pages._ui.gallery import gallery_view
from pages._ui.shell import leases
from pages._ui.shell.links import plain
from pages._ui.train import start_from_model
from tests.waiting import PATIENCE

NAME = "digits-test"


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shelf")
    made(folder / NAME, steps=40, lr=2e-3)
    return folder


@pytest.fixture(autouse=True)
def registry(checkpoints: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    monkeypatch.setenv("OTVIZ_HOME", str(tmp_path))
    monkeypatch.setenv("OTVIZ_GRACE", "600")
    monkeypatch.setattr(gallery_view, "CHECKPOINTS", checkpoints)
    gallery_view.load_cards.clear()
    leases.registry.clear()
    yield leases.registry()
    leases.registry().close()
    leases.registry.clear()
    gallery_view.load_cards.clear()


@pytest.fixture
def app(alone: None) -> AppTest:
    """The page itself."""
    path = Path(__file__).resolve().parents[2] / "pages" / "4_images.py"
    return AppTest.from_file(str(path), default_timeout=PATIENCE)


def open_images(app: AppTest, **query: str) -> AppTest:
    for key, text in query.items():
        app.query_params[key] = text
    app.run()
    assert not app.exception
    return app


def settings(checkpoints: Path) -> dict[str, str]:
    values = image_setup.address(load(checkpoints / NAME).config, "")
    del values["run"]
    return {**values, start_from_model.FROM: NAME}


def press(app: AppTest, label: str) -> AppTest:
    next(button for button in app.button if button.label == label).click().run()
    assert not app.exception
    return app


def test_a_branch_begins_with_the_images_of_the_model(checkpoints: Path) -> None:
    model = load(checkpoints / NAME)
    branch = from_weights(model.config, model.network.state_dict(), "of a test")
    assert branch.restored is not None
    training = branch.config.training_from((branch.restored.tensors, branch.restored.text))
    assert training.step == 0
    x, z = (torch.from_numpy(part) for part in model.latents(5))
    for averaged in (True, False):
        assert np.allclose(training.generate(x, z, averaged=averaged), model.generate(x.numpy(), z.numpy()), atol=1e-5)
    fresh = model.config.begin("cpu")
    assert fresh.adversary is not None
    assert training.adversary is not None
    pairs = zip(fresh.adversary.parameters(), training.adversary.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs), "the critic starts anew"


def test_weights_of_other_networks_are_refused(checkpoints: Path) -> None:
    model = load(checkpoints / NAME)
    with pytest.raises(ValueError, match="do not fit these networks"):
        from_weights(digits_config(noise_dim=5), model.network.state_dict(), "of a test")


def test_the_page_says_what_it_begins_with_and_trains_from_there(
    app: AppTest, checkpoints: Path, registry: Registry
) -> None:
    open_images(app, **{**settings(checkpoints), "steps": "200000"})
    assert not app.warning
    assert "the generator begins with its weights" in app.info[0].value
    assert "start anew" in app.info[0].value
    assert address(app)["from"] == NAME
    press(app, "Train")
    run = registry.runs()[0]
    assert "from" not in address(app)
    assert run.origin == "of uotm for a test"
    end = time.monotonic() + PATIENCE
    while not run.snapshots and time.monotonic() < end:
        time.sleep(0.05)
    assert run.snapshots[0].step == 0
    model = load(checkpoints / NAME)
    fresh = model.config.begin("cpu")
    x, z = (torch.from_numpy(part) for part in model.latents(50))
    far = np.abs(fresh.generate(x, z).numpy() - model.generate(x.numpy(), z.numpy())).mean()
    first = run.snapshots[0].generated / 127.5 - 1
    there = model.sample(64).mean(0)
    assert np.abs(first.mean(0) - there).mean() < far / 2, "images of the model, not of fresh weights"
    run.stop()


def test_one_may_begin_afresh(app: AppTest, checkpoints: Path) -> None:
    open_images(app, **settings(checkpoints))
    press(app, "Begin with fresh weights instead")
    assert not app.info
    assert "from" not in address(app)
    assert "Press **Train**" in words(app)


def test_networks_that_were_changed_are_told(app: AppTest, checkpoints: Path, registry: Registry) -> None:
    open_images(app, **{**settings(checkpoints), "noise_dim": "7"})
    press(app, "Train")
    assert plain("do not fit these networks") in app.error[0].value
    assert not registry.runs()


def test_a_model_that_is_not_there_is_told(app: AppTest) -> None:
    open_images(app, **{"from": "../../etc"})
    assert plain("There is no model '../../etc' in the gallery") in app.warning[0].value
    assert "Press **Train**" in words(app)
