"""How a run came to be: what it began with, and what was changed after which step, so that it can go the same way again."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from otviz.core.records import checked
from otviz.methods import Method
from otviz.runs.config import RunConfig
from otviz.runs.saved.file_schema import PAST
from otviz.runs.snapshots import Snapshot
from otviz.training.driver import Losses, SingleTrainer, collect_losses
from otviz.training.loop import Training


@dataclass(frozen=True)
class Change:
    """What was put in force between two steps.

    Attributes:
        step: steps done before it.
        method: all knobs from then on; None leaves them as they are.
        frozen: whether the adversary learns no more; None leaves that.
        is_branch: a branch began here: a training with networks, optimisers and streams of its own took over their state.
    """

    step: int
    method: Method | None = None
    frozen: bool | None = None
    is_branch: bool = False

    def applied(self, training: Training, began: RunConfig) -> Training:
        """The training with the change in force: the same one, or for a branch another that goes on from it."""
        if self.is_branch:
            method = self.method or training.method
            made = dataclasses.replace(began, method=method, compile=False).begin(training.device.type)
            made.restore(*training.state())
            training = made
        elif self.method is not None:
            training.retune(self.method)
        if self.frozen is not None:
            training.frozen = self.frozen
        return training


@dataclass(frozen=True)
class ChangeLog:
    """What a run has behind it.

    Attributes:
        began: the settings it began with.
        changes: in order of their steps.
        known: False for a run that was saved before changes were kept: there may have been some.
    """

    began: RunConfig
    changes: tuple[Change, ...] = ()
    known: bool = True

    @classmethod
    def from_restored(cls, config: RunConfig, restored: RunCheckpoint | None) -> ChangeLog:
        """Of a run with these settings before it goes on from `restored`, or from nothing."""
        past = (restored and restored.change_log) or cls(config, known=restored is None)
        if restored is not None and past.method != config.method:  # moved just before the run was stopped
            return past.with_change(Change(len(restored.losses), config.method))
        return past

    def with_change(self, change: Change) -> ChangeLog:
        """With one more change; two between the same steps are one, since nothing was trained in between."""
        *before, last = self.changes or (None,)
        if last is None or last.step != change.step or change.is_branch:
            return dataclasses.replace(self, changes=(*self.changes, change))
        merged = Change(
            change.step,
            change.method or last.method,
            last.frozen if change.frozen is None else change.frozen,
            last.is_branch,
        )
        return dataclasses.replace(self, changes=(*filter(None, before), merged))

    def until(self, step: int) -> ChangeLog:
        """Without what was changed after more than `step` steps."""
        return dataclasses.replace(self, changes=tuple(change for change in self.changes if change.step <= step))

    @property
    def method(self) -> Method:
        """The knobs in force at the end."""
        return next((change.method for change in reversed(self.changes) if change.method), self.began.method)

    def describe(self) -> list[str]:
        """The changes, a sentence each."""
        return [f"after step {step}: {', '.join(words)}" for step, words in self.changes_by_step()]

    def changes_by_step(self) -> Iterator[tuple[int, list[str]]]:
        """The steps after which something was changed, and what: "tau 0.05 -> 0.5", "potential frozen"."""
        method = self.began.method
        for change in self.changes:
            words = ["a branch begins"] if change.is_branch else []
            if change.method is not None:
                old, new = method.as_dict(), change.method.as_dict()
                words += [f"{name} {old[name]} -> {new[name]}" for name in new if old.get(name) != new[name]]
                method = change.method
            if change.frozen is not None:
                who = method.adversary_word or "adversary"
                words.append(f"{who} frozen" if change.frozen else f"{who} learns")
            if words:
                yield change.step, words

    def record(self) -> dict[str, Any]:
        """As plain values that JSON takes."""
        changes = []
        for change in self.changes:
            method = (
                {} if change.method is None else {"method": {"name": change.method.name, **change.method.as_dict()}}
            )
            frozen = {} if change.frozen is None else {"frozen": change.frozen}
            changes.append({"step": change.step, **method, **frozen, **({"anew": True} if change.is_branch else {})})
        return {"began": self.began.record(), "changes": changes, **({} if self.known else {"known": False})}

    @classmethod
    def from_record(cls, record: Any) -> ChangeLog:
        """What `record` wrote down. Raises ValueError for anything that does not fit."""
        checked(record, PAST, "the history of the run")
        try:
            began = RunConfig.from_record(record["began"])
            changes = tuple(_change(each, record["began"]) for each in record["changes"])
        except (LookupError, TypeError, AttributeError, OverflowError) as error:
            raise ValueError(f"this is not the history of a run: {error} is missing or of the wrong kind") from error
        return cls(began, changes, bool(record.get("known", True)))


@dataclass(frozen=True)
class RunCheckpoint:
    """What a stored run needs to continue.

    Attributes:
        snapshots: kept so far.
        losses: of every step, (n, 2).
        tensors, text: the training's state.
        change_log: what it has behind it, if that is known.
    """

    snapshots: tuple[Snapshot, ...]
    losses: Losses
    tensors: dict[str, Tensor]
    text: str
    change_log: ChangeLog | None = None

    @property
    def frozen(self) -> bool:
        """Whether the adversary was frozen."""
        return bool(json.loads(self.text)["frozen"])


class Replay(SingleTrainer):
    """A run trained again, with every change made in its place.

    Raises ValueError when it cannot begin: its device, images or uploaded points are not here.
    """

    def __init__(self, log: ChangeLog) -> None:
        super().__init__(log.began.begin())
        self._began, self._changes = log.began, list(log.changes)

    def advance(self, steps: int) -> tuple[Losses, int | None]:
        done = []
        for _ in range(steps):
            while self._changes and self._changes[0].step <= self.step:
                self.training = self._changes.pop(0).applied(self.training, self._began)
            done.append(self.training.advance())
        return collect_losses(done)


def _change(record: Mapping[str, Any], began: Mapping[str, Any]) -> Change:
    method = RunConfig.from_record({**began, "method": record["method"]}).method if "method" in record else None
    frozen = None if record.get("frozen") is None else bool(record["frozen"])
    return Change(int(record["step"]), method, frozen, bool(record.get("anew", False)))
