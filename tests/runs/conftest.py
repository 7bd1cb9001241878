"""Runs of tests are small: one thread, and few points in the exact transport that each run solves at its start."""

from collections.abc import Iterator

import pytest
import torch

from otviz.runs import probe


@pytest.fixture(autouse=True, scope="module")
def _small() -> Iterator[None]:
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(probe, "W2_POINTS", 60)
        yield
