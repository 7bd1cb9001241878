"""The Transport page without a browser: every loss, cost and view, links good and bad, files good and bad."""

from __future__ import annotations

import io
import json
import re
import struct
from pathlib import Path
from typing import Any

import numpy as np
import ot
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from otviz.clouds.problem import COSTS, LOSSES, Problem, clouds
from otviz.clouds.studies.flow_player import Flows
from otviz.clouds.studies.notebook_findings import target as notebook_target
from otviz.core.container import unpack
from otviz.data.distributions import store_upload
from otviz.data.distributions.gaussian import Gaussian
from otviz.data.distributions.ring import Ring
from otviz.ot.notebook_cost import notebook_points
from tests.drawn_strokes import write_strokes
from tests.waiting import PATIENCE, until


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OTVIZ_HOME", str(tmp_path))
    return tmp_path


def open_page(app: AppTest, **query: str) -> AppTest:
    app.switch_page("pages/1_transport.py")
    for key, text in query.items():
        app.query_params[key] = text
    app.run()
    assert not app.exception
    return app


def shown(app: AppTest) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and arrays of what the board was given, its places about the origin."""
    header, arrays = unpack(app.session_state["otviz.desk"].message)
    return header, arrays | {side: arrays[side] + np.array(header["offset"]) for side in ("x", "y")}


def words(app: AppTest) -> str:
    return " ".join(part.value for part in (*app.markdown, *app.caption, *app.warning, *app.error, *app.info))


def address(app: AppTest) -> dict[str, str]:
    return {key: "".join(text) for key, text in app.query_params.items()}


def test_it_opens_with_a_solved_problem(app: AppTest) -> None:
    header, arrays = shown(open_page(app))
    assert header["has_plan"]
    assert header["finished"]
    assert arrays["x"].shape == arrays["y"].shape == (1000, 2)
    assert address(app) == {}


PAIRS = [*((next(iter(LOSSES)), cost) for cost in COSTS), *list(zip(LOSSES, COSTS, strict=True))[1:]]


@pytest.mark.parametrize(("loss", "cost"), PAIRS)
def test_every_loss_and_cost_is_solved(app: AppTest, loss: str, cost: str) -> None:
    header, arrays = shown(open_page(app, loss=loss, cost=cost, n="60"))
    assert (header["loss"], header["cost"], header["n"]) == (loss, cost, 60)
    assert np.isfinite(arrays["force"]).all()
    kept = {"loss": loss, "cost": cost, "n": "60"}
    assert address(app).items() <= kept.items()


def test_blur_and_reach_come_by_link_and_stay_in_it(app: AppTest) -> None:
    header, _ = shown(open_page(app, blur="0.3", reach="1.5", n="100"))
    assert (header["blur"], header["reach"]) == (0.3, 1.5)
    assert address(app) == {"blur": "0.3", "reach": "1.5", "n": "100"}


@pytest.mark.parametrize(
    ("query", "sentences"),
    [
        (
            {"blur": "0", "reach": "x", "n": "1", "cost": "taxi"},
            (
                "blur must be a number from 1e-30 to 1e+30 (length)",
                "reach must be a number",
                "n must be a whole number from 50 to 100000",
                "cost must be one of",
            ),
        ),
        (
            {"blur": "-1", "source.strokes": "?", "source": "drawing"},
            ("blur must be", "strokes must be the text of a drawing pad"),
        ),
        (
            {"blur": "nan", "source": "drawing", "source.strokes": "AAAA"},
            ("blur must be", "cut short or damaged; another drawing is used"),
        ),
    ],
)
def test_what_a_link_cannot_mean_is_told(app: AppTest, query: dict[str, str], sentences: tuple[str, ...]) -> None:
    said = words(open_page(app, **query)).replace("\\", "")
    assert [sentence for sentence in sentences if sentence not in said] == []


def test_an_empty_drawing_is_told(app: AppTest) -> None:
    open_page(app, source="drawing", **{"source.strokes": ""})
    assert "the drawing is empty: draw something" in words(app).replace("\\", "")


def test_a_drawing_travels_in_the_link(app: AppTest) -> None:
    text = write_strokes([np.array([[0, 0], [255, 0]], np.uint8)])
    _, arrays = shown(open_page(app, source="drawing", n="200", **{"source.strokes": text, "source.brush": "0.02"}))
    assert np.abs(arrays["x"][:, 1] + 4).max() < 0.03
    assert address(app)["source.strokes"] == text


def test_a_picture_is_a_density(app: AppTest) -> None:
    out = io.BytesIO()
    Image.fromarray(np.array([[0, 255], [255, 255]], np.uint8)).save(out, "PNG")
    name = store_upload(out.getvalue(), "dot.png")
    _, arrays = shown(open_page(app, target="picture", n="100", **{"target.file": name, "target.size": "2"}))
    assert (arrays["y"][:, 0] <= 0).all()
    assert (arrays["y"][:, 1] >= 0).all()


def test_a_table_is_not_taken_for_a_picture(app: AppTest) -> None:
    name = store_upload(b"1,2\n3,4\n5,7\n", "rows.csv")
    open_page(app, target="picture", **{"target.file": name})
    assert "Choose a file" in words(app)


def test_columns_of_a_file_are_chosen_from_a_list(app: AppTest) -> None:
    name = store_upload(b"label,u,v,w\na,0,1,5\nb,2,3,9\nc,4,8,7\n", "rows.csv")
    open_page(app, target="points", **{"target.file": name, "target.x": "w"})
    lists = {box.label: box for box in app.selectbox if box.label.startswith("Column ")}
    assert lists["Column x"].options == ["the one called x, or the first of coordinates", "u", "v", "w"]
    assert address(app)["target.x"] == "w"
    lists["Column y"].select("v").run()
    assert address(app)["target.y"] == "v"
    assert "columns w and v" in words(app)


def test_a_column_that_is_not_there_is_told(app: AppTest) -> None:
    name = store_upload(b"u,v\n0,1\n2,3\n4,8\n", "rows.csv")
    open_page(app, target="points", **{"target.file": name, "target.x": "q"})
    assert "Column x must be a column of" in words(app)


def test_a_link_cannot_read_the_disk(app: AppTest) -> None:
    open_page(app, target="points", **{"target.file": "/etc/passwd"})
    assert "A link can only name an uploaded file" in words(app)


def test_the_notebook_s_points_give_the_notebook_s_number(app: AppTest) -> None:
    """N2: S = 2.7932 by geomloss at scaling .9, which is not converged: .99 gives 2.7946."""
    open_page(app, **{"points": "notebook", "n": "2000", "blur": "0.01", "source.std": "0.5"})
    desk = app.session_state["otviz.desk"]
    x, y = notebook_points()
    np.testing.assert_array_equal(desk.source.points, x)
    np.testing.assert_array_equal(desk.target.points, y)
    rest = json.dumps({"stage": "refine", "serial": desk.serial, "blur": 0.01, "reach": None}).encode()
    until(lambda: not desk.answer(rest).options.get("under_way"))
    header, _ = shown(app)
    assert header["complete"]
    (printed,) = (row["value"] for row in header["numbers"] if row["name"] == "Sinkhorn divergence")
    assert 2.7932 - 5e-4 <= float(printed) <= 2.7946 + 5e-4


def traces(app: AppTest) -> list[dict[str, Any]]:
    """Of all figures on the page, by the order in which they are drawn."""
    return [trace for figure in figures(app) for trace in figure["data"]]


def figures(app: AppTest) -> list[dict[str, Any]]:
    return [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]


def exact_cost(app: AppTest) -> float:
    """By linear programme, of the points on the board: half the squared distance."""
    desk = app.session_state["otviz.desk"]
    n = len(desk.source.points)
    cost = ((desk.source.points[:, None] - desk.target.points[None]) ** 2).sum(-1) / 2
    return float(ot.emd2(np.full(n, 1 / n), np.full(n, 1 / n), cost))


def test_the_formula_is_that_of_the_loss_and_the_cost(app: AppTest) -> None:
    loss, cost = (formula.value for formula in open_page(app, view="read", n="50").latex)
    assert r"-\tfrac12\mathrm{OT}_\varepsilon(x,x)-\tfrac12\mathrm{OT}_\varepsilon(y,y)" in loss
    assert r"c(x,y)=\tfrac12|x-y|^2" in cost


def test_the_curve_over_blur_goes_from_the_exact_cost_to_the_mean_of_all_pairs(app: AppTest) -> None:
    open_page(app, view="blur", n="50")
    exact, desk = exact_cost(app), app.session_state["otviz.desk"]
    x, y = desk.source.points, desk.target.points
    pairs = ((x[:, None] - y[None]) ** 2).sum(-1).mean() / 2
    means = ((x.mean(0) - y.mean(0)) ** 2).sum() / 2
    debiased, entropic, _ = traces(app)
    assert debiased["y"][0] == pytest.approx(exact, rel=0.01)
    assert entropic["y"][-1] == pytest.approx(pairs, rel=0.05)
    said = " ".join(note["text"] for note in figures(app)[0]["layout"]["annotations"])
    assert f"exact (linear programme), {exact:.4g}" in said
    assert f"mean cost of all pairs, {pairs:.4g}" in said
    assert f"{means:.3g}" in said


def test_errors_fall_and_the_plan_sharpens(app: AppTest) -> None:
    open_page(app, view="iterations", n="50")
    errors = {trace["name"]: trace["y"] for trace in traces(app) if trace["type"] == "scatter"}
    assert len(errors) == 3
    assert all(error[-1] < 0.1 * error[0] for name, error in errors.items() if "fixed" not in name)
    assert all(error[-1] < error[0] for error in errors.values())
    said = [note["text"] for note in figures(app)[1]["layout"]["annotations"]]
    partners = [float(re.search(r"<br>([\d.]+) partners", text)[1]) for text in said if "partners" in text]
    assert len(partners) == 5
    assert (np.diff(partners) < 0).all()
    assert 1 <= partners[-1] < 2


def test_libraries_agree_on_what_they_mean(app: AppTest) -> None:
    open_page(app, view="libraries", n="50")
    table, exact = app.dataframe[0].value, exact_cost(app)
    assert {"otviz", "geomloss", "POT"} <= set(table["library"])
    there = table[table["prints"].notna()]
    assert len(there) >= 10
    assert (there["= ours"] - (there["prints"] * there["× factor"] + there["+ offset"])).abs().max() < 1e-9
    quantities = {"sinkhorn divergence", "entropic cost", "transport cost", "exact cost"}
    assert set(there["corresponds to our"]) == quantities
    for name, rows in there.groupby("corresponds to our"):
        ours = rows["= ours"].to_numpy()
        first = 1e-6 if name == "exact cost" else 0.01  # blur .05 is small here; the first row is that of otviz
        assert ours[0] == pytest.approx(exact, rel=first)
        assert rows["off by"].to_numpy() == pytest.approx(ours - ours[0], abs=1e-6)
        assert ours == pytest.approx(exact, rel=0.05)  # some stop before they are converged


def test_outliers_get_mass_once_reach_spans_the_gap_and_alpha_keeps_it(app: AppTest) -> None:
    open_page(app, view="unbalanced", n="50")
    curves = {trace["name"]: trace for trace in figures(app)[0]["data"]}
    outliers = curves["outliers"]
    near = [mass for reach, mass in zip(outliers["x"], outliers["y"], strict=True) if reach < 0.5]
    assert max(near) < 1e-6, "they lie 8 away"
    assert outliers["y"][-1] > 0.5
    assert (np.diff(outliers["y"]) >= -1e-6).all()
    kept = [trace for trace in figures(app)[1]["data"] if max(trace["y"]) <= 1]
    assert [trace["x"] for trace in kept] == [[0.2, 0.5, 1.0, 2.0, 5.0]] * 3
    assert all((np.diff(trace["y"]) > 0).all() for trace in kept)
    assert all(0 < mass <= 1 for trace in kept for mass in trace["y"])


def test_downloads_are_of_the_picture_shown(app: AppTest) -> None:
    open_page(app, view="download", n="50")
    assert [button.proto.label for button in app.get("download_button")] == [
        "Points (CSV)", "Plan, potentials, all arrays (NPZ)", "Picture (HTML)",
    ]  # fmt: skip
    (script,) = (code.value for code in app.code)
    compile(script, "script", "exec")
    assert re.search(r"\bn=50\b", script)
    assert {"target", "source"} <= {trace["name"] for trace in traces(app)}


def clickable(view: str) -> AppTest:
    """The page without the app around it, where buttons can be pressed."""
    path = Path(__file__).resolve().parents[2] / "pages" / "1_transport.py"
    app = AppTest.from_file(str(path), default_timeout=PATIENCE)
    app.query_params.update({"view": view, "n": "50"})
    app.run()
    assert not app.exception
    return app


@pytest.mark.usefixtures("alone")
def test_the_experiments_of_the_notebook_are_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "otviz.clouds.studies.notebook_findings.experiments", notebook_target
    )  # the first and quickest of them
    app = clickable("notebook")
    (run,) = (button for button in app.button if button.label == "Recompute the numbers")
    run.click().run()
    table = app.dataframe[0].value
    assert all(table["number"].str.startswith("points in mode"))
    assert set(table["agrees"]) <= {"yes", ""}
    assert table["found here"].sum() == 2000, "points in all modes"


@pytest.mark.usefixtures("alone")
def test_the_flow_moves_the_points_downhill(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[Flows] = []

    class Few(Flows):
        def __init__(self, x: Any, y: Any, **masses: Any) -> None:
            super().__init__(x, y, steps=6, **masses)
            begun.append(self)

    monkeypatch.setattr("otviz.clouds.studies.flow_player.Flows", Few)
    app = clickable("flow")
    (play,) = (button for button in app.button if button.label == "Play the gradient flow")
    play.click().run()
    assert not app.exception
    (flows,) = begun
    assert flows.wait(PATIENCE)
    panels = flows.panels()
    assert [panel.status for panel in panels] == ["done"] * len(panels)
    assert len(panels) >= 4
    x, y = clouds(Problem(n=400), Gaussian(), Ring())
    for panel in panels:
        np.testing.assert_array_equal(panel.snapshots[0].generated, x.points.astype(np.float32))
        np.testing.assert_array_equal(panel.scene.target, y.points.astype(np.float32))
        assert panel.snapshots[-1].generator_loss < panel.snapshots[0].generator_loss


@pytest.mark.parametrize("view", ["blur", "iterations", "libraries"])
def test_views_that_need_p_say_so(app: AppTest, view: str) -> None:
    open_page(app, view=view, n="50", cost="cityblock")
    assert "choose p = 1 or p = 2" in words(app).replace("\\", "")


def test_memory_is_refused_before_it_is_taken(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("otviz.core.memory.free_memory", lambda: 1e6)
    open_page(app, n="1000")
    assert "n = 1000 points need" in words(app).replace("\\", "")
    assert "fits" in words(app)


def test_the_message_is_what_the_board_reads(app: AppTest) -> None:
    open_page(app, n="50")
    magic, _, _, length = struct.unpack_from("<4sHHI", app.session_state["otviz.desk"].message)
    assert (magic, length % 4) == (b"OTVZ", 0)
