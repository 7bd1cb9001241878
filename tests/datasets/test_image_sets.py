"""What every image set promises, and what the published ones hold, compared with what was published with them."""

from __future__ import annotations

import gzip
import hashlib
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from image_files import pack, pictures
from PIL import Image
from sklearn.datasets import load_digits

from otviz.core.params import params_of
from otviz.data.datasets import (
    ImageSet,
    by_record,
    datasets,
    kind_of,
    named,
    parse_dataset,
    to_pixels,
    to_rows,
)
from otviz.data.datasets.cache import Once
from otviz.data.datasets.digits import Digits
from otviz.data.datasets.image_set import Images
from otviz.data.datasets.mnist8 import resized
from tests.datasets.tiny_sets import data_folder

FOLDERS = {"mnist": "mnist", "fashion-mnist": "fashion-mnist", "cifar10": "cifar-10-batches-bin", "mnist8": "mnist"}


@pytest.fixture(params=sorted(datasets()))
def images(request: pytest.FixtureRequest, published_or_tiny: Callable[[str], Path], tmp_path: Path) -> ImageSet:
    """Every set there is; a new one is covered as soon as it exists."""
    name: str = request.param
    if name in FOLDERS:
        published_or_tiny(FOLDERS[name])
    if named(name).needs_file:
        return parse_dataset(str(pack(tmp_path / "mine.zip", pictures(40))), {})
    return named(name)()


def test_a_set_keeps_its_promises(images: ImageSet) -> None:
    channels, height, width = images.shape
    assert images.dim == channels * height * width
    for which, count in zip(("train", "test"), images.counts, strict=True):
        pixels, labels = images.split(which)
        assert pixels.shape == (count, *images.shape)
        assert pixels.dtype == np.uint8
        assert labels.shape == (count,)
        assert labels.dtype == np.int64
        assert sorted(set(labels.tolist())) == list(range(max(1, len(images.class_names))))
        assert not pixels.flags.writeable
        assert not labels.flags.writeable
    assert f"{sum(images.counts):,}" in images.describe() or f"{images.counts[0]:,}" in images.describe()


def test_samples_are_training_images(images: ImageSet) -> None:
    rows = images.sample(64, np.random.default_rng(3))
    assert rows.shape == (64, images.dim)
    assert rows.dtype == np.float32
    assert rows.min() >= -1
    assert rows.max() <= 1
    np.testing.assert_array_equal(rows, images.sample(64, np.random.default_rng(3)))
    assert not np.array_equal(rows, images.sample(64, np.random.default_rng(4)))
    train = images.split("train")
    known = {pixels.tobytes() for pixels in train.pixels}
    # Byte 255 is 1 and 0 is -1, in float64, which shares no code with to_rows.
    drawn = np.rint((rows.astype(np.float64) + 1) / 2 * 255).astype(np.uint8)
    assert all(row.tobytes() in known for row in drawn)


def test_no_test_image_is_a_training_image(images: ImageSet) -> None:
    train = {pixels.tobytes() for pixels in images.split("train").pixels}
    assert not [1 for pixels in images.split("test").pixels if pixels.tobytes() in train]


def test_sets_are_described_to_a_newcomer() -> None:
    for name, cls in datasets().items():
        assert cls.name == name
        assert cls.title
        assert cls.licence
        assert cls.__doc__
        assert all(knob.doc for knob in params_of(cls))
    assert {"digits", "mnist8", "mnist", "fashion-mnist", "cifar10", "folder"} <= set(datasets())


