"""Leases: a browser session holds the runs it shows; they end when the last session that looks is gone.

The registry keeps a set of tokens per owner, so that closing one of two tabs leaves the run alone.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any, Protocol

import streamlit as st


class Claims(Protocol):
    """What a lease needs of the registry of runs."""

    def claim(self, owner: str, token: str) -> Any:
        """Keep the runs of `owner` alive for the holder of `token`."""
        ...

    def release(self, token: str) -> Any:
        """Give up everything claimed with `token`."""
        ...


@dataclass(frozen=True)
class Held:
    """A lease of this browser session and the token it was claimed with."""

    owner: str
    token: str
    lease: Any
    claims: Claims


def hold(claims: Claims, owner: str) -> Held:
    """Claim the runs of `owner` for this browser session, until its tab is closed or reloaded.

    Asking again in the same session gives the same lease.

    Args:
        claims: the registry of this process.
        owner: whose runs; it stands in the link, so that a reload or a second tab holds the same ones.
    """
    return _hold(claims, owner)


def _release(held: Held) -> None:
    held.claims.release(held.token)


@st.cache_resource(scope="session", on_release=_release, show_spinner=False)
def _hold(_claims: Claims, owner: str) -> Held:
    token = uuid.uuid4().hex
    return Held(owner, token, _claims.claim(owner, token), _claims)
