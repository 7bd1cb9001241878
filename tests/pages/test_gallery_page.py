"""The Gallery page without a browser: every view of a model, comparisons, filters, links good and bad, a model of one's own."""

from __future__ import annotations

import base64
import functools
import hashlib
import io
import json
import pickle
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from asking import address, words
from image_model import made
from PIL import Image
from safetensors.torch import save
from streamlit.testing.v1 import AppTest

from otviz.checkpoints.models import load, of_bytes
from otviz.checkpoints.shelf import Judge, Row, Shelf, Study
from otviz.data.datasets import to_pixels
from pages._ui.gallery import explorer, gallery_view, judges, shelf, study, walk
from pages._ui.gallery.gallery_model import VIEWS
from pages._ui.gallery.gallery_settings import SampleSettings
from pages._ui.shell import channel
from pages._ui.shell.links import plain
from tests.waiting import PATIENCE

ONE, TWO, CLASSES = "digits-uotm-test", "digits-ot-gan-test", "digits-classes-test"


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shelf")
    made(folder / ONE)
    made(folder / TWO, "ot-gan", steps=3)
    made(folder / CLASSES, "ot-gan", steps=3, by_class=True)
    return folder


@pytest.fixture(autouse=True)
def _few(checkpoints: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OTVIZ_HOME", str(tmp_path))
    monkeypatch.setattr(gallery_view, "CHECKPOINTS", checkpoints)
    gallery_view.load_cards.clear()


@pytest.fixture(autouse=True)
def links(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, dict[str, str]]]:
    """Page, label and query of the links that are drawn: no other page is there to lead to."""
    drawn: list[tuple[str, str, dict[str, str]]] = []

    def page_link(page: Path, *, label: str, icon: str, query_params: dict[str, str]) -> None:
        drawn.append((page.name, label, query_params))

    monkeypatch.setattr(judges.st, "page_link", page_link)
    return drawn


@pytest.fixture
def app(alone: None) -> AppTest:
    """The page itself."""
    path = Path(__file__).resolve().parents[2] / "pages" / "5_gallery.py"
    return AppTest.from_file(str(path), default_timeout=PATIENCE)


def open_page(app: AppTest, **query: str) -> AppTest:
    for key, text in query.items():
        app.query_params[key] = text
    app.run()
    assert not app.exception
    return app


