from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nacd.identity.access_kind import access_kind
from nacd.identity.certificate import read
from nacd.identity.name import name
from nacd.identity.rules import IdentityRules
from nacd.values import (
    AccessKind,
    AccessRequest,
    Assurance,
    AttemptOutcome,
    CertificateFacts,
    Device,
    Endpoint,
    IdentitySource,
    MacAddress,
    NoCertificate,
    Unidentified,
)

Request = Callable[..., AccessRequest]
Rules = Callable[..., IdentityRules]
Facts = Callable[..., CertificateFacts]
PORT = "00-50-B6-AA-BB-CC"


def test_a_certificate_names_the_device_and_no_further_source_is_tried(
    request_of: Request, facts_of: Facts, rules_of: Rules, guid: str
) -> None:
    facts = facts_of(f"IntuneDeviceId://{guid}", san_upns=("alice@example.com",))
    named = name(request_of(calling_station_id=PORT), AccessKind.DOT1X, facts, rules_of())
    assert isinstance(named.identity, Device)
    assert named.identity.assurance is Assurance.CERTIFICATE
    assert [(a.source, a.outcome) for a in named.attempts] == [(IdentitySource.CERTIFICATE, AttemptOutcome.FOUND)]
    assert named.certificate == facts
    assert named.mac == PORT
    assert named.user == "alice@example.com"


@pytest.mark.parametrize(
    "uri", ["IntuneDeviceId://{{DeviceId}}", "IntuneDeviceId://00000000-0000-0000-0000-000000000000"]
)
def test_a_bad_certificate_ends_naming_although_a_mac_is_there(
    request_of: Request, facts_of: Facts, rules_of: Rules, uri: str
) -> None:
    named = name(request_of(calling_station_id=PORT), AccessKind.DOT1X, facts_of(uri), rules_of())
    assert isinstance(named.identity, Unidentified)
    assert named.identity.reason.startswith("certificate: ")
    assert [a.outcome for a in named.attempts] == [AttemptOutcome.BAD]


def test_a_broken_san_ends_naming(request_of: Request, certificate_with: Callable[..., bytes], rules_of: Rules) -> None:
    facts = read((certificate_with(san=b"garbage"),), "devices")
    named = name(request_of(calling_station_id=PORT), AccessKind.DOT1X, facts, rules_of())
    assert isinstance(named.identity, Unidentified)


def test_a_login_only_certificate_falls_back_to_the_mac_with_the_assurance_of_a_mac(
    request_of: Request, facts_of: Facts, rules_of: Rules, guid: str
) -> None:
    facts = facts_of(f"IntuneDeviceId://{guid}", anchor="users")
    named = name(request_of(calling_station_id=PORT), AccessKind.DOT1X, facts, rules_of())
    assert named.identity == Endpoint(mac=MacAddress(PORT))
    assert named.identity.assurance is Assurance.MAC
    assert [a.outcome for a in named.attempts] == [AttemptOutcome.ABSENT, AttemptOutcome.ABSENT, AttemptOutcome.FOUND]
    assert guid in named.attempts[0].detail


def test_without_the_mac_in_the_order_a_login_only_certificate_names_nothing(
    request_of: Request, facts_of: Facts, rules_of: Rules
) -> None:
    rules = rules_of(order=(IdentitySource.CERTIFICATE,))
    named = name(request_of(calling_station_id=PORT), AccessKind.DOT1X, facts_of(anchor="users"), rules)
    assert isinstance(named.identity, Unidentified)
    assert "no source names it" in named.identity.reason
    assert named.mac == PORT


def test_posture_pairs_count_only_in_a_vpn_request(request_of: Request, rules_of: Rules, guid: str) -> None:
    pairs = (f"mdm-tlv=device-uid=ID:Intune:DeviceID:{guid}",)
    request = request_of(authentication="done_by_nas", calling_station_id=PORT, cisco_av_pairs=pairs)
    assert isinstance(name(request, AccessKind.MAB, NoCertificate(), rules_of()).identity, Endpoint)
    vpn = name(request, AccessKind.VPN, NoCertificate(), rules_of()).identity
    assert isinstance(vpn, Device)
    assert vpn.assurance is Assurance.VPN


def test_a_bad_vpn_id_ends_naming_although_posture_has_a_mac(request_of: Request, rules_of: Rules) -> None:
    pairs = ("mdm-tlv=device-uid={{deviceid}}", "mdm-tlv=device-public-mac=00-50-b6-aa-bb-cc")
    request = request_of(authentication="done_by_nas", cisco_av_pairs=pairs)
    named = name(request, AccessKind.VPN, NoCertificate(), rules_of())
    assert isinstance(named.identity, Unidentified)
    assert named.identity.reason.startswith("vpn: ")


VIRTUAL = {"nas_port_type": "Virtual", "service_type": "Framed", "has_eap": True, "calling_station_id": PORT}


def test_a_switch_that_calls_its_port_virtual_names_no_device_by_what_the_client_says(
    request_of: Request, facts_of: Facts, rules_of: Rules, guid: str
) -> None:
    pairs = (f"mdm-tlv=device-uid=ID:Intune:DeviceID:{guid}", "mdm-tlv=device-public-mac=00-50-b6-aa-bb-cc")
    request = request_of(cisco_av_pairs=pairs, **VIRTUAL)
    access = access_kind(request)
    assert access is AccessKind.VPN
    named = name(request, access, facts_of(anchor="users"), rules_of())
    assert isinstance(named.identity, Unidentified)
    assert [a.outcome for a in named.attempts] == [AttemptOutcome.ABSENT] * 3
    assert all("`authentication: done_by_nas`" in attempt.detail for attempt in named.attempts[1:])
    assert named.mac == ""


