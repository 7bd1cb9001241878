"""The live app: what viewers cost the training, how smoothly the picture moves, how fast buttons act.

A real server on one core and headless Chromium on another, so that a browser takes no time that it would not take at home.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from benchmarks.rows import Effort, Measured, Row
from benchmarks.visitors import serving

ROOT = Path(__file__).resolve().parents[1]
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
CHROMIUM_ARGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
METHOD = "uotm"
ALONE = """
import pathlib, sys, time
from otviz.data.distributions.ring import Ring
from otviz.methods import named
from otviz.runs.config import RunConfig
from otviz.runs.registry import Registry
from otviz.runs.saved.run_store import Store
registry = Registry(Store(pathlib.Path(sys.argv[1])))
run = registry.submit(RunConfig(named(sys.argv[2])(), Ring(), steps=1_000_000))
def until(status):
    while run.status != status:
        time.sleep(0.005)
    return time.time()
until("running")
while not run.step:
    time.sleep(0.005)
run.pause()
until("paused")
begun, done = time.time(), run.step
run.resume()
until("running")
time.sleep(float(sys.argv[3]))
run.pause()
ended = until("paused")
print((run.step - done) / (ended - begun))
run.stop()
run.wait()
"""


class Absent(RuntimeError):
    """There is no browser to measure with."""


@dataclass
class Site:
    """A running server with its folder of runs, and a browser."""

    url: str
    runs: Path
    browser: Any
    pages: list[Any] = field(default_factory=list)

    def open(self, address: str, still: bool = False) -> Any:
        """A page of its own browser session; a still one gets every picture but plays none of them."""
        motion = "reduce" if still else "no-preference"
        context = self.browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion=motion)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.goto(address)
        self.pages.append(page)
        return page

    def close_pages(self) -> None:
        """Close every page; the server then has no viewer."""
        while self.pages:
            self.pages.pop().context.close()

    def summary(self, run_id: str) -> dict[str, Any]:
        """The run's summary as last saved, or {}."""
        path = self.runs / run_id / "summary.json"
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        return found

    def wait_for(self, run_id: str, status: str, since: float = 0.0, seconds: float = 300) -> float:
        """Wait until a run is saved with that status after `since`; when its first file was written (since the epoch)."""
        end = time.monotonic() + seconds
        folder = self.runs / run_id
        while self.summary(run_id).get("status") != status or (folder / "summary.json").stat().st_mtime < since:
            if time.monotonic() > end:
                raise RuntimeError(f"the run was not {status} within {seconds} s")
            time.sleep(0.02)
        return (folder / "config.json").stat().st_mtime


def cores() -> tuple[set[int], set[int]] | None:
    """A core for the server and another for the browser; None where programs cannot be pinned."""
    if not hasattr(os, "sched_getaffinity") or len(os.sched_getaffinity(0)) < 2:
        return None
    first, second, *_ = sorted(os.sched_getaffinity(0))
    return {first}, {second}


def _pinned(core: set[int] | None) -> Callable[[], None] | None:
    return None if core is None else functools.partial(os.sched_setaffinity, 0, core)


@contextlib.contextmanager
def site(pinned: bool = True) -> Iterator[Site]:
    """A server and a browser, each on a core of its own if `pinned`. Raises Absent without Chromium."""
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError as error:
        raise Absent("playwright is not installed") from error
    split = cores() if pinned else None
    before = os.sched_getaffinity(0) if split else set()
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    with tempfile.TemporaryDirectory() as home, contextlib.ExitStack() as stack:
        if split:  # children stay where they begin: the server on one core, playwright and its browser on the other
            stack.callback(os.sched_setaffinity, 0, before)
            os.sched_setaffinity(0, split[0])
        server = stack.enter_context(serving(Path(home), Path(home) / "server.log"))
        if split:
            os.sched_setaffinity(0, split[1])
        playwright = stack.enter_context(sync_playwright())
        try:
            chromium = playwright.chromium.launch(executable_path=found, args=CHROMIUM_ARGS)
        except Error as error:
            raise Absent("there is no Chromium here") from error
        yield Site(f"http://127.0.0.1:{server.port}", Path(home) / "runs", chromium)
        chromium.close()


