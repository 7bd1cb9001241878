"""The registry: who holds which run, how many may be alive, and how all of them end."""

from __future__ import annotations

import gc
import math
import subprocess
import sys
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from otviz.data.distributions import named as distribution
from otviz.methods import named
from otviz.runs import scheduling
from otviz.runs.config import RunConfig
from otviz.runs.registry import ABANDONED, ALIVE, REMEMBERED, Registry
from otviz.runs.run import Run
from otviz.runs.run_view import ENDED
from otviz.runs.saved.run_store import Store
from tests.waiting import PATIENCE, until

ROOT = Path(__file__).resolve().parents[2]


GRACE = 90.0


class Clock:
    """Seconds pass for a registry when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def after(self, seconds: float, registry: Registry) -> None:
        """Advance the clock, and let the registry check for abandoned runs."""
        self.now += seconds
        registry._stop_abandoned()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr("otviz.runs.registry.time", made)
    return made


def config(steps: int = 1_000_000) -> RunConfig:
    return RunConfig(named("otm")(hidden=8, layers=1, batch_size=8), distribution("ring")(), steps=steps, device="cpu")


@pytest.fixture
def make() -> Iterator[Callable[..., Registry]]:
    made: list[Registry] = []

    def registry(**options: Any) -> Registry:
        made.append(Registry(**options))
        return made[-1]

    yield registry
    for each in made:
        each.close()


def running(registry: Registry) -> Run:
    run = registry.submit(config())
    until(lambda: run.step > 0)
    return run


def test_a_run_held_twice_goes_on_when_one_lets_go(make: Callable[..., Registry], clock: Clock) -> None:
    registry = make(grace=GRACE)
    run = running(registry)
    registry.acquire(run.id, "one")
    registry.acquire(run.id, "two")
    assert (registry.holders(run.id), registry.holders("another")) == (2, 0)
    registry.release("one")
    assert registry.holders(run.id) == 1
    clock.after(2 * GRACE, registry)
    step = run.step
    until(lambda: run.step > step)
    assert run.status == "running"


def test_a_run_that_nobody_holds_is_paused_then_stopped(make: Callable[..., Registry], clock: Clock) -> None:
    registry = make(grace=GRACE)
    run = running(registry)
    for token in ("one", "two"):
        registry.acquire(run.id, token)
    for token in ("one", "two"):
        registry.release(token)
    until(lambda: run.status == "paused")
    clock.after(0.9 * GRACE, registry)
    assert not run.wait(0.2)
    assert run.status == "paused"
    clock.after(0.2 * GRACE, registry)
    until(lambda: run.status == "stopped")


def test_closed_tabs_give_memory_back(make: Callable[..., Registry], clock: Clock, tmp_path: Path) -> None:
    registry = make(store=Store(tmp_path), grace=GRACE)
    shown, closed = running(registry), running(registry)
    gone, name = weakref.ref(closed), closed.id
    for run in (shown, closed):
        registry.acquire(run.id, run.id)
    registry.release(name)
    clock.after(1.1 * GRACE, registry)
    assert closed.wait(PATIENCE)
    assert registry.find(name) is closed, "somebody may come back to see how it ended"
    step = closed.step
    del run, closed
    clock.after(1.1 * GRACE, registry)
    assert (registry.find(name), registry.find(shown.id)) == (None, shown)
    until(lambda: gc.collect() < 0 or gone() is None)
    assert (registry.stored.read(name).step, registry.stored.read(name).message) == (step, ABANDONED)


def test_claimed_again_within_the_grace_it_goes_on(make: Callable[..., Registry], clock: Clock) -> None:
    registry = make(grace=GRACE)
    run = running(registry)
    registry.acquire(run.id, "tab")
    registry.release("tab")
    until(lambda: run.status == "paused")
    clock.after(0.9 * GRACE, registry)
    registry.acquire(run.id, "reloaded")
    until(lambda: run.status == "running")
    clock.after(2 * GRACE, registry)
    step = run.step
    until(lambda: run.step > step)
    assert run.status == "running"


def test_what_the_user_paused_stays_paused_after_a_reload(make: Callable[..., Registry], clock: Clock) -> None:
    registry = make(grace=GRACE)
    run = running(registry)
    registry.acquire(run.id, "tab")
    run.pause()
    until(lambda: run.status == "paused")
    registry.release("tab")
    registry.acquire(run.id, "reloaded")
    clock.after(2 * GRACE, registry)
    assert not run.wait(0.2)
    assert run.status == "paused"


def test_a_reload_may_claim_before_the_old_page_lets_go(make: Callable[..., Registry]) -> None:
    registry = make(grace=GRACE)
    run = running(registry)
    registry.acquire(run.id, "old")
    registry.acquire(run.id, "new")
    registry.release("old")
    assert run.status == "running"


def test_tokens_and_runs_that_are_not_there_are_harmless(make: Callable[..., Registry], clock: Clock) -> None:
    registry = make(grace=GRACE)
    registry.release("nobody")
    registry.acquire("no-such-run", "one")
    registry.release("one")
    clock.after(2 * GRACE, registry)
    assert registry.find("no-such-run") is None
    with pytest.raises(ValueError, match="was not saved"):
        registry.resume("no-such-run")


def test_nine_methods_of_seven_viewers_are_queued_and_one_too_many_is_refused(
    make: Callable[..., Registry], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduling, "SHARE_SECONDS", math.inf)
    registry = make(at_once=2)
    runs, refused = [], []
    for _ in range(ALIVE + 8):
        try:
            runs.append(registry.submit(config()))
        except ValueError as error:
            refused.append(str(error))
    assert len(runs) == ALIVE == 64
    assert refused == ["at most 64 runs can be active at once, and 64 are; stop some of them first"] * 8
    until(lambda: [run.status for run in runs].count("running") == 2)
    time.sleep(0.2)
    assert [run.status for run in runs].count("queued") == ALIVE - 2
    assert [run.status for run in runs[:2]] == ["running", "running"], "the first come first"
    assert registry.runs() == runs[::-1]
    runs[5].stop()
    assert runs[5].wait(PATIENCE)
    registry.submit(config())
    registry.close()
    until(lambda: all(run.status in ENDED for run in registry.runs()))
    until(lambda: not any(run._thread.is_alive() for run in registry.runs()))


def test_only_the_last_ended_runs_stay_in_memory(make: Callable[..., Registry]) -> None:
    registry = make()
    for _ in range(REMEMBERED + 5):
        run = Run("", config(1))
        run.status = "done"
        run._ended.set()
        registry._runs[f"old-{len(registry._runs)}-{time.monotonic_ns()}"] = run
    newest = registry.submit(config())
    assert len(registry.runs()) == REMEMBERED
    assert registry.runs()[0] is newest


@pytest.mark.slow
def test_the_interpreter_ends_in_good_order_with_a_run_alive(tmp_path: Path) -> None:
    script = f"""
import sys, time
from pathlib import Path
sys.path.insert(0, {str(ROOT)!r})
from otviz.data.distributions import named as distribution
from otviz.methods import named
from otviz.runs.config import RunConfig
from otviz.runs.registry import Registry
from otviz.runs.saved.run_store import Store
registry = Registry(Store(Path({str(tmp_path)!r})))
runs = [registry.submit(RunConfig(named("uotm")(), distribution("ring")(), steps=2_000_000)) for _ in range(3)]
while runs[0].step == 0: time.sleep(0.01)
print(runs[0].id)
raise RuntimeError
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 1, done.stderr
    assert "Fatal" not in done.stderr
    assert "terminate" not in done.stderr
    from otviz.runs.saved.run_store import Store

    stored = Store(tmp_path).read(done.stdout.strip())
    assert stored.status == "stopped", "what was trained until then is saved"
    assert stored.step > 0
