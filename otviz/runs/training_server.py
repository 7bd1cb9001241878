"""A process that hosts trainings: `python -m otviz.runs.training_server` reads requests and answers each, in the order they come.

It ends when its input does, so that it cannot outlive its parent.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
from typing import IO, Any

import torch

from otviz.core.processes import import_what_is_needed_soon
from otviz.runs import messages
from otviz.runs.change_log import RunCheckpoint
from otviz.runs.config import RunConfig
from otviz.runs.messages import Arrays, Frame
from otviz.runs.training_handle import LocalTraining

NICENESS = 5
"""The page that shows the runs comes first."""

_NONE: Arrays = {}


class TrainingServer:
    """The trainings of this process, by the number that the other side gave them."""

    def __init__(self) -> None:
        self._here: dict[int, LocalTraining] = {}

    def answer(self, plain: dict[str, Any], arrays: Arrays) -> Frame:
        """Carry out a request; an error is returned, not raised: the other trainings continue."""
        try:
            do = {"open": self._open, "close": self._close}.get(plain["do"], self._act)
            return do(plain, arrays)
        except Exception as error:
            kind = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
            return {"fault": f"{kind}{error}"}, _NONE

    def _open(self, plain: dict[str, Any], arrays: Arrays) -> Frame:
        restored = None
        if "rest" in plain:
            restored = RunCheckpoint((), messages.NO_LOSSES, *messages.unpack_state(plain, arrays))
        made = LocalTraining(RunConfig.from_record(plain["config"]), restored)
        self._here[plain["of"]] = made
        scene, held = messages.pack(made.scene)
        return {"scene": scene, "device": made.device, "step": made.step, "frozen": made.frozen}, held

    def _close(self, plain: dict[str, Any], arrays: Arrays) -> Frame:
        self._here.pop(plain["of"], None)
        return {}, _NONE

    def _act(self, plain: dict[str, Any], arrays: Arrays) -> Frame:
        here, do = self._here[plain["of"]], plain["do"]
        answer: Frame = ({}, {})
        if do == "advance":
            losses, bad = here.advance(plain["steps"])
            answer = {"bad": bad}, {"losses": losses}
        elif do == "look":
            answer = _take_snapshot(here, plain)
        elif do == "samples":
            answer = {}, {"samples": here.samples(plain["n"], plain["seed"])}
        elif do == "restore":
            here.restore(messages.unpack_state(plain, arrays))
        elif do == "retune":
            here.retune(RunConfig.from_record(plain["config"]).method)
        else:
            here.freeze(plain["frozen"])
        return {**answer[0], "step": here.step, "frozen": here.frozen}, answer[1]


def _take_snapshot(here: LocalTraining, plain: dict[str, Any]) -> Frame:
    looked = here.take_snapshot(plain["sequence"], plain["seconds"], tuple(plain["losses"]), plain["whole"])
    if looked is None:
        return {"snapshot": None}, {}
    snapshot, arrays = messages.pack(looked[0])
    rest, tensors = ({}, {}) if looked[1] is None else messages.pack_state(looked[1])
    return {"snapshot": snapshot, **rest}, {**arrays, **tensors}


def main() -> None:
    """Answer requests until the input ends."""
    if sys.platform != "win32":
        os.nice(NICENESS)
    torch.set_num_threads(1)  # small networks gain nothing from two, and there is a host for each core
    out, sys.stdout = sys.stdout.buffer, sys.stderr  # what a library prints must not get between the frames
    requests: queue.SimpleQueue[Frame] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(sys.stdin.buffer, requests), daemon=True).start()
    import_what_is_needed_soon()
    server = TrainingServer()
    while True:
        messages.write(out, *server.answer(*requests.get()))


def _read(source: IO[bytes], requests: queue.SimpleQueue[Frame]) -> None:
    """Pass requests on; at their end, end the process at once."""
    while (frame := messages.read(source)) is not None:
        requests.put(frame)
    os._exit(0)


if __name__ == "__main__":
    main()
