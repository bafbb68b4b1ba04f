"""Reading replies: built by pyrad, spoilt here, judged by the simulated NAS."""

from __future__ import annotations

import hashlib
import os
import struct

import pytest
from pyrad.packet import AcctPacket, AuthPacket

from nacd.sim.nas_reply import Reply, dictionary, distrust, take_apart, walk

SECRET = b"a secret of some length"


def request_packet(**more: object) -> AuthPacket:
    packet = AuthPacket(id=7, secret=SECRET, authenticator=os.urandom(16), dict=dictionary(), **more)
    packet.add_message_authenticator()
    return packet


def signed(code: int, request: bytes, attributes: bytes) -> bytes:
    head = struct.pack("!BBH", code, request[1], 20 + len(attributes))
    return head + hashlib.md5(head + request[4:20] + attributes + SECRET).digest() + attributes


def test_pyrads_reply_is_believed() -> None:
    request = request_packet()
    assert distrust(request.CreateReply().ReplyPacket(), request.RequestPacket(), SECRET) == ""


@pytest.mark.parametrize("position", [1, 4, 19, 25, 37])
def test_a_flipped_bit_anywhere_is_noticed(position: int) -> None:
    request = request_packet()
    octets = bytearray(request.CreateReply().ReplyPacket())
    octets[position] ^= 1
    assert distrust(bytes(octets), request.RequestPacket(), SECRET) != ""


@pytest.mark.parametrize(
    ("attributes", "why"),
    [
        (b"\x50\x12" + bytes(16), "bad Message-Authenticator"),
        (b"\x50\x04\x00\x00", "bad Message-Authenticator"),
        (b"\x4f\x06\x03\x01\x00\x04", "EAP-Message without Message-Authenticator"),
        (b"\x12\x09abc", "attributes do not fill the packet"),
        (b"\x12\x01", "attributes do not fill the packet"),
        (b"\x21\x05abc", "Proxy-State is not what was sent"),
        (b"\x12\x05abc", ""),
    ],
)
def test_a_signed_reply_may_still_be_wrong(attributes: bytes, why: str) -> None:
    request = request_packet().RequestPacket()
    assert distrust(signed(2, request, attributes), request, SECRET) == why


@pytest.mark.parametrize(
    "octets", [b"", b"\x02\x07\x00\x14", b"\x02\x07\x00\x13" + bytes(16), b"\x02\x07\xff\xff" + bytes(16)]
)
def test_a_length_that_cannot_be_is_refused(octets: bytes) -> None:
    assert distrust(octets, request_packet().RequestPacket(), SECRET) == "bad length"


def test_an_accounting_response_may_carry_a_message_authenticator() -> None:
    request = AcctPacket(id=7, secret=SECRET, dict=dictionary())
    octets = request.RequestPacket()
    reply = request.CreateReply()
    reply.add_message_authenticator()
    assert distrust(reply.ReplyPacket(), octets, SECRET) == ""


def test_an_accept_is_read_in_names_and_in_the_order_of_the_wire() -> None:
    request = request_packet()
    reply = request.CreateReply()
    reply["Tunnel-Type:1"] = "VLAN"
    reply["Tunnel-Medium-Type:1"] = "IEEE-802"
    reply["Tunnel-Private-Group-Id:1"] = "120"
    reply["Session-Timeout"] = 28_800
    reply["Termination-Action"] = "RADIUS-Request"
    reply[(9, 1)] = [b"url-redirect-acl=REDIRECT", b"ip:inacl#1=permit ip any any"]
    reply[(14823, 1)] = [b"corporate"]
    reply[(14823, 250)] = [b"\x01"]
    reply[200] = [b"\xff"]
    reply[25] = [b"0x41"]
    read = take_apart(reply.ReplyPacket(), request)
    assert read.attributes[1:] == (
        ("Tunnel-Type:1", "VLAN"),
        ("Tunnel-Medium-Type:1", "IEEE-802"),
        ("Tunnel-Private-Group-Id:1", "120"),
        ("Session-Timeout", 28_800),
        ("Termination-Action", "RADIUS-Request"),
        ("Cisco-AVPair", "url-redirect-acl=REDIRECT"),
        ("Cisco-AVPair", "ip:inacl#1=permit ip any any"),
        ("Aruba-User-Role", "corporate"),
        ("Attr-26.14823.250", b"\x01"),
        ("Attr-200", b"\xff"),
        ("Class", b"0x41"),
    )
    assert read.first("Tunnel-Private-Group-Id") == read.first("Tunnel-Private-Group-Id:1") == "120"
    assert len(read.all("Cisco-AVPair")) == 2
    assert read.first("Filter-Id") == ""


def test_several_vendor_attributes_in_one_are_split_and_broken_ones_left_whole() -> None:
    request = request_packet()
    sound = (
        b"\x1a\x10\x00\x00\x39\xe7\x01\x05abc\x02\x06\x00\x00\x00\x07"[:2]
        + b"\x00\x00\x39\xe7"
        + (b"\x01\x05abc" + b"\x17\x05xyz")
    )
    broken = b"\x1a\x0a\x00\x00\x39\xe7\x01\x09ab"
    octets = signed(2, request.RequestPacket(), sound + broken)
    assert take_apart(octets, request).attributes == (
        ("Aruba-User-Role", "abc"),
        ("Aruba-CPPM-Role", "xyz"),
        ("Attr-26", broken[2:]),
    )


def test_keys_are_decrypted_with_the_requests_authenticator() -> None:
    request = request_packet()
    recv, send = os.urandom(32), os.urandom(32)
    reply = request.CreateReply()
    reply[(311, 17)] = [reply.SaltCrypt(recv)]
    reply[(311, 16)] = [reply.SaltCrypt(send)]
    read = take_apart(reply.ReplyPacket(), request)
    assert (read.recv_key, read.send_key) == (recv, send)


def test_a_key_of_a_wrong_length_stays_unknown() -> None:
    request = request_packet()
    reply = request.CreateReply()
    reply[(311, 17)] = [b"abc"]
    assert take_apart(reply.ReplyPacket(), request).recv_key == b""


def test_a_value_of_a_wrong_size_is_shown_as_octets() -> None:
    request = request_packet()
    octets = signed(2, request.RequestPacket(), b"\x1b\x04\x00\x01")
    assert take_apart(octets, request).attributes == (("Session-Timeout", b"\x00\x01"),)


def test_the_place_of_the_message_authenticator_is_told() -> None:
    request = request_packet()
    reply = request.CreateReply(message_authenticator=False)
    assert take_apart(reply.ReplyPacket(), request).message_authenticator == "absent"
    reply["Reply-Message"] = "no"
    reply[80] = [bytes(16)]
    reply.message_authenticator = True
    assert take_apart(reply.ReplyPacket(), request).message_authenticator == "later"


def test_an_unknown_code_has_a_name_too() -> None:
    assert (Reply(code=52).code_name, Reply().code_name) == ("code 52", "no answer")


def test_the_walk_gives_all_or_nothing() -> None:
    head = bytes(20)
    assert list(walk(head + b"\x01\x03a\x02\x02")) == [(20, 1, b"a"), (23, 2, b"")]
    assert list(walk(head + b"\x01\x03a\x02")) == []
