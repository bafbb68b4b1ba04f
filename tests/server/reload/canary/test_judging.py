"""Whether shares have moved: surely, and by more than they may."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nacd.server.reload.canary.judging import (
    LAST_Z,
    MEANWHILE_Z,
    Limits,
    difference,
    moved,
    too_few,
    wilson,
)

USUAL = Limits(max_change=0.2, min_sample=20)
OUTCOMES = st.sampled_from(["rejected", "unfinished", "profile corporate", "profile guests"])
COUNTS = st.dictionaries(OUTCOMES, st.integers(0, 500), min_size=1)
LIMITS = st.builds(Limits, max_change=st.floats(0.01, 1.0), min_sample=st.integers(1, 200))
SHARE = st.integers(1, 2_000).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of)))


# -- the intervals ------------------------------------------------------------------------------


def test_the_intervals_are_those_of_the_literature() -> None:
    """Newcombe, Interval estimation for the difference between independent proportions, Statistics in Medicine 17
    (1998), table II, method 10, contrasts (a), (d) and (h): 56/70 - 48/80, 9/10 - 3/10, 10/10 - 0/10 at 95 %."""
    z = 1.959964
    assert difference(48, 80, 56, 70, z) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    assert difference(3, 10, 9, 10, z) == pytest.approx((0.1705, 0.8090), abs=5e-5)
    assert difference(0, 10, 10, 10, z) == pytest.approx((0.6075, 1.0000), abs=5e-5)


@given(SHARE, st.floats(0.5, 5.0))
def test_an_interval_holds_the_share_that_was_seen_and_stays_within_none_and_all(
    seen: tuple[int, int], z: float
) -> None:
    low, high = wilson(*seen, z)
    assert 0.0 <= low <= seen[0] / seen[1] <= high <= 1.0


@given(SHARE, SHARE, st.floats(0.5, 5.0))
def test_the_interval_of_a_difference_holds_it_and_is_mirrored_when_the_two_change_places(
    one: tuple[int, int], other: tuple[int, int], z: float
) -> None:
    low, high = difference(*one, *other, z)
    apart = other[0] / other[1] - one[0] / one[1]
    assert low <= apart <= high
    back = difference(*other, *one, z)
    assert back == pytest.approx((-high, -low))


# -- the rule -------------------------------------------------------------------------------------


@given(COUNTS, COUNTS, LIMITS, st.booleans())
def test_what_has_moved_is_beyond_the_limit_and_beyond_chance(
    before: dict[str, int], during: dict[str, int], limits: Limits, last: bool
) -> None:
    found = moved(before, during, limits, last=last)
    if too_few(before, during, limits):
        assert found == ()
        return
    whole, part, z = sum(before.values()), sum(during.values()), LAST_Z if last else MEANWHILE_Z
    named = {each.outcome for each in found}
    for outcome in {*before, *during}:
        was, now = before.get(outcome, 0), during.get(outcome, 0)
        low, high = difference(was, whole, now, part, z)
        sure = low > 0.0 or high < 0.0
        assert (outcome in named) == (sure and abs(now / part - was / whole) > limits.max_change)
    sizes = [abs(each.during - each.before) for each in found]
    assert sizes == sorted(sizes, reverse=True)


@given(COUNTS, st.integers(1, 20), LIMITS)
def test_the_same_shares_have_not_moved_however_many_answers_there_are(
    before: dict[str, int], times: int, limits: Limits
) -> None:
    assert moved(before, {outcome: count * times for outcome, count in before.items()}, limits) == ()


@given(COUNTS, COUNTS)
def test_the_last_look_is_the_stricter_one(before: dict[str, int], during: dict[str, int]) -> None:
    meanwhile = {each.outcome for each in moved(before, during, USUAL)}
    assert meanwhile <= {each.outcome for each in moved(before, during, USUAL, last=True)}


@given(COUNTS, COUNTS)
def test_nothing_moves_by_more_than_all_of_it(before: dict[str, int], during: dict[str, int]) -> None:
    assert moved(before, during, Limits(max_change=1.0, min_sample=1), last=True) == ()


def test_a_policy_that_refuses_everybody_is_found_with_the_least_sample() -> None:
    (refused, given_up) = moved({"profile corporate": 200}, {"rejected": 20}, USUAL)
    assert {refused.outcome, given_up.outcome} == {"rejected", "profile corporate"}
    assert "rejected: 0% of its answers before, 100% now" in {str(refused), str(given_up)}


@pytest.mark.parametrize(("before", "during"), [(19, 100), (100, 19), (0, 100), (100, 0)])
def test_with_too_few_answers_nothing_is_said_and_why_is_told(before: int, during: int) -> None:
    was, now = {"profile corporate": before}, {"rejected": during}
    assert moved(was, now, USUAL, last=True) == ()
    fewer = min(before, during)
    assert f"{fewer} answers {'before' if before == fewer else 'now'}, and 20 are needed" in too_few(was, now, USUAL)


def test_noise_does_not_trip_it_over_a_whole_canary() -> None:
    """Unchanged shares of 70, 20 and 10 percent, looked at after every fifth answer: hundreds of
    such canaries would see hardly one taken back."""
    dice = random.Random(20)
    outcomes, weights = ("profile corporate", "profile quarantine", "rejected"), (70, 20, 10)
    taken_back = 0
    for _ in range(300):
        before = dict.fromkeys(outcomes, 0)
        for outcome in dice.choices(outcomes, weights, k=60):
            before[outcome] += 1
        during = dict.fromkeys(outcomes, 0)
        for number, outcome in enumerate(dice.choices(outcomes, weights, k=200), start=1):
            during[outcome] += 1
            if number % 5 == 0 and moved(before, during, USUAL):
                taken_back += 1
                break
    assert taken_back <= 3


@pytest.mark.parametrize("wrong", [{"max_change": 0.0}, {"max_change": 1.1}, {"min_sample": 0}])
def test_limits_that_limit_nothing_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="is the least"):
        Limits(**{"max_change": 0.2, "min_sample": 20, **wrong})  # type: ignore[arg-type]
