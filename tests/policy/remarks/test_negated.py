from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nacd.findings import Code
from nacd.policy.answered import ComplianceIs, OwnershipIs, SystemIs, VerdictAge
from nacd.policy.certified import IssuerMatches
from nacd.policy.conditions import AccessIs, AssuranceAtLeast, Condition, GroupIs, IdentityFrom, Not, UserMatches
from nacd.policy.evaluate import evaluate
from nacd.policy.lint import notes
from nacd.policy.model import DENY, Policy, Rule
from nacd.policy.remarks.negated import remarks
from nacd.policy.requested import MacIn, SsidIs
from nacd.values import (
    AccessKind,
    Assurance,
    Compliance,
    ComplianceSource,
    ComplianceState,
    DeviceFacts,
    Facts,
    Nas,
    Unidentified,
)

DOT1X = AccessIs(kinds=(AccessKind.DOT1X,))
CERTIFICATE = IdentityFrom(sources=("certificate",))
GUEST = SsidIs(names=frozenset({"Guest"}))


def states(*words: str) -> ComplianceIs:
    return ComplianceIs(states=tuple(ComplianceState(word) for word in words))


def said(*conditions: Condition, then: str = "corp") -> dict[str, str]:
    rule = Rule(name="r", line=1, conditions=conditions, then=then)
    found = {}
    for key, message, code in remarks(rule):
        assert (code is Code.RULE_NEVER_MATCHES) == ("can never match" in message)
        found[key] = message
    return found


def without(inner: Condition) -> Not:
    return Not(inner=inner)


def test_what_is_left_of_the_states_comes_in_too() -> None:
    found = said(DOT1X, CERTIFICATE, without(states("noncompliant")))
    assert found == {
        "not.compliance": "this lets in `not_asked`, `not_managed`, `unavailable` and `unknown` too: better write the"
        " states that may come in"
    }
    assert said(DOT1X, without(states("noncompliant")), then=DENY) == {}
    assert said(DOT1X, without(states(*set(ComplianceState) - {"compliant", "in_grace"}))) == {}


def test_states_that_are_all_taken_away_are_a_rule_that_never_matches() -> None:
    (message,) = said(states("compliant"), without(states("compliant", "unknown"))).values()
    assert message == "this rule can never match: `not` takes away every state that is left"
    assert "never match" in said(without(states(*ComplianceState)))["not.compliance"]


@pytest.mark.parametrize(
    ("conditions", "never"),
    [
        ((GUEST, without(SsidIs(names=frozenset({"Guest", "Corp"})))), True),
        ((UserMatches(patterns=("pc-*",)), without(UserMatches(patterns=("*",)))), True),
        ((DOT1X, without(AccessIs(kinds=tuple(AccessKind)))), True),
        ((DOT1X, without(IdentityFrom(sources=("certificate", "vpn", "mac", "none")))), True),
        ((UserMatches(patterns=("*",)), without(UserMatches(patterns=("pc-*",)))), False),
        ((DOT1X, without(GroupIs(groups=frozenset({"x"})))), False),
        ((DOT1X, without(AssuranceAtLeast(level=Assurance.VPN))), False),
    ],
)
def test_what_is_made_sure_beside_it_cannot_be_negated(conditions: tuple[Condition, ...], never: bool) -> None:
    assert any("can never match" in each for each in said(*conditions).values()) is never
    assert any("can never match" in each for each in said(*conditions, then=DENY).values()) is never


@pytest.mark.parametrize(
    ("conditions", "remark"),
    [
        ((DOT1X, without(GUEST)), ""),
        ((DOT1X, without(UserMatches(patterns=("admin-*",)))), "this lets in also where there is no `user`"),
        ((SsidIs(names=frozenset({"Corp", "x"})), without(SsidIs(names=frozenset({"x"})))), ""),
        ((DOT1X, without(IssuerMatches(patterns=("CN=Old*",)))), "this lets in also where there is no `issuer`"),
        ((CERTIFICATE, without(IssuerMatches(patterns=("CN=Old*",)))), ""),
        ((AssuranceAtLeast(level=Assurance.CERTIFICATE), without(IssuerMatches(patterns=("CN=Old*",)))), ""),
        ((DOT1X, without(MacIn(files=("stolen.csv",), macs=frozenset()))), "this keeps out nobody who wants in: "),
        ((DOT1X, without(OwnershipIs(owners=("personal",)))), "this lets in also where there is no verdict ("),
        ((DOT1X, states("compliant"), without(OwnershipIs(owners=("personal",)))), "where there is no `ownership`"),
        ((DOT1X, states("compliant"), without(VerdictAge(limit_s=9.0, over=True))), ""),
    ],
)
def test_what_is_absent_comes_in_and_is_told(conditions: tuple[Condition, ...], remark: str) -> None:
    found = "".join(said(*conditions).values())
    assert remark in found if remark else found == ""
    assert said(*conditions, then=DENY) == {}


SOME = {
    "access": st.sets(st.sampled_from(AccessKind), min_size=1).map(lambda kinds: AccessIs(kinds=tuple(kinds))),
    "ssid": st.sets(st.sampled_from(["Corp", "Guest"]), min_size=1).map(lambda names: SsidIs(names=frozenset(names))),
    "compliance": st.sets(st.sampled_from(ComplianceState), min_size=1).map(
        lambda some: ComplianceIs(states=tuple(some))
    ),
    "group": st.sets(st.sampled_from(["wired", "wifi"]), min_size=1).map(lambda some: GroupIs(groups=frozenset(some))),
    "os": st.sets(st.sampled_from(["Windows", "iOS"]), min_size=1).map(lambda some: SystemIs(systems=frozenset(some))),
    "user": st.sampled_from(["*", "a*", "a"]).map(lambda pattern: UserMatches(patterns=(pattern,))),
}
RULES = st.lists(
    st.tuples(st.fixed_dictionaries({}, optional=SOME), st.fixed_dictionaries({}, optional=SOME)).map(
        lambda both: (*both[0].values(), *(Not(inner=each) for each in both[1].values()))
    ),
    min_size=1,
    max_size=5,
)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(RULES)
def test_a_rule_with_not_that_is_said_to_match_never_is_reached_by_nothing(drawn: list[tuple[Condition, ...]]) -> None:
    rules = tuple(Rule(name=f"r{n}", line=n, conditions=each, then="p") for n, each in enumerate(drawn))
    policy = Policy(rules=rules, digest="d")
    found = notes(policy, groups={}, graph=True, graph_sure=True)
    hidden = {note.rule for note in found if "can never match" in note.message}
    for access, ssid, state, group, system, user in itertools.product(
        AccessKind,
        ("", "Corp", "Guest"),
        ComplianceState,
        ("", "wired", "wifi"),
        ("", "Windows", "iOS"),
        ("", "a", "ab"),
    ):
        facts = Facts(
            access=access,
            nas=Nas(name="n", vendor="generic", groups=frozenset({group} - {""})),
            identity=Unidentified(reason="x"),
            ssid=ssid,
            user=user,
            compliance=Compliance(
                state=state, as_of=1.0, source=ComplianceSource.LIVE, device=DeviceFacts(operating_system=system)
            ),
        )
        assert evaluate(policy, facts).rule not in hidden
