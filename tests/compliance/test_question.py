"""Which identities can be asked about, and what is known of the others."""

from __future__ import annotations

import pytest

from nacd.compliance.question import Answerable, NotAskable, Question, of_key, question
from nacd.values import (
    Assurance,
    ComplianceState,
    Device,
    DeviceId,
    DeviceIdKind,
    Endpoint,
    Identity,
    IdentitySource,
    MacAddress,
    Unidentified,
)

GUID = "2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954"


def device(kind: DeviceIdKind) -> Device:
    return Device(id=DeviceId(guid=GUID, kind=kind), source=IdentitySource.CERTIFICATE, assurance=Assurance.CERTIFICATE)


def asked(identity: Identity, *, knows_entra: bool = False) -> Answerable:
    return question(identity, tenant="contoso", knows_entra=knows_entra)


def test_an_intune_device_is_asked_about_by_its_id() -> None:
    expected = Question(tenant="contoso", key=f"guid:{GUID}", subject=DeviceId(guid=GUID))
    assert asked(device(DeviceIdKind.INTUNE)) == expected
    assert asked(device(DeviceIdKind.INTUNE), knows_entra=True) == expected


def test_an_entra_id_is_unknown_and_not_asked_of_a_source_that_does_not_know_it() -> None:
    answer = asked(device(DeviceIdKind.ENTRA))
    assert isinstance(answer, NotAskable)
    assert answer.compliance.state is ComplianceState.UNKNOWN
    assert "entra" in answer.compliance.detail


def test_an_entra_id_is_asked_about_where_a_source_knows_it_under_a_key_of_its_own() -> None:
    subject = DeviceId(guid=GUID, kind=DeviceIdKind.ENTRA)
    answer = asked(device(DeviceIdKind.ENTRA), knows_entra=True)
    assert answer == Question(tenant="contoso", key=f"entra:{GUID}", subject=subject)


def test_an_endpoint_is_asked_about_by_its_mac() -> None:
    mac = MacAddress("00-26-B4-24-FE-B4")
    assert asked(Endpoint(mac=mac)) == Question(tenant="contoso", key="mac:0026B424FEB4", subject=mac)


def test_the_same_device_in_two_tenants_is_two_questions() -> None:
    identity = device(DeviceIdKind.INTUNE)
    assert asked(identity) != question(identity, tenant="fabrikam", knows_entra=False)


def test_an_endpoint_that_must_not_be_asked_about_says_why() -> None:
    answer = asked(Endpoint(mac=MacAddress("02-26-B4-24-FE-B4"), ask=False, ask_detail="randomised"))
    assert isinstance(answer, NotAskable)
    assert (answer.compliance.state, answer.compliance.detail) == (ComplianceState.NOT_ASKED, "randomised")


def test_nobody_is_asked_about_the_unidentified() -> None:
    answer = asked(Unidentified(reason="two different ids"))
    assert isinstance(answer, NotAskable)
    assert (answer.compliance.state, answer.compliance.detail) == (ComplianceState.NOT_ASKED, "two different ids")


@pytest.mark.parametrize(
    "identity",
    [device(DeviceIdKind.INTUNE), device(DeviceIdKind.ENTRA), Endpoint(mac=MacAddress("00-26-B4-24-FE-B4"))],
)
def test_the_question_is_found_again_by_its_key(identity: Identity) -> None:
    first = asked(identity, knows_entra=True)
    assert isinstance(first, Question)
    assert of_key("contoso", first.key) == first


@pytest.mark.parametrize(
    "key",
    [
        *("", "guid:", "guid:nonsense", f"guid:{GUID.upper()}", f" guid:{GUID}", GUID, f"serial:{GUID}"),
        *("guid:00000000-0000-0000-0000-000000000000", "mac:0026b424feb4", "mac:0026B424FEB", "mac:0026B424FEB4A"),
    ],
)
def test_what_no_question_has_as_its_key_is_not_asked(key: str) -> None:
    found = of_key("contoso", key)
    assert isinstance(found, NotAskable)
    assert found.compliance.state is ComplianceState.NOT_ASKED
    assert found.compliance.detail == f"`{key}` is no key of a verdict"
