"""Torch takes seconds to import: it is loaded beside the first picture, never before it."""

from __future__ import annotations

import atexit
import importlib
import threading

import streamlit as st

from otviz.core.workers.processes import cores, import_what_is_needed_soon
from pages._ui.shell import leases

DELAY = 1.5  # seconds after the first page was drawn, so that the browser gets its files first


class Warmup:
    """Imports torch once, in a thread, and tells the device it found."""

    def __init__(self) -> None:
        self.device: str | None = None
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None

    def start(self) -> None:
        """Begin after a short delay; later calls do nothing."""
        with self._lock:
            if self._timer is not None:
                return
            self._timer = threading.Timer(DELAY, self._load)
            self._timer.daemon = True
            self._timer.start()
        # An import cut off by the end of the process can crash it.
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
        import_what_is_needed_soon()

    def _finish(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer.join()


@st.cache_resource(show_spinner=False)
def warmup() -> Warmup:
    """The one warm-up of this process; it does not start by itself."""
    return Warmup()


def device() -> str | None:
    """Where training will run: "CUDA", "MPS" or "CPU"; None until torch is loaded. Never waits."""
    return warmup().device


def show_device() -> None:
    """A line that names the device; it looks again each second until torch has told."""
    found = device()
    if found is None:
        _wait_for_device()
    else:
        st.caption(f"Training runs on {found}, {_cores()}.")


@st.fragment(run_every=1.0)
def _wait_for_device() -> None:
    if device() is not None:
        st.rerun()  # draws the page again, this time without the clock
    st.caption(f"This computer has {_cores()}; looking for a GPU …")


def _cores() -> str:
    count = cores()
    return "1 core" if count == 1 else f"{count} cores"
