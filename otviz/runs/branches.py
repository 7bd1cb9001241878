"""Branches: what a run had learned by some step, or a model at the end, is where another begins, with other knobs, or frozen."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from otviz.methods import Adversarial, Method
from otviz.runs.change_log import Change, RunCheckpoint
from otviz.runs.config import RunConfig
from otviz.runs.hosts.messages import NO_LOSSES
from otviz.runs.run_view import RunView
from otviz.training.loop import TrainingState


@dataclass(frozen=True)
class Branch:
    """A planned run: its config, the state it continues from (None: from the start), and where that comes from, as text."""

    config: RunConfig
    restored: RunCheckpoint | None
    origin: str


def branch(run: RunView, step: int | None = None, method: Method | None = None, frozen: bool | None = None) -> Branch:
    """A branch of `run` after `step` steps, which the method of the branch goes on from.

    Args:
        run: it is not changed.
        step: one of `run.saved_steps`; its last look if None.
        method: the knobs of the branch, those of the run if None; its networks must have the same sizes.
        frozen: whether its adversary learns no more; as in the run if None.

    Raises ValueError for a step whose weights were not kept, networks of other sizes, and a method without adversary frozen.
    """
    return _from_state(run, run.state(step), method or run.config.method, frozen)


def fork(run: RunView) -> tuple[Branch, Branch]:
    """Two branches of a run from its last look, or the one kept before it when all steps are done.

    The adversary of the first is frozen, that of the second learns on. Raises as `branch`.
    """
    state = run.state()
    if json.loads(state[1])["step"] >= run.config.steps and len(run.saved_steps) > 1:
        state = run.state(run.saved_steps[-2])  # nothing is added any more
    method = run.config.method  # one state for both: the next look may drop it
    return _from_state(run, state, method, frozen=True), _from_state(run, state, method, frozen=False)


def from_weights(config: RunConfig, weights: Mapping[str, Tensor], origin: str) -> Branch:
    """A run whose generator begins with these weights, at step 0; its adversary and both optimisers start fresh.

    Args:
        config: of the run.
        weights: of a generator, by name.
        origin: where they come from, for a person.

    Raises ValueError for weights of other networks, and as `start`.
    """
    training = config.begin("cpu")
    try:
        for network in (training.generator, training.eval_generator):
            network.load_state_dict(weights)
    except RuntimeError as error:
        raise ValueError(
            f"the weights {origin} do not fit these networks: leave kind, width, noise_dim and classes as they were"
        ) from error
    tensors, text = training.state()
    return Branch(config, RunCheckpoint((), NO_LOSSES, tensors, text), origin)


def _from_state(run: RunView, state: TrainingState, method: Method, frozen: bool | None) -> Branch:
    tensors, text = state
    rest = json.loads(text)
    if frozen and not isinstance(method, Adversarial):
        raise ValueError(f"{method.title} has no adversary to freeze; choose a method that has one")
    if frozen is not None:
        rest["frozen"] = frozen
    at, text = int(rest["step"]), json.dumps(rest)
    config = dataclasses.replace(run.config, method=method, compile=False)
    if at >= config.steps:
        raise ValueError(f"all {config.steps} steps are done at step {at}; choose an earlier one")
    try:
        config.training_from((tensors, text))
    except ValueError as error:
        raise ValueError(
            f"the weights of {run.config.method.title} do not fit these knobs: a branch needs networks of the same sizes "
            "(hidden, layers, noise_dim, features); change others"
        ) from error
    snapshots = tuple(snapshot for snapshot in run.snapshots if snapshot.step <= at)
    begun = Change(at, method, frozen=bool(rest["frozen"]), is_branch=True)
    past = run.change_log.until(at - 1).with_change(
        begun
    )  # what was changed just there is in the state, or in what begins
    restored = RunCheckpoint(snapshots, run.losses()[:at], tensors, text, past)
    return Branch(config, restored, f"branched from {run.id} at step {at}")
