"""What leaves a training on a file is in the file's units: points at their own centres, lengths times the scale, words."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import ot
import pytest

from otviz.cli.main import main
from otviz.clouds.laboratory import against_exact
from otviz.data.distributions import named as distribution
from otviz.data.distributions.gaussian import Gaussian
from otviz.data.distributions.points import PointsFile
from otviz.data.units import Units, unit_of
from otviz.evaluation.metrics import measure
from otviz.evaluation.verdicts import verdict
from otviz.experiments.sweeps.train_cells import train_cells
from otviz.methods import named as method
from otviz.player import wire
from otviz.player.wire.run_panel import panel_of
from otviz.runs.change_log import RunCheckpoint
from otviz.runs.config import RunConfig
from otviz.runs.run_verdict import verdict_on
from otviz.runs.saved.run_store import Store
from otviz.runs.saved.saved_run import SavedRun, read_curves
from otviz.runs.saved.summaries import Summaries
from otviz.runs.snapshots import Snapshot, preview
from otviz.runs.training_handle import LocalTraining
from otviz.viz.diagnostics import diagnostics
from otviz.viz.exports import exports
from otviz.viz.exports.stills import Still
from otviz.viz.interpolation import interpolation
from otviz.viz.run_curves import run_curves
from otviz.viz.transport.exactness_map import map_beside_plan

CENTRES = np.array([[1200.0, -340.0], [1201.5, -339.0], [1199.0, -338.5]])
STD = 0.12


def off_centre(scale: float = 1.0, shift: Sequence[float] = (0.0, 0.0)) -> np.ndarray:
    """900 rows of a mixture of three Gaussians far from 0."""
    rng = np.random.default_rng(0)
    rows: np.ndarray = CENTRES[np.arange(900) % 3] + STD * rng.standard_normal((900, 2))
    return scale * rows + np.asarray(shift)


def written(path: Path, rows: np.ndarray) -> str:
    np.savetxt(path, rows, delimiter=",", header="x,y", comments="", fmt="%.17g")
    return str(path)


def lies_at_its_centres(points: np.ndarray) -> None:
    """Every mode has about a third of the points, and their mean within a standard deviation of its centre."""
    distances = np.linalg.norm(points[:, None] - CENTRES, axis=2)
    nearest = distances.argmin(1)
    for mode, centre in enumerate(CENTRES):
        own = points[nearest == mode]
        assert 0.2 < len(own) / len(points) < 0.5
        assert np.linalg.norm(np.median(own, axis=0) - centre) < STD


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder that `train --out` wrote, and what it printed."""
    folder = tmp_path_factory.mktemp("trained")
    file = written(folder / "off.csv", off_centre())
    words = ["train", "sinkhorn", "--target", file, "--steps", "300", "--batch-size", "128", "--lr", "0.003"]
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        assert main([*words, "--device", "cpu", "--out", str(folder / "run")]) == 0
    return folder / "run", printed.getvalue()


@pytest.fixture(scope="module")
def recorded(trained: tuple[Path, str]) -> SavedRun:
    return SavedRun.from_folder(trained[0])


def export(folder: Path, kind: str, to: Path) -> bytes:
    assert main(["export", str(folder), "--as", kind, "--out", str(to)]) == 0
    return to.read_bytes()


def test_units_turn_points_and_back_and_leave_data_units_alone() -> None:
    units = Units((1200.0, -340.0), 0.5, "km")
    np.testing.assert_array_equal(units.to_file(np.float32([[2, 4]])), [[1201, -338]])
    np.testing.assert_array_equal(units.to_data(np.array([[1201.0, -338.0]])), [[2, 4]])
    assert (units.word, Units((1.0, 0.0)).word, Units().word, Units(name="mm").word) == ("km", "file units", "", "mm")
    points = np.ones((2, 2), np.float32)
    assert Units(name="mm").to_file(points) is points
    assert [unit_of(name, "km") for name in ("w2_floor_std", "diversity", "blur", "samples_distance", "recall")] == [
        "km", "km²", "km", "", "",
    ]  # fmt: skip
    assert unit_of("w2", "") == ""


def test_samples_of_a_training_from_csv_come_back_at_their_own_centres(trained: tuple[Path, str]) -> None:
    lies_at_its_centres(np.load(trained[0] / "samples.npy"))


