"""One verdict for each question, the newest; fresh, stale, gone."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nacd.compliance.cache import Fresh, Lifetimes, Missing, Stale, VerdictCache
from nacd.values import NOT_ASKED, Compliance, ComplianceSource, ComplianceState, Instant

KEY = "guid:2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954"
WALL = 1_800_000_000.0


def at(seconds: float) -> Instant:
    return Instant(wall=WALL + seconds, monotonic=seconds)


def said(state: str, as_of: float = 0.0) -> Compliance:
    return Compliance(state=ComplianceState(state), as_of=WALL + as_of, source=ComplianceSource.LIVE)


@pytest.fixture
def cache() -> VerdictCache:
    return VerdictCache(Lifetimes(stale_for_s=1000.0), capacity=3)


def told(cache: VerdictCache, state: str, seconds: float, key: str = KEY) -> bool:
    return cache.replace(key, said(state, seconds), cache.ask(key, at(seconds)), at(seconds))


@pytest.mark.parametrize(
    ("state", "fresh_s"),
    [("compliant", 3600), ("noncompliant", 300), ("in_grace", 300), ("not_managed", 300), ("unknown", 120)],
)
def test_a_verdict_is_fresh_then_stale_then_gone(cache: VerdictCache, state: str, fresh_s: float) -> None:
    told(cache, state, 0)
    fresh = cache.find(KEY, at(fresh_s - 1))
    assert isinstance(fresh, Fresh)
    assert (fresh.compliance.source, fresh.compliance.as_of) == (ComplianceSource.CACHE, WALL)
    stale = cache.find(KEY, at(fresh_s))
    assert isinstance(stale, Stale)
    assert (stale.compliance.source, stale.compliance.state.value) == (ComplianceSource.STALE, state)
    assert isinstance(cache.find(KEY, at(fresh_s + 999)), Stale)
    assert cache.find(KEY, at(fresh_s + 1000)) == Missing()


def test_nothing_is_known_of_what_was_never_asked(cache: VerdictCache) -> None:
    assert cache.find(KEY, at(0)) == Missing(failed=NOT_ASKED)


def test_a_slow_answer_to_an_older_question_is_discarded(cache: VerdictCache) -> None:
    slow, quick = cache.ask(KEY, at(0)), cache.ask(KEY, at(1))
    assert cache.replace(KEY, said("noncompliant", 2), quick, at(2))
    assert not cache.replace(KEY, said("compliant", 3), slow, at(3))
    found = cache.find(KEY, at(3))
    assert isinstance(found, Fresh)
    assert found.compliance.state is ComplianceState.NONCOMPLIANT


def test_a_later_question_wins_over_an_earlier_one_that_was_answered_first(cache: VerdictCache) -> None:
    earlier, later = cache.ask(KEY, at(0)), cache.ask(KEY, at(1))
    assert cache.replace(KEY, said("compliant", 2), earlier, at(2))
    assert cache.replace(KEY, said("noncompliant", 3), later, at(3))


def test_unavailable_never_replaces_a_verdict_and_is_remembered_briefly(cache: VerdictCache) -> None:
    told(cache, "unknown", 0)
    assert not told(cache, "unavailable", 200)
    found = cache.find(KEY, at(201))
    assert isinstance(found, Stale)
    assert found.compliance.state is ComplianceState.UNKNOWN
    assert found.failed.state is ComplianceState.UNAVAILABLE
    later = cache.find(KEY, at(204))
    assert isinstance(later, Stale)
    assert later.failed == NOT_ASKED


def test_a_failure_alone_is_missing_but_remembered(cache: VerdictCache) -> None:
    told(cache, "unavailable", 0)
    assert cache.find(KEY, at(1)) == Missing(failed=said("unavailable", 0))
    assert cache.find(KEY, at(4)) == Missing()


def test_a_verdict_ends_the_memory_of_a_failure(cache: VerdictCache) -> None:
    told(cache, "unavailable", 0)
    told(cache, "compliant", 1)
    assert isinstance(cache.find(KEY, at(1)), Fresh)


def test_not_asked_is_never_kept(cache: VerdictCache) -> None:
    assert not cache.replace(KEY, NOT_ASKED, cache.ask(KEY, at(0)), at(0))
    assert not cache.adopt(KEY, NOT_ASKED, at(0))
    assert cache.find(KEY, at(0)) == Missing()


def test_a_verdict_from_elsewhere_is_as_old_as_its_date(cache: VerdictCache) -> None:
    assert cache.adopt(KEY, said("noncompliant", -200), at(0))
    assert isinstance(cache.find(KEY, at(99)), Fresh)
    assert isinstance(cache.find(KEY, at(100)), Stale)


def test_a_verdict_from_elsewhere_that_is_too_old_is_not_taken(cache: VerdictCache) -> None:
    assert not cache.adopt(KEY, said("noncompliant", -1300), at(0))
    assert cache.find(KEY, at(0)) == Missing()


def test_a_verdict_from_elsewhere_must_be_newer_than_ours(cache: VerdictCache) -> None:
    told(cache, "noncompliant", 10)
    assert not cache.adopt(KEY, said("compliant", 10), at(20))
    assert not cache.adopt(KEY, said("compliant", 5), at(20))
    assert cache.adopt(KEY, said("not_managed", 15), at(20))


def test_a_verdict_dated_in_the_future_is_stale(cache: VerdictCache) -> None:
    assert cache.adopt(KEY, said("compliant", 500), at(0))
    assert isinstance(cache.find(KEY, at(0)), Stale)


def test_a_verdict_dated_in_the_future_does_not_lock_newer_ones_out(cache: VerdictCache) -> None:
    cache.adopt(KEY, said("compliant", 500), at(0))
    assert cache.adopt(KEY, said("noncompliant", 20), at(10))
    assert told(cache, "noncompliant", 30)


def test_an_answer_under_way_is_older_than_a_verdict_taken_from_elsewhere(cache: VerdictCache) -> None:
    under_way = cache.ask(KEY, at(0))
    cache.adopt(KEY, said("noncompliant", 1), at(2))
    assert not cache.replace(KEY, said("compliant", 3), under_way, at(3))


def test_eviction_does_not_let_an_older_answer_in(cache: VerdictCache) -> None:
    slow = cache.ask(KEY, at(0))
    told(cache, "noncompliant", 1)
    for other in ("a", "b", "c"):
        told(cache, "compliant", 2, key=other)
    assert len(cache) == 3
    assert cache.find(KEY, at(2)) == Missing()
    assert not cache.replace(KEY, said("compliant", 3), slow, at(3))
    assert told(cache, "noncompliant", 4)


def test_a_wall_clock_that_jumps_changes_no_lifetime(cache: VerdictCache) -> None:
    told(cache, "compliant", 0)
    assert isinstance(cache.find(KEY, Instant(wall=0.0, monotonic=3599)), Fresh)
    assert isinstance(cache.find(KEY, Instant(wall=WALL * 2, monotonic=3599)), Fresh)


def test_no_lifetime_for_what_is_no_verdict() -> None:
    with pytest.raises(ValueError, match="no verdict"):
        Lifetimes().fresh_s(ComplianceState.UNAVAILABLE)


@settings(max_examples=60)
@given(st.permutations(range(6)), st.integers(min_value=0, max_value=5))
def test_in_whatever_order_answers_arrive_the_latest_question_that_was_answered_stands(
    order: list[int], failing: int
) -> None:
    cache = VerdictCache(Lifetimes())
    epochs = [cache.ask(KEY, at(0)) for _ in range(6)]
    answered: list[int] = []
    for asked in order:
        state = "unavailable" if asked == failing else "compliant"
        cache.replace(KEY, said(state, asked), epochs[asked], at(1))
        if asked != failing:
            answered.append(asked)
        found = cache.find(KEY, at(1))
        if answered:
            assert isinstance(found, Fresh)
            assert found.compliance.as_of == WALL + max(answered)
