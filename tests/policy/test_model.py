from __future__ import annotations

from datetime import UTC

import pytest

from nacd.policy.answered import LastSync, VerdictAge
from nacd.policy.conditions import AccessIs, NasIs
from nacd.policy.during import During, Hours
from nacd.policy.evaluate import evaluate
from nacd.policy.model import TAKEN, Policy, Rule
from nacd.values import AccessKind, Nas

MAB = AccessIs(kinds=(AccessKind.MAB,))
NAS = Nas(name="switch", vendor="generic")


@pytest.mark.parametrize("name", TAKEN)
def test_no_rule_is_called_as_what_is_decided_without_a_rule(rule, name: str) -> None:
    with pytest.raises(ValueError, match=name):
        rule(name, MAB)


@pytest.mark.parametrize(("name", "then"), [("", "corporate"), ("r", "")])
def test_a_rule_needs_a_name_and_an_outcome(name: str, then: str) -> None:
    with pytest.raises(ValueError, match="needs a name"):
        Rule(name=name, line=1, conditions=(), then=then)


def test_a_rule_has_no_condition_twice(rule) -> None:
    with pytest.raises(ValueError, match="twice"):
        rule("r", MAB, MAB)


def test_two_rules_of_one_name_are_no_policy(rule, policy) -> None:
    with pytest.raises(ValueError, match="same name"):
        policy(rule("r", MAB), rule("r", MAB))


def test_a_policy_without_a_digest_is_none(rule) -> None:
    with pytest.raises(ValueError, match="digest"):
        Policy(rules=(), digest="")


NIGHT = During(hours=(Hours(days=frozenset(range(7)), begins=22 * 60, ends=5 * 60),), zone=UTC, zone_name="UTC")


def test_what_is_narrowed_once_for_a_nas_is_asked_the_time_each_time(rule, policy, facts) -> None:
    night = policy(rule("night", MAB, NIGHT), rule("day", MAB, then="deny"))
    by_night, by_day = (facts(access=AccessKind.MAB, nas=NAS, at=86_400.0 * 9 + hour * 3600) for hour in (23, 12))
    found = [evaluate(night, each).rule for each in (by_day, by_night, by_day, by_night)]
    assert found == ["day", "night", "day", "night"]
    assert len(night._compiled._known) == 1


def test_a_policy_says_whether_time_alone_changes_its_decisions(rule, policy) -> None:
    old, synced = VerdictAge(limit_s=60.0, over=True), LastSync(limit_s=60.0, over=False)
    for condition, clock, time in ((MAB, False, False), (NIGHT, True, True), (old, False, True), (synced, False, True)):
        made = policy(rule("r", MAB), rule("s", condition, NasIs(names=frozenset({"x"}))))
        assert (made.asks_the_clock, made.depends_on_time) == (clock, time)
