"""Where published data sets are searched, what is downloaded, and the errors for damaged or missing files."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from image_files import idx

from otviz.data.datasets import cifar, named
from otviz.data.datasets.idx import read_idx
from otviz.data.datasets.image_set import Images
from tests.datasets.tiny_sets import write_cifar10


def test_offline_without_files_says_what_is_lacking_and_where_to_put_it(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="MNIST is not on this computer and could not be downloaded") as error:
        named("mnist")().sample(4, np.random.default_rng(0))
    said = str(error.value)
    assert "(Name or service not known)" in said
    assert "put t10k-images-idx3-ubyte.gz, t10k-labels-idx1-ubyte.gz, train-images-idx3-ubyte.gz, " in said
    assert f"into {tmp_path / 'home' / 'data' / 'mnist'}, or name a folder of data in OTVIZ_DATA" in said
    assert "\n" not in said


def test_only_what_is_lacking_is_asked_for(tiny_mnist: Path) -> None:
    (tiny_mnist / "train-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(ValueError, match=f"put train-labels-idx1-ubyte.gz into {tiny_mnist}$"):
        named("mnist")().split("train")
    assert len(named("mnist")().split("test").labels) == 50


def test_a_long_list_of_files_is_cut() -> None:
    with pytest.raises(ValueError, match=r"CIFAR-10 .* and 2 more into"):
        named("cifar10")().split("test")


def test_a_home_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file where a folder should be")
    with pytest.raises(ValueError, match=r"could not be downloaded \((File exists|Not a directory)\)"):
        named("mnist")().split("train")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda data: b"", "is damaged|not an IDX file"),
        (lambda data: b"nothing like it", "is damaged"),
        (lambda data: data[:-3000], "is damaged"),
        (lambda data: data[:2000] + bytes(10) + data[2010:], "is damaged|another SHA-256"),
        (lambda data: gzip.compress(gzip.decompress(data)[:-1]), "must hold 352800 numbers; it holds 352799"),
        (lambda data: gzip.compress(gzip.decompress(data) + b"0"), "must hold 352800 numbers; it holds more"),
        (lambda data: idx(np.zeros((60000, 28), np.uint8)), "not an IDX file of 450 x 28 x 28 bytes"),
        (lambda data: idx(np.zeros((450, 28, 28), np.uint8)), "images to train are not the published ones"),
    ],
)
def test_a_damaged_file_is_named_with_the_mend(spoil: Callable[[bytes], bytes], words: str, tiny_mnist: Path) -> None:
    file = tiny_mnist / "train-images-idx3-ubyte.gz"
    file.write_bytes(spoil(file.read_bytes()))
    with pytest.raises(ValueError, match=words) as error:
        named("mnist")().split("train")
    assert str(error.value).startswith(f"MNIST in {tiny_mnist}: ")
    assert "put the published files there, or delete these" in str(error.value)


def test_an_idx_bomb_is_not_unpacked(tmp_path: Path) -> None:
    """A gigabyte of zeros compresses to a megabyte; only the requested bytes are unpacked."""
    import tracemalloc

    bomb = tmp_path / "bomb.gz"
    with gzip.open(bomb, "wb", compresslevel=1) as file:
        file.write(bytes([0, 0, 8, 1, 0, 0, 1, 0]))
        for _ in range(100):
            file.write(bytes(1_000_000))
    tracemalloc.start()
    with pytest.raises(ValueError, match="must hold 256 numbers; it holds more"):
        read_idx(bomb, (256,))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000


def test_cifar_is_read_as_its_authors_describe_it(tiny_cifar: Path) -> None:
    """<1 byte of label><3072 bytes of pixels>: the red, green and blue channel, each row by row."""
    ours = named("cifar10")().split("train")
    for number in range(5):
        data = (tiny_cifar / f"data_batch_{number + 1}.bin").read_bytes()
        for place in (0, 49):
            record = data[place * 3073 : (place + 1) * 3073]
            assert ours.labels[50 * number + place] == record[0]
            pixels = ours.pixels[50 * number + place]
            assert [int(pixels[c, 5, 7]) for c in range(3)] == [record[1 + 1024 * c + 5 * 32 + 7] for c in range(3)]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda data: data[:-1], "data_batch_2.bin must have 153650 bytes; it has 153649"),
        (lambda data: data + b"0", "data_batch_2.bin must have 153650 bytes; it has 153651"),
        (lambda data: bytes([255]) + data[1:], "labels to train are not the published ones"),
    ],
)
def test_damaged_batches_are_named(spoil: Callable[[bytes], bytes], words: str, tiny_cifar: Path) -> None:
    file = tiny_cifar / "data_batch_2.bin"
    file.write_bytes(spoil(file.read_bytes()))
    with pytest.raises(ValueError, match=words):
        named("cifar10")().split("train")


def test_the_classes_in_doubt_may_differ(tiny_cifar: Path) -> None:
    """A copy in which an image that counts differs is refused; a horse, which is left out of the sum, may."""
    train, test = (named("cifar10")().split(which) for which in ("train", "test"))
    for label, good in ((7, True), (6, False)):
        changed = train.labels.tolist().index(label)
        pixels = train.pixels.copy()
        pixels[changed] ^= 255
        write_cifar10(tiny_cifar, Images(pixels, train.labels), test)
        if good:
            np.testing.assert_array_equal(cifar.Cifar10().read("train").pixels[changed], pixels[changed])
        else:
            with pytest.raises(ValueError, match="images to train are not the published ones"):
                cifar.Cifar10().read("train")
