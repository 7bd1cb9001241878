"""Where published data sets are searched, what is downloaded, and the errors for damaged or missing files."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
from image_files import idx
from numpy.typing import NDArray

from otviz.data.datasets import cifar, named, openml
from otviz.data.datasets.idx import read_idx, write_idx
from otviz.data.datasets.image_set import Images

Table = tuple[NDArray[np.uint8], NDArray[np.uint8]]


@pytest.fixture
def tiny_table(tiny_mnist: Path, monkeypatch: pytest.MonkeyPatch) -> Table:
    """What OpenML would send for the small MNIST: training images first; the files themselves are gone."""
    splits = [named("mnist")().split(which) for which in ("train", "test")]
    for file in tiny_mnist.iterdir():
        file.unlink()
    monkeypatch.setenv("OTVIZ_DATA", "")
    pixels = np.concatenate([images.pixels for images in splits]).reshape(500, 784)
    return pixels, np.concatenate([images.labels for images in splits]).astype(np.uint8)


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


def test_a_download_is_checked_kept_and_read_without_another(
    tiny_table: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    monkeypatch.setattr(openml, "fetch", lambda number, aside: asked.append(number) or tiny_table)
    mnist = named("mnist")
    got: dict[str, Images] = {}
    threads = [threading.Thread(target=lambda w=w: got.update({w: mnist().split(w)})) for w in ("train", "test")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert asked == [554]  # once for both splits
    np.testing.assert_array_equal(
        np.concatenate([got["train"].pixels, got["test"].pixels]).reshape(500, 784), tiny_table[0]
    )
    np.testing.assert_array_equal(got["test"].labels, tiny_table[1][450:])
    kept = tmp_path / "home" / "data" / "mnist"
    assert sorted(path.name for path in kept.iterdir()) == sorted({*mnist().files("train"), *mnist().files("test")})
    mnist().read("train")
    assert asked == [554]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda x, y: (x[::-1], y), r"images to train are not the published ones \(another SHA-256\)"),
        (lambda x, y: (x, np.roll(y, 1)), "labels to train are not the published ones"),
        (lambda x, y: (x[:499], y), r"sent \(499, 784\) pixels and \(500,\) labels for 500 images"),
    ],
)
def test_a_wrong_download_is_refused_and_not_kept(
    spoil: Callable[..., Table], words: str, tiny_table: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openml, "fetch", lambda number, aside: spoil(*tiny_table))
    with pytest.raises(ValueError, match=words):
        named("mnist")().split("train")
    assert not list((tmp_path / "home" / "data").rglob("*.gz"))


def test_a_home_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file where a folder should be")
    with pytest.raises(ValueError, match=r"could not be downloaded \((File exists|Not a directory)\)"):
        named("mnist")().split("train")


def test_the_client_of_openml_is_used_as_meant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its classes are texts and its pixels 64-bit integers; what it downloads is deleted, and time limits are put back."""
    import socket

    import sklearn.datasets

    fetch = openml_fetch()
    seen: dict[str, object] = {}

    def client(**options: object) -> tuple[NDArray[np.int64], NDArray[np.object_]]:
        seen.update(options, limit=socket.getdefaulttimeout())
        Path(str(options["data_home"]), "big").write_bytes(b"0" * 100)
        return np.array([[0, 255], [7, 1]]), np.array(["9", "0"], object)

    monkeypatch.setattr(sklearn.datasets, "fetch_openml", client)
    pixels, labels = fetch(554, tmp_path)
    assert pixels.dtype == labels.dtype == np.uint8
    assert pixels.tolist() == [[0, 255], [7, 1]]
    assert labels.tolist() == [9, 0]
    assert (seen["data_id"], seen["as_frame"], seen["limit"]) == (554, False, 30)
    assert socket.getdefaulttimeout() is None
    assert not list(tmp_path.iterdir())

    monkeypatch.setattr(sklearn.datasets, "fetch_openml", lambda **_: (np.array([[256]]), np.array(["0"])))
    with pytest.raises(ValueError, match="not bytes"):
        fetch(554, tmp_path)

    def broken(**options: object) -> None:
        raise EOFError("Compressed file ended")

    monkeypatch.setattr(sklearn.datasets, "fetch_openml", broken)
    with pytest.raises(OSError, match="was lost"):
        fetch(554, tmp_path)


def openml_fetch() -> Callable[..., Table]:
    """The true `fetch`, in place of which tests have one without network."""
    import importlib.util

    spec = importlib.util.find_spec("otviz.data.datasets.openml")
    assert spec is not None
    assert spec.loader is not None
    fresh = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fresh)
    return fresh.fetch  # type: ignore[no-any-return]


def test_the_reason_of_a_network_error_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(number: int, aside: Path) -> Table:
        raise URLError(TimeoutError("timed out"))

    monkeypatch.setattr(openml, "fetch", fetch)
    with pytest.raises(ValueError, match=r"could not be downloaded \(timed out\)"):
        named("fashion-mnist")().split("train")


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


def test_idx_files_are_written_as_they_are_read(tmp_path: Path) -> None:
    array = np.random.default_rng(0).integers(256, size=(3, 4, 5), dtype=np.uint8)
    assert gzip.decompress(write_idx(array)) == gzip.decompress(idx(array))
    (tmp_path / "a.gz").write_bytes(write_idx(array))
    np.testing.assert_array_equal(read_idx(tmp_path / "a.gz", (3, 4, 5)), array)


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
        for name, data in cifar.Cifar10().encode(Images(pixels, train.labels), test):
            (tiny_cifar / name).write_bytes(data)
        if good:
            np.testing.assert_array_equal(cifar.Cifar10().read("train").pixels[changed], pixels[changed])
        else:
            with pytest.raises(ValueError, match="images to train are not the published ones"):
                cifar.Cifar10().read("train")
