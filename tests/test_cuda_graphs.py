"""What a CUDA graph needs of a compiled update, checked without one: everything that it changes stays where it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch._dynamo.backends.common import aot_autograd
from torch._functorch.aot_autograd import make_boxed_func

from otviz.data.distributions import named as distribution
from otviz.methods import Method, methods
from otviz.methods import named as method
from otviz.training.loop import Training, start

SMALL = {"hidden": 8, "layers": 1, "batch_size": 16}
RING = distribution("ring")()


@dataclass(frozen=True)
class Graph:
    """A graph as Inductor gets it: its number of inputs, those that it changes, and those that stay where they are."""

    inputs: int
    mutated: frozenset[int]
    static: frozenset[int]


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def graphs(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Graph]]:
    """The graphs that are compiled, by a backend that records each and runs it operation by operation."""
    found: list[Graph] = []

    def record(graph: torch.fx.GraphModule, _: list[Any]) -> Callable[..., Any]:
        inputs = [node for node in graph.graph.nodes if node.op == "placeholder"]
        copies = [node for node in graph.graph.nodes if node.target is torch.ops.aten.copy_.default]
        mutated = frozenset(inputs.index(node.args[0]) for node in copies if node.args[0] in inputs)
        metadata = torch._guards.TracingContext.get().fw_metadata
        found.append(Graph(len(inputs), mutated, frozenset(metadata.static_input_indices)))
        return make_boxed_func(graph.forward)

    backend = aot_autograd(fw_compiler=record, inference_compiler=record, keep_inference_input_mutations=True)
    compiling = torch.compile
    monkeypatch.setattr("otviz.training.compile_updates.AHEAD", ())  # as on CUDA
    monkeypatch.setattr(torch, "compile", lambda **options: lambda f: compiling(f, backend=backend, fullgraph=True))
    yield found
    torch._dynamo.reset()


def begun(chosen: Method, compile: bool = True) -> Training:
    return start(chosen, RING, steps=30, compile=compile)


@pytest.mark.parametrize("name", sorted(name for name, cls in methods().items() if cls.compilable))
def test_what_a_compiled_update_changes_stays_where_it_is(name: str, graphs: list[Graph]) -> None:
    training = begun(method(name)(**SMALL, **({"clip": 0.1} if name == "wgan" else {})))
    for _ in range(3):
        training.advance()
    (graph,) = graphs
    optimisers = (training._learners.generator_optimiser, training._learners.adversary_optimiser)
    weights = sum(len(group["params"]) for optimiser in optimisers for group in optimiser.param_groups)
    assert len(graph.mutated) == 4 * weights, "each weight, two moments, and a counter"
    assert graph.mutated <= graph.static
    batches = (
        6 if training.method.as_dict().get("penalty") == "gp" else 5
    )  # x, z and y of both, but no y for the generator
    assert graph.inputs - len(graph.static) == batches, "nothing else is copied before a graph runs"


def test_several_updates_in_a_step_are_graphs_of_their_own(graphs: list[Graph]) -> None:
    training = begun(method("uotm")(**SMALL, adversary_updates=2))
    for _ in range(3):
        training.advance()
    assert len(graphs) == 2
    assert all(graph.mutated and graph.mutated <= graph.static for graph in graphs)


@pytest.mark.parametrize("at", [0, 4])
def test_a_restored_training_keeps_its_compiled_updates(at: int, graphs: list[Graph]) -> None:
    """Moments are restored in place, so the graph goes on with them."""
    plain, compiled = begun(method("uotm")(**SMALL), compile=False), begun(method("uotm")(**SMALL))
    for _ in range(at):
        plain.advance()
        compiled.advance()
    state = plain.state()
    for _ in range(6 - at):
        compiled.advance()
    compiled.restore(*state)
    for _ in range(5):
        one, two = plain.advance(), compiled.advance()
        torch.testing.assert_close(one.generator_loss, two.generator_loss, rtol=1e-4, atol=1e-6)
        torch.testing.assert_close(one.adversary_loss, two.adversary_loss, rtol=1e-4, atol=1e-6)
    assert len(graphs) == 1
