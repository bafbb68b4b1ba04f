from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nacd.policy.conditions import (
    AccessIs,
    AssuranceAtLeast,
    ComplianceIs,
    GroupIs,
    IdentityFrom,
    IssuerMatches,
    MacIn,
    MacMatches,
    NasIs,
    SsidIs,
)
from nacd.policy.evaluate import evaluate
from nacd.policy.lint import notes
from nacd.policy.model import DENY, Policy, Rule
from nacd.values import AccessKind, Assurance, Compliance, ComplianceSource, ComplianceState, Facts, Nas, Unidentified

DOT1X = AccessIs(kinds=(AccessKind.DOT1X,))
CERTIFICATE = IdentityFrom(sources=("certificate",))
GROUPS = {"sw1": frozenset({"wired"}), "ap1": frozenset({"wifi"})}


def compliance_is(*states: str) -> ComplianceIs:
    return ComplianceIs(states=tuple(ComplianceState(state) for state in states))


def lint(policy: Policy, **options: object) -> list[tuple[str, str, str]]:
    found = notes(policy, **({"groups": GROUPS, "graph": False} | options))
    return [(note.rule, note.condition, note.message) for note in found]


def test_in_grace_is_remarked_on_unless_graph_is_asked(rule, policy) -> None:
    rules = policy(rule("grace", DOT1X, CERTIFICATE, compliance_is("in_grace", "compliant")))
    ((name, condition, message),) = lint(rules)
    assert (name, condition) == ("grace", "compliance")
    assert "NAC 2.0" in message
    assert lint(rules, graph=True) == []


def test_a_rule_below_one_with_weaker_conditions_never_matches(rule, policy) -> None:
    rules = policy(rule("wide", DOT1X, line=3), rule("narrow", DOT1X, CERTIFICATE, line=4))
    ((name, condition, message),) = lint(rules)
    assert (name, condition) == ("narrow", "")
    assert "`wide` (line 3)" in message
    assert lint(policy(*reversed(rules.rules))) == []


def test_earlier_rules_may_share_the_states_among_them(rule, policy) -> None:
    rules = policy(
        rule("good", DOT1X, compliance_is("compliant"), then=DENY, line=1),
        rule("bad", DOT1X, compliance_is("noncompliant", "unknown"), line=2),
        rule("never", DOT1X, CERTIFICATE, compliance_is("compliant", "unknown"), line=3),
        rule("fine", DOT1X, compliance_is("compliant", "not_managed"), then=DENY, line=4),
    )
    ((name, _, message),) = lint(rules)
    assert name == "never"
    assert "`good` (line 1) and `bad` (line 2) above together take" in message


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        (MacMatches(patterns=("AA-*",)), MacMatches(patterns=("AA-BB-*", "AA-00-00-00-00-01"))),
        (MacMatches(patterns=("AA-*",)), MacIn(files=("f",), macs=frozenset({"AA-00-00-00-00-01"}))),
        (
            MacIn(files=("f",), macs=frozenset({"AA-00-00-00-00-01", "AA-00-00-00-00-02"})),
            MacMatches(patterns=("AA-00-00-00-00-01",)),
        ),
        (IssuerMatches(patterns=("x", "*contoso*")), IssuerMatches(patterns=("CN=*,O=Contoso",))),
        (GroupIs(groups=frozenset({"wired"})), NasIs(names=frozenset({"sw1"}))),
        (AssuranceAtLeast(level=Assurance.MAC), AssuranceAtLeast(level=Assurance.VPN)),
        (SsidIs(names=frozenset({"a", "b"})), SsidIs(names=frozenset({"a"}))),
    ],
)
def test_what_counts_as_weaker(rule, policy, wide, narrow) -> None:
    assert lint(policy(rule("wide", wide), rule("narrow", narrow)))
    assert not lint(policy(rule("narrow", narrow), rule("wide", wide)))


def test_a_nas_outside_the_group_of_the_same_rule_never_matches(rule, policy) -> None:
    rules = policy(rule("mixed up", NasIs(names=frozenset({"sw1"})), GroupIs(groups=frozenset({"wifi"}))))
    ((name, condition, message),) = lint(rules)
    assert (name, condition) == ("mixed up", "group")
    assert "can never match" in message


