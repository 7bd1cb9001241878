"""A folder or ZIP of one's own images: what is read, held out and left out, and what is refused with which words."""

from __future__ import annotations

import io
import os
import struct
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from image_files import pack, picture, pictures, spread
from PIL import Image

from otviz.data.datasets import parse_dataset, store_upload
from otviz.data.datasets.archives import MOST_FILE_BYTES, MOST_FILES, list_files, reader
from otviz.data.datasets.decoding import read_picture
from otviz.data.datasets.folder import Folder, folders_of, held_out
from otviz.data.datasets.own_images import MOST_UPLOAD_BYTES

Write = Callable[[Path, Mapping[str, bytes]], Path]


@pytest.fixture(params=["folder", "zip"])
def write(request: pytest.FixtureRequest) -> Write:
    return spread if request.param == "folder" else pack


@contextmanager
def memory_below(most: int) -> Iterator[None]:
    """The peak of Python's allocations is below a number of bytes. Pillow's own memory is not counted."""
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < most


def colours(pixels: np.ndarray) -> set[tuple[int, ...]]:
    return {tuple(image[:, 0, 0].tolist()) for image in pixels}


def test_all_images_are_read_and_a_tenth_held_out(write: Write, tmp_path: Path) -> None:
    images = Folder(file=str(write(tmp_path / "mine", pictures(60))), size=8)
    assert images.shape == (3, 8, 8)
    assert images.counts == (54, 6)
    train, test = images.split("train"), images.split("test")
    assert colours(train.pixels) | colours(test.pixels) == {(k, 255 - k, 40) for k in range(60)}
    assert not train.labels.any()
    assert images.describe() == f"{Path(images.file).name}: 60 images read, 6 of them held out to test; 8 x 8 RGB."


def test_a_folder_and_its_zip_are_the_same_set(tmp_path: Path) -> None:
    files = {f"deep/er/{name}": data for name, data in pictures(30).items()}
    of_folder, of_zip = (Folder(file=str(make(tmp_path / make.__name__, files))) for make in (spread, pack))
    for which in ("train", "test"):
        np.testing.assert_array_equal(of_folder.split(which).pixels, of_zip.split(which).pixels)


def test_the_held_out_images_do_not_depend_on_names_or_knobs(tmp_path: Path) -> None:
    files = pictures(50)
    renamed = {f"x{number % 7}_{name}": data for number, (name, data) in enumerate(files.items())}
    first = Folder(file=str(spread(tmp_path / "a", files)), size=8)
    second = Folder(file=str(spread(tmp_path / "b", renamed)), size=16)
    assert colours(first.split("test").pixels) == colours(second.split("test").pixels)
    digests = [bytes([255 - k]) for k in range(25)]
    assert np.flatnonzero(held_out(digests)).tolist() == [23, 24]
    assert held_out(digests[:3]).sum() == 1


def test_mixed_sizes_colours_and_formats_become_one_shape(write: Write, tmp_path: Path) -> None:
    files = {
        "a.png": picture((10, 20, 30)),
        "b.JPG": picture((200, 10, 10), (300, 90), "JPEG"),
        "c.gif": picture(7, (1, 1), "GIF", "P"),
        "d.bmp": picture(128, (64, 3), "BMP", "L"),
        "e.webp": picture((0, 255, 0), (5, 500), "WEBP"),
        "f.png": picture(1, (9, 9), "PNG", "1"),
        "g.jpeg": picture((0, 0, 0, 0), (33, 33), "JPEG", "CMYK"),
        "h.png": picture((1, 2, 3, 0), (12, 12), "PNG", "RGBA"),
        "i.png": picture((5, 100), (12, 12), "PNG", "LA"),
        "j.png": picture(65535, (12, 12), "PNG", "I;16"),
        **pictures(10),
    }
    path = str(write(tmp_path / "mine", files))
    for colour, channels in (("grey", 1), ("rgb", 3)):
        images = (
            parse_dataset(path, {"colour": colour, "size": "13"}) if Path(path).is_dir() else Folder(path, 13, colour)
        )
        pixels = np.concatenate([images.split("train").pixels, images.split("test").pixels])
        assert pixels.shape == (20, channels, 13, 13)
        assert images.dim == channels * 169


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (picture((9, 8, 7, 0), mode="RGBA"), (255, 255, 255)),  # transparent: white
        (picture((0, 0, 0, 255), mode="RGBA"), (0, 0, 0)),
        (picture((0, 128), mode="LA"), (127, 127, 127)),  # half transparent black on white
        (picture(60, mode="L"), (60, 60, 60)),
    ],
)
def test_a_picture_becomes_plain_rgb(data: bytes, expected: tuple[int, ...]) -> None:
    assert read_picture(data, 8, "rgb")[:, 4, 4].tolist() == list(expected)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize("colour", ["grey", "rgb"])
