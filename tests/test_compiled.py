"""Compiled updates give the numbers of the plain ones, with live knobs as inputs and the same saved state."""

from __future__ import annotations

import dataclasses
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from otviz.data.distributions import named as distribution
from otviz.methods import Method
from otviz.methods import named as method
from otviz.runs.config import RunConfig
from otviz.training import ahead
from otviz.training.loop import Training, start

RING = distribution("ring")(radius=2.0, std=0.1)  # type: ignore[call-arg]
SMALL = {"hidden": 8, "layers": 1, "batch_size": 16}  # compiles quickest


@pytest.fixture(scope="module")
def _compiler() -> None:
    if ahead.can_build():
        return
    if os.environ.get("CI"):
        pytest.fail("compiling needs a C++ compiler, and CI has none")
    pytest.skip("compiling needs a C++ compiler, and there is none here")


def small(name: str, **knobs: Any) -> Method:
    return method(name)(**SMALL, **knobs)


@pytest.fixture
def interpreted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Libraries that torch interprets, without a C++ compiler: the same operations on the same arguments."""
    monkeypatch.setenv("OTVIZ_HOME", str(tmp_path))
    monkeypatch.setattr(ahead, "can_build", lambda: True)

    def package(exported: torch.export.ExportedProgram, *, package_path: str) -> str:
        torch.export.save(exported, package_path)
        return package_path

    def load(path: str) -> Callable[..., Any]:
        return torch.export.load(path).module()

    monkeypatch.setattr("torch._inductor.aoti_compile_and_package", package)
    monkeypatch.setattr("torch._inductor.aoti_load_package", load)


def both(chosen: Method) -> tuple[Training, Training]:
    return start(chosen, RING, steps=100), start(chosen, RING, steps=100, compile=True)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "knobs", "changed"),
    [
        ("uotm-sd", {}, {"tau": 0.2, "lr": 3e-3, "penalty_weight": 0.1}),
        ("wgan-gp", {"ema": 0.9}, {"adversary_lr": 2e-3}),  # the gradient of a gradient
    ],
)
@pytest.mark.usefixtures("compiled_home", "_compiler")
def test_compiled_steps_are_the_plain_ones(name: str, knobs: dict[str, Any], changed: dict[str, Any]) -> None:
    _check_steps(name, knobs, changed)


@pytest.mark.parametrize(
    ("name", "knobs", "changed"),
    [
        ("gan", {"noise_dim": 3, "adversary_hidden": 6}, {"lr": 3e-3}),
        ("wgan", {"clip": 0.3, "adversary_updates": 3}, {"clip": 0.2}),
        ("uotm", {"g1": "kl", "g2": "chi2"}, {"tau": 0.2}),
    ],
)
@pytest.mark.usefixtures("interpreted")
def test_so_are_those_that_torch_interprets(name: str, knobs: dict[str, Any], changed: dict[str, Any]) -> None:
    _check_steps(name, knobs, changed)


def _check_steps(name: str, knobs: dict[str, Any], changed: dict[str, Any]) -> None:
    chosen = small(name, **knobs)
    plain, compiled = both(chosen)
    for number in range(12):
        if number == 6:  # a slider moved: the same libraries go on with the new values
            chosen = dataclasses.replace(chosen, **changed)
            plain.retune(chosen)
            compiled.retune(chosen)
        one, two = plain.advance(), compiled.advance()
        for left, right in ((one.generator_loss, two.generator_loss), (one.adversary_loss, two.adversary_loss)):
            # float32 sums in another order; ten steps of Adam magnify it
            torch.testing.assert_close(left, right, rtol=1e-4, atol=1e-6)
    tensors, text = compiled.state()
    expected, expected_text = plain.state()
    assert text == expected_text
    assert tensors.keys() == expected.keys()
    resumed = start(chosen, RING, steps=100)
    resumed.restore(tensors, text)
    torch.testing.assert_close(resumed.advance().generator_loss, plain.advance().generator_loss, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
@pytest.mark.usefixtures("_compiler")
def test_methods_with_the_same_operations_share_libraries(compiled_home: Path) -> None:
    first, second = map(small, ("uotm-sd", "uotm"))
    ahead.build(first, 2)
    made = set(compiled_home.rglob("*.pt2"))
    ahead.build(second, 2)
    assert made
    assert set(compiled_home.rglob("*.pt2")) == made
    assert ahead.has_libraries(second, 2)
    assert not ahead.has_libraries(dataclasses.replace(second, hidden=9), 2)


@pytest.mark.slow
@pytest.mark.usefixtures("_compiler")
def test_a_damaged_library_leaves_the_training_as_it_is(
    compiled_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = small("uotm")
    ahead.build(chosen, 2)
    shutil.copytree(compiled_home, tmp_path, dirs_exist_ok=True)
    monkeypatch.setenv("OTVIZ_HOME", str(tmp_path))
    for path in tmp_path.rglob("*.pt2"):
        path.write_bytes(b"PK\3\4 damaged")
    plain, other = start(chosen, RING, steps=100), start(chosen, RING, steps=100)
    plain.advance()
    other.advance()
    assert not other.take_over()
    assert other.advance().generator_loss == plain.advance().generator_loss


def test_without_libraries_or_a_compiler_a_training_goes_on_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTVIZ_HOME", str(tmp_path))
    monkeypatch.setattr(ahead, "COMPILERS", ("no-such-compiler",))
    chosen = small("uotm")
    plain, other = start(chosen, RING, steps=100), start(chosen, RING, steps=100)
    assert not other.take_over()  # before its first step
    plain.advance()
    other.advance()
    assert not other.take_over()
    assert not other.take_over(build=True)
    assert not other.compile
    assert other.advance().generator_loss == plain.advance().generator_loss
    with pytest.raises(ValueError, match="needs a C\\+\\+ compiler, and there is none: install"):
        ahead.build(chosen, 2)


def test_a_method_that_cannot_be_compiled_says_so() -> None:
    with pytest.raises(ValueError, match="sinkhorn cannot be compiled"):
        RunConfig(method("sinkhorn")(), RING, compile=True)


def test_libraries_of_long_ago_are_removed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OTVIZ_HOME", str(tmp_path))
    folder = tmp_path / "compiled"
    folder.mkdir()
    for name, age in (("old.pt2", 61), ("old.json", 61), ("new.pt2", 59), ("note.txt", 61)):
        (folder / name).write_bytes(b"")
        os.utime(folder / name, (time.time() - age * 86400,) * 2)
    ahead._remove_old()
    assert {path.name for path in folder.iterdir()} == {"new.pt2", "note.txt"}
