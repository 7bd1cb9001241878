"""What of a run can be carried away: texts and bytes that other programs read."""

from __future__ import annotations

import io
import json

import numpy as np
from safetensors.torch import save as save_tensors

from otviz.runs.config import RunConfig
from otviz.runs.snapshots import Snapshot
from otviz.training import Training


def weights(training: Training) -> bytes:
    """Weights of the generator that is shown, as safetensors."""
    data: bytes = save_tensors(
        {name: value.detach().cpu().clone() for name, value in training.shown.state_dict().items()}
    )
    return data


def config_json(config: RunConfig) -> str:
    """The config as indented JSON."""
    return json.dumps(config.record(), indent=1)


def samples_csv(snapshot: Snapshot) -> str:
    """The generated points of a snapshot as CSV with columns x, y."""
    out = io.StringIO()
    np.savetxt(out, snapshot.generated, fmt="%.6g", delimiter=",", header="x,y", comments="")
    return out.getvalue()


def history_csv(losses: np.ndarray[tuple[int, int], np.dtype[np.float32]]) -> str:
    """Losses (n, 2) as CSV with columns step, generator_loss, adversary_loss (nan where there is none).

    Nine digits tell all float32 apart, so that reading gives the same numbers back.
    """
    lines = ["step,generator_loss,adversary_loss"]
    lines += [f"{step},{one:.9g},{two:.9g}" for step, (one, two) in enumerate(losses.tolist(), start=1)]
    return "\n".join(lines) + "\n"
