"""A rate is kept, and waits grow."""

from __future__ import annotations

from nacd.keeper.forward.pace import LONGEST_S, Backoff, Pace


def test_no_more_than_so_many_go_in_a_second() -> None:
    pace = Pace(100, now=0.0)
    went, now = 0, 0.0
    while now < 10.0:
        room = min(30, pace.room(now))
        pace.went(room)
        went += room
        now += 0.05
    assert 1_000 <= went <= 1_101


def test_after_a_burst_there_is_a_wait_for_a_tenth_of_a_second() -> None:
    pace = Pace(100, now=0.0)
    assert pace.wait_s() == 0.0
    pace.went(100)
    assert abs(pace.wait_s() - 0.1) < 1e-9
    assert pace.room(0.1) == 10


def test_waits_double_from_a_second_to_a_minute_and_vary_by_half() -> None:
    longest, shortest = Backoff(lambda: 1.0), Backoff(lambda: 0.0)
    assert [longest.wait_s() for _ in range(8)] == [1, 2, 4, 8, 16, 32, LONGEST_S, LONGEST_S]
    assert [shortest.wait_s() for _ in range(3)] == [0.5, 1, 2]
    longest.reset()
    assert longest.wait_s() == 1
    assert longest.wait_s(asked_s=300) == 300
