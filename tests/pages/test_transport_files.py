"""Files on the Transport page: field values, units, masses, sizes, limits, and their messages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import ot
import pytest
from asking import address, words
from streamlit.testing.v1 import AppTest
from transport_cases import CASES, Case, file_of

from otviz.core.container import unpack
from otviz.data.distributions import store_upload
from pages._ui.transport.board_canvas import read_question
from tests.waiting import until


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OTVIZ_HOME", str(tmp_path / "home"))
    return tmp_path


def open_page(app: AppTest, **query: str) -> AppTest:
    app.switch_page("pages/1_transport.py")
    for key, text in query.items():
        app.query_params[key.replace("_file", ".file")] = text
    app.run()
    assert not app.exception
    assert not app.error
    return app


def upload(path: Path) -> str:
    return store_upload(path.read_bytes(), path.name)


def files(first: Path, second: Path) -> dict[str, str]:
    sides = {"source_file": upload(first), "target_file": upload(second)}
    return {"source": "points", "target": "points", **sides}


def solved(app: AppTest) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and arrays of the full answer, as the board gets it by its channel."""
    desk = app.session_state["otviz.desk"]
    question = '{{"serial": {}, "blur": {}, "reach": null, "stage": "refine"}}'
    ask = question.format(desk.serial, desk.problem.blur).encode()
    until(lambda: "under_way" not in desk.answer(ask).options)
    return unpack(desk.message)


def numbers(header: dict[str, Any]) -> dict[str, str]:
    return {line["name"]: line["value"] for line in header["numbers"]}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_page_gives_the_values_of_the_field(app: AppTest, case: Case, tmp_path: Path) -> None:
    cost = {1: "euclidean", 2: "half-squared"}[case.p]
    sides = files(file_of(case.source, tmp_path), file_of(case.target, tmp_path))
    header, arrays = solved(open_page(app, **sides, cost=cost, blur=str(case.blur)))
    told = numbers(header)
    for name, expected, rel in (("Exact cost", case.exact, 5e-5), ("Sinkhorn divergence", case.divergence, 2e-3)):
        if expected == 0:
            assert told[name] == "0"
        elif expected is not None:
            assert float(told[name]) == pytest.approx(expected, rel=rel), name
    rows = np.loadtxt(file_of(case.source, tmp_path), delimiter=",", skiprows=1)
    np.testing.assert_allclose(arrays["x"] + np.array(header["offset"]), rows, rtol=0, atol=1e-6 * np.ptp(rows))
    assert header["notes"][0] == f"Source: {len(rows)} rows as they are"


def test_blur_starts_at_the_scale_of_the_files(app: AppTest, tmp_path: Path) -> None:
    """The box round shift_a and shift_b is 105 long; what nobody has chosen follows, and what a link says stays."""
    sides = files(file_of("shift_a", tmp_path), file_of("shift_b", tmp_path))
    header, _ = solved(open_page(app, **sides))
    assert header["blur"] == 1.0
    assert "blur" not in address(app)
    app.session_state["transport:source"], app.session_state["transport:target"] = "gaussian", "ring"
    app.run()
    assert app.session_state["otviz.desk"].problem.blur == 0.05


@pytest.mark.parametrize("blur", ["1e-05", "0.05", "1000", "100000"])
def test_a_link_may_name_any_blur(app: AppTest, tmp_path: Path, blur: str) -> None:
    sides = files(file_of("shift_a", tmp_path), file_of("shift_b", tmp_path))
    header, _ = solved(open_page(app, **sides, blur=blur))
    assert header["blur"] == float(blur)
    assert address(app)["blur"] == blur
    assert float(numbers(header)["Sinkhorn divergence"]) == pytest.approx(5000, rel=1e-3)


def test_the_board_may_ask_for_lengths_of_any_scale() -> None:
    asked = read_question(b'{"serial": 1, "blur": 250000.0, "reach": 3e6, "stage": "first"}')
    assert (asked.blur, asked.reach) == (250000.0, 3e6)


def test_masses_and_sizes_are_those_of_the_files(app: AppTest, tmp_path: Path) -> None:
    first, second = tmp_path / "first.csv", tmp_path / "second.csv"
    first.write_text("x,y,weight\nm,m,\n0,0,1\n2,0,1\n0,2,2\n")
    second.write_text("x,y\nm,m\n1,0\n3,0\n1,2\n1,2\n")
    sides = files(first, second)
    header, arrays = solved(open_page(app, **sides, blur="0.01"))
    assert float(numbers(header)["Exact cost"]) == pytest.approx(0.5)  # everything moves by (1, 0)
    assert arrays["weight_x"] == pytest.approx([0.75, 0.75, 1.5])
    assert "weight_y" not in arrays
    assert arrays["matrix"].shape == (3, 4)
    assert {line["unit"] for line in header["numbers"] if line["name"] == "Exact cost"} == {"m²"}
    assert header["axes"] == ["x (m)", "y (m)"]
    said = words(app).replace("\\", "")
    assert "Source: first.csv, 3 rows as they are, columns" in said
    assert "weights weight, divided by their sum" in said


