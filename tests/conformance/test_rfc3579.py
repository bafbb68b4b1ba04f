"""RFC 3579, RADIUS Support For EAP."""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Callable

import pytest

from nacd.radius.admission import Admission, Drop, Fresh, Role
from nacd.radius.clients import Client, ClientTable
from nacd.radius.dedup import DedupTable
from nacd.radius.ledger import MessageAuthenticatorLedger
from nacd.values import Instant, Nas, Secret
from tests.conformance.octets import ACCEPT, CHALLENGE, PRINTER, REJECT, mab, raw, request, tlv
from tests.conformance.wire import Talk, Wire
from tests.server.house import House, Pki, Site

NOW = Instant(wall=1_700_000_000.0, monotonic=10.0)
IDENTITY = (79, b"\x02\x01\x00\x10\x01host/laptop")
SUCCESS, FAILURE = 3, 4


@pytest.mark.clause("RFC 3579 section 3.2", "Message-Authenticator is verified when present; a bad one: silent discard")
@pytest.mark.parametrize("octet", [1, 5, 22, 37, 40, -1])
def test_one_bit_changed_anywhere_is_a_packet_nobody_answers(wire: Wire, octet: int) -> None:
    octets = bytearray(mab(PRINTER, (77, b"the last attribute")))
    octets[octet] ^= 0x04
    assert wire.is_silent(bytes(octets))


@pytest.mark.clause("RFC 3579 section 3.2", "a Message-Authenticator of another length than 18 is silently discarded")
@pytest.mark.parametrize("length", [0, 15, 17])
def test_a_signature_of_another_length_is_dropped(wire: Wire, length: int) -> None:
    assert wire.is_silent(raw(tlv(80, bytes(length)) + tlv(1, b"x"), sign=False))


@pytest.mark.clause("RFC 3579 section 3.3", "at most one Message-Authenticator in a packet")
def test_two_signatures_are_dropped_even_if_the_first_is_right(wire: Wire) -> None:
    assert wire.is_silent(mab(PRINTER, (80, bytes(16))))


@pytest.mark.clause("RFC 3579 section 3.1", "an EAP-Message without Message-Authenticator is silently discarded")
def test_eap_without_a_signature_is_dropped(wire: Wire) -> None:
    assert wire.is_silent(request((1, b"host/laptop"), IDENTITY, sign=False))


@pytest.mark.clause("RFC 3579 section 3.1", "every answer with an EAP-Message carries a Message-Authenticator")
def test_every_answer_of_a_login_is_signed(house: House, pki: Pki, talk: Callable[..., Talk]) -> None:
    said = talk(house, pki.supplicant())
    assert said.last.code == ACCEPT
    assert [reply.message_authenticator for reply in said.replies] == ["first"] * len(said.replies)
    assert all(reply.eap for reply in said.replies)


@pytest.mark.clause("RFC 3579 section 3.1", "EAP-Message attributes of a packet hold one EAP packet, in order")
def test_every_answer_holds_exactly_one_eap_packet(house: House, pki: Pki, talk: Callable[..., Talk]) -> None:
    for eap in talk(house, pki.supplicant()).requests:
        assert struct.unpack("!H", eap[2:4])[0] == len(eap)


@pytest.mark.clause("RFC 3579 section 3.1", "EAP-Messages are consecutive, each full but the last (253 octets)")
def test_a_long_flight_lies_in_full_chunks_side_by_side(house: House, pki: Pki, talk: Callable[..., Talk]) -> None:
    octets = max((reply.octets for reply in talk(house, pki.supplicant()).replies), key=len)
    numbers, sizes, at = [], [], 20
    while at < len(octets):
        numbers.append(octets[at])
        if octets[at] == 79:
            sizes.append(octets[at + 1] - 2)
        at += octets[at + 1]
    assert len(sizes) > 2
    first = numbers.index(79)
    assert numbers[first : first + len(sizes)] == [79] * len(sizes)
    assert sizes[:-1] == [253] * (len(sizes) - 1)


@pytest.mark.clause("RFC 3579 section 3.1", "EAP-Messages of a request are put together in the order they came")
def test_a_response_in_pieces_is_read_as_one(wire: Wire) -> None:
    whole = IDENTITY[1]
    got = wire.ask(request((1, b"host/laptop"), *((79, bytes((octet,))) for octet in whole)))
    assert got.code == CHALLENGE
    assert got.first(79)[4] == 13


@pytest.mark.clause("RFC 3579 section 2.1", "an empty EAP-Message is EAP-Start: the server begins the conversation")
def test_eap_start_is_answered_with_an_eap_request(wire: Wire) -> None:
    got = wire.ask(request((1, b"host/laptop"), (79, b"")))
    assert got.code == CHALLENGE
    assert got.first(79)[0] == 1
    assert got.first(24)


