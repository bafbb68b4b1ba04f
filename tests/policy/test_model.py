from __future__ import annotations

import pytest

from nacd.policy.conditions import AccessIs, ComplianceIs, GroupIs, MacMatches, NasIs, UserMatches
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
    fits, mac = UserMatches(patterns=("x",)), MacMatches(patterns=("AA-*",))
    (step,) = policy(rule("r", fits, compliant, mac)).steps(AccessKind.MAB, NAS)
    seen = facts(access=AccessKind.MAB, mac="AA-BB-CC-DD-EE-FF", user="y")
    assert [test(seen) for test in step.tests] == [True, False]
    assert step.states == (ComplianceState.COMPLIANT,)


def test_naming_every_compliance_state_is_not_caring(rule, policy) -> None:
    (step,) = policy(rule("r", MAB, ComplianceIs(states=tuple(ComplianceState)))).steps(AccessKind.MAB, NAS)
    assert step.states == ()


def test_rules_of_other_nases_and_access_kinds_are_no_steps_here(rule, policy) -> None:
    elsewhere = rule("elsewhere", GroupIs(groups=frozenset({"branch"})))
    other_nas = rule("other nas", NasIs(names=frozenset({"wlc"})))
    other_kind = rule("other kind", AccessIs(kinds=(AccessKind.VPN,)))
    here = rule("here", MAB, NasIs(names=frozenset({"switch"})), MacMatches(patterns=("AA-*",)))
    behind_a_catch_all = rule("never", MAB)
    made = policy(elsewhere, other_nas, other_kind, here, rule("all", MAB), behind_a_catch_all)
    steps = made.steps(AccessKind.MAB, NAS)
    assert [step.rule.name for step in steps] == ["here", "all"]
    assert [len(step.tests) for step in steps] == [1, 0]


def test_the_steps_of_each_nas_are_its_own(rule, policy) -> None:
    made = policy(rule("campus", GroupIs(groups=frozenset({"campus"}))), rule("all"))
    campus, branch = (Nas(name="switch", vendor="generic", groups=frozenset({group})) for group in ("campus", "branch"))
    for _ in range(2):
        assert [step.rule.name for step in made.steps(AccessKind.MAB, campus)] == ["campus"]
        assert [step.rule.name for step in made.steps(AccessKind.MAB, branch)] == ["all"]
