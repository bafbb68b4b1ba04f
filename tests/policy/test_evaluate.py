from __future__ import annotations

import time
from dataclasses import replace

from nacd.policy.answered import (
    ComplianceIs,
    DeviceNameMatches,
    VerdictAge,
)
from nacd.policy.conditions import (
    AccessIs,
    GroupIs,
    IdentityFrom,
    IssuerMatches,
    TenantIs,
    UserMatches,
)
from nacd.policy.evaluate import NeedsCompliance, evaluate, explain
from nacd.values import (
    NO_FACTS,
    NOT_ASKED,
    AccessKind,
    Compliance,
    ComplianceSource,
    ComplianceState,
    Decision,
    DeviceFacts,
    Effect,
    Unidentified,
)

NOW = 1_000.0
DOT1X = AccessIs(kinds=(AccessKind.DOT1X,))
MAB = AccessIs(kinds=(AccessKind.MAB,))
COMPLIANT = ComplianceIs(states=(ComplianceState.COMPLIANT,))
NONCOMPLIANT = ComplianceIs(states=(ComplianceState.NONCOMPLIANT,))


# -- single decisions -----------------------------------------------------------------------


def test_the_first_rule_that_matches_decides(rule, policy, facts, compliance) -> None:
    rules = policy(rule("a", MAB), rule("b", DOT1X, COMPLIANT, then="corp"), rule("c", DOT1X, then="guest"))
    decision = evaluate(rules, facts(compliance=compliance("compliant")))
    assert (decision.rule, decision.profile, decision.effect) == ("b", "corp", Effect.ALLOW)
    assert decision.reasons == ("access is `dot1x`", "compliance is `compliant`")
    assert decision.policy_digest == "d1"


def test_nothing_matches_so_default_deny_and_it_says_what_it_saw(rule, policy, facts, compliance) -> None:
    decision = evaluate(policy(rule("a", MAB)), facts(compliance=compliance("unknown")))
    assert (decision.rule, decision.profile, decision.effect) == ("default-deny", "", Effect.DENY)
    assert decision.reasons[0] == "no rule matched"
    assert "compliance is `unknown`" in decision.reasons


def test_an_empty_policy_denies(policy, facts) -> None:
    assert evaluate(policy(), facts(identity=Unidentified(reason="x"))).effect is Effect.DENY


def test_a_rule_can_deny_by_name(rule, policy, facts) -> None:
    decision = evaluate(policy(rule("stolen", then="deny"), rule("all", DOT1X)), facts())
    assert (decision.rule, decision.effect, decision.profile) == ("stolen", Effect.DENY, "")
    assert decision.reasons == ("the rule matches everything",)


def test_a_printer_taken_by_its_rule_never_costs_a_lookup(rule, policy, facts) -> None:
    rules = policy(rule("printers", MAB, then="printers"), rule("rest", COMPLIANT))
    assert isinstance(evaluate(rules, facts(access=AccessKind.MAB), asked=False), Decision)
    assert evaluate(rules, facts(), asked=False) == NeedsCompliance(rule="rest")


def test_before_the_answer_an_unasked_compliance_is_open_not_refused(rule, policy, facts) -> None:
    rules = policy(rule("not asked", ComplianceIs(states=(ComplianceState.NOT_ASKED,))))
    assert isinstance(evaluate(rules, facts(), asked=False), NeedsCompliance)
    assert evaluate(rules, facts(), asked=True).rule == "not asked"


def test_what_nobody_was_asked_is_no_reason(rule, policy, facts) -> None:
    every = ComplianceIs(states=tuple(ComplianceState))
    rules = policy(rule("any", DOT1X, every))
    assert evaluate(rules, facts(), asked=False).reasons == ("access is `dot1x`",)
    assert evaluate(rules, facts(), asked=True).reasons == ("access is `dot1x`", "compliance is `not_asked`")


