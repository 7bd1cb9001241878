"""What the gallery puts first, its small pictures, and the real images that are shipped beside the models."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from otviz.checkpoints import image_cards, real_images
from otviz.checkpoints.catalogue import catalogue
from otviz.checkpoints.image_sheets import cells, picture, preview
from otviz.checkpoints.shelf import Judge, Row, Study, read_shelf
from otviz.data.datasets import named, to_rows
from otviz.evaluation.image_metrics import nearest_few, nearest_images
from otviz.experiments import experiments

HEAD = """
claims = { c = "What a paper says" }
model = [{ name = "b", hero = 2 }, { name = "a", hero = 1 }, { name = "d" }]
"""
STUDY = """
[[study]]
name = "s"
title = "t"
claim = "c"
axis = "x"
look = "l"
values = ["1", "2", "3"]
row = [{ title = "r", models = ["a", "", "d"] }]
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "catalogue.toml"
    path.write_text(text)
    return path


def test_heroes_stand_in_the_order_of_their_places_and_claims_are_written_out(tmp_path: Path) -> None:
    found = read_shelf(written(tmp_path, HEAD + STUDY))
    assert found.heroes == ("a", "b")
    assert found.studies[0].claim == "What a paper says"
    assert found.studies[0].models == ("a", "d")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEAD + STUDY.replace(', "d"]', "]"), "must have 3 models, one for each value; got 2"),
        (HEAD + STUDY.replace('claim = "c"', 'claim = "e"'), "unknown claim 'e'"),
        (HEAD + '[judges]\ne = { x = "on digits" }', "judges has an unknown claim 'e'"),
        (HEAD.replace("hero = 2", "hero = 0"), "hero .* must be a whole number from 1"),
        ("[", "not valid TOML"),
    ],
)
def test_a_bad_catalogue_is_refused_in_one_sentence(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_shelf(written(tmp_path, text))


def test_a_study_leaves_out_what_is_not_trained() -> None:
    study = Study("s", "t", "c", "x", ("1", "2", "3"), "l", (Row("r", ("a", "b", "c")), Row("q", ("", "", "d"))))
    assert study.among({"a", "c"}) == Study("s", "t", "c", "x", ("1", "3"), "l", (Row("r", ("a", "c")),))
    assert study.among({"c", "d"}) is None


def test_a_study_knows_the_experiments_that_judge_its_claim(tmp_path: Path) -> None:
    found = read_shelf(written(tmp_path, HEAD + '[judges]\nc = { x = "on digits", y = "in the plane" }' + STUDY))
    judges = (Judge("x", "on digits"), Judge("y", "in the plane"))
    assert found.judges == {"What a paper says": judges}
    assert found.studies[0].judges == judges
    assert (kept := found.studies[0].among({"a", "d"})) is not None
    assert kept.judges == judges


def test_every_study_and_every_hero_has_an_experiment_that_judges_it() -> None:
    shelf, entries = read_shelf(), catalogue()
    assert all(study.judges for study in shelf.studies)
    assert {judge.experiment for judges in shelf.judges.values() for judge in judges} <= set(experiments())
    for name in shelf.heroes:
        shows = entries.about(
            entries.entries[name]
        ).claims  # a model by class shows what can be done, and claims nothing
        assert shows == (entries.claims["classes"],) or any(claim in shelf.judges for claim in shows), name


def test_every_model_that_the_shelf_names_is_in_the_catalogue() -> None:
    known, shelf = set(catalogue().entries), read_shelf()
    named_by_shelf = {*shelf.heroes, *(name for study in shelf.studies for name in study.models)}
    assert named_by_shelf <= known
    assert len({study.name for study in shelf.studies}) == len(shelf.studies)
    assert {name for name, entry in catalogue().entries.items() if entry.hero} == set(shelf.heroes)


def test_every_shipped_model_that_is_no_hero_is_in_a_study_or_one_of_few() -> None:
    shelf = read_shelf()
    placed = {*shelf.heroes, *(name for study in shelf.studies for name in study.models)}
    assert len(set(image_cards()) - placed) <= 8


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 12, 10)])
def test_images_come_back_from_their_sheet_and_from_a_preview(shape: tuple[int, int, int]) -> None:
    images = np.random.default_rng(0).integers(0, 256, (15, *shape), dtype=np.uint8)
    back = cells(picture(to_rows(images), shape, 5, 300), shape, 5)
    assert (back == images).all()
    with Image.open(io.BytesIO(preview(images, 5, exact=True))) as found:
        whole = np.asarray(found.convert("RGB"))
    assert whole.shape == (3 * shape[1], 5 * shape[2], 3)
    assert (whole[: shape[1], shape[2] : 2 * shape[2]].transpose(2, 0, 1) == images[1]).all()


@pytest.mark.parametrize("data", [b"", b"no picture", preview(np.zeros((4, 1, 8, 8), np.uint8), 2)])
def test_what_is_no_sheet_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="picture"):
        cells(data, (1, 8, 8), 5)


@pytest.mark.parametrize("name", ["mnist8", "mnist", "fashion-mnist", "cifar10"])
def test_real_images_are_shipped_and_small(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OTVIZ_DATA", str(tmp_path))
    monkeypatch.setenv("OTVIZ_HOME", str(tmp_path))
    images = named(name)()
    assert not images.is_at_hand()
    samples = real_images.real_images(images)
    assert samples.values.shape == (real_images.COUNT, *images.shape)
    assert len(np.unique(samples.values.reshape(real_images.COUNT, -1), axis=0)) == real_images.COUNT
    assert (real_images.REAL / f"{name}.webp").stat().st_size < 250_000


def test_real_images_are_written_as_they_are_read(tmp_path: Path) -> None:
    images = named("digits")()
    path = real_images.write(images, tmp_path)
    found = real_images.read(path, images.shape)
    test = {image.tobytes() for image in images.split("test").pixels}
    assert len(found) == 240  # whole rows of the 256 test images
    assert all(image.tobytes() in test for image in found)
    assert (real_images.real_images(images, tmp_path).values == found).all()
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(ValueError, match=r"digits.webp cannot be read"):
        real_images.real_images(images, tmp_path)
    with pytest.raises(ValueError, match="does not hold rows of 30 images of 7 x 8"):
        real_images.read(real_images.write(images, tmp_path), (1, 8, 7))


def test_the_nearest_few_begin_with_the_nearest() -> None:
    rng = np.random.default_rng(0)
    training = rng.integers(0, 256, (9000, 1, 4, 4), dtype=np.uint8)
    image = rng.integers(0, 256, (1, 4, 4), dtype=np.uint8)
    found = nearest_few(image, training, 5)
    one = nearest_images(image[None], training)
    assert found.places[0] == one.places[0]
    assert found.distances[0] == pytest.approx(one.distances[0])
    expected = np.sqrt(((training.astype(float) - image) ** 2).sum((1, 2, 3))) / 127.5
    assert found.distances == pytest.approx(np.sort(expected)[:5])
    assert nearest_few(training[3], training, 1).distances[0] == 0
    with pytest.raises(ValueError, match="one shape"):
        nearest_few(image[:, :3], training, 5)
