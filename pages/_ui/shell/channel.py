"""A channel: the way from a picture in the browser to the data of its page that draws no page again.

A component that moves sends questions to the address of its channel, and whoever opened the channel answers them. What
the rest of the page shows may have changed meanwhile; the answer then says so, and the component asks for the page.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import streamlit as st
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from otviz.player import browser

MOST = 100_000  # bytes of a question
# The bytes of pictures hardly shrink, and Streamlit would spend longer on it than on finding the answer.
_HEADERS = {"Cache-Control": "no-store", "Content-Encoding": "identity"}

Answer = Callable[[bytes], "Reply"]


@dataclass(frozen=True)
class Reply:
    """What the browser is told: options that JSON can hold, and bytes."""

    body: bytes = b""
    options: dict[str, Any] = field(default_factory=dict)


class Channel:
    """One address, which only the browser session it was opened for knows, and who answers there now."""

    def __init__(self) -> None:
        self.token = secrets.token_urlsafe(24)
        self.answer: Answer = _nothing
        self.opened = 0
        _CHANNELS[self.token] = self

    def close(self) -> None:
        """Nobody answers any more. Streamlit calls this when the tab is closed or reloaded."""
        _CHANNELS.pop(self.token, None)


_CHANNELS: dict[str, Channel] = {}


def opened(key: str, answer: Answer) -> str:
    """The address of this session's channel of that name, where `answer` answers from now on.

    It is relative to that of the page, of which only the browser knows the path: a proxy may have stripped some of it. It is
    another one each time, so that the component hears of it: what it was told to be over may go on.

    Args:
        key: that of the component.
        answer: takes the bytes of a question; it is called in other threads, without a session. ValueError for a
            question that is none.
    """
    channel = _channel(key)
    channel.answer, channel.opened = answer, channel.opened + 1
    return f"channel/{channel.token}?{channel.opened}"


def routes() -> list[Route]:
    """What the server must serve beside the pages."""
    base = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return [Route(f"/{base}/channel/{{token}}" if base else "/channel/{token}", _serve, methods=["POST"])]


@st.cache_resource(scope="session", on_release=Channel.close, show_spinner=False)
def _channel(key: str) -> Channel:  # the cache keeps one for each key
    return Channel()


async def _serve(request: Request) -> Response:
    channel = _CHANNELS.get(request.path_params["token"])
    if channel is None:
        return Response("This page is no longer open; load it again.", 410)
    question = bytearray()
    try:
        async for part in request.stream():  # never all of it before it is known to be short
            question += part
            if len(question) > MOST:
                words = f"A question may have {MOST} bytes; this one has more."
                return Response(words, 413, {"Connection": "close"})
    except ClientDisconnect:
        return Response(status_code=400)  # to nobody
    try:
        reply = await run_in_threadpool(channel.answer, bytes(question))
    except ValueError as error:
        return Response(str(error), 400)
    return Response(browser.message(reply.options, reply.body), 200, _HEADERS, "application/octet-stream")


def _nothing(_question: bytes) -> Reply:
    return Reply()
