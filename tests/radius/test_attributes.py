import hashlib
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyrad import dictionary as pyrad_dictionary
from pyrad import packet as pyrad_packet

from nacd.radius.attributes import access_request, accounting_request, describe
from nacd.radius.clients import Client
from nacd.radius.dictionary import Dictionary
from nacd.radius.packet import attribute, decode
from nacd.values import (
    AccessRequest,
    AccountingRequest,
    Attribute,
    ChapResponse,
    NoCredential,
    OtherCredential,
    PapPassword,
)

MakeRequest = Callable[..., bytes]
ReadAccess = Callable[..., AccessRequest]
ReadAccounting = Callable[..., AccountingRequest]


def vsa(vendor: int, number: int, value: bytes) -> tuple[int, bytes]:
    return 26, vendor.to_bytes(4) + attribute(number, value)


@pytest.fixture(scope="session")
def access(make_request: MakeRequest, client: Client, dictionary: Dictionary) -> ReadAccess:
    def read(*attributes: tuple[int, bytes]) -> AccessRequest:
        return access_request(decode(make_request(*attributes)), client, "10.0.0.1", 1645, dictionary)

    return read


@pytest.fixture(scope="session")
def accounting(make_request: MakeRequest, client: Client, dictionary: Dictionary) -> ReadAccounting:
    def read(*attributes: tuple[int, bytes]) -> AccountingRequest:
        return accounting_request(decode(make_request(*attributes, code=4)), client, "10.0.0.1", 1646, dictionary)

    return read


def test_a_mab_request_is_read_by_name(access: ReadAccess, client: Client) -> None:
    request = access(
        (1, b"aabbccddeeff"),
        (4, b"\x0a\x00\x00\x01"),
        (5, b"\x00\x00\xc3\x51"),
        (6, b"\x00\x00\x00\x0a"),
        (12, b"\x00\x00\x05\xdc"),
        (30, b"00-11-22-33-44-55"),
        (31, b"AA-BB-CC-DD-EE-FF"),
        (32, b"sw1"),
        (44, b"0000001A"),
        (61, b"\x00\x00\x00\x0f"),
        (77, b"CONNECT 1000"),
        (87, b"GigabitEthernet1/0/1"),
        (102, b"\x00"),
        vsa(9, 1, b"service-type=Call Check"),
        vsa(9, 1, b"audit-session-id=0A000001000000120034"),
    )
    assert request == AccessRequest(
        nas=client.nas,
        source="10.0.0.1",
        source_port=1645,
        user_name="aabbccddeeff",
        nas_address="10.0.0.1",
        nas_port="50001",
        service_type="Call-Check",
        framed_mtu=1500,
        called_station_id="00-11-22-33-44-55",
        calling_station_id="AA-BB-CC-DD-EE-FF",
        nas_identifier="sw1",
        acct_session_id="0000001A",
        nas_port_type="Ethernet",
        connect_info="CONNECT 1000",
        nas_port_id="GigabitEthernet1/0/1",
        key_name_requested=True,
        signed=True,
        cisco_av_pairs=("service-type=Call Check", "audit-session-id=0A000001000000120034"),
    )
    assert request.audit_session_id == "0A000001000000120034"


@pytest.mark.parametrize("value", [b"\0", b"", b"an earlier value"])
def test_asking_for_a_chargeable_identity_is_having_the_attribute(access: ReadAccess, value: bytes) -> None:
    assert access((89, value)).chargeable_identity_requested
    assert not access((1, value)).chargeable_identity_requested


def test_the_operators_name_and_the_chargeable_identity_of_accounting_are_read(
    access: ReadAccess, accounting: ReadAccounting
) -> None:
    assert access((126, b"1example.com")).operator_name == "1example.com"
    assert accounting((89, b"0a1b")).chargeable_user_identity == "0a1b"


def test_an_empty_request_has_nothing(access: ReadAccess, client: Client) -> None:
    assert access() == AccessRequest(nas=client.nas, source="10.0.0.1", source_port=1645, signed=True)


def test_eap_fragments_are_joined_in_order(access: ReadAccess) -> None:
    request = access((79, b"\x02\x01"), (24, b"state"), (79, b"\x00\x05"), (79, b"\x01"))
    assert request.has_eap
    assert request.eap == b"\x02\x01\x00\x05\x01"
    assert request.state == b"state"


def test_an_empty_eap_message_is_an_eap_start(access: ReadAccess) -> None:
    request = access((79, b""))
    assert request.has_eap
    assert request.eap == b""


def test_the_first_of_a_kind_counts(access: ReadAccess) -> None:
    request = access((1, b"first"), (1, b"second"), (24, b"one"), (24, b"two"), (6, b"\0\0\0\2"), (6, b"\0\0\0\x0a"))
    assert (request.user_name, request.state, request.service_type) == ("first", b"one", "Framed-User")


