"""Does it hold? Kills, signals, a full and a read-only disk, two servers, damaged records, and half an hour of visitors.

python -m benchmarks hold --write              # everything, and the row of docs/NUMBERS.md
python -m benchmarks.hold load --minutes 5     # one part
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import json
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.rows import Effort, Measured, Row
from benchmarks.visitors import Server, Visitor, serving, until
from otviz.runs.registry import Registry
from otviz.runs.saved.run_store import Store

LONG = 1_000_000  # steps: never done
TRAINED = {"start": 1, "steps": LONG, "target": "ring"}
LOST = 30.0  # seconds of training that a kill may cost
FLAT = 0.05
QUICK = (0.5, 1)  # minutes and times
PAGES = ("", "train", "runs", "compare", "gallery", "experiments", "learn", "transport", "images")
TROUBLE = ("Traceback", "Exception", "ERROR")


class Trouble(AssertionError):
    """Something did not hold."""


def _hold(true: object, what: str) -> None:
    if not true:
        raise Trouble(what)


def _summary(home: Path, run_id: str) -> dict[str, Any]:
    path = home / "runs" / run_id / "summary.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return found


def _log_is_clean(log: Path) -> None:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    bad = [line for line in lines if any(word in line for word in TROUBLE)]
    _hold(not bad, f"the log has {len(bad)} lines such as {bad[:1]}")


def _training(server: Server, **query: Any) -> Visitor:
    """A visitor whose run has begun to train."""
    visitor = Visitor(server, "train", {**TRAINED, **query})
    begun = until(lambda: visitor.run and visitor.seen.get(visitor.run, ("", 0))[1] > 0)
    _hold(begun, f"no run began: {visitor.exceptions}")
    return visitor


def kills(home: Path, times: int, longest: float) -> dict[str, Any]:
    """Kill the server, or a process that trains, at random moments: what each run lost, in seconds of training.

    Args:
        home: an empty OTVIZ_HOME.
        times: of each of the two.
        longest: seconds that two runs train before.
    """
    lost: dict[str, list[float]] = {"server": [], "worker": []}
    rng, log = random.Random(0), home / "log.txt"
    for number in range(2 * times):
        what = ("server", "worker")[number % 2]
        with serving(home, log) as server:
            visitors = [_training(server, method=method) for method in ("uotm", "wgan-gp")]
            time.sleep(rng.uniform(0, longest))
            seen = {each.run: each.seen[each.run][2] for each in visitors}
            if what == "server":
                server.kill(signal.SIGKILL)
            else:
                rng.choice(server.workers()).kill()
                time.sleep(2)
                server.kill(signal.SIGKILL)  # what the failed run saved must be there
            for each in visitors:
                each.close()
        registry = Registry(Store(home / "runs"))
        listed = {run.id: run for run in registry.listed()}
        for run_id, seconds in seen.items():
            _hold(run_id in listed, f"{run_id} is lost after {seconds:.0f} s of training")
            _hold(listed[run_id].status != "elsewhere", f"{run_id} is still locked")
            saved = _summary(home, run_id)
            lost[what].append(max(0.0, seconds - saved["seconds"]))
        run = registry.resume(run_id)
        _hold(
            until(lambda run=run, saved=saved: run.step > saved["step"]),
            f"{run_id} does not go on: {run.message}",
        )
        registry.close()
    worst = max(max(each) for each in lost.values())
    _hold(worst <= LOST, f"{worst:.0f} s of a run were lost")
    return {"kills": 2 * times, "runs": 4 * times, "lost runs": 0, "most seconds lost": round(worst, 1)}


def terms(home: Path, times: int) -> dict[str, Any]:
    """SIGTERM at random young moments: everything that was seen is saved."""
    rng, log = random.Random(1), home / "log.txt"
    slowest = 0.0
    for _ in range(times):
        with serving(home, log) as server:
            visitors = [_training(server, method=method) for method in ("uotm", "wgan-gp")]
            time.sleep(rng.uniform(0, 3))
            seen = {each.run: each.seen[each.run][1] for each in visitors}
            began = time.monotonic()
            status = server.kill(signal.SIGTERM)
            slowest = max(slowest, time.monotonic() - began)
            _hold(status == -signal.SIGTERM, f"exit status {status}")
        for run_id, step in seen.items():
            saved = _summary(home, run_id)
            _hold(saved.get("status") == "stopped", f"{run_id} is {saved.get('status', 'lost')}")
            _hold(saved["step"] >= step, f"{run_id} was saved at step {saved['step']} after {step} was seen")
    _log_is_clean(log)
    return {"signals": times, "lost runs": 0, "slowest end in seconds": round(slowest, 1)}


@contextlib.contextmanager
def _disk(folder: Path, options: str) -> Iterator[bool]:
    """A small disk of its own; False where it cannot be mounted."""
    folder.mkdir(exist_ok=True)
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True, check=False
    )
    try:
        yield made.returncode == 0
    finally:
        if made.returncode == 0:
            subprocess.run(["umount", "-l", str(folder)], check=False)


def full(home: Path) -> dict[str, Any]:
    """A disk that is full when a run begins, and has space again while it trains."""
    disk, log = home / "disk", home / "log.txt"
    with _disk(disk, "size=64m") as mounted:
        if not mounted:
            return {"not tried": "no disk can be mounted here"}
        filler = disk / "filler"
        with contextlib.suppress(OSError), filler.open("wb") as file:
            while True:
                file.write(bytes(2**16))
        with serving(disk, log) as server:
            visitor = _training(server)
            _hold(until(lambda: visitor.says("the disk is full")), "a full disk is not said")
            _hold(not _summary(disk, visitor.run), "saved on a full disk")
            filler.unlink()
            began = time.monotonic()
            _hold(until(lambda: _summary(disk, visitor.run), 90), "not saved when there was space again")
            visitor.close()
        _hold(not visitor.exceptions, f"the page shows {visitor.exceptions}")
    _log_is_clean(log)
    return {"disk": "a tmpfs of 64 MB", "saved after seconds": round(time.monotonic() - began)}


def read_only(home: Path) -> dict[str, Any]:
    """A home that cannot be written: all pages work, and a run says that it will not be kept."""
    disk, log = home / "disk", home / "log.txt"
    with _disk(disk, "ro,size=1m") as mounted:
        if not mounted:
            disk.chmod(0o500)
            with contextlib.suppress(OSError):
                (disk / "probe").touch()
                return {"not tried": "no disk can be mounted here, and this user may write everywhere"}
        with serving(disk, log) as server:
            visitor = _training(server)
            _hold(until(lambda: visitor.says("will not be kept")), "a read-only home is not said")
            _hold(visitor.says("read-only") or visitor.says("permission is denied"), "the reason is not said")
            visitor.close()
            _visit_all(server)
    _log_is_clean(log)
    return {"disk": "a read-only tmpfs" if mounted else "a folder without permission", "pages": len(PAGES)}


def two_servers(home: Path) -> dict[str, Any]:
    """Two servers on one home: the second follows a run of the first, and takes it over once the first is dead."""
    logs = home / "log.txt", home / "log-2.txt"
    with serving(home, logs[0]) as first, serving(home, logs[1]) as second:
        owner = _training(first)
        _hold(until(lambda: _summary(home, owner.run)), "not saved")
        guest = Visitor(second, "train", {"run": owner.run})
        _hold(
            until(lambda: guest.says("Another process trains")),
            "the second server does not say that the first trains the run",
        )
        store, steps = Registry(Store(home / "runs")), []
        with contextlib.suppress(ValueError):
            store.resume(owner.run)
            raise Trouble("two processes train one run")
        own = _training(second)
        for _ in range(10):
            steps.append(_summary(home, owner.run)["step"])
            time.sleep(4)
        _hold(steps == sorted(steps) and steps[-1] > steps[0], f"saved steps {steps}")
        first.kill(signal.SIGKILL)
        run = store.resume(owner.run)
        _hold(until(lambda: run.step > steps[-1]), f"not taken over: {run.message}")
        store.close()
        for each in (owner, guest, own):
            each.close()
        _hold(not guest.exceptions, f"the page shows {guest.exceptions}")
    _log_is_clean(logs[1])
    return {"saved steps of the run": [steps[0], steps[-1]], "taken over": True}


def damaged(home: Path) -> dict[str, Any]:
    """Runs, results, journals, tags and lessons with nonsense in them: every page is drawn, and names what is damaged."""
    log = home / "log.txt"
    registry = Registry(Store(home / "runs"))
    from otviz import methods
    from otviz.data import distributions
    from otviz.runs.config import RunConfig

    run = registry.submit(RunConfig(methods.named("uotm")(), distributions.named("ring")(), steps=20))
    _hold(run.wait(120), "a run of 20 steps takes two minutes")
    registry.close()
    rng, good, count = random.Random(2), home / "runs" / run.id, 0
    for path in sorted(good.iterdir()):
        for way in (
            b"",
            b"[" * 100_000,
            b"\xff\xfe\x00",
            rng.randbytes(2000),
            b'{"step": 1e400}',
            path.read_bytes()[: path.stat().st_size // 2],
        ):
            bad = home / "runs" / f"damaged-{count:03}"
            shutil.copytree(good, bad)
            (bad / path.name).write_bytes(way)
            count += 1
    for place in (
        "experiments/results/alpha-limit.json",
        "experiments/alpha-limit.jsonl",
        "lessons/own.md",
        "sweeps/0.jsonl",
    ):
        (home / place).parent.mkdir(parents=True, exist_ok=True)
        (home / place).write_bytes(rng.randbytes(500))
    with serving(home, log) as server:
        _visit_all(server)
        for number in range(count):
            _visit(server, "train", {"run": f"damaged-{number:03}"})
        _hold(_visit(server, "runs").says("damaged"), "Runs does not name what is damaged")
        _visit(server, "experiments", {"claim": "alpha-limit"})
    _log_is_clean(log)
    return {"damaged runs": count, "exceptions": 0}


def _visit_all(server: Server) -> None:
    for page in PAGES:
        _visit(server, page)


def _visit(server: Server, page: str, query: dict[str, Any] | None = None) -> Visitor:
    """Draw a page once."""
    visitor = Visitor(server, page, query)
    drawn = until(lambda: visitor.finished)
    visitor.close()
    _hold(drawn, f"the page {page} is not drawn")
    _hold(not visitor.exceptions, f"the page shows {visitor.exceptions}")
    return visitor


def load(home: Path, minutes: float) -> dict[str, Any]:
    """Four visitors who begin runs, watch them and leave: memory stays flat after a fifth of the time."""
    log, samples, visits = home / "log.txt", list[tuple[float, float]](), 0
    queries = [("train", {"method": "uotm"}), ("train", {"method": "wgan-gp", "target": "moons"}),
               ("compare", {"preset": "table-1"}), ("compare", {"preset": "tau"})]  # fmt: skip
    with serving(home, log) as server:
        began, tabs = time.monotonic(), list[tuple[Visitor, float]]()
        while (now := time.monotonic() - began) < 60 * minutes:
            for at, (page, query) in enumerate(queries):
                if at >= len(tabs) or now > tabs[at][1]:
                    if at < len(tabs):
                        tabs[at][0].close()
                        _hold(not tabs[at][0].exceptions, f"the page shows {tabs[at][0].exceptions}")
                    visitor = Visitor(server, page, {"start": 1, "steps": 3000, "seed": visits, **query})
                    tabs[at : at + 1] = [(visitor, now + 30 + 10 * at)]
                    visits += 1
            samples.append((now, server.memory() / 1e6))
            time.sleep(2)
            _hold(server.process.poll() is None, "the server ended")
        for visitor, _ in tabs:
            visitor.close()
    _log_is_clean(log)
    early = statistics.median(mb for at, mb in samples if 12 * minutes <= at < 30 * minutes)
    late = statistics.median(mb for at, mb in samples if at >= 45 * minutes)
    found = {"minutes": minutes, "visits": visits, "MB after warm-up": round(early), "MB at the end": round(late),
             "largest MB": round(max(mb for _, mb in samples)), "memory": samples[:: max(1, len(samples) // 120)]}  # fmt: skip
    if late > (1 + FLAT) * early:
        found["trouble"] = f"memory grew from {early:.0f} to {late:.0f} MB"
    return found


def parts(minutes: float = 30.0, times: int = 10) -> dict[str, Callable[[Path], dict[str, Any]]]:
    """Everything that is tried, by name; each gets an empty folder.

    `minutes` of load; `times` to kill the server, a process that trains, and to send SIGTERM.
    """
    return {
        "kills": lambda home: kills(home, times, 45.0 if times > 1 else 3.0),
        "terms": lambda home: terms(home, times),
        "full": full, "read-only": read_only, "two-servers": two_servers, "damaged": damaged,
        "load": lambda home: load(home, minutes),
    }  # fmt: skip


def tried(what: Callable[[Path], dict[str, Any]]) -> dict[str, Any]:
    """What a part found, or what did not hold."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="otviz-hold-") as folder:
        try:
            found = what(Path(folder))
        except Trouble as trouble:
            found = {"trouble": str(trouble)}
    return {**found, "took seconds": round(time.monotonic() - began)}


