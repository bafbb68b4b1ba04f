import hashlib
import hmac
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyrad import packet as pyrad_packet

from nacd.errors import BadPacket, BadValue
from nacd.radius.authenticators import (
    MaVerdict,
    hmac_md5,
    response_authenticator,
    salt_encrypt,
    unhide_password,
    verify_accounting,
    verify_message_authenticator,
)
from nacd.radius.packet import attribute, decode

# RFC 2865 section 7.1: the request, its password and the answer.
RFC_SECRET = b"xyzzy5461"
RFC_REQUEST = bytes.fromhex(
    "01000038 0f403f94739780 57bd83d5cb98f4227a 01066e656d6f 02120dbe708d93d413ce3196e43f782a0aee"
    "0406c0a80110 050600000003"
)
RFC_ANSWER = bytes.fromhex("02000026 86fe220e7624ba2a1005f6bf9b55e0b2 060600000001 0f0600000000 0e06c0a80103")

values = st.binary(min_size=1, max_size=40)
MakeRequest = Callable[..., bytes]


def test_the_password_of_the_rfc_is_unhidden() -> None:
    packet = decode(RFC_REQUEST)
    assert unhide_password(packet.first(2), packet.authenticator, RFC_SECRET) == b"arctangent"


def test_the_response_authenticator_of_the_rfc_is_computed() -> None:
    request, answer = decode(RFC_REQUEST), decode(RFC_ANSWER)
    computed = response_authenticator(RFC_ANSWER[:4], request.authenticator, RFC_ANSWER[20:], RFC_SECRET)
    assert computed == answer.authenticator


@given(st.text(min_size=1, max_size=60).filter(lambda text: 0 < len(text.encode()) <= 128 and not text.endswith("\0")))
def test_passwords_hidden_by_pyrad_are_unhidden(password: str) -> None:
    other = pyrad_packet.AuthPacket(secret=b"one", authenticator=bytes(range(16)), id=1)
    assert unhide_password(other.PwCrypt(password), bytes(range(16)), b"one") == password.encode()


@pytest.mark.parametrize("length", [0, 1, 15, 17, 144])
def test_a_hidden_password_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(BadValue):
        unhide_password(bytes(length), bytes(16), b"one")


@given(values, st.binary(min_size=2, max_size=2), st.binary(min_size=16, max_size=16))
def test_what_we_salt_pyrad_unsalts(clear: bytes, salt: bytes, authenticator: bytes) -> None:
    salt = bytes((salt[0] | 0x80, salt[1]))
    hidden = salt_encrypt(clear, salt, authenticator, b"one")
    other = pyrad_packet.AuthPacket(code=2, secret=b"one", authenticator=authenticator, id=1)
    other.request_authenticator = authenticator
    assert other.SaltDecrypt(hidden) == clear
    assert hidden[:2] == salt
    assert len(hidden) % 16 == 2


@pytest.mark.parametrize(("clear", "salt"), [(b"x", b"\x00\x01"), (b"x", b"\x80"), (bytes(240), b"\x80\x00")])
def test_a_bad_salt_or_too_much_to_hide_is_refused(clear: bytes, salt: bytes) -> None:
    with pytest.raises(BadValue):
        salt_encrypt(clear, salt, bytes(16), b"one")


@given(st.lists(st.tuples(st.sampled_from((1, 4, 24, 31, 32)), values), max_size=6), st.booleans(), values)
def test_what_pyrad_signs_verifies_with_the_right_secret_only(
    attributes: list[tuple[int, bytes]], status: bool, other_secret: bytes
) -> None:
    other = pyrad_packet.AuthPacket(code=12 if status else 1, secret=b"one", authenticator=bytes(range(16)), id=1)
    for number, value in attributes:
        other.setdefault(number, []).append(value)
    other.add_message_authenticator()
    packet = decode(other.RequestPacket())
    assert verify_message_authenticator(packet, b"one") is MaVerdict.VALID
    expected = MaVerdict.VALID if other_secret == b"one" else MaVerdict.INVALID
    assert verify_message_authenticator(packet, other_secret) is expected