def test_every_class_and_every_pair_counts(access: ReadAccess) -> None:
    two_in_one = (26, (9).to_bytes(4) + attribute(1, b"a=1") + attribute(1, b"b=2"))
    request = access((25, b"x"), two_in_one, (25, b"y"), vsa(9, 1, b"c=3"))
    assert request.class_values == (b"x", b"y")
    assert request.cisco_av_pairs == ("a=1", "b=2", "c=3")


def test_numbers_and_addresses_of_the_wrong_size_count_as_absent(access: ReadAccess) -> None:
    request = access(
        (4, b"\x0a\x00\x00"),
        (95, b"\x20\x01"),
        (5, b"\x00\x01"),
        (6, b"\x00\x00\x00\x00\x0a"),
        (12, b""),
        (61, b"\x0f"),
    )
    assert (request.nas_address, request.nas_port, request.service_type) == ("", "", "")
    assert (request.framed_mtu, request.nas_port_type) == (0, "")


def test_an_unknown_service_type_is_its_number(access: ReadAccess) -> None:
    assert access((6, b"\x00\x00\x10\x92")).service_type == "4242"


def test_an_ipv6_nas_address_is_read(access: ReadAccess) -> None:
    assert access((95, bytes.fromhex("20010db8000000000000000000000007"))).nas_address == "2001:db8::7"


def test_text_that_is_no_utf8_survives(access: ReadAccess) -> None:
    assert access((1, b"n\xe9mo\x00")).user_name == "n\\xe9mo\x00"


@pytest.mark.parametrize("value", [b"192.0.2.7", b"\x01192.0.2.7", b"\x00192.0.2.7"])
def test_a_tag_is_no_part_of_the_tunnel_client_endpoint(access: ReadAccess, value: bytes) -> None:
    assert access((66, value)).tunnel_client_endpoint == "192.0.2.7"


def test_the_tunnel_group_of_an_asa_is_read(access: ReadAccess) -> None:
    assert access(vsa(3076, 146, b"CORP-VPN")).tunnel_group == "CORP-VPN"


@pytest.mark.parametrize(
    "value",
    [b"", b"\x00\x00\x00\x09", (9).to_bytes(4) + b"\x01\x09a=1", (9).to_bytes(4) + attribute(1, b"a=1") + b"\x01"],
)
def test_a_malformed_vendor_specific_is_ignored_whole(access: ReadAccess, value: bytes) -> None:
    request = access((26, value), vsa(9, 1, b"good=1"))
    assert request.cisco_av_pairs == ("good=1",)


def test_the_same_number_of_another_vendor_is_another_attribute(access: ReadAccess) -> None:
    request = access(vsa(3076, 1, b"x"), vsa(9, 146, b"y"), vsa(14823, 1, b"z"))
    assert request.cisco_av_pairs == ()
    assert request.tunnel_group == ""


def test_a_password_is_unhidden_and_kept_silent(access: ReadAccess, secret: bytes) -> None:
    hidden = bytes(
        a ^ b for a, b in zip(b"aabbccddeeff\0\0\0\0", hashlib.md5(secret + bytes(range(16))).digest(), strict=True)
    )
    credential = access((1, b"x"), (2, hidden)).credential
    assert isinstance(credential, PapPassword)
    assert credential.password.reveal() == b"aabbccddeeff"
    assert "aabb" not in repr(credential)


def test_chap_uses_its_challenge_else_the_request_authenticator(access: ReadAccess) -> None:
    chap = b"\x05" + bytes(16)
    assert access((3, chap)).credential == ChapResponse(identifier=5, response=bytes(16), challenge=bytes(range(16)))
    assert access((3, chap), (60, b"challenge-of-its-own")).credential == ChapResponse(
        identifier=5, response=bytes(16), challenge=b"challenge-of-its-own"
    )


@pytest.mark.parametrize(
    ("attributes", "method"),
    [
        ([vsa(311, 25, bytes(50)), vsa(311, 11, bytes(16))], "MS-CHAPv2"),
        ([vsa(311, 1, bytes(50))], "MS-CHAP"),
        ([(70, bytes(16))], "ARAP"),
        ([(103, b"0123")], "Digest"),
        ([(2, bytes(15))], "malformed User-Password"),
        ([(2, b"")], "malformed User-Password"),
        ([(3, bytes(16))], "malformed CHAP-Password"),
        ([(2, bytes(16)), (3, bytes(17))], "several passwords"),
        ([(2, bytes(16)), (2, bytes(16))], "several passwords"),
    ],
)
def test_a_password_nacd_cannot_check_is_never_taken_for_none(
    access: ReadAccess, attributes: list[tuple[int, bytes]], method: str
) -> None:
    assert access(*attributes).credential == OtherCredential(method=method)


def test_a_challenge_alone_is_no_credential(access: ReadAccess) -> None:
    assert access((60, b"challenge")).credential == NoCredential()


