"""Leases: a browser session leases the runs that it shows; runs without a lease are paused and, after a while, stopped.

A reload or a second tab is another session, with its own lease on the run in the link.
"""

from __future__ import annotations

import functools
import os
import secrets
import weakref
from typing import TYPE_CHECKING, Protocol

import streamlit as st

from otviz.core.files import clear_folders, home
from otviz.core.workers.processes import prepare
from otviz.runs.hosts import MODULE, fitting

if TYPE_CHECKING:
    from otviz.runs.hosts.host_pool import HostPool
    from otviz.runs.registry import Registry

GRACE = 90.0  # seconds

_MADE: weakref.WeakSet[Registry] = weakref.WeakSet()


class LeaseTable(Protocol):
    """The interface of the registry of runs for leases."""

    def acquire(self, run_id: str, token: str) -> None:
        """Lease a run to a token."""

    def release(self, token: str) -> None:
        """Release all leases of the token."""


class Lease:
    """The lease of a browser session on a run."""

    def __init__(self, claims: LeaseTable, run_id: str) -> None:
        self._claims = claims
        self._token = secrets.token_hex(16)
        claims.acquire(run_id, self._token)

    def end(self) -> None:
        """Release the run. Streamlit calls this when the tab is closed or reloaded."""
        self._claims.release(self._token)


@st.cache_resource(scope="session", on_release=Lease.end, show_spinner=False)
def hold(_claims: LeaseTable, run_id: str) -> Lease:
    """Lease a run to this browser session; repeated calls return the same lease.

    Args:
        _claims: the registry of this process (the underscore keeps Streamlit from hashing it).
        run_id: the run's id, as in the link.
    """
    return Lease(_claims, run_id)


@functools.cache
def hosts() -> HostPool | None:
    """The processes that train the runs of this server.

    None where there is no memory for one, or OTVIZ_HOSTS is 0: runs then train in threads of this process, which is slower.
    """
    from otviz.runs.hosts.host_pool import HostPool  # imports torch

    return HostPool(count) if (count := host_count()) else None


def host_count() -> int:
    """The number of training processes: OTVIZ_HOSTS, or as many as there are cores and memory for."""
    asked = os.environ.get("OTVIZ_HOSTS", "")
    return int(asked) if asked.isdigit() else fitting()


def prepare_hosts() -> None:
    """Let the processes that will train import what they need, in the background and without torch in this process."""
    if host_count():
        prepare(MODULE)


@st.cache_resource(show_spinner="Loading torch …")
def registry() -> Registry:
    """The runs of this server, also stored on disk.

    OTVIZ_GRACE is the time in seconds after which a run without a tab is stopped.
    """
    from otviz.runs.registry import Registry  # imports torch
    from otviz.runs.saved.run_store import Store

    clear_folders(home())  # including uploads
    made = Registry(Store(), grace=float(os.environ.get("OTVIZ_GRACE", GRACE)), hosts=hosts())
    _MADE.add(made)
    return made


def end() -> None:
    """Save all runs, then stop the training processes. Concurrent calls wait for the same shutdown."""
    for made in list(_MADE):
        made.close()
    if hosts.cache_info().currsize and (processes := hosts()) is not None:
        processes.close()
