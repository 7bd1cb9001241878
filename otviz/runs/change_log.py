"""The initial settings of a run, and every change with its step, so that the run can be repeated."""

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
    """A change of settings between two steps.

    Attributes:
        step: number of steps done before the change.
        method: the method with its new knobs; None if they did not change.
        frozen: whether the adversary is frozen; None if that did not change.
        compiled: whether updates are compiled from here on; None if that did not change.
        is_branch: whether a branch began here, that is, a new training took over the state of the old one.
    """

    step: int
    method: Method | None = None
    frozen: bool | None = None
    is_branch: bool = False
    compiled: bool | None = None

    def applied(self, training: Training, began: RunConfig) -> Training:
        """The training with the change applied: the same object, or for a branch a new one with its state."""
        if self.is_branch:
            method = self.method or training.method
            made = dataclasses.replace(began, method=method, compile=False).begin(training.device.type)
            made.restore(*training.state())
            training = made
        elif self.method is not None:
            training.retune(self.method)
        if self.frozen is not None:
            training.frozen = self.frozen
        if self.compiled is not None:
            training.compile = self.compiled and training.take_over(build=True)
        return training


@dataclass(frozen=True)
class ChangeLog:
    """The changes of settings during a run.

    Attributes:
        began: the initial settings.
        changes: in order of their steps.
        known: False if the changes, if any, were not recorded.
    """

    began: RunConfig
    changes: tuple[Change, ...] = ()
    known: bool = True

    @classmethod
    def from_restored(cls, config: RunConfig, restored: RunCheckpoint | None) -> ChangeLog:
        """The log of a run with these settings that continues from `restored`, or starts anew if None."""
        past = (restored and restored.change_log) or cls(config, known=restored is None)
        if restored is not None:
            at = len(restored.losses)
            if past.method != config.method:  # changed just before the run was stopped
                past = past.with_change(Change(at, config.method))
            if past.compiled:  # it goes on with plain updates, until they are compiled again
                past = past.with_change(Change(at, compiled=False))
        return past

    def with_change(self, change: Change) -> ChangeLog:
        """The log with one more change, merged with one at the same step unless it begins a branch."""
        *before, last = self.changes or (None,)
        if last is None or last.step != change.step or change.is_branch:
            return dataclasses.replace(self, changes=(*self.changes, change))
        merged = Change(
            change.step,
            change.method or last.method,
            last.frozen if change.frozen is None else change.frozen,
            last.is_branch,
            last.compiled if change.compiled is None else change.compiled,
        )
        return dataclasses.replace(self, changes=(*filter(None, before), merged))

    def until(self, step: int) -> ChangeLog:
        """The log without changes after step `step`."""
        return dataclasses.replace(self, changes=tuple(change for change in self.changes if change.step <= step))

    @property
    def method(self) -> Method:
        """The method with its final knobs."""
        return next((change.method for change in reversed(self.changes) if change.method), self.began.method)

    @property
    def compiled(self) -> bool:
        """Whether updates are compiled at the end, because of a change and not of the settings."""
        last = next((each for each in reversed(self.changes) if each.is_branch or each.compiled is not None), None)
        return last is not None and bool(last.compiled)

    def describe(self) -> list[str]:
        """A line of text for each change."""
        return [f"after step {step}: {', '.join(words)}" for step, words in self.changes_by_step()]

    def changes_by_step(self) -> Iterator[tuple[int, list[str]]]:
        """Steps with a change, and the changes in words, such as "tau 0.05 -> 0.5" or "potential frozen"."""
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
            if change.compiled is not None:
                words.append("compiled steps" if change.compiled else "plain steps")
            if words:
                yield change.step, words

    def record(self) -> dict[str, Any]:
        """As plain values for JSON."""
        changes = []
        for change in self.changes:
            method = (
                {} if change.method is None else {"method": {"name": change.method.name, **change.method.as_dict()}}
            )
            frozen = {} if change.frozen is None else {"frozen": change.frozen}
            compiled = {} if change.compiled is None else {"compiled": change.compiled}
            anew = {"anew": True} if change.is_branch else {}
            changes.append({"step": change.step, **method, **frozen, **compiled, **anew})
        return {"began": self.began.record(), "changes": changes, **({} if self.known else {"known": False})}

    @classmethod
    def from_record(cls, record: Any) -> ChangeLog:
        """The inverse of `record`. Raises ValueError for an invalid record."""
        checked(record, PAST, "the history of the run")
        try:
            began = RunConfig.from_record(record["began"])
            changes = tuple(_change(each, record["began"]) for each in record["changes"])
        except (LookupError, TypeError, AttributeError, OverflowError) as error:
            raise ValueError(f"this is not the history of a run: {error} is missing or of the wrong kind") from error
        return cls(began, changes, bool(record.get("known", True)))


@dataclass(frozen=True)
class RunCheckpoint:
    """What a run needs to continue.

    Attributes:
        snapshots: those kept so far.
        losses: of every step, shape (n, 2).
        tensors, text: the training state.
        change_log: the changes so far, if known.
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
    """Trains a run again, with every change at its step.

    Raises:
        ValueError: the device, images or uploaded points of the run are not available.
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
    frozen, compiled = (None if record.get(name) is None else bool(record[name]) for name in ("frozen", "compiled"))
    return Change(int(record["step"]), method, frozen, bool(record.get("anew", False)), compiled)
