from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nacd.overload.queue import Lane, Queued, WorkQueue
from nacd.values import Instant

START = Instant(wall=0.0, monotonic=100.0)


def queued(number: int = 0, lane: Lane = Lane.NEW, nas: str = "10.0.0.1", octets: int = 100) -> Queued[int]:
    return Queued(work=number, lane=lane, nas=nas, place=(nas, number), octets=octets, received=START, patience_s=5.0)


def queue(**limits: int) -> WorkQueue[int]:
    return WorkQueue(**{"max_requests": 100, "max_octets": 100_000, "max_per_nas": 100, **limits})


def test_what_goes_on_comes_before_what_closes_and_that_before_what_begins() -> None:
    waiting = queue()
    for number, lane in enumerate((Lane.NEW, Lane.SHORT, Lane.CONTINUATION, Lane.NEW, Lane.CONTINUATION)):
        assert waiting.put(queued(number, lane)) == ""
    assert [waiting.take().work for _ in range(5)] == [2, 4, 1, 0, 3]


def test_nothing_to_take_is_an_error_of_the_caller() -> None:
    with pytest.raises(IndexError):
        queue().take()


def test_beginnings_leave_a_quarter_of_the_room_to_what_goes_on() -> None:
    waiting = queue(max_requests=4)
    assert [waiting.put(queued(n)) for n in range(4)] == ["", "", "", "max_requests"]
    assert waiting.put(queued(10, Lane.CONTINUATION)) == ""
    assert waiting.put(queued(11, Lane.CONTINUATION)) == "max_requests"


def test_octets_are_bounded_and_beginnings_leave_a_quarter_of_them_too() -> None:
    waiting = queue(max_octets=4_000)
    assert waiting.put(queued(1, octets=3_000)) == ""
    assert waiting.put(queued(2, octets=1)) == "memory"
    assert waiting.put(queued(3, Lane.SHORT, octets=1_000)) == ""
    assert waiting.put(queued(4, Lane.CONTINUATION, octets=1)) == "memory"
    assert waiting.octets == 4_000


def test_one_nas_may_not_begin_for_all_the_others() -> None:
    waiting = queue(max_per_nas=2)
    assert [waiting.put(queued(n)) for n in range(3)] == ["", "", "max_per_nas"]
    assert waiting.put(queued(4, nas="10.0.0.2")) == ""
    assert waiting.put(queued(5, Lane.CONTINUATION)) == ""
    while waiting:
        waiting.take()
    assert waiting.put(queued(6)) == ""


@pytest.mark.parametrize("lane", [Lane.CONTINUATION, Lane.SHORT])
def test_one_nas_leaves_room_in_every_lane_for_the_others(lane: Lane) -> None:
    waiting = queue(max_requests=20, max_per_nas=5)
    flood = [waiting.put(queued(n, lane)) for n in range(100)]
    assert (flood.count(""), flood[-1]) == (5, "max_per_nas")
    assert waiting.put(queued(100, lane, nas="10.0.0.2")) == ""


@pytest.mark.parametrize("lane", list(Lane))
def test_who_sends_most_waits_behind_himself(lane: Lane) -> None:
    waiting = queue()
    for number in range(50):
        waiting.put(queued(number, lane))
    waiting.put(queued(50, lane, nas="10.0.0.2"))
    assert 50 in [waiting.take().work for _ in range(2)]
    assert [waiting.take().work for _ in range(3)] == [1, 2, 3]


@pytest.mark.parametrize("lane", [Lane.CONTINUATION, Lane.SHORT])
def test_what_begins_is_not_starved_by_a_lane_that_never_ends(lane: Lane) -> None:
    waiting = queue()
    waiting.put(queued(1_000, nas="10.0.0.2"))
    taken: list[int] = []
    for number in range(20):
        waiting.put(queued(2 * number, lane))
        waiting.put(queued(2 * number + 1, lane))
        taken.append(waiting.take().work)
    assert taken.index(1_000) < 8


def test_a_request_is_stale_when_its_nas_has_given_it_up() -> None:
    waiting = queued()
    assert not waiting.is_stale(Instant(wall=0.0, monotonic=105.0))
    assert waiting.is_stale(Instant(wall=0.0, monotonic=105.1))


def test_a_repeat_shows_that_the_nas_still_waits() -> None:
    waiting = queue()
    waiting.put(queued(1))
    waiting.wanted(("10.0.0.1", 1), Instant(wall=0.0, monotonic=104.0))
    waiting.wanted(("10.0.0.9", 1), Instant(wall=0.0, monotonic=104.0))
    assert not waiting.take().is_stale(Instant(wall=0.0, monotonic=108.0))


def test_a_newer_request_in_the_same_place_supersedes_the_older_and_both_are_counted() -> None:
    waiting = queue(max_requests=8)
    older, newer = queued(1), queued(1, Lane.CONTINUATION)
    assert (waiting.put(older), waiting.put(newer), len(waiting)) == ("", "", 2)
    assert (older.superseded, newer.superseded) == (True, False)
    assert waiting.take() is newer
    assert len(waiting) == 1
    assert waiting.take() is older
    assert (len(waiting), waiting.octets) == (0, 0)


def test_one_place_cannot_be_used_to_get_round_the_limit() -> None:
    waiting = queue(max_requests=10)
    taken = [waiting.put(queued(1, Lane.CONTINUATION)) for _ in range(100)]
    assert taken.count("") == 10


def test_repeats_do_not_keep_a_request_waiting_longer_than_it_is_known() -> None:
    waiting = queue()
    waiting.put(queued(1))
    for second in range(0, 60, 4):
        waiting.wanted(("10.0.0.1", 1), Instant(wall=0.0, monotonic=100.0 + second))
    assert waiting.take().is_stale(Instant(wall=0.0, monotonic=126.0))


_steps = st.lists(
    st.one_of(st.just("take"), st.tuples(st.sampled_from(Lane), st.sampled_from("ab"), st.integers(20, 400))),
    max_size=60,
)


@given(_steps)
def test_whatever_comes_and_goes_the_books_stay_right(steps: list[str | tuple[Lane, str, int]]) -> None:
    waiting: WorkQueue[int] = WorkQueue(max_requests=8, max_octets=1_600, max_per_nas=3)
    inside: list[Queued[int]] = []
    for number, step in enumerate(steps):
        if isinstance(step, str):
            if inside:
                taken = waiting.take()
                assert taken is next(each for each in inside if (each.lane, each.nas) == (taken.lane, taken.nas))
                inside.remove(taken)
        else:
            lane, nas, octets = step
            item = queued(number, lane, nas, octets)
            if not waiting.put(item):
                inside.append(item)
        assert len(waiting) == len(inside) <= 8
        assert waiting.octets == sum(each.octets for each in inside) <= 1_600
        for lane, nas in product(Lane, "ab"):
            assert sum((each.lane, each.nas) == (lane, nas) for each in inside) <= 3
