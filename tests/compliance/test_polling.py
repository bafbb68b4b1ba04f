"""Live devices, each asked about once per interval."""

from __future__ import annotations

import zlib
from collections import Counter
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nacd.compliance.polling import NOTHING, Nothing, Watch, feasible_interval_s
from nacd.values import Instant


def at(seconds: float) -> Instant:
    return Instant(wall=0.0, monotonic=seconds)


def spread(key: str) -> float:
    return zlib.crc32(key.encode()) / 2**32


def test_each_key_is_due_once_per_interval() -> None:
    watch = Watch(100, spread={"a": 0.5, "b": 0.25}.__getitem__)
    watch.watch("a", at(0))
    watch.watch("b", at(0))
    assert watch.due(at(24.9)) == NOTHING
    assert watch.due(at(25)) == "b"
    watch.asked("b", at(25))
    assert watch.due(at(49.9)) == NOTHING
    assert watch.due(at(50)) == "a"
    watch.asked("a", at(60))
    assert watch.due(at(125)) == "b"
    watch.asked("b", at(125))
    assert watch.due(at(159)) == NOTHING
    assert watch.due(at(160)) == "a"


def test_what_is_due_stays_due_until_it_was_asked_or_left() -> None:
    watch = Watch(100, spread=lambda key: 0.0)
    watch.watch("a", at(0))
    watch.watch("b", at(1))
    assert watch.due(at(5)) == watch.due(at(5)) == "a"
    watch.forget("a")
    assert watch.due(at(5)) == "b"
    assert len(watch) == 1
    assert "a" not in watch


def test_one_that_is_watched_already_keeps_its_place() -> None:
    watch = Watch(100, spread=lambda key: 0.5)
    watch.watch("a", at(0))
    watch.watch("a", at(40))
    assert watch.due(at(50)) == "a"
    watch.asked("a", at(50))
    watch.watch("a", at(60))
    assert watch.due(at(149)) == NOTHING
    assert watch.due(at(150)) == "a"
    assert len(watch) == 1


def test_one_that_left_and_came_again_starts_anew() -> None:
    watch = Watch(100, spread=lambda key: 0.5)
    watch.watch("a", at(0))
    watch.forget("a")
    watch.watch("a", at(40))
    assert watch.due(at(60)) == NOTHING
    assert watch.due(at(90)) == "a"


def test_an_answer_somebody_else_asked_for_counts() -> None:
    watch = Watch(100, spread=lambda key: 0.5)
    watch.watch("a", at(0))
    watch.asked("a", at(49))
    assert watch.due(at(148)) == NOTHING
    assert watch.due(at(149)) == "a"


def test_what_is_not_watched_is_not_taken_up_by_being_asked_about() -> None:
    watch = Watch(100, spread=spread)
    watch.asked("stranger", at(0))
    watch.forget("stranger")
    assert len(watch) == 0
    assert watch.due(at(1e6)) == NOTHING


def test_a_crowd_that_comes_at_once_is_spread_over_the_interval_and_stays_so() -> None:
    watch = Watch(100, spread=spread)
    for number in range(2000):
        watch.watch(f"guid:{number}", at(0))
    for start in (0, 100, 200):
        asked_in: Counter[int] = Counter()
        for second in range(start, start + 100):
            while not isinstance(key := watch.due(at(second)), Nothing):
                watch.asked(key, at(second))
                asked_in[second // 10] += 1
        assert all(140 < count < 260 for count in asked_in.values())


def test_the_oldest_is_the_one_that_waits_longest_whether_asked_or_new() -> None:
    watch = Watch(100, spread=lambda key: 0.9)
    assert watch.oldest_s(at(0)) == 0.0
    watch.watch("a", at(0))
    watch.watch("b", at(10))
    assert watch.oldest_s(at(30)) == 30
    watch.asked("a", at(30))
    assert watch.oldest_s(at(40)) == 30
    watch.asked("b", at(40))
    assert watch.oldest_s(at(45)) == 15
    watch.forget("a")
    assert watch.oldest_s(at(45)) == 5


def test_the_interval_that_a_budget_can_meet() -> None:
    assert feasible_interval_s(15_000, 50.0) == 300.0
    assert feasible_interval_s(0, 0.1) == 0.0
    with pytest.raises(ValueError, match="more than 0"):
        feasible_interval_s(1, 0.0)


def test_an_interval_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="more than 0"):
        Watch(0, spread=spread)


def test_keys_that_come_and_go_leave_nothing_behind() -> None:
    watch = Watch(100, spread=spread)
    for number in range(10_000):
        watch.watch(str(number), at(number))
        watch.forget(str(number))
    assert len(watch._first_looks) <= 65


STEPS = st.lists(
    st.tuples(st.sampled_from(["come", "go", "ask", "ask", "ask", "wait"]), st.integers(0, 7), st.floats(0, 30)),
    min_size=20,
    max_size=80,
)


@settings(max_examples=50, deadline=None)
@given(STEPS)
def test_what_is_due_longest_is_always_next_against_a_plain_list(steps: list[tuple[str, int, float]]) -> None:
    watch, now = Watch(20, spread=spread), 0.0
    due: dict[str, float] = {}
    last: dict[str, float] = {}
    for what, number, seconds in steps:
        key = f"k{number}"
        if what == "come" and key not in due:
            due[key], last[key] = now + 20 * spread(key), now
        if what == "come":
            watch.watch(key, at(now))
        elif what == "go":
            due.pop(key, None)
            last.pop(key, None)
            watch.forget(key)
        elif what == "wait":
            now += seconds
        else:
            first = min(due, key=due.__getitem__, default="")
            found = watch.due(at(now))
            if isinstance(found, Nothing):
                assert not first or due[first] > now
            else:
                assert due[found] == due[first] <= now
                due[found], last[found] = now + 20, now
                watch.asked(found, at(now))
        assert len(watch) == len(due)
        assert watch.oldest_s(at(now)) == max((now - each for each in last.values()), default=0.0)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 40), st.integers(1, 3), st.integers())
def test_with_too_small_a_budget_all_wait_alike_and_nobody_starves(count: int, per_tick: int, seed: int) -> None:
    """More keys than questions: each is still asked about once in a round, and a round is as long as it must be."""
    watch, random = Watch(5, spread=spread), Random(seed)
    arrivals = [random.randrange(20) for _ in range(count)]
    asked_at: dict[str, int] = {}
    for tick in range(400):
        for number, arrival in enumerate(arrivals):
            if arrival == tick:
                watch.watch(f"k{number}", at(tick))
                asked_at[f"k{number}"] = tick
        for _ in range(per_tick):
            if not isinstance(key := watch.due(at(tick)), Nothing):
                watch.asked(key, at(tick))
                asked_at[key] = tick
        assert all(tick - last <= 5 + count / per_tick + 1 for last in asked_at.values())
