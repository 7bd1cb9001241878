"""What is packed comes back, whatever its length."""

import numpy as np
import pytest

from otviz.transport.packing import pack, unpack


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
