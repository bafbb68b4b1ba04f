"""Which identities can be asked about, and what is known of the others."""

from __future__ import annotations

from nacd.compliance.question import NotAskable, Question, question
from nacd.values import (
    Assurance,
    ComplianceState,
    Device,
    DeviceId,
    DeviceIdKind,
    Endpoint,
    IdentitySource,
    MacAddress,
    Unidentified,
)

GUID = "2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954"


def device(kind: DeviceIdKind) -> Device:
    return Device(id=DeviceId(guid=GUID, kind=kind), source=IdentitySource.CERTIFICATE, assurance=Assurance.CERTIFICATE)


def test_an_intune_device_is_asked_about_by_its_id() -> None:
    assert question(device(DeviceIdKind.INTUNE)) == Question(key=f"guid:{GUID}", subject=DeviceId(guid=GUID))


def test_an_entra_id_is_unknown_and_not_asked() -> None:
    answer = question(device(DeviceIdKind.ENTRA))
    assert isinstance(answer, NotAskable)
    assert answer.compliance.state is ComplianceState.UNKNOWN
    assert "entra" in answer.compliance.detail


def test_an_endpoint_is_asked_about_by_its_mac() -> None:
    mac = MacAddress("00-26-B4-24-FE-B4")
    assert question(Endpoint(mac=mac)) == Question(key="mac:0026B424FEB4", subject=mac)


def test_an_endpoint_that_must_not_be_asked_about_says_why() -> None:
    answer = question(Endpoint(mac=MacAddress("02-26-B4-24-FE-B4"), ask=False, ask_detail="randomised"))
    assert isinstance(answer, NotAskable)
    assert (answer.compliance.state, answer.compliance.detail) == (ComplianceState.NOT_ASKED, "randomised")


def test_nobody_is_asked_about_the_unidentified() -> None:
    answer = question(Unidentified(reason="two different ids"))
    assert isinstance(answer, NotAskable)
    assert (answer.compliance.state, answer.compliance.detail) == (ComplianceState.NOT_ASKED, "two different ids")