def hold(effort: Effort) -> Measured:
    """All parts, each kept in the journal."""
    found = {
        name: effort.once((name,), functools.partial(tried, part))
        for name, part in (parts(*QUICK) if effort.quick else parts()).items()
    }
    troubles = [f"{name}: {each['trouble']}" for name, each in found.items() if "trouble" in each]
    skipped = [name for name, each in found.items() if "not tried" in each]
    loaded, killed = found["load"], found["kills"]
    shown = (
        f"{killed['kills']} kills: 0 of {killed['runs']} runs lost, at most {killed['most seconds lost']:.0f} s of one; "
        f"{found['terms']['signals']} x SIGTERM: 0 lost; {loaded['MB after warm-up']} MB after warm-up, {loaded['MB at the end']} MB at "
        f"the end of {loaded['minutes']:g} minutes with {loaded['visits']} visits"
        if not troubles
        else "; ".join(troubles)
    )
    return Measured(
        shown + (f"; not tried here: {', '.join(skipped)}" if skipped else ""),
        not troubles,
        extra=found,
        sample="a real server; visitors by websocket and channel; full and read-only disks, two servers on one folder, "
        f"{found['damaged'].get('damaged runs', 0)} damaged runs",
        seconds=sum(each["took seconds"] for each in found.values()),
    )


def main(words: list[str]) -> int:
    """Try the parts named, or all; returns 1 if one did not hold."""
    known = parts()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hold", description=str(__doc__).partition("\n")[0])
    parser.add_argument("parts", nargs="*", choices=[[], *known], help="all without any")
    parser.add_argument("--minutes", type=float, default=30.0, help="of load")
    parser.add_argument(
        "--times", type=int, default=10, help="to kill the server, a process that trains, and to send SIGTERM"
    )
    asked = parser.parse_args(words)
    failed = False
    for name in asked.parts or known:
        found = tried(parts(asked.minutes, asked.times)[name])
        failed |= "trouble" in found
        print(f"{name:12} {'TROUBLE' if 'trouble' in found else 'holds':8} "
              f"{json.dumps({key: value for key, value in found.items() if key != 'memory'})}", flush=True)  # fmt: skip
    return int(failed)


ROWS = (
    Row("hold", "what kills, signals, a full disk, two servers, damaged records and half an hour of visitors cost",
        "no run lost, <= 30 s of each; no exception; memory flat within 5 %", hold),
)  # fmt: skip

if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the server is ended, too
    raise SystemExit(main(sys.argv[1:]))
