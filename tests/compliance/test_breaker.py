"""The breaker, as a machine of three states."""

from __future__ import annotations

import copy

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from nacd.compliance.breaker import Breaker, BreakerOptions, BreakerState
from nacd.values import Instant

OPTIONS = BreakerOptions(failures_to_open=3, open_s=10.0, max_open_s=35.0, probe_limit_s=30.0)


def at(seconds: float) -> Instant:
    return Instant(wall=0.0, monotonic=seconds)


@pytest.fixture
def opened() -> Breaker:
    """Opened at second 0, so the probe is due at 10."""
    breaker = Breaker(OPTIONS)
    for _ in range(3):
        breaker.failed(at(0), breaker.admit(at(0)))
    return breaker


def test_failures_in_a_row_open_it_and_a_success_between_them_does_not() -> None:
    breaker = Breaker(OPTIONS)
    for _ in range(10):
        breaker.failed(at(0), breaker.admit(at(0)))
        breaker.failed(at(0), breaker.admit(at(0)))
        breaker.succeeded(at(0), breaker.admit(at(0)))
    assert breaker.admit(at(0))
    assert breaker.state is BreakerState.CLOSED


def test_open_refuses_until_its_time_is_up_then_lets_one_probe_through(opened: Breaker) -> None:
    assert not opened.admit(at(9.9))
    assert opened.admit(at(10))
    assert not opened.admit(at(10))
    assert opened.state is BreakerState.PROBING


def test_a_probe_that_succeeds_closes(opened: Breaker) -> None:
    opened.succeeded(at(11), opened.admit(at(10)))
    assert opened.state is BreakerState.CLOSED
    assert all(opened.admit(at(11)) for _ in range(5))


def test_each_probe_that_fails_doubles_the_wait_up_to_the_ceiling(opened: Breaker) -> None:
    now, waits = 10, []
    for _ in range(4):
        opened.failed(at(now), opened.admit(at(now)))
        wait = next(wait for wait in range(100) if copy.copy(opened).admit(at(now + wait)))
        waits.append(wait)
        now += wait
    assert waits == [20, 35, 35, 35]


def test_late_news_of_calls_made_before_changes_nothing_while_open(opened: Breaker) -> None:
    before = 1
    opened.succeeded(at(1), before)
    opened.failed(at(2), before)
    assert not opened.admit(at(9.9))
    assert opened.admit(at(10))


def test_news_of_calls_made_before_is_not_taken_for_the_probes(opened: Breaker) -> None:
    before, probe = 1, opened.admit(at(10))
    opened.failed(at(11), before)
    opened.abandoned(at(11), before)
    opened.succeeded(at(11), before)
    assert (opened.state, opened.admit(at(12))) == (BreakerState.PROBING, 0)
    opened.succeeded(at(12), probe)
    for _ in range(9):
        opened.failed(at(13), before)
    assert opened.state is BreakerState.CLOSED


def test_a_probe_that_vanished_is_replaced(opened: Breaker) -> None:
    opened.admit(at(10))
    assert not opened.admit(at(39.9))
    assert opened.admit(at(40))
    assert not opened.admit(at(41))


def test_an_abandoned_probe_makes_room_at_once(opened: Breaker) -> None:
    opened.abandoned(at(11), opened.admit(at(10)))
    assert opened.admit(at(11))
    assert not opened.admit(at(11))


def test_it_says_how_long_it_is_until_the_next_probe(opened: Breaker) -> None:
    assert Breaker(OPTIONS).left_s(at(5)) == 0.0
    assert opened.left_s(at(3)) == 7.0
    assert opened.left_s(at(12)) == 0.0
    probe = opened.admit(at(12))
    assert opened.left_s(at(13)) == 29.0, "until the probe that was let through counts as lost"
    opened.failed(at(14), probe)
    assert opened.left_s(at(14)) == 20.0
    opened.succeeded(at(35), opened.admit(at(34)))
    assert opened.left_s(at(35)) == 0.0


@pytest.mark.parametrize(
    "bad", [{"failures_to_open": 0}, {"open_s": 0.0}, {"open_s": 99.0, "max_open_s": 1.0}, {"probe_limit_s": 0.0}]
)
def test_options_that_make_no_sense_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="positive"):
        BreakerOptions(**bad)  # type: ignore[arg-type]


class Machine(RuleBasedStateMachine):
    """Whatever is reported in whatever order, never two probes within the probe limit, and no dead end."""

    def __init__(self) -> None:
        super().__init__()
        self.breaker = Breaker(OPTIONS)
        self.now = 0.0
        self.probe_out_since = -1.0
        self.calls = [0]

    @rule(seconds=st.floats(min_value=0, max_value=20))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def call(self) -> None:
        before, call = self.breaker.state, self.breaker.admit(at(self.now))
        self.calls.append(call)
        if call and before is not BreakerState.CLOSED:
            if self.probe_out_since >= 0:
                assert self.now - self.probe_out_since >= OPTIONS.probe_limit_s - 1e-6
            self.probe_out_since = self.now

    @rule(report=st.sampled_from(["succeeded", "failed", "abandoned"]), back=st.integers(1, 5))
    def report(self, report: str, back: int) -> None:
        call = self.calls[-min(back, len(self.calls))]
        getattr(self.breaker, report)(at(self.now), call)
        if self.breaker.state is not BreakerState.PROBING or (report == "abandoned" and call == max(self.calls)):
            self.probe_out_since = -1.0

    @invariant()
    def there_is_always_a_way_back(self) -> None:
        patience = max(OPTIONS.max_open_s, OPTIONS.probe_limit_s)
        left_s = self.breaker.left_s(at(self.now))
        assert 0 <= left_s <= patience
        assert copy.copy(self.breaker).admit(at(self.now + left_s + 1e-6))
        assert left_s < 1e-6 or not copy.copy(self.breaker).admit(at(self.now + left_s * 0.99))
        assert copy.copy(self.breaker).admit(at(self.now + patience))


Machine.TestCase.settings = settings(max_examples=30, stateful_step_count=30, deadline=None)
TestAnyOrder = Machine.TestCase
