"""One verdict for each question, the newest; fresh, stale, gone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nacd.compliance.cache import Entry, Fresh, Lifetimes, Missing, Stale, VerdictCache
from nacd.values import NOT_ASKED, Compliance, ComplianceSource, ComplianceState, DeviceFacts, Instant

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
    return cache.replace(key, said(state, seconds), cache.ask(), at(seconds))


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


def test_an_answer_that_was_long_on_its_way_is_fresh_for_so_much_less(cache: VerdictCache) -> None:
    cache.replace(KEY, said("compliant"), cache.ask(), at(15), age_s=15)
    assert isinstance(cache.find(KEY, at(3599)), Fresh)
    assert isinstance(cache.find(KEY, at(3600)), Stale)


def test_nothing_is_known_of_what_was_never_asked(cache: VerdictCache) -> None:
    assert cache.find(KEY, at(0)) == Missing(failed=NOT_ASKED)


def test_a_slow_answer_to_an_older_question_is_discarded(cache: VerdictCache) -> None:
    slow, quick = cache.ask(), cache.ask()
    assert cache.replace(KEY, said("noncompliant", 2), quick, at(2))
    assert not cache.replace(KEY, said("compliant", 3), slow, at(3))
    found = cache.find(KEY, at(3))
    assert isinstance(found, Fresh)
    assert found.compliance.state is ComplianceState.NONCOMPLIANT


def test_a_later_question_wins_over_an_earlier_one_that_was_answered_first(cache: VerdictCache) -> None:
    earlier, later = cache.ask(), cache.ask()
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
    assert not cache.replace(KEY, NOT_ASKED, cache.ask(), at(0))
    assert not cache.adopt(KEY, NOT_ASKED, at(0))
    assert cache.find(KEY, at(0)) == Missing()


def test_a_verdict_from_elsewhere_is_as_old_as_its_date(cache: VerdictCache) -> None:
    assert cache.adopt(KEY, said("noncompliant", -200), at(0))
    assert isinstance(cache.find(KEY, at(99)), Fresh)
    assert isinstance(cache.find(KEY, at(100)), Stale)


def test_a_verdict_from_elsewhere_that_is_too_old_is_not_taken(cache: VerdictCache) -> None:
    assert not cache.adopt(KEY, said("noncompliant", -1300), at(0))
    assert cache.find(KEY, at(0)) == Missing()


def test_a_verdict_dated_in_the_future_is_stale_and_a_good_one_far_ahead_is_nothing(cache: VerdictCache) -> None:
    assert cache.adopt(KEY, said("compliant", 200), at(0))
    assert isinstance(cache.find(KEY, at(0)), Stale)
    assert not cache.adopt("other", said("compliant", 500), at(0))
    assert cache.adopt("third", said("noncompliant", 500), at(0))


def test_whatever_was_asked_is_newer_than_what_lay_on_disk(cache: VerdictCache) -> None:
    under_way = cache.ask()
    assert cache.adopt(KEY, said("compliant", -60), at(2))
    assert cache.replace(KEY, said("noncompliant", 3), under_way, at(3))
    assert not cache.adopt(KEY, said("compliant", 4), at(4)), "something is known already"


def test_eviction_does_not_let_an_older_answer_in(cache: VerdictCache) -> None:
    slow = cache.ask()
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


def in_grace(as_of: float, until: float) -> Compliance:
    return replace(said("in_grace", as_of), grace_until=WALL + until)


@pytest.mark.parametrize(("until", "fresh_s"), [(1000, 300), (300, 300), (120, 120), (0.5, 0.5)])
def test_in_grace_is_not_fresh_beyond_the_end_of_its_grace(cache: VerdictCache, until: float, fresh_s: float) -> None:
    cache.replace(KEY, in_grace(0, until), cache.ask(), at(0))
    assert isinstance(cache.find(KEY, at(fresh_s - 0.1)), Fresh)
    assert isinstance(cache.find(KEY, at(fresh_s)), Stale if until > fresh_s else Missing)


def test_a_grace_that_has_ended_is_no_verdict_any_more_not_even_a_stale_one(cache: VerdictCache) -> None:
    cache.replace(KEY, in_grace(0, 900), cache.ask(), at(0))
    assert isinstance(cache.find(KEY, at(899)), Stale)
    assert isinstance(cache.find(KEY, at(900)), Missing)


def test_facts_of_the_device_come_back_with_the_verdict(cache: VerdictCache) -> None:
    device = DeviceFacts(name="LAPTOP-7Q", operating_system="Windows")
    cache.replace(KEY, replace(said("compliant"), device=device, provider="graph"), cache.ask(), at(0))
    fresh = cache.find(KEY, at(1))
    assert isinstance(fresh, Fresh)
    assert (fresh.compliance.device, fresh.compliance.provider) == (device, "graph")
    assert cache.find(KEY, at(2)) == fresh


# -- looking at what is there ----------------------------------------------------------------------


def test_an_entry_shows_what_lies_there_and_for_how_long(cache: VerdictCache) -> None:
    cache.adopt(KEY, said("noncompliant", -100), at(0))
    assert cache.entry(KEY, at(50)) == Entry(
        key=KEY, compliance=said("noncompliant", -100), age_s=150.0, fresh_for_s=150.0, gone_in_s=1150.0
    )
    stale = cache.entry(KEY, at(300))
    assert isinstance(stale, Entry)
    assert (stale.fresh_for_s, stale.gone_in_s) == (0.0, 900.0)
    assert cache.entry(KEY, at(1200)) == Missing()
    assert cache.entry("stranger", at(0)) == Missing()


def test_an_entry_dated_in_the_future_has_no_age(cache: VerdictCache) -> None:
    cache.adopt(KEY, said("compliant", 200), at(0))
    entry = cache.entry(KEY, at(0))
    assert isinstance(entry, Entry)
    assert entry.age_s == 0.0


def test_the_newest_come_last_first_and_each_once(cache: VerdictCache) -> None:
    for seconds, key in enumerate(["a", "b", "a", "c"]):
        told(cache, "compliant", seconds, key)
    assert [entry.key for entry in cache.newest(5, at(9))] == ["c", "a", "b"]
    assert [entry.key for entry in cache.newest(2, at(9))] == ["c", "a"]
    told(cache, "compliant", 10, "d")
    assert [entry.key for entry in cache.newest(5, at(10))] == ["d", "c", "a"], "the one that gave room is left out"


def test_many_failures_are_not_remembered_for_ever() -> None:
    cache = VerdictCache(Lifetimes(failure_memory_s=5.0))
    for number in range(20_000):
        cache.replace(str(number), said("unavailable"), 1, at(0))
    assert len(cache._failures) == 10_000
    assert cache.find("0", at(1)) == Missing()
    cache.replace("last", said("unavailable"), 1, at(6))
    assert len(cache._failures) == 1


def test_what_was_just_answered_is_not_answered_from_memory_when_it_is_replaced(cache: VerdictCache) -> None:
    """Answers that were handed out are kept by row, and rows change hands."""
    for number in range(20):
        key = f"k{number}"
        told(cache, "compliant", number, key)
        assert isinstance(cache.find(key, at(number)), Fresh)
        told(cache, "noncompliant", number + 0.5, key)
        found = cache.find(key, at(number + 0.5))
        assert isinstance(found, Fresh)
        assert found.compliance == replace(said("noncompliant", number + 0.5), source=ComplianceSource.CACHE)


@settings(max_examples=60)
@given(st.permutations(range(6)), st.integers(min_value=0, max_value=5))
def test_in_whatever_order_answers_arrive_the_latest_question_that_was_answered_stands(
    order: list[int], failing: int
) -> None:
    cache = VerdictCache(Lifetimes())
    epochs = [cache.ask() for _ in range(6)]
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


def test_where_groups_could_not_be_told_it_is_asked_again_soon() -> None:
    cache = VerdictCache(Lifetimes(compliant_s=3600.0, unknown_s=120.0))
    doubtful = replace(said("compliant", 0), device=DeviceFacts(groups_doubt="graph is failing"))
    assert cache.replace(KEY, doubtful, cache.ask(), at(0))
    assert isinstance(cache.find(KEY, at(119)), Fresh)
    assert isinstance(cache.find(KEY, at(121)), Stale)
