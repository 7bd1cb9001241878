"""The end of the server: whatever ends it (Ctrl+C, a service, a terminal that closes), every run is saved first.

uvicorn closes connections at SIGINT and SIGTERM and then raises the signal again, which ends Python at once; so runs are
saved from the moment the signal comes, and the server waits for that before it ends.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from pages._ui.shell import leases

SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)  # Windows has no SIGHUP


@asynccontextmanager
async def lifespan(_app: Any) -> AsyncIterator[None]:
    """Around the time that pages are served: listens for signals, and in the end waits until runs are saved."""
    listening = _listen() if threading.current_thread() is threading.main_thread() else {}
    yield
    await asyncio.to_thread(leases.end)
    for number, before in listening.items():
        signal.signal(number, before)


def _listen() -> dict[signal.Signals, Any]:
    """Save at each signal, then do what the server does; returns what was done at it before."""
    loop, stop = asyncio.get_running_loop(), signal.getsignal(signal.SIGTERM)
    before = {number: signal.getsignal(number) for number in SIGNALS}
    before = {number: found for number, found in before.items() if found != signal.SIG_IGN}  # as under nohup

    def listener(then: Callable[[int, Any], object]) -> Callable[[int, Any], None]:
        def heard(number: int, frame: Any) -> None:
            loop.call_soon_threadsafe(loop.run_in_executor, None, leases.end)  # no lock can be taken here
            then(number, frame)

        return heard

    for number, found in before.items():
        then = found if callable(found) else stop  # the server knows no SIGHUP: it shall end as at SIGTERM
        if callable(then):
            signal.signal(number, listener(then))
    return before
