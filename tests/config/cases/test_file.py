"""Cases against their configuration: what they refer to, and what cannot be true at a time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from nacd.config.cases.file import SOME_DEVICE, CasesFile
from nacd.policy.evaluate import evaluate
from nacd.values import (
    AccessKind,
    CertificateFacts,
    ComplianceSource,
    ComplianceState,
    Device,
    Endpoint,
    NoCertificate,
)
from tests.config.conftest import Site

GIVEN = "{access: dot1x, nas: sw, identity: certificate, compliance: compliant}"


def text(given: str = GIVEN, expect: str = "{rule: good}") -> str:
    return f"cases:\n  - name: a\n    given: {given}\n    expect: {expect}\n"


def test_a_case_becomes_the_facts_of_a_login(cases: Callable[[str], CasesFile]) -> None:
    given = (
        "{access: dot1x, nas: sw, identity: certificate, mac: 0080.7731.0101, user: a@b, ssid: Corp, issuer: CN=CA,"
        " compliance: compliant, compliance_age: 10m, compliance_source: stale, os: win, os_version: '10.0',"
        " last_sync: 3h, time: mon 09:00}"
    )
    file = cases(text(given))
    assert file.problems == ()
    (case,) = file.cases
    facts = case.facts
    assert (case.name, case.line, case.tells_compliance) == ("a", 2, True)
    assert (facts.access, facts.nas.name, facts.nas.vendor, facts.nas.groups) == (
        AccessKind.DOT1X,
        "sw",
        "cisco-ios",
        frozenset({"wired"}),
    )
    assert isinstance(facts.identity, Device)
    assert facts.identity.id.guid == SOME_DEVICE
    assert isinstance(facts.certificate, CertificateFacts)
    assert (facts.certificate.issuer, facts.certificate.subject) == ("CN=CA", "")
    assert (facts.mac, facts.user, facts.ssid, facts.tenant) == ("00-80-77-31-01-01", "a@b", "Corp", "intune")
    known = facts.compliance
    assert (known.state, known.source) == (ComplianceState.COMPLIANT, ComplianceSource.STALE)
    assert (facts.at - known.as_of, facts.at - known.device.last_sync) == (600.0, 10_800.0)
    assert (known.device.operating_system, known.device.os_version) == ("Windows", "10.0")


def test_what_is_not_given_is_absent(cases: Callable[[str], CasesFile]) -> None:
    (case,) = cases(text("{access: mab, nas: sw, identity: mac, mac: 00-80-77-31-01-01}")).cases
    assert case.tells_compliance is False
    assert isinstance(case.facts.identity, Endpoint)
    assert isinstance(case.facts.certificate, NoCertificate)
    assert case.facts.compliance.state is ComplianceState.NOT_ASKED
    assert (case.facts.user, case.facts.ssid) == ("", "")


@pytest.mark.parametrize(
    ("given", "expect", "said"),
    [
        (GIVEN.replace("sw", "swi"), "{rule: good}", "3:33: there is no nas `swi`, did you mean `sw`?"),
        (GIVEN, "{rule: god}", "4:20: there is no rule `god`, did you mean `good`?"),
        (GIVEN, "{profile: crop}", "there is no profile `crop`, did you mean `corp`?"),
        (GIVEN, "{}", "nothing is expected: write `rule`"),
        (GIVEN, "{effect: deny, profile: corp}", "what is denied gets no profile"),
        (GIVEN.replace("sw", "vpn"), "{rule: good}", "NAS `vpn` authenticates by itself: access is `vpn`"),
        (GIVEN.replace("certificate", "none"), "{rule: good}", "nobody is asked: it is `not_asked`"),
        (GIVEN.replace("certificate", "mac"), "{rule: good}", "write which, as `mac`"),
        (
            GIVEN.replace("compliant}", "unavailable, os: Windows}"),
            "{rule: good}",
            "only with a verdict",
        ),
        ("{access: dot1x, nas: sw, identity: none, assurance: mac}", "{rule: good}", "has no assurance"),
        (
            "{access: dot1x, nas: sw, identity: none, device: 6b4b9f4e-7a0d-4a63-9a39-5d5e7c7a1c11}",
            "{rule: good}",
            "only a certificate or a VPN names a device",
        ),
        (GIVEN.replace("sw", "sw, tenant: contoso"), "{rule: good}", "there is no tenant `contoso`"),
    ],
)
def test_what_cannot_be_is_told_with_its_place(
    refused: Callable[[str], list[str]], given: str, expect: str, said: str
) -> None:
    (line,) = refused(text(given, expect))
    assert said in line


def test_two_cases_of_one_name_are_told(refused: Callable[[str], list[str]]) -> None:
    again = text() + text().removeprefix("cases:\n")
    assert refused(again) == ["5:11: a case called `a` stands in line 2 already"]


def test_a_policy_that_asks_the_clock_wants_a_time(site: Site, refused: Callable[[str], list[str]]) -> None:
    site.change("access: mab, mac", 'access: mab, during: {from: "07:00", to: "19:00"}, mac', file="policy.yaml")
    (line,) = refused(text())
    assert line == '3:12: the policy asks what time it is: write `time`, as in `"mon 09:00"`'
    assert refused(text(GIVEN.replace("}", ', time: "mon 09:00"}'))) == []


def test_a_time_is_by_the_zone_of_a_policy_that_has_only_lists_with_an_end(
    site: Site, cases: Callable[[str], CasesFile]
) -> None:
    site.write("lent.csv", "mac,expires\n00-80-77-31-01-01,2027-05-31\n")
    site.change('mac: "00-80-77-*"', "mac_in: lent.csv", file="policy.yaml")
    given = "{access: mab, nas: sw, identity: mac, mac: 00-80-77-31-01-01, time: 2027-05-31 23:00}"
    (case,) = cases(text(given)).cases
    assert case.facts.at == datetime(2027, 5, 31, 21, 0, tzinfo=UTC).timestamp()  # Berlin, in summer
    assert evaluate(site.load().policy, case.facts).rule == "printers"


def test_a_miss_is_told_where_it_was_expected(cases: Callable[[str], CasesFile]) -> None:
    file = cases(text())
    problem = file.problem(file.cases[0], "rule", "is wrong")
    assert str(problem) == "policy-cases.yaml:4:20: case `a`: is wrong"
    assert file.problem(file.cases[0], "given", "x").column == 12


@pytest.mark.parametrize("broken", ["cases: []\nmore: 1\n", "cases: {a: b}\n", "cases: [1, 2]\n", "cases:\n"])
def test_a_file_of_another_shape_is_told(refused: Callable[[str], list[str]], broken: str) -> None:
    assert refused(broken)


# -- groups of users ------------------------------------------------------------------------

STAFF, GUESTS = "6b4b9f4e-7a0d-4a63-9a39-000000000001", "6b4b9f4e-7a0d-4a63-9a39-000000000002"


@pytest.fixture
def asking(site: Site) -> None:
    """A policy that asks about two groups, and Graph to tell them."""
    site.change("intune:\n", "intune:\n  source: graph\n")
    site.write(
        "policy.yaml",
        f"user_groups: {{staff: {STAFF}}}\nprofiles: {{corp: {{vlan: 1}}}}\nrules:\n"
        "  - {name: good, when: {access: dot1x, identity: certificate, compliance: compliant,"
        f" user_group: [staff, {GUESTS}]}}, then: corp}}\n",
    )


@pytest.mark.usefixtures("asking")
@pytest.mark.parametrize(
    ("written", "inside", "outside"),
    [
        ("user_group: staff", (STAFF,), (GUESTS,)),
        (f"user_group: [staff, {GUESTS}]", (STAFF, GUESTS), ()),
        ("user_group: none", (), (STAFF, GUESTS)),
        ("os: win", (), ()),
    ],
)
def test_a_case_says_in_which_of_the_groups_the_user_is(
    cases: Callable[[str], CasesFile], written: str, inside: tuple[str, ...], outside: tuple[str, ...]
) -> None:
    (case,) = cases(text(f"{{access: dot1x, nas: sw, identity: certificate, compliance: compliant, {written}}}")).cases
    device = case.facts.compliance.device
    assert (device.in_groups, device.outside_groups) == (inside, outside)


@pytest.mark.usefixtures("asking")
@pytest.mark.parametrize(
    ("written", "said"),
    [
        (
            "compliance: compliant, user_group: stuff",
            "names no group `stuff` under `user_groups`, did you mean `staff`?",
        ),
        ("compliance: compliant, user_group: [staff, none]", "`none` stands alone"),
        ("user_group: staff", "only with a verdict there is a `user_group`"),
    ],
)
def test_groups_of_a_case_are_those_of_the_policy(cases: Callable[[str], CasesFile], written: str, said: str) -> None:
    problems = cases(text(f"{{access: dot1x, nas: sw, identity: certificate, {written}}}")).problems
    assert any(said in problem.message for problem in problems), problems


def test_how_a_mac_stands_in_the_inventory_is_given_by_its_tags(cases: Callable[[str], CasesFile]) -> None:
    mab = "access: mab, nas: sw, identity: mac, mac: 00-80-77-31-01-01"
    for written, there in {
        "any": ("any",),
        "[Printers, lab]": ("any", "lab", "printers"),
        "[any, lab]": ("any", "lab"),
    }.items():
        (case,) = cases(text(f"{{{mab}, inventory: {written}}}")).cases
        assert case.facts.inventory == there
    (problem,) = cases(text("{access: dot1x, nas: sw, identity: certificate, inventory: any}")).problems
    assert "a MAC stands in the inventory: write which, as `mac`" in problem.message
    (problem,) = cases(text(f"{{{mab}, inventory: a.b}}")).problems
    assert "`a.b` is no tag" in problem.message
