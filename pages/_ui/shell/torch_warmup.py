"""Imports torch, which takes seconds, in the background: once the first page was drawn, or nobody has come yet."""

from __future__ import annotations

import atexit
import importlib
import threading

import streamlit as st

from otviz.core.machine import cores
from otviz.core.workers.processes import import_what_is_needed_soon
from pages._ui.shell import leases

ALONE = 4.0  # seconds after the start of the server
VISITED = (
    1.5  # seconds after the first page was drawn, so that the browser can load its files and draw its pictures first
)


class Warmup:
    """Imports torch once, in a thread, and reports the device."""

    def __init__(self) -> None:
        self.device: str | None = None
        self._lock = threading.Lock()
        self._timers: dict[float, threading.Timer] = {}
        # An import that is interrupted by the end of the process can crash it.
        atexit.register(self._finish)

    def start(self, delay: float) -> None:
        """Start after a delay; a later call with the same delay does nothing."""
        with self._lock:
            if delay in self._timers:
                return
            self._timers[delay] = timer = threading.Timer(delay, self._load)
            timer.daemon = True
            timer.start()

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
        for timer in self._timers.values():
            timer.cancel()
            timer.join()


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
