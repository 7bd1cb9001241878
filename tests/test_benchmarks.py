"""The benchmarks run at tiny size, and their table keeps what it is given. Nothing is timed here."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from benchmarks import claims, naive, speed
from benchmarks.__main__ import ROWS, main
from benchmarks.rows import Effort, Measured, Row, machine, record_of, store, stored
from benchmarks.table import BEGIN, END, render, write_into
from benchmarks.timing import Paired, paired
from benchmarks.truth import converged_gradient
from otviz.ot.exact import exact_coupling, squared_distances

HERE = [row.name for row in (*speed.ROWS, *claims.ROWS)]  # the live rows need a server and a browser


def test_naive_loops_give_finite_losses() -> None:
    losses = [loss for pair in naive.uotm(3, hidden=8, batch=16) for loss in pair]
    losses += list(naive.sinkhorn(2, batch=16))
    assert len(losses) == 8
    assert all(map(math.isfinite, losses))


@pytest.mark.parametrize("name", HERE)
def test_each_row_runs_at_tiny_size(name: str) -> None:
    found = ROWS[name].measure(Effort(quick=True))
    assert found.shown
    assert found.reached in (True, False, None)
    assert name in render([ROWS[name]], {name: record_of(ROWS[name], found, 1.0, 0.0)})


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


def test_the_table_goes_between_its_marks(tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    path.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    write_into(path, "new")
    assert path.read_text() == f"before\n{BEGIN}\nnew\n{END}\nafter\n"
    path.write_text("nothing")
    with pytest.raises(ValueError, match="needs the lines"):
        write_into(path, "new")


@pytest.mark.parametrize("arguments", [["no-such-row"], ["uotm-eager", "--quick", "--write"]])
def test_bad_arguments_are_refused(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        main(arguments)
    assert refused.value.code == 2


def test_one_row_at_tiny_size_prints_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["uotm-compiled", "--quick"]) == 0
    assert "| `uotm-compiled` |" in capsys.readouterr().out
