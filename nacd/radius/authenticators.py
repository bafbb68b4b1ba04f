"""The arithmetic with the shared secret: what a packet proves, and how values are hidden.

Knows: Message-Authenticator, Request and Response Authenticators, User-Password hiding, salt
encryption. Refuses to know: which of them a packet must carry (``admission.py``). MD5 is what the
protocol prescribes; comparisons take constant time.
"""

from __future__ import annotations

import hashlib
import hmac
from enum import Enum, auto
from functools import lru_cache
from typing import Final

from nacd.errors import BadValue
from nacd.radius.packet import AUTHENTICATOR_AT, HEADER_LENGTH, MESSAGE_AUTHENTICATOR, Code, Packet

ZERO_AUTHENTICATOR: Final = bytes(16)
_BLOCK: Final = 16
_HMAC_BLOCK: Final = 64
_SALT_LENGTH: Final = 2
_PASSWORD_MAX: Final = 128

_ZERO_SIGNED: Final = frozenset({Code.ACCOUNTING_REQUEST, Code.DISCONNECT_REQUEST, Code.COA_REQUEST})
"""Requests whose Request Authenticator is itself a digest: Message-Authenticator counts it as zero
(RFC 5176 section 3.4; the same for accounting)."""


class MaVerdict(Enum):
    """What the Message-Authenticator of a packet proves."""

    VALID = auto()
    ABSENT = auto()
    INVALID = auto()
    REPEATED = auto()
    WRONG_LENGTH = auto()


def message_authenticator(octets: bytes, authenticator: bytes, offset: int, secret: bytes) -> bytes:
    """HMAC-MD5 over the packet with ``authenticator`` in its header (RFC 3579 section 3.2).

    offset: where the 16 value octets of Message-Authenticator stand; they count as zero.
    """
    signed = octets[:4] + authenticator + octets[HEADER_LENGTH:offset] + ZERO_AUTHENTICATOR + octets[offset + 16 :]
    return hmac_md5(secret, signed)


def hmac_md5(secret: bytes, octets: bytes) -> bytes:
    """HMAC-MD5 (RFC 2104). Half the time of ``hmac.digest``, which looks MD5 up anew in OpenSSL each time, and where
    MD5 is barred for security it still answers: the protocol has no other."""
    keyed = _keyed(secret)
    inner, outer = keyed[0].copy(), keyed[1].copy()
    inner.update(octets)
    outer.update(inner.digest())
    return outer.digest()


@lru_cache(maxsize=1_024)
def _keyed(secret: bytes) -> tuple[hashlib._Hash, hashlib._Hash]:
    """Both halves with the secret in them, to be copied."""
    key = _md5(secret) if len(secret) > _HMAC_BLOCK else secret
    padded = key.ljust(_HMAC_BLOCK, b"\x00")
    inner, outer = (bytes(octet ^ pad for octet in padded) for pad in (0x36, 0x5C))
    return hashlib.md5(inner, usedforsecurity=False), hashlib.md5(outer, usedforsecurity=False)


def verify_message_authenticator(packet: Packet, secret: bytes, request_authenticator: bytes = b"") -> MaVerdict:
    """Whether exactly one Message-Authenticator of 16 octets is there and right.

    request_authenticator: of the request, when ``packet`` is a reply; ``b""`` when it is a request.
    """
    found = packet.types.count(MESSAGE_AUTHENTICATOR)
    if not found:
        return MaVerdict.ABSENT
    if found > 1:
        return MaVerdict.REPEATED
    place = packet.types.index(MESSAGE_AUTHENTICATOR)
    carried = packet.attributes[place][1]
    behind = packet.attributes[place + 1 :]  # none, with most NASes
    value_offset = len(packet.octets) - _BLOCK - sum([len(value) + 2 for _, value in behind])
    if len(carried) != _BLOCK:
        return MaVerdict.WRONG_LENGTH
    if packet.code in _ZERO_SIGNED:
        authenticator = ZERO_AUTHENTICATOR
    else:
        authenticator = request_authenticator or packet.authenticator
    right = message_authenticator(packet.octets, authenticator, value_offset, secret)
    return MaVerdict.VALID if hmac.compare_digest(right, carried) else MaVerdict.INVALID


def verify_accounting(packet: Packet, secret: bytes) -> bool:
    """Whether the Request Authenticator of an Accounting-Request is right (RFC 2866 section 3)."""
    octets = packet.octets
    right = _md5(octets[:4] + ZERO_AUTHENTICATOR + octets[HEADER_LENGTH:] + secret)
    return hmac.compare_digest(right, octets[AUTHENTICATOR_AT:HEADER_LENGTH])


def response_authenticator(header: bytes, request_authenticator: bytes, attributes: bytes, secret: bytes) -> bytes:
    """MD5 that ties a reply to its request (RFC 2865 section 3). header: Code, Identifier, Length."""
    return _md5(header + request_authenticator + attributes + secret)


def is_answer(octets: bytes, packet: Packet, secret: bytes) -> bool:
    """Whether these octets, a whole reply, answer this request with this secret (RFC 2865 section 3)."""
    right = response_authenticator(octets[:4], packet.authenticator, octets[HEADER_LENGTH:], secret)
    return hmac.compare_digest(right, octets[AUTHENTICATOR_AT:HEADER_LENGTH])


def unhide_password(hidden: bytes, request_authenticator: bytes, secret: bytes) -> bytes:
    """User-Password in clear, without its padding (RFC 2865 section 5.2).

    Raises BadValue when the length is no multiple of 16 up to 128. A wrong secret yields garbage, not
    an error: Message-Authenticator is what tells.
    """
    if not hidden or len(hidden) % _BLOCK or len(hidden) > _PASSWORD_MAX:
        raise BadValue(f"a User-Password of {len(hidden)} octets")
    clear = b""
    last = request_authenticator
    for start in range(0, len(hidden), _BLOCK):
        block = hidden[start : start + _BLOCK]
        clear += _xor(block, _md5(secret + last))
        last = block
    return clear.rstrip(b"\x00")


def salt_encrypt(clear: bytes, salt: bytes, request_authenticator: bytes, secret: bytes) -> bytes:
    """Salt and ciphertext of a reply value (RFC 2548 section 2.4.2, RFC 2868 section 3.5).

    salt: 2 octets, top bit set, different for each value of one packet. Raises BadValue over 239 octets,
    which is what an attribute with a tag can carry.
    """
    if len(salt) != _SALT_LENGTH or not salt[0] & 0x80:
        raise BadValue("a salt has two octets and its top bit set")
    if len(clear) > 239:
        raise BadValue(f"{len(clear)} octets are too many to hide in one attribute, 239 fit")
    padded = bytes((len(clear),)) + clear
    padded += bytes(-len(padded) % _BLOCK)
    cipher = b""
    last = request_authenticator + salt
    for start in range(0, len(padded), _BLOCK):
        last = _xor(padded[start : start + _BLOCK], _md5(secret + last))
        cipher += last
    return salt + cipher


def _md5(octets: bytes) -> bytes:
    return hashlib.md5(octets, usedforsecurity=False).digest()


def _xor(left: bytes, right: bytes) -> bytes:
    return (int.from_bytes(left) ^ int.from_bytes(right)).to_bytes(_BLOCK)