class Browser:
    """Records what components get, and answers as a viewer would, once."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, module: Any, sends: str = "") -> None:
        self.options: dict[str, Any] = {}
        self.body, self.sends = b"", sends
        monkeypatch.setattr(module, "mount", self.mount)

    def mount(self, _name: str, *, key: str, options: dict[str, Any], body: bytes, trigger: str) -> str | None:
        self.options, self.body = json.loads(json.dumps(options)), body
        sent, self.sends = self.sends, ""
        return sent or None


JUDGE = Judge("tau-on-images", "on digits")
STUDY = Study("tau", "A study", "A claim", "τ", ("small", "large"), "Look.", (Row("Methods", (ONE, TWO)),), (JUDGE,))


def test_the_shelf_puts_heroes_first_then_studies_then_the_rest(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf, "order", lambda: Shelf((CLASSES, "not-trained"), (STUDY,)))
    browser = Browser(monkeypatch, shelf)
    open_page(app)
    assert [card["name"] for card in browser.options["heroes"]] == [CLASSES]
    assert [study["name"] for study in browser.options["studies"]] == ["tau"]
    assert browser.options["others"] == []
    (hero,) = browser.options["heroes"]
    assert [chip["label"] for chip in hero["chips"]] == ["Fréchet ↓", "Recall ↑"]
    assert all("100 images" in chip["tip"] and float(chip["floor"]) >= 0 for chip in hero["chips"])
    start, size = hero["picture"]
    assert browser.body[start : start + 4] == b"RIFF"
    assert start + size <= len(browser.body)
    assert address(app) == {}


def test_filters_narrow_the_shelf_and_stand_in_the_link(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = Browser(monkeypatch, shelf)
    open_page(app, method="ot-gan")
    assert not app.warning
    assert [card["name"] for card in browser.options["others"]] == [CLASSES, TWO]
    assert address(app) == {"method": "ot-gan"}


@pytest.mark.parametrize(
    ("sent", "opened"),
    [
        (f"model:{ONE}", {"model": ONE}),
        ("study:tau", {"study": "tau"}),
        (f"compare:{ONE},{TWO}", {"compare": f"{ONE},{TWO}"}),
        ("nonsense:1", {}),
    ],
)
def test_a_click_on_a_card_opens_it(
    app: AppTest, monkeypatch: pytest.MonkeyPatch, sent: str, opened: dict[str, str]
) -> None:
    monkeypatch.setattr(shelf, "order", lambda: Shelf((), (STUDY,)))
    Browser(monkeypatch, shelf, sent)
    open_page(app)
    assert not app.error
    assert address(app) == opened


def test_a_study_draws_every_model_from_the_same_noise(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf, "order", lambda: Shelf((), (STUDY,)))
    browser = Browser(monkeypatch, study)
    open_page(app, study="tau", seed="3")
    (row,) = browser.options["rows"]
    assert [model["name"] for model in row["models"]] == [ONE, TWO]
    sheets = [browser.body[start : start + size] for start, size in (model["picture"] for model in row["models"])]
    expected = [load(gallery_view.CHECKPOINTS / name).sample(50, 3) for name in (ONE, TWO)]
    for sheet, rows in zip(sheets, expected, strict=True):
        with Image.open(io.BytesIO(sheet)) as found:
            first = np.asarray(found.convert("L"))[:8, :8]
        assert (first == to_pixels(rows[:1], (1, 8, 8))[0, 0]).all()
    assert address(app) == {"study": "tau", "seed": "3"}


def test_a_study_and_a_model_lead_to_the_experiment_that_judges_their_claim(
    app: AppTest, monkeypatch: pytest.MonkeyPatch, links: list[tuple[str, str, dict[str, str]]]
) -> None:
    card = gallery_view.cards()[ONE]
    known = dict.fromkeys(card.claims, (JUDGE,))
    assert known
    monkeypatch.setattr(shelf, "order", lambda: Shelf((), (STUDY,), known))
    Browser(monkeypatch, study)
    open_page(app, study="tau")
    due = ("6_experiments.py", "Does it hold on digits?", {"claim": "tau-on-images"})
    assert links == [due]
    links.clear()
    app.query_params.clear()
    open_page(app, model=ONE, view="about")
    assert links == [due]


def test_a_card_of_a_study_leads_to_the_experiment(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    went: list[tuple[str, dict[str, str]]] = []
    monkeypatch.setattr(shelf.st, "switch_page", lambda page, query_params: went.append((page.name, query_params)))
    monkeypatch.setattr(shelf, "order", lambda: Shelf((), (STUDY,)))
    browser = Browser(monkeypatch, shelf, "experiment:tau-on-images")
    open_page(app)
    (card,) = browser.options["studies"]
    assert card["judges"] == [{"experiment": "tau-on-images", "words": "Does it hold on digits?"}]
    assert went == [("6_experiments.py", {"claim": "tau-on-images"})]


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("name", [ONE, TWO])
def test_every_view_of_a_model_is_drawn(app: AppTest, name: str, view: str) -> None:
    open_page(app, model=name, view=view, seed="3")
    assert not app.error
    assert not app.warning
    said = {"model": name, "view": view, "seed": "3"}
    if view == "explore":
        del said["view"]
    if view == "training":
        del said["seed"]
    assert {key: address(app).get(key) for key in said} == said


def test_opening_a_model_and_going_back(app: AppTest) -> None:
    open_page(app, model=ONE)
    next(button for button in app.button if button.label == "Other noise").click().run()
    assert address(app) == {"model": ONE, "seed": "1"}
    next(button for button in app.button if button.label == "All models").click().run()
    assert address(app) == {}
    assert not app.exception


def test_a_generator_that_does_not_see_x_walks_through_z_alone(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = Browser(monkeypatch, walk)
    open_page(app, model=TWO, view="walk")
    assert [mode["id"] for mode in browser.options["modes"]] == ["z"]
    assert "does not use x" in browser.options["modes"][0]["line"]


@pytest.mark.parametrize("view", ["explore", "classes", "training"])
def test_models_are_compared_on_the_same_latents(app: AppTest, view: str) -> None:
    open_page(app, compare=f"{ONE},{TWO}", view=view)
    assert not app.error
    assert "Real images" in words(app)
    assert address(app)["compare"] == f"{ONE},{TWO}"
    if view == "explore":
        assert "same x and z" in words(app)


@pytest.mark.parametrize("query", [{"model": ONE, "view": "about"}, {"compare": f"{ONE},{TWO}"}])
def test_what_is_reported_of_other_data_is_folded_away(app: AppTest, query: dict[str, str]) -> None:
    open_page(app, **query)
    (box,) = [box for box in app.expander if "papers report on CIFAR-10" in box.label]
    assert "| uotm | 2.7 | 0.78 | 0.62 |" in box.markdown[0].value
    assert "never the values" in box.caption[0].value
    assert "[Choi et al. 2024, Table 2](https://arxiv.org/abs/2310.02611)" in box.caption[0].value
    outside = [part.value for part in app.markdown if part.value != box.markdown[0].value]
    assert not any("FID" in text for text in outside)


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"model": "../../etc/passwd"}, "There is no model"),
        ({"model": "nothing"}, "There is no model 'nothing'"),
        ({"compare": f"{ONE},x,y"}, "There is no model 'x'"),
        ({"data": "imagenet"}, "data must be one of"),
    ],
)
def test_what_a_link_cannot_mean_is_said(app: AppTest, query: dict[str, str], sentence: str) -> None:
    open_page(app, **query)
    assert plain(sentence) in " ".join(warning.value for warning in app.warning)


def test_settings_of_a_model_that_cannot_be_used_are_all_said(app: AppTest) -> None:
    open_page(app, model=ONE, seed="-1", truncation="0", view="x")
    said = " ".join(warning.value for warning in app.warning)
    for sentence in ("seed must be", "truncation must be", "view must be one of"):
        assert plain(sentence) in said


def test_a_model_whose_weights_are_not_those_of_its_card_is_not_shown(
    app: AppTest, checkpoints: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = tmp_path / "bad"
    shutil.copytree(checkpoints / ONE, bad / "bad-one")
    card = json.loads((bad / "bad-one" / "card.json").read_text())
    (bad / "bad-one" / "card.json").write_text(json.dumps({**card, "sha256": "1" * 64}))
    monkeypatch.setattr(gallery_view, "CHECKPOINTS", bad)
    gallery_view.load_cards.clear()
    open_page(app, model="bad-one")
    assert plain("are not those of its card") in app.error[0].value


def test_a_model_of_ones_own_is_opened(app: AppTest, checkpoints: Path) -> None:
    files = [(checkpoints / ONE / name).read_bytes() for name in ("card.json", "generator.safetensors")]
    app.session_state["otviz.gallery.own"] = of_bytes(*files, name=gallery_view.OWN)
    open_page(app, model=gallery_view.OWN)
    assert not app.warning
    assert app.subheader[0].value == plain("uotm for a test")
    open_page(app, model=gallery_view.OWN, view="training")
    assert "was not recorded" in words(app)


@pytest.mark.parametrize("view", VIEWS)
def test_a_model_of_classes_is_asked_for_them(app: AppTest, view: str) -> None:
    open_page(app, model=CLASSES, view=view, **({} if view in ("classes", "training") else {"asked": "3"}))
    assert not app.error
    assert not app.warning
    if view in ("classes", "training"):
        assert "asked" not in address(app)
    else:
        assert address(app)["asked"] == "3"
        assert next(box for box in app.selectbox if box.label == "Class").value == "3"


def test_all_classes_stand_in_columns(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = Browser(monkeypatch, explorer)
    open_page(app, model=CLASSES)
    (model,) = browser.options["models"]
    assert (model["columns"], model["count"], model["heads"]) == (10, 70, list("0123456789"))


def test_a_class_that_there_is_not_is_told(app: AppTest) -> None:
    open_page(app, model=CLASSES, asked="11")
    assert plain("asked must be one of") in app.warning[0].value


def test_a_plain_model_has_no_class_to_ask_for(app: AppTest) -> None:
    open_page(app, model=ONE, asked="3")
    assert plain("'asked' is no setting of this page") in app.warning[0].value


def test_a_model_of_classes_stands_beside_a_plain_one(app: AppTest) -> None:
    text = words(open_page(app, compare=f"{ONE},{CLASSES}"))
    assert "| As asked ↑ | – |" in text


@pytest.mark.parametrize(
    ("weights", "signed", "sentence"),
    [
        (pickle.dumps([1]), True, "not in the safetensors format"),
        (None, False, "are not those of its card"),
        (save({"body.0.weight": torch.zeros(2, 2)}), True, "do not fit the networks on its card"),
    ],
    ids=["a pickle renamed", "another hash", "other shapes"],
)
def test_a_bad_model_of_ones_own_is_refused_in_one_sentence(
    app: AppTest, checkpoints: Path, weights: bytes | None, signed: bool, sentence: str
) -> None:
    card = json.loads((checkpoints / ONE / "card.json").read_text())
    data = (checkpoints / TWO / "generator.safetensors").read_bytes() if weights is None else weights
    if signed:
        card["sha256"] = hashlib.sha256(data).hexdigest()
    open_page(app)
    files = [("card.json", json.dumps(card).encode(), ""), ("generator.safetensors", data, "")]
    app.file_uploader[0].set_value(files).run()
    next(button for button in app.button if button.label == "Open it").click().run()
    assert not app.exception
    assert [plain(sentence) in error.value for error in app.error] == [True]
    assert address(app) == {}


def test_images_are_picked_by_clicks_and_stand_in_the_link(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = Browser(monkeypatch, explorer, "picked:4,1")
    open_page(app, model=ONE, seed="2")
    assert address(app) == {"model": ONE, "seed": "2", "picked": "4,1"}
    app.run()
    assert browser.options["picked"] == [4, 1]


@pytest.mark.parametrize("text", ["-3", "4,64", "1,2,3", "x"])
def test_images_that_there_are_not_are_not_picked(app: AppTest, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    browser = Browser(monkeypatch, explorer)
    open_page(app, model=ONE, picked=text)
    assert browser.options["picked"] == ([4] if text == "4,64" else [])


def asked(name: str, **question: object) -> channel.Reply:
    """What the explorer answers to the browser."""
    return explorer._answer(
        [load(gallery_view.CHECKPOINTS / name)], SampleSettings(), json.dumps({"model": 0, **question}).encode()
    )


def test_a_click_on_an_image_gives_its_class_and_its_nearest_training_images() -> None:
    model = load(gallery_view.CHECKPOINTS / ONE)
    found = asked(ONE, ask="image", at=[5]).options
    training = model.images.split("train")
    pixels = to_pixels(model.sample(64), (1, 8, 8))[5].astype(float)
    distances = np.sqrt(((training.pixels.astype(float) - pixels) ** 2).sum((1, 2, 3))) / 127.5
    nearest = np.argsort(distances, kind="stable")[:5]
    assert [one["title"] for one in found["near"]] == [f"{distances[at]:.1f}" for at in nearest]
    assert [one["class"] for one in found["near"]] == [str(training.labels[at]) for at in nearest]
    assert f"{len(training.labels):,}".replace(",", "\u202f") in found["words"].replace("\xa0", "\u202f")


def test_two_clicks_give_a_path_that_begins_and_ends_at_the_images() -> None:
    model = load(gallery_view.CHECKPOINTS / ONE)
    found = asked(ONE, ask="path", at=[2, 9]).options
    assert [row["name"] for row in found["rows"]] == ["x and z move", "x alone", "z alone"]
    data = base64.b64decode(found["rows"][0]["image"].partition(",")[2])
    with Image.open(io.BytesIO(data)) as strip:
        path = np.asarray(strip.convert("L"))
    ends = to_pixels(model.sample(64), (1, 8, 8))[[2, 9], 0].astype(int)
    assert np.abs(path[:, :8] - ends[0]).max() <= 1
    assert np.abs(path[:, -8:] - ends[1]).max() <= 1
    assert len(found["places"]) == explorer.STOPS


def test_the_map_says_which_real_images_have_nothing_near() -> None:
    reply = asked(ONE, ask="map", at=[])
    n, m = reply.options["counts"]
    assert m == 600
    assert len(reply.options["places"]) == 64
    assert len(reply.body) == 4 * (2 * (n + m)) + sum(3 * (size + -size % 4) for size in (n, m))
    assert f"of {n} real images" in reply.options["words"]
    point = asked(ONE, ask="point", side=0, place=n - 1).options
    assert point["title"].startswith("Real")


@pytest.mark.parametrize(
    "question",
    [
        b"no JSON", b"[]", b'{"model": 3, "ask": "map"}', b'{"model": 0, "ask": "secrets"}', b'{"model": 0, "ask": "image", "at": [64]}',
        b'{"model": 0, "ask": "image", "at": [1, 2, 3]}', b'{"model": 0, "ask": "point", "side": 0, "place": -1}',
        b'{"model": 0, "ask": "image", "at": []}', b'{"model": 0, "ask": "path", "at": [1]}',
    ],
)  # fmt: skip
def test_questions_that_mean_nothing_are_refused(question: bytes) -> None:
    with pytest.raises(ValueError, match="the page asks for"):
        explorer._answer([load(gallery_view.CHECKPOINTS / ONE)], SampleSettings(), question)


def test_a_walk_begins_at_the_first_image_and_holds_what_does_not_move() -> None:
    model, settings = load(gallery_view.CHECKPOINTS / ONE), SampleSettings(seed=4)
    ask = functools.partial(walk._answer, model, settings)
    middle = ask(b'{"mode": "both", "at": [0, 0]}').body
    with Image.open(io.BytesIO(middle)) as found:
        pixels = np.asarray(found.convert("L"))
    assert (pixels == to_pixels(model.sample(1, 4), (1, 8, 8))[0, 0]).all()
    sheet = ask(b'{"mode": "x"}').body
    with Image.open(io.BytesIO(sheet)) as found:
        assert found.size == (8 * walk.GRID, 8 * walk.GRID)
    for bad in (b"{}", b'{"mode": "y"}', b'{"mode": "x", "at": [2, 0]}', b'{"mode": "x", "at": ["nan", 0]}'):
        with pytest.raises(ValueError, match="the page asks for"):
            ask(bad)
