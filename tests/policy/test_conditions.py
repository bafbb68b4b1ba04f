from __future__ import annotations

from datetime import UTC

import pytest

from nacd.policy.answered import ComplianceIs, VerdictAge
from nacd.policy.certified import IssuerMatches, SubjectMatches
from nacd.policy.conditions import (
    AccessIs,
    AssuranceAtLeast,
    GroupIs,
    IdentityFrom,
    LocationIn,
    NasIs,
    Not,
    RealmIs,
    TenantIs,
    UserMatches,
    VendorIs,
    excludes_nothing,
    realm,
)
from nacd.policy.during import During, Hours
from nacd.policy.requested import MacIn, MacMatches, SsidIs
from nacd.values import (
    AccessKind,
    Assurance,
    ComplianceState,
    Endpoint,
    IdentitySource,
    MacAddress,
    Nas,
    Unidentified,
)

MAC = "00-11-22-33-44-55"


@pytest.fixture(scope="module")
def endpoint() -> Endpoint:
    return Endpoint(mac=MacAddress(MAC))


def test_access_is_one_of_the_kinds(facts) -> None:
    condition = AccessIs(kinds=(AccessKind.DOT1X, AccessKind.VPN))
    assert condition.test()(facts())
    assert not condition.test()(facts(access=AccessKind.MAB))
    assert condition.wanted() == "`dot1x` or `vpn`"
    assert condition.seen(facts(access=AccessKind.MAB)) == "access is `mab`"


def test_nas_is_by_its_name_in_the_configuration(facts) -> None:
    assert NasIs(names=frozenset({"campus"})).test()(facts())
    assert not NasIs(names=frozenset({"vpn"})).test()(facts())


def test_one_group_in_common_is_enough(facts) -> None:
    assert GroupIs(groups=frozenset({"wired", "lab"})).test()(facts())
    assert not GroupIs(groups=frozenset({"lab"})).test()(facts())
    bare = facts(nas=Nas(name="alone", vendor="generic"))
    assert not GroupIs(groups=frozenset({"lab"})).test()(bare)
    assert GroupIs(groups=frozenset({"lab"})).seen(bare) == "nas `alone` is in no group"
    assert GroupIs(groups=frozenset({"wired", "lab"})).seen(facts()) == "nas `campus` is in group `wired`"


def test_identity_none_stands_for_an_endpoint_that_nothing_names(facts, endpoint) -> None:
    nobody = facts(identity=Unidentified(reason="no certificate and no mac"))
    assert IdentityFrom(sources=("none",)).test()(nobody)
    assert not IdentityFrom(sources=("certificate", "vpn", "mac")).test()(nobody)
    assert IdentityFrom(sources=("mac",)).test()(facts(identity=endpoint))
    assert not IdentityFrom(sources=("mac",)).test()(facts())
    assert "no certificate and no mac" in IdentityFrom(sources=("mac",)).seen(nobody)


def test_a_mac_that_a_vpn_reported_counts_as_vpn(facts) -> None:
    reported = Endpoint(mac=MacAddress(MAC), source=IdentitySource.VPN, assurance=Assurance.MAC)
    assert IdentityFrom(sources=("vpn",)).test()(facts(identity=reported))


@pytest.mark.parametrize(
    ("level", "device_holds", "endpoint_holds"),
    [("MAC", True, True), ("VPN", True, False), ("CERTIFICATE", True, False)],
)
def test_assurance_is_a_least_measure(facts, endpoint, level: str, device_holds: bool, endpoint_holds: bool) -> None:
    test = AssuranceAtLeast(level=Assurance[level]).test()
    assert test(facts()) is device_holds
    assert test(facts(identity=endpoint)) is endpoint_holds
    assert not test(facts(identity=Unidentified(reason="nothing")))


def test_an_absent_fact_meets_no_pattern_not_even_a_star(facts) -> None:
    assert not MacMatches(patterns=("*",)).test()(facts())
    assert not UserMatches(patterns=("*",)).test()(facts())
    assert not IssuerMatches(patterns=("*",)).test()(facts())
    assert not SubjectMatches(patterns=("*",)).test()(facts())
    assert not SsidIs(names=frozenset({"corp"})).test()(facts())
    assert not MacIn(files=("a.csv",), macs=frozenset({MAC})).test()(facts())


def test_user_is_matched_without_regard_to_case_and_ssid_with_it(facts) -> None:
    here = facts(user="Alice@contoso.com", ssid="Corp")
    assert UserMatches(patterns=("*@CONTOSO.com",)).test()(here)
    assert SsidIs(names=frozenset({"Corp"})).test()(here)
    assert not SsidIs(names=frozenset({"corp"})).test()(here)