@pytest.fixture
def far_files(tmp_path: Path) -> tuple[dict[str, str], float]:
    """Two files with weights, of 30 and 45 rows far from the origin, and the exact cost between them by POT."""
    rng, middle, tables = np.random.default_rng(0), np.array([4e5, 5e6]), []
    for name, n in (("first", 30), ("second", 45)):
        tables.append(np.column_stack([rng.standard_normal((n, 2)) * 900, rng.random(n) + 0.1]))
        rows = tables[-1] + [*middle, 0]
        np.savetxt(tmp_path / f"{name}.csv", rows, "%.12g", ",", header="x,y,weight", comments="")
    masses = [table[:, 2] / table[:, 2].sum() for table in tables]
    truth = float(ot.emd2(*masses, ot.dist(tables[0][:, :2], tables[1][:, :2]) / 2))
    return files(tmp_path / "first.csv", tmp_path / "second.csv"), truth


def computed(app: AppTest, sides: dict[str, str], view: str) -> dict[str, Any]:
    app.session_state["otviz.computed"] = {}
    open_page(app, **sides, view=view)
    return {name: items for name, (_, items) in app.session_state["otviz.computed"].items()}


def test_the_blur_s_curve_is_of_the_files_masses(app: AppTest, far_files: tuple[dict[str, str], float]) -> None:
    sides, truth = far_files
    found = computed(app, sides, "blur")
    assert found["limits"][0].exact_cost == pytest.approx(truth, rel=1e-6)
    assert found["blur"][0].sinkhorn_divergence == pytest.approx(truth, rel=0.01)
    assert found["blur"][-1].sinkhorn_divergence == pytest.approx(found["limits"][0].sinkhorn_divergence, rel=0.05)
    assert found["blur"][-1].blur > 3000  # the clouds are some 3000 wide


def test_convergence_is_of_the_files_masses(app: AppTest, far_files: tuple[dict[str, str], float]) -> None:
    found = computed(app, far_files[0], "iterations")
    last = {step.solver: step.error for step in found["iterations"]}
    assert last["scaled"] < last["plain"] < 2
    assert found["plans"][0].partners > 30 > 3 > found["plans"][-1].partners  # from nearly all 45 to few


def test_libraries_get_the_masses_of_the_files(app: AppTest, far_files: tuple[dict[str, str], float]) -> None:
    sides, truth = far_files
    found = computed(app, sides, "libraries")
    (exact,) = (entry for entry in found["libraries"] if entry.call.startswith("ot.emd2"))
    assert exact.value == pytest.approx(truth, rel=1e-6)
    assert abs(exact.difference) < 1e-6 * exact.value
    assert "30 source and 45 target points" in words(app)


def test_what_is_kept_is_at_unit_scale(app: AppTest, far_files: tuple[dict[str, str], float]) -> None:
    found = computed(app, far_files[0], "unbalanced")
    assert {len(kept.mass_x) for kept in found["kept"]} == {30}
    assert {len(kept.mass_y) for kept in found["kept"]} == {45}
    masses = [kept.mass for kept in found["kept"]]
    assert min(masses) < 0.9 < 0.99 < max(masses)  # in metres of a map all would be 0
    assert "then divided by" in words(app)


def test_the_download_names_the_files(app: AppTest, far_files: tuple[dict[str, str], float]) -> None:
    sides = far_files[0]
    open_page(app, **sides, view="download")
    (code,) = app.code
    assert f"PointsFile(file={sides['source_file']!r})" in code.value
    assert "write the path of your own copy" in code.value


def test_a_shape_of_another_scale_is_told(app: AppTest, tmp_path: Path) -> None:
    open_page(app, source="points", source_file=upload(file_of("far:first", tmp_path)))
    assert "use a file on both sides" in words(app)


def test_what_training_does_to_points_has_no_place_here(app: AppTest, tmp_path: Path) -> None:
    sides = files(file_of("shift_a", tmp_path), file_of("shift_b", tmp_path))
    open_page(app, **sides)
    assert not [widget for widget in app.toggle if widget.label in ("Centred", "Scaled")]
    header, _ = solved(open_page(app, **sides, transform="scaled"))
    assert "subtracted, then divided by" in header["notes"][2]


def test_shapes_may_be_of_the_scale_of_the_file(app: AppTest, tmp_path: Path) -> None:
    """A ring in metres of a map beside a file of such points; on the way back to unit scale the value is kept."""
    rows = np.random.default_rng(0).standard_normal((40, 2)) * 300 + [4e5, 5e6]
    np.savetxt(tmp_path / "map.csv", rows, "%.9g", ",", header="x,y", comments="")
    ring = {"target": "ring", "target.radius": "500.0", "target.std": "30.0", "target.centre": "400000.0,5000000.0"}
    open_page(app, source="points", source_file=upload(tmp_path / "map.csv"), n="50", **ring)
    desk = app.session_state["otviz.desk"]
    assert np.hypot(*(desk.target.points - [4e5, 5e6]).T).mean() == pytest.approx(500, rel=0.1)
    assert "choose a file" not in words(app)
    assert address(app)["target.radius"] == "500"
    app.run()  # now the sliders know of the file
    assert not app.exception
    assert app.session_state["otviz.desk"] is desk
    app.session_state["transport:source"] = "gaussian"
    app.run()
    app.run()
    assert not app.exception
    assert address(app)["target.radius"] == "500"


@pytest.mark.parametrize("radius", ["0", "-1", "nan", "x"])
def test_a_shape_of_no_size_is_told(app: AppTest, radius: str) -> None:
    open_page(app, n="50", **{"target.radius": radius})
    assert "target.radius must be a number from 1e-30 to 1e+30 (length)" in words(app).replace("\\", "")
