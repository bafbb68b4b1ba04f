"""Live devices, each asked about once per interval."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nacd.compliance.polling import NOTHING, Ages, Nothing, Watch, feasible_interval_s
from nacd.values import Instant

A, B = 0, 1


def at(seconds: float) -> Instant:
    return Instant(wall=0.0, monotonic=seconds)


def spread(number: int) -> float:
    return number * 0.6180339887498949 % 1


def test_each_is_due_once_per_interval() -> None:
    watch = Watch(spread={A: 0.5, B: 0.25}.__getitem__)
    watch.watch(A, 100, at(0))
    watch.watch(B, 100, at(0))
    assert watch.due(at(24.9)) == NOTHING
    assert watch.due(at(25)) == B
    watch.asked(B, at(25))
    assert watch.due(at(49.9)) == NOTHING
    assert watch.due(at(50)) == A
    watch.asked(A, at(60))
    assert watch.due(at(125)) == B
    watch.asked(B, at(125))
    assert watch.due(at(159)) == NOTHING
    assert watch.due(at(160)) == A


def test_what_is_due_stays_due_until_it_was_asked_or_left() -> None:
    watch = Watch(spread=lambda _: 0.0)
    watch.watch(A, 100, at(0))
    watch.watch(B, 100, at(1))
    assert watch.due(at(5)) == watch.due(at(5)) == A
    watch.forget(A)
    assert watch.due(at(5)) == B
    assert len(watch) == 1
    assert A not in watch


def test_one_that_is_watched_already_keeps_its_place() -> None:
    watch = Watch(spread=lambda _: 0.5)
    watch.watch(A, 100, at(0))
    watch.watch(A, 100, at(40))
    assert watch.due(at(50)) == A
    watch.asked(A, at(50))
    watch.watch(A, 100, at(60))
    assert watch.due(at(149)) == NOTHING
    assert watch.due(at(150)) == A
    assert len(watch) == 1


def test_one_that_left_and_came_again_starts_anew() -> None:
    watch = Watch(spread=lambda _: 0.5)
    watch.watch(A, 100, at(0))
    watch.forget(A)
    watch.watch(A, 100, at(40))
    assert watch.due(at(60)) == NOTHING
    assert watch.due(at(90)) == A


def test_an_answer_somebody_else_asked_for_counts() -> None:
    watch = Watch(spread=lambda _: 0.5)
    watch.watch(A, 100, at(0))
    watch.asked(A, at(49))
    assert watch.due(at(148)) == NOTHING
    assert watch.due(at(149)) == A


def test_what_is_not_watched_is_not_taken_up_by_being_asked_about() -> None:
    watch = Watch(spread=spread)
    watch.asked(7, at(0))
    watch.forget(7)
    assert len(watch) == 0
    assert watch.due(at(1e6)) == NOTHING


def test_a_crowd_that_comes_at_once_is_spread_over_the_interval_and_stays_so() -> None:
    watch = Watch(spread=spread)
    for number in range(2000):
        watch.watch(number, 100, at(0))
    for start in (0, 100, 200):
        asked_in: Counter[int] = Counter()
        for second in range(start, start + 100):
            while not isinstance(number := watch.due(at(second)), Nothing):
                watch.asked(number, at(second))
                asked_in[second // 10] += 1
        assert all(140 < count < 260 for count in asked_in.values())


def test_the_oldest_is_the_one_that_waits_longest_whether_asked_or_new() -> None:
    watch = Watch(spread=lambda _: 0.9)
    assert watch.oldest_s(at(0)) == 0.0
    watch.watch(A, 100, at(0))
    watch.watch(B, 100, at(10))
    assert watch.oldest_s(at(30)) == 30
    watch.asked(A, at(30))
    assert watch.oldest_s(at(40)) == 30
    watch.asked(B, at(40))
    assert watch.oldest_s(at(45)) == 15
    watch.forget(A)
    assert watch.oldest_s(at(45)) == 5


def test_how_late_one_is_counts_from_when_it_was_due() -> None:
    watch = Watch(spread=lambda _: 0.5)
    assert watch.late_s(at(7)) == 0.0
    watch.watch(A, 100, at(0))
    assert watch.late_s(at(50)) == 0.0
    assert watch.late_s(at(57)) == 7
    watch.asked(A, at(60))
    assert watch.late_s(at(160)) == 0.0
    assert watch.late_s(at(161)) == 1


# -- several intervals -----------------------------------------------------------------------------


def test_each_has_an_interval_of_its_own() -> None:
    watch = Watch(spread=lambda _: 0.0)
    watch.watch(A, 100, at(0))
    watch.watch(B, 10, at(0))
    asked: Counter[int] = Counter()
    for second in range(200):
        while not isinstance(number := watch.due(at(second)), Nothing):
            watch.asked(number, at(second))
            asked[number] += 1
    assert asked == {A: 2, B: 20}


def test_a_shorter_interval_counts_from_the_last_question_and_at_once() -> None:
    watch = Watch(spread=lambda _: 0.0)
    watch.watch(A, 100, at(0))
    watch.asked(A, at(0))
    watch.watch(A, 30, at(20))
    assert watch.due(at(29)) == NOTHING
    assert watch.due(at(30)) == A
    watch.asked(A, at(30))
    watch.watch(A, 5, at(50))
    assert watch.due(at(49)) == NOTHING
    assert watch.due(at(50)) == A
    assert len(watch) == 1


def test_whoever_changes_his_interval_all_the_time_is_asked_about_all_the_same() -> None:
    watch = Watch(spread=lambda _: 0.9)
    watch.watch(A, 100, at(0))
    asked = 0
    for second in range(1000):
        watch.watch(A, 100 if second % 2 else 50, at(second))
        if watch.due(at(second)) == A:
            watch.asked(A, at(second))
            asked += 1
    assert asked >= 9


def test_how_many_questions_a_second_they_need() -> None:
    watch = Watch(spread=spread)
    assert watch.per_s == 0
    for number in range(100):
        watch.watch(number, 100, at(0))
    assert watch.per_s == 1.0
    for number in range(50):
        watch.watch(number, 10, at(0))
    assert watch.per_s == pytest.approx(5.5)
    for number in range(100):
        watch.forget(number)
    assert watch.per_s == 0


def test_the_interval_that_a_budget_can_meet() -> None:
    assert feasible_interval_s(15_000, 50.0) == 300.0
    assert feasible_interval_s(0, 0.1) == 0.0
    with pytest.raises(ValueError, match="more than 0"):
        feasible_interval_s(1, 0.0)


@pytest.mark.parametrize("interval_s", [0, 0.9, -1, float("nan")])
def test_an_interval_of_less_than_a_second_is_refused(interval_s: float) -> None:
    with pytest.raises(ValueError, match="1 second or more"):
        Watch(spread=spread).watch(A, interval_s, at(0))


# -- what is left behind -----------------------------------------------------------------------------


def test_those_that_come_and_go_leave_nothing_behind() -> None:
    watch = Watch(spread=spread)
    for second in range(10_000):
        watch.watch(second % 100, 100, at(second))
        watch.forget(second % 100)
    assert watch._entries <= 65
    assert sum(map(len, watch._slots.values())) == watch._entries
    assert len(watch._seconds) <= 66
    assert len(watch._asked._seconds) <= 65


def test_one_that_stays_the_oldest_for_days_does_not_keep_every_second_since_then() -> None:
    ages = Ages()
    ages.set(A, 0)
    for second in range(1, 100_000):
        ages.set(B, second)
    assert ages.oldest_s(100_000) == 100_000
    assert len(ages._seconds) <= 70
    ages.drop(A)
    assert ages.oldest_s(100_000) == 1
    ages.drop(B)
    assert (ages.oldest_s(100_000), ages.since(B) < 0, ages.since(77) < 0) == (0.0, True, True)


# -- against plain lists ---------------------------------------------------------------------------

STEPS = st.lists(
    st.tuples(st.sampled_from(["come", "go", "ask", "ask", "ask", "wait"]), st.integers(0, 7), st.integers(0, 30)),
    min_size=20,
    max_size=80,
)
EVEN = {number: number / 8 for number in range(8)}
"""Places in an interval of 16 or 24 s that are whole seconds."""


@settings(max_examples=100, deadline=None)
@given(STEPS)
def test_what_is_due_longest_is_always_next_against_a_plain_list(steps: list[tuple[str, int, int]]) -> None:
    watch, now = Watch(spread=EVEN.__getitem__), 0
    due: dict[int, float] = {}
    last: dict[int, float] = {}
    interval: dict[int, int] = {}
    for what, number, seconds in steps:
        if what == "come":
            wanted = 16 if seconds % 2 else 24
            if number not in due:
                due[number], last[number] = now + wanted * EVEN[number], now
            elif wanted != interval[number]:
                due[number] = min(due[number], max(now, last[number] + wanted))
            interval[number] = wanted
            watch.watch(number, wanted, at(now))
        elif what == "go":
            due.pop(number, None)
            last.pop(number, None)
            interval.pop(number, None)
            watch.forget(number)
        elif what == "wait":
            now += seconds
        else:
            first = min(due.values(), default=None)
            found = watch.due(at(now))
            if isinstance(found, Nothing):
                assert first is None or first > now
            else:
                assert due[found] == first
                assert due[found] <= now
                due[found], last[found] = now + interval[found], now
                watch.asked(found, at(now))
        assert len(watch) == len(due)
        assert {each for each in range(8) if each in watch} == set(due)
        assert watch.oldest_s(at(now)) == max((now - each for each in last.values()), default=0.0)
        assert watch.late_s(at(now)) == max([0, *(now - each for each in due.values())])
        assert watch.per_s == pytest.approx(sum(1 / each for each in interval.values()))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.one_of(st.none(), st.integers(0, 1000))), max_size=200))
def test_the_oldest_is_found_against_a_plain_list(steps: list[tuple[int, int | None]]) -> None:
    ages, plain = Ages(), dict[int, int]()
    for number, second in steps:
        if second is None:
            ages.drop(number)
            plain.pop(number, None)
        else:
            ages.set(number, second)
            plain[number] = second
        assert ages.oldest_s(2000) == max((2000 - each for each in plain.values()), default=0.0)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 40), st.integers(1, 3), st.integers())
def test_with_too_small_a_budget_all_wait_alike_and_nobody_starves(count: int, per_tick: int, seed: int) -> None:
    """More devices than questions: each is still asked about once in a round, and a round is as long as it must be."""
    watch, random = Watch(spread=spread), Random(seed)
    arrivals = [random.randrange(20) for _ in range(count)]
    asked_at: dict[int, int] = {}
    for tick in range(400):
        for number, arrival in enumerate(arrivals):
            if arrival == tick:
                watch.watch(number, 5, at(tick))
                asked_at[number] = tick
        for _ in range(per_tick):
            if not isinstance(number := watch.due(at(tick)), Nothing):
                watch.asked(number, at(tick))
                asked_at[number] = tick
        assert all(tick - last <= 5 + count / per_tick + 2 for last in asked_at.values())
