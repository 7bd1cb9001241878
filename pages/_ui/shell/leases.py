"""Leases: a browser session holds the runs it shows; a run that no session holds is paused and, after a while, stopped.

A reload or a second tab is another session: it takes its own lease with the run's id from the address.
"""

from __future__ import annotations

import functools
import os
import secrets
import weakref
from typing import TYPE_CHECKING, Protocol

import streamlit as st

from otviz.core.files import clear_folders, home

if TYPE_CHECKING:
    from otviz.runs.host_pool import HostPool
    from otviz.runs.registry import Registry

GRACE = 90.0  # seconds

_MADE: weakref.WeakSet[Registry] = weakref.WeakSet()


class LeaseTable(Protocol):
    """What a lease needs of the registry of runs."""

    def acquire(self, run_id: str, token: str) -> None:
        """Hold a run with a token."""

    def release(self, token: str) -> None:
        """Let go of what the token holds."""


class Lease:
    """One run held by one browser session."""

    def __init__(self, claims: LeaseTable, run_id: str) -> None:
        self._claims = claims
        self._token = secrets.token_hex(16)
        claims.acquire(run_id, self._token)

    def end(self) -> None:
        """Let the run go. Streamlit calls this when the tab is closed or reloaded."""
        self._claims.release(self._token)


@st.cache_resource(scope="session", on_release=Lease.end, show_spinner=False)
def hold(_claims: LeaseTable, run_id: str) -> Lease:
    """Hold a run for this browser session; asking again gives the same lease.

    Args:
        _claims: the registry of this process (the underscore keeps Streamlit from hashing it).
        run_id: the run's id, as it stands in the address.
    """
    return Lease(_claims, run_id)


@functools.cache
def hosts() -> HostPool | None:
    """The processes that train the runs of this one.

    OTVIZ_HOSTS sets how many; 0 trains in threads of this process, slower but in some 300 MB less for each.
    """
    from otviz.runs.host_pool import HostPool  # imports torch

    count = os.environ.get("OTVIZ_HOSTS", "")
    return None if count == "0" else HostPool(int(count) if count.isdigit() else None)


@st.cache_resource(show_spinner="Loading torch …")
def registry() -> Registry:
    """The runs of this process, kept on disk as well.

    OTVIZ_GRACE sets the seconds after which a run whose last tab was closed is stopped.
    """
    from otviz.runs.registry import Registry  # imports torch
    from otviz.runs.run_store import Store

    clear_folders(home())  # uploads among them
    made = Registry(Store(), grace=float(os.environ.get("OTVIZ_GRACE", GRACE)), hosts=hosts())
    _MADE.add(made)
    return made


def end() -> None:
    """Save every run, then end the processes that train. Asked twice, both wait for the same."""
    for made in list(_MADE):
        made.close()
    if hosts.cache_info().currsize and (processes := hosts()) is not None:
        processes.close()
