"""Packing and unpacking is lossless for any length."""

import contextlib
import json
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otviz.core.container import KINDS, MAGIC, pack, unpack


@pytest.mark.parametrize("count", [0, 1, 3, 4, 5])
def test_arrays_and_header_come_back(count: int) -> None:
    arrays = {
        "bytes": np.arange(count, dtype=np.uint8),
        "points": np.full((count, 2), -1.5, np.float32),
        "partners": np.arange(count, dtype=np.int32),
    }
    header, found = unpack(pack({"serial": 7, "title": "ε"}, arrays))
    assert header == {"serial": 7, "title": "ε"}
    for name, values in arrays.items():
        np.testing.assert_array_equal(found[name], values)
        assert found[name].dtype == values.dtype


def test_other_types_are_refused() -> None:
    with pytest.raises(ValueError, match="float64"):
        pack({}, {"x": np.zeros(2)})


def test_a_header_without_a_number_is_refused() -> None:
    with pytest.raises(ValueError, match=r"nan|JSON"):
        pack({"loss": float("nan")}, {})


@pytest.mark.parametrize("kind", KINDS)
def test_every_type_comes_back_aligned_between_processes(kind: str) -> None:
    values = np.arange(6).astype(kind).reshape(2, 3).T
    _, found = unpack(pack({}, {"one": np.zeros(1, "f4"), "values": values, "none": np.empty(0, kind)}, browser=False))
    np.testing.assert_array_equal(found["values"], values)
    assert found["values"].dtype == found["none"].dtype == np.dtype(kind)
    assert found["values"].flags.aligned


@pytest.mark.parametrize(
    "entry",
    [
        {"at": 4, "shape": [4], "kind": "f4"}, {"at": -4, "shape": [1], "kind": "f4"}, {"at": 0, "shape": [-1], "kind": "f4"},
        {"at": 0, "shape": [2**70], "kind": "f4"}, {"at": 0, "shape": [1], "kind": "O8"}, {"at": 0, "shape": 3, "kind": "f4"},
        {"at": 0, "kind": "f4"}, [],
    ],
)  # fmt: skip
def test_an_array_that_lies_outside_is_refused(entry: Any) -> None:
    text = json.dumps({"arrays": {"x": entry}}).encode()
    with pytest.raises(ValueError):  # noqa: PT011  # NumPy says it in words of its own
        unpack(struct.pack("<4sHHI", MAGIC, 1, 0, len(text)) + text + bytes(16))


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_damaged_bytes_raise_value_error_and_nothing_else(data: st.DataObject) -> None:
    whole = bytearray(pack({"a": 1}, {"x": np.arange(3, dtype=np.int32)}))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    del whole[data.draw(st.integers(0, len(whole))) :]
    with contextlib.suppress(ValueError):
        unpack(bytes(whole))