def test_an_eap_tls_login_on_an_undeclared_vpn_nas_is_named_by_its_certificate(
    request_of: Request, facts_of: Facts, rules_of: Rules, guid: str, other_guid: str
) -> None:
    request = request_of(cisco_av_pairs=(f"mdm-tlv=device-uid=ID:Intune:DeviceID:{other_guid}",), **VIRTUAL)
    named = name(request, AccessKind.VPN, facts_of(f"IntuneDeviceId://{guid}"), rules_of())
    assert isinstance(named.identity, Device)
    assert (named.access, named.identity.id.guid) == (AccessKind.VPN, guid)
    assert named.identity.source is IdentitySource.CERTIFICATE


def test_a_posture_mac_has_source_and_assurance_of_a_mac(request_of: Request, rules_of: Rules) -> None:
    pairs = ("mdm-tlv=device-public-mac=00-50-b6-aa-bb-cc",)
    request = request_of(
        authentication="done_by_nas", calling_station_id="198.51.100.10", cisco_av_pairs=pairs, user_name="alice"
    )
    named = name(request, AccessKind.VPN, NoCertificate(), rules_of())
    assert named.identity == Endpoint(mac=MacAddress(PORT), source=IdentitySource.MAC, assurance=Assurance.MAC)
    assert named.mac == PORT
    assert named.user == "alice"


@pytest.mark.parametrize("calling", ["198.51.100.10", PORT])
def test_the_calling_station_of_a_vpn_names_nothing(request_of: Request, rules_of: Rules, calling: str) -> None:
    request = request_of(authentication="done_by_nas", calling_station_id=calling)
    named = name(request, AccessKind.VPN, NoCertificate(), rules_of())
    assert isinstance(named.identity, Unidentified)
    assert named.mac == ""


def test_a_randomised_mac_is_not_asked_about_unless_configured(request_of: Request, rules_of: Rules) -> None:
    request = request_of(calling_station_id="02-50-B6-AA-BB-CC")
    silent = name(request, AccessKind.MAB, NoCertificate(), rules_of()).identity
    assert isinstance(silent, Endpoint)
    assert not silent.ask
    assert "randomised" in silent.ask_detail
    asked = name(request, AccessKind.MAB, NoCertificate(), rules_of(ask_random_macs=True)).identity
    assert asked == Endpoint(mac=MacAddress("02-50-B6-AA-BB-CC"))


def test_a_shared_mac_is_never_asked_about(request_of: Request, rules_of: Rules) -> None:
    rules = rules_of(shared_macs=frozenset({"0050b6aabbcc"}), ask_random_macs=True)
    identity = name(request_of(calling_station_id=PORT), AccessKind.MAB, NoCertificate(), rules).identity
    assert isinstance(identity, Endpoint)
    assert not identity.ask
    assert "shared_macs" in identity.ask_detail


def test_only_a_proved_name_is_a_user(request_of: Request, facts_of: Facts, rules_of: Rules) -> None:
    dot1x = request_of(user_name="boss@example.com", has_eap=True, calling_station_id=PORT)
    assert name(dot1x, AccessKind.DOT1X, facts_of(), rules_of()).user == ""
    two = facts_of(san_upns=("a@example.com", "b@example.com"))
    assert name(dot1x, AccessKind.DOT1X, two, rules_of()).user == ""
    eap_vpn = request_of(user_name="boss", has_eap=True)
    assert name(eap_vpn, AccessKind.VPN, NoCertificate(), rules_of()).user == ""
    mab = request_of(user_name="0050b6aabbcc", calling_station_id=PORT)
    assert name(mab, AccessKind.MAB, NoCertificate(), rules_of()).user == ""


@settings(max_examples=120, deadline=None)
@given(
    access=st.sampled_from(AccessKind),
    order=st.permutations(list(IdentitySource)),
    uri=st.one_of(st.none(), st.sampled_from(["IntuneDeviceId://{{x}}", "urn:x"]), st.text(max_size=50)),
    anchor=st.sampled_from(["devices", "users", "x"]),
    calling=st.sampled_from(["", PORT, "192.0.2.1"]),
    value=st.text(max_size=50) | st.just("ID:Intune:DeviceID:2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954"),
    authentication=st.sampled_from(["eap", "done_by_nas"]),
)
def test_naming_never_passes_a_bad_source_and_assurance_follows_the_source(
    request_of: Request,
    facts_of: Facts,
    rules_of: Rules,
    access: AccessKind,
    order: list[IdentitySource],
    uri: str | None,
    anchor: str,
    calling: str,
    value: str,
    authentication: str,
) -> None:
    certificate = NoCertificate() if uri is None else facts_of(uri, anchor=anchor)
    pairs = (f"mdm-tlv=device-uid={value}",)
    request = request_of(authentication=authentication, calling_station_id=calling, cisco_av_pairs=pairs)
    named = name(request, access, certificate, rules_of(order=tuple(order)))
    outcomes = [attempt.outcome for attempt in named.attempts]
    assert all(outcome is AttemptOutcome.ABSENT for outcome in outcomes[:-1])
    assert [attempt.source for attempt in named.attempts] == order[: len(outcomes)]
    match named.identity:
        case Unidentified():
            assert outcomes[-1] in (AttemptOutcome.BAD, AttemptOutcome.ABSENT)
        case Device(source=source, assurance=assurance) | Endpoint(source=source, assurance=assurance):
            assert outcomes[-1] is AttemptOutcome.FOUND
            assert source is named.attempts[-1].source
            assert assurance.name == source.name
            assert source is not IdentitySource.VPN or authentication == "done_by_nas"
