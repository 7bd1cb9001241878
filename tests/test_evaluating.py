"""`python -m otviz evaluate` and `train --card`: what they print, and what they say to what they cannot use."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from image_model import few_judged, made

from otviz.checkpoints import CHECKPOINTS
from otviz.cli.main import main


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("evaluate") / "one")


def test_a_checkpoint_is_judged_again(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(folder), "--n", "100", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    kept = json.loads((folder / "card.json").read_text())["metrics"]
    assert (found["model"], found["method"], found["target"]) == ("one", "uotm", "digits")
    assert {name: found[name] for name in kept} == kept  # the same images: the same scores
    assert found["floor"]["frechet"] > 0


def test_scores_stand_beside_those_of_real_images(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(folder), "--n", "50"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("one: uotm on digits\n")
    assert "frechet" in out
    assert "(real images: " in out


def test_a_run_on_images_is_judged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "run"
    words = ["train", "uotm", "--target", "digits", "--steps", "3", "--batch-size", "16", "--device", "cpu"]
    assert main([*words, "--out", str(out)]) == 0
    capsys.readouterr()
    assert main(["evaluate", str(out), "--n", "60", "--nearest", "0", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["samples"] == 60


def test_a_checkpoint_of_points_is_judged(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "ring-uotm-sd", "--n", "400", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["modes_covered"] == 8
    assert found["samples"] == 400


def test_weights_that_are_not_those_of_a_card_are_not_judged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for file in (CHECKPOINTS / "ring-uotm-sd").glob("*.*"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    card = json.loads((tmp_path / "card.json").read_text())
    (tmp_path / "card.json").write_text(json.dumps({**card, "sha256": "0" * 64}))
    assert main(["evaluate", str(tmp_path)]) == 2
    assert "are not those of its card" in capsys.readouterr().err
    (tmp_path / "card.json").write_text("[]")
    assert main(["evaluate", str(tmp_path)]) == 2
    assert "cannot be read" in capsys.readouterr().err


def test_train_with_a_card_leaves_a_checkpoint(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    few_judged(monkeypatch)
    words = ["train", "uotm", "--target", "digits", "--steps", "3", "--batch-size", "16", "--device", "cpu", "--json"]
    assert main([*words, "--card", "A claim", "--out", str(tmp_path / "new")]) == 0
    card = json.loads(capsys.readouterr().out)
    assert card["claims"] == ["A claim"]
    assert card["command"].startswith("python -m otviz train uotm --target digits")
    assert main(["evaluate", str(tmp_path / "new"), "--n", "60", "--json"]) == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["evaluate", "nowhere"], "no checkpoint, no run and no folder"),
        (["evaluate", "../../etc"], "no checkpoint, no run and no folder"),
        (["evaluate", "a\nb" * 500], "no checkpoint, no run and no folder"),
        (["evaluate", "ring-uotm-sd", "--n", "3"], "--n must be 6 to 100,000"),
        (["evaluate", "ring-uotm-sd", "--n", "100000000"], "--n must be 6 to 100,000"),
        (["train", "uotm", "--target", "digits", "--card", "x"], "--card makes a checkpoint of images"),
        (["train", "uotm", "--target", "ring", "--card", "x", "--out", "y"], "--card makes a checkpoint of images"),
    ],
)
def test_what_cannot_be_used_is_told(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1


def test_a_damaged_folder_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "generator.safetensors").write_bytes(b"no weights")
    assert main(["evaluate", str(tmp_path)]) == 2
    assert "has no config.json" in capsys.readouterr().err
    for text in ("{", '{"method": 3}', "[]"):
        (tmp_path / "config.json").write_text(text)
        assert main(["evaluate", str(tmp_path)]) == 2
        assert "config.json of" in capsys.readouterr().err
