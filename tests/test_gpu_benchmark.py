"""`python -m benchmarks gpu` at tiny size on the CPU: what fails or hangs costs nothing else, and the budget holds."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from benchmarks import gpu, gpu_parts
from benchmarks.gpu_matching import matching_of_processes
from benchmarks.gpu_parts import PARTS
from benchmarks.gpu_place import Line, Place, pace, tried
from otviz.core import accelerator
from otviz.methods import named
from otviz.training.loop import start

ROOT = Path(__file__).resolve().parents[1]
NOT_NEEDED = ("geomloss", "ot", "streamlit", "starlette", "plotly", "pandas", "pyarrow", "sklearn", "matplotlib", "PIL",
              "tyro", "filelock", "safetensors")  # fmt: skip


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> None:
    torch.set_num_threads(1)


def here(seconds: float = 60.0) -> Place:
    return Place(torch.device("cpu"), quick=True, until=time.monotonic() + seconds)


@pytest.fixture
def _two_methods(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu_parts, "methods", lambda: {name: named(name) for name in ("ot-gan", "sinkhorn")})
    monkeypatch.setattr(accelerator, "READ_AT_ONCE", accelerator.READ_AT_ONCE)


@pytest.mark.usefixtures("_two_methods")
def test_a_device_is_compared_with_the_cpu() -> None:
    lines = list(PARTS["check"](here()))
    assert [line.what for line in lines] == ["ot-gan, points", "ot-gan, images", "sinkhorn, points", "sinkhorn, images"]
    assert all(line.numbers == {"apart": 0.0, "failed": False} for line in lines)


@pytest.mark.usefixtures("_two_methods")
def test_a_device_with_other_numbers_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    seeds = iter(range(100))
    monkeypatch.setattr(gpu_parts, "start", lambda *given, **options: start(*given, **options, seed=next(seeds)))
    lines = list(PARTS["check"](here()))
    assert all(line.numbers["failed"] and "more than 0.0001" in line.shown for line in lines)


def test_stack_images_and_batches_are_measured() -> None:
    for part, expected in (("stack", 2), ("images", 3), ("batch", 2), ("waits", 1)):
        lines = list(PARTS[part](here()))
        assert len(lines) == expected
        assert not any(line.numbers.get("failed") for line in lines), lines
    rate = list(PARTS["images"](here()))[-1].numbers
    assert rate["images_per_second"] == pytest.approx(4 * 1000 / rate["ms"])


@pytest.mark.slow
def test_processes_match_as_one_does() -> None:
    found = matching_of_processes(24, 4, rounds=1)
    assert found["apart"] < 1e-5
    assert found["alone_ms"] > 0
    assert found["shared_ms"] > 0


def test_a_measure_that_fails_gives_its_reason_and_the_others_go_on() -> None:
    def fails() -> Line:
        raise RuntimeError("CUDA error:\n out of luck")

    lines = list(tried(here(), {"a": fails, "b": lambda: Line("b", "2 ms")}))
    assert [line.shown for line in lines] == ["failed: RuntimeError: CUDA error: out of luck", "2 ms"]
    assert lines[0].numbers["failed"]
    (late,) = tried(here(-1), {"a": fails})
    assert late.shown == "not begun: no time left"


def test_a_batch_that_does_not_fit_ends_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(live: object, count: int) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(gpu_parts, "_advance", refuse)
    (line,) = PARTS["batch"](here())
    assert line.numbers == {"batch": 8, "fits": False}


def test_the_pace_is_that_of_a_step() -> None:
    assert 2 <= pace(here(), lambda: time.sleep(0.002), 0.2) < 30


@pytest.mark.slow
def test_the_command_writes_a_table_and_keeps_its_budget(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A part that takes too long is killed, and so is what it began; those after it have their turn."""
    budget, begun = 8.0, time.monotonic()
    status = gpu.main(["steps", "waits", "--device", "cpu", "--quick", "--budget", str(budget), "--out", str(tmp_path)])
    assert time.monotonic() - begun < budget
    record = json.loads((tmp_path / "gpu.json").read_text(encoding="utf-8"))
    assert list(record["parts"]) == ["steps", "waits"]
    steps = record["parts"]["steps"]
    assert steps["fault"].startswith("not done after"), "importing torch takes longer than its .8 s"
    assert status == 1
    shown = (tmp_path / "gpu.md").read_text(encoding="utf-8")
    assert "tiny sizes, whose numbers mean nothing" in shown
    assert "| steps | **failed** after" in shown
    assert "| steps | **failed** after" in capsys.readouterr().out


def test_a_part_that_crashes_is_told_with_its_last_words(tmp_path: Path) -> None:
    options = gpu._options(["--device", "cpu", "--quick", "--out", str(tmp_path)])
    outcome = gpu._run("no-such-part", 60, tmp_path, options)
    assert outcome.fault == "KeyError: 'no-such-part'"
    assert not outcome.lines


def test_a_torn_last_line_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"what": "x", "shown": "1 ms"}\n{"what": "y", "sho', encoding="utf-8")
    assert gpu._found(tmp_path / "a.jsonl") == [{"what": "x", "shown": "1 ms"}]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nope"], "there is no part 'nope'"),
        (["--budget", "0"], "budget must be > 0"),
        (["--device", "tpu"], "no device tpu"),
    ],
)
def test_bad_arguments_are_refused(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        gpu.main(arguments)
    assert said in capsys.readouterr().err


def test_every_part_has_a_share() -> None:
    assert gpu.SHARES.keys() == PARTS.keys()


def test_only_torch_numpy_and_psutil_are_needed() -> None:
    without = f"import sys; sys.modules.update(dict.fromkeys({NOT_NEEDED!r}))"
    run = "import time, torch; from benchmarks.gpu_parts import PARTS; from benchmarks.gpu_place import Place; from benchmarks.__main__ import main"
    check = "print(len(list(PARTS['stack'](Place(torch.device('cpu'), True, time.monotonic() + 60)))))"
    done = subprocess.run(
        [sys.executable, "-c", f"{without}\n{run}\n{check}"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "2", done.stderr[-2000:]
