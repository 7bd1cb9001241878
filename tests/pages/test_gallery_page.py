"""The Gallery page without a browser: every view of a model, comparisons, filters, links good and bad, a model of one's own."""

from __future__ import annotations

import hashlib
import json
import pickle
import shutil
from pathlib import Path

import pytest
import torch
from asking import address, words
from image_model import made
from safetensors.torch import save
from streamlit.testing.v1 import AppTest

from otviz.checkpoints.models import of_bytes
from pages._ui.gallery import gallery_view, gallery_views
from pages._ui.gallery.gallery_model import VIEWS
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


def test_the_shelf_shows_every_model_with_its_scores(app: AppTest) -> None:
    open_page(app)
    assert {f"**{plain(title)}**" for title in ("uotm for a test", "ot-gan for a test")} <= {
        b.label for b in app.button
    }
    assert words(app).count("\nRecall ") == 3
    assert address(app) == {}


def test_filters_narrow_the_shelf_and_stand_in_the_link(app: AppTest) -> None:
    open_page(app, method="ot-gan")
    assert not app.warning
    assert [b.key for b in app.button if b.key and b.key.startswith("open-")] == [f"open-{CLASSES}", f"open-{TWO}"]
    assert address(app) == {"method": "ot-gan"}


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("name", [ONE, TWO])
def test_every_view_of_a_model_is_drawn(app: AppTest, name: str, view: str) -> None:
    open_page(app, model=name, view=view, seed="3")
    assert not app.error
    assert not app.warning
    assert "not an FID" in words(app)
    said = {"model": name, "view": view, "seed": "3"}
    if view == "samples":
        del said["view"]
    if view == "training":
        del said["seed"]
    assert {key: address(app).get(key) for key in said} == said


def test_opening_a_model_and_going_back(app: AppTest) -> None:
    open_page(app)
    next(button for button in app.button if button.key == f"open-{ONE}").click().run()
    assert address(app) == {"model": ONE}
    next(button for button in app.button if button.label == "Resample").click().run()
    assert address(app) == {"model": ONE, "seed": "1"}
    next(button for button in app.button if button.label == "All models").click().run()
    assert address(app) == {}
    assert not app.exception


def test_a_generator_that_does_not_see_x_says_so(app: AppTest) -> None:
    assert "does not use x" in words(open_page(app, model=TWO, view="latent"))


@pytest.mark.parametrize("view", ["samples", "classes", "training"])
def test_models_are_compared_on_the_same_latents(app: AppTest, view: str) -> None:
    open_page(app, compare=f"{ONE},{TWO}", view=view)
    assert not app.error
    assert "Real images" in words(app)
    assert address(app)["compare"] == f"{ONE},{TWO}"
    if view == "samples":
        assert "same x and z" in words(app)


@pytest.mark.parametrize("query", [{"model": ONE}, {"compare": f"{ONE},{TWO}"}])
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
    open_page(app, model=ONE, seed="-1", images="1e9", truncation="0", view="x")
    said = " ".join(warning.value for warning in app.warning)
    for sentence in ("seed must be", "images must be", "truncation must be", "view must be one of"):
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
    open_page(app, model=CLASSES, view=view, **({} if view in ("latent", "training") else {"asked": "3"}))
    assert not app.error
    assert not app.warning
    assert "As asked" in words(app)
    if view in ("latent", "training"):
        assert "asked" not in address(app)
    else:
        assert address(app)["asked"] == "3"
        assert next(box for box in app.selectbox if box.label == "Class").value == "3"


def test_all_classes_stand_in_columns(app: AppTest) -> None:
    text = words(open_page(app, model=CLASSES, images="64"))
    assert "70 images" in text
    assert "Each column is a class" in text
    assert "10 x 8 images: each row is a class" in words(open_page(app, model=CLASSES, view="latent"))


def test_a_class_that_there_is_not_is_told(app: AppTest) -> None:
    open_page(app, model=CLASSES, asked="11")
    assert plain("asked must be one of") in app.warning[0].value


def test_a_plain_model_has_no_class_to_ask_for(app: AppTest) -> None:
    open_page(app, model=ONE, asked="3")
    assert plain("'asked' is no setting of this page") in app.warning[0].value


def test_a_model_of_classes_stands_beside_a_plain_one(app: AppTest) -> None:
    text = words(open_page(app, compare=f"{ONE},{CLASSES}"))
    assert "| As asked ↑ | – |" in text
    assert "Each column is a class" in text


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
    clicks = [(4, 1), None, (4, 7), None]
    monkeypatch.setattr(gallery_views, "picker", lambda png, **options: clicks.pop(0) if clicks else None)
    open_page(app, model=ONE, view="between", seed="2")
    assert "From image 5 to image 2" in words(app)
    app.run()
    assert "From image 5 to image 8" in words(app)
    assert address(app) == {"model": ONE, "view": "between", "seed": "2", "first": "4", "second": "7"}
    assert not app.number_input or all(box.label != "First" for box in app.number_input)


def test_an_image_that_there_is_not_is_told(app: AppTest) -> None:
    open_page(app, model=ONE, view="between", first="-3")
    assert plain("first must be") in app.warning[0].value
    assert "From image 1 to image 2" in words(app)
