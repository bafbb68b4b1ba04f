"""RADIUS octets as a NAS makes and distrusts them (RFC 2865, RFC 2866, RFC 3579), made for speed.

Knows: requests, signatures, the walk over an answer. Refuses to know: nacd's code, sockets, time.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Iterator

ACCESS_REQUEST, ACCEPT, REJECT, ACCOUNTING_REQUEST, ACCOUNTING_RESPONSE, CHALLENGE = 1, 2, 3, 4, 5, 11
USER_NAME, USER_PASSWORD, NAS_PORT, SERVICE_TYPE, FRAMED_MTU, STATE, VENDOR_SPECIFIC = 1, 2, 5, 6, 12, 24, 26
CALLED_STATION_ID, CALLING_STATION_ID, NAS_IDENTIFIER, ACCT_STATUS_TYPE, ACCT_SESSION_ID = 30, 31, 32, 40, 44
NAS_PORT_TYPE, EAP_MESSAGE, MESSAGE_AUTHENTICATOR, TUNNEL_PRIVATE_GROUP_ID, NAS_PORT_ID = 61, 79, 80, 81, 87

_CHUNK = 253
_SIGNATURE = bytes((MESSAGE_AUTHENTICATOR, 18)) + bytes(16)
_ZEROS = bytes(16)


def attribute(number: int, value: bytes) -> bytes:
    """One attribute; at most 253 octets fit."""
    return bytes((number, len(value) + 2)) + value


def text(number: int, value: str) -> bytes:
    """One attribute of text."""
    return attribute(number, value.encode())


def integer(number: int, value: int) -> bytes:
    """One attribute of four octets."""
    return attribute(number, value.to_bytes(4, "big"))


def eap_message(eap: bytes) -> bytes:
    """One EAP packet in as many EAP-Message attributes as it takes (RFC 3579 section 3.1)."""
    if len(eap) <= _CHUNK:
        return attribute(EAP_MESSAGE, eap)
    return b"".join(attribute(EAP_MESSAGE, eap[at : at + _CHUNK]) for at in range(0, len(eap), _CHUNK))


def access_request(identifier: int, attributes: bytes, secret: bytes, password: bytes = b"") -> bytes:
    """A signed Access-Request; Message-Authenticator stands first (CVE-2024-3596). password: for PAP, up to 16."""
    authenticator = os.urandom(16)
    if password:
        pad = hashlib.md5(secret + authenticator, usedforsecurity=False).digest()
        hidden = int.from_bytes(pad, "big") ^ int.from_bytes(password.ljust(16, b"\0"), "big")
        attributes += attribute(USER_PASSWORD, hidden.to_bytes(16, "big"))
    length = 38 + len(attributes)
    head = bytes((ACCESS_REQUEST, identifier, length >> 8, length & 255)) + authenticator
    signature = hmac.digest(secret, head + _SIGNATURE + attributes, "md5")
    return head + _SIGNATURE[:2] + signature + attributes


def accounting_request(identifier: int, attributes: bytes, secret: bytes) -> bytes:
    """An Accounting-Request with its Request Authenticator (RFC 2866 section 3)."""
    length = 20 + len(attributes)
    head = bytes((ACCOUNTING_REQUEST, identifier, length >> 8, length & 255))
    authenticator = hashlib.md5(head + _ZEROS + attributes + secret, usedforsecurity=False).digest()
    return head + authenticator + attributes


def distrust(octets: bytes, request_head: bytes, secret: bytes) -> str:
    """Why a NAS must not believe this answer to the request with these 20 octets; ``""`` when it may.

    An answer to an Access-Request must carry a Message-Authenticator (RFC 3579 section 3.2, CVE-2024-3596).
    """
    if len(octets) < 20 or int.from_bytes(octets[2:4], "big") != len(octets):
        return "its length is wrong"
    authenticator = request_head[4:20]
    body = octets[20:]
    wanted = hashlib.md5(octets[:4] + authenticator + body + secret, usedforsecurity=False).digest()
    if wanted != octets[4:20]:
        return "its Response Authenticator is wrong"
    if request_head[0] != ACCESS_REQUEST:
        return "" if octets[0] == ACCOUNTING_RESPONSE else f"code {octets[0]} answers accounting"
    if octets[0] not in (ACCEPT, REJECT, CHALLENGE):
        return f"code {octets[0]} answers an Access-Request"
    at = 0
    while at + 2 <= len(body) and body[at] != MESSAGE_AUTHENTICATOR and body[at + 1] >= 2:
        at += body[at + 1]
    if at + 18 > len(body) or body[at] != MESSAGE_AUTHENTICATOR or body[at + 1] != 18:
        return "it has no Message-Authenticator"
    unsigned = octets[:4] + authenticator + body[: at + 2] + _ZEROS + body[at + 18 :]
    if hmac.digest(secret, unsigned, "md5") != body[at + 2 : at + 18]:
        return "its Message-Authenticator is wrong"
    return ""


def walk(octets: bytes) -> Iterator[tuple[int, bytes]]:
    """(number, value) of each attribute of a packet whose length is right."""
    at, end = 20, len(octets)
    while at + 2 <= end and octets[at + 1] >= 2:
        following = at + octets[at + 1]
        yield octets[at], octets[at + 2 : following]
        at = following


def eap_of(octets: bytes) -> tuple[bytes, bytes]:
    """The EAP packet and the State of an answer."""
    eap, state = b"", b""
    for number, value in walk(octets):
        if number == EAP_MESSAGE:
            eap += value
        elif number == STATE:
            state = value
    return eap, state


def vlan_of(octets: bytes) -> str:
    """Tunnel-Private-Group-Id without its tag (RFC 2868 section 3.6), ``""`` when there is none."""
    for number, value in walk(octets):
        if number == TUNNEL_PRIVATE_GROUP_ID:
            return (value[1:] if value[:1] <= b"\x1f" else value).decode("ascii", "replace")
    return ""


def has_mppe_keys(octets: bytes) -> bool:
    """Whether both MS-MPPE keys are there (RFC 2548): without them an EAP-TLS login is of no use."""
    vendor = (311).to_bytes(4, "big")
    kinds = {value[4] for number, value in walk(octets) if number == VENDOR_SPECIFIC and value[:4] == vendor}
    return {16, 17} <= kinds