@pytest.mark.clause("RFC 3579 section 2.2", "an invalid EAP packet is ignored: the last request again, Error-Cause 202")
@pytest.mark.parametrize("eap", [b"\x02", b"\x02\x01\x00\x03", b"\x02\x01\x01\x00\x0d\x00", b"\x09\x01\x00\x05\x0d"])
def test_a_broken_eap_packet_does_not_end_the_conversation(wire: Wire, eap: bytes) -> None:
    start = wire.ask(request((1, b"host/laptop"), IDENTITY))
    again = wire.ask(request((1, b"host/laptop"), (79, eap), (24, start.first(24))))
    assert again.code == CHALLENGE
    assert again.first(79) == start.first(79)
    assert again.first(101) == (202).to_bytes(4)


@pytest.mark.clause("RFC 3579 section 2.4", "no EAP packet is longer than Framed-MTU allows")
@pytest.mark.parametrize("mtu", [400, 1000])
def test_the_framed_mtu_of_the_nas_bounds_every_eap_packet(
    house: House, pki: Pki, talk: Callable[..., Talk], mtu: int
) -> None:
    said = talk(house, pki.supplicant(), framed_mtu=mtu)
    assert said.last.code == ACCEPT
    assert max(len(eap) for eap in said.requests) <= mtu - 4


@pytest.mark.clause("RFC 3579 section 2.6.3", "Access-Accept carries EAP-Success")
def test_an_accept_tells_the_peer_of_success(house: House, pki: Pki, talk: Callable[..., Talk]) -> None:
    said = talk(house, pki.supplicant())
    assert (said.last.code, said.last.eap[0]) == (ACCEPT, SUCCESS)
    assert said.last.eap[1] == said.responses[-1][1]


@pytest.mark.clause("RFC 3579 section 2.6.3", "Access-Reject carries EAP-Failure")
def test_a_reject_tells_the_peer_of_failure(wire: Wire) -> None:
    start = wire.ask(request((1, b"host/laptop"), IDENTITY))
    nak = struct.pack("!BBHBB", 2, start.first(79)[1], 6, 3, 25)
    got = wire.ask(request((1, b"host/laptop"), (79, nak), (24, start.first(24))))
    assert got.code == REJECT
    assert got.first(79)[0] == FAILURE


@pytest.mark.clause("RFC 3579 section 2.6.3", "Access-Challenge carries an EAP-Request")
def test_a_challenge_asks_something_of_the_peer(house: House, pki: Pki, talk: Callable[..., Talk]) -> None:
    said = talk(house, pki.supplicant())
    assert {(reply.code, reply.eap[0]) for reply in said.replies[:-1]} == {(CHALLENGE, 1)}


@pytest.mark.clause("RFC 3579 section 2.6.5", "no Reply-Message in a packet with an EAP-Message")
def test_a_reply_message_is_kept_back_beside_eap(
    site: Site, build: Callable[..., House], pki: Pki, talk: Callable[..., Talk]
) -> None:
    profiles = (
        ("corporate:  {vlan: 120,", "corporate:  {vlan: 120, attributes: {Reply-Message: hi},"),
        ("printers:   {vlan: 140}", "printers:   {vlan: 140, attributes: {Reply-Message: hi}}"),
    )
    for old, new in profiles:
        site.change(old, new, file="policy.yaml")
    house = build()
    said = talk(house, pki.supplicant())
    assert said.last.code == ACCEPT
    assert not any(reply.all("Reply-Message") for reply in said.replies)
    assert house.nas().mab(PRINTER).all("Reply-Message") == ["hi"]


@pytest.mark.clause("RFC 2865 section 3", "the source address selects the secret, nothing in the packet does")
def test_the_secret_of_another_nas_proves_nothing() -> None:
    secrets = {"10.0.0.1": b"secret-of-one", "10.0.0.2": b"secret-of-another"}
    clients = ClientTable(
        Client(nas=Nas(name=text, vendor="generic"), networks=(ipaddress.ip_network(text),), secret=Secret(secret))
        for text, secret in secrets.items()
    )
    door = Admission(clients, MessageAuthenticatorLedger(), DedupTable())
    octets = mab(PRINTER, (4, bytes((10, 0, 0, 2))), secret=secrets["10.0.0.2"])
    assert isinstance(door.receive(octets, "10.0.0.2", 1645, Role.AUTH, NOW), Fresh)
    refused = door.receive(octets, "10.0.0.1", 1645, Role.AUTH, NOW)
    assert isinstance(refused, Drop)
    assert refused.reason == "bad_message_authenticator"


@pytest.mark.clause(
    "RFC 3579 section 3.3",
    "a request holds no more than one kind of password or EAP-Message",
    differs="EAP alone counts: a password beside it is not looked at and opens nothing",
)
def test_a_password_beside_eap_does_not_end_the_conversation_early(wire: Wire) -> None:
    got = wire.ask(request((1, b"host/laptop"), (2, bytes(16)), IDENTITY))
    assert got.code == CHALLENGE


@pytest.mark.clause("RFC 2548 section 2.4.2", "keys leave in an Access-Accept only")
def test_no_challenge_and_no_reject_carries_a_key(house: House, pki: Pki, talk: Callable[..., Talk]) -> None:
    said = talk(house, pki.supplicant())
    assert said.last.recv_key
    assert not any(reply.recv_key or reply.send_key for reply in said.replies[:-1])