def test_a_record_makes_the_same_set(images: ImageSet) -> None:
    again = by_record(images.record())
    assert again == images
    assert again.split("test") is images.split("test")


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ({"name": "minst"}, "must be one of cifar10"),
        ({}, "must be one of"),
        ({"name": "digits", "size": 8}, "digits has no setting 'size'; it has none"),
        ({"name": "folder", "file": "x", "size": 7}, "size must be a whole number from 8 to 64"),
    ],
)
def test_a_bad_record_is_refused(bad: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        by_record(bad)


def test_a_text_means_a_set_or_a_path(tmp_path: Path) -> None:
    assert parse_dataset("digits", {}) == Digits()
    assert kind_of(str(tmp_path)).name == "folder"
    assert kind_of("mine.ZIP").name == "folder"
    assert kind_of("upload:0123456789abcdef").name == "folder"
    for bad in ("", "minst", "\0", "x" * 5000):
        with pytest.raises(ValueError, match="must be one of cifar10, digits"):
            kind_of(bad)
    with pytest.raises(ValueError, match=r"has no (knob|setting) 'size'"):
        parse_dataset("digits", {"size": "8"})
    with pytest.raises(ValueError, match="a split is one of train, test; got 'valid'"):
        Digits().split("valid")  # type: ignore[arg-type]


def test_the_digits_are_there_without_torch_or_scikit_learn() -> None:
    """Both take seconds to import, and the first picture must not wait for them."""
    code = (
        "import sys, numpy, otviz.data.datasets as d; d.named('digits')().sample(3, numpy.random.default_rng(0));"
        "assert not {'torch', 'sklearn', 'PIL'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], check=True)


def test_digits_are_those_of_scikit_learn() -> None:
    bunch = load_digits()
    held_out = np.arange(1797) % 7 == 6
    for which, chosen in (("train", ~held_out), ("test", held_out)):
        pixels, labels = Digits().split(which)
        np.testing.assert_array_equal(labels, bunch.target[chosen])
        # Bytes are a sixteenth of 255 apart, so rounding moves them by at most half a byte.
        np.testing.assert_allclose(pixels[:, 0] * (16 / 255), bunch.images[chosen], atol=0.5 * 16 / 255)
    # No class is rare in the test images: seven has no factor in common with the period of the classes.
    assert np.bincount(Digits().split("test").labels).min() >= 18


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_idx_sets_equal_the_published_recipe(name: str, published_or_tiny: Callable[[str], Path]) -> None:
    place = published_or_tiny(name)
    for which, prefix in (("train", "train"), ("test", "t10k")):
        with gzip.open(place / f"{prefix}-images-idx3-ubyte.gz") as file:
            pixels = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 28, 28)
        with gzip.open(place / f"{prefix}-labels-idx1-ubyte.gz") as file:
            labels = np.frombuffer(file.read(), np.uint8, offset=8)
        ours = named(name)().split(which)
        np.testing.assert_array_equal(ours.pixels[:, 0], pixels)
        np.testing.assert_array_equal(ours.labels, labels)


# SHA-256 of the images in the order (N, 32, 32, 3), as stated where the reconstruction is described.
CIFAR = {
    "train": "c7c6557433f8d7c52900e0fc5549bd21bf6f33fefee1f478f5adbc5499bb11c7",
    "test": "1249626010949d8f448e0faf792debbc3da0c50ed31bfff3678c99c37fbc7e48",
}


def test_cifar_equals_its_published_sum(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The script beside the data writes the binary version; what is read from it has the sums stated there."""
    script = data_folder() / "cifar10_binary.py"
    if not script.is_file():
        pytest.skip(f"no {script}: name a folder that has it in OTVIZ_DATA")
    subprocess.run([sys.executable, str(script), str(tmp_path)], check=True)
    monkeypatch.setenv("OTVIZ_DATA", str(tmp_path))
    for which, expected in CIFAR.items():
        pixels, labels = named("cifar10")().split(which)
        assert hashlib.sha256(np.ascontiguousarray(pixels.transpose(0, 2, 3, 1))).hexdigest() == expected
        assert np.bincount(labels).tolist() == [len(labels) // 10] * 10
        if which == "train":  # the means that are commonly quoted
            assert pixels.mean(axis=(0, 2, 3)) / 255 == pytest.approx([0.491400, 0.482158, 0.446531], abs=1e-6)


def test_resizing_is_that_of_pillow_and_torch() -> None:
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    pixels = rng.integers(256, size=(50, 1, 28, 28), dtype=np.uint8)
    small = resized(pixels, 8).astype(float)
    floats = torch.nn.functional.interpolate(
        torch.from_numpy(pixels.astype(np.float64)), size=(8, 8), mode="bilinear", antialias=True, align_corners=False
    ).numpy()
    assert np.abs(small - floats).max() <= 0.5 + 1e-3  # rounded to bytes
    pillow = np.stack([np.asarray(Image.fromarray(p[0]).resize((8, 8), Image.Resampling.BILINEAR)) for p in pixels])
    assert np.abs(small[:, 0] - pillow).max() <= 1  # Pillow rounds once after each direction


def test_small_mnist_is_kept_and_made_again_when_damaged(tiny_mnist: Path, tmp_path: Path) -> None:
    small = named("mnist8")()
    first = small.read("train")
    kept = tmp_path / "home" / "data" / "mnist8" / "train.npz"
    assert kept.is_file()
    for file in tiny_mnist.iterdir():
        file.unlink()
    np.testing.assert_array_equal(small.read("train").pixels, first.pixels)  # without MNIST
    kept.write_bytes(kept.read_bytes()[:5000])
    with pytest.raises(ValueError, match="could not be downloaded"):
        small.read("train")


def test_a_set_is_read_once_whatever_the_thread(tiny_mnist: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mnist, reads = named("mnist"), []
    read = mnist.read
    monkeypatch.setattr(mnist, "read", lambda self, which: reads.append(which) or read(self, which))
    got: list[Images] = []
    threads = [threading.Thread(target=lambda: got.append(mnist().split("train"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert reads == ["train"]
    assert len({id(images) for images in got}) == 1


def test_a_failure_is_not_kept_and_the_oldest_goes_first() -> None:
    once: Once[int] = Once(keep=2)
    with pytest.raises(ZeroDivisionError):
        once.get("a", lambda: 1 // 0)
    assert once.get("a", lambda: 1) == 1
    assert once.get("b", lambda: 2) == 2
    assert once.get("a", lambda: 10) == 1
    assert once.get("c", lambda: 3) == 3
    assert once.get("b", lambda: 20) == 20


def test_bytes_become_rows_and_come_back() -> None:
    every = np.arange(256, dtype=np.uint8).reshape(1, 1, 16, 16)
    rows = to_rows(every)
    assert rows[0, 0] == -1
    assert rows[0, -1] == 1
    np.testing.assert_allclose(np.diff(rows[0]), 2 / 255, rtol=1e-4)  # float32 near 1
    np.testing.assert_array_equal(to_pixels(rows, (1, 16, 16)), every)
    odd = np.array([[np.nan, np.inf, -np.inf, 2.0]], np.float32)
    np.testing.assert_array_equal(to_pixels(odd, (1, 2, 2)).ravel(), [128, 255, 0, 255])
    with pytest.raises(ValueError, match=r"shape \(n, 1 \* 2 \* 3\); got \(1, 4\)"):
        to_pixels(odd, (1, 2, 3))
