"""RADIUS as the load speaks it: requests made beforehand, answers judged cheaply and without mercy.

Knows: the octets (RFC 2865, 2866, 2869). Refuses to know: sockets, and the code of the servers under test.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

ACCESS_REQUEST, ACCESS_ACCEPT, ACCESS_REJECT, ACCOUNTING_REQUEST, ACCOUNTING_RESPONSE = 1, 2, 3, 4, 5
ACCESS_CHALLENGE = 11
EAP_MESSAGE, STATE, MESSAGE_AUTHENTICATOR, VENDOR_SPECIFIC = 79, 24, 80, 26
_MICROSOFT = (311).to_bytes(4)
_CHUNK = 253


def attribute(code: int, value: bytes) -> bytes:
    """One attribute. Raises ValueError for more than 253 octets."""
    return bytes((code, len(value) + 2)) + value


def number(code: int, value: int) -> bytes:
    """An integer attribute."""
    return attribute(code, value.to_bytes(4))


def eap_message(eap: bytes) -> bytes:
    """An EAP packet over as many attributes as it takes (RFC 3579 section 3.1)."""
    return b"".join(attribute(EAP_MESSAGE, eap[at : at + _CHUNK]) for at in range(0, len(eap), _CHUNK))


def at_a_port(mac: str) -> bytes:
    """What a switch says of itself and of the port where this endpoint is: each has a port of its own."""
    port = int(mac[12:].replace("-", ""), 16)
    return (
        attribute(32, b"bench-switch-7")
        + number(5, 50_000 + port)
        + attribute(87, b"GigabitEthernet%d/0/%d" % (port >> 6, port & 63))
        + number(61, 15)
        + attribute(30, b"02-00-5E-00-00-01")
        + attribute(31, mac.encode())
    )


def access_request(identifier: int, authenticator: bytes, body: bytes, secret: bytes) -> bytes:
    """A signed Access-Request; the Message-Authenticator comes first."""
    length = 38 + len(body)
    head = bytes((ACCESS_REQUEST, identifier)) + length.to_bytes(2) + authenticator
    signature = hmac.digest(secret, head + b"\x50\x12" + bytes(16) + body, "md5")
    return head + b"\x50\x12" + signature + body


def accounting_request(identifier: int, body: bytes, secret: bytes) -> bytes:
    """A sealed Accounting-Request (RFC 2866 section 3)."""
    head = bytes((ACCOUNTING_REQUEST, identifier)) + (20 + len(body)).to_bytes(2)
    return head + hashlib.md5(head + bytes(16) + body + secret).digest() + body


def mab_request(identifier: int, mac: str, secret: bytes) -> bytes:
    """MAC authentication bypass as a switch does it: the MAC as name and as PAP password."""
    name = mac.replace("-", "").lower().encode()
    authenticator = os.urandom(16)
    pad = hashlib.md5(secret + authenticator).digest()
    hidden = bytes(a ^ b for a, b in zip(name.ljust(16, b"\0"), pad, strict=True))
    body = attribute(1, name) + attribute(2, hidden) + number(6, 10) + at_a_port(mac)
    return access_request(identifier, authenticator, body, secret)


def accounting_record(identifier: int, mac: str, session: int, secret: bytes) -> bytes:
    """An Interim-Update with counters."""
    body = (
        attribute(1, mac.replace("-", "").lower().encode())
        + number(40, 3)
        + attribute(44, b"%016X" % session)
        + at_a_port(mac)
        + number(41, 0)
        + number(42, 1_234_567)
        + number(43, 7_654_321)
        + number(46, 3_600)
        + number(47, 12_345)
        + number(48, 54_321)
    )
    return accounting_request(identifier, body, secret)


def is_genuine(answer: bytes, request_authenticator: bytes, secret: bytes) -> bool:
    """Whether the Response Authenticator and the length are right (RFC 2865 section 3)."""
    if len(answer) < 20 or int.from_bytes(answer[2:4]) != len(answer):
        return False
    return answer[4:20] == hashlib.md5(answer[:4] + request_authenticator + answer[20:] + secret).digest()


def attributes(answer: bytes) -> Iterator[tuple[int, bytes]]:
    """Every attribute of a packet whose lengths fit."""
    at = 20
    while at < len(answer):
        yield answer[at], answer[at + 2 : at + answer[at + 1]]
        at += answer[at + 1]


def signature_holds(answer: bytes, request_authenticator: bytes, secret: bytes) -> bool:
    """Whether there is one Message-Authenticator, and it is right (RFC 3579 section 3.2)."""
    at, places = 20, []
    while at < len(answer):
        if answer[at] == MESSAGE_AUTHENTICATOR:
            places.append(at + 2)
        at += answer[at + 1]
    if len(places) != 1:
        return False
    place = places[0]
    blank = answer[:4] + request_authenticator + answer[20:place] + bytes(16) + answer[place + 16 :]
    return hmac.digest(secret, blank, "md5") == answer[place : place + 16]


def session_keys(answer: bytes, request_authenticator: bytes, secret: bytes) -> bytes:
    """MS-MPPE-Recv-Key and MS-MPPE-Send-Key, decrypted and joined (RFC 2548 section 2.4): the first 64 of the MSK."""
    keys: dict[int, bytes] = {}
    for code, value in attributes(answer):
        if code == VENDOR_SPECIFIC and value[:4] == _MICROSOFT and value[4] in (16, 17):
            keys[value[4]] = _reveal(value[6 : 4 + value[5]], request_authenticator, secret)
    return keys.get(17, b"") + keys.get(16, b"")


def _reveal(value: bytes, request_authenticator: bytes, secret: bytes) -> bytes:
    salt, hidden, clear = value[:2], value[2:], b""
    before = request_authenticator + salt
    for at in range(0, len(hidden), 16):
        block = hidden[at : at + 16]
        pad = hashlib.md5(secret + before).digest()
        clear += bytes(a ^ b for a, b in zip(block, pad, strict=True))
        before = block
    return clear[1 : 1 + clear[0]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """What an Accept carries that both servers must agree on: VLAN and session timeout, each with its attribute."""

    attributes: frozenset[tuple[int, bytes]]

    @classmethod
    def of(cls, answer: bytes) -> Granted:
        """Tunnel-Type, Tunnel-Medium-Type, Tunnel-Private-Group-Id, Session-Timeout, Termination-Action."""
        wanted: Iterable[int] = (27, 29, 64, 65, 81)
        return cls(attributes=frozenset(each for each in attributes(answer) if each[0] in wanted))