def test_the_command_line_tells_lengths_with_their_unit(
    trained: tuple[Path, str], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, printed = trained
    lines = {line.split()[0]: " ".join(line.split()[1:]) for line in printed.splitlines()[1:]}
    diversity = float(np.var(np.load(folder / "samples.npy"), axis=0).mean())
    assert lines["diversity"] == f"{diversity:.4g} file units²"
    assert lines["w2"].endswith(" file units")
    assert lines["samples"] == "2500"
    card = json.loads((folder / "card.json").read_text())
    assert card["metrics"]["diversity"] == pytest.approx(diversity, rel=1e-5)
    rows = off_centre()
    assert card["units"]["offset"] == pytest.approx(rows.mean(0).tolist(), rel=1e-12)
    assert card["units"]["factor"] == pytest.approx(rows.std(0).mean() / 1.5, rel=1e-9)
    assert main(["evaluate", str(folder), "--json"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert again["units"] == card["units"]
    assert again["diversity"] == pytest.approx(diversity, rel=1e-5)  # the same draws, on one processor
    assert main(["evaluate", str(folder)]) == 0
    assert f"{diversity:.4g} file units²" in capsys.readouterr().out


def test_metrics_scale_with_the_file(tmp_path: Path) -> None:
    """Two files that differ by a shift and a scale of 1000 are the same in data units."""
    small = PointsFile(file=written(tmp_path / "a.csv", off_centre()))
    large = PointsFile(file=written(tmp_path / "b.csv", off_centre(1000, (5e6, -7e5))))
    found = [
        measure(each.sample(300, np.random.default_rng(1)), each, np.random.default_rng(2)) for each in (small, large)
    ]
    for name, power in {"w2": 1, "w2_floor": 1, "w2_floor_std": 1, "blur": 1, "sinkhorn": 2, "diversity": 2}.items():
        assert found[1][name] == pytest.approx(1000**power * found[0][name], rel=1e-3), name
    assert found[1]["precision"] == found[0]["precision"]


def test_w2_of_a_run_is_that_of_points_in_file_units(recorded: SavedRun) -> None:
    """Against a linear programme between the points as they leave, and other rows of the file: the floor is as good."""
    generated, rows = recorded.snapshots[-1].generated[:500], off_centre()
    meter = recorded.snapshots[-1].meter
    fresh = [rows[np.random.default_rng(seed).integers(900, size=500)] for seed in range(6)]
    mean = np.mean([math.sqrt(ot.emd2([], [], ot.dist(generated, each))) for each in fresh])
    floor = np.mean([math.sqrt(ot.emd2([], [], ot.dist(each, fresh[0]))) for each in fresh[1:]])
    assert meter["w2"] == pytest.approx(mean, rel=0.5)  # counts per mode are random: 900 rows, 500 drawn
    assert meter["w2_floor"] == pytest.approx(floor, rel=0.5)
    assert meter["diversity"] == pytest.approx(recorded.snapshots[-1].generated.var(axis=0).mean(), rel=1e-5)
    assert meter["diversity_target"] == pytest.approx(rows.var(axis=0).mean(), rel=0.05)


def test_a_reopened_run_shows_and_makes_points_at_their_own_centres(recorded: SavedRun) -> None:
    lies_at_its_centres(recorded.snapshots[-1].generated)
    here = LocalTraining(recorded.config, RunCheckpoint((), recorded.losses(), *recorded.state()))
    looked = here.take_snapshot(0, 0.0, (0.0, math.nan))
    assert looked is not None
    lies_at_its_centres(looked[0].generated)
    np.testing.assert_allclose(looked[0].generated, recorded.snapshots[-1].generated, atol=1e-6)


def test_a_run_whose_file_has_changed_is_refused(tmp_path: Path) -> None:
    """Its weights make data units of the old rows, which the new ones cannot place."""
    file = tmp_path / "a.csv"
    config = RunConfig(method("sinkhorn")(), PointsFile(file=written(file, off_centre())), steps=5)
    record = json.loads(json.dumps(config.record()))
    assert RunConfig.from_record(record) == config
    written(file, off_centre(shift=(1, 0)))
    with pytest.raises(ValueError, match=r"target's file have changed: they were centred at \(1200\.\d+, -339\.\d+\)"):
        RunConfig.from_record(record)


def test_tables_and_arrays_are_in_file_units(trained: tuple[Path, str], tmp_path: Path) -> None:
    folder = trained[0]
    text = export(folder, "samples", tmp_path / "samples.csv").decode()
    assert text.startswith("x,y\n")
    lies_at_its_centres(np.loadtxt(io.StringIO(text), delimiter=",", skiprows=1))
    looks = list(csv.DictReader(io.StringIO(export(folder, "csv", tmp_path / "looks.csv").decode())))
    assert {look["unit"] for look in looks} == {"file units"}
    export(folder, "npz", tmp_path / "run.npz")
    arrays = np.load(tmp_path / "run.npz", allow_pickle=False)
    lies_at_its_centres(arrays["generated"][-1])
    rows = off_centre()
    apart = np.linalg.norm(arrays["target"][:, None] - rows, axis=2).min(1)
    assert apart.max() < 1e-6  # each is a row of the file
    units = json.loads(str(arrays["units"]))
    assert units["unit"] == "file units"
    assert "the source too" in units["note"]
    # The source is a standard Gaussian in data units, placed by the target's units.
    np.testing.assert_allclose(arrays["source"].mean(0), rows.mean(0), atol=0.1)
    np.testing.assert_allclose(arrays["source"].std(0), rows.std(0).mean() / 1.5, rtol=0.1)
    assert float(looks[-1]["w2"]) == pytest.approx(float(arrays["meter_w2"][-1]), rel=1e-8)


def test_a_notebook_repeats_the_run_in_file_units(trained: tuple[Path, str], tmp_path: Path) -> None:
    book = json.loads(export(trained[0], "notebook", tmp_path / "run.ipynb"))
    code = "\n".join("".join(cell["source"]) for cell in book["cells"] if cell["cell_type"] == "code")
    text = "\n".join("".join(cell["source"]) for cell in book["cells"] if cell["cell_type"] == "markdown")
    assert "are in the file's units" in text
    names: dict[str, Any] = {"__name__": "__main__"}
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(code, "run.py", "exec"), names)
    assert "agrees: all" in printed.getvalue()
    (found,) = names["repeated"].values()
    lies_at_its_centres(found.snapshot.generated)
    assert f"w2: {found.snapshot.meter['w2']}" in printed.getvalue()
    script = export(trained[0], "script", tmp_path / "run.py").decode()
    assert "are in the file's units" in script


def test_report_and_pictures_name_the_unit(trained: tuple[Path, str], recorded: SavedRun, tmp_path: Path) -> None:
    html = export(trained[0], "html", tmp_path / "run.html").decode()
    w2 = recorded.meter["w2"]
    assert f"{w2:.4g} file units (real " in html
    assert "units of the target&#x27;s file" in html
    svg = export(trained[0], "svg", tmp_path / "run.svg").decode()
    assert f"W2 {w2:.3g} file units (floor" in svg
    x_low, x_high = recorded.scene.box[:2]
    assert f"x {x_low:.3f} to {x_high:.3f}, y " in svg
    assert exports()["png"].make({"it": recorded}) == Still.of({"it": recorded}).file("png")
    assert "file units" in verdict_on(recorded).sentence


def test_the_player_is_told_places_and_units_of_the_file(recorded: SavedRun) -> None:
    data = wire.encode([panel_of(recorded, recorded.scene, recorded.snapshots[-1:], name="a")])
    (panel,) = wire.decode(data)
    assert panel.scene is not None
    assert panel.scene.unit == "file units"
    assert panel.box == recorded.scene.box
    rows = off_centre()
    pixel = (panel.box[1] - panel.box[0]) / 20_000
    assert np.linalg.norm(panel.scene.target[:, None] - rows, axis=2).min(1).max() < pixel
    lies_at_its_centres(panel.snapshots[0].generated)
    plain = preview(distribution("ring")(), Gaussian())
    assert plain.target.dtype == np.float32
    assert b'"unit"' not in wire.encode([wire.PanelUpdate("p", plain.box, plain, status="ready")])


def test_figures_have_axes_in_file_units(recorded: SavedRun) -> None:
    training = recorded.training
    found = against_exact(training, 60)
    for figure in (
        diagnostics(recorded.scene, recorded.snapshots, recorded.losses()),
        interpolation(training),
        map_beside_plan(found, recorded.scene.box),
    ):
        assert "x (file units)" in {axis.title.text for axis in figure.select_xaxes()}
        (target,) = (line for line in figure.data if line.name in ("target", "y"))
        points = np.column_stack([target.x, target.y])
        assert np.linalg.norm(points[:, None] - off_centre(), axis=2).min(1).max() < 1e-5
    squared = ((found.source - found.generated) ** 2).sum(1).mean()
    assert found.map_cost == pytest.approx(squared, rel=1e-4)
    exact = ot.emd2([], [], ot.dist(found.source, found.target))
    assert found.exact_cost == pytest.approx(exact, rel=1e-4)


def test_lists_of_runs_know_the_unit(trained: tuple[Path, str]) -> None:
    (summary,) = Summaries(Store(trained[0].parent)).all()
    assert (summary.meter["unit"], summary.meter["w2_samples"]) == ("file units", 500)
    course = read_curves(trained[0])
    titles = [note.text for note in run_curves({"it": course}).layout.annotations]
    assert "W2 to the target (file units)" in titles


def test_weights_say_how_to_leave_data_units(recorded: SavedRun) -> None:
    data = exports()["weights"].make({"it": recorded})
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    assert json.loads(header["__metadata__"]["units"]) == recorded.config.target.units.record()


def test_cells_of_a_sweep_are_measured_in_file_units(tmp_path: Path) -> None:
    """A verdict there reads W2 measured afresh: between two files a thousand times as large it is a thousand times."""
    small = PointsFile(file=written(tmp_path / "a.csv", off_centre()))
    large = PointsFile(file=written(tmp_path / "b.csv", off_centre(1000, (5e6, 0))))
    knobs = {"batch_size": 32, "hidden": 16, "layers": 2}
    found = [
        next(train_cells([RunConfig(method("sinkhorn")(**knobs), file, steps=20, device="cpu")]))
        for file in (small, large)
    ]
    assert found[1].w2_floor == pytest.approx(1000 * (found[0].w2_floor or 0), rel=1e-3)
    said = [float(re.search(r"W2 is ([\d.e+-]+) file units", each.sentence)[1]) for each in found]  # type: ignore[index]
    assert said[1] == pytest.approx(1000 * said[0], rel=0.02)  # three digits


def test_a_source_from_a_file_is_placed_by_the_units_of_the_target(tmp_path: Path) -> None:
    target = PointsFile(file=written(tmp_path / "a.csv", off_centre()))
    source = PointsFile(file=written(tmp_path / "b.csv", off_centre(1000, (5e6, 0))))
    scene = preview(target, source)
    apart = np.linalg.norm(scene.source[:, None] - off_centre(), axis=2).min(1)
    assert apart.max() < 1e-4  # both are the same in data units


def test_points_far_from_0_for_their_spread_keep_their_digits(tmp_path: Path) -> None:
    """A map in metres with points within a centimetre."""
    rows = off_centre(1e-3, (612_345.0, 5_400_000.0))
    scene = preview(PointsFile(file=written(tmp_path / "map.csv", rows)), Gaussian())
    assert np.linalg.norm(scene.target[:, None] - rows, axis=2).min(1).max() < 1e-8
    (panel,) = wire.decode(wire.encode([wire.PanelUpdate("p", scene.box, scene, status="ready")]))
    assert panel.scene is not None
    np.testing.assert_allclose(panel.scene.target, scene.target, atol=(scene.box[1] - scene.box[0]) / 20_000)
    from otviz.runs.saved.run_files import samples_csv

    look = Snapshot(0, 0, 0.0, 0.0, scene.target, None, None, None, 0.0, 0.0, None)
    back = np.loadtxt(io.StringIO(samples_csv(look)), delimiter=",", skiprows=1)
    np.testing.assert_allclose(back, scene.target, rtol=0, atol=1e-8)


def test_a_verdict_has_the_unit_behind_its_lengths() -> None:
    plain = [(step, {"w2": 0.00312, "w2_floor": 0.0031, "samples": 1000}) for step in range(0, 101, 10)]
    in_km = [(step, {**meter, "unit": "km"}) for step, meter in plain]
    losses = np.zeros((100, 2))
    assert "W2 is 0.00312 km (floor 0.0031)" in verdict(in_km, losses, 100).sentence
    assert "W2 is 0.00 (floor 0.00)" in verdict(plain, losses, 100).sentence
