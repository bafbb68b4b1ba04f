"""When each is due."""

from __future__ import annotations

import random
from math import inf

from nacd.server.sessions.loop.timers import Timers


def test_they_come_when_they_are_due_the_oldest_first_and_once() -> None:
    timers = Timers()
    for id, due in ((1, 30.0), (2, 10.0), (3, 20.0), (4, 40.0)):
        timers.put(id, due)
    assert not timers.is_due(9.9)
    assert timers.take(30.0, 2) == [2, 3]
    assert timers.take(30.0, 2) == [1]
    assert timers.take(30.0, 2) == []
    assert len(timers) == 1


def test_a_new_time_counts_instead_of_the_old_one() -> None:
    timers = Timers()
    timers.put(1, 10.0)
    timers.put(1, 20.0)
    assert timers.take(19.0, 9) == []
    timers.put(1, 5.0)
    assert timers.take(5.0, 9) == [1]
    assert timers.take(100.0, 9) == []


def test_what_is_dropped_or_due_never_does_not_come() -> None:
    timers = Timers()
    timers.put(1, 10.0)
    timers.put(2, 10.0)
    timers.put(3, inf)
    timers.drop(1)
    timers.drop(9)
    timers.put(2, inf)
    assert not timers.is_due(1e12)
    assert len(timers) == 0


def test_times_that_were_replaced_do_not_fill_the_memory() -> None:
    timers = Timers()
    for round in range(2_000):
        for id in range(10):
            timers.put(id, 604_800.0 + round)
            timers.put(id, 604_800.0 + round)
    for id in range(100, 5_000):
        timers.put(id, 604_800.0)
        timers.drop(id)
    assert len(timers) == 10
    assert timers.kept < 100


def test_they_agree_with_a_plain_table_whatever_is_done() -> None:
    chance = random.Random(7)
    timers, table = Timers(), dict[int, float]()
    for now in range(3_000):
        id, due = chance.randrange(40), float(now + chance.choice((0, 1, 50, 5_000)))
        if chance.random() < 0.2:
            timers.drop(id)
            table.pop(id, None)
        else:
            timers.put(id, due)
            table[id] = due
        taken = timers.take(now, 3)
        ripe = sorted(table[each] for each in table if table[each] <= now)
        assert [table.pop(each) for each in taken] == ripe[:3]
        assert len(timers) == len(table)
        assert timers.is_due(now) == (len(ripe) > 3)
