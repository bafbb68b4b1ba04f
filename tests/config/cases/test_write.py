"""A case that is written is the case that is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC
from zoneinfo import ZoneInfo

import pytest

from nacd.config.cases import write
from nacd.config.cases.file import CasesFile
from nacd.replay.cases import Case
from nacd.values import NOT_ASKED, Assurance, ComplianceSource, Decision, Device, DeviceFacts, DeviceId, Effect

ACCEPT = Decision(effect=Effect.ALLOW, rule="good", profile="corp", reasons=("so",), policy_digest="d")
REJECT = Decision(effect=Effect.DENY, rule="default-deny", profile="", reasons=("so",), policy_digest="d")


@pytest.fixture
def case(cases: Callable[[str], CasesFile]) -> Case:
    given = "{access: dot1x, nas: sw, identity: certificate, compliance: compliant, time: 2026-07-01 09:00}"
    (case,) = cases(f"cases:\n  - {{name: a, given: {given}, expect: {{rule: good}}}}\n").cases
    return case


def test_everything_that_can_be_given_comes_back(case: Case, cases: Callable[[str], CasesFile]) -> None:
    facts = case.facts
    assert isinstance(facts.identity, Device)
    identity = replace(
        facts.identity, id=DeviceId(guid="6b4b9f4e-7a0d-4a63-9a39-5d5e7c7a1c11"), assurance=Assurance.VPN
    )
    known = replace(
        facts.compliance,
        as_of=facts.at - 600.25,
        source=ComplianceSource.STALE,
        device=DeviceFacts(
            name="PC: 1",
            operating_system="Windows",
            os_version="10.0.19045",
            owner="company",
            user="on",
            last_sync=facts.at - 90_000.0,
        ),
    )
    certificate = replace(facts.certificate, subject='CN="a", O={b}', issuer="CN=ours")
    full = replace(
        facts,
        identity=identity,
        certificate=certificate,
        compliance=known,
        mac="00-80-77-31-01-01",
        user="yes",
        ssid="#1 Corp",
    )
    text = write.text([write.case("a", full, ACCEPT, zone=ZoneInfo("Europe/Berlin"), tells_compliance=True)])
    file = cases(text)
    assert file.problems == ()
    (again,) = file.cases
    assert again.facts == full
    assert (again.expected.rule, again.expected.profile) == ("good", "corp")


def test_what_is_refused_says_so(case: Case) -> None:
    text = write.case("x: y", case.facts, REJECT, zone=None, tells_compliance=True)
    assert text == (
        '  - name: "x: y"\n'
        "    given: {access: dot1x, nas: sw, identity: certificate, tenant: intune, compliance: compliant}\n"
        "    expect: {rule: default-deny, effect: deny}\n"
    )


@pytest.mark.parametrize(("tells", "shown"), [(False, False), (True, True)])
def test_that_nobody_asked_is_said_only_where_it_matters(case: Case, tells: bool, shown: bool) -> None:
    text = write.case("a", replace(case.facts, compliance=NOT_ASKED), REJECT, zone=UTC, tells_compliance=tells)
    assert ("compliance: not_asked" in text) is shown
    assert "tenant" not in text