def test_more_than_eight_bits_are_scaled_by_the_largest_value_of_the_set(
    write: Write, tmp_path: Path, kind: str, colour: str
) -> None:
    deep = {f"{value}.{kind.lower()}": picture(value, kind=kind, mode="I;16") for value in range(0, 4096, 195)}
    images = Folder(str(write(tmp_path / "mine", {**deep, "plain.png": picture((9, 9, 9))})), 8, colour)
    pixels = np.concatenate([images.split("train").pixels, images.split("test").pixels])
    assert sorted(pixels[:, 0, 0, 0].tolist()) == sorted(
        [*(round(value / 4095 * 255) for value in range(0, 4096, 195)), 9]
    )
    assert "; 4095, the largest value of more than 8 bits, counts as white." in images.describe()


def test_pixels_that_are_no_numbers_are_black(tmp_path: Path) -> None:
    values = np.full((9, 9), np.nan, np.float32)
    values[4:] = -1.5
    file = io.BytesIO()
    Image.fromarray(values).save(file, "TIFF")
    images = Folder(str(spread(tmp_path / "mine", {**pictures(16), "a.tif": file.getvalue()})), 9, "grey")
    assert sum(images.counts) == 17


@pytest.mark.parametrize("above", ["", "pets/", "pets/all of them/"])
def test_sub_folders_become_classes(write: Write, tmp_path: Path, above: str) -> None:
    files = {
        f"{above}{'cats' if k % 3 else 'dogs'}/{name}": data for k, (name, data) in enumerate(pictures(60).items())
    }
    images = Folder(file=str(write(tmp_path / "mine", {**files, "readme.txt": b"x"})), size=8)
    assert images.class_names == ("cats", "dogs")
    assert "; classes by folder: cats, dogs;" in images.describe()
    for which in ("train", "test"):
        some = images.split(which)
        assert some.labels.tolist() == [0 if k % 3 else 1 for k in some.pixels[:, 0, 0, 0]]
    assert set(images.sample_labels(50, np.random.default_rng(0)).tolist()) == {0, 1}


def test_folders_of_a_split_are_no_classes_but_those_in_them_are() -> None:
    names = [f"{part}/{kind}/{k}.png" for part in ("train", "Val") for kind in ("a", "b") for k in range(3)]
    assert folders_of(names) == [name.split("/")[1] for name in names]
    assert folders_of([name.replace("/a", "").replace("/b", "") for name in names]) == []


@pytest.mark.parametrize(
    "names",
    [
        ["1.png", "2.png"],
        ["a/1.png", "a/2.png"],
        ["a/1.png", "b/1.png", "2.png"],
        ["a/1.png", "a/2.png", "b/1.png"],
        [f"{day}/{time}.png" for day in range(101) for time in range(2)],
    ],
)
def test_other_folders_are_no_classes(names: list[str]) -> None:
    assert folders_of(names) == []