def test_the_tenant_is_the_one_that_is_asked_and_an_endpoint_nobody_asks_about_has_none(facts) -> None:
    ours = TenantIs(names=frozenset({"contoso", "fabrikam"}))
    assert ours.test()(facts(tenant="contoso"))
    assert not ours.test()(facts(tenant="Contoso"))
    assert not ours.test()(facts())
    assert ours.seen(facts()) == "there is no tenant"
    assert ours.wanted() == "`contoso` or `fabrikam`"
    assert not ours.waits


def test_a_condition_that_names_every_value_excludes_nothing() -> None:
    assert excludes_nothing(AccessIs(kinds=tuple(AccessKind)))
    assert not excludes_nothing(AccessIs(kinds=(AccessKind.VPN,)))
    assert excludes_nothing(IdentityFrom(sources=("none", "mac", "vpn", "certificate")))
    assert excludes_nothing(ComplianceIs(states=tuple(ComplianceState)))
    assert not excludes_nothing(ComplianceIs(states=tuple(ComplianceState)[:-1]))
    assert not excludes_nothing(AssuranceAtLeast(level=Assurance.MAC))
    assert not excludes_nothing(UserMatches(patterns=("*",)))
    assert not excludes_nothing(VerdictAge(limit_s=1e9, over=False))


def test_any_mac_at_all_excludes_nothing_since_anybody_can_claim_one() -> None:
    assert excludes_nothing(MacMatches(patterns=("*",)))
    assert excludes_nothing(MacMatches(patterns=("AA-BB-CC-*", "*")))
    assert not excludes_nothing(MacMatches(patterns=("AA-BB-CC-*",)))
    assert not excludes_nothing(MacIn(files=("a.csv",), macs=frozenset({MAC})))


def test_hours_alone_exclude_nobody_since_they_come_for_everybody() -> None:
    hour = Hours(days=frozenset({0}), begins=0, ends=60)
    assert excludes_nothing(During(hours=(hour,), zone=UTC, zone_name="UTC"))


def test_not_holds_exactly_where_the_condition_under_it_does_not(facts) -> None:
    guest, user = SsidIs(names=frozenset({"Guest"})), UserMatches(patterns=("*",))
    for condition, seen, holds in (
        (guest, facts(ssid="Guest"), False),
        (guest, facts(ssid="Corp"), True),
        (guest, facts(), True),
        (user, facts(), True),
        (user, facts(user="x"), False),
    ):
        assert Not(inner=condition).test()(seen) is holds
        assert condition.test()(seen) is not holds


def test_not_is_worded_by_what_it_does_not_want(facts) -> None:
    guest = Not(inner=SsidIs(names=frozenset({"Guest"})))
    assert (guest.key, guest.wanted()) == ("not.ssid", "anything but `Guest`")
    assert (guest.seen(facts(ssid="Guest")), guest.seen(facts())) == ("ssid is `Guest`", "there is no ssid")
    assert (guest.waits, guest.settled_by_nas) == (False, False)
    assert Not(inner=GroupIs(groups=frozenset({"x"}))).settled_by_nas
    assert Not(inner=ComplianceIs(states=(ComplianceState.UNKNOWN,))).waits


def test_who_stays_out_says_nothing_of_who_comes_in() -> None:
    assert excludes_nothing(Not(inner=SsidIs(names=frozenset({"Guest"}))))


def test_a_nas_stands_in_its_place_and_in_all_around_it(facts) -> None:
    here = facts(nas=Nas(name="sw", vendor="cisco-ios", location="berlin/b7/f2"))
    for place, holds in (("berlin", True), ("berlin/b7", True), ("berlin/b", False), ("b7", False)):
        assert LocationIn(places=frozenset({place})).test()(here) is holds
    assert not LocationIn(places=frozenset({"berlin"})).test()(facts())
    assert LocationIn(places=frozenset({"x"})).seen(here) == "location is `berlin/b7/f2`"
    assert VendorIs(names=frozenset({"cisco-ios"})).test()(here)


def test_the_realm_is_what_stands_behind_the_at_or_before_the_backslash(facts) -> None:
    for user, found in (("a@Contoso.com", "contoso.com"), ("a@b@c", "c"), ("CORP\\ann", "corp"), ("ann", ""), ("", "")):
        assert realm(user) == found
    assert RealmIs(names=frozenset({"contoso.com"})).test()(facts(user="ann@CONTOSO.com"))
    assert not RealmIs(names=frozenset({"contoso.com"})).test()(facts())
