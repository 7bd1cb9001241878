"""Channels: who answers at an address, what a question may be, and what pages answer there."""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from starlette.applications import Starlette

from otviz.clouds.problem import Problem, clouds
from otviz.clouds.solve import coarse
from otviz.core.container import unpack
from otviz.data.distributions.gaussian import Gaussian
from otviz.data.distributions.ring import Ring
from otviz.methods import named
from otviz.player import wire
from otviz.runs.config import RunConfig
from otviz.runs.registry import Registry
from otviz.runs.run import Run
from pages._ui.player import live_view
from pages._ui.shell import channel
from pages._ui.transport.board_state import BoardState
from tests.waiting import PATIENCE


@pytest.fixture
def opened() -> Iterator[channel.Channel]:
    made = channel.Channel()
    yield made
    made.close()


def post(
    token: str, body: bytes = b"", method: str = "POST", parts: Iterator[dict[str, Any]] | None = None
) -> tuple[int, bytes]:
    """What the server answers at a channel's address, to a body or to what comes in parts."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return next(parts or iter(()), {"type": "http.request", "body": body, "more_body": False})

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": method, "path": f"/channel/{token}", "raw_path": b"", "query_string": b"",
        "headers": [], "root_path": "", "scheme": "http", "server": ("localhost", 80),
    }  # fmt: skip
    with ThreadPoolExecutor(1) as pool:  # this thread may have a loop already: that of a browser of other tests
        pool.submit(asyncio.run, Starlette(routes=channel.routes())(scope, receive, send)).result()
    return sent[0]["status"], b"".join(part.get("body", b"") for part in sent[1:])


def test_the_newest_answer_is_given_until_the_channel_is_closed(opened: channel.Channel) -> None:
    status, body = post(opened.token, b"?")
    assert (status, body) == (200, b"\2\0\0\0{}")
    opened.answer = lambda question: channel.Reply(question[::-1], {"again": 1.5})
    status, body = post(opened.token, b"abc")
    (length,) = struct.unpack_from("<I", body)
    assert json.loads(body[4 : 4 + length]) == {"again": 1.5}
    assert body[4 + length :] == b"cba"
    opened.close()
    status, body = post(opened.token)
    assert (status, body) == (410, b"This page is no longer open; load it again.")


def test_addresses_cannot_be_guessed_and_only_take_questions(opened: channel.Channel) -> None:
    other = channel.Channel()
    assert other.token != opened.token
    assert len(opened.token) >= 32
    other.close()
    assert post("nonsense")[0] == 410
    assert post(opened.token, method="GET")[0] == 405


def test_what_is_no_question_is_told(opened: channel.Channel) -> None:
    status, body = post(opened.token, b"x" * (channel.MOST + 1))
    assert status == 413
    assert b"may have 100000 bytes" in body

    endless = iter([{"type": "http.request", "body": b"x" * 60_000, "more_body": True}] * 10)
    assert post(opened.token, parts=endless)[0] == 413
    assert len(list(endless)) == 8, "no more is read than shows that it is too long"
    begun = {"type": "http.request", "body": b"half", "more_body": True}
    assert post(opened.token, parts=iter([begun, {"type": "http.disconnect"}]))[0] == 400

    def refuse(question: bytes) -> channel.Reply:
        raise ValueError(f"{question!r} is no question")

    opened.answer = refuse
    assert post(opened.token, b"x") == (400, b"b'x' is no question")


@pytest.mark.parametrize(
    "question", [b"", b"null", b"[]", b"{", b'{"a": 3}', b'{"a": ["t", "x"]}', b'{"a": ["t", 1e999]}', b"[" * 50_000]
)
def test_a_player_s_question_is_checked(registry: Registry, question: bytes) -> None:
    watch = live_view.Watch((), (), (), {}, registry)
    with pytest.raises(ValueError, match="a player says which snapshots it has"):
        watch.answer(question)


def test_a_player_gets_what_it_lacks_and_the_page_hears_of_changes(registry: Registry) -> None:
    config = RunConfig(named("uotm")(), Ring(), Gaussian(), steps=60, seed=0)
    run = registry.submit(config)
    queued = live_view.Watch((run,), (("never", False, False, False),), (), {}, registry)
    assert queued.answer(b"{}").options["changed"]
    assert run.wait(PATIENCE)
    watch = live_view.Watch((run,), live_view.state((run,)), (), {run.id: run.config.method}, registry)
    reply = watch.answer(b"{}")
    assert reply.options == {"again": None, "changed": False}
    (whole,) = wire.decode(reply.body)
    assert whole.scene is not None
    assert [look.sequence for look in whole.snapshots] == [look.sequence for look in run.snapshots]
    name, title, last = whole.run, whole.scene.title, whole.snapshots[-1].sequence
    (news,) = wire.decode(watch.answer(json.dumps({name: [title, last - 1]}).encode()).body)
    assert news.scene is None
    assert [look.sequence for look in news.snapshots] == [last]
    (renamed,) = wire.decode(watch.answer(json.dumps({name: ["another title", last]}).encode()).body)
    assert renamed.scene is not None
    assert len(renamed.snapshots) == len(run.snapshots)
    early = live_view.Watch((run,), ((run.status, run.frozen, False),), (), {}, registry)
    assert early.answer(b"{}").options["changed"], "there was nothing to show yet when the page was drawn"
    elsewhere = live_view.Watch((run,), live_view.state((run,)), (), {run.id: named("otm")()}, registry)
    assert elsewhere.answer(b"{}").options["changed"], "a knob was moved in another browser"


def test_the_page_of_a_failed_run_hears_that_it_goes_on(
    registry: Registry, run_whose_process_dies: Callable[[RunConfig], Run]
) -> None:
    run = run_whose_process_dies(RunConfig(named("uotm")(), Ring(), Gaussian(), steps=1_000_000))
    watch = live_view.Watch((run,), live_view.state((run,)), (), {}, registry)
    assert watch.answer(b"{}").options == {"again": live_view.POLL_MOST, "changed": False}
    registry.resume(run.id)
    assert watch.answer(b"{}").options["changed"]


def desk(n: int = 60) -> BoardState:
    problem = Problem(n=n)
    x, y = clouds(problem, Gaussian(), Ring())
    return BoardState("posed", x, y, problem, coarse(problem, x.points, y.points))


def question(stage: str, serial: int = 0, blur: float = 0.05, reach: float | None = None) -> bytes:
    return json.dumps({"stage": stage, "serial": serial, "blur": blur, "reach": reach}).encode()


def test_a_desk_answers_its_board() -> None:
    at = desk()
    header, arrays = unpack(at.answer(question("shown")).body)
    assert (header["serial"], header["sent"], header["problem"]) == (0, 1, at.name)
    np.testing.assert_allclose(arrays["x"] + np.array(header["offset"]), at.source.points, atol=1e-6)
    header, _ = unpack(at.answer(question("first", 1, 0.5, 2.0)).body)
    assert (header["serial"], header["sent"], header["blur"], header["reach"]) == (1, 2, 0.5, 2.0)
    assert (at.problem.blur, at.problem.reach) == (0.5, 2.0)
    reply = channel.Reply(options={"under_way": True})
    while reply.options.get("under_way"):
        reply = at.answer(question("refine", 1, 0.5, 2.0))
    header, _ = unpack(reply.body)
    assert (header["serial"], header["sent"], header["complete"]) == (1, 3, True)
    assert at.refinement is None


def test_overtaken_questions_get_nothing() -> None:
    at = desk()
    at.answer(question("first", 5, 0.5))
    assert at.answer(question("first", 4, 0.1)).body == b""
    assert at.answer(question("refine", 4, 0.1)).body == b""
    assert at.problem.blur == 0.5


def test_a_refinement_ends_when_its_slider_moves_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pages._ui.transport.board_state.MOMENT", 0.0)
    at = desk(3000)
    at.answer(question("first", 1, 0.02))
    assert at.answer(question("refine", 1, 0.02)).options["under_way"]
    refinement = at.refinement
    assert refinement is not None
    at.answer(question("first", 2, 1.0))
    assert at.refinement is None
    assert refinement.wait(PATIENCE)


def test_a_refinement_says_how_far_it_is_and_can_be_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pages._ui.transport.board_state.MOMENT", 0.0)
    monkeypatch.setattr("otviz.clouds.large.LARGE", 1000)
    at = desk(3000)
    at.answer(question("first", 1, 0.02))
    reply = at.answer(question("refine", 1, 0.02))
    refinement = at.refinement
    assert reply.options["under_way"]
    assert reply.options["progress"] == "" or "%" in reply.options["progress"]
    assert refinement is not None
    before = at.picture
    header, _ = unpack(at.answer(question("stop", 1, 0.02)).body)
    assert (header["complete"], header["finished"], header["sent"]) == (True, False, 3)
    assert at.picture is before
    assert refinement.wait(PATIENCE)
    assert at.answer(question("stop", 1, 0.02)).body == b""  # nothing is left to stop
    header, _ = unpack(at.answer(question("first", 2, 1.0)).body)
    assert not header["complete"]  # another question is refined again


def test_what_cannot_be_solved_is_kept_for_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    at = desk()

    def refuse(*_: Any) -> None:
        raise ValueError("too much memory is needed")

    monkeypatch.setattr("otviz.clouds.solve.coarse", refuse)
    assert at.answer(question("first", 1, 0.5)).options == {"trouble": True}
    assert at.error == "too much memory is needed"
    assert at.problem.blur == 0.05


@pytest.mark.parametrize(
    "asked",
    [
        b"", b"7", b"{}", question("third"), question("first", blur=float("nan")), b"[" * 50_000,
        b'{"stage": [], "serial": 1, "blur": 1, "reach": null}',
    ],
)  # fmt: skip
def test_a_board_s_question_is_checked(asked: bytes) -> None:
    with pytest.raises(ValueError, match=r"a board asks for|stage must be one of"):
        desk().answer(asked)
