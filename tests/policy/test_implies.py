from __future__ import annotations

from datetime import UTC

import pytest

from nacd.policy.answered import ComplianceIs, OwnershipIs, SystemIs, VerdictAge, VerdictFrom
from nacd.policy.conditions import AccessIs, Condition, GroupIs, IdentityFrom, NasIs, Not, TenantIs, UserMatches
from nacd.policy.during import During, Hours
from nacd.policy.implies import ANY, excludes, implies, landmarks, reachable, sightings
from nacd.policy.requested import MacMatches, SsidIs
from nacd.values import AccessKind, ComplianceSource, ComplianceState

DOT1X, MAB = (AccessIs(kinds=(kind,)) for kind in (AccessKind.DOT1X, AccessKind.MAB))
CORP, GUEST = (SsidIs(names=frozenset({name})) for name in ("Corp", "Guest"))
GROUPS = {"sw": frozenset({"wired"})}


def hours(begins: int, ends: int) -> During:
    each = Hours(days=frozenset(range(7)), begins=begins * 60, ends=ends * 60)
    return During(hours=(each,), zone=UTC, zone_name="UTC")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (DOT1X, MAB),
        (CORP, GUEST),
        (IdentityFrom(sources=("mac",)), IdentityFrom(sources=("vpn", "none"))),
        (NasIs(names=frozenset({"a"})), NasIs(names=frozenset({"b"}))),
        (TenantIs(names=frozenset({"a"})), TenantIs(names=frozenset({"b"}))),
        (SystemIs(systems=frozenset({"iOS"})), SystemIs(systems=frozenset({"Windows"}))),
        (OwnershipIs(owners=("company",)), OwnershipIs(owners=("personal",))),
        (VerdictFrom(sources=(ComplianceSource.LIVE,)), VerdictFrom(sources=(ComplianceSource.BULK,))),
        (hours(7, 12), hours(12, 7)),
    ],
)
def test_what_excludes_each_other_makes_the_negation_sure(one: Condition, other: Condition) -> None:
    assert excludes(one, other)
    assert excludes(other, one)
    assert implies(one, Not(inner=other), {})
    assert not excludes(one, one)
    assert not implies(Not(inner=other), one, {})


def test_a_nas_may_be_in_both_groups() -> None:
    assert not excludes(GroupIs(groups=frozenset({"a"})), GroupIs(groups=frozenset({"b"})))


def test_under_not_it_is_the_other_way_round() -> None:
    some, all_of_them = UserMatches(patterns=("a*",)), UserMatches(patterns=("*",))
    assert implies(some, all_of_them, {})
    assert implies(Not(inner=all_of_them), Not(inner=some), {})
    assert not implies(Not(inner=some), Not(inner=all_of_them), {})


def test_conditions_that_contradict_each_other_are_reached_in_no_state() -> None:
    every = frozenset(ComplianceState)
    bad = ComplianceIs(states=(ComplianceState.NONCOMPLIANT,))
    assert reachable((CORP, Not(inner=GUEST))) == every
    assert reachable((CORP, Not(inner=CORP))) == frozenset()
    assert reachable((Not(inner=bad),)) == every - {ComplianceState.NONCOMPLIANT}
    assert reachable((bad, Not(inner=bad))) == frozenset()
    assert reachable(iter((Not(inner=VerdictAge(limit_s=1.0, over=False)),))) == every


@pytest.mark.parametrize(
    ("have", "want"),
    [
        (UserMatches(patterns=("pc-1@contoso.com",)), UserMatches(patterns=("*@contoso.com",))),
        (UserMatches(patterns=("pc-1@contoso.com",)), UserMatches(patterns=("b", "PC-*"))),
        (UserMatches(patterns=("x",)), UserMatches(patterns=("*x*",))),
        (MacMatches(patterns=("AA-BB-*",)), MacMatches(patterns=("AA-*",))),
        (NasIs(names=frozenset({"sw"})), GroupIs(groups=frozenset({"wired", "x"}))),
        (DOT1X, AccessIs(kinds=tuple(AccessKind))),
        (CORP, Not(inner=GUEST)),
    ],
)
def test_what_is_implied_is_found_where_it_is_looked_for(have: Condition, want: Condition) -> None:
    assert implies(have, want, GROUPS)
    assert set(landmarks(want)) & set(sightings(have, want.key, GROUPS))


def test_what_is_surely_not_implied_is_not_looked_at() -> None:
    seen = set(sightings(UserMatches(patterns=("alice@contoso.com",)), "user", {}))
    assert not seen & set(landmarks(UserMatches(patterns=("bob@*", "*.org", "malice"))))
    assert ANY in seen
