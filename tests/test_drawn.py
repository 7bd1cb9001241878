"""Clouds that people make: drawings, pictures, and points with weights."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from otviz.data.distributions import parse_distribution, store_upload
from otviz.data.distributions.drawing import Drawing, read_strokes
from otviz.data.distributions.picture import Picture
from otviz.data.distributions.points import PointsFile
from tests.drawn_strokes import write_strokes


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def place(x: float, y: float) -> list[int]:
    return [round((x + 4) / 8 * 255), round((y + 4) / 8 * 255)]


def text_of(*strokes: list[list[int]]) -> str:
    return write_strokes([np.array(stroke, np.uint8) for stroke in strokes])


def test_strokes_come_back_from_their_text() -> None:
    strokes = [np.array([[0, 255]], np.uint8), np.array([[1, 2], [3, 4], [200, 100]], np.uint8)]
    for old, new in zip(strokes, read_strokes(write_strokes(strokes)), strict=True):
        np.testing.assert_array_equal(old, new)


def test_a_line_is_filled_evenly() -> None:
    points = Drawing(text_of([place(-3, 1), place(-1, 1), place(3, 1)]), brush=0.02).sample(20_000, rng())
    shares = np.histogram(points[:, 0], bins=6, range=(-3, 3))[0] / len(points)
    assert np.abs(shares - 1 / 6).max() < 0.015
    assert np.abs(points[:, 1] - 1).max() < 0.02 + 8 / 255


def test_a_dot_is_the_disc_of_the_brush() -> None:
    points = Drawing(text_of([place(1, -2)]), brush=0.5).sample(20_000, rng())
    radii = np.linalg.norm(points - points.mean(axis=0), axis=1)
    assert radii.max() < 0.52
    assert abs((radii < 0.25).mean() - 0.25) < 0.02  # a quarter of the area


def test_ink_is_shared_by_area() -> None:
    """A dot and a line of length 2: pi b^2 against 4 b + pi b^2."""
    points = Drawing(text_of([place(-3, 0)], [place(1, 0), place(3, 0)]), brush=0.5).sample(40_000, rng())
    dot = np.pi * 0.25
    assert abs((points[:, 0] < -1).mean() - dot / (dot + 2 + dot)) < 0.01


@pytest.mark.parametrize("text", ["", "AAA", "////", "a b", "ö", "AQ"])
def test_what_is_no_drawing_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="strokes must"):
        Drawing(text)


def test_a_drawing_has_its_limit() -> None:
    with pytest.raises(ValueError, match="at most 1000 vertices; got 1001"):
        Drawing(text_of([[0, 0]] * 1001))


def save(folder: Path, pixels: list[list[int]], name: str = "some.png") -> str:
    Image.fromarray(np.array(pixels, np.uint8)).save(folder / name)
    return str(folder / name)


def test_points_fall_where_the_ink_is(tmp_path: Path) -> None:
    """Four pixels: dark, half, white, white. Rows count downwards, y upwards."""
    points = Picture(save(tmp_path, [[0, 127], [255, 255]]), size=2).sample(30_000, rng())
    left, right = points[:, 0] < 0, points[:, 0] > 0
    assert (points[:, 1] >= 0).all()
    assert abs(left.mean() - 2 / 3) < 0.01
    assert right.any()
    assert np.abs(points).max() <= 1


def test_light_ink_and_contrast(tmp_path: Path) -> None:
    file = save(tmp_path, [[255, 127], [0, 0]])
    assert abs((Picture(file, ink="light").sample(30_000, rng())[:, 0] < 0).mean() - 2 / 3) < 0.01
    squared = Picture(file, ink="light", contrast=2).sample(30_000, rng())
    assert abs((squared[:, 0] < 0).mean() - 0.8) < 0.01


def test_transparent_pixels_get_nothing(tmp_path: Path) -> None:
    pixels = np.zeros((2, 2, 4), np.uint8)
    pixels[0, 1, 3] = 255
    Image.fromarray(pixels).save(tmp_path / "clear.png")
    points = Picture(str(tmp_path / "clear.png")).sample(1000, rng())
    assert (points > 0).all()


DEPTH = np.zeros((30, 40), np.uint16)
DEPTH[:, 10:20], DEPTH[:, 20:] = 512, 1216


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("depth12bit.png", DEPTH),
        ("depth.tif", DEPTH),
        ("depth.tiff", DEPTH.astype(np.int32)),
        ("float.tif", DEPTH.astype(np.float32) / 7),
        ("bytes.tif", (DEPTH * (255 / 1216)).round().astype(np.uint8)),
        ("big.tif", DEPTH.repeat(30, 0).repeat(30, 1)),
    ],
)
def test_more_than_eight_bits_are_scaled_by_the_largest_value(tmp_path: Path, name: str, array: np.ndarray) -> None:
    Image.fromarray(array).save(tmp_path / name)
    one = Picture(str(tmp_path / name), ink="light", size=4)
    assert one.density.max() == pytest.approx(1, abs=1e-6)
    shares = one.density.sum(axis=0) / one.density.sum()
    width = one.density.shape[1]
    expected = DEPTH.sum(axis=0, dtype=float).reshape(4, 10).sum(axis=1) / DEPTH.sum()
    assert shares.reshape(4, width // 4).sum(axis=1) == pytest.approx(expected, abs=0.003)
    dark = Picture(str(tmp_path / name), ink="dark").density.mean()
    assert dark == pytest.approx(1 - DEPTH.mean() / 1216, abs=0.003)
    assert ("counts as white" in one.describe()) == (name != "bytes.tif")


def test_sixteen_bits_a_colour_are_scaled_too(tmp_path: Path) -> None:
    """A PNG written here, since Pillow writes none: 2 x 1 pixels of 12 bits in 16."""
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))  # noqa: E731
    header, line = struct.pack(">IIBBBBB", 2, 1, 16, 2, 0, 0, 0), b"\0" + struct.pack(">6H", 0, 0, 0, 4095, 4095, 4095)
    whole = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(line)) + chunk(b"IEND", b"")
    (tmp_path / "deep.png").write_bytes(b"\x89PNG\r\n\x1a\n" + whole)
    assert Picture(str(tmp_path / "deep.png"), ink="light").density.tolist() == [[0, pytest.approx(1)]]


def test_pixels_without_a_number_hold_no_ink(tmp_path: Path) -> None:
    values = np.full((4, 4), -3, np.float32)
    values[1:] = np.nan
    values[0, 2:] = 5
    Image.fromarray(values).save(tmp_path / "gaps.tif")
    assert Picture(str(tmp_path / "gaps.tif"), ink="dark").density.sum() == pytest.approx(2)
    assert Picture(str(tmp_path / "gaps.tif"), ink="light").density.sum() == pytest.approx(2)


def test_a_picture_is_named_as_it_was_handed_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTVIZ_HOME", str(tmp_path / "home"))
    kept = store_upload(Path(save(tmp_path, [[255, 255]])).read_bytes(), "White Sheet.png")
    with pytest.raises(ValueError, match=r"^White Sheet.png holds no dark pixel"):
        Picture(kept)
    assert Picture(kept, ink="light").describe().startswith("White Sheet.png: read at 2 x 1 pixels")


def test_a_picture_without_ink_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no dark pixel.*try ink light"):
        Picture(save(tmp_path, [[255, 255], [255, 255]]))


def test_a_picture_that_claims_too_much_is_refused(tmp_path: Path) -> None:
    Image.new("1", (10_000, 10_000)).save(tmp_path / "wide.png")
    with pytest.raises(ValueError, match="at most 50 megapixels; it has 10000 x 10000"):
        Picture(str(tmp_path / "wide.png"))


def test_what_is_no_picture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("hello")
    with pytest.raises(ValueError, match="cannot be read as an image"):
        Picture(str(tmp_path / "text.png"))
    whole = save(tmp_path, [[0] * 64] * 64)
    (tmp_path / "cut.png").write_bytes(Path(whole).read_bytes()[:60])
    with pytest.raises(ValueError, match="damaged"):
        Picture(str(tmp_path / "cut.png"))


def test_an_upload_is_read_by_its_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTVIZ_HOME", str(tmp_path / "home"))
    image = store_upload(Path(save(tmp_path, [[0, 255]])).read_bytes(), "Holiday.PNG")
    table = store_upload(b"1,2\n3,4\n5,7\n", "rows.csv")
    assert isinstance(parse_distribution(image, {}), Picture)
    assert isinstance(parse_distribution(table, {}), PointsFile)


def table(folder: Path, weights: list[object]) -> str:
    rows = "".join(f"{i},{i * i},{weight}\n" for i, weight in enumerate(weights))
    (folder / "table.csv").write_text("a,b,mass\n" + rows)
    return str(folder / "table.csv")


def test_weights_decide_how_often_a_point_is_drawn(tmp_path: Path) -> None:
    one = PointsFile(table(tmp_path, [1, 0, 3, 4]), weight="mass", centred=False, scaled=False)
    points = one.sample(40_000, rng())
    shares = [(points[:, 0] == i).mean() for i in range(4)]
    np.testing.assert_allclose(shares, [0.125, 0, 0.375, 0.5], atol=0.01)
    assert "weights mass added up to 8" in one.describe()


def test_the_weighted_mean_is_centred(tmp_path: Path) -> None:
    one = PointsFile(table(tmp_path, [1, 0, 3, 4]), weight="mass", scaled=False)
    np.testing.assert_allclose(one.sample(40_000, rng()).mean(axis=0), 0, atol=0.05)


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ([1, -1, 2], "row 3, column mass: weight must be >= 0; got -1"),
        ([1, "", 2], r"it has 2 \(rows without a number left out: row 3 \(mass empty\)\)"),
        ([0, 0, 0], "weight must be a column with a number > 0; 'mass' of table.csv holds only zeros"),
        (["inf", 1, 1], "row 2, column mass: 'inf' is not within"),
    ],
)
def test_bad_weights_are_refused(tmp_path: Path, weights: list[object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        PointsFile(table(tmp_path, weights), weight="mass")


def test_an_unknown_column_of_weights_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"weight must be a column of table\.csv.*'nothing'"):
        PointsFile(table(tmp_path, [1, 1, 1]), weight="nothing")
