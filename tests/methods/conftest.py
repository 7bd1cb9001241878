"""One thread: small networks gain nothing from more, and contend for cores when tests run side by side."""

import pytest
import torch


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    torch.set_num_threads(1)
