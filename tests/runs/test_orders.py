"""Orders: in turn, steps counted, what came while queued kept."""

from __future__ import annotations

import math
import threading

from otviz.runs.orders import Orders


def test_steps_are_counted_and_the_rest_is_handed_on_in_turn() -> None:
    orders = Orders()
    assert (orders.take(), orders.allowed) == (None, math.inf)
    orders.give("more", 5)
    orders.give("retune", "a")
    orders.give("more", 2)
    orders.give("freeze", True)
    assert (orders.take(), orders.allowed) == (("retune", "a"), 5)
    assert (orders.take(), orders.allowed) == (("freeze", True), 7)
    orders.give("allow", 0)
    orders.give("allow", math.inf)
    assert (orders.take(), orders.allowed) == (None, math.inf)


def test_more_after_a_pause_is_so_many() -> None:
    orders = Orders()
    orders.give("allow", 0)
    orders.give("more", 3)
    assert (orders.take(), orders.allowed) == (None, 3)


def test_a_paused_run_waits_until_it_may_go_on() -> None:
    orders = Orders()
    orders.give("allow", 0)
    assert orders.take() is None
    taken = []
    waiting = threading.Thread(target=lambda: taken.append(orders.take(wait=True)))
    waiting.start()
    waiting.join(0.1)
    assert waiting.is_alive()
    orders.give("allow", math.inf)
    waiting.join(5)
    assert taken == [None]


def test_what_needs_a_training_is_put_off_and_stop_is_not() -> None:
    orders = Orders()
    for order in (("retune", "a"), ("more", 4), ("freeze", True)):
        orders.give(*order)
    assert not orders.put_off()
    assert orders.allowed == 4
    orders.give("retune", "b")
    assert [orders.take(), orders.take(), orders.take()] == [("retune", "a"), ("freeze", True), ("retune", "b")]
    orders.give("retune", "c")
    orders.give("stop")
    assert orders.put_off()
