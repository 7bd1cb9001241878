"""Every image model that is shipped: its weights are those of its card, and make its picture byte for byte."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from otviz.checkpoints import CHECKPOINTS, image_cards
from otviz.checkpoints.catalogue import LIST, README, catalogue, table, write_readme
from otviz.checkpoints.models import PointModel, load, read_config, read_model
from otviz.checkpoints.training_panel import read_training
from otviz.player.wire import decode, encode
from otviz.player.wire.run_panel import panel_of
from otviz.runs.config import RunConfig
from otviz.runs.saved.saved_run import SavedRun

SHIPPED = sorted(image_cards())
MOST, MOST_TOGETHER = 8_000_000, 120_000_000


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_model_is_what_its_card_says(name: str) -> None:
    folder, model = CHECKPOINTS / name, load(name)  # the hash is checked by `load`
    assert model.samples_png() == (folder / "samples.png").read_bytes()
    scene, snapshots = read_training(folder)
    assert snapshots[-1].step == scene.steps == model.config.steps
    assert scene.shape == model.card.shape
    assert sum(path.stat().st_size for path in folder.iterdir()) <= MOST
    assert model.config.record()["method"] == model.card.record["method"]
    assert read_config(folder) == model.config  # a card says it again, for those who get only card and weights
    assert model.card.metrics["samples"] >= 10_000
    assert np.isfinite(model.sample(10)).all()


def test_the_shipped_run_on_points_is_whole_and_is_that_of_its_card() -> None:
    folder = CHECKPOINTS / "ring-uotm-sd"
    run, card, model = SavedRun.from_folder(folder), json.loads((folder / "card.json").read_text()), read_model(folder)
    assert run.config.record() == RunConfig.from_record(card).record()
    last, quarter = run.losses()[-1], run.losses()[-len(run.losses()) // 4 :].std(0)
    for at, side in enumerate(("generator", "adversary")):
        said = card["losses"][side]
        assert (said["last"], said["std_last_quarter"]) == pytest.approx((last[at], quarter[at]), rel=1e-6)
    x, z = torch.randn(2, 50, 2, generator=torch.Generator().manual_seed(0))
    assert isinstance(model, PointModel)
    assert torch.equal(model.network(x, z), run.training.eval_generator(x, z))
    (panel,) = decode(encode([panel_of(run, run.scene, run.snapshots, name="run")]))
    assert [look.step for look in panel.snapshots] == [look.step for look in run.snapshots]
    assert panel.verdict


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_model_is_that_of_the_catalogue(name: str) -> None:
    entry, card = catalogue().entries[name], image_cards()[name]
    config = entry.config()
    assert card.record["steps"] == config.steps
    assert card.record["seed"] == config.seed
    assert (card.method, card.target) == (entry.method, entry.target)
    assert read_config(CHECKPOINTS / name).networks == config.networks
    for knob, value in entry.knobs.items():
        assert card.record["method"][knob] == value
    assert card.record["command"] == entry.command
    assert card.claims == catalogue().about(entry).claims


def test_all_together_fit_into_a_repository() -> None:
    """Recordings have a limit of their own, in tests/recordings."""
    files = [path for path in CHECKPOINTS.rglob("*") if path.is_file() and path.parent.name != "recordings"]
    assert sum(path.stat().st_size for path in files) <= MOST_TOGETHER


def test_every_model_of_the_catalogue_can_be_trained() -> None:
    found = catalogue()
    for entry in found.entries.values():
        config = entry.config("cpu")  # every knob is known and in range
        config.networks.check(config.target.shape, config.method.noise_dim)  # type: ignore[union-attr]
    assert {key for entry in found.entries.values() for key in entry.claims} == set(found.claims)


def test_the_table_has_every_model_once_and_how_to_train_what_is_missing() -> None:
    found = catalogue()
    rows = table(found, {}).splitlines()[2:]
    assert len(rows) == len(found.entries)
    for row, entry in zip(rows, found.entries.values(), strict=True):
        assert f"`{entry.command}`" in row
        assert ("GPU" in row) == (entry.device == "cuda")
    assert len(table(found, image_cards()).splitlines()) == len(rows) + 2


def test_the_readme_keeps_what_others_wrote(tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    path.write_text("# Checkpoints\n\nOthers.\n")
    for _ in range(2):
        write_readme(catalogue(), path, tmp_path)
    text = path.read_text()
    assert text.startswith("# Checkpoints\n\nOthers.\n")
    assert text.count("| `mnist8-uotm`") == 1


def test_the_readme_is_that_of_the_cards(tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    path.write_text(README.read_text(encoding="utf-8"), encoding="utf-8")
    write_readme(catalogue(), path)
    assert path.read_text(encoding="utf-8") == README.read_text(encoding="utf-8")


@pytest.mark.parametrize("change", ["name", "claims", "knob"])
def test_a_bad_catalogue_is_told(tmp_path: Path, change: str) -> None:
    text = LIST.read_text(encoding="utf-8")
    more = {
        "name": '[[model]]\nname = "mnist8-uotm"\nmethod = "uotm"\n',
        "claims": '[[model]]\nname = "new"\nmethod = "uotm"\nclaims = ["none"]\n',
        "knob": '[[model]]\nname = "new"\nmethod = "uotm"\nturns = 3\n',
    }[change]
    (tmp_path / "list.toml").write_text(f"{text}\n{more}")
    with pytest.raises(ValueError, match=r"list\.toml"):
        catalogue(tmp_path / "list.toml")


def test_no_card_has_a_path_of_the_machine_it_was_made_on() -> None:
    for name in SHIPPED:
        text = (CHECKPOINTS / name / "card.json").read_text()
        assert "/work" not in text
        assert json.loads(text)["licence"]
