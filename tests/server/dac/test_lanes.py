"""The pace of one address."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nacd.server.dac.lanes import JUNK_MAX, Lane, Target
from nacd.server.dac.sockets import Address

PEER = Address("127.0.0.1", 3799)


def lane() -> Lane:
    return Lane(nas="nas", source="", peer=PEER)


@given(st.floats(0.5, 1000.0), st.integers(1, 50), st.floats(0, 1e6))
def test_after_a_quiet_time_as_many_leave_at_once_as_may_be_under_way_then_at_the_rate(
    rate_per_s: float, concurrent: int, now: float
) -> None:
    target = Target(nas="nas", host="127.0.0.1", rate_per_s=rate_per_s, concurrent=concurrent)
    one = lane()
    for _ in range(concurrent):
        assert one.wait_s(target, now) < 1e-6
        one.charge(target, now)
    assert one.wait_s(target, now) == pytest.approx(1 / rate_per_s, rel=1e-3, abs=1e-6)


@given(st.lists(st.floats(0, 2.0), min_size=30, max_size=60))
def test_in_no_second_more_leave_than_rate_and_burst_allow(pauses_s: list[float]) -> None:
    target = Target(nas="nas", host="127.0.0.1", rate_per_s=5.0, concurrent=3)
    one, now, left = lane(), 0.0, []
    for pause_s in pauses_s:
        now += pause_s
        now += one.wait_s(target, now)
        one.charge(target, now)
        left.append(now)
    for begin in left:
        assert sum(begin <= at < begin + 1.0 for at in left) <= 5 + 3


def test_a_lane_that_sends_much_junk_is_set_apart() -> None:
    one = lane()
    assert not one.apart
    one.junk = JUNK_MAX
    assert one.apart


def test_a_lane_is_idle_when_nothing_waits_and_nothing_is_under_way() -> None:
    one = lane()
    assert one.idle
    one.in_flight = 1
    assert not one.idle


@pytest.mark.parametrize("wrong", [{"rate_per_s": 0}, {"concurrent": 0}, {"port": 0}, {"port": 65_536}])
def test_a_target_without_rate_place_or_port_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="positive"):
        Target(nas="nas", host="127.0.0.1", **wrong)
