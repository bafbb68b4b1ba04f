from collections.abc import Callable

import pytest

from nacd.identity.outcome import Absent, Bad, Found
from nacd.identity.rules import IdentityRules
from nacd.identity.vpn import device, mac, posture
from nacd.values import AccessRequest, Assurance, Device, DeviceId, DeviceIdKind, IdentitySource, MacAddress

Request = Callable[..., AccessRequest]
Rules = Callable[..., IdentityRules]
PATTERN = "(?P<guid>[0-9a-f-]{36})@devices"

DESKTOP = (
    "mdm-tlv=device-platform=win",
    "mdm-tlv=device-platform-version=10.0.19044 ",
    "mdm-tlv=device-mac=00-50-5a-aa-8a-4a",
    "mdm-tlv=device-public-mac=00-50-5a-aa-8a-4a",
    "mdm-tlv=device-type=VMware, Inc. VMware Virtual Platform",
    "mdm-tlv=device-uid-global=" + "6A" * 20,
    "mdm-tlv=device-uid=" + "F1" * 32,
    "audit-session-id=c612856400004000642c96a9",
)


def _vpn(request_of: Request, *pairs: str, **fields: object) -> AccessRequest:
    return request_of(authentication="done_by_nas", calling_station_id="198.51.100.10", cisco_av_pairs=pairs, **fields)


def _device(guid: str) -> Device:
    return Device(id=DeviceId(guid=guid), source=IdentitySource.VPN, assurance=Assurance.VPN)


def test_posture_pairs_are_read_with_blanks_dropped_and_the_rest_of_the_pairs_left_alone(request_of: Request) -> None:
    found = posture(_vpn(request_of, *DESKTOP, "MDM-TLV=Device-X=a=b", "mdm-tlv=broken"))
    assert ("device-platform-version", "10.0.19044") in found
    assert ("device-x", "a=b") in found
    assert len(found) == 8


def test_the_hash_a_desktop_sends_is_never_taken_for_an_id(request_of: Request, rules_of: Rules) -> None:
    found = device(_vpn(request_of, *DESKTOP), rules_of(vpn_bare_guid=True))
    assert isinstance(found, Absent)
    assert "Cisco's own hash" in found.detail


@pytest.mark.parametrize("name", ["device-uid", "device-uid-global"])
@pytest.mark.parametrize(
    "form", ["ID:Intune:DeviceID:{}", "ID:Microsoft Endpoint Manager:GUID:{} ", "IntuneDeviceId://{}"]
)
def test_a_provisioned_id_names_the_device(
    request_of: Request, rules_of: Rules, guid: str, name: str, form: str
) -> None:
    found = device(_vpn(request_of, f"mdm-tlv={name}={form.format(guid)}"), rules_of())
    assert isinstance(found, Found)
    assert found.identity == _device(guid)


def test_the_same_id_in_both_pairs_is_one_device(request_of: Request, rules_of: Rules, guid: str) -> None:
    pairs = (f"mdm-tlv=device-uid=ID:Intune:DeviceID:{guid}", f"mdm-tlv=device-uid-global=ID:Intune:GUID:{guid}")
    assert isinstance(device(_vpn(request_of, *pairs), rules_of()), Found)


def test_two_different_ids_are_bad(request_of: Request, rules_of: Rules, guid: str, other_guid: str) -> None:
    pairs = (f"mdm-tlv=device-uid=ID:Intune:DeviceID:{guid}", f"mdm-tlv=device-uid=ID:Intune:DeviceID:{other_guid}")
    assert isinstance(device(_vpn(request_of, *pairs), rules_of()), Bad)


@pytest.mark.parametrize(
    "value", ["{{deviceid}}", "ID:Intune:DeviceID:", "ID:Intune:DeviceID:00000000-0000-0000-0000-000000000000"]
)
def test_an_id_that_is_none_is_bad(request_of: Request, rules_of: Rules, value: str) -> None:
    assert isinstance(device(_vpn(request_of, f"mdm-tlv=device-uid={value}"), rules_of()), Bad)


def test_a_bare_guid_counts_only_when_configured(request_of: Request, rules_of: Rules, guid: str) -> None:
    request = _vpn(request_of, f"mdm-tlv=device-uid={guid.upper()}")
    absent = device(request, rules_of())
    assert isinstance(absent, Absent)
    assert "`vpn_bare_guid` is off" in absent.detail
    found = device(request, rules_of(vpn_bare_guid=True))
    assert isinstance(found, Found)
    assert found.identity == _device(guid)
    nil = _vpn(request_of, "mdm-tlv=device-uid=00000000-0000-0000-0000-000000000000")
    assert isinstance(device(nil, rules_of(vpn_bare_guid=True)), Bad)