def test_every_class_is_trained_and_some_image_is_held_out(tmp_path: Path) -> None:
    for count in (16, 20, 40):
        files = {f"{k // 2}/{name}": data for k, (name, data) in enumerate(pictures(count).items())}
        images = Folder(file=str(spread(tmp_path / f"mine{count}", files)), size=8)
        assert set(images.split("train").labels.tolist()) == set(range(count // 2))
        assert images.counts[1] >= 1
    assert Folder(file=str(spread(tmp_path / "own", pictures(20))), size=8).class_names == ()
    assert Folder.class_names == ()


def test_errors_name_the_zip_as_it_was_handed_in() -> None:
    with pytest.raises(ValueError, match=r"^My pets.zip cannot be read as a ZIP file"):
        Folder(file=store_upload(b"x", "My pets.zip"))


def test_grey_is_the_luma_of_rgb() -> None:
    red = int(read_picture(picture((255, 0, 0)), 8, "grey")[0, 0, 0])
    assert red == round(0.299 * 255)  # Rec. 601


def test_the_middle_square_is_kept_upright() -> None:
    wide = np.zeros((10, 30, 3), np.uint8)
    wide[:, 10:20] = 200  # exactly the middle
    wide[0, 10:20] = 90  # its upper edge
    file = io.BytesIO()
    Image.fromarray(wide).save(file, "PNG")
    shown = read_picture(file.getvalue(), 10, "grey")[0]
    assert (shown[0] == 90).all()
    assert (shown[1:] == 200).all()
    turned = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned by 90 degrees clockwise
    Image.fromarray(wide).save(turned, "PNG", exif=exif)
    np.testing.assert_array_equal(read_picture(turned.getvalue(), 10, "grey")[0], np.rot90(shown, -1))


def test_other_files_and_broken_images_are_left_out_and_counted(write: Write, tmp_path: Path) -> None:
    broken = picture((1, 2, 3))[:60]
    others = {
        "notes.txt": b"no image", "table.csv": b"1,2", "nested.zip": b"PK", "noext": b"", "a/.hidden.png": b"x",
        ".DS_Store": b"x", "__MACOSX/._000.png": b"x", "broken.png": broken, "text.jpg": b"not a photograph",
        "empty.png": b"", "page.png": b"<svg></svg>", "post.png": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
    }  # fmt: skip
    images = Folder(file=str(write(tmp_path / "mine", {**pictures(20), **others})), size=8)
    assert sum(images.counts) == 20
    said = images.describe()
    # Files of the operating system are ignored without a message; __MACOSX has no dot in a plain folder's files.
    assert "; files that are not images: 4; unreadable: 5, such as broken.png (" in said


def huge_png(width: int, height: int) -> bytes:
    """A PNG of a few bytes that claims any size."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))  # noqa: E731
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("size", [(10_000, 10_000), (2**31 - 1, 2**31 - 1)])
def test_an_image_that_claims_too_many_pixels_is_left_out(size: tuple[int, int], tmp_path: Path) -> None:
    with memory_below(20_000_000):
        images = Folder(file=str(pack(tmp_path / "mine.zip", {**pictures(16), "bomb.png": huge_png(*size)})), size=8)
    assert "unreadable: 1, such as bomb.png (" in images.describe()


@pytest.mark.parametrize("count", [0, 1, 15])
def test_too_few_images_are_refused(write: Write, count: int, tmp_path: Path) -> None:
    path = write(tmp_path / "mine", {**pictures(count), "readme.txt": b"x"})
    with pytest.raises(
        ValueError, match=rf"mine must hold at least 16 images .* it has {count} and 1 other files: add"
    ):
        Folder(file=str(path))


def test_too_few_readable_images_are_refused(write: Write, tmp_path: Path) -> None:
    path = write(tmp_path / "mine", {**pictures(15), "z.png": b"x"})
    with pytest.raises(
        ValueError,
        match=r"it has 15 and 1 that cannot be read, such as z.png \(it is not an image in one of the formats PNG",
    ):
        Folder(file=str(path))


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("", "choose a folder or a ZIP of images; got none"),
        ("nowhere", "file must be a folder or a ZIP that exists; got 'nowhere': check the path, or upload a ZIP"),
        ("nowhere.zip", "file must be a folder or a ZIP that exists"),
        ("\0", "file must be a folder or a ZIP that exists"),
        ("x" * 5000, "name too long"),
        ("/dev/zero", "file must be a folder or a ZIP that exists"),
        ("upload:../../etc", "an uploaded file is written upload: and 16 hex digits"),
        ("upload:0123456789abcdef", "is not among the uploads kept here; upload the file again"),
    ],
)
def test_a_path_that_leads_nowhere_is_named(file: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Folder(file=file)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: b"",
        lambda data: b"not a ZIP",
        lambda data: data[: len(data) // 2],
        lambda data: picture((1, 2, 3)),
        lambda data: data[-22:],
    ],
)
def test_what_is_no_zip_is_refused(spoil: Callable[[bytes], bytes], tmp_path: Path) -> None:
    path = pack(tmp_path / "mine.zip", pictures(20))
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(
        ValueError, match=r"mine.zip cannot be read as a ZIP file \(.*\): pack the images into a new one"
    ):
        Folder(file=str(path))


def test_damaged_members_are_left_out(tmp_path: Path) -> None:
    path = pack(tmp_path / "mine.zip", pictures(20), zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    data[60] ^= 255  # within the first image: its CRC is wrong now
    path.write_bytes(data)
    images = Folder(file=str(path), size=8)
    assert sum(images.counts) == 19
    assert "unreadable: 1, such as 000.png (Bad CRC-32" in images.describe()


def test_a_password_is_told(tmp_path: Path) -> None:
    path = pack(tmp_path / "mine.zip", pictures(20), zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    central = data.find(b"PK\x01\x02")
    while central >= 0:  # the flag "encrypted" of every member
        data[central + 8] |= 1
        central = data.find(b"PK\x01\x02", central + 4)
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"it has 0 and 20 that cannot be read, such as 000.png \(.*password"):
        Folder(file=str(path))


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = pack(tmp_path / "bomb.zip", {f"{k}.bmp": bytes(10_000_000) for k in range(6)})
    with (
        memory_below(5_000_000),
        pytest.raises(ValueError, match=r"bomb.zip must unpack to at most 100 times its size; it claims 10"),
    ):
        Folder(file=str(path))


def claim(path: Path, size: int) -> Path:
    """Change what every member of a ZIP claims to unpack to."""
    data = bytearray(path.read_bytes())
    central = data.find(b"PK\x01\x02")
    while central >= 0:
        data[central + 24 : central + 28] = struct.pack("<I", size)
        central = data.find(b"PK\x01\x02", central + 4)
    path.write_bytes(data)
    return path


def test_an_archive_of_many_gigabytes_is_refused(tmp_path: Path) -> None:
    path = claim(pack(tmp_path / "bomb.zip", pictures(20)), 2**31)
    with pytest.raises(ValueError, match=r"bomb.zip must unpack to at most 4 GB; it claims 42.9 GB: put fewer"):
        Folder(file=str(path))


def test_a_member_that_lies_about_its_size_is_not_unpacked_further(tmp_path: Path) -> None:
    path = claim(pack(tmp_path / "liar.zip", {f"{k}.bmp": bytes(12_000_000) for k in range(16)}), 100)
    with memory_below(5_000_000), pytest.raises(ValueError, match="it has 0 and 16 that cannot be read"):
        Folder(file=str(path))


@pytest.mark.parametrize("packing", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_a_packing_that_would_be_unpacked_at_once_is_refused(packing: int, tmp_path: Path) -> None:
    path = claim(pack(tmp_path / "liar.zip", {f"{k}.bmp": bytes(6_000_000) for k in range(16)}, packing), 100)
    with (
        memory_below(5_000_000),
        pytest.raises(ValueError, match=r"such as 0.bmp \(compressed by another method than DEFLATE\)"),
    ):
        Folder(file=str(path))


def test_a_single_large_file_is_left_out(tmp_path: Path) -> None:
    path = spread(tmp_path / "mine", {**pictures(16), "large.png": b""})
    os.truncate(path / "large.png", MOST_FILE_BYTES + 1)  # takes no room on the disk
    assert "unreadable: 1, such as large.png (larger than 50 MB)" in Folder(file=str(path), size=8).describe()


def test_too_many_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "many.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(MOST_FILES + 1):
            archive.writestr(zipfile.ZipInfo(f"{number}"), b"")
    with pytest.raises(ValueError, match=r"many.zip must hold at most 50,000 files; it has 50,001 or more: keep some"):
        Folder(file=str(path))


def test_a_list_of_a_million_members_is_not_read(tmp_path: Path) -> None:
    member = b"PK\x01\x02" + bytes(24) + struct.pack("<H", 4) + bytes(16) + b"aaaa"
    end = b"PK\x05\x06" + bytes(4) + struct.pack("<HHIIH", 65535, 65535, 1_000_000 * len(member), 0, 0)
    path = tmp_path / "list.zip"
    path.write_bytes(member * 1_000_000 + end)
    with (
        memory_below(5_000_000),
        pytest.raises(
            ValueError, match=r"list.zip cannot be read as a ZIP file .its list of files has more than 16 MB"
        ),
    ):
        Folder(file=str(path))


def test_names_that_climb_are_read_in_memory_only(tmp_path: Path) -> None:
    inner = tmp_path / "deep" / "inner"
    inner.mkdir(parents=True)
    names = ["../../climbed.png", "/absolute.png", "up\\..\\windows.png", "C:\\drive.png", "a/../../b.png", "a\nb.png"]
    evil = {name: picture((number, 0, 0)) for number, name in enumerate(names)}
    before = sorted(tmp_path.rglob("*"))
    path = pack(inner / "mine.zip", {**evil, **pictures(20)})
    images = Folder(file=str(path), size=8)
    assert sum(images.counts) == 26
    assert sorted(tmp_path.rglob("*")) == sorted([*before, path])


def test_a_link_within_an_archive_is_no_image(tmp_path: Path) -> None:
    path = pack(tmp_path / "mine.zip", pictures(20))
    secret = tmp_path / "secret.png"
    secret.write_bytes(picture((77, 77, 77)))
    with zipfile.ZipFile(path, "a") as archive:
        link = zipfile.ZipInfo("link.png")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, str(secret))
    images = Folder(file=str(path), size=8)
    assert sum(images.counts) == 20
    assert "unreadable: 1, such as link.png" in images.describe()


def test_circles_of_links_and_pipes_end(tmp_path: Path) -> None:
    path = spread(tmp_path / "mine", pictures(20))
    (path / "round").symlink_to(path)
    (path / "lost.png").symlink_to(path / "nothing")
    os.mkfifo(path / "pipe.png")
    assert sum(Folder(file=str(path), size=8).counts) == 20


def test_of_two_members_of_one_name_the_last_counts(tmp_path: Path) -> None:
    path = pack(tmp_path / "mine.zip", {**pictures(20), "a.png": picture((1, 1, 1))})
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("a.png", picture((2, 2, 2)))
    images = Folder(file=str(path), size=8)
    found = colours(images.split("train").pixels) | colours(images.split("test").pixels)
    assert sum(images.counts) == 21
    assert (2, 2, 2) in found
    assert (1, 1, 1) not in found


def test_a_set_goes_on_when_its_files_go_and_a_new_one_sees_new_files(write: Write, tmp_path: Path) -> None:
    path = write(tmp_path / "mine", pictures(20))
    before = Folder(file=str(path), size=8)
    rows = before.sample(5, np.random.default_rng(0))
    write(path, pictures(40))
    assert sum(Folder(file=str(path), size=8).counts) == 40
    assert sum(before.counts) == 20
    np.testing.assert_array_equal(before.sample(5, np.random.default_rng(0)), rows)
    assert len(before.split("test").pixels) == 2


def test_an_upload_is_kept_by_its_content(tmp_path: Path) -> None:
    data = pack(tmp_path / "mine.zip", pictures(20)).read_bytes()
    name = store_upload(data, "Mine.ZIP")
    assert name == store_upload(data, "other.zip")
    images = parse_dataset(name, {"size": "8", "colour": "grey"})
    assert sum(images.counts) == 20
    assert images.as_dict() == {"file": name, "size": 8, "colour": "grey"}
    assert {path.suffix for path in (tmp_path / "home" / "uploads").iterdir()} == {".zip", ".name"}


class Long(bytes):
    """Bytes that say they are many."""

    def __len__(self) -> int:
        return MOST_UPLOAD_BYTES + 1


@pytest.mark.parametrize(
    ("data", "filename", "words"),
    [
        (b"x", "mine.rar", r"a file must end in .zip; got 'mine.rar'"),
        (b"", "mine.zip", "from 1 byte to 200 MB; 'mine.zip' has 0 bytes"),
        (Long(), "mine.zip", "'mine.zip' has 200000001 bytes"),
    ],
)
def test_a_bad_upload_is_refused(data: bytes, filename: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        store_upload(data, filename)


def test_an_upload_that_cannot_be_kept_is_told(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file where a folder should be")
    with pytest.raises(ValueError, match=r"the file is not kept: .*uploads.* cannot be written"):
        store_upload(b"x", "mine.zip")


def test_a_file_that_went_away_after_it_was_listed_is_left_out(write: Write, tmp_path: Path) -> None:
    path = write(tmp_path / "mine", pictures(2))
    listing = list_files(path)
    with reader(listing) as read:
        assert read("001.png") == pictures(2)["001.png"]
        with pytest.raises(ValueError, match=r"No such file|no item named"):
            read("gone.png")
