"""The Transport page without a browser: every loss, cost and view, links good and bad, files good and bad."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from otviz.distributions import store_upload
from otviz.distributions.drawing import write_strokes
from otviz.transport.packing import unpack
from otviz.transport.problem import COSTS, LOSSES


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


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("cost", COSTS)
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
    ("query", "sentence"),
    [
        ({"blur": "0"}, "blur must be a number from 1e-30 to 1e+30 (length)"),
        ({"blur": "-1"}, "blur must be"),
        ({"blur": "nan"}, "blur must be"),
        ({"reach": "x"}, "reach must be a number"),
        ({"n": "1"}, "n must be a whole number from 50 to 20000"),
        ({"cost": "taxi"}, "cost must be one of"),
        ({"source.strokes": "?", "source": "drawing"}, "strokes must be the text of a drawing pad"),
        ({"source": "drawing", "source.strokes": "AAAA"}, "cut short or damaged; another drawing is used"),
    ],
)
def test_what_a_link_cannot_mean_is_told(app: AppTest, query: dict[str, str], sentence: str) -> None:
    open_page(app, **query)
    assert sentence in words(app).replace("\\", "")


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
    lists = {box.label: box for box in app.selectbox if box.label in ("x", "y")}
    assert lists["x"].options == ["the one called x, or the first of coordinates", "u", "v", "w"]
    assert address(app)["target.x"] == "w"
    lists["y"].select("v").run()
    assert address(app)["target.y"] == "v"
    assert "columns w and v" in words(app)


def test_a_column_that_is_not_there_is_told(app: AppTest) -> None:
    name = store_upload(b"u,v\n0,1\n2,3\n4,8\n", "rows.csv")
    open_page(app, target="points", **{"target.file": name, "target.x": "q"})
    assert "X must be a column of" in words(app)


def test_a_link_cannot_read_the_disk(app: AppTest) -> None:
    open_page(app, target="points", **{"target.file": "/etc/passwd"})
    assert "A link can only name an uploaded file" in words(app)


def test_the_notebook_s_points(app: AppTest) -> None:
    """N2: S = 2.7932 by geomloss at scaling .9; ours is converged further, where .99 gives 2.7946."""
    query = {"points": "notebook", "n": "2000", "blur": "0.01", "source.std": "0.5"}
    open_page(app, **query)
    found = app.session_state["otviz.desk"].picture
    assert len(found.x) == 2000


@pytest.mark.parametrize(
    "view", ["read", "blur", "iterations", "libraries", "unbalanced", "download", "notebook", "flow"]
)
def test_every_view_is_drawn(app: AppTest, view: str) -> None:
    app.session_state["otviz.computed"] = {}
    open_page(app, view=view, n="50")
    assert not app.error


@pytest.mark.parametrize("view", ["blur", "iterations", "libraries"])
def test_views_that_need_p_say_so(app: AppTest, view: str) -> None:
    open_page(app, view=view, n="50", cost="cityblock")
    assert "choose p = 1 or p = 2" in words(app).replace("\\", "")


def test_memory_is_refused_before_it_is_taken(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("otviz.transport.memory.available", lambda: 1e6)
    open_page(app, n="1000")
    assert "n = 1000 points need" in words(app).replace("\\", "")
    assert "fits" in words(app)


def test_the_message_is_what_the_board_reads(app: AppTest) -> None:
    open_page(app, n="50")
    (length,) = struct.unpack_from("<I", app.session_state["otviz.desk"].message)
    assert length % 4 == 0