def test_every_flipped_bit_of_a_signed_packet_is_noticed(make_request: MakeRequest, secret: bytes) -> None:
    datagram = make_request((1, b"nemo"), (4, b"\x0a\x00\x00\x01"), (24, b"state"), (33, b""))
    assert verify_message_authenticator(decode(datagram), secret) is MaVerdict.VALID
    survivors = []
    for bit in range(len(datagram) * 8):
        flipped = bytearray(datagram)
        flipped[bit // 8] ^= 1 << bit % 8
        try:
            packet = decode(bytes(flipped))
        except BadPacket:
            continue
        if verify_message_authenticator(packet, secret) is MaVerdict.VALID:
            survivors.append(bit)
    assert survivors == []


@given(st.lists(st.tuples(st.integers(1, 79), values), max_size=5), st.data())
def test_a_changed_octet_of_a_signed_packet_is_noticed(
    attributes: list[tuple[int, bytes]], data: st.DataObject
) -> None:
    other = pyrad_packet.AuthPacket(secret=b"one", authenticator=bytes(range(16)), id=1)
    for number, value in attributes:
        other.setdefault(number, []).append(value)
    other.add_message_authenticator()
    changed = bytearray(other.RequestPacket())
    place = data.draw(st.integers(0, len(changed) - 1))
    changed[place] ^= data.draw(st.integers(1, 255))
    try:
        packet = decode(bytes(changed))
    except BadPacket:
        return
    assert verify_message_authenticator(packet, b"one") is not MaVerdict.VALID


def test_no_two_and_crippled_message_authenticators_are_told_apart(make_request: MakeRequest, secret: bytes) -> None:
    absent = decode(make_request((1, b"nemo"), sign=False))
    twice = decode(make_request((80, bytes(16))))
    crippled = decode(make_request((80, bytes(15)), sign=False))
    assert verify_message_authenticator(absent, secret) is MaVerdict.ABSENT
    assert verify_message_authenticator(twice, secret) is MaVerdict.REPEATED
    assert verify_message_authenticator(crippled, secret) is MaVerdict.WRONG_LENGTH


@pytest.mark.parametrize("sign", [True, False])
def test_accounting_requests_of_pyrad_verify(sign: bool) -> None:
    other = pyrad_packet.AcctPacket(secret=b"one", id=9)
    other[40] = [b"\x00\x00\x00\x01"]
    other[44] = [b"abc"]
    if sign:
        other.add_message_authenticator()
    packet = decode(other.RequestPacket())
    assert verify_accounting(packet, b"one")
    assert not verify_accounting(packet, b"two")
    expected = MaVerdict.VALID if sign else MaVerdict.ABSENT
    assert verify_message_authenticator(packet, b"one") is expected


def test_every_flipped_bit_of_an_accounting_request_is_noticed(make_request: MakeRequest, secret: bytes) -> None:
    datagram = make_request((40, b"\0\0\0\1"), (44, b"abc"), code=4, sign=False)
    assert verify_accounting(decode(datagram), secret)
    for bit in range(len(datagram) * 8):
        flipped = bytearray(datagram)
        flipped[bit // 8] ^= 1 << bit % 8
        try:
            packet = decode(bytes(flipped))
        except BadPacket:
            continue
        assert not verify_accounting(packet, secret)


def test_a_reply_is_verified_against_the_authenticator_of_its_request() -> None:
    request = pyrad_packet.AuthPacket(secret=b"one", authenticator=hashlib.md5(b"r").digest(), id=3)
    reply = decode(request.CreateReply().ReplyPacket())
    assert request.authenticator is not None
    assert verify_message_authenticator(reply, b"one", request.authenticator) is MaVerdict.VALID
    assert verify_message_authenticator(reply, b"one") is MaVerdict.INVALID


def test_the_signed_request_of_the_fixture_has_its_signature_last(make_request: MakeRequest) -> None:
    packet = decode(make_request((1, b"nemo")))
    assert [number for number, _ in packet.attributes] == [1, 80]
    assert packet.octets.startswith(bytes((1, 7)))
    assert attribute(1, b"nemo") in packet.octets


@given(st.binary(max_size=200), st.binary(max_size=300))
def test_our_hmac_is_everybodys_hmac(secret: bytes, octets: bytes) -> None:
    assert hmac_md5(secret, octets) == hmac.digest(secret, octets, "md5")