def test_an_accounting_request_is_read_by_name(accounting: ReadAccounting, client: Client) -> None:
    request = accounting(
        (40, b"\x00\x00\x00\x02"),
        (44, b"0000001A"),
        (1, b"host/pc1"),
        (31, b"AA-BB-CC-DD-EE-FF"),
        (30, b"00-11-22-33-44-55:corp"),
        (32, b"sw1"),
        (95, bytes(15) + b"\x01"),
        (5, b"\x00\x00\x00\x07"),
        (87, b"Gi1/0/7"),
        (8, b"\x0a\x01\x02\x03"),
        (25, b"class"),
        (46, b"\x00\x00\x0e\x10"),
        (41, b"\x00\x00\x00\x05"),
        (55, b"\x65\x53\xf1\x00"),
        (49, b"\x00\x00\x00\x14"),
        vsa(9, 1, b"connect-progress=Call Up"),
        vsa(9, 1, b"audit-session-id=0A000001"),
    )
    assert request == AccountingRequest(
        nas=client.nas,
        source="10.0.0.1",
        source_port=1646,
        status_type="Stop",
        acct_session_id="0000001A",
        user_name="host/pc1",
        calling_station_id="AA-BB-CC-DD-EE-FF",
        called_station_id="00-11-22-33-44-55:corp",
        nas_identifier="sw1",
        nas_address="::1",
        nas_port="7",
        nas_port_id="Gi1/0/7",
        framed_address="10.1.2.3",
        audit_session_id="0A000001",
        class_values=(b"class",),
        session_time_s=3600,
        delay_s=5,
        event_timestamp=0x6553F100,
        terminate_cause="Reauthentication-Failure",
    )


def test_accounting_without_a_status_type_says_so(accounting: ReadAccounting) -> None:
    assert accounting((44, b"x")).status_type == ""


@settings(max_examples=60)
@given(
    user=st.text(max_size=40),
    mtu=st.integers(0, 2**32 - 1),
    state=st.binary(min_size=1, max_size=253).filter(lambda state: not state.startswith(b"0x")),
    pairs=st.lists(st.text(min_size=1, max_size=40), max_size=4),
)
def test_what_pyrad_writes_is_read_back(
    client: Client,
    dictionary: Dictionary,
    oracle: pyrad_dictionary.Dictionary,
    user: str,
    mtu: int,
    state: bytes,
    pairs: list[str],
) -> None:
    other = pyrad_packet.AuthPacket(secret=client.secret.reveal(), id=1, dict=oracle)
    other["User-Name"] = user
    other["Framed-MTU"] = mtu
    other["State"] = state
    other[9, 1] = [pair.encode() for pair in pairs]
    other["User-Password"] = other.PwCrypt("pass")
    other["NAS-Port-Type"] = "Wireless-802.11"
    request = access_request(decode(other.RequestPacket()), client, "10.0.0.1", 1645, dictionary)
    assert (request.user_name, request.framed_mtu, request.state) == (user, mtu, state)
    assert request.cisco_av_pairs == tuple(pairs)
    assert request.nas_port_type == "Wireless-802.11"
    assert isinstance(request.credential, PapPassword)
    assert request.credential.password.reveal() == b"pass"


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(1, 255), st.binary(max_size=40)), max_size=12))
def test_no_attributes_make_reading_raise(
    make_request: MakeRequest, client: Client, dictionary: Dictionary, attributes: list[tuple[int, bytes]]
) -> None:
    packet = decode(make_request(*attributes, sign=False))
    access_request(packet, client, "10.0.0.1", 1645, dictionary)
    accounting_request(packet, client, "10.0.0.1", 1646, dictionary)
    assert len(describe(packet, dictionary)) >= len(attributes)


def test_a_packet_is_described_in_words_without_secrets(make_request: MakeRequest, dictionary: Dictionary) -> None:
    datagram = make_request(
        (1, b"nemo"),
        (2, bytes(16)),
        (3, bytes(17)),
        (6, b"\x00\x00\x00\x0a"),
        (26, (99999).to_bytes(4) + attribute(1, b"a") + attribute(2, b"b")),
        (26, b"\x00"),
        (250, b"?"),
        sign=False,
    )
    assert describe(decode(datagram), dictionary) == (
        Attribute(name="User-Name", value="nemo"),
        Attribute(name="User-Password", value="***"),
        Attribute(name="CHAP-Password", value="***"),
        Attribute(name="Service-Type", value="Call-Check"),
        Attribute(name="Attr-26.99999.1", value=b"a"),
        Attribute(name="Attr-26.99999.2", value=b"b"),
        Attribute(name="Vendor-Specific", value=b"\x00"),
        Attribute(name="Attr-250", value=b"?"),
    )


@given(octets=st.binary(max_size=253) | st.sampled_from([b"al\\x41ice", b"caf\xe9", b"\\xff\xff", b"CORP\\alex"]))
@settings(max_examples=200, deadline=None)
def test_a_user_name_whose_text_might_be_an_escape_is_kept_octet_for_octet(
    octets: bytes, access: ReadAccess, accounting: ReadAccounting
) -> None:
    for request in (access((1, octets)), accounting((1, octets), (1, b"another"))):
        assert request.user_name == octets.decode("utf-8", "backslashreplace")
        assert request.user_name_octets == (octets.hex() if "\\x" in request.user_name else "")
        assert request.user_name_octets or request.user_name.encode() == octets
