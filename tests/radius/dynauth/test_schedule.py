"""The back-off of RFC 5080 section 2.2.1."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nacd.radius.dynauth.schedule import DEFAULT, Attempt, Timing, first, following

jitters = st.floats(-0.1, 0.1)


def whole(timing: Timing, jitter: list[float], began: float = 0.0) -> list[Attempt]:
    """All transmissions of a request that nobody answers, each at the moment that is due."""
    attempts = [first(timing, began, jitter[0])]
    for number in range(1, 100):
        after = following(timing, attempts[-1], attempts[-1].next_at, jitter[number % len(jitter)])
        if after is None:
            return attempts
        attempts.append(after)
    raise AssertionError("it never gives up")


def test_without_jitter_the_waits_double_and_the_end_is_after_thirty_seconds() -> None:
    attempts = whole(DEFAULT, [0.0], began=100.0)
    assert [attempt.next_at for attempt in attempts] == [102.0, 106.0, 114.0, 130.0]
    assert [attempt.last for attempt in attempts] == [False, False, False, True]


def test_with_the_shortest_jitter_a_fifth_transmission_fits_and_no_sixth() -> None:
    attempts = whole(DEFAULT, [-0.1])
    assert len(attempts) == 5
    assert attempts[-1].last
    assert attempts[-1].next_at <= 30.0


def test_no_wait_is_longer_than_the_longest_with_its_jitter() -> None:
    attempts = whole(Timing(mrc=20, mrd_s=1000.0), [0.1])
    assert max(attempt.wait_s for attempt in attempts) == pytest.approx(16.0 * 1.1)


@pytest.mark.parametrize("count", [1, 3])
def test_after_the_most_transmissions_there_is_only_the_wait_for_the_last(count: int) -> None:
    attempts = whole(Timing(mrc=count, mrd_s=1000.0), [0.0])
    assert [attempt.last for attempt in attempts] == [False] * (count - 1) + [True]


@given(st.lists(jitters, min_size=1, max_size=8), st.floats(0, 1e9))
def test_there_are_never_more_than_five_and_never_later_than_thirty_seconds(jitter: list[float], began: float) -> None:
    attempts = whole(DEFAULT, jitter, began)
    assert [attempt.number for attempt in attempts] == list(range(1, len(attempts) + 1))
    assert len(attempts) <= 5
    assert attempts[-1].next_at <= began + 30.0
    assert all(earlier.next_at < later.next_at for earlier, later in pairwise(attempts))
    assert 1.8 <= attempts[0].wait_s <= 2.2


@given(jitters)
def test_a_loop_that_woke_up_too_late_gives_up_instead_of_sending(jitter: float) -> None:
    assert following(DEFAULT, first(DEFAULT, 0.0, jitter), 31.0, jitter) is None


@pytest.mark.parametrize("jitter", [-0.11, 0.2, float("nan")])
def test_jitter_outside_its_range_is_refused(jitter: float) -> None:
    with pytest.raises(ValueError, match="jitter"):
        first(DEFAULT, 0.0, jitter)


@pytest.mark.parametrize("wrong", [{"irt_s": 0}, {"mrc": 0}, {"mrd_s": -1}, {"mrt_s": 0}])
def test_timing_without_time_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="positive"):
        Timing(**wrong)