def begin(at: Site, steps: int = 1_000_000) -> tuple[Any, str]:
    """Open the Train page, press Train, and pause once the picture is there; the page and the run's id."""
    page = at.open(f"{at.url}/train?method={METHOD}&steps={steps}")
    press(page, "Train")
    page.wait_for_url("**run=*")
    run_id = page.url.split("run=")[1].split("&")[0]
    page.wait_for_selector(".otviz-player[data-painted]")
    press(page, "Pause training")
    at.wait_for(run_id, "paused")
    return page, run_id


def press(page: Any, name: str) -> float:
    """Press a button; the moment of the click, in seconds since the epoch, as the browser saw it."""
    page.evaluate("addEventListener('click', () => window.pressed = performance.timeOrigin + performance.now(), true)")
    page.get_by_role("button", name=re.compile(f"^{name}")).first.click()  # its name ends with its shortcut
    return float(page.evaluate("window.pressed")) / 1000


def alone(seconds: float) -> float:
    """Steps per second of the same run in a process without server or viewers, on the server's core."""
    split = cores()
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-c", ALONE, folder, METHOD, str(seconds)], cwd=ROOT, check=True, capture_output=True,
            text=True, preexec_fn=_pinned(split[0] if split else None),
        )  # fmt: skip
    return float(done.stdout)


def watched(at: Site, viewers: int, seconds: float) -> tuple[float, float]:
    """Steps per second with so many pages open on the run, and frames painted per second in the one that plays.

    The others are still: four that play at once starve a browser that draws without a graphics card, and then send
    fewer requests than they would at home. What a viewer costs the server does not depend on it.
    """
    page, run_id = begin(at)
    for _ in range(viewers - 1):
        at.open(page.url, still=True).wait_for_selector(".otviz-player")
    done = int(at.summary(run_id)["step"])
    begun = press(page, "Resume training")
    time.sleep(seconds / 4)
    one = _painted(page)
    time.sleep(seconds * 3 / 4)
    two = _painted(page)
    ended = at.wait_for(run_id, "paused", press(page, "Pause training"))
    speed = (int(at.summary(run_id)["step"]) - done) / (ended - begun)
    at.close_pages()
    return speed, (two[0] - one[0]) / (two[1] - one[1]) * 1000


def _painted(page: Any) -> tuple[float, float]:
    player = page.locator(".otviz-player").first
    count, now = player.evaluate("player => [Number(player.dataset.painted), performance.now()]")
    return float(count), float(now)


def live_viewers(effort: Effort) -> Measured:
    """Training speed with nobody, one and four pages watching, in turn."""
    rounds, seconds = (1, 2.0) if effort.quick else (3, 10.0)
    speeds: dict[int, list[float]] = {0: [], 1: [], 4: []}
    frames: dict[int, list[float]] = {1: [], 4: []}
    # Compiled meanwhile, runs would have two speeds.
    with patch.dict(os.environ, OTVIZ_COMPILE="0"), site() as at:
        begin(at)  # the first run takes longest to begin
        at.close_pages()
        for _ in range(rounds):
            speeds[0].append(alone(seconds))
            for viewers in (1, 4):
                speed, painted = watched(at, viewers, seconds)
                speeds[viewers].append(speed)
                frames[viewers].append(painted)
    lost = {
        viewers: statistics.median(1 - b / a for a, b in zip(speeds[0], speeds[viewers], strict=True))
        for viewers in (1, 4)
    }
    painted_one = statistics.median(frames[1])
    return Measured(
        shown=f"one viewer costs {lost[1]:.0%}, four cost {lost[4]:.0%} of {statistics.median(speeds[0]):.0f} steps/s; "
        f"{painted_one:.0f} frames/s with one, {statistics.median(frames[4]):.0f} in the one of four that plays",
        reached=lost[1] <= 0.10 and lost[4] <= 0.20 and painted_one >= 45,
        value=painted_one,
        extra={"steps_per_second": speeds, "lost": lost, "frames_per_second": frames},
        sample=f"{rounds} rounds of {seconds:g} s of {METHOD}; server and browser pinned to a core each"
        if cores()
        else f"{rounds} rounds of {seconds:g} s of {METHOD}; not pinned",
    )