def test_an_id_of_another_product_is_absent(request_of: Request, rules_of: Rules, guid: str) -> None:
    assert isinstance(device(_vpn(request_of, f"mdm-tlv=device-uid=ID:Jamf:DeviceID:{guid}"), rules_of()), Absent)


def test_a_guid_is_taken_from_the_user_name_by_the_configured_pattern(
    request_of: Request, rules_of: Rules, guid: str
) -> None:
    request = _vpn(request_of, user_name=f"{guid}@devices")
    assert isinstance(device(request, rules_of()), Absent)
    found = device(request, rules_of(user_name_pattern=PATTERN))
    assert isinstance(found, Found)
    assert found.identity == _device(guid)


def test_an_eap_identity_is_the_peers_own_word_and_no_pattern_reads_it(
    request_of: Request, rules_of: Rules, guid: str
) -> None:
    rules = rules_of(user_name_pattern=PATTERN)
    assert isinstance(device(_vpn(request_of, user_name=f"{guid}@devices", has_eap=True), rules), Absent)
    other_nas = request_of(user_name=f"{guid}@devices", nas_port_type="Virtual", has_eap=True)
    assert isinstance(device(other_nas, rules), Absent)


@pytest.mark.parametrize("eap", [True, False])
def test_a_nas_not_declared_a_vpn_concentrator_names_nothing_by_its_clients_words(
    request_of: Request, rules_of: Rules, guid: str, eap: bool
) -> None:
    rules = rules_of(user_name_pattern=PATTERN, class_pattern="(?P<guid>.*)", vpn_bare_guid=True)
    for pair in (f"mdm-tlv=device-uid=ID:Intune:DeviceID:{guid}", "mdm-tlv=device-uid={{deviceid}}"):
        request = request_of(
            nas_port_type="Virtual",
            has_eap=eap,
            user_name=f"{guid}@devices",
            class_values=(guid.encode(),),
            cisco_av_pairs=(pair, *DESKTOP),
        )
        for outcome in (device(request, rules), mac(request)):
            assert isinstance(outcome, Absent)
            assert "`campus` is no VPN concentrator with `authentication: done_by_nas`" in outcome.detail


def test_a_guid_is_taken_from_class_by_the_configured_pattern(request_of: Request, rules_of: Rules, guid: str) -> None:
    request = _vpn(request_of, class_values=(b"\xff\xfe", f"OU={guid}".encode()))
    found = device(request, rules_of(class_pattern="OU=(?P<guid>.*)"))
    assert isinstance(found, Found)
    assert found.identity == _device(guid)
    assert found.identity.id.kind is DeviceIdKind.INTUNE


def test_a_pattern_that_finds_something_else_than_a_guid_is_bad(request_of: Request, rules_of: Rules) -> None:
    found = device(_vpn(request_of, user_name="x" * 36), rules_of(user_name_pattern="(?P<guid>.*)"))
    assert isinstance(found, Bad)
    assert found.detail.startswith("User-Name")


def test_user_name_and_posture_that_disagree_are_bad(
    request_of: Request, rules_of: Rules, guid: str, other_guid: str
) -> None:
    request = _vpn(request_of, f"mdm-tlv=device-uid=ID:Intune:DeviceID:{guid}", user_name=f"{other_guid}@devices")
    assert isinstance(device(request, rules_of(user_name_pattern=PATTERN)), Bad)


def test_the_mac_in_use_is_taken_before_the_list_of_adapters(request_of: Request) -> None:
    pairs = ("mdm-tlv=device-mac=00-50-5a-aa-8a-4b", "mdm-tlv=device-mac=00-50-5a-aa-8a-4c", *DESKTOP[3:])
    assert mac(_vpn(request_of, *pairs)) == (MacAddress("00-50-5A-AA-8A-4A"), "device-public-mac")


def test_a_single_adapter_is_taken_when_none_is_said_to_be_in_use(request_of: Request) -> None:
    pair = "mdm-tlv=device-mac=0050.5aaa.8a4a"
    assert mac(_vpn(request_of, pair, pair)) == (MacAddress("00-50-5A-AA-8A-4A"), "device-mac")


def test_several_adapters_name_none_and_two_in_use_are_bad(request_of: Request) -> None:
    two = ("mdm-tlv=device-{}=00-50-5a-aa-8a-4b", "mdm-tlv=device-{}=00-50-5a-aa-8a-4c")
    assert isinstance(mac(_vpn(request_of, *(pair.format("mac") for pair in two))), Absent)
    assert isinstance(mac(_vpn(request_of, *(pair.format("public-mac") for pair in two))), Bad)


def test_the_calling_station_of_a_vpn_is_never_a_mac(request_of: Request) -> None:
    request = request_of(authentication="done_by_nas", calling_station_id="00-50-5A-AA-8A-4A")
    assert isinstance(mac(request), Absent)
