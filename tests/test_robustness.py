"""Sweeps: valid settings, training and storing of cells, and continuation of an interrupted sweep."""

from __future__ import annotations

import dataclasses
import json
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import ot
import pytest
import torch
from scipy.spatial.distance import cdist

from otviz.core.workers import processes
from otviz.data.distributions import Distribution
from otviz.data.distributions import named as distribution
from otviz.experiments.sweeps import MOST_CELLS, Cell, Outcome, Sweep, label, sweep_parameters
from otviz.experiments.sweeps.sweep import identity, with_knob
from otviz.experiments.sweeps.sweep_job import SweepJob, SweepJournal, answers, tasks
from otviz.experiments.sweeps.train_cells import Members, train_cells, train_members
from otviz.methods import Method
from otviz.methods import named as method
from otviz.runs.config import RunConfig
from otviz.runs.saved.run_store import Store
from otviz.runs.saved.saved_run import SavedRun
from otviz.training.driver import Losses
from otviz.training.loop import start, train
from tests.waiting import PATIENCE

RING = distribution("ring")(radius=2.0, std=0.1)  # type: ignore[call-arg]
MOONS = distribution("moons")()
SMALL = {"hidden": 8, "layers": 1, "batch_size": 16}


def make(name: str, **knobs: object) -> Method:
    return method(name)(**{**SMALL, **knobs})  # type: ignore[arg-type]


def sweep(**changes: object) -> Sweep:
    given = {
        "knob": "tau",
        "values": (0.01, 1.0),
        "methods": (make("uotm"),),
        "target": RING,
        "seeds": (0,),
        "steps": 8,
    }
    return Sweep(**{**given, **changes})  # type: ignore[arg-type]


OUTCOME = Outcome(
    "covers", "covers", "All is well.", "steady", "", 0.3, 0.25, 500, 0.9, 0.05, 8, 8, 1000, 0.1, 2.5, "sweep-uotm-1"
)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("OTVIZ_HOME", str(tmp_path))
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield tmp_path
    torch.set_num_threads(before)


class TestSweep:
    @pytest.mark.parametrize(
        ("changes", "sentence"),
        [
            ({"values": ()}, "a sweep needs values; give at least one"),
            ({"methods": ()}, "a sweep needs methods"),
            ({"seeds": ()}, "a sweep needs seeds"),
            ({"values": (1.0, 1.0)}, "values must be given only once"),
            ({"methods": (make("otm"), make("otm"))}, "methods must be given only once"),
            (
                {"knob": "alpha", "methods": (make("uotm"), make("otm"))},
                "otm has no setting 'alpha'; remove that method",
            ),
            ({"knob": "penalty"}, "penalty is not a number, so it cannot be swept"),
            ({"values": (0.1, -1.0)}, "tau must be a number from 0 to 100; got -1.0"),
            ({"values": (float("nan"),)}, "tau must be a number"),
            ({"seeds": (-1,)}, "seed must be a whole number from 0"),
            ({"steps": 0}, "steps must be a whole number from 1"),
            ({"values": tuple(range(1, 100)), "seeds": tuple(range(5))}, "1 methods x 99 values x 5 seeds are 495"),
        ],
    )
    def test_what_cannot_be_run_is_told_in_one_sentence(self, changes, sentence):
        with pytest.raises(ValueError, match=sentence) as told:
            sweep(**changes)
        assert "\n" not in str(told.value)

    def test_cells_are_all_pairs_once_the_first_seed_first(self):
        asked = sweep(methods=(make("uotm"), make("otm")), seeds=(3, 7))
        cells = list(asked.cells())
        assert len(cells) == len(set(cells)) == asked.total == 8 <= MOST_CELLS
        assert [cell.seed for cell in cells] == [3] * 4 + [7] * 4
        assert {asked.config(cell).method.tau for cell in cells if cell.value == 1.0} == {1.0}

    def test_lr_moves_both_networks_in_proportion(self):
        moved = with_knob(make("otm", lr=1e-3, adversary_lr=2e-3), "lr", 5e-3)
        assert (moved.lr, moved.adversary_lr) == (5e-3, pytest.approx(1e-2))
        assert with_knob(method("sinkhorn")(), "lr", 5e-3).lr == 5e-3

    def test_rows_have_the_knob_and_names_of_their_own(self):
        for knob in sweep_parameters.VALUES:
            rows = sweep_parameters.rows(knob)
            assert len({label(row, knob) for row in rows.values()}) == len(rows)
            chosen = [rows[name] for name in sweep_parameters.favoured(knob)]
            assert sweep(knob=knob, values=sweep_parameters.VALUES[knob], methods=tuple(chosen)).total
        assert set(sweep_parameters.favoured("tau")) == set(sweep_parameters.FAVOURED)
        assert label(sweep_parameters.rows("tau")["uotm-sd.geometric"], "tau") == "UOTM-SD, schedule geometric"

    def test_a_run_keeps_its_identity_wherever_it_trains(self):
        config = RunConfig(make("uotm"), RING, steps=8, device="cpu")
        assert identity(config) == identity(dataclasses.replace(config, device="auto"))
        changed = [dataclasses.replace(config, seed=1), dataclasses.replace(config, steps=9)]
        changed.append(dataclasses.replace(config, method=make("uotm", tau=0.3)))
        assert len({identity(each) for each in [config, *changed]}) == 4