def live_latency(effort: Effort) -> Measured:
    """Seconds from a press in the browser to its effect in the training."""
    found: dict[str, list[float]] = {"pause": [], "stop": [], "slider": []}
    with site() as at:
        begin(at)
        at.close_pages()
        for _ in range(1 if effort.quick else 5):
            page, run_id = begin(at)
            press(page, "Resume training")
            time.sleep(1.5)
            pressed = press(page, "Pause training")
            found["pause"].append(at.wait_for(run_id, "paused", pressed) - pressed)
            found["slider"].append(_slider(at, page, run_id))
            press(page, "Resume training")
            time.sleep(1.5)
            pressed = press(page, "Stop")
            found["stop"].append(at.wait_for(run_id, "stopped") - pressed)
            at.close_pages()
    middle = {name: statistics.median(values) for name, values in found.items()}
    return Measured(
        shown=", ".join(f"{name} {value:.2f} s" for name, value in middle.items()),
        reached=all(value <= 0.3 for value in middle.values()),
        value=max(middle.values()),
        extra={"seconds": found},
        sample=f"medians of {len(found['pause'])}; slowest {max(map(max, found.values())):.2f} s",
    )


def _slider(at: Site, page: Any, run_id: str) -> float:
    """Seconds from a key on the slider of tau to the first step that feels it.

    The step is the one where the generator loss, which contains tau |x - T|^2, jumps; its time is counted back from the
    pause soon after on the clock of the snapshots.
    """
    before = int(at.summary(run_id)["step"])
    resumed = press(page, "Resume training")
    time.sleep(2.5)
    page.evaluate("addEventListener('keydown', () => window.keyed = performance.timeOrigin + performance.now(), true)")
    thumb = page.get_by_role("slider", name=re.compile("^Transport cost")).first
    thumb.focus()
    page.keyboard.press("End")
    keyed = float(page.evaluate("window.keyed")) / 1000
    time.sleep(2)
    paused = at.wait_for(run_id, "paused", press(page, "Pause training"))
    after = int(at.summary(run_id)["step"])
    lines = (at.runs / run_id / "history.csv").read_text(encoding="utf-8").splitlines()[1:]
    losses = [abs(float(line.split(",")[1])) for line in lines]
    usual = max(losses[max(0, before - 200) : before + 1])
    felt = (step for step in range(before + 1, len(losses)) if losses[step] > 10 * usual)
    jumped = next(felt, after)  # never felt: it took at least until the pause
    plain = json.loads(bytes(np.load(at.runs / run_id / "snapshots.npz")["plain"]))["snapshots"]
    steps, clock = ([snapshot[name] for snapshot in plain] for name in ("step", "seconds"))
    begun, felt_at, ended = np.interp([before, jumped, after], steps, clock)  # on the clock that runs while it trains
    return float(paused - (ended - felt_at) * (paused - resumed) / (ended - begun) - keyed)


def without_browser(measure: Callable[[Effort], Measured]) -> Callable[[Effort], Measured]:
    """The same measurement, which says so where there is no browser."""

    def tried(effort: Effort) -> Measured:
        try:
            return measure(effort)
        except Absent as absent:
            return Measured(f"not measured: {absent}", None)

    return tried


ROWS = (
    Row("live-viewers", "training speed lost to viewers; frames painted with one viewer, training on",
        "one <= 10 %, four <= 20 %; >= 45 frames/s", without_browser(live_viewers)),
    Row("live-latency", "pause, stop and a slider take effect in training",
        "<= 0.3 s", without_browser(live_latency)),
)  # fmt: skip
