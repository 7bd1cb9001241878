"""The benchmarks run at tiny size, and their table keeps what it is given. Nothing is timed here."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from benchmarks import claims, compare, images, naive, solvers, speed, stacked, transport
from benchmarks.measure import ROWS, main
from benchmarks.picture import RING, Frame, draw, frames
from benchmarks.rivals import Tried, best
from benchmarks.rows import Effort, Measured, Row, machine, record_of, store, stored, wait_until_quiet
from benchmarks.table import HEADLINES, SOLVER_CHANGED, headlines, render, write_into
from benchmarks.timing import Paired, paired
from benchmarks.truth import converged, converged_gradient
from otviz.data.datasets.mnist import Mnist
from otviz.evaluation.metrics import coverage
from otviz.methods.unified import UOTMNoCost
from otviz.ot.exact import exact_coupling, squared_distances
from tests.datasets.tiny_sets import tiny_cifar10, tiny_idx
from tests.forked import output

ROOT = Path(__file__).resolve().parents[1]
HERE = [
    row.name for row in (*speed.ROWS, *stacked.ROWS, *claims.ROWS, *solvers.ROWS, *transport.ROWS, compare.ROWS[0])
]  # the live rows need a server and a browser


def test_naive_loops_give_finite_losses() -> None:
    losses = [loss for pair in naive.uotm(3, hidden=8, batch=16) for loss in pair]
    losses += list(naive.sinkhorn(2, batch=16))
    assert len(losses) == 8
    assert all(map(math.isfinite, losses))


@pytest.fixture
def large_is_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The row of large clouds takes 1200 points for large, and a process that is forked for a fresh one."""
    source = "import sys; from otviz.clouds import large; large.LARGE = 1000; from benchmarks.transport import main; main(sys.argv[1:])"

    def apart(n: int, compared: bool, kind: str = "otviz") -> dict[str, Any]:
        words = ["1200", kind, *(["--compare"] if compared else [])]
        return dict(json.loads(output(source, *words, cwd=ROOT).splitlines()[-1]))

    monkeypatch.setattr(transport, "_apart", apart)


@pytest.mark.usefixtures("large_is_small")
@pytest.mark.parametrize("name", HERE)
def test_each_row_runs_at_tiny_size(name: str) -> None:
    found = ROWS[name].measure(Effort(quick=True))
    assert found.shown
    assert found.reached in (True, False, None)
    assert name in render([ROWS[name]], {name: record_of(ROWS[name], found, 1.0, 0.0)})


