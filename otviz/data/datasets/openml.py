"""Data sets from openml.org, through scikit-learn's client, which checks OpenML's MD5."""

from __future__ import annotations

import contextlib
import socket
import tempfile
import warnings
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

PATIENCE = 30.0  # seconds without data before a connection is closed


def fetch(number: int, aside: Path) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Download a data set of images.

    Args:
        number: OpenML's number of the data set.
        aside: existing folder for the download, which is deleted afterwards.

    Returns:
        pixels (N, dim) and classes (N,), both uint8.

    Raises:
        OSError: no connection, or it was interrupted.
        ValueError: wrong checksum, or not a table of bytes.
    """
    from sklearn.datasets import fetch_openml

    try:
        with (
            _patience(PATIENCE),
            warnings.catch_warnings(action="ignore"),
            tempfile.TemporaryDirectory(dir=aside, prefix=".openml-") as folder,
        ):
            table, classes = fetch_openml(
                data_id=number, as_frame=False, return_X_y=True, data_home=folder, n_retries=1, delay=0.5
            )
    except (EOFError, HTTPException) as error:
        raise OSError(f"the connection was lost: {error}") from error
    return _bytes(table), _bytes(classes)


def _bytes(numbers: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Integers from 0 to 255, possibly as text, as uint8. Raises ValueError for other values."""
    values = numbers if numbers.dtype.kind in "iuf" else numbers.astype(np.float64)
    found = values.astype(np.uint8)
    if not np.array_equal(found, values):
        raise ValueError("OpenML sent numbers that are not bytes")
    return found


@contextlib.contextmanager
def _patience(seconds: float) -> Iterator[None]:
    """Set the default socket timeout: the client has none, and a stalled connection would block a run for ever."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
