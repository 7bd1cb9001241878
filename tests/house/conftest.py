"""House rules look at the same modules, which are not kept for other tests."""

from collections.abc import Iterator

import pytest

from tests.house.modules import forget


@pytest.fixture(autouse=True, scope="package")
def _forgets_modules() -> Iterator[None]:
    yield
    forget()
