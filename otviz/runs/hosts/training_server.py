"""A host process for trainings (see `otviz.core.workers.worker`). Each request names a training by its number.

The client assigns the numbers. An error is sent to the client and ends no training.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from otviz.core.container import Arrays
from otviz.core.workers.pipe import Message
from otviz.core.workers.processes import import_what_is_needed_soon
from otviz.data.distributions import distributions
from otviz.methods import methods
from otviz.runs.change_log import RunCheckpoint
from otviz.runs.config import RunConfig
from otviz.runs.hosts import messages
from otviz.runs.training_handle import LocalTraining

_trainings: dict[int, LocalTraining] = {}

methods(), distributions()  # import them all, before hosts are forked


def answers(plain: dict[str, Any], arrays: Arrays) -> Iterator[Message]:
    """Execute a request and yield its answer."""
    do = {"open": _open, "close": _close}.get(plain["do"], _act)
    yield do(plain, arrays)


def _open(plain: dict[str, Any], arrays: Arrays) -> Message:
    import_what_is_needed_soon()
    restored = None
    if "rest" in plain:
        restored = RunCheckpoint((), messages.NO_LOSSES, *messages.unpack_state(plain, arrays))
    made = LocalTraining(RunConfig.from_record(plain["config"]), restored)
    _trainings[plain["of"]] = made
    scene, held = messages.pack(made.scene)
    return {"scene": scene, "device": made.device, "step": made.step, "frozen": made.frozen}, held


def _close(plain: dict[str, Any], arrays: Arrays) -> Message:
    _trainings.pop(plain["of"], None)
    return {}, {}


def _act(plain: dict[str, Any], arrays: Arrays) -> Message:
    here, do = _trainings[plain["of"]], plain["do"]
    answer: Message = ({}, {})
    if do == "advance":
        losses, bad = here.advance(plain["steps"])
        answer = {"bad": bad}, {"losses": losses}
    elif do == "look":
        answer = _take_snapshot(here, plain)
    elif do == "samples":
        answer = {}, {"samples": here.samples(plain["n"], plain["seed"])}
    elif do == "take over":
        answer = {"compiled": here.take_over()}, {}
    elif do == "restore":
        here.restore(messages.unpack_state(plain, arrays))
    elif do == "retune":
        here.retune(RunConfig.from_record(plain["config"]).method)
    else:
        here.freeze(plain["frozen"])
    return {**answer[0], "step": here.step, "frozen": here.frozen}, answer[1]


def _take_snapshot(here: LocalTraining, plain: dict[str, Any]) -> Message:
    losses = tuple(plain["losses"])
    looked = here.take_snapshot(plain["sequence"], plain["seconds"], losses, plain["whole"], plain["rests"])
    if looked is None:
        return {"snapshot": None}, {}
    snapshot, arrays = messages.pack(looked[0])
    rest, tensors = ({}, {}) if looked[1] is None else messages.pack_state(looked[1])
    return {"snapshot": snapshot, **rest}, {**arrays, **tensors}
