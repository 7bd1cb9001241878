"""Two browsers on a server that a class shares: each has its own runs, also after a reload, and opens others' by their links."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pages._ui.shell.sessions import COOKIE
from tests.e2e.helpers import Shown

pytestmark = pytest.mark.browser
NONE_YET = "There are no runs yet"


def test_two_browsers_have_their_own_runs(
    own_server: Callable[..., Any], new_page: Callable[..., Any], tmp_path: Path
) -> None:
    url = own_server("app.py", {"OTVIZ_SHARED": "1", "OTVIZ_HOME": str(tmp_path), "OTVIZ_HOSTS": "0"}).start()
    first, second = new_page(locale="en-US"), new_page(locale="en-GB")  # options, and so contexts, of their own
    asked: list[str] = []
    first.on("request", lambda request: asked.append(request.url) if "/channel/" in request.url else None)
    ada = Shown(first, f"{url}/train?method=uotm&steps=60&batch_size=32")
    ada.press("Train")
    ada.is_now("done")
    (cookie,) = [each for each in first.context.cookies() if each["name"] == COOKIE]
    assert cookie["httpOnly"]

    ben = Shown(second, f"{url}/runs")
    second.get_by_text(NONE_YET).wait_for()
    listed = first.context.new_page()
    listed.goto(f"{url}/runs")
    listed.get_by_text("1 run.").wait_for()
    listed.reload()
    listed.get_by_text("1 run.").wait_for()

    stolen = "address => fetch(address, {method: 'POST', body: '{}'}).then((reply) => reply.status)"
    assert second.evaluate(stolen, asked[-1]) == 403, "what another browser was told is of no use"
    second.goto(first.url)
    ben.is_now("done")
    assert ben.steps == [60]
    second.goto(f"{url}/runs")
    second.get_by_text(NONE_YET).wait_for()
