"""Shutdown of the server: all runs are saved first, whatever ends it (Ctrl+C, a service, a closed terminal).

uvicorn closes connections at SIGINT and SIGTERM and then raises the signal again, which ends Python at once. So runs are
saved as soon as the signal arrives, and the server waits for that before it ends.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from otviz.core import interrupts
from pages._ui.shell import leases, torch_warmup

SIGNALS = tuple(getattr(signal, name) for name in interrupts.NAMES if hasattr(signal, name))


@asynccontextmanager
async def lifespan(_app: Any) -> AsyncIterator[None]:
    """Around the time that pages are served: prepares for trainings, and in the end waits until runs are saved."""
    listening = _listen() if threading.current_thread() is threading.main_thread() else {}
    leases.prepare_hosts()
    torch_warmup.warmup().start(torch_warmup.ALONE)
    yield
    await asyncio.to_thread(leases.end)
    for number, before in listening.items():
        signal.signal(number, before)


def _listen() -> dict[signal.Signals, Any]:
    """Save at each signal, then call the server's handler; returns the previous handlers."""
    loop, stop = asyncio.get_running_loop(), signal.getsignal(signal.SIGTERM)
    before = {number: signal.getsignal(number) for number in SIGNALS}
    before = {number: found for number, found in before.items() if found != signal.SIG_IGN}  # as with nohup

    def listener(then: Callable[[int, Any], object]) -> Callable[[int, Any], None]:
        def heard(number: int, frame: Any) -> None:
            loop.call_soon_threadsafe(loop.run_in_executor, None, leases.end)  # signal handlers must not take locks
            then(number, frame)

        return heard

    for number, found in before.items():
        then = found if callable(found) else stop  # the server has no handler for SIGHUP: treat it as SIGTERM
        if callable(then):
            signal.signal(number, listener(then))
    return before
