"""On a server that a class shares, a browser session sees and steers its own runs, and others' only by their links."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from asking import words
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route
from streamlit.testing.v1 import AppTest

from otviz.core.owners import EVERYBODY, Owner, Quota, stored_bytes, uploads_of
from otviz.data.distributions import find_upload, store_upload
from otviz.data.distributions.gaussian import Gaussian
from otviz.data.distributions.ring import Ring
from otviz.experiments.sweeps import Sweep
from otviz.experiments.sweeps.sweep import run_id
from otviz.experiments.sweeps.sweep_job import SweepJournal
from otviz.methods import named
from otviz.runs.config import RunConfig
from otviz.runs.registry import Registry
from otviz.runs.session_runs import SessionRuns
from pages._ui.experiments.job_stage import JobStage
from pages._ui.shell import channel, sessions
from tests.waiting import PATIENCE

ADA, BEN = Owner("a" * 32), Owner("b" * 32)
CSV = b"1,2\n3,4\n5,7\n"


@pytest.fixture(autouse=True)
def _shared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTVIZ_SHARED", "1")


def config(steps: int = 5, seed: int = 0) -> RunConfig:
    return RunConfig(named("uotm")(batch_size=8, hidden=8, layers=2), Ring(), Gaussian(), steps=steps, seed=seed)


def runs_of(registry: Registry, owner: Owner, quota: Quota | None = None) -> SessionRuns:
    return SessionRuns(registry, owner, quota or Quota())


def send_cookies(monkeypatch: pytest.MonkeyPatch, owner: Owner = EVERYBODY) -> None:
    """What the browser sends; the test harness of Streamlit has no cookies."""
    cookies = {sessions.COOKIE: owner.secret} if owner.secret else {}
    monkeypatch.setattr(type(st.context), "cookies", property(lambda _: cookies))


def page(path: str, owner: Owner, monkeypatch: pytest.MonkeyPatch, **query: str) -> AppTest:
    """A page in the browser of an owner."""
    send_cookies(monkeypatch, owner)
    monkeypatch.setattr("streamlit.page_link", lambda *_, **__: None)
    app = AppTest.from_file(str(Path(__file__).resolve().parents[2] / "pages" / path), default_timeout=PATIENCE)
    for key, text in query.items():
        app.query_params[key] = text
    app.run()
    assert not app.exception
    return app


def test_a_name_opens_for_its_owner_and_for_who_was_given_it() -> None:
    name = f"otm-ring-{ADA.fresh()}"
    assert ADA.owns(name)
    assert not BEN.owns(name)
    assert BEN.may_open(name)
    assert ADA.secret not in name + repr(ADA)
    assert len({ADA.fresh() for _ in range(100)}) == 100
    for guessable in ("otm-ring-1a2b3c4d", "sweep-otm-0123456789ab", "", f"x{ADA.key}"):
        assert not ADA.may_open(guessable)
        assert EVERYBODY.owns(guessable)
    assert re.fullmatch("[0-9a-f]{8}", EVERYBODY.fresh())


def test_runs_are_listed_by_their_session_and_opened_by_link(registry: Registry) -> None:
    ada, ben = runs_of(registry, ADA), runs_of(registry, BEN)
    mine, theirs = ada.submit(config()), ben.submit_together([config(), config(seed=1)])
    old = registry.submit(config())
    assert all(run.wait(PATIENCE) for run in (mine, old, *theirs))
    assert [run.id for run in ada.listed()] == [mine.id]
    assert {run.id for run in ben.listed([mine.id, old.id])} == {mine.id, *(run.id for run in theirs)}
    assert len(registry.listed()) == 4, "a server without OTVIZ_SHARED lists all"
    assert ben.find(mine.id) is mine
    assert ben.stored.read(mine.id).config == config()
    ben.tag(mine.id, ["seen"])
    assert ada.find(old.id) is None
    for refused in (
        lambda: ada.stored.read(old.id), lambda: ada.delete(old.id), lambda: ada.tag(old.id, ["x"]),
        lambda: ada.resume(old.id), lambda: ada.resume_together([mine.id, old.id]),
    ):  # fmt: skip
        with pytest.raises(ValueError, match="belongs to no browser session"):
            refused()
    ben.delete(mine.id)
    assert ada.listed() == []
    assert registry.find(old.id) is old


def test_a_session_has_a_quota_of_living_runs_and_bytes(registry: Registry) -> None:
    ada = runs_of(registry, ADA, Quota(runs=2))
    first = ada.submit(config(steps=1_000_000))
    with pytest.raises(ValueError, match=r"at most 2 runs .* yours has 1, and 2 more would be too many: stop"):
        ada.submit_together([config(), config()])
    second = ada.submit(config(steps=1_000_000))
    with pytest.raises(ValueError, match="yours has 2, and 1 more"):
        ada.submit(config())
    assert ada.resume(first.id) is first, "it lives already"
    third = runs_of(registry, BEN, Quota(runs=1)).submit(config())
    for run in (first, second, third):
        run.stop()
        assert run.wait(PATIENCE)
    used = stored_bytes(ADA)
    files = [path for run in (first, second) for path in registry.stored.path(run.id).iterdir()]
    assert used == sum(path.stat().st_size for path in files) > 10_000
    full = runs_of(registry, ADA, Quota(stored=0))
    for begin in (lambda: full.submit(config()), lambda: full.resume(first.id)):
        with pytest.raises(
            ValueError, match=rf"may keep 0 MB .* keeps {used / 1e6:.1f} MB: delete some on the page Runs"
        ):
            begin()


def test_one_person_has_no_quota(registry: Registry) -> None:
    alone = runs_of(registry, EVERYBODY, Quota(runs=0, stored=0))
    run = alone.submit(config())
    assert run.wait(PATIENCE)
    assert [each.id for each in alone.listed()] == [run.id]


def test_quotas_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTVIZ_SESSION_RUNS", "3")
    monkeypatch.setenv("OTVIZ_SESSION_MB", "much")
    assert Quota.chosen() == Quota(runs=3, stored=Quota().stored)


def test_an_upload_belongs_to_its_session(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    names = []
    for owner in (ADA, BEN):
        send_cookies(monkeypatch, owner)
        names.append(sessions.keep(store_upload, CSV, f"{owner.key}.csv"))
    assert names[0] != names[1], "the hash of a known content does not tell the name"
    assert find_upload(names[0]).read_bytes() == CSV
    assert {path.name.partition(".")[0] for path in uploads_of(ADA)} == {names[0].removeprefix("upload:")}
    monkeypatch.setenv("OTVIZ_SESSION_MB", "0")
    with pytest.raises(ValueError, match=r"may keep 0 MB .* and this file has 0\.0 MB"):
        sessions.keep(store_upload, CSV, "again.csv")


def test_the_runs_of_a_sweep_belong_to_who_swept(registry: Registry) -> None:
    sweep = Sweep("tau", (0.1,), (named("uotm")(),), Ring(), Gaussian(), (0,), 30)
    (cell,) = sweep.cells()
    ids = {run_id(sweep.config(cell), owner) for owner in (ADA, BEN, EVERYBODY)}
    assert len(ids) == 3
    assert ADA.owns(run_id(sweep.config(cell), ADA))
    assert len({SweepJournal(sweep, owner).path for owner in (ADA, BEN, EVERYBODY)}) == 3


def test_one_job_at_a_time_takes_all_cores(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    class Busy:
        over, error = False, ""

        def stop(self) -> None:
            self.over = True

    said: list[str] = []
    monkeypatch.setattr("streamlit.error", said.append)
    monkeypatch.setattr("streamlit.rerun", lambda: None)
    first, second = JobStage(), JobStage()
    first.begin(Busy, "It could not begin")
    first.begin(Busy, "It could not begin")
    second.begin(Busy, "It could not begin")
    assert second.job is None
    assert "another browser takes all cores" in "".join(said)
    first.end()
    second.begin(Busy, "It could not begin")
    assert second.working


@pytest.mark.usefixtures("alone")
def test_pages_of_two_browsers(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    run = runs_of(registry, ADA).submit(config(steps=1_000_000))
    ada, ben = (page("8_runs.py", owner, monkeypatch) for owner in (ADA, BEN))
    assert "these are the runs that this browser began" in words(ada)
    assert "1 run." in words(ada)
    assert "There are no runs yet" in words(ben)
    linked = page("8_runs.py", BEN, monkeypatch, runs=run.id)
    assert "1 run." in words(linked)
    shown = page("2_train.py", BEN, monkeypatch, run=run.id, method="uotm")
    next(button for button in shown.button if button.label == "Stop").click().run()
    assert run.wait(PATIENCE)
    old = registry.submit(config())
    assert old.wait(PATIENCE)
    assert "belongs to no browser session" in words(page("2_train.py", BEN, monkeypatch, run=old.id)).replace("\\", "")


@pytest.mark.usefixtures("alone")
def test_what_a_browser_uploaded_can_be_deleted(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    for owner in (ADA, BEN):
        store_upload(CSV, "mine.csv", owner=owner)
    ada = page("8_runs.py", ADA, monkeypatch)
    next(button for button in ada.button if button.label.startswith("Delete all files")).click().run()
    assert not ada.exception
    assert uploads_of(ADA) == []
    assert len(uploads_of(BEN)) == 2


def test_without_cookies_a_tab_is_a_session(monkeypatch: pytest.MonkeyPatch) -> None:
    send_cookies(monkeypatch)

    def script() -> None:
        import streamlit as st

        from pages._ui.shell import sessions

        st.text(sessions.owner().key)

    first, second = AppTest.from_function(script).run(), AppTest.from_function(script).run()
    assert first.text[0].value == first.run().text[0].value != second.run().text[0].value


def asked(headers: dict[str, str], path: str = "/", method: str = "GET", scheme: str = "http") -> dict[str, Any]:
    """What a server with cookies and channels answers: its status, and the cookie that it sets, if any."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"{}", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    def shown(_request: Request) -> HTMLResponse:
        return HTMLResponse("page")

    app = Starlette(routes=[*channel.routes(), Route("/", shown)], middleware=sessions.middleware())
    scope = {
        "type": "http", "method": method, "path": path, "raw_path": b"", "query_string": b"", "root_path": "",
        "headers": [(name.encode(), text.encode()) for name, text in headers.items()], "scheme": scheme,
        "server": ("localhost", 80),
    }  # fmt: skip
    with ThreadPoolExecutor(1) as pool:  # this thread may have a loop already: that of a browser of other tests
        pool.submit(asyncio.run, app(scope, receive, send)).result()
    cookies = [text.decode() for name, text in sent[0]["headers"] if name == b"set-cookie"]
    return {"status": sent[0]["status"], "cookie": "".join(cookies)}


