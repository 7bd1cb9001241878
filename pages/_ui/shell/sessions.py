"""Browser sessions of a server that a class shares (OTVIZ_SHARED=1): a cookie tells them apart, and outlives a reload.

Without OTVIZ_SHARED there are none: everything belongs to everybody who reaches the server.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import streamlit as st
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from otviz.core.owners import EVERYBODY, Owner, Quota, shared
from pages._ui.shell import leases

if TYPE_CHECKING:
    from otviz.runs.session_runs import SessionRuns

COOKIE = "otviz-session"
DAYS = 180  # a cookie lasts a term
_VALID = re.compile(r"[\w-]{32}")
_WITHOUT = "otviz.session"  # session key: the secret of a browser that keeps no cookies, until its tab is reloaded


def owner() -> Owner:
    """The owner of what this browser session makes."""
    if not shared():
        return EVERYBODY
    kept = secret_in(st.context.cookies)
    return Owner(kept or st.session_state.setdefault(_WITHOUT, _secret()))


def registry() -> SessionRuns:
    """The runs of the server, as far as this session may see and steer them."""
    from otviz.runs.session_runs import SessionRuns  # imports torch

    return SessionRuns(leases.registry(), owner(), Quota.chosen())


def keep(store: Callable[..., str], data: bytes, filename: str, **options: Any) -> str:
    """Store an uploaded file of this session, and return its name. Raises ValueError as `store`, or if there is no room.

    Args:
        store: `store_upload` of points or of images.
        data: content of the file.
        filename: the user's name for it.
        options: of `store`.
    """
    check_room(len(data))
    return store(data, filename, owner=owner(), **options)


def check_room(more: int = 0) -> None:
    """Raise ValueError if this session has used up its quota of the disk, or would with so many bytes more."""
    Quota.chosen().admit_bytes(owner(), more)


def secret_in(cookies: Mapping[str, str]) -> str:
    """The secret of the browser that sent these cookies, or empty."""
    found = cookies.get(COOKIE, "")
    return found if shared() and _VALID.fullmatch(found) else ""


def middleware() -> list[Middleware]:
    """What gives every browser of a shared server its cookie."""
    return [Middleware(_GiveCookie)]


class _GiveCookie:
    """Sets the cookie when a page is loaded: before its scripts connect, and never twice at once."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not shared():
            return await self._app(scope, receive, send)
        asked = HTTPConnection(scope)
        if "text/html" not in asked.headers.get("accept", "") or secret_in(asked.cookies):
            return await self._app(scope, receive, send)
        secure = "https" in (asked.url.scheme, asked.headers.get("x-forwarded-proto"))

        async def with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                text = f"{COOKIE}={_secret()}; Max-Age={DAYS * 86400}; Path=/; HttpOnly; SameSite=Lax"
                MutableHeaders(scope=message).append("set-cookie", text + ("; Secure" if secure else ""))
            await send(message)

        await self._app(scope, receive, with_cookie)


def _secret() -> str:
    return secrets.token_urlsafe(24)  # 32 characters
