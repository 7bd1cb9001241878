"""The command queue: commands in order, step counts, and commands that arrive while the run is queued."""

from __future__ import annotations

import math
import threading

from otviz.runs.scheduling import CommandQueue


def test_steps_are_counted_and_the_rest_is_handed_on_in_turn() -> None:
    commands = CommandQueue()
    assert (commands.get(), commands.steps_allowed) == (None, math.inf)
    commands.put("more", 5)
    commands.put("retune", "a")
    commands.put("more", 2)
    commands.put("freeze", True)
    assert (commands.get(), commands.steps_allowed) == (("retune", "a"), 5)
    assert (commands.get(), commands.steps_allowed) == (("freeze", True), 7)
    commands.put("allow", 0)
    commands.put("allow", math.inf)
    assert (commands.get(), commands.steps_allowed) == (None, math.inf)


def test_more_after_a_pause_is_so_many() -> None:
    commands = CommandQueue()
    commands.put("allow", 0)
    commands.put("more", 3)
    assert (commands.get(), commands.steps_allowed) == (None, 3)


def test_a_paused_run_waits_until_it_may_go_on() -> None:
    commands = CommandQueue()
    commands.put("allow", 0)
    assert commands.get() is None
    taken = []
    waiting = threading.Thread(target=lambda: taken.append(commands.get(wait=True)))
    waiting.start()
    waiting.join(0.1)
    assert waiting.is_alive()
    commands.put("allow", math.inf)
    waiting.join(5)
    assert taken == [None]


def test_what_needs_a_training_is_put_off_and_stop_is_not() -> None:
    commands = CommandQueue()
    for command in (("retune", "a"), ("more", 4), ("freeze", True)):
        commands.put(*command)
    assert not commands.defer()
    assert commands.steps_allowed == 4
    commands.put("retune", "b")
    assert [commands.get(), commands.get(), commands.get()] == [("retune", "a"), ("freeze", True), ("retune", "b")]
    commands.put("retune", "c")
    commands.put("stop")
    assert commands.defer()