HTML = {"accept": "text/html,*/*"}


def test_a_browser_gets_one_cookie(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = asked(HTML)["cookie"], asked(HTML, scheme="https")["cookie"]
    secret = re.match(rf"{sessions.COOKIE}=([\w-]{{32}}); Max-Age=\d+; Path=/; HttpOnly; SameSite=Lax$", first)
    assert secret is not None
    assert second.endswith("; Secure")
    assert secret[1] not in second
    assert asked({"accept": "*/*"})["cookie"] == "", "scripts and pictures, which load at once"
    assert asked({**HTML, "cookie": f"a=b; {sessions.COOKIE}={secret[1]}"})["cookie"] == ""
    assert asked({**HTML, "cookie": f"{sessions.COOKIE}=short"})["cookie"]
    monkeypatch.setenv("OTVIZ_SHARED", "0")
    assert asked(HTML)["cookie"] == ""


@pytest.fixture
def opened() -> Iterator[channel.Channel]:
    made = channel.Channel(ADA.secret)
    yield made
    made.close()


def test_a_channel_answers_the_browser_that_opened_it(opened: channel.Channel) -> None:
    address = f"/channel/{opened.token}"
    cookie = {owner: {"cookie": f"{sessions.COOKIE}={owner.secret}"} for owner in (ADA, BEN)}
    assert asked(cookie[ADA], address, "POST")["status"] == 200
    assert asked(cookie[BEN], address, "POST")["status"] == 403
    assert asked({}, address, "POST")["status"] == 403


def test_pages_reach_runs_only_through_their_session() -> None:
    """What a page could do to the runs of others goes through `SessionRuns`, and uploads through `sessions.keep`."""
    folder = Path(__file__).resolve().parents[2] / "pages"
    allowed = {"sessions.py", "leases.py", "shutdown.py", "torch_warmup.py"}
    for path in folder.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        reached = re.findall(
            r"leases\.registry|import .*\bRegistry\b|\bStore\(|leases import registry|store_upload\(|keep_upload\((?!.*owner=owner)",
            text,
        )
        assert path.name in allowed or not reached, f"{path}: {reached}"
