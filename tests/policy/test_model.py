from __future__ import annotations

import pytest

from nacd.policy.conditions import AccessIs, ComplianceIs, UserMatches
from nacd.policy.model import Policy, Rule
from nacd.values import AccessKind, ComplianceState

MAB = AccessIs(kinds=(AccessKind.MAB,))


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
    (step,) = policy(rule("r", UserMatches(patterns=("x",)), compliant, MAB)).steps
    mab = facts(access=AccessKind.MAB)
    assert [test(mab) for test in step.tests] == [True, False]
    assert step.states == (ComplianceState.COMPLIANT,)


def test_naming_every_compliance_state_is_not_caring(rule, policy) -> None:
    (step,) = policy(rule("r", MAB, ComplianceIs(states=tuple(ComplianceState)))).steps
    assert step.states == ()
