"""The page Diagnose without a browser: examples at once, own files, models, bad files with one sentence, links, the report."""

from __future__ import annotations

import io
import json
import re
import time
import zipfile
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from asking import address, words
from PIL import Image
from streamlit.testing.v1 import AppTest

from otviz.checkpoints import diagnoses
from otviz.checkpoints.diagnoses import sides
from otviz.checkpoints.diagnoses.examples import EXAMPLES
from otviz.checkpoints.diagnoses.job import DiagnosisJob, Request
from otviz.checkpoints.diagnoses.sides import open_side
from otviz.checkpoints.diagnoses.stored import Found, pack, unpack
from otviz.core.owners import EVERYBODY
from otviz.evaluation.diagnosis import Samples, Timeline, diagnose, over_time
from otviz.viz import diagnosis as drawn
from pages._ui.diagnose import choosing, picture
from tests.waiting import PATIENCE

RNG = np.random.default_rng(0)
CENTRES = np.array([[0, 0], [6, 0], [0, 6], [6, 6]], float)


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTVIZ_HOME", str(tmp_path))


@pytest.fixture
def page(alone: None) -> AppTest:
    """The page itself, not run yet."""
    path = Path(__file__).resolve().parents[2] / "pages" / "6_diagnose.py"
    return AppTest.from_file(str(path), default_timeout=PATIENCE)


def blobs(n: int, modes: int = 4) -> np.ndarray:
    return CENTRES[np.arange(n) % modes] + 0.3 * RNG.standard_normal((n, 2))


def csv(points: np.ndarray, header: str = "x,y") -> bytes:
    out = io.StringIO()
    np.savetxt(out, points, delimiter=",", header=header, comments="", fmt="%.5f")
    return out.getvalue().encode()


def said(page: AppTest) -> str:
    """All HTML and text of the page, with plain spaces."""
    parts = [*(str(part.proto.body) for part in page.get("html")), words(page)]
    return " ".join(parts).replace("\u00a0", " ")


def hand_in(page: AppTest, side: int, *files: tuple[str, bytes]) -> None:
    """Drop files on the first (real) or second (generated) side."""
    page.file_uploader[side].set_value([(name, data, "") for name, data in files]).run()
    assert not page.exception


