"""A sheet shows each image where it belongs; its PNG has the same pixels, enlarged."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from otviz.data.datasets import to_rows
from otviz.data.datasets.sheets import png, sheet


@pytest.mark.parametrize("channels", [1, 3])
def test_images_lie_row_by_row_with_white_between(channels: int) -> None:
    pixels = np.random.default_rng(0).integers(255, size=(5, channels, 4, 6), dtype=np.uint8)  # none is white
    grid = sheet(to_rows(pixels), (channels, 4, 6), columns=3)
    assert grid.shape == (2 * 4 + 1, 3 * 6 + 2, 3)
    assert grid.dtype == np.uint8
    for number in range(5):
        top, left = number // 3 * 5, number % 3 * 7
        shown = grid[top : top + 4, left : left + 6].transpose(2, 0, 1)
        np.testing.assert_array_equal(shown, np.broadcast_to(pixels[number], (3, 4, 6)))
    assert (grid[4] == 255).all()
    assert (grid[:, [6, 13]] == 255).all()
    assert (grid[5:, 14:] == 255).all()  # there is no sixth image


def test_fewer_images_than_columns_leave_white() -> None:
    grid = sheet(-np.ones((1, 4), np.float32), (1, 2, 2), columns=2)
    assert grid.shape == (2, 5, 3)
    assert (grid[:, :2] == 0).all()
    assert (grid[:, 2:] == 255).all()


def test_a_png_enlarges_without_blur() -> None:
    array = np.random.default_rng(1).integers(256, size=(3, 5, 3), dtype=np.uint8)
    with Image.open(io.BytesIO(png(array, scale=4))) as image:
        shown = np.asarray(image)
    np.testing.assert_array_equal(shown, np.kron(array, np.ones((4, 4, 1), np.uint8)))
    assert png(array, 4) == png(array.copy(), 4)


@pytest.mark.parametrize(
    ("rows", "shape", "columns", "words"),
    [
        (np.zeros((0, 4)), (1, 2, 2), 1, "at least 1 image"),
        (np.zeros((2, 4)), (1, 2, 2), 0, "1 column"),
        (np.zeros((2, 8)), (2, 2, 2), 1, "1 channel"),
        (np.zeros((2, 5)), (1, 2, 2), 1, "shape"),
    ],
)
def test_what_makes_no_sheet_is_refused(
    rows: np.ndarray, shape: tuple[int, int, int], columns: int, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        sheet(rows, shape, columns)


def test_what_makes_no_png_is_refused() -> None:
    with pytest.raises(ValueError, match="scale of at least 1"):
        png(np.zeros((2, 2, 3), np.uint8), 0)
    with pytest.raises(ValueError, match="bytes"):
        png(np.zeros((2, 2, 3)), 1)
