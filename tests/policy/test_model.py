from __future__ import annotations

from datetime import UTC

import pytest

from nacd.policy.answered import ComplianceIs, LastSync, SystemIs, VerdictAge
from nacd.policy.conditions import AccessIs, GroupIs, MacIn, MacMatches, NasIs, SsidIs, UserMatches
from nacd.policy.during import During, Hours
from nacd.policy.evaluate import evaluate
from nacd.policy.model import Policy, Rule
from nacd.values import AccessKind, ComplianceState, Nas

MAB = AccessIs(kinds=(AccessKind.MAB,))
NAS = Nas(name="switch", vendor="generic")


def test_no_rule_may_be_called_default_deny(rule) -> None:
    with pytest.raises(ValueError, match="default-deny"):
        rule("default-deny", MAB)


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


def test_a_step_runs_cheap_tests_first_and_keeps_compliance_apart(rule, policy, facts) -> None:
    compliant = ComplianceIs(states=(ComplianceState.COMPLIANT,))
    fits, ssid = UserMatches(patterns=("x",)), SsidIs(names=frozenset({"corp"}))
    ((_, step),) = policy(rule("r", fits, compliant, ssid)).steps(AccessKind.MAB, NAS).of("")
    seen = facts(access=AccessKind.MAB, ssid="corp", user="y")
    assert [test(seen) for test in step.tests] == [True, False]
    assert step.states == (ComplianceState.COMPLIANT,)


def test_naming_every_compliance_state_is_not_caring(rule, policy) -> None:
    ((_, step),) = policy(rule("r", MAB, ComplianceIs(states=tuple(ComplianceState)))).steps(AccessKind.MAB, NAS).of("")
    assert step.states == ()


def test_what_is_asked_of_the_answer_beside_its_state_is_tested_late(rule, policy, facts) -> None:
    windows = SystemIs(systems=frozenset({"Windows"}))
    ((_, step),) = policy(rule("r", windows, MAB, UserMatches(patterns=("x",)))).steps(AccessKind.MAB, NAS).of("")
    assert step.states == ()
    assert [test(facts(user="x")) for test in step.tests] == [True]
    assert [test(facts(user="x")) for test in step.late] == [False]


def test_a_rule_that_still_waits_does_not_end_the_steps(rule, policy) -> None:
    waits = rule("waits", MAB, VerdictAge(limit_s=1.0, over=False))
    assert names(policy(waits, rule("all", MAB), rule("never", MAB))) == ["waits", "all"]


def test_a_rule_that_no_answer_can_meet_is_no_step(rule, policy) -> None:
    nothing_said = ComplianceIs(states=(ComplianceState.UNAVAILABLE,))
    assert names(policy(rule("r", nothing_said, VerdictAge(limit_s=1.0, over=True)), rule("all", MAB))) == ["all"]


def names(policy: Policy, mac: str = "", nas: Nas = NAS) -> list[str]:
    return [step.rule.name for _, step in policy.steps(AccessKind.MAB, nas).of(mac)]


def test_rules_of_other_nases_and_access_kinds_are_no_steps_here(rule, policy) -> None:
    elsewhere = rule("elsewhere", GroupIs(groups=frozenset({"branch"})))
    other_nas = rule("other nas", NasIs(names=frozenset({"wlc"})))
    other_kind = rule("other kind", AccessIs(kinds=(AccessKind.VPN,)))
    here = rule("here", MAB, NasIs(names=frozenset({"switch"})), SsidIs(names=frozenset({"corp"})))
    behind_a_catch_all = rule("never", MAB)
    made = policy(elsewhere, other_nas, other_kind, here, rule("all", MAB), behind_a_catch_all)
    assert names(made) == ["here", "all"]


def test_rules_that_name_macs_are_found_by_the_mac_in_the_order_of_the_rules(rule, policy) -> None:
    made = policy(
        rule("maker", MacMatches(patterns=("AA-BB-CC-*", "AA-BB-*"))),
        rule("corp", SsidIs(names=frozenset({"corp"}))),
        rule("one", MacMatches(patterns=("AA-BB-CC-00-00-01",))),
        rule("list", MacIn(files=("l.csv",), macs=frozenset({"AA-BB-CC-00-00-01", "AA-BB-CC-00-00-02"}))),
        rule("any mac", MacMatches(patterns=("*",))),
        rule("all", MAB),
    )
    assert names(made, "AA-BB-CC-00-00-01") == ["maker", "corp", "one", "list", "any mac", "all"]
    assert names(made, "AA-BB-CC-00-00-02") == ["maker", "corp", "list", "any mac", "all"]
    assert names(made, "AA-BB-00-00-00-01") == ["maker", "corp", "any mac", "all"]
    assert names(made, "00-00-00-00-00-01") == ["corp", "any mac", "all"]
    assert names(made) == ["corp", "all"]


def test_the_steps_of_each_nas_are_its_own(rule, policy) -> None:
    made = policy(rule("campus", GroupIs(groups=frozenset({"campus"}))), rule("all"))
    campus, branch = (Nas(name="switch", vendor="generic", groups=frozenset({group})) for group in ("campus", "branch"))
    for _ in range(2):
        assert names(made, nas=campus) == ["campus"]
        assert names(made, nas=branch) == ["all"]


NIGHT = During(hours=(Hours(days=frozenset(range(7)), begins=22 * 60, ends=5 * 60),), zone=UTC, zone_name="UTC")


def test_what_is_narrowed_once_for_a_nas_is_asked_the_time_each_time(rule, policy, facts) -> None:
    night = policy(rule("night", MAB, NIGHT), rule("day", MAB, then="deny"))
    by_night, by_day = (facts(access=AccessKind.MAB, nas=NAS, at=86_400.0 * 9 + hour * 3600) for hour in (23, 12))
    found = [evaluate(night, each).rule for each in (by_day, by_night, by_day, by_night)]
    assert found == ["day", "night", "day", "night"]
    assert len(night._steps) == 1


def test_a_policy_says_whether_time_alone_changes_its_decisions(rule, policy) -> None:
    old, synced = VerdictAge(limit_s=60.0, over=True), LastSync(limit_s=60.0, over=False)
    for condition, clock, time in ((MAB, False, False), (NIGHT, True, True), (old, False, True), (synced, False, True)):
        made = policy(rule("r", MAB), rule("s", condition, NasIs(names=frozenset({"x"}))))
        assert (made.asks_the_clock, made.depends_on_time) == (clock, time)
