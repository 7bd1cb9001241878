"""What may happen to a training from outside: no memory left on the GPU, and an end in the middle of a save."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from image_model import digits_config, few_judged

from otviz.checkpoints import models, train_checkpoint
from otviz.methods.method import Batch
from otviz.methods.unified import UOTM
from otviz.runs.run import Run
from otviz.runs.saved.run_store import Store
from otviz.training.loop import Training
from tests.forked import Forked
from tests.waiting import PATIENCE


def room_for(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make larger minibatches raise CUDA's out-of-memory error."""
    plain = UOTM.generator_loss

    def loss(self: UOTM, generator: object, adversary: object, batch: Batch, s: dict[str, float]) -> torch.Tensor:
        if len(batch.target) > rows:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return plain(self, generator, adversary, batch, s)  # type: ignore[arg-type]

    monkeypatch.setattr(UOTM, "generator_loss", loss)


@pytest.mark.parametrize(
    ("rows", "advice"),
    [
        (20, "use batch_size 16, which fits, or device cpu"),
        (32, "use batch_size 32, which fits"),
        (0, "use smaller networks, or device cpu"),
    ],
)
def test_a_full_gpu_says_which_batch_fits(rows: int, advice: str, monkeypatch: pytest.MonkeyPatch) -> None:
    room_for(rows, monkeypatch)
    training: Training = digits_config(batch_size=64).begin()
    with pytest.raises(ValueError, match=advice):
        training.advance()


def test_a_run_on_a_full_gpu_fails_in_a_sentence_and_keeps_what_it_had(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    room_for(20, monkeypatch)
    run = Run("full", digits_config(batch_size=64, steps=50), save=Store(tmp_path).save).start()
    assert run.wait(PATIENCE)
    assert run.status == "failed"
    assert "use batch_size 16, which fits, or device cpu" in run.message
    assert "Error" not in run.message
    assert run.snapshots[-1].step == 0


KILLED = """
import os, signal, sys
import torch
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from image_model import digits_config
from otviz.checkpoints import train_checkpoint
train_checkpoint.SAVE_SECONDS, train_checkpoint.JUDGED, train_checkpoint.JUDGED_LAST = 0.0, 60, 100
replace, saves = os.replace, 0

def replaced(a, b):
    global saves
    saves += 1
    if saves == int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)  # all is written aside, nothing renamed
    replace(a, b)

os.replace = replaced
train_checkpoint.record(digits_config(steps=12), Path(sys.argv[2]))
"""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The card of a training that nobody killed."""
    with pytest.MonkeyPatch.context() as patch:
        few_judged(patch)
        return train_checkpoint.record(digits_config(steps=12), tmp_path_factory.mktemp("whole"))


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="has no SIGKILL")
@pytest.mark.parametrize("save", [1, 3, 14])  # the first state, a later one, among the files of the checkpoint
def test_a_process_killed_while_it_saves_goes_on_to_the_same_checkpoint(
    save: int, whole: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few_judged(monkeypatch)
    folder = tmp_path / "killed"
    with Forked(KILLED, str(Path(__file__).parent), str(folder), str(save)) as process:
        assert process.wait() == -signal.SIGKILL, process.errors
    assert any(path.name.startswith(".") for path in folder.iterdir()), "something lies half written"
    assert not (folder / "card.json").is_file()
    again = train_checkpoint.record(digits_config(steps=12), folder)
    assert again["sha256"] == whole["sha256"]
    assert {path.name for path in folder.iterdir()} == set(train_checkpoint.FILES)
    models.load(folder)
