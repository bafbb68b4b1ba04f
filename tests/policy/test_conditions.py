from __future__ import annotations

from datetime import UTC

import pytest

from nacd.policy.answered import ComplianceIs, VerdictAge
from nacd.policy.conditions import (
    AccessIs,
    AssuranceAtLeast,
    GroupIs,
    IdentityFrom,
    IssuerMatches,
    MacIn,
    MacMatches,
    NasIs,
    SsidIs,
    SubjectMatches,
    TenantIs,
    UserMatches,
    excludes_nothing,
)
from nacd.policy.during import During, Hours
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


def test_mac_patterns_are_whole_addresses_or_beginnings(facts) -> None:
    test = MacMatches(patterns=("AA-BB-CC-*", MAC)).test()
    assert test(facts(mac="AA-BB-CC-01-02-03"))
    assert test(facts(mac=MAC))
    assert not test(facts(mac="AA-BB-CD-01-02-03"))


def test_an_absent_fact_meets_no_pattern_not_even_a_star(facts) -> None:
    assert not MacMatches(patterns=("*",)).test()(facts())
    assert not UserMatches(patterns=("*",)).test()(facts())
    assert not IssuerMatches(patterns=("*",)).test()(facts())
    assert not SubjectMatches(patterns=("*",)).test()(facts())
    assert not SsidIs(names=frozenset({"corp"})).test()(facts())
    assert not MacIn(files=("a.csv",), macs=frozenset({MAC})).test()(facts())


def test_a_list_of_macs_names_its_file_and_never_shows_its_content(facts) -> None:
    condition = MacIn(files=("printers.csv",), macs=frozenset({MAC}))
    assert condition.test()(facts(mac=MAC))
    assert condition.seen(facts(mac=MAC)) == f"mac `{MAC}` is in `printers.csv`"
    assert condition.seen(facts(mac="AA-BB-CC-01-02-03")) == "mac `AA-BB-CC-01-02-03` is not in `printers.csv`"
    assert MAC not in repr(condition)


def test_issuer_and_subject_are_read_from_the_certificate_without_regard_to_case(facts, certificate) -> None:
    seen = facts(certificate=certificate())
    assert IssuerMatches(patterns=("nothing", "cn=devices ca,*")).test()(seen)
    assert SubjectMatches(patterns=("*laptop-?,*",)).test()(seen)
    assert not SubjectMatches(patterns=("cn=devices*",)).test()(seen)


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