class TestJournal:
    def test_what_is_written_comes_back(self):
        asked = sweep()
        cells = list(asked.cells())
        assert SweepJournal(asked).outcomes() == {}
        SweepJournal(asked).save(cells[0], OUTCOME)
        none = dataclasses.replace(OUTCOME, w2=None, modes_total=None)
        SweepJournal(asked).save(cells[1], none)
        assert SweepJournal(asked).outcomes() == {cells[0]: OUTCOME, cells[1]: none}

    def test_a_broken_line_costs_only_itself(self):
        asked = sweep()
        journal, (one, two) = SweepJournal(asked), asked.cells()
        journal.save(one, OUTCOME)
        with journal.path.open("a") as file:
            file.write('{"run": "half')
        journal.save(two, OUTCOME)
        assert set(journal.outcomes()) == {one, two}
        lines = journal.path.read_text().splitlines()
        bad = json.loads(lines[0])
        bad["outcome"]["w2"] = "much"
        journal.path.write_text("\n".join([json.dumps(bad), "[1]", "null", *lines[1:]]))
        assert set(journal.outcomes()) == {two}

    def test_a_larger_sweep_has_what_the_smaller_one_did(self):
        asked = sweep()
        SweepJournal(asked).save(next(asked.cells()), OUTCOME)
        larger = sweep(values=(0.01, 0.1, 1.0), methods=(make("uotm"), make("otm")), seeds=(0, 1))
        assert list(SweepJournal(larger).outcomes().values()) == [OUTCOME]
        for other in (sweep(steps=9), sweep(target=MOONS), sweep(methods=(make("uotm", hidden=9),))):
            assert SweepJournal(other).outcomes() == {}


def recorded(outcome: Outcome) -> SavedRun:
    return SavedRun.read(Store(), outcome.run_id)


class TestPlaying:
    def test_a_cell_is_a_stored_run_like_any_other(self):
        config = RunConfig(make("uotm-sd", ema=0.5), RING, steps=50, seed=4, device="cpu")
        (found,) = train_cells([config], Store())
        kept = recorded(found)
        assert (kept.status, kept.step, kept.config) == ("done", 50, config)
        assert len(kept.snapshots) == 41
        (*_, last) = train(config.method, RING, steps=50, seed=4)
        for one, two in zip(
            last.training.eval_generator.parameters(), kept.training.eval_generator.parameters(), strict=True
        ):
            assert torch.equal(one, two)
        assert np.isfinite(kept.losses()).all()
        assert len(kept.losses()) == 50

    def test_numbers_are_those_of_the_last_picture(self):
        (found,) = train_cells([RunConfig(make("otm"), RING, steps=30, device="cpu")], Store())
        points = recorded(found).snapshots[-1].generated
        angles = 2 * np.pi * np.arange(8) / 8
        near = cdist(points, 2 * np.stack([np.cos(angles), np.sin(angles)], 1)).min(1) <= 0.3
        assert found.samples == len(points) == 1000
        assert found.high_quality == pytest.approx(near.mean(), abs=2e-3)  # a point on the edge, in float32
        real = RING.sample(found.w2_samples, np.random.default_rng(5))
        exact = ot.emd2([], [], cdist(points[: found.w2_samples], real, "sqeuclidean")) ** 0.5
        assert found.w2 == pytest.approx(exact, abs=0.2)  # two draws of the target: their counts per mode differ
        assert found.modes_total == 8
        assert found.seconds > 0

    def test_a_stack_gives_what_each_gives_alone(self):
        configs = [
            RunConfig(make("uotm", tau=tau), RING, steps=40, seed=seed, device="cpu")
            for seed, tau in ((0, 0.01), (1, 1.0))
        ]
        for config, found in zip(configs, train_cells(configs), strict=True):
            (alone,) = train_cells([config])
            assert found.word == alone.word
            assert found.w2 == pytest.approx(alone.w2, rel=1e-3)  # forty steps of rounding
            assert found.w2_floor == alone.w2_floor
            assert found.loss_spread == pytest.approx(alone.loss_spread, rel=1e-2, abs=1e-4)

    def test_a_target_without_modes_has_none(self):
        (found,) = train_cells([RunConfig(make("uotm"), MOONS, steps=12, device="cpu")])
        assert found.modes_covered is found.high_quality is found.mode_mixture is None
        assert found.w2 is not None
        assert found.run_id == ""
        assert Outcome.from_record(json.loads(json.dumps(dataclasses.asdict(found)))) == found

    def test_weights_that_are_no_numbers_end_a_run_at_its_last_good_look(self):
        config = RunConfig(make("uotm"), RING, steps=40, device="cpu")

        class Breaks(Members):
            def advance(self, steps: int) -> tuple[Losses, None]:
                losses, _ = super().advance(steps)
                if self.step > 20:
                    next(self.trainings[0].generator.parameters()).data.fill_(float("nan"))
                    losses[:] = float("nan")
                return losses, None

        (seen,) = train_members(Breaks([start(config.method, RING, steps=40)]), [0])
        found = seen.outcome(config, Store())
        assert (found.kind, found.stability) == ("not judged", "unstable")
        assert found.w2 is found.high_quality is None
        kept = recorded(found)
        assert (kept.status, kept.step) == ("stopped", 20)
        assert all(weight.isfinite().all() for weight in kept.training.generator.parameters())

    def test_a_full_disk_costs_the_run_but_not_its_numbers(self):
        class Full(Store):
            def save(self, run: object) -> None:
                raise OSError(28, "No space left on device")

        (found,) = train_cells([RunConfig(make("uotm"), RING, steps=12, device="cpu")], Full())
        assert found.run_id == ""
        assert found.w2 is not None


