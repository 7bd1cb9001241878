"""Classifiers of image sets, and what their features say of images whose quality is known by construction."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import pickle
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from otviz.data.datasets import Images, named, to_rows
from otviz.data.datasets.digits import Digits
from otviz.evaluation import classifier, features

DIGITS = Digits()
SHIPPED = {"digits": 0.97, "mnist8": 0.975, "mnist": 0.99, "fashion-mnist": 0.91}
SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def images_of(tmp_path_factory):
    """A set by name, or a skip if its files are not on this computer."""

    def found(name):
        if name == "digits":
            return DIGITS
        from otviz.data.datasets import places

        folder = named("mnist" if name == "mnist8" else name).folder
        file = "train-images-idx3-ubyte.gz"
        if places.find(folder, [file]) is None and not (SHARED / folder / file).is_file():
            pytest.skip(f"{name} is not on this computer: name a folder with {folder}/{file} in OTVIZ_DATA")
        if places.find(folder, [file]) is None:
            patch.setenv("OTVIZ_DATA", str(SHARED))
        return named(name)()

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OTVIZ_HOME", str(tmp_path_factory.mktemp("home")))
        yield found


@pytest.fixture(scope="module")
def trained():
    return classifier.train_classifier(DIGITS, epochs=1)


# training and keeping


def test_a_seed_repeats_a_classifier(trained):
    again = classifier.train_classifier(DIGITS, epochs=1)
    other = classifier.train_classifier(DIGITS, epochs=1, seed=1)
    assert again.card["sha256"] == trained.card["sha256"] != other.card["sha256"]


def test_training_leaves_the_random_numbers_of_torch_alone(trained):
    before = torch.get_rng_state()
    classifier.train_classifier(DIGITS, epochs=1)
    assert torch.equal(torch.get_rng_state(), before)


def test_progress_ends_at_one():
    seen = []
    classifier.train_classifier(DIGITS, epochs=1, progress=lambda done, loss: seen.append((done, loss)))
    assert seen[-1][0] == 1
    assert all(np.isfinite(loss) for _, loss in seen)


def test_a_saved_classifier_comes_back(trained, tmp_path):
    classifier.save_classifier(trained, tmp_path / "classifier-digits")
    back = classifier.classifier_for(DIGITS, tmp_path)
    pixels = DIGITS.split("test").pixels
    assert np.array_equal(features.see(pixels, back).features, features.see(pixels, trained).features)
    assert back.card == json.loads(json.dumps(trained.card))
    assert not any(weight.requires_grad for weight in back.network.parameters())


def _other_bytes(folder):
    path = folder / "classifier.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"x")


def _with_weights(folder, data):
    (folder / "classifier.safetensors").write_bytes(data)
    card = json.loads((folder / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps({**card, "sha256": hashlib.sha256(data).hexdigest()}))


def _other_shape(folder):
    save_file({"penultimate.weight": torch.zeros(3, 3)}, folder / "other")
    _with_weights(folder, (folder / "other").read_bytes())


def _of_mnist(folder):
    card = json.loads((folder / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps({**card, "dataset": {"name": "mnist"}}))


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (_other_bytes, "SHA-256"),
        (_other_shape, "Missing key"),
        (_of_mnist, "its card is for"),
        (lambda folder: _with_weights(folder, pickle.dumps({"a": 1})), "not loaded"),
        (lambda folder: _with_weights(folder, bytes(classifier.MOST_BYTES + 1)), "larger than 8 MB"),
        (lambda folder: (folder / "classifier.safetensors").unlink(), "No such file"),
        (lambda folder: (folder / "card.json").write_text("{"), "not loaded"),
        (lambda folder: (folder / "card.json").write_text("[1]"), "not that of a classifier"),
    ],
)
def test_a_damaged_classifier_is_not_loaded(trained, tmp_path, spoil, reason):
    folder = tmp_path / "classifier-digits"
    classifier.save_classifier(trained, folder)
    spoil(folder)
    with pytest.raises(ValueError, match=reason) as error:
        classifier.classifier_for(DIGITS, tmp_path)
    assert str(error.value).endswith("train it with python -m otviz classifier digits")
    assert "\n" not in str(error.value)


@dataclasses.dataclass(frozen=True)
class Unnamed(Digits):
    """The digits without their classes, as a folder of images has none."""

    name: ClassVar[str] = "unnamed"
    title: ClassVar[str] = "Your images"
    class_names: ClassVar[tuple[str, ...]] = ()


def test_a_set_without_a_classifier_says_how_to_get_one(tmp_path):
    with pytest.raises(ValueError, match=r"CIFAR-10.*no classifier yet.*classifier cifar10 --device cuda"):
        classifier.classifier_for(named("cifar10")(), tmp_path)
    with pytest.raises(ValueError, match=r"^Your images has no classes .* such as mnist$"):
        features.reference(Unnamed())
    with pytest.raises(ValueError, match="no classes"):
        classifier.train_classifier(Unnamed())


@dataclasses.dataclass(frozen=True)
class Squares(Digits):
    """48 small coloured images of two classes, bright ones and dark ones, to train the network for colour on."""

    name: ClassVar[str] = "squares"
    class_names: ClassVar[tuple[str, ...]] = ("dark", "bright")

    @property
    def shape(self):
        return (3, 8, 8)

    def read(self, which):
        labels = np.arange(48) % 2
        noise = np.random.default_rng(len(which)).integers(0, 56, (48, 3, 8, 8))
        return Images((noise + 150 * labels[:, None, None, None]).astype(np.uint8), labels.astype(np.int64))


def test_the_network_for_colour_learns():
    found = classifier.train_classifier(Squares(), epochs=30)
    assert found.card["accuracy"] == 1
    assert found.card["shift"] == 4


def test_augmented_images_are_moved_and_mirrored_whole():
    ramp = torch.arange(8.0).expand(64, 2, 8, 8) + 10 * torch.arange(8.0)[:, None]
    found = classifier._augmented(ramp, 2, torch.Generator().manual_seed(0))
    middle = found[:, 0, 3:5, 3:5]  # where no padding reaches
    assert torch.equal(found[:, 0], found[:, 1])
    assert set((middle[:, 1] - middle[:, 0]).flatten().tolist()) == {10.0}
    assert set((middle[..., 1] - middle[..., 0]).flatten().tolist()) == {-1.0, 1.0}
    assert len({tuple(image.flatten().tolist()) for image in found}) > 25  # of 5 * 5 moves, mirrored or not


def test_the_command_trains_and_writes(tmp_path, capsys):
    assert classifier.main(["digits", "--epochs", "1", "--out", str(tmp_path)]) == 0
    assert "accuracy 0." in capsys.readouterr().out
    assert classifier.classifier_for(DIGITS, tmp_path).card["epochs"] == 1
    assert classifier.main(["letters"]) == 2
    assert "letters" in capsys.readouterr().err
    assert classifier.main(["digits", "--epochs", "0"]) == 2
    assert "epochs must be 1 or more; got 0" in capsys.readouterr().err


# what is shipped


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_classifier_is_as_good_as_its_card_says(name, images_of):
    images = images_of(name)
    found = classifier.classifier_for(images)
    test = images.split("test")
    accuracy = (features.see(test.pixels, found).probabilities.argmax(1) == test.labels).mean()
    assert accuracy == pytest.approx(found.card["accuracy"], abs=5e-4)  # ties that another processor breaks otherwise
    assert accuracy >= SHIPPED[name]
    assert found.card["accuracy_samples"] == len(test.labels)
    folder = classifier.CHECKPOINTS / f"classifier-{name}"
    assert sum(path.stat().st_size for path in folder.iterdir()) <= 1_000_000


@pytest.mark.parametrize("name", SHIPPED)
def test_the_list_of_classifiers_says_what_the_cards_say(name):
    card = json.loads((classifier.CHECKPOINTS / f"classifier-{name}" / "card.json").read_text())
    listed = (classifier.CHECKPOINTS / "README.md").read_text()
    row = next(line for line in listed.splitlines() if line.startswith(f"| {name} |"))
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[1:4] == [f"{card['accuracy']:.2%}", str(card["accuracy_samples"]), f"{card['seconds']:g}"]
    assert cells[4] == f"`{card['command']}`"


# evaluation


@pytest.fixture(scope="module")
def digits():
    return features.Reference(DIGITS, classifier.classifier_for(DIGITS))


def _training(images, n, seed=0):
    pixels = images.split("train").pixels
    chosen = np.random.default_rng(seed).choice(len(pixels), min(n, len(pixels)), replace=False)
    return to_rows(pixels[chosen])


def test_an_evaluation_repeats_and_is_plain(digits):
    rows = _training(DIGITS, 600)
    found = digits.evaluate(rows, n=400, seed=3)
    assert digits.evaluate(rows, n=400, seed=3) == found
    assert digits.evaluate(rows, n=400, seed=4) != found
    assert features.Reference(DIGITS, digits.classifier).evaluate(rows, n=400, seed=3) == found
    record = json.loads(json.dumps(found.record(), allow_nan=False))
    assert (record["samples"], record["real"], record["neighbour_samples"]) == (400, 256, 256)
    assert record["nearest_samples"] == 400
    assert record["judge"].startswith("classifier-digits ")
    assert sum(record["class_shares"]) == pytest.approx(1)


def test_the_test_images_themselves_are_perfect(digits):
    found = digits.evaluate(to_rows(DIGITS.split("test").pixels))
    assert found.frechet == pytest.approx(0, abs=1e-6)
    assert found.precision == found.recall == found.coverage == 1
    assert found.memorisation == pytest.approx(1)


def test_a_floor_is_kept_and_evaluate_shares_its_reference():
    assert features.floor(DIGITS, 300) is features.floor(DIGITS, 300)
    assert features.floor(DIGITS, 300).samples == 300
    assert features.floor(DIGITS).samples == 1541  # there are no more to train
    assert features.reference(DIGITS) is features.reference(Digits())
    rows = _training(DIGITS, 100)
    assert features.evaluate(rows, DIGITS) == features.reference(DIGITS).evaluate(rows)


def test_copied_training_images_are_noticed(digits):
    copies = digits.evaluate(_training(DIGITS, 500), nearest=100)
    assert (copies.nearest, copies.memorisation, copies.nearest_samples) == (0, 0, 100)
    unasked = digits.evaluate(_training(DIGITS, 500), nearest=0)
    assert (unasked.nearest, unasked.memorisation, unasked.nearest_samples) == (None, None, 0)


@pytest.mark.parametrize(
    ("rows", "options", "message"),
    [
        (np.zeros((9, 65), np.float32), {}, r"\(n, 64\)"),
        (np.full((9, 64), np.nan, np.float32), {}, "9 of 9 are nan"),
        (np.zeros((5, 64), np.float32), {}, "6 images or more; got 5"),
        (np.zeros((9, 64), np.float32), {"n": 5}, "n must be 6 or more"),
        (np.zeros((9, 64), np.float32), {"nearest": -1}, "nearest 0 or more"),
    ],
)
def test_what_cannot_be_evaluated_is_refused(digits, rows, options, message):
    with pytest.raises(ValueError, match=message):
        digits.evaluate(rows, **options)


def test_one_grey_image_again_and_again_has_scores(digits):
    found = digits.evaluate(np.zeros((50, 64), np.float32))
    assert found.recall == 0
    assert found.class_entropy == 0
    assert found.inception_style == pytest.approx(1)


# Of digits there are but 256 test images: with 50 copied ones, most are there too seldom to have 3 twins.
@pytest.mark.parametrize(("name", "copied"), [("digits", 15), ("mnist8", 50)])
def test_controls_are_told_apart(name, copied, images_of):
    """Each way to be wrong moves the scores that are there to see it, by margins that both sets share."""
    images = images_of(name)
    judged = features.Reference(images, classifier.classifier_for(images))
    rng = np.random.default_rng(0)
    rows, labels = to_rows(images.split("train").pixels), images.split("train").labels
    n = min(2000, len(rows) // 2)
    order = rng.permutation(len(rows))
    without = order[labels[order] != 9]
    sets = {
        "noise": rng.uniform(-1, 1, (n, images.dim)).astype(np.float32),
        "copies": rows[rng.choice(order[:copied], n)],
        "lacking": rows[without[:n]],
        "averages": (rows[order[:n]] + rows[order[n : 2 * n]]) / 2,
    }
    floor = judged.floor(n)
    found = {kind: judged.evaluate(chosen, nearest=200) for kind, chosen in sets.items()}
    for kind in ("noise", "copies", "averages"):
        assert found[kind].frechet > 3 * floor.frechet
    assert found["lacking"].frechet > 1.5 * floor.frechet
    assert found["noise"].frechet > max(found[kind].frechet for kind in ("copies", "averages", "lacking"))
    # Copies are images as good as any, of all classes: only recall, coverage and memory see them.
    assert found["copies"].recall < 0.1
    assert found["copies"].coverage < floor.coverage / 2
    assert found["copies"].precision > 0.7
    assert found["copies"].classes_effective > 6
    assert found["copies"].memorisation == 0
    # A missing digit shows among the classes, hardly in precision and recall.
    assert found["lacking"].class_shares[9] < 0.02
    assert found["lacking"].class_entropy == pytest.approx(np.log(9), abs=0.03)
    assert floor.class_entropy == pytest.approx(np.log(10), abs=0.01)
    assert found["lacking"].precision == pytest.approx(floor.precision, abs=0.1)
    # Noise and averages are of no class for sure; recall falls, and noise is far from everything.
    assert found["noise"].confident < found["averages"].confident < floor.confident - 0.2
    assert found["averages"].recall < floor.recall - 0.2
    assert found["noise"].coverage < 0.1
    assert found["noise"].memorisation > 3
