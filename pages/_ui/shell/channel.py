"""Channels: requests from a component in the browser to its page, without a rerun of the page.

A component sends questions to the address of its channel, and the code that opened the channel answers. If the rest of the
page is out of date, the answer says so, and the component triggers a rerun.
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
from pages._ui.shell import sessions

MOST = 100_000  # largest size of a question in bytes
# Snapshots hardly compress, and compression would take longer than computing the answer.
_HEADERS = {"Cache-Control": "no-store", "Content-Encoding": "identity"}

Answer = Callable[[bytes], "Reply"]


@dataclass(frozen=True)
class Reply:
    """An answer: JSON-compatible options, and bytes."""

    body: bytes = b""
    options: dict[str, Any] = field(default_factory=dict)


class Channel:
    """An address that only its browser session knows, and the current function that answers.

    Args:
        secret: of the browser that may ask, on a shared server; empty for all.
    """

    def __init__(self, secret: str = "") -> None:
        self.secret = secret
        self.token = secrets.token_urlsafe(24)
        self.answer: Answer = _nothing
        self.opened = 0
        _CHANNELS[self.token] = self

    def close(self) -> None:
        """Stop answering. Streamlit calls this when the tab is closed or reloaded."""
        _CHANNELS.pop(self.token, None)


_CHANNELS: dict[str, Channel] = {}


def opened(key: str, answer: Answer) -> str:
    """Open this session's channel of that name, and return its address.

    It is relative to the page's address, whose path only the browser knows, since a proxy may strip part of it. It changes at
    every call, so that the component notices and asks again, also if it was told before that a run is over.

    Args:
        key: key of the component.
        answer: maps the bytes of a question to a reply; called in other threads, without a session. It raises ValueError for
            an invalid question.
    """
    channel = _channel(key)
    channel.answer, channel.opened = answer, channel.opened + 1
    return f"channel/{channel.token}?{channel.opened}"


def routes() -> list[Route]:
    """The routes of the server beside the pages."""
    base = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return [Route(f"/{base}/channel/{{token}}" if base else "/channel/{token}", _serve, methods=["POST"])]


@st.cache_resource(scope="session", on_release=Channel.close, show_spinner=False)
def _channel(key: str) -> Channel:  # cached per key
    return Channel(sessions.secret_in(st.context.cookies))


async def _serve(request: Request) -> Response:
    channel = _CHANNELS.get(request.path_params["token"])
    if channel is None:
        return Response("This page is no longer open; load it again.", 410)
    if channel.secret and channel.secret != sessions.secret_in(request.cookies):
        return Response("This address belongs to another browser; open the link of the run instead.", 403)
    question = bytearray()
    try:
        async for part in request.stream():  # stop reading when it is too long
            question += part
            if len(question) > MOST:
                words = f"A question may have {MOST} bytes; this one has more."
                return Response(words, 413, {"Connection": "close"})
    except ClientDisconnect:
        return Response(status_code=400)  # the client is gone
    try:
        reply = await run_in_threadpool(channel.answer, bytes(question))
    except ValueError as error:
        return Response(str(error), 400)
    return Response(browser.message(reply.options, reply.body), 200, _HEADERS, "application/octet-stream")


def _nothing(_question: bytes) -> Reply:
    return Reply()
