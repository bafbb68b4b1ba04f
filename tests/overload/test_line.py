"""The line of questions: turns, limits, times. No question is lost and none is asked twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from nacd.overload.line import NOTHING, Line, Nothing
from nacd.values import NO_PORT, Instant, Port

At = Callable[[float], Instant]
FAR = 1e9
NOW = Instant(wall=1_700_000_000.0, monotonic=0.0)


def line_of(**changes: int) -> Line[str]:
    return Line(**{"max_waiting": 1000, "max_per_nas": 1000, "max_per_port": 1000, **changes})


def put(line: Line[str], *items: str, rank: int = 0, nas: str = "sw1", port: str = "", until: float = FAR) -> list[str]:
    named: Port = (nas, "", "", port) if port else NO_PORT
    return [line.put(item, rank=rank, nas=nas, port=named, until=until) for item in items]


def all_of(line: Line[str], worst: int | None = None) -> list[str]:
    out = []
    while not isinstance(item := line.take(NOW, worst=worst), Nothing):
        out.append(item)
    return out


def test_at_one_port_it_is_first_come_first_served() -> None:
    line = line_of()
    put(line, "a", "b", "c", port="1")
    assert len(line) == 3
    assert all_of(line) == ["a", "b", "c"]
    assert len(line) == 0
    assert line.take(NOW) == NOTHING


def test_nases_take_turns_and_inside_each_its_ports() -> None:
    line = line_of()
    put(line, "a1", "a2", "a3", port="1")
    put(line, "b1", port="2")
    put(line, "x1", "x2", nas="sw2", port="1")
    assert all_of(line) == ["a1", "x1", "b1", "x2", "a2", "a3"]


def test_what_has_no_port_shares_one_place_among_the_ports() -> None:
    line = line_of()
    put(line, "air1", "air2", "air3")
    put(line, "wired", port="1")
    assert all_of(line) == ["air1", "wired", "air2", "air3"]


def test_a_better_rank_comes_first() -> None:
    line = line_of()
    put(line, "mac", rank=2)
    put(line, "vpn", rank=1)
    put(line, "certificate", rank=0)
    assert all_of(line) == ["certificate", "vpn", "mac"]


def test_every_eighth_turn_goes_to_the_next_rank_that_waits() -> None:
    line = line_of()
    put(line, *(f"c{n}" for n in range(20)))
    put(line, *(f"m{n}" for n in range(3)), rank=2)
    turns = all_of(line)
    assert [turns.index(f"m{n}") for n in range(3)] == [7, 15, 22]


def test_a_rank_in_the_middle_passes_on_as_well() -> None:
    line = line_of(passes=2)
    for rank in range(3):
        put(line, *(f"{rank}" + str(n) for n in range(20)), rank=rank)
    assert [turn[0] for turn in all_of(line)[:8]] == ["0", "1", "0", "2", "0", "1", "0", "2"]


def test_a_rank_that_may_not_be_taken_now_is_left_alone() -> None:
    line = line_of()
    put(line, "vpn", rank=1)
    put(line, "mac1", "mac2", rank=2)
    assert line.waits(1)
    assert all_of(line, worst=1) == ["vpn"]
    assert not line.waits(1)
    assert line.waits(2)
    assert line.take(NOW, worst=1) == NOTHING
    assert all_of(line) == ["mac1", "mac2"]


def test_each_limit_says_its_name() -> None:
    line = line_of(max_waiting=6, max_per_nas=4, max_per_port=2)
    assert put(line, "a", "b", "c", port="1") == ["", "", "max_per_port"]
    assert put(line, "d", "e", "f") == ["", "", "max_per_nas"], "what has no port is limited with its nas only"
    assert put(line, "g", "h", "i", nas="sw2") == ["", "", "max_waiting"]
    assert line.take(NOW) == "a"
    assert put(line, "c", port="1") == [""]


def test_a_limit_counts_each_rank_by_itself() -> None:
    line = line_of(max_per_nas=2, max_per_port=1)
    put(line, "mac", rank=2, port="1")
    assert put(line, "mac2", rank=2, port="1") == ["max_per_port"]
    assert put(line, "certificate", rank=0, port="1") == [""]


def test_one_rank_can_be_kept_from_filling_the_line() -> None:
    line: Line[str] = Line(max_waiting=4, max_per_nas=9, max_per_port=9, max_by_rank={2: 1})
    assert put(line, "mac", "mac2", rank=2) == ["", "max_waiting"]
    assert put(line, "a", "b", "c", "d") == ["", "", "", "max_waiting"]
    assert {line.take(Instant(wall=0.0, monotonic=0.0)) for _ in range(4)} == {"mac", "a", "b", "c"}
    assert put(line, "mac2", rank=2) == [""]


def test_one_that_somebody_else_waits_for_too_waits_longer_at_its_place(at: At) -> None:
    line = line_of()
    put(line, "a", until=1.0)
    put(line, "b", until=9.0)
    line.extend("a", 5.0)
    line.extend("a", 2.0)
    line.extend("stranger", 5.0)
    assert line.expired(at(4.9)) == ()
    assert line.take(at(4.9)) == "a"


def test_one_that_proves_to_be_worth_more_goes_to_the_better_rank_and_is_counted_there(at: At) -> None:
    line = line_of(max_per_nas=2)
    put(line, "guess", "mac", rank=2, until=5.0)
    put(line, "other", rank=0, until=9.0)
    line.promote("guess", 0)
    line.promote("guess", 1)
    line.promote("stranger", 0)
    assert put(line, "mac2", rank=2) == [""]
    assert line.expired(at(4.9)) == ()
    assert [line.take(at(1.0)) for _ in range(4)] == ["other", "guess", "mac", "mac2"]


def test_what_waits_already_is_not_put_twice() -> None:
    line = line_of()
    put(line, "a")
    with pytest.raises(ValueError, match="already"):
        put(line, "a")


def test_what_is_past_its_time_gets_no_turn_and_is_handed_back_once(at: At) -> None:
    line = line_of(max_per_nas=3)
    put(line, "soon", until=2.0)
    put(line, "later", until=5.0)
    put(line, "sooner", until=1.0)
    assert line.expired(at(0.9)) == ()
    assert line.take(at(2.0)) == "later"
    assert line.expired(at(2.0)) == ("sooner", "soon")
    assert line.expired(at(9.0)) == ()
    assert put(line, "x", "y", "z") == ["", "", ""]


def test_one_that_left_and_came_again_has_its_new_time(at: At) -> None:
    line = line_of()
    put(line, "a", until=1.0)
    assert line.take(at(0.5)) == "a"
    put(line, "a", until=5.0)
    assert line.expired(at(3.0)) == ()
    assert line.expired(at(5.0)) == ("a",)


def test_those_that_left_leave_no_times_behind() -> None:
    line = line_of()
    for number in range(10_000):
        put(line, str(number))
        line.take(Instant(wall=0.0, monotonic=0.0))
    assert len(line._times) <= 65


def test_waiting_longer_and_longer_leaves_no_times_behind() -> None:
    line = line_of()
    put(line, "a", until=1.0)
    for number in range(10_000):
        line.extend("a", 2.0 + number)
    assert len(line._times) <= 70


@pytest.mark.parametrize("bad", [{"max_waiting": 0}, {"max_per_nas": 0}, {"max_per_port": 0}, {"passes": 1}])
def test_limits_that_make_no_sense_are_refused(bad: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        line_of(**bad)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["", "1", "2"])), min_size=10, max_size=60))
def test_while_somebody_waits_no_other_has_two_turns_more(
    places: list[tuple[str, str]],
) -> None:
    """Neither of the NASes, nor of the ports of one NAS."""
    line = line_of()
    waiting: Counter[tuple[str, str]] = Counter()
    for number, (nas, port) in enumerate(places):
        put(line, f"{nas}|{port}|{number}", nas=nas, port=port)
        waiting[nas, port] += 1
    of_nas: Counter[str] = Counter()
    of_port: Counter[tuple[str, str]] = Counter()
    for item in all_of(line):
        nas, port, _ = item.split("|")
        of_nas[nas] += 1
        of_port[nas, port] += 1
        waiting[nas, port] -= 1
        for other_nas in "abc":
            if any(count for (each, _), count in waiting.items() if each == other_nas):
                assert of_nas[nas] <= of_nas[other_nas] + 1
        for (other_nas, other_port), count in waiting.items():
            if other_nas == nas and count:
                assert of_port[nas, port] <= of_port[other_nas, other_port] + 1


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 2), min_size=20, max_size=120), st.integers(2, 5))
def test_no_rank_waits_longer_than_its_bound(ranks: list[int], passes: int) -> None:
    line = line_of(passes=passes)
    for number, rank in enumerate(ranks):
        put(line, f"{rank}|{number}", rank=rank)
    left, since = Counter(ranks), Counter[int]()
    for item in all_of(line):
        rank = int(item[0])
        left[rank] -= 1
        since.update(each for each in left if left[each])
        since[rank] = 0
        assert all(turns < 2 * passes**each for each, turns in since.items()), since


class Model(RuleBasedStateMachine):
    """Whatever is put, taken, removed and expires: each item leaves by one way, once, and the limits hold."""

    def __init__(self) -> None:
        super().__init__()
        self.line: Line[int] = Line(max_waiting=8, max_per_nas=5, max_per_port=3)
        self.now = 0.0
        self.number = 0
        self.waiting: dict[int, tuple[int, str, Port, float]] = {}
        self.late: set[int] = set()

    def at(self) -> Instant:
        late = {item for item, (*_, until) in self.waiting.items() if until <= self.now}
        self.late |= late
        for item in late:
            del self.waiting[item]
        return Instant(wall=0.0, monotonic=self.now)

    @rule(rank=st.integers(0, 2), nas=st.sampled_from("ab"), port=st.sampled_from(["", "1", "2"]), time=st.floats(0, 9))
    def put(self, rank: int, nas: str, port: str, time: float) -> None:
        named: Port = (nas, port) if port else NO_PORT
        self.number += 1
        of_nas = [each for each in self.waiting.values() if each[:2] == (rank, nas)]
        of_port = [each for each in of_nas if each[2] == named]
        expected = ""
        if len(self.waiting) >= 8:
            expected = "max_waiting"
        elif len(of_nas) >= 5:
            expected = "max_per_nas"
        elif port and len(of_port) >= 3:
            expected = "max_per_port"
        assert self.line.put(self.number, rank=rank, nas=nas, port=named, until=self.now + time) == expected
        if not expected:
            self.waiting[self.number] = (rank, nas, named, self.now + time)

    @rule(worst=st.sampled_from([None, 0, 1]))
    def take(self, worst: int | None) -> None:
        item = self.line.take(self.at(), worst=worst)
        ranks = [rank for rank, *_ in self.waiting.values() if worst is None or rank <= worst]
        if isinstance(item, Nothing):
            assert not ranks
        else:
            assert self.waiting.pop(item)[0] in ranks

    @rule(position=st.integers(0, 7), time=st.floats(0, 5))
    def extend(self, position: int, time: float) -> None:
        if position < len(self.waiting):
            item = list(self.waiting)[position]
            rank, nas, port, until = self.waiting[item]
            self.line.extend(item, self.now + time)
            self.waiting[item] = (rank, nas, port, max(until, self.now + time))

    @rule(seconds=st.floats(0, 4))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def hand_back(self) -> None:
        expired = self.line.expired(self.at())
        assert len(expired) == len(set(expired))
        assert set(expired) == self.late
        self.late.clear()

    @invariant()
    def nobody_is_lost(self) -> None:
        assert len(self.line) == len(self.waiting)


Model.TestCase.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
TestAnyOrder = Model.TestCase