def test_an_endpoint_that_nothing_names_has_no_compliance(rule, policy) -> None:
    nobody = IdentityFrom(sources=("none",))
    ((_, _, message),) = lint(policy(rule("odd", nobody, compliance_is("compliant"))))
    assert "`not_asked`" in message
    assert lint(policy(rule("fine", nobody, compliance_is("not_asked")))) == []


ANY_MAC = MacMatches(patterns=("*",))
NAMED_BETTER = (
    (CERTIFICATE,),
    (IdentityFrom(sources=("certificate", "vpn")),),
    (AssuranceAtLeast(level=Assurance.VPN),),
    (IdentityFrom(sources=("certificate", "mac")), AssuranceAtLeast(level=Assurance.CERTIFICATE)),
)
NAMED_BY_A_MAC = (
    (),
    (ANY_MAC,),
    (IdentityFrom(sources=("certificate", "mac")),),
    (AssuranceAtLeast(level=Assurance.MAC),),
    (IssuerMatches(patterns=("CN=Users CA*",)),),
)


@pytest.mark.parametrize("others", NAMED_BY_A_MAC)
@pytest.mark.parametrize("state", ["compliant", "in_grace"])
def test_a_good_verdict_that_a_cloned_mac_can_take_is_remarked_on(rule, policy, others, state: str) -> None:
    ((name, condition, message),) = lint(
        policy(rule("open", DOT1X, *others, compliance_is(state, "unknown"))), graph=True
    )
    assert (name, condition) == ("open", "compliance")
    assert message == "a MAC can be cloned: without `identity: certificate` a cloned MAC takes another device's verdict"


@pytest.mark.parametrize("others", NAMED_BETTER)
def test_a_good_verdict_of_a_device_named_better_than_by_its_mac_is_not(rule, policy, others) -> None:
    assert lint(policy(rule("fine", DOT1X, *others, compliance_is("compliant")))) == []


def test_where_only_macs_come_the_remark_sends_nobody_after_certificates(rule, policy) -> None:
    mab = AccessIs(kinds=(AccessKind.MAB,))
    ((_, _, message),) = lint(policy(rule("managed by mac", mab, compliance_is("compliant"))))
    assert "a MAC can be cloned" in message
    assert "certificate" not in message


def test_a_refusal_and_a_bad_verdict_are_nothing_a_clone_would_want(rule, policy) -> None:
    assert lint(policy(rule("no", DOT1X, compliance_is("compliant"), then=DENY))) == []
    bad = compliance_is("noncompliant", "unknown", "not_managed", "unavailable", "not_asked")
    assert lint(policy(rule("fix your device", DOT1X, bad))) == []


KINDS = st.lists(st.sampled_from(AccessKind), min_size=1, unique=True).map(lambda kinds: AccessIs(kinds=tuple(kinds)))
STATES = st.lists(st.sampled_from(ComplianceState), min_size=1, unique=True).map(
    lambda states: ComplianceIs(states=tuple(states))
)
NASES = st.sampled_from([NasIs(names=frozenset({"sw1"})), NasIs(names=frozenset({"sw1", "ap1"}))])
WIRED = st.sampled_from([GroupIs(groups=frozenset({"wired"})), GroupIs(groups=frozenset({"wired", "wifi"}))])


@settings(max_examples=100)
@given(
    st.lists(
        st.tuples(KINDS, STATES, NASES, WIRED, st.sets(st.integers(0, 3))).map(
            lambda drawn: tuple(drawn[index] for index in sorted(drawn[4]))
        ),
        max_size=6,
    )
)
def test_a_rule_said_to_match_never_is_reached_by_no_request(rules: list[tuple]) -> None:
    policy = Policy(
        rules=tuple(Rule(name=f"r{n}", line=n, conditions=c, then="p") for n, c in enumerate(rules)), digest="d"
    )
    never = {name for name, _, message in lint(policy) if "can never match" in message}
    for name, groups in GROUPS.items():
        for access in AccessKind:
            for state in ComplianceState:
                facts = Facts(
                    access=access,
                    nas=Nas(name=name, vendor="generic", groups=groups),
                    identity=Unidentified(reason="x"),
                    compliance=Compliance(state=state, as_of=0.0, source=ComplianceSource.LIVE),
                )
                assert evaluate(policy, facts).rule not in never
