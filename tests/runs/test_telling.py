"""What the player receives of a run besides its samples: time left, changes, and how data flow."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from otviz import methods
from otviz.content.explanations import glossary
from otviz.data.distributions import named
from otviz.player.wire import PanelUpdate, decode, encode
from otviz.player.wire.run_panel import marks_of, panel_of, stages_of
from otviz.player.wire.stages import ROLES
from otviz.runs.config import RunConfig
from otviz.runs.run import Run
from otviz.runs.scheduling import LoopTimer
from tests.waiting import PATIENCE, until


@pytest.fixture
def run() -> Iterator[Run]:
    method = methods.named("uotm-sd")(hidden=8, layers=1, batch_size=8, freeze_after=40)
    made = Run("telling", RunConfig(method, named("ring")(), steps=100_000, device="cpu"))
    yield made
    if made.status != "queued":
        made.stop()
        assert made.wait(PATIENCE)


def panel(run: Run) -> PanelUpdate:
    assert run.scene is not None
    return panel_of(run, run.scene, run.snapshots[-1:], name="a")


def test_a_run_tells_its_time_left_and_what_was_changed_in_it(run: Run) -> None:
    assert run.seconds_left is None
    run.do_steps(30)
    run.start()
    until(lambda: run.step == 30 and run.status == "paused")
    run.retune(tau=0.3)
    run.do_steps(20)
    until(lambda: run.step == 50 and run.status == "paused")
    assert run.seconds_left is not None
    assert run.seconds_left > 0
    (told,) = decode(encode([panel(run)]))
    assert told.left.endswith(" of training left")
    assert list(told.marks) == [(30, "tau 0.05 → 0.3"), (40, "potential frozen")]
    assert marks_of(run) == list(told.marks)
    assert [stage.role for stage in told.stages] == ["source", "map", "generated", "field", "loss"]
    run.stop()
    until(lambda: run.status == "stopped")
    assert run.seconds_left is None
    assert panel(run).left == ""


@pytest.mark.parametrize("name", methods.methods())
def test_every_method_says_how_its_data_flow(name: str) -> None:
    stages = stages_of(methods.named(name)())
    assert [stage.role for stage in stages[:3]] == list(ROLES[:3])
    assert stages[-1].role == "loss"
    assert len(stages) > 4, "something judges what is generated"
    assert all(stage.words and stage.text for stage in stages)
    assert all(entry in glossary() for _, entry in methods.named(name).judges)


def test_a_pace_is_that_of_the_wall_and_forgets_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    timer = LoopTimer()
    for _ in range(50):  # 10 steps in 0.5 s, of which the training takes a fifth
        now[0] += 0.5
        timer.record_snapshot(0.0, 10, 0.1)
    assert timer.mean_speed == pytest.approx(20)
    now[0] += 1000
    timer.restart_clock()
    now[0] += 0.5
    timer.record_snapshot(0.0, 10, 0.1)
    assert timer.mean_speed == pytest.approx(20)