@pytest.mark.parametrize("name", [row.name for row in images.ROWS])
def test_each_row_of_images_runs_at_tiny_size(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTVIZ_HOME", str(tmp_path / "home"))
    tiny_idx(Mnist, tmp_path / "data", monkeypatch)
    tiny_cifar10(tmp_path / "data", monkeypatch)
    test_each_row_runs_at_tiny_size(name)


def test_the_ratio_is_the_median_over_neighbours() -> None:
    assert Paired((1.0, 2.0, 1.0), (10.0, 10.0, 30.0), (1.0,) * 3, (4.0,) * 3).ratio == 10.0
    calls: list[str] = []
    paired(lambda: calls.append("a"), lambda: calls.append("b"), 3)
    assert calls == ["a", "b", "b", "a", "a", "b"]


def test_the_truth_is_the_exact_plan_where_blur_is_small() -> None:
    """At blur .01 between 24 points far apart the entropic plan is a permutation, which the linear program finds."""
    rng = torch.Generator().manual_seed(0)
    x, y = torch.rand(24, 2, generator=rng), torch.rand(24, 2, generator=rng) + 1
    gradient, error = converged_gradient(x, y, 0.01)
    matched = exact_coupling(squared_distances(x, y)) * 24
    exact = (x.numpy() - matched @ y.numpy()) / 24
    assert error < 1e-3
    assert gradient.numpy() == pytest.approx(exact, abs=2e-3)


def test_the_truth_in_many_dimensions_is_the_exact_plan_and_value_too() -> None:
    rng = torch.Generator().manual_seed(1)
    x, y = torch.rand(20, 32, generator=rng), torch.rand(20, 32, generator=rng)
    cost = squared_distances(x, y) / 2
    matched = exact_coupling(cost)
    found = converged(x, y, 1e-3)
    assert found.map.numpy() == pytest.approx(20 * matched @ y.double().numpy(), abs=1e-3)
    # OT_epsilon of a permutation has the entropy of n equal entries: KL(P | a b) = log n.
    assert found.value == pytest.approx((matched * cost).sum() + 1e-3 * math.log(20), rel=1e-4)
    assert found.error < 1e-5


def test_a_rival_is_timed_where_it_is_as_accurate_as_we_are() -> None:
    runs = [(Tried("a", "rough", 1, 0.3), {}), (Tried("a", "slow", 9, 0.01), {}), (Tried("a", "fair", 5, 0.02), {})]
    assert best(runs, 0.05)[0].setting == "fair"
    assert best(runs, 0.001)[0].setting == "slow"


def test_settings_that_none_of_ours_beats_are_told() -> None:
    ours = [{"library": "otviz", "setting": "default", "ms": 2.0, "error": 0.02}]
    theirs = [
        {"library": "b", "setting": str(ms), "ms": ms, "error": error} for ms, error in ((1, 0.1), (3, 0.03), (9, 0.01))
    ]
    told = solvers.undominated({"tried": ours + theirs})
    assert [each.split(":")[0] for each in told] == ["b, 1", "b, 9"]


def test_a_finished_run_is_not_repeated(tmp_path: Path) -> None:
    effort = Effort(journal=tmp_path / "runs.jsonl")
    assert effort.once(("a", 1), lambda: {"value": 1}) == effort.once(("a", 1), lambda: {"value": 2}) == {"value": 1}


def test_stored_rows_come_back_and_machines_are_told(tmp_path: Path) -> None:
    row = Row("row", "what", "target", lambda effort: Measured("x2", True))
    assert stored(row, tmp_path) is None
    store(row, row.measure(Effort()), 3.0, 2.5, tmp_path)
    found = stored(row, tmp_path)
    assert found is not None
    assert found["machine"]["cores"] == machine(0.0)["cores"]
    assert "| x2 | reached | A † |" in render([row], {"row": found})


def test_a_row_waits_for_a_quiet_machine() -> None:
    loads = iter([2.0, 0.9, 0.1])
    assert wait_until_quiet(busy=lambda: next(loads)) == 0.1
    with pytest.raises(ValueError, match=r"other programs use 1\.5 cores, more than 0\.3"):
        wait_until_quiet(patience=0, busy=lambda: 1.5)


def test_the_table_goes_between_its_marks(tmp_path: Path) -> None:
    path = tmp_path / "NUMBERS.md"
    path.write_text("before\n<!-- numbers -->\nold\n<!-- /numbers -->\nafter\n")
    write_into(path, "numbers", "new")
    assert path.read_text() == "before\n<!-- numbers -->\nnew\n<!-- /numbers -->\nafter\n"
    with pytest.raises(ValueError, match="needs the lines <!-- headlines -->"):
        write_into(path, "headlines", "new")


def _record(name: str, date: str, load: float) -> dict[str, object]:
    where = {"cpu": "CPU", "cores": 2, "gpu": None, "torch": "2", "date": date, "load": load}
    return {
        "row": name,
        "ratio": 3.14159,
        "shown": "x3",
        "reached": True,
        "sample": "s",
        "seconds": 1,
        "machine": where,
    }


def test_headlines_are_ratios_that_still_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(HEADLINES, "sinkhorn-speed", "as fast")
    quiet, busy = _record("uotm-eager", "2026-11-22", 0.2), _record("uotm-compiled", "2026-11-22", 2)
    old, new = _record("sinkhorn-speed", "2026-11-28", 0), _record("sinkhorn-speed", SOLVER_CHANGED, 0)
    lines = headlines({"uotm-eager": quiet, "uotm-compiled": busy, "sinkhorn-speed": old}).splitlines()
    assert [line.startswith("- **3.1 times**") for line in lines[:2]] == [True, True]
    assert [line.endswith("†") for line in lines[:2]] == [True, False]
    assert lines[2] == "", "the row that is older than the solver is left out"
    assert "as fast" in headlines({"sinkhorn-speed": new})
    row = Row("sinkhorn-speed", "what", "target", lambda effort: Measured("x2", True))
    assert "| A ‡ |" in render([row], {"sinkhorn-speed": old})
    assert "‡" not in render([row], {"sinkhorn-speed": new})


def test_documents_are_those_of_the_stored_results() -> None:
    """README.md and docs/NUMBERS.md say what `python -m benchmarks --render` writes."""
    records = {name: record for name, row in ROWS.items() if (record := stored(row)) is not None}
    assert render(ROWS.values(), records) in (ROOT / "docs" / "NUMBERS.md").read_text(encoding="utf-8")
    assert headlines(records) in (ROOT / "README.md").read_text(encoding="utf-8")
    assert set(HEADLINES) <= set(ROWS)


@pytest.mark.parametrize("arguments", [["no-such-row"], ["uotm-eager", "--quick", "--write"]])
def test_bad_arguments_are_refused(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        main(arguments)
    assert refused.value.code == 2


def test_one_row_at_tiny_size_prints_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["uotm-compiled", "--quick"]) == 0
    assert "| `uotm-compiled` |" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("modes", "step", "badge"),
    [
        (range(8), 90, "all 8 modes covered"),
        (range(3), 90, "5 of 8 modes lost"),
        (range(3), 10, "3 of 8 modes so far"),
    ],
)
def test_the_badge_of_the_moving_picture_counts_modes(modes: range, step: int, badge: str) -> None:
    real, mixture = RING.sample(4000, np.random.default_rng(0)), RING.mixture()
    nearest = np.linalg.norm(real[:, None] - mixture.centres, axis=2).argmin(axis=1)
    points = real[np.isin(nearest, modes)]
    frame = Frame(step, points, {"samples": len(points), **coverage(points, mixture)})
    assert frame.badge(steps=100)[0] == badge


def test_the_moving_picture_is_drawn_from_a_training() -> None:
    first, last = frames(UOTMNoCost(batch_size=8, hidden=8), steps=4, seed=0, count=2)
    assert (first.step, last.step) == (0, 4)
    assert not np.array_equal(first.points, last.points), "it has learned"
    drawn = draw(first, last, steps=4)
    assert drawn.tobytes() != draw(last, first, steps=4).tobytes()
    assert drawn.width == 860
