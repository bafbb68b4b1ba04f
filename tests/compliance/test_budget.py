"""Questions a second: the long run, the burst, and what a 429 does."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nacd.compliance.budget import Budget
from nacd.values import Instant


def at(seconds: float) -> Instant:
    return Instant(wall=0.0, monotonic=1e6 + seconds)


def taken(budget: Budget, seconds: float) -> int:
    count = 0
    while budget.take(at(seconds)):
        count += 1
    return count


def test_one_seconds_worth_may_go_at_once_and_no_more() -> None:
    budget = Budget(50)
    assert taken(budget, 0) == 50
    assert taken(budget, 0) == 0
    assert taken(budget, 1000) == 50


def test_after_the_burst_they_go_at_the_rate() -> None:
    budget = Budget(50)
    taken(budget, 0)
    assert taken(budget, 0.1) == 5
    assert taken(budget, 0.5) == 20


def test_less_than_one_a_second_still_lets_one_through() -> None:
    budget = Budget(0.5)
    assert taken(budget, 0) == 1
    assert budget.wait_s(at(0)) == pytest.approx(2.0)
    assert taken(budget, 1.9) == 0
    assert taken(budget, 2.0) == 1


def test_thousands_of_fractions_add_up() -> None:
    budget = Budget(30)
    taken(budget, 0)
    count = sum(taken(budget, step * 0.007) for step in range(1, 20_001))
    assert count == 30 * 140


def test_a_throttle_halves_the_rate_at_most_once_a_second() -> None:
    budget = Budget(40)
    budget.throttled(at(0))
    budget.throttled(at(0.9))
    assert budget.rate == 20
    budget.throttled(at(1.0))
    assert budget.rate == 10
    assert taken(budget, 1.0) == 10, "what was saved up for the faster rate is gone"


def test_the_rate_never_falls_below_one_a_second() -> None:
    budget, slow = Budget(40), Budget(0.25)
    for second in range(20):
        budget.throttled(at(second))
        slow.throttled(at(second))
    assert budget.rate == 1.0
    assert slow.rate == 0.25


def test_the_rate_rises_slowly_again_and_not_beyond_what_was_configured() -> None:
    budget = Budget(40)
    budget.throttled(at(0))
    rates = []
    for second in (9.9, 10, 19.9, 20, 99.9, 100, 500):
        budget.wait_s(at(second))
        rates.append(budget.rate)
    assert rates == pytest.approx([20, 22, 22, 24, 38, 40, 40])
    assert budget.full_rate == 40


def test_each_throttle_delays_the_rise() -> None:
    budget = Budget(40)
    budget.throttled(at(0))
    budget.throttled(at(0.5))
    budget.wait_s(at(10.4))
    assert budget.rate == 20
    budget.wait_s(at(10.5))
    assert budget.rate == 22


@pytest.mark.parametrize("bad", [0, -1, float("nan")])
def test_a_budget_of_nothing_is_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="more than 0"):
        Budget(bad)


STEPS = st.lists(
    st.tuples(st.sampled_from(["take", "take", "wait", "throttled"]), st.floats(0, 3)), min_size=10, max_size=60
)


@settings(max_examples=50, deadline=None)
@given(st.floats(0.2, 200), STEPS)
def test_never_more_than_the_rate_allows_and_who_waits_as_told_is_let_through(
    per_s: float, steps: list[tuple[str, float]]
) -> None:
    budget, now, count = Budget(per_s), 0.0, 0
    for what, seconds in steps:
        now += seconds
        if what == "throttled":
            budget.throttled(at(now))
        elif what == "take":
            count += budget.take(at(now))
        else:
            now += budget.wait_s(at(now))
            assert budget.take(at(now))
            count += 1
        assert count <= max(1.0, per_s) + per_s * now + 0.01
        assert min(per_s, 1.0) <= budget.rate <= per_s
