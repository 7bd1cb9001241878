"""Files as clouds of a transport problem: values from the field, on the command line and through the snippet and exports."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import ot
import pytest
from transport_cases import CASES, Case, file_of

from otviz.cli.main import main
from otviz.clouds.problem import Problem, clouds
from otviz.clouds.scale import Scale, at_unit_scale, change, scale_of
from otviz.clouds.studies.gradient_flow import FlowLoss, flow
from otviz.clouds.studies.snippet import snippet
from otviz.data.distributions import named
from otviz.data.distributions.gaussian import Gaussian
from otviz.data.distributions.points import PointsFile
from otviz.data.distributions.ring import Ring

ROOT = Path(__file__).resolve().parents[1]
Told = tuple[dict[str, Any], str]
Run = Callable[..., Told]


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Run:
    """Solve by the command line: the JSON, and what stands on stderr."""

    def run(*words: str) -> Told:
        assert main(["transport", *words, "--json"]) == 0
        out, err = capsys.readouterr()
        return json.loads(out), err

    return run


def agrees(found: float, expected: float | None, rel: float) -> bool:
    return expected is None or (found == 0 if expected == 0 else found == pytest.approx(expected, rel=rel))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_command_line_gives_the_values_of_the_field(case: Case, cli: Run, tmp_path: Path) -> None:
    files = [str(file_of(side, tmp_path)) for side in (case.source, case.target)]
    flags = ["--source", files[0], "--target", files[1], "--p", str(case.p), "--blur", str(case.blur)]
    found, _ = cli(*flags)
    assert agrees(found["exact_cost"], case.exact, 2e-5)  # five digits are given
    assert agrees(found["sinkhorn_divergence"], case.divergence, 2e-3)  # what unfinished sweeps may leave


def test_the_command_line_says_when_blur_hides_all_detail(cli: Run, tmp_path: Path) -> None:
    (tmp_path / "tiny.csv").write_text("x,y\n0,0\n3e-6,0\n0,4e-6\n")
    flags = ["--source", str(tmp_path / "tiny.csv"), "--target", str(tmp_path / "tiny.csv")]
    hint = "blur 0.05 is longer than both clouds are wide (5e-06), so all detail is ignored; try 5e-08"
    assert hint in cli(*flags)[1]
    assert "hides all detail" not in cli(*flags, "--blur", "5e-8")[1]


def test_the_command_line_says_what_it_took(cli: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("weight,x,y\n1,0,0\n2,1,0\n0,9,9\n3,0,1\n")
    rows = np.random.default_rng(0).standard_normal((300, 2))
    np.savetxt(tmp_path / "many.csv", rows, delimiter=",", header="u,v", comments="")
    found, err = cli("--source", str(tmp_path / "mine.csv"), "--target", str(tmp_path / "many.csv"), "--n", "100")
    assert err.splitlines()[:2] == [
        "source: mine.csv, 4 rows as they are, 1 of weight 0 left out, columns x and y, weights weight, divided by their sum, units of the file",
        "target: many.csv, 100 of 300 rows, drawn without replacement, columns u and v, no weights, units of the file",
    ]
    source, target = found["source"], found["target"]
    assert (source["rows"], source["points"], source["columns"], source["weights"]) == (4, 3, ["x", "y"], "weight")
    assert (target["rows"], target["points"], target["as_they_are"], target["units"]) == (300, 100, False, "file")
    assert found["transform"] == {"name": "none", "offset": [0, 0], "factor": 1}


def test_masses_and_sizes_of_both_sides_are_those_of_the_files(cli: Run, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    x, y, a = rng.standard_normal((12, 2)) * 1e3 + 4e5, rng.standard_normal((30, 2)) * 1e3 + 4e5, rng.random(12)
    np.savetxt(tmp_path / "x.csv", np.column_stack([x, a]), "%.17g", ",", header="x,y,weight", comments="")
    np.savetxt(tmp_path / "y.csv", y, "%.17g", ",", header="x,y", comments="")
    found, _ = cli("--source", str(tmp_path / "x.csv"), "--target", str(tmp_path / "y.csv"), "--blur", "20")
    truth = ot.emd2(a / a.sum(), np.full(30, 1 / 30), ot.dist(x - 4e5, y - 4e5) / 2)
    assert found["exact_cost"] == pytest.approx(truth, rel=1e-9)
    assert found["sinkhorn_divergence"] == pytest.approx(truth, rel=0.01)  # blur is a hundredth of the distances


@pytest.mark.parametrize("blur", ["1e-5", "5000"])
def test_blur_may_be_any_length(cli: Run, tmp_path: Path, blur: str) -> None:
    files = [str(file_of(side, tmp_path)) for side in ("shift_a", "shift_b")]
    found, _ = cli("--source", files[0], "--target", files[1], "--blur", blur)
    assert found["sinkhorn_divergence"] == pytest.approx(5000, rel=1e-4)  # a shift costs the same at every blur (p = 2)


def test_a_transformation_is_one_for_both_clouds_and_told(cli: Run, tmp_path: Path) -> None:
    files = [str(file_of(side, tmp_path)) for side in ("shift_a", "shift_b")]
    found, err = cli("--source", files[0], "--target", files[1], "--transform", "scaled")
    factor = found["transform"]["factor"]
    both = np.concatenate([np.loadtxt(path, delimiter=",", skiprows=1) for path in files])
    assert found["transform"]["offset"] == pytest.approx(both.mean(0))
    assert factor == pytest.approx(both.std(0).mean())
    assert found["exact_cost"] == pytest.approx(5000 / factor**2)
    assert f"subtracted, then divided by {factor:.6g}" in err
    centred, _ = cli("--source", files[0], "--target", files[1], "--transform", "centred")
    assert centred["exact_cost"] == pytest.approx(5000)


def test_what_training_does_to_points_is_no_flag_here(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["transport", "--source", str(file_of("shift_a", tmp_path)), "--source.scaled", "true"]) == 2
    assert "source.scaled" in capsys.readouterr().err


def test_a_shape_of_another_scale_is_told(cli: Run, tmp_path: Path) -> None:
    _, err = cli("--source", str(file_of("far:first", tmp_path)), "--n", "50")
    assert "farfirst.csv spans x from 1e+06 to 1e+06" in err
    assert "ring x from" in err
    _, err = cli("--n", "50")
    assert "spans" not in err


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_limits_follow_the_scale_of_files(tmp_path: Path, scale: float) -> None:
    points = np.random.default_rng(0).standard_normal((40, 2)) * scale
    np.save(tmp_path / "some.npy", points)
    file = PointsFile(str(tmp_path / "some.npy"))
    of = scale_of(*clouds(Problem(), file, file))
    length = float(np.hypot(*np.ptp(points, axis=0)))
    assert of.blur == pytest.approx((length / 1e4, 2 * length), rel=0.3)
    assert of.start_blur == pytest.approx(length / 100, rel=0.3)
    assert of.reach[0] < of.unit < of.reach[1]
    assert scale_of(*clouds(Problem(n=50), Gaussian(), Ring())) == Scale()


def test_a_flow_takes_masses_at_unit_scale_and_says_so(tmp_path: Path) -> None:
    """A heavy point of two goes on to the heavy point of its target: with equal masses they would split."""
    (tmp_path / "x.csv").write_text("x,y,weight\n400000,0,1\n400500,0,1\n400000,500,8\n")
    (tmp_path / "y.csv").write_text("x,y,weight\n403000,0,1\n403500,0,1\n403000,500,8\n")
    x, y = clouds(Problem(), *(PointsFile(str(tmp_path / name)) for name in ("x.csv", "y.csv")))
    units, left, right = at_unit_scale(x, y)
    assert np.abs(np.concatenate([left, right])).max() < 10
    assert "then divided by" in change(units)
    loss = FlowLoss("", "sinkhorn", blur=0.05)
    *_, last = flow(loss, left, right, steps=60, step_size=0.2, a=x.weights, b=y.weights)
    np.testing.assert_allclose(units.to_file(last.positions), y.points, atol=0.05 * units.factor)
    assert last.w2 * units.factor < 0.05 * units.factor


def test_rows_above_n_are_drawn_once_each(tmp_path: Path) -> None:
    rows = np.column_stack([np.arange(500.0) ** 1.5, np.arange(500.0) % 7])
    np.save(tmp_path / "rows.npy", rows)
    cloud, _ = clouds(Problem(n=100), PointsFile(str(tmp_path / "rows.npy")), Ring())
    assert len(np.unique(cloud.points, axis=0)) == 100
    assert {tuple(point) for point in cloud.points} <= {tuple(row) for row in rows}
    assert not cloud.whole


@pytest.mark.parametrize("transform", ["none", "scaled"])
def test_the_snippet_gives_the_number_of_the_files(
    tmp_path: Path, transform: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In this process; tests/transport/test_snippet.py has one of its own."""
    source, target = (PointsFile(str(file_of(side, tmp_path))) for side in ("shift_a", "shift_b"))
    text = snippet(Problem(transform=transform, blur=0.1), source, target)
    monkeypatch.chdir(tmp_path)
    exec(compile(text, "again.py", "exec"), {"__name__": "__main__"})
    said = capsys.readouterr().out
    printed = dict(line.split(": ", 1) for line in said.splitlines() if ": " in line)
    factor = clouds(Problem(transform=transform), source, target)[0].units.factor
    for name in ("exact_cost", "sinkhorn_divergence"):
        assert float(printed[name]) * factor**2 == pytest.approx(5000, rel=1e-5), name
    assert "shift_a.csv, 40 rows as they are" in said
    with np.load(io.BytesIO((tmp_path / "transport.npz").read_bytes()), allow_pickle=False) as arrays:
        assert float(arrays["numbers_exact_cost"]) * factor**2 == pytest.approx(5000, rel=1e-5)


def test_shapes_have_no_limit_but_those_of_arithmetic(cli: Run, tmp_path: Path) -> None:
    rows = np.random.default_rng(0).standard_normal((40, 2)) * 300 + 4e5
    np.save(tmp_path / "map.npy", rows)
    ring = ["--target.radius", "500", "--target.std", "1e-3", "--target.modes", "4", "--target.centre", "4e5,4e5"]
    found, err = cli("--source", str(tmp_path / "map.npy"), "--n", "60", "--blur", "5", *ring)
    target = named("ring")(radius=500, std=1e-3, modes=4, centre=(4e5, 4e5))
    rng = np.random.default_rng(0)
    y = target.cloud(60, rng).points
    assert found["exact_cost"] == pytest.approx(ot.emd2([], [], ot.dist(rows - 4e5, y - 4e5) / 2), rel=1e-3)
    assert "choose a file" not in err


@pytest.mark.parametrize("value", ["0", "-2", "inf", "nan"])
def test_a_shape_of_no_size_is_refused(value: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["transport", "--target.radius", value]) == 2
    assert "radius must be a number from 1e-30 to 1e+30 (length)" in capsys.readouterr().err
