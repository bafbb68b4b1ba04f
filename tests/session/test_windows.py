"""When a NAS may be asked."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nacd.session.windows import WEEK, Window, Windows

DAY = 24 * 60
MONDAY, SUNDAY = 0, 6


def window(days: set[int], begins: int, ends: int) -> Window:
    return Window(days=frozenset(days), begins=begins, ends=ends)


def test_a_window_is_open_from_its_first_minute_to_before_its_last() -> None:
    night = window({MONDAY}, 60, 120)
    assert [night.is_open(minute) for minute in (59, 60, 119, 120, DAY + 60)] == [False, True, True, False, False]


def test_a_window_may_go_on_past_midnight_and_past_the_end_of_the_week() -> None:
    late = window({SUNDAY}, 23 * 60, 60)
    assert late.is_open(6 * DAY + 23 * 60)
    assert late.is_open(59)
    assert not late.is_open(60)
    assert not late.is_open(6 * DAY)


def test_a_whole_day_is_from_midnight_to_midnight() -> None:
    for whole in (window({1}, 0, 0), window({1}, 0, DAY)):
        assert sum(whole.is_open(minute) for minute in range(WEEK)) == DAY
        assert whole.is_open(DAY)


def test_without_any_window_it_is_always_open() -> None:
    assert Windows().is_open(1234)
    assert Windows().opens_in(1234) == 0


@settings(max_examples=50, deadline=None)
@given(
    st.sets(st.integers(0, 6), min_size=1),
    st.integers(0, DAY - 1),
    st.integers(0, DAY),
    st.integers(0, WEEK - 1),
)
def test_it_opens_when_it_says_and_not_before(days: set[int], begins: int, ends: int, now: int) -> None:
    windows = Windows(windows=(window(days, begins, ends),))
    wait = windows.opens_in(now)
    assert windows.is_open((now + wait) % WEEK)
    assert wait == 0 or not windows.is_open((now + wait - 1) % WEEK)
    assert (wait == 0) == windows.is_open(now)


@pytest.mark.parametrize(
    ("days", "begins", "ends"), [(set(), 0, 1), ({7}, 0, 1), ({1}, DAY, 1), ({1}, -1, 1), ({1}, 0, DAY + 1)]
)
def test_a_window_that_is_none_is_refused(days: Any, begins: int, ends: int) -> None:
    with pytest.raises(ValueError, match="window"):
        window(days, begins, ends)
