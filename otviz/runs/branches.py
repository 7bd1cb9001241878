"""Branches: new runs that start from the state of another run, or from the weights of a model, with other settings."""

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
    """A run that has not started.

    Attributes:
        config: of the run.
        restored: the state to continue from; None starts from the beginning.
        origin: where that state comes from, in words.
    """

    config: RunConfig
    restored: RunCheckpoint | None
    origin: str


def branch(run: RunView, step: int | None = None, method: Method | None = None, frozen: bool | None = None) -> Branch:
    """A branch of `run` after `step` steps.

    Args:
        run: it is not changed.
        step: one of `run.saved_steps`; the newest if None.
        method: of the branch, with networks of the same sizes; that of the run if None.
        frozen: whether the adversary is frozen; as in the run if None.

    Raises:
        ValueError: the weights of that step were not kept or do not fit the method, all steps are done by then, or the method
            has no adversary to freeze.
    """
    return _from_state(run, run.state(step), method or run.config.method, frozen)


def fork(run: RunView) -> tuple[Branch, Branch]:
    """Two branches of a run from its newest state, or from the one before if all steps are done.

    The adversary of the first is frozen, that of the second is not. Raises as `branch`.
    """
    state = run.state()
    if json.loads(state[1])["step"] >= run.config.steps and len(run.saved_steps) > 1:
        state = run.state(run.saved_steps[-2])  # the run has ended, so no state is dropped meanwhile
    method = run.config.method  # both use one state, as the next snapshot may drop it
    return _from_state(run, state, method, frozen=True), _from_state(run, state, method, frozen=False)


def from_weights(config: RunConfig, weights: Mapping[str, Tensor], origin: str) -> Branch:
    """A run whose generator starts with given weights, at step 0. The adversary and both optimisers are new.

    Args:
        config: of the run.
        weights: of a generator, by name.
        origin: where the weights come from, in words.

    Raises:
        ValueError: the weights do not fit the networks, or the run cannot start (as `start`).
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
    past = run.change_log.until(at - 1).with_change(begun)  # changes at that step are in the state or in `begun`
    restored = RunCheckpoint(snapshots, run.losses()[:at], tensors, text, past)
    return Branch(config, restored, f"branched from {run.id} at step {at}")
