"""Work that pauses: done in one go, two at once, and abandoned."""

from __future__ import annotations

import threading
import time

import pytest

from otviz.core.work import alongside, completed


def _count(to, log=None, naps=0.0):
    for k in range(to):
        if log is not None:
            log.append(k)
        time.sleep(naps)
        yield
    return to


def _failing():
    yield
    raise ValueError("broke")


def test_both_results_come_back_whichever_takes_longer():
    assert completed(alongside(_count(3), _count(4, naps=0.005))) == (3, 4)
    assert completed(alongside(_count(4, naps=0.005), _count(3))) == (4, 3)


@pytest.mark.parametrize("sides", [(_failing, lambda: _count(50, naps=0.001)), (lambda: _count(3), _failing)])
def test_an_error_on_either_side_is_raised(sides):
    with pytest.raises(ValueError, match="broke"):
        completed(alongside(sides[0](), sides[1]()))


def test_abandoned_work_ends_its_thread_at_the_next_pause():
    before, log = threading.active_count(), []
    work = alongside(_count(10_000), _count(10_000, log, naps=0.001))
    next(work)
    work.close()
    done = len(log)
    time.sleep(0.02)
    assert len(log) == done < 10_000
    assert threading.active_count() == before