def test_a_rule_on_the_verdicts_age_waits_for_the_verdict(rule, policy, facts) -> None:
    rules = policy(rule("young", DOT1X, VerdictAge(limit_s=60.0, over=False)), rule("rest", DOT1X, then="guest"))
    assert evaluate(rules, facts(at=NOW), asked=False) == NeedsCompliance(rule="young")
    for as_of, decided in ((NOW - 60.0, "young"), (NOW - 61.0, "rest")):
        told = Compliance(state=ComplianceState.NONCOMPLIANT, as_of=as_of, source=ComplianceSource.STALE)
        assert evaluate(rules, facts(compliance=told, at=NOW)).rule == decided
    failed = Compliance(state=ComplianceState.UNAVAILABLE, as_of=NOW, source=ComplianceSource.NONE)
    assert evaluate(rules, facts(compliance=failed, at=NOW)).rule == "rest"


def test_a_rule_on_a_fact_of_the_device_waits_and_says_what_it_saw(rule, policy, facts) -> None:
    named = DeviceNameMatches(patterns=("PC-*",))
    rules = policy(rule("ours", COMPLIANT, named), rule("rest", DOT1X, then="guest"))
    assert isinstance(evaluate(rules, facts(at=NOW), asked=False), NeedsCompliance)
    told = Compliance(
        state=ComplianceState.COMPLIANT, as_of=NOW, source=ComplianceSource.LIVE, device=DeviceFacts(name="pc-1")
    )
    decision = evaluate(rules, facts(compliance=told, at=NOW))
    assert decision.reasons == ("compliance is `compliant`", "device_name is `pc-1`, which matches `PC-*`")
    assert evaluate(rules, facts(compliance=replace(told, device=NO_FACTS), at=NOW)).rule == "rest"


def test_a_rule_on_the_tenant_needs_no_answer(rule, policy, facts) -> None:
    rules = policy(rule("ours", TenantIs(names=frozenset({"contoso"}))), rule("rest", COMPLIANT))
    assert isinstance(evaluate(rules, facts(tenant="contoso"), asked=False), Decision)
    assert isinstance(evaluate(rules, facts(tenant="fabrikam"), asked=False), NeedsCompliance)


def test_a_match_by_pattern_says_the_pattern_too(rule, policy, facts, certificate) -> None:
    rules = policy(rule("ours", IssuerMatches(patterns=("*contoso",))))
    decision = evaluate(rules, facts(certificate=certificate()))
    assert decision.reasons == ("issuer is `CN=Devices CA,O=Contoso`, which matches `*contoso`",)


# -- explain --------------------------------------------------------------------------------


def test_explain_says_of_each_rule_the_first_condition_that_failed(rule, policy, facts, compliance) -> None:
    rules = policy(rule("a", MAB, COMPLIANT), rule("b", DOT1X, COMPLIANT), rule("c", DOT1X), rule("d", DOT1X))
    trials = explain(rules, facts(compliance=compliance("noncompliant")))
    assert [(trial.rule, trial.matched) for trial in trials] == [("a", False), ("b", False), ("c", True)]
    assert trials[0].detail == "access is `dot1x`, the rule wants `mab`"
    assert trials[1].detail == "compliance is `noncompliant`, the rule wants `compliant`"
    assert trials[2].detail == "access is `dot1x`"


def test_explain_ends_with_default_deny_when_nothing_matches(rule, policy, facts) -> None:
    trials = explain(policy(rule("a", MAB)), facts())
    assert [(trial.rule, trial.matched) for trial in trials] == [("a", False), ("default-deny", True)]


def test_two_hundred_rules_are_tried_in_well_under_a_tenth_of_a_millisecond(rule, policy, facts) -> None:
    group = GroupIs(groups=frozenset({"elsewhere"}))
    user = UserMatches(patterns=("*@contoso.com",))
    rules = policy(*(rule(f"r{n}", DOT1X, user, IdentityFrom(sources=("certificate",)), group) for n in range(200)))
    request = facts(user="alice@contoso.com", compliance=NOT_ASKED)
    best = 1.0
    for _ in range(20):
        begun = time.perf_counter()
        assert evaluate(rules, request).rule == "default-deny"
        best = min(best, time.perf_counter() - begun)
    assert best < 200e-6  # measured 25 us; the limit leaves room for a busy machine
