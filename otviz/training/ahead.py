"""Updates compiled ahead of time, for CPUs: a library on disk, which any process loads in a tenth of a second.

A library holds one update (loss, gradient and Adam of one network) as machine code for this processor, with one thread.
Everything that may change during a run enters as a tensor, so one library serves all methods whose updates are the same
operations: UOTM and UOTM-SD share theirs, and so do WGAN and OTM. Libraries lie in `compiled` under OTVIZ_HOME: `<digest>.pt2`,
and for each kind of training `<kind>.json`, which names its two libraries and is written last.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import itertools
import json
import shutil
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from otviz.core.files import ROOT, home, refused, write_whole
from otviz.core.locks import alone
from otviz.core.machine import processor
from otviz.core.params import params_of
from otviz.methods import Batch, Method
from otviz.networks import MLP, Generator
from otviz.training.adam import Optimiser
from otviz.training.compiled import CompiledUpdates, Moments, Updates

COMPILERS = ("c++", "g++", "clang++", "cl")
SOURCES = ("methods", "networks", "ot", "training")
"""Packages on which updates depend: after a change in one of them libraries are compiled again."""

KEPT_SECONDS = 60 * 86400
"""Age at which libraries are removed when others are compiled."""

Update = Callable[[list[Tensor]], list[Tensor]]


class CompiledAhead(CompiledUpdates):
    """Updates from libraries on disk; the method's constraint is applied after each update of the adversary.

    Args:
        method, generator, adversary: as for `CompiledUpdates`.
        optimisers: Adam's of generator and adversary, after one step.

    Raises:
        OSError, ValueError, RuntimeError: the libraries are missing, or cannot be loaded.
    """

    def __init__(self, method: Method, generator: Generator, adversary: MLP, *optimisers: Optimiser) -> None:
        super().__init__(method, generator, adversary, *optimisers)
        paths = _libraries(method, adversary.weights[0].shape[1])
        self._update_generator, self._update_adversary = map(_loaded, paths)

    def update_generator(self, batch: Batch, scalars: dict[str, float], lr: float) -> Tensor:
        live, rate = self._numbers(scalars, "generator", lr)
        flat = _flat(self._of_generator, self._of_adversary.weights, batch[:4], [*live.values(), rate])
        return self._update_generator(flat)[0]

    def update_adversary(self, batch: Batch, scalars: dict[str, float], lr: float) -> Tensor:
        live, rate = self._numbers(scalars, "adversary", lr)
        flat = _flat(self._of_adversary, self._of_generator.weights, batch[:4], [*live.values(), rate])
        loss = self._update_adversary(flat)[0]
        self.method.constrain(self._of_adversary.weights)
        return loss


def has_libraries(method: Method, dim: int) -> bool:
    """Whether the libraries for a method on points of this dimension are on disk."""
    try:
        return all(path.is_file() for path in _libraries(method, dim))
    except (OSError, ValueError):
        return False


def can_build() -> bool:
    """Whether this machine has a C++ compiler."""
    return any(map(shutil.which, COMPILERS))


def build(method: Method, dim: int) -> None:
    """Compile the updates of a method on points of dimension `dim`, some ten seconds each, unless the libraries are there.

    Raises:
        ValueError: there is no compiler, or OTVIZ_HOME cannot be written.
        Exception: of any kind, if the compiler fails.
    """
    index = _index(method, dim)
    if not can_build() and not has_libraries(method, dim):
        raise ValueError(
            "compiling needs a C++ compiler, and there is none: install g++ or clang++, or leave compile out"
        )
    with alone(index):  # others wait rather than compile the same
        if not has_libraries(method, dim):
            names = [_compiled(update, example) for update, example in _traceable(method, dim)]
            _write(index, json.dumps(names).encode())
            _remove_old()


def _folder() -> Path:
    return home() / "compiled"


def _index(method: Method, dim: int) -> Path:
    fixed = {knob.name: getattr(method, knob.name) for knob in params_of(type(method)) if not knob.live}
    name = _digest(_surroundings(), type(method).__qualname__, repr(sorted(fixed.items())), str(dim))
    return _folder() / f"{name}.json"


def _libraries(method: Method, dim: int) -> list[Path]:
    """The libraries of generator and adversary. Raises OSError or ValueError if they were not compiled."""
    names = json.loads(_index(method, dim).read_bytes())
    if not (isinstance(names, list) and len(names) == 2 and all(isinstance(name, str) for name in names)):
        raise ValueError("an index of compiled updates is damaged")
    return [_folder() / Path(name).name for name in names]


@functools.cache
def _surroundings() -> str:
    """A digest of what the libraries depend on besides the method: source files, torch and the processor."""
    files = sorted(itertools.chain.from_iterable((ROOT / "otviz" / name).rglob("*.py") for name in SOURCES))
    texts = [file.read_text(encoding="utf-8") for file in files]
    return _digest(torch.__version__, processor(), torch.backends.cpu.get_cpu_capability(), *texts)


def _digest(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:24]


def _flat(own: Moments, others: Sequence[Tensor], drawn: Sequence[Tensor], values: Sequence[Tensor]) -> list[Tensor]:
    """All arguments of an update in one list: scalars of the loss, then the learning rate, come last."""
    return [*own.weights, *own.first, *own.second, *own.steps, *others, *drawn, *values]


def _traceable(method: Method, dim: int) -> list[tuple[Update, list[Tensor]]]:
    """The updates of generator and adversary as functions of one list of tensors, with an example of it."""
    rng = torch.Generator().manual_seed(0)
    generator, adversary = method.build_generator(dim, rng), method.build_adversary(dim, rng)
    assert isinstance(adversary, MLP)
    updates = Updates(method, generator, adversary)
    rows, names = method.rows, list(method.scalars(0.0))
    drawn = [torch.randn(rows, width, generator=rng) for width in (dim, method.noise_dim, dim)]
    mix = torch.rand(rows, 1, generator=rng)
    values = [torch.tensor(value) for value in (*method.scalars(0.0).values(), method.lr)]
    sides = [[weight.detach() for weight in network.parameters()] for network in (generator, adversary)]
    found: list[tuple[Update, list[Tensor]]] = []
    for weights, others, update in zip(sides, reversed(sides), (updates.generator, updates.adversary), strict=True):
        first, second = ([torch.zeros_like(weight) for weight in weights] for _ in range(2))
        example = Moments(weights, first, second, [torch.ones(()) for _ in weights])
        inputs = _flat(example, others, [*drawn, mix], values)
        found.append((_of_list(update, len(weights), len(others), names), inputs))
    return found


def _of_list(update: Callable[..., Tensor], own: int, others: int, names: Sequence[str]) -> Update:
    """An update as a function of the list that `_flat` makes.

    Args:
        update: of `Updates`.
        own, others: numbers of weights of the network and of the other one.
        names: of the scalars.
    """

    def flat(tensors: list[Tensor]) -> list[Tensor]:
        rest = iter(tensors)
        moments = Moments(*(list(itertools.islice(rest, own)) for _ in range(4)))
        weights, drawn = list(itertools.islice(rest, others)), tuple(itertools.islice(rest, 4))
        *values, lr = rest
        return [update(moments, weights, drawn, dict(zip(names, values, strict=True)), lr)]

    return flat


def _compiled(update: Update, example: list[Tensor]) -> str:
    """Compile an update into a library, unless it is there; returns the name of its file."""
    from torch.fx.experimental.proxy_tensor import make_fx

    traced = make_fx(lambda *tensors: update(list(tensors)), tracing_mode="fake")(*example)
    for node in traced.graph.nodes:  # strides differ where Inductor orders memory in another way
        if node.target is torch.ops.aten.view.default:
            node.target = torch.ops.aten.reshape.default
    traced.recompile()
    sizes = repr([tuple(tensor.shape) for tensor in example])
    path = _folder() / f"{_digest(_surroundings(), traced.code, sizes)}.pt2"
    if path.is_file():
        return path.name
    exported = torch.export.export(traced, tuple(example), strict=False)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch._inductor.config.compile_threads = 1  # else it starts processes
    try:
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(action="ignore"):
            made = torch._inductor.aoti_compile_and_package(exported, package_path=str(Path(folder) / path.name))
            _write(path, Path(made).read_bytes())
    finally:
        torch.set_num_threads(threads)
    return path.name


def _remove_old() -> None:
    """Remove libraries and indices of long ago, most of which are of other sources; what is still of use is compiled again."""
    for path in _folder().iterdir():
        with contextlib.suppress(OSError):
            if path.suffix in (".pt2", ".json") and time.time() - path.stat().st_mtime > KEPT_SECONDS:
                path.unlink()


def _write(path: Path, data: bytes) -> None:
    try:
        write_whole(path, data)
    except OSError as error:
        raise ValueError(f"{refused(path, error)}, or leave compile out") from error


def _loaded(path: Path) -> Update:
    """Load a library. Raises RuntimeError or OSError if it cannot be loaded."""
    model: Any = torch._inductor.aoti_load_package(str(path))
    return lambda tensors: model(*tensors)
