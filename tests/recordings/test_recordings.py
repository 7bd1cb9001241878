"""Recorded runs: made from a table, written as one file, read without torch."""

from __future__ import annotations

import gzip
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from otviz.checkpoints import recordings
from otviz.checkpoints.recordings import recorder, store, table
from otviz.checkpoints.recordings.table import Recording
from otviz.content.lessons import shipped
from otviz.core.params import params_of
from otviz.evaluation.metrics import coverage
from otviz.player import wire
from otviz.runs.config import RunConfig
from otviz.runs.snapshots import spread_steps
from otviz.training.compare import presets
from otviz.training.loop import start


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder in place of the shipped one."""
    monkeypatch.setattr(store, "FOLDER", tmp_path)
    for cached in (store._file, store._parts):
        cached.cache_clear()
    return tmp_path


def tiny(name: str = "tiny") -> Recording:
    whole = table.recordings()["lesson-why-gans-collapse"]
    configs = tuple(replace(config, steps=30) for config in whole.configs)
    return replace(whole, name=name, configs=configs)


def test_a_recording_plays_the_runs_it_is_made_of(folder: Path) -> None:
    made = tiny()
    size = recorder.make(made, frames=5)
    assert size == (folder / "tiny.gz").stat().st_size
    assert recordings.names() == ("tiny",)
    panels = wire.decode(recordings.read("tiny"))
    for panel, config, label in zip(panels, made.configs, made.labels, strict=True):
        assert panel.scene is not None
        assert (panel.scene.title, panel.status) == (label, "recorded")
        assert [look.step for look in panel.snapshots] == spread_steps(30, 5, recorder.BEND)
        assert len(panel.words) == len(panel.snapshots)
        # The last frame shows the probe's points of a training without viewers.
        training = start(config.method, config.target, config.source, steps=30, seed=config.seed, device="cpu")
        losses = [training.advance() for _ in range(30)]
        assert panel.snapshots[-1].generator_loss == pytest.approx(float(losses[-1].generator_loss), rel=1e-4)


def test_what_is_known_of_a_recording_leads_back_to_its_runs(folder: Path) -> None:
    made = tiny()
    recorder.make(made, frames=3)
    found = recordings.about("tiny")
    assert (found.page, dict(found.settings)) == (made.page, dict(made.settings))
    for panel, config in zip(found.panels, made.configs, strict=True):
        assert (panel.steps, panel.seed) == (30, 0)
        assert panel.seconds > 0
        kind = type(config.method)
        knobs = {knob.name for knob in params_of(kind)}
        assert kind.parse({key: text for key, text in panel.settings.items() if key in knobs}) == config.method
        assert table.target_of(panel.settings) == config.target


@pytest.mark.parametrize("name", ["", "../ring", "Ring", "nothing-here"])
def test_what_is_not_there_is_said_in_a_sentence(folder: Path, name: str) -> None:
    with pytest.raises(ValueError, match="recording"):
        recordings.read(name)


def test_a_damaged_file_says_how_to_make_it_again(folder: Path) -> None:
    recorder.make(tiny(), frames=3)
    whole = (folder / "tiny.gz").read_bytes()
    for number, data in enumerate((b"", whole[: len(whole) // 2], gzip.compress(b"\1\0\0\0x"), gzip.compress(b"ab"))):
        (folder / f"broken-{number}.gz").write_bytes(data)
        with pytest.raises(ValueError, match=f"otviz record broken-{number}"):
            recordings.about(f"broken-{number}")


def test_every_comparison_and_every_lesson_that_trains_is_declared() -> None:
    known = table.recordings()
    assert {f"compare-{name}" for name in presets()} <= set(known)
    assert {f"lesson-{lesson.name}" for lesson in shipped() if lesson.page in ("compare", "train")} <= set(known)
    for recording in known.values():
        assert store.NAME.fullmatch(recording.name)
        assert len(recording.configs) == len(recording.labels)


def test_runs_of_the_atlas_differ_in_nothing_but_tau() -> None:
    for name in (name for name in table.recordings() if name.startswith("home-")):
        configs = table.recordings()[name].configs
        assert [config.method.tau for config in configs] == list(table.TAUS)
        alike = {repr(replace(config, method=replace(config.method, tau=0.0))) for config in configs}
        assert len(alike) == 1


def test_without_a_price_the_atlas_begins_with_uotm_without_cost() -> None:
    """Two ways to write one run: the losses of the slider's lower end are those of the method without cost."""
    first = table.recordings()["home-ring-uotm"].configs[0]
    without = table.recordings()["lesson-why-gans-collapse"].configs[0].method
    runs = [RunConfig(method, first.target, steps=20, device="cpu").begin() for method in (first.method, without)]
    losses = [[float(run.advance().generator_loss) for _ in range(20)] for run in runs]
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-5)


def test_reading_needs_no_torch() -> None:
    code = "import sys; from otviz.checkpoints import recordings; recordings.names(); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).resolve().parents[2])


@pytest.mark.parametrize("name", recordings.names())
def test_shipped_recordings_say_what_their_last_frame_shows(name: str) -> None:
    found, panels = recordings.about(name), wire.decode(recordings.read(name))
    assert len(found.panels) == len(panels)
    for said, panel in zip(found.panels, panels, strict=True):
        config_steps = said.steps
        assert panel.scene is not None
        assert panel.scene.steps == config_steps
        assert panel.message or panel.snapshots[-1].step == config_steps
        target = table.target_of(said.settings).mixture()
        if target is None or panel.message:
            continue
        # The 330 points that are kept are the first of the 1000 that were measured: shares agree within five standard deviations.
        points = panel.snapshots[-1].generated
        seen = np.array(coverage(points[np.isfinite(points).all(1)].astype(np.float32), target)["mode_shares"])
        share = np.array(panel.snapshots[-1].meter["mode_shares"])
        assert (np.abs(seen - share) < 5 * np.sqrt(share * (1 - share) / 330) + 0.01).all()
        assert panel.snapshots[-1].meter["modes_covered"] == said.modes[0]


def test_shipped_recordings_are_small() -> None:
    sizes = {name: len(recordings.packed(name)) for name in recordings.names()}
    assert sum(size for name, size in sizes.items() if name.startswith("home-")) <= 6_000_000
    assert sum(sizes.values()) <= 12_000_000