def judged(page: AppTest) -> str:
    """What the page says once it has judged."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        page.run()
        assert not page.exception
        if not any(button.label == "Cancel" for button in page.button):
            return said(page)
        time.sleep(0.4)
    raise AssertionError(said(page))


@pytest.fixture(scope="module")
def collapsed() -> Found:
    """Blobs of which the generator misses two, one lost on the way; names that a page must escape."""
    real = Samples(blobs(240), "<b>real</b>.csv", ("<i>x</i>", "y"))
    sets = tuple(Samples(blobs(160, modes), f"epoch {at}") for at, modes in ((1, 4), (2, 3), (3, 2)))
    *_, timeline = over_time(real, sets)
    return Found(timeline, real, sets)


def test_the_page_opens_with_an_answer(page: AppTest) -> None:
    page.run()
    assert not page.exception
    first = diagnoses.read(choosing.FIRST).timeline.diagnoses[-1]
    assert first.kind == "collapsed"
    assert first.sentence in said(page)
    assert address(page) == {}


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_is_shown_and_stands_in_the_link(page: AppTest, name: str) -> None:
    page.query_params["example"] = name
    page.run()
    assert not page.exception
    found = diagnoses.read(name)
    assert found.timeline.diagnoses[-1].sentence in said(page)
    assert address(page).get("example", choosing.FIRST) == name
    card = picture.card(found, 0, "generated", 3)
    assert len(card["near"]) == 3
    assert bool(card.get("image")) == found.real.are_images


def test_the_digits_that_the_shipped_model_lost_are_named() -> None:
    without, with_cost = (diagnoses.read(name).timeline.diagnoses[-1] for name in ("mnist8-no-cost", "mnist8-cost"))
    lost = {cluster.name for cluster in without.clusters if cluster.lost}
    assert {"3", "5", "6", "7"} <= lost
    assert without.kind == "collapsed"
    assert with_cost.kind != "collapsed"
    assert not any(cluster.lost for cluster in with_cost.clusters)


def test_shipped_examples_are_what_the_code_says_today() -> None:
    """After a change of the computation: `python -m otviz record diagnose-ring`, and the other examples."""
    found = diagnoses.read("ring")
    again, shipped = diagnose(found.real, found.generated[-1]), found.timeline.diagnoses[-1]
    assert (again.kind, again.sentence, again.why) == (shipped.kind, shipped.sentence, shipped.why)
    assert {n.key: n.value for n in again.numbers} == pytest.approx({n.key: n.value for n in shipped.numbers}, rel=0.02)


def test_two_files_are_judged(page: AppTest) -> None:
    page.run()
    hand_in(page, 0, ("data.csv", csv(blobs(400))))
    assert "Now the other side" in words(page)
    hand_in(page, 1, ("made.csv", csv(blobs(400, 3))))
    assert "Collapsed" in judged(page)
    assert set(address(page)) == {"real", "generated"}
    assert {"Report (HTML)", "Numbers (JSON)"} <= {button.label for button in page.get("download_button")}
    next(button for button in page.button if button.label == EXAMPLES["ring"].title).click().run()
    assert address(page) == {"example": "ring"}


def test_several_files_are_a_training_in_the_order_of_their_numbers(page: AppTest) -> None:
    page.run()
    hand_in(page, 0, ("data.csv", csv(blobs(300))))
    sets = [(f"epoch-{step}.csv", csv(blobs(300, modes))) for step, modes in ((10, 2), (2, 4), (9, 3))]
    hand_in(page, 1, *sets)
    text = judged(page)
    assert "is missing from 9 on" in text
    assert "is missing from 10 on" in text
    page.select_slider[0].set_value("2").run()
    assert address(page)["step"] == "2"
    assert "Covers" in said(page)


def test_a_model_is_compared_with_what_it_was_trained_on(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sides, "POINTS", 600)
    page.query_params["generated"] = "model:ring-uotm-sd"
    page.run()
    text = judged(page)
    assert "Compared with what the generator was trained on" in text
    assert not page.error


BAD = [
    ("few.csv", csv(blobs(5)), "few.csv must have at least 12 samples"),
    ("gaps.csv", b"x,y\n" + b"1,nan\n" * 20, "gaps.csv must have two columns of numbers or more"),
    ("wide.csv", csv(np.c_[blobs(50), blobs(50)], "a,b,c,d"), "both sides must have equally many columns"),
    ("words.csv", b"name,place\na,b\nc,d\n", "words.csv must have two columns of numbers or more"),
    ("broken.npz", b"PK\x03\x04 not a zip", "broken.npz cannot be read as NPZ"),
]


def wait(job: DiagnosisJob) -> DiagnosisJob:
    end = time.monotonic() + PATIENCE
    while not job.over and time.monotonic() < end:
        time.sleep(0.02)
    assert job.over
    return job


@pytest.mark.parametrize(("name", "data", "sentence"), BAD, ids=[name for name, _, _ in BAD])
def test_a_file_that_cannot_be_compared_gives_one_sentence(name: str, data: bytes, sentence: str) -> None:
    real, other = (choosing._store(*file, EVERYBODY) for file in ((csv(blobs(60)), "data.csv"), (data, name)))
    assert sentence in wait(DiagnosisJob(Request(real, (other,)))).error


def test_points_and_images_are_not_compared() -> None:
    real, other = (
        choosing._store(*file, EVERYBODY) for file in ((csv(blobs(60)), "data.csv"), (images(30, 8), "pictures.zip"))
    )
    assert "both sides must be points, or both images" in wait(DiagnosisJob(Request(real, (other,)))).error


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("few.csv", csv(blobs(5)), "few.csv must have at least 12 samples"),
        ("notes.pdf", b"%PDF", "a file must end in"),
        ("book.xlsx", b"PK", "book.xlsx is a workbook"),
        ("empty.npy", b"", "a file must have from 1 byte"),
    ],
    ids=("few", "pdf", "workbook", "empty"),
)
def test_a_bad_upload_gives_one_sentence_and_nothing_is_lost(
    page: AppTest, name: str, data: bytes, sentence: str
) -> None:
    page.query_params["real"] = choosing._store(csv(blobs(60)), "data.csv", EVERYBODY)
    page.run()
    hand_in(page, 1, (name, data))
    judged(page)
    (error,) = page.error
    assert sentence in error.value.replace("\\", "")
    assert address(page)["real"].startswith("upload:")


def images(count: int, side: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for at in range(count):
            pixels = RNG.integers(0, 255, (side, side), np.uint8)
            data = io.BytesIO()
            Image.fromarray(pixels).save(data, "PNG")
            archive.writestr(f"{at}.png", data.getvalue())
    return out.getvalue()


@pytest.mark.parametrize("source", ["/etc/passwd", "../..", "model:../mnist8-uotm", "folder", "points", "", "run:"])
def test_a_link_names_no_path_of_the_server(source: str) -> None:
    with pytest.raises(ValueError, match=r"must be an upload|there is no"):
        open_side(source)


def test_a_link_to_what_is_not_there_says_so(page: AppTest) -> None:
    page.query_params["generated"] = "/etc/passwd"
    page.query_params["example"] = "none"
    page.run()
    assert not page.exception
    assert "generated must be one of" in page.warning[0].value.replace("\\", "")
    assert "there is no example" in page.warning[0].value


def test_a_stopped_diagnosis_ends() -> None:
    job = DiagnosisJob(Request("digits", ("digits",)))
    job.stop()
    assert not wait(job).error


def test_a_stored_diagnosis_is_read_as_it_was(collapsed: Found) -> None:
    again = unpack(pack(collapsed))
    assert again.timeline.record() == collapsed.timeline.record()
    assert np.allclose(again.real.values, collapsed.real.values, atol=1e-5)
    for one, two in zip(again.timeline.diagnoses, collapsed.timeline.diagnoses, strict=True):
        assert (one.real.alone == two.real.alone).all()
        assert (one.generated.nearest == two.generated.nearest).all()
    with pytest.raises(ValueError, match="no diagnosis"):
        unpack(b"PK\x05\x06" + bytes(18))


class Reader(HTMLParser):
    """Collects tags and addresses, and fails on tags that do not close."""

    VOID = ("meta", "img", "br", "line", "rect", "circle", "path")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "action", "data")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag


def test_the_report_is_one_file_without_scripts_and_addresses(collapsed: Found) -> None:
    data = drawn.report(collapsed.timeline, collapsed.real)
    text, reader = data.decode(), Reader()
    reader.feed(text)
    assert not reader.open
    assert not reader.tags & {"script", "iframe", "link", "object", "b><i"}
    assert all(address.startswith("data:image/png;base64,") for address in reader.addresses)
    assert not re.search(r"https?://", text)
    assert "<b>real</b>" not in text
    assert "<i>x</i>" not in text
    assert "&lt;b&gt;real&lt;/b&gt;" in text
    assert collapsed.timeline.sentence in text
    assert len(data) < 2_000_000


def test_lost_clusters_come_first_with_shares_and_intervals(collapsed: Found) -> None:
    last = collapsed.timeline.diagnoses[-1]
    order = drawn.order(last.clusters)
    assert [last.clusters[at].lost for at in order] == [True, True, False, False]
    html = drawn.clusters(last, {}, {})
    assert html.index(last.clusters[order[0]].name) < html.index(last.clusters[order[-1]].name)
    assert html.count(">lost<") == 2
    assert "95 % interval" in html


def test_numbers_that_are_not_known_are_dashes(collapsed: Found) -> None:
    import dataclasses

    last = collapsed.timeline.diagnoses[-1]
    number = dataclasses.replace(
        last.numbers[0], value=float("nan"), floor=float("nan"), interval=None, floor_interval=None
    )
    html = drawn.numbers(dataclasses.replace(last, numbers=(number,)))
    assert "nan" not in html
    assert "–" in html
    json.dumps(Timeline((1.0,), (last,)).record(), allow_nan=False)
