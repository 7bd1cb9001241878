"""Several gradient flows played side by side in one thread, as panels of the player."""

from __future__ import annotations

import math
import threading
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from otviz.clouds.studies.gradient_flow import FLOWS, MEASURED, FlowLoss, Frame, flow
from otviz.player.wire import PanelUpdate, news
from otviz.runs.snapshots import Curve, Scene, Snapshot, square_box

LONGEST_WAIT = 30.0
"""Seconds that `stop` waits for the frame in hand: the slowest takes about one."""


@dataclass
class _Played:
    """One flow as far as it has come."""

    run: str
    scene: Scene
    frames: Iterator[Frame]
    snapshots: list[Snapshot] = field(default_factory=list)
    status: str = "running"
    message: str = ""


class Flows:
    """Plays flows in step, one frame each in turn, in a thread of its own; others read panels.

    Args:
        losses: what is descended, one panel each.
        x, y: moving and target points, shapes (n, 2) and (m, 2), at most 1000 each.
        steps, step_size: of every flow.
        a, b: masses of the points, (n,) and (m,), summing to 1; uniform if None.

    Raises ValueError at once for clouds, steps or step sizes that `flow` does not take.
    """

    def __init__(
        self,
        x: NDArray[np.float32],
        y: NDArray[np.float32],
        losses: Sequence[FlowLoss] = FLOWS,
        *,
        steps: int = 100,
        step_size: float = 0.05,
        a: NDArray[np.float64] | None = None,
        b: NDArray[np.float64] | None = None,
    ) -> None:
        self.id = uuid.uuid4().hex[:12]
        box = square_box(x, y)
        self._steps = steps
        self._played = [
            _Played(
                f"flow-{self.id}-{index}",
                Scene(loss.title, box, y, x, None, "", steps, None),
                flow(loss, x, y, steps=steps, step_size=step_size, a=a, b=b),
            )
            for index, loss in enumerate(losses)
        ]
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._play, name=f"flows {self.id}", daemon=False)

    def start(self) -> Flows:
        """Begin; returns itself."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """End all flows after the frame in hand and wait for the thread; what was computed stays."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(LONGEST_WAIT)
        with self._lock:
            for played in self._played:
                if played.status == "running":
                    played.status = "stopped"

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until all flows have ended; False if they have not within `timeout` seconds."""
        self._thread.join(timeout)
        return self.done

    @property
    def done(self) -> bool:
        """Whether no flow is running: all are done, stopped or failed."""
        with self._lock:
            return all(played.status != "running" for played in self._played)

    @property
    def error(self) -> str:
        """What went wrong first, in a sentence; empty if nothing did."""
        with self._lock:
            return next((f"{p.scene.title}: {p.message}" for p in self._played if p.status == "failed"), "")

    def panels(self, known: Mapping[str, int] | None = None) -> list[PanelUpdate]:
        """One panel for each flow, as far as they have come.

        Args:
            known: by the panel's `run`, the last sequence number (the step) that the viewer has; only later snapshots
                come, without the scene.
        """
        with self._lock:
            return [self._panel(played, (known or {}).get(played.run, -1)) for played in self._played]

    def _panel(self, played: _Played, sent: int) -> PanelUpdate:
        shots = played.snapshots
        losses = np.array([shot.generator_loss for shot in shots], np.float32)
        steps = np.array([shot.step for shot in shots], np.int64)
        return PanelUpdate(
            run=played.run,
            box=played.scene.box,
            scene=played.scene if sent < 0 else None,
            snapshots=tuple(shots) if sent < 0 else tuple(news(shots, sent)),
            curve=Curve(steps, losses, np.full(len(shots), math.nan, np.float32)),
            status=played.status,
            message=played.message,
            steps_per_second=_speed(shots) if played.status == "running" else 0.0,
        )

    # What the thread does

    def _play(self) -> None:
        torch.set_num_threads(1)  # clouds this small gain nothing from two, and the page needs the other core
        going = list(self._played)
        while going and not self._stopping.is_set():
            going = [played for played in going if not self._stopping.is_set() and self._advance(played)]
        with self._lock:
            for played in going:
                if played.status == "running":
                    played.status = "stopped"

    def _advance(self, played: _Played) -> bool:
        """Play one frame; False when there is no other."""
        try:
            frame = next(played.frames, None)
        except Exception as error:  # one flow that fails leaves the others alone
            kind = "" if isinstance(error, ValueError | ArithmeticError) else f"{type(error).__name__}: "
            with self._lock:
                played.status, played.message = "failed", f"{kind}{error}"
            return False
        with self._lock:
            if frame is None:
                played.status = "done"
                return False
            played.snapshots.append(self._snapshot(frame, played))
        return True

    def _snapshot(self, frame: Frame, played: _Played) -> Snapshot:
        meter = dict(played.snapshots[-1].meter) if played.snapshots else {"samples": len(frame.positions)}
        if math.isfinite(frame.w2):
            meter |= {"w2": frame.w2, "w2_samples": min(len(frame.positions), MEASURED)}
        return Snapshot(
            sequence=frame.step,
            step=frame.step,
            progress=frame.step / self._steps,
            seconds=frame.seconds,
            generated=frame.positions,
            potential=None,
            arrows=None,
            manifold=None,
            generator_loss=frame.loss,
            adversary_loss=math.nan,
            alpha=None,
            meter=meter,
        )


def _speed(shots: Sequence[Snapshot]) -> float:
    """Steps per second of computing, over the last ten frames."""
    if len(shots) < 2:
        return 0.0
    first, last = shots[max(0, len(shots) - 11)], shots[-1]
    return (last.step - first.step) / max(last.seconds - first.seconds, 1e-9)
