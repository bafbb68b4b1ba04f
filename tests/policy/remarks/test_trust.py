from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from nacd.findings import Code
from nacd.policy.answered import ComplianceIs, VerdictAge
from nacd.policy.certified import IssuerMatches
from nacd.policy.conditions import AccessIs, AssuranceAtLeast, IdentityFrom, Not, UserMatches
from nacd.policy.model import DENY
from nacd.policy.remarks import trust
from nacd.policy.remarks.worlds import Site, Worlds
from nacd.policy.requested import DeviceIn, MacIn, MacMatches
from nacd.values import AccessKind, Assurance, ComplianceState, IdentitySource
from tests.policy.remarks import small

SITE = Site(nases=small.NASES, eap=True, sources=frozenset(IdentitySource), states=frozenset(ComplianceState))
DOT1X, MAB, VPN = (AccessIs(kinds=(kind,)) for kind in AccessKind)
CERTIFICATE = IdentityFrom(sources=("certificate",))
COMPLIANT = ComplianceIs(states=(ComplianceState.COMPLIANT,))
LISTED = MacIn(files=("f",), macs=frozenset(small.MACS))


def found(rules: Any, site: Site = SITE) -> list[tuple[str, str, Code]]:
    return [(name, key, code) for name, key, _, code in trust.remarks(rules, Worlds(rules, site))]


@pytest.mark.parametrize("conditions", [(DOT1X,), (DOT1X, CERTIFICATE), (VPN, CERTIFICATE), (CERTIFICATE,)])
def test_an_accept_that_asks_no_compliance_is_told_whom_it_lets_in(rule, conditions: Any) -> None:
    ((name, key, message, code),) = trust.remarks([rule("a", *conditions)], Worlds([rule("a", *conditions)], SITE))
    assert (name, key, code) == ("a", "", Code.ACCEPT_ANY_STATE)
    assert "`noncompliant`, `not_managed`, `unknown` and `unavailable` devices come in too" in message


@pytest.mark.parametrize(
    "conditions",
    [
        (DOT1X, COMPLIANT),
        (DOT1X, CERTIFICATE, ComplianceIs(states=(ComplianceState.UNAVAILABLE,))),
        (DOT1X, Not(inner=ComplianceIs(states=(ComplianceState.UNAVAILABLE,)))),
        (DOT1X, DeviceIn(files=("d",), macs=frozenset({small.GUID}))),
        (DOT1X, VerdictAge(limit_s=60.0, over=False)),
        (IdentityFrom(sources=("none",)), DOT1X),
    ],
)
def test_one_that_says_so_or_has_a_list_or_is_told_of_otherwise_is_not(rule, conditions: Any) -> None:
    assert Code.ACCEPT_ANY_STATE not in [code for _, _, code in found([rule("a", *conditions)])]


def test_what_rules_above_take_does_not_come_in_too(rule) -> None:
    bad = ComplianceIs(states=tuple(set(ComplianceState) - {ComplianceState.COMPLIANT, ComplianceState.UNKNOWN}))
    rules = [rule("bad", bad, then=DENY), rule("rest", DOT1X)]
    ((_, _, message, _),) = trust.remarks(rules, Worlds(rules, SITE))
    assert ": `unknown` devices" in message


def test_a_refusal_lets_nobody_in(rule) -> None:
    assert found([rule("a", DOT1X, then=DENY), rule("b", MAB, then=DENY)]) == []


def test_a_profile_that_is_less_than_what_compliant_devices_get_is_passed_over(rule) -> None:
    full = rule("full", DOT1X, COMPLIANT, then="corp")
    assert found([full, rule("rest", DOT1X, then="quarantine")]) == []
    assert found([full, rule("rest", DOT1X, then="corp")]) == [("rest", "", Code.ACCEPT_ANY_STATE)]


def test_where_nobody_is_asked_no_state_comes_in(rule) -> None:
    assert found([rule("a", DOT1X, CERTIFICATE)], replace(SITE, states=small.NOBODY_ASKED)) == []


@pytest.mark.parametrize(
    "conditions",
    [
        (MAB,),
        (VPN, IdentityFrom(sources=("vpn", "mac", "none"))),
        (VPN, IdentityFrom(sources=("vpn",)), UserMatches(patterns=("alice",))),
        (IdentityFrom(sources=("mac",)), MAB),
    ],
)
def test_an_accept_of_what_has_proved_nothing_is_told(rule, conditions: Any) -> None:
    assert ("a", "", Code.ACCEPT_UNPROVED) in found([rule("a", *conditions)])


@pytest.mark.parametrize(
    "conditions",
    [
        (MAB, LISTED),
        (MAB, MacMatches(patterns=(small.MACS[0],))),
        (MAB, COMPLIANT),
        (VPN, AssuranceAtLeast(level=Assurance.CERTIFICATE)),
        (VPN, IdentityFrom(sources=("vpn",)), COMPLIANT),
        (DOT1X, IssuerMatches(patterns=("*",))),
    ],
)
def test_one_that_asks_for_a_list_compliance_or_a_certificate_is_not(rule, conditions: Any) -> None:
    codes = {code for _, _, code in found([rule("a", *conditions)])}
    assert codes.isdisjoint({Code.ACCEPT_UNPROVED, Code.MAC_PATTERN})


@pytest.mark.parametrize("pattern", ["00-11-22-*", "*"])
def test_a_mac_pattern_that_lets_in_is_told_where_it_stands(rule, pattern: str) -> None:
    maker = MacMatches(patterns=(pattern,))
    assert found([rule("a", MAB, maker)]) == [("a", "mac", Code.MAC_PATTERN)]
    assert found([rule("a", MAB, maker, then=DENY)]) == []
    assert found([rule("a", MAB, maker, LISTED)]) == []
