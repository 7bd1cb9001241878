"""The Images page without a browser: links good and bad, runs found and refused, everything under the picture."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from asking import address, words
from PIL import Image
from streamlit.testing.v1 import AppTest

from otviz import methods
from otviz.checkpoints.sample_map import real_plane
from otviz.data.datasets import named, store_upload, to_pixels, to_rows
from otviz.data.distributions import named as distribution
from otviz.networks import Networks
from otviz.runs.config import RunConfig
from otviz.runs.registry import Registry
from otviz.runs.snapshots import Snapshot
from otviz.training.presets import preset
from pages._ui.controls import fetching, image_setup
from pages._ui.player import live_map
from pages._ui.shell import leases
from pages._ui.shell.links import plain
from tests.waiting import PATIENCE

DIGITS = named("digits")()
SMALL = Networks(width=8, adversary_width=4)


@pytest.fixture(autouse=True)
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    monkeypatch.setenv("OTVIZ_HOME", str(tmp_path))
    monkeypatch.setenv("OTVIZ_DATA", str(tmp_path / "no data"))
    monkeypatch.setenv("OTVIZ_GRACE", "600")
    leases.registry.clear()
    image_setup._problem.clear()  # type: ignore[attr-defined]
    yield leases.registry()
    leases.registry().close()
    leases.registry.clear()


def config(steps: int = 100_000, **knobs: Any) -> RunConfig:
    method = preset("uotm", DIGITS).applied(methods.named("uotm"), **{"batch_size": 8, **knobs})
    return RunConfig(method, DIGITS, steps=steps, networks=SMALL)


def open_page(app: AppTest, page: str = "4_images", **query: str) -> AppTest:
    app.switch_page(f"pages/{page}.py")
    for key, text in query.items():
        app.query_params[key] = text
    app.run()
    assert not app.exception
    return app


def archive() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        for k in range(20):
            picture = io.BytesIO()
            Image.fromarray(np.full((9, 9, 3), 12 * k, np.uint8)).save(picture, "PNG")
            file.writestr(f"{k}.png", picture.getvalue())
    return out.getvalue()


def test_the_digits_are_ready_with_their_preset(app: AppTest) -> None:
    open_page(app)
    assert address(app) == {}
    assert app.button[0].label == "Train"
    assert not app.button[0].disabled
    assert "1,541 training and 256 test images" in words(app).replace("\\", "")
    tau = next(slider for slider in app.select_slider if slider.label == "Transport cost τ")
    assert tau.value == preset("uotm", DIGITS).method["tau"]


BAD = {
    "method": ("uotm-xd", "method must be one of"),
    "tau": ("1e9", "tau must be a number from 0 to"),
    "target": ("mnist9", "target must be one of"),
    "network.width": ("3", "network.width must be"),
    "network.generator": ("cnn<script>", "network.generator must be one of"),
    "precision": ("float8", "precision must be one of"),
    "steps": ("0", "steps must be a whole number from 1 to"),
    "hidden": ("64", "'hidden' is no setting of this page"),
}


@pytest.mark.parametrize(
    "bad",
    [
        BAD,
        {"run": ("../../etc/passwd", "a run id has 3 to 80 characters from a-z, 0-9 and -")},
        {"run": ("unknown", "there is no saved run 'unknown'")},
    ],
    ids=["settings", "path", "unknown"],
)
def test_what_a_link_cannot_mean_is_said_once(app: AppTest, bad: dict[str, tuple[str, str]]) -> None:
    open_page(app, **{key: text for key, (text, _) in bad.items()})
    (warning,) = app.warning
    assert [warning.value.count(plain(sentence)) for _, sentence in bad.values()] == [1] * len(bad)
    assert address(app) == {}
    assert not app.button[0].disabled


def test_networks_that_cannot_be_built_are_refused_in_a_sentence(app: AppTest) -> None:
    open_page(app, **{"network.from_source": "False", "noise_dim": "0"})
    assert "a generator without x needs noise z" in words(app).replace("\\", "")
    assert app.button[0].disabled


def test_the_page_starts_with_mnist_where_it_is_at_hand(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("otviz.data.datasets.download.urlopen", _offline)
    monkeypatch.setattr(type(named("mnist")()), "is_at_hand", lambda _: True)
    open_page(app)
    assert address(app) == {"target": "mnist"}
    app.session_state["images:target"] = "digits"
    app.run()
    assert address(app) == {}  # and stays there
    app.run()
    assert address(app) == {}


def test_the_live_map_shows_each_image_of_a_snapshot_among_real_ones() -> None:
    rows = to_rows(DIGITS.split("train").pixels[:5])
    pixels = DIGITS.split("train").pixels[:5].reshape(5, -1)
    look = Snapshot(0, 10, 0.1, 1.0, pixels, None, None, None, 0.0, 0.0, None, {"frechet": 3.0})
    real, (placed,) = live_map.real_points(DIGITS), live_map.with_places([look], DIGITS)
    assert real is not None
    assert len(real.places) == 2 * 240  # whole rows of a sheet of 256
    assert [name for name, *_ in real.names] == list("0123456789")
    assert placed.meter["frechet"] == 3.0
    expected = real_plane(DIGITS).place(to_pixels(rows, DIGITS.shape)).ravel()
    assert placed.meter["places"] == pytest.approx(expected, abs=1e-3)


def test_images_that_are_missing_are_offered_for_download_and_the_digits_instead(
    app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("otviz.data.datasets.download.urlopen", _offline)
    fetching._desk.clear()  # type: ignore[attr-defined]
    open_page(app, target="mnist", method="wgan-gp")
    assert "MNIST is not on this computer yet: 11.6 MB." in words(app).replace("\\", "")
    assert app.button[0].disabled
    _press(app, "Download MNIST")
    fetching._desk().jobs["mnist"].wait(PATIENCE)
    app.run()
    assert "could not be downloaded (Network is unreachable): put t10k-images" in words(app).replace("\\", "")
    _press(app, "Take Digits 8 x 8 instead")
    assert not app.exception
    assert address(app) == {"method": "wgan-gp"}
    assert not app.button[0].disabled


def _press(app: AppTest, label: str) -> None:
    next(button for button in app.button if button.label == label).click().run()


def _offline(*_: object, **__: object) -> None:
    raise OSError("Network is unreachable")


def test_ones_own_images_are_chosen_by_their_name_and_no_path_is(app: AppTest) -> None:
    name = store_upload(archive(), "mine.zip")
    open_page(app, target="folder", **{"target.file": name, "target.size": "16", "target.colour": "grey"})
    assert address(app) == {"target": "folder", "target.file": name, "target.size": "16", "target.colour": "grey"}
    assert "20 images read" in words(app)
    assert not app.button[0].disabled


@pytest.mark.parametrize("file", ["/etc/passwd", "upload:../../x"])
def test_a_link_cannot_name_a_file_of_the_server(app: AppTest, file: str) -> None:
    open_page(app, target="folder", **{"target.file": file})
    assert app.button[0].disabled
    assert "images read" not in words(app)


def test_knobs_moved_here_and_elsewhere_reach_the_run(app: AppTest, registry: Registry) -> None:
    run = registry.submit(config())
    open_page(app, run=run.id)
    tau = next(slider for slider in app.select_slider if slider.label == "Transport cost τ")
    tau.set_value(0.1).run()
    assert run.config.method.as_dict()["tau"] == 0.1
    run.retune(lr=1e-4)
    app.run()
    assert address(app)["lr"] == "0.0001"
    run.stop()


def test_a_link_with_a_run_alone_brings_its_settings(app: AppTest, registry: Registry) -> None:
    run = registry.submit(config(tau=0.3))
    open_page(app, run=run.id)
    assert address(app) == {
        "run": run.id, "tau": "0.3", "batch_size": "8", "steps": "100000",
        "network.width": "8", "network.adversary_width": "4",
    }  # fmt: skip
    run.stop()


def test_what_cannot_change_in_a_run_starts_it_again(app: AppTest, registry: Registry) -> None:
    run = registry.submit(config())
    open_page(app, run=run.id)
    seed = next(box for box in app.number_input if box.label == "Seed")
    seed.set_value(5).run()
    assert not app.exception
    again = registry.runs()[0]
    assert (again.config.seed, address(app)["run"]) == (5, again.id)
    assert again.id != run.id
    assert "Restarted: Seed 5." in words(app)
    assert run.wait(PATIENCE)
    again.stop()


def test_a_stored_run_is_shown_with_everything(app: AppTest, registry: Registry) -> None:
    run = registry.submit(config(steps=20))
    assert run.wait(PATIENCE)
    registry.close()
    leases.registry.clear()  # as after a restart of the server
    open_page(app, run=run.id)
    assert "done after 20 of 20 steps" in words(app)
    view = app.segmented_control(key="images:view")
    for name in ("formula", "download", "runs"):
        view.set_value(name).run()
        assert not app.exception
    named = [button.label for button in app.button]
    assert named == ["Train", "Reset", "Undo", "Diagnose", "How to read this", "Open", "Delete for good"]


def test_each_page_lists_and_shows_its_own_runs(app: AppTest, registry: Registry) -> None:
    of_images = registry.submit(config(steps=5))
    points = methods.named("uotm")(batch_size=8)
    of_points = registry.submit(RunConfig(points, distribution("ring")(), steps=5))
    assert of_images.wait(PATIENCE)
    assert of_points.wait(PATIENCE)
    for page, own, other, there in (
        ("4_images", of_images, of_points, "Train"),
        ("2_train", of_points, of_images, "Images"),
    ):
        open_page(app, page, view="runs", run=own.id)
        assert list(app.dataframe[0].value["id"]) == [own.id]
        app.query_params.clear()
        open_page(app, page, run=other.id)
        assert f"open it on the page {there}" in words(app)
        app.query_params.clear()
    open_page(app, "3_compare", runs=of_images.id)
    assert "open it on the page Images" in words(app)


def test_a_class_can_be_told_where_method_and_images_know_any(app: AppTest) -> None:
    open_page(app, method="ot-gan", **{"network.by_class": "True"})
    assert not app.warning
    assert address(app)["network.by_class"] == "True"
    open_page(app, method="uotm", **{"network.by_class": "True"})
    assert plain("'network.by_class' is no setting of this page") in app.warning[0].value
