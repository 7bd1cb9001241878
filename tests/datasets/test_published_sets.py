"""Where published sets are looked for, what is downloaded, and what is said of damaged or missing files."""

from __future__ import annotations

import gzip
import io
import struct
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
from image_files import idx, pack
from numpy.typing import NDArray

from otviz.data.datasets import cifar, named, openml
from otviz.data.datasets.idx import read_idx, write_idx
from otviz.data.datasets.image_set import Images
from otviz.data.datasets.published import checksum

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


def test_cifar_does_not_list_thirty_files() -> None:
    with pytest.raises(ValueError, match=r"CIFAR-10 .* and 27 more into"):
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
    """A gigabyte of zeros packs into a megabyte; only as many as were asked for are unpacked."""
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


def test_a_checksum_can_leave_out_some() -> None:
    import hashlib

    array = np.random.default_rng(0).integers(256, size=(9, 4), dtype=np.uint8)
    assert checksum(array) == hashlib.sha256(array.tobytes()).hexdigest()
    rest = np.delete(array, [0, 4, 5, 8], axis=0)
    assert checksum(array, (0, 4, 5, 8)) == hashlib.sha256(rest.tobytes()).hexdigest()


def test_sheets_have_the_documented_layout(tiny_cifar: Path) -> None:
    """The recipe that is published with the sheets reads what we write, and the same as we read."""
    from PIL import Image

    sheet = np.asarray(Image.open(tiny_cifar / "train" / "00.webp"))
    images = sheet.reshape(40, 32, 50, 32, 3).transpose(0, 2, 1, 3, 4).reshape(-1, 32, 32, 3)
    ours = named("cifar10")().split("train")
    np.testing.assert_array_equal(ours.pixels.transpose(0, 2, 3, 1), images)
    with np.load(tiny_cifar / "labels.npz") as arrays:
        np.testing.assert_array_equal(ours.labels, arrays["train"])


def other_sheet(data: bytes) -> bytes:
    from PIL import Image

    file = io.BytesIO()
    Image.new("RGB", (1600, 1312)).save(file, "WEBP", lossless=True, method=0, quality=0)
    return file.getvalue()


def sheet_bomb(data: bytes) -> bytes:
    """A few bytes that claim 16384 x 16384 pixels: in lossless WebP 14 bits each hold width - 1 and height - 1."""
    chunk = b"VP8L" + struct.pack("<I", 10) + b"\x2f" + struct.pack("<I", (1 << 28) - 1) + bytes(5)
    return b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk


@pytest.mark.parametrize(
    ("file", "spoil", "words"),
    [
        ("train/00.webp", lambda data: data[: len(data) // 2], "train/00.webp is damaged"),
        ("train/00.webp", lambda data: b"RIFF", "train/00.webp is damaged"),
        ("train/00.webp", other_sheet, r"train/00.webp must be 1600 x 1280 RGB; it is \(1600, 1312\) RGB"),
        ("train/00.webp", sheet_bomb, r"train/00.webp is damaged \(Image size \(268435456 pixels\) exceeds"),
        ("labels.npz", lambda data: data[:-50], "labels.npz cannot be read as labels"),
        ("labels.npz", lambda data: b"PK\x05\x06" + bytes(18), "labels.npz cannot be read as labels"),
    ],
)
def test_damaged_sheets_and_labels_are_named(
    file: str, spoil: Callable[[bytes], bytes], words: str, tiny_cifar: Path
) -> None:
    (tiny_cifar / file).write_bytes(spoil((tiny_cifar / file).read_bytes()))
    with pytest.raises(ValueError, match=words):
        named("cifar10")().split("train")


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros(1999, np.uint8), "train must be 2000 bytes"),
        (np.zeros(2000, np.int64), "train must be 2000 bytes"),
        (np.zeros(5_000_000, np.uint8), "more than 1000000 bytes"),
        (np.array([{}] * 2000, object), "cannot be read as labels"),
    ],
    ids=["short", "wide", "bomb", "pickle"],
)
def test_labels_of_another_kind_are_refused(array: NDArray[np.generic], words: str, tiny_cifar: Path) -> None:
    np.savez_compressed(tiny_cifar / "labels.npz", train=array, test=array)
    with pytest.raises(ValueError, match=words):
        named("cifar10")().split("train")


def test_labels_that_claim_more_than_they_hold_are_refused(tiny_cifar: Path) -> None:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": (10**15,)})
    pack(tiny_cifar / "labels.npz", {"train.npy": header.getvalue()}, zipfile.ZIP_STORED)
    with pytest.raises(ValueError, match="cannot be read as labels"):
        named("cifar10")().split("train")


def test_the_images_in_doubt_may_differ(tiny_cifar: Path) -> None:
    """A copy in which an image that counts differs is refused; one that is left out of the sum may."""
    train, test = (named("cifar10")().split(which) for which in ("train", "test"))
    for changed, good in ((1999, True), (1998, False)):
        pixels = train.pixels.copy()
        pixels[changed] ^= 255
        for name, data in cifar.Cifar10().encode(Images(pixels, train.labels), test):
            (tiny_cifar / name).write_bytes(data)
        if good:
            np.testing.assert_array_equal(cifar.Cifar10().read("train").pixels[changed], pixels[changed])
        else:
            with pytest.raises(ValueError, match="images to train are not the published ones"):
                cifar.Cifar10().read("train")
