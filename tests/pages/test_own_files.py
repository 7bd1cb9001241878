"""The user's files on the Train page and on the command line: uploaded, named, described, rejected."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from asking import address, words
from PIL import Image
from streamlit.testing.v1 import AppTest

from otviz.cli.main import main
from otviz.data.distributions import store_upload
from pages._ui.shell.links import plain

pytestmark = pytest.mark.usefixtures("registry")

GOOD = b"id;weight;X [mm];Y [mm]\n0;1;3,5;-0,5\n1;2;4,5;1,5\n2;1;0,25;2\n"
BAD = b"x,y\n1,2\n3,4\n5,7\n6,error\n"


def open_page(app: AppTest, page: str = "2_train", **query: str) -> AppTest:
    app.switch_page(f"pages/{page}.py")
    for key, text in query.items():
        app.query_params[key] = text
    app.run()
    assert not app.exception
    return app


def hand_in(app: AppTest, name: str, data: bytes) -> None:
    app.file_uploader[0].set_value([(name, data, "")]).run()
    assert not app.exception


def test_a_file_is_shown_with_what_was_taken_of_it(app: AppTest) -> None:
    open_page(app, target="points")
    hand_in(app, "My points.csv", GOOD)
    assert plain(
        "My points.csv: 3 rows read, all kept; columns X [mm] and Y [mm] in mm; weights weight added up to 4"
    ) in words(app)
    assert plain("Decimal comma read. Not coordinates unless chosen: id.") in words(app)
    lists = {box.label: box for box in app.selectbox}
    assert lists["Column x"].options == [
        "the one called x, or the first of coordinates",
        "id",
        "weight",
        "X [mm]",
        "Y [mm]",
    ]
    assert lists["Column of weights"].options == [
        "the one called weight, weights or mass, if any",
        "none",
        "weight",
        "id",
        "X [mm]",
        "Y [mm]",
    ]
    lists["Column of weights"].select("none").run()
    assert address(app)["target.weight"] == "none"
    assert "added up to" not in words(app)


def test_a_link_to_an_upload_names_it_as_it_was_handed_in(app: AppTest) -> None:
    open_page(app, target="points", **{"target.file": store_upload(BAD, "mixed points.csv")})
    assert [error.value for error in app.error] == [
        plain("mixed points.csv, row 5, column y: 'error' is not a number; correct or remove that row")
    ]
    open_page(app, target="points", **{"target.file": store_upload(GOOD, "My points.csv")})
    assert plain("My points.csv: 3 rows read") in words(app)


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("mixed.csv", BAD, "mixed.csv, row 5, column y: 'error' is not a number; correct or remove that row"),
        (
            "book.xlsx",
            b"PK\x03\x04",
            "book.xlsx is a workbook, which cannot be read here; save its sheet as CSV and use that",
        ),
        ("points.csv.gz", b"\x1f\x8b", "points.csv.gz is compressed (.gz); unpack it"),
        ("points.dta", b"1", "a file must end in .csv, .tsv, .txt, .dat, .npy, .npz, .parquet; got 'points.dta'"),
    ],
)
def test_a_bad_file_is_told_in_one_sentence_and_replaces_no_good_one(
    app: AppTest, name: str, data: bytes, sentence: str
) -> None:
    open_page(app, target="points")
    hand_in(app, name, data)
    assert [plain(sentence) in error.value for error in app.error] == [True]
    hand_in(app, "good.csv", GOOD)
    assert not app.error
    hand_in(app, name, data)
    assert [plain(sentence) in error.value for error in app.error] == [True]
    assert plain("The points you had are kept.") in app.error[0].value
    assert plain("good.csv: 3 rows read") in words(app)


def test_a_tiff_is_a_density(app: AppTest) -> None:
    out = io.BytesIO()
    Image.fromarray(np.array([[0, 1200], [600, 1200]], np.uint16)).save(out, "TIFF")
    open_page(app, target="picture")
    hand_in(app, "depth.tif", out.getvalue())
    assert plain(
        "depth.tif: read at 2 x 2 pixels; 38% of the area is ink; its largest value, 1200, counts as white."
    ) in words(app)


def test_folders_of_a_zip_are_classes(app: AppTest) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for at in range(20):
            picture = io.BytesIO()
            Image.new("L", (8, 8), at).save(picture, "PNG")
            archive.writestr(f"pets/{'cats' if at % 2 else 'dogs'}/{at}.png", picture.getvalue())
    open_page(app, "4_images", target="folder")
    hand_in(app, "pets.zip", out.getvalue())
    assert plain(
        "pets.zip: 20 images read, 2 of them held out to test; 32 x 32 RGB; classes by folder: cats, dogs."
    ) in words(app)


def test_the_command_line_says_what_was_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("good.txt").write_bytes(GOOD)
    Path("mixed.csv").write_bytes(BAD)
    assert main(["train", "sinkhorn", "--target", "good.txt", "--steps", "1", "--json"]) == 0
    assert (
        "target: good.txt: 3 rows read, all kept; columns X [mm] and Y [mm] in mm; weights weight"
        in capsys.readouterr().err
    )
    assert main(["train", "sinkhorn", "--target", "mixed.csv"]) == 2
    assert capsys.readouterr().err == (
        "otviz: mixed.csv, row 5, column y: 'error' is not a number; correct or remove that row\n"
    )
    Path("book.xlsx").write_bytes(b"PK")
    assert main(["train", "sinkhorn", "--target", "book.xlsx"]) == 2
    assert "book.xlsx is a workbook, which cannot be read here; save its sheet as CSV" in capsys.readouterr().err
