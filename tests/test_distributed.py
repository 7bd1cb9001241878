"""Two processes on the CPU train as one does: the same gradients, losses, weights and samples, half of the matchings each."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import distributed_cases
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from otviz.core.distributed import ALONE, together, world
from otviz.networks.layers import BatchNorm
from tests.forked import Forked

ROOT = Path(__file__).resolve().parents[1]
SIZE = 2
NAMES = [name for name, *_ in distributed_cases.cases()]
EXACT = [name for name in NAMES if "digits" not in name]  # trained in float64
TRAIN = [
    "train", "uotm", "--target", "ring", "--steps", "4", "--batch-size", "16", "--device", "cpu", "--json",
]  # fmt: skip

CASES = "import sys; from pathlib import Path; from tests import distributed_cases; distributed_cases.main(Path(sys.argv[1]))"
TORCHRUN = f"""
import sys
from torch.distributed.launcher import elastic_launch
from torch.distributed.run import config_from_args, parse_args
from otviz.cli.main import main
words = "--rdzv-backend", "c10d", "--rdzv-endpoint", "localhost:0", "--nproc-per-node", "{SIZE}"  # as --standalone does
config, *_ = config_from_args(parse_args([*words, "otviz"]))
config.start_method = "fork"
elastic_launch(config, main)(sys.argv[1:])
"""
"""torchrun, whose processes are forked from one that has imported torch."""

Left = dict[str, Tensor]


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("distributed")


@pytest.fixture(scope="module")
def launched(folder: Path) -> Iterator[list[Forked]]:
    """Processes that train all cases, and the command line under torchrun; all at once, since most is waiting."""
    common = {"PYTHONPATH": str(ROOT), "OTVIZ_HOME": str(folder / "home")}
    meeting = {**common, "WORLD_SIZE": str(SIZE), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
    with ExitStack() as ends:
        ranks = [Forked(CASES, str(folder), env={**meeting, "RANK": str(n), "LOCAL_RANK": str(n)}) for n in range(SIZE)]
        torchrun = Forked(TORCHRUN, *TRAIN, "--out", str(folder / "run"), env=common)
        yield [ends.enter_context(one) for one in (*ranks, torchrun)]


@pytest.fixture(scope="module")
def alone(launched: list[Forked]) -> Left:
    """What one process finds, which it does while the others begin."""
    return distributed_cases.all_played()


@pytest.fixture(scope="module")
def shared(launched: list[Forked], alone: Left, folder: Path) -> list[Left]:
    """What each of the processes found."""
    for process in launched[:SIZE]:
        assert process.wait() == 0, process.errors[-3000:]
    return [load_file(folder / f"{rank}.safetensors") for rank in range(SIZE)]


def of(left: Left, case: str, kind: str) -> Left:
    return {key: value for key, value in left.items() if key.startswith(f"{case}/{kind}")}


@pytest.mark.slow
@pytest.mark.parametrize("case", NAMES)
def test_all_processes_end_with_the_same_weights(shared: list[Left], case: str) -> None:
    first, *others = (of(left, case, "weight") for left in shared)
    for other in others:
        assert first.keys() == other.keys()
        assert all(torch.equal(first[key], other[key]) for key in first)


@pytest.mark.slow
@pytest.mark.parametrize("case", NAMES)
def test_gradients_losses_and_samples_are_those_of_one_process(shared: list[Left], alone: Left, case: str) -> None:
    for kind in ("gradient", "loss", "sample"):
        expected, found = of(alone, case, kind), of(shared[0], case, kind)
        assert expected
        assert expected.keys() == found.keys()
        for key, value in expected.items():
            # float32 sums in another order: a few 1e-7 of the terms, which are of the size of 1
            assert torch.allclose(found[key], value, rtol=1e-5, atol=1e-5), key


@pytest.mark.slow
@pytest.mark.parametrize("case", EXACT)
def test_weights_are_those_of_one_process(shared: list[Left], alone: Left, case: str) -> None:
    expected, found = of(alone, case, "weight"), of(shared[0], case, "weight")
    for key, value in expected.items():
        assert torch.allclose(found[key].double(), value.double(), rtol=0, atol=1e-9), key


@pytest.mark.slow
def test_each_process_holds_its_part_of_the_matchings_over_the_whole_batch(shared: list[Left], alone: Left) -> None:
    n = distributed_cases.OT["batch_size"]
    assert alone["costs"].unique(dim=0).tolist() == [[6, n, n]]
    assert all(left["costs"].unique(dim=0).tolist() == [[6 // SIZE, n, n]] for left in shared)


@pytest.mark.slow
def test_what_cannot_be_shared_is_said_in_a_sentence(shared: list[Left], folder: Path) -> None:
    said = [json.loads((folder / f"{rank}.json").read_text()) for rank in range(SIZE)]
    assert said[0]["batch"] == (
        "2 processes cannot share a batch of 25 evenly; use a batch_size that is a multiple of 2"
    )
    assert "dan-s judges a batch as a whole" in said[0]["whole batches"]
    assert "leave compile out" in said[0]["compile"]
    assert said[0]["arguments"].startswith("processes 0 and 1 were started with different values of method.tau;")
    assert all(other.keys() == said[0].keys() for other in said)


@pytest.mark.slow
def test_the_first_process_alone_prints_and_saves(launched: list[Forked], folder: Path) -> None:
    printed, errors = launched[SIZE].communicate()
    assert launched[SIZE].poll() == 0, errors[-3000:]
    (line,) = printed.splitlines()
    report = json.loads(line)
    assert (report["world_size"], report["batch_size"], report["steps"]) == (SIZE, 16, 4)
    assert errors.count("done: 4 of 4 steps") == 1
    assert {path.name for path in (folder / "run").iterdir()} >= {"config.json", "generator.safetensors", "samples.png"}


def test_nothing_happens_without_torchrun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "1")  # of some other scheduler
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with together() as found:
        assert found is world() is ALONE
    assert not torch.distributed.is_initialized()
    rows = torch.arange(6.0)
    assert torch.equal(ALONE.mine(rows), rows)
    assert ALONE.gather(rows) is ALONE.mean(rows) is rows
    ALONE.agree({"steps": 1})


def test_batch_norm_of_one_process_is_torchs_own() -> None:
    images, torch_layer, layer = torch.randn(4, 3, 2, 2), torch.nn.BatchNorm2d(3), BatchNorm(3)
    assert torch.equal(layer(images), torch_layer(images))
    assert all(torch.equal(a, b) for a, b in zip(layer.buffers(), torch_layer.buffers(), strict=True))