class TestTasks:
    def test_rows_are_stacked_where_they_can_be(self):
        asked = sweep(knob="lr", values=(1e-3, 2e-3), methods=(make("uotm"), method("sinkhorn")()), seeds=(0, 1, 2))
        portions = list(tasks(asked, {}, most=4))
        assert sorted(cell for portion in portions for cell in map(hash, portion)) == sorted(map(hash, asked.cells()))
        assert [len(portion) for portion in portions if portion[0].method.name == "uotm"] == [4, 2]
        assert {len(portion) for portion in portions if portion[0].method.name == "sinkhorn"} == {1}

    def test_done_ones_are_left_out(self):
        asked = sweep()
        one, two = asked.cells()
        assert list(tasks(asked, {one: OUTCOME}, most=1)) == [[two]]

    def test_a_task_that_cannot_be_played_is_answered_with_a_sentence(self):
        config = RunConfig(make("uotm"), RING, steps=8, device="cpu").record()
        with pytest.raises(ValueError, match=r"^steps must be a whole number from 1 to 2e\+06 \(steps\); got 0$"):
            list(answers({"configs": [{**config, "steps": 0}]}, {}))
        with pytest.raises(ValueError, match="this is not the config of a run"):
            list(answers({"configs": [{}]}, {}))


class TestSweeping:
    def test_it_is_filled_in_stopped_and_gone_on_with(self):
        """Both processes are real ones; the second finds what the first had done and does the rest."""
        asked = sweep(methods=(make("uotm"), make("otm")), values=(0.05,))
        endless = sweep(methods=(make("uotm"),), values=(0.05, 1.0), steps=2_000_000)
        first = SweepJob(asked, workers=1)
        assert first.wait(PATIENCE), "two tiny runs take seconds, but of low priority"
        assert first.error == ""
        assert set(first.outcomes) == set(asked.cells())
        for cell, found in first.outcomes.items():
            (here,) = train_cells([asked.config(cell, "cpu")])
            assert (found.w2, found.word) == (pytest.approx(here.w2), here.word)
            assert recorded(found).config.method.tau == 0.05
        assert SweepJournal(asked).outcomes() == first.outcomes

        SweepJournal(endless).save(next(endless.cells()), OUTCOME)
        second = SweepJob(endless, workers=1)
        assert second.outcomes == {next(endless.cells()): OUTCOME}
        time.sleep(0.5)
        assert not second.over
        second.stop()
        assert second.wait(PATIENCE), "stopping is at once, though the run is a long one"
        assert second.error == ""
        assert set(SweepJournal(endless).outcomes()) == {next(endless.cells())}

    def test_all_done_starts_nothing(self):
        asked = sweep()
        for cell in asked.cells():
            SweepJournal(asked).save(cell, OUTCOME)
        finished = SweepJob(asked)
        assert finished.wait(PATIENCE)
        assert len(finished.outcomes) == asked.total
        assert finished.seconds_left is None

    def test_a_process_that_dies_is_told(self, monkeypatch):
        monkeypatch.setattr(processes, "fork_server", lambda: None)
        monkeypatch.setattr(sys, "executable", shutil.which("false") or "/bin/false")
        broken = SweepJob(sweep(), workers=1)
        assert broken.wait(PATIENCE)
        assert "ended unexpectedly" in broken.error
        assert broken.outcomes == {}


def test_a_cell_is_hashable_whatever_its_method() -> None:
    assert len({Cell(kind(), 1.0, 0) for kind in (method("uotm"), method("wgan"), method("ot-gan"))}) == 3


def test_a_target_is_any_distribution() -> None:
    assert isinstance(sweep(target=MOONS).target, Distribution)
