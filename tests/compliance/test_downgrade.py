"""What the list of all noncompliant devices may do to verdicts: take good ones away, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from nacd.compliance.cache import Fresh, Lifetimes, Missing, Stale, VerdictCache
from nacd.values import Compliance, ComplianceSource, ComplianceState, Instant

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


def listed(as_of: float) -> Compliance:
    return Compliance(state=ComplianceState.NONCOMPLIANT, as_of=WALL + as_of, source=ComplianceSource.BULK)


@pytest.mark.parametrize("state", ["compliant", "in_grace"])
def test_the_list_takes_an_older_good_verdict_away_and_has_the_device_asked_about(
    cache: VerdictCache, state: str
) -> None:
    told(cache, state, 0)
    assert isinstance(cache.find(KEY, at(5)), Fresh)
    assert cache.downgrade(KEY, listed(10), at(20))
    found = cache.find(KEY, at(20))
    assert isinstance(found, Stale)
    assert (found.compliance.state.value, found.compliance.source) == ("noncompliant", ComplianceSource.BULK)
    assert told(cache, "compliant", 30)
    assert isinstance(cache.find(KEY, at(30)), Fresh)


@pytest.mark.parametrize("state", ["noncompliant", "not_managed", "unknown"])
def test_the_list_changes_nothing_that_is_not_good(cache: VerdictCache, state: str) -> None:
    told(cache, state, 0)
    assert not cache.downgrade(KEY, listed(10), at(20))
    assert isinstance(cache.find(KEY, at(20)), Fresh)


def test_the_list_says_nothing_of_devices_nobody_knows_here(cache: VerdictCache) -> None:
    assert not cache.downgrade(KEY, listed(10), at(20))
    assert cache.find(KEY, at(20)) == Missing()
    assert len(cache) == 0


def test_a_verdict_newer_than_the_list_stands(cache: VerdictCache) -> None:
    told(cache, "compliant", 10)
    assert not cache.downgrade(KEY, listed(10), at(20))
    assert not cache.downgrade(KEY, listed(9), at(20))
    assert isinstance(cache.find(KEY, at(20)), Fresh)


def test_a_good_verdict_of_unknown_age_does_not_stand_against_the_list(cache: VerdictCache) -> None:
    cache.adopt(KEY, said("compliant", 200), at(0))
    assert cache.downgrade(KEY, listed(10), at(20))


def test_an_answer_under_way_when_the_list_came_is_too_old(cache: VerdictCache) -> None:
    told(cache, "compliant", 0)
    under_way = cache.ask()
    assert cache.downgrade(KEY, listed(10), at(20))
    assert not cache.replace(KEY, said("compliant", 21), under_way, at(21))


def test_what_the_list_said_comes_back_from_disk_stale_and_as_the_lists_word(cache: VerdictCache) -> None:
    assert cache.adopt(KEY, listed(-100), at(0))
    found = cache.find(KEY, at(0))
    assert isinstance(found, Stale)
    assert found.compliance == listed(-100)
    assert cache.find(KEY, at(900)) == Missing(), "its age counts from its date"


@pytest.mark.parametrize("bad", [said("noncompliant"), replace(listed(0), state=ComplianceState.COMPLIANT)])
def test_nothing_else_may_be_called_a_downgrade(cache: VerdictCache, bad: Compliance) -> None:
    told(cache, "compliant", -5)
    with pytest.raises(ValueError, match="downgrades"):
        cache.downgrade(KEY, bad, at(0))


class Memory(RuleBasedStateMachine):
    """Whatever comes in whatever order: after a ``noncompliant`` nothing good comes that was asked for before it."""

    def __init__(self) -> None:
        super().__init__()
        self.cache = VerdictCache(Lifetimes(), capacity=3)
        self.now = 0.0
        self.under_way: list[tuple[str, int, float]] = []
        self.bad_since: dict[str, float] = {}

    def tick(self) -> float:
        self.now += 1.0
        return self.now

    @rule(key=st.sampled_from("abcde"))
    def ask(self, key: str) -> None:
        asked = self.tick()
        self.under_way.append((key, self.cache.ask(), asked))

    @rule(position=st.integers(0, 9), state=st.sampled_from(["compliant", "noncompliant", "in_grace", "unavailable"]))
    def answer(self, position: int, state: str) -> None:
        if position < len(self.under_way):
            key, epoch, asked = self.under_way.pop(position)
            answer = replace(said(state, self.tick()), detail=str(asked))
            if self.cache.replace(key, answer, epoch, at(self.now)) and state == "noncompliant":
                self.bad_since[key] = asked

    @rule(key=st.sampled_from("abcde"), ago=st.integers(0, 9))
    def list_comes(self, key: str, ago: int) -> None:
        if self.cache.downgrade(key, listed(self.tick() - ago), at(self.now)):
            self.bad_since[key] = self.now

    @invariant()
    def nothing_good_comes_back(self) -> None:
        assert len(self.cache) <= 3
        for key, since in self.bad_since.items():
            found = self.cache.find(key, at(self.now))
            if not isinstance(found, Missing) and found.compliance.state is not ComplianceState.NONCOMPLIANT:
                assert float(found.compliance.detail) > since


Memory.TestCase.settings = settings(max_examples=50, stateful_step_count=40, deadline=None)
TestInAnyOrder = Memory.TestCase
