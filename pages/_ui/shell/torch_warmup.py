"""Imports torch, which takes seconds, in the background soon after the start of the server."""

from __future__ import annotations

import atexit
import importlib
import threading

import streamlit as st

from otviz.core.machine import cores
from otviz.core.workers.processes import import_what_is_needed_soon
from pages._ui.shell import leases

DELAY = 0.7  # seconds for a first page that is drawn at once, and quicker while nothing is imported


class Warmup:
    """Imports torch once, in a thread, and reports the device."""

    def __init__(self) -> None:
        self.device: str | None = None
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None

    def start(self) -> None:
        """Start after a short delay; later calls do nothing."""
        with self._lock:
            if self._timer is not None:
                return
            self._timer = threading.Timer(DELAY, self._load)
            self._timer.daemon = True
            self._timer.start()
        # An import that is interrupted by the end of the process can crash it.
        atexit.register(self._finish)

    def _load(self) -> None:
        torch = importlib.import_module("torch")
        if torch.cuda.is_available():
            self.device = "CUDA"
        elif torch.backends.mps.is_available():
            self.device = "MPS"
        else:
            self.device = "CPU"
        if (hosts := leases.hosts()) is not None:
            hosts.warm_up()
        else:  # trainings run in this process
            import_what_is_needed_soon()

    def _finish(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer.join()


@st.cache_resource(show_spinner=False)
def warmup() -> Warmup:
    """The warm-up of this process; it does not start by itself."""
    return Warmup()


def device() -> str | None:
    """The device of trainings: "CUDA", "MPS" or "CPU"; None until torch is loaded. Never blocks."""
    return warmup().device


def show_device() -> None:
    """Show the device; polls every second until torch is loaded."""
    found = device()
    if found is None:
        _wait_for_device()
    else:
        st.caption(f"Training runs on {found}, {_cores()}.")


@st.fragment(run_every=1.0)
def _wait_for_device() -> None:
    if device() is not None:
        st.rerun()  # reruns the page, now without polling
    st.caption(f"This computer has {_cores()}; looking for a GPU …")


def _cores() -> str:
    count = cores()
    return "1 core" if count == 1 else f"{count} cores"
