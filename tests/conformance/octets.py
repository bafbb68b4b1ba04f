"""Packets typed by hand from the RFCs, with ``hashlib`` and ``hmac`` alone: no codec of nacd's and none of pyrad's."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import os
from dataclasses import dataclass

SECRET = b"of-the-tests-own-4711-x"
"""Of the NASes of ``tests/server/house.py``."""

ACCESS_REQUEST, ACCEPT, REJECT, ACCOUNTING_REQUEST, ACCOUNTING_RESPONSE, CHALLENGE, STATUS = 1, 2, 3, 4, 5, 11, 12
PRINTER = "00-11-85-AA-BB-CC"
"""Known to the policy of the house: a MAB of it is accepted."""
STRANGER = "00-11-85-00-00-01"
"""Known to nobody: a MAB of it is denied when the register does not know it."""

Attributes = tuple[tuple[int, bytes], ...]
_identifiers = itertools.cycle(range(1, 200))


def tlv(number: int, value: bytes) -> bytes:
    return bytes((number, len(value) + 2)) + value


def vendor(number: int, kind: int, value: bytes) -> tuple[int, bytes]:
    return 26, number.to_bytes(4) + tlv(kind, value)


def request(
    *attributes: tuple[int, bytes],
    code: int = ACCESS_REQUEST,
    identifier: int = -1,
    authenticator: bytes = b"",
    secret: bytes = SECRET,
    sign: bool = True,
) -> bytes:
    """A request, signed by Message-Authenticator (RFC 3579 section 3.2); an Accounting-Request also by its
    Request Authenticator (RFC 2866 section 3)."""
    return raw(
        b"".join(tlv(number, value) for number, value in attributes),
        code=code,
        identifier=identifier,
        authenticator=authenticator,
        secret=secret,
        sign=sign,
    )


def raw(
    body: bytes,
    *,
    code: int = ACCESS_REQUEST,
    identifier: int = -1,
    authenticator: bytes = b"",
    secret: bytes = SECRET,
    sign: bool = True,
) -> bytes:
    """The same around attribute octets of any kind; the signature comes first."""
    body = (tlv(80, bytes(16)) if sign else b"") + body
    head = bytes((code, next(_identifiers) if identifier < 0 else identifier)) + (20 + len(body)).to_bytes(2)
    vector = bytes(16) if code == ACCOUNTING_REQUEST else authenticator or os.urandom(16)
    if sign:
        body = body[:2] + hmac.digest(secret, head + vector + body, "md5") + body[18:]
    if code == ACCOUNTING_REQUEST:
        vector = hashlib.md5(head + vector + body + secret).digest()
    return head + vector + body


def mab(mac: str = PRINTER, *more: tuple[int, bytes], **how: object) -> bytes:
    """A call check for this MAC."""
    name = mac.replace("-", "").lower().encode()
    asked = ((1, name), (31, mac.encode()), (6, (10).to_bytes(4)), (32, b"switch"), *more)
    return request(*asked, **how)  # type: ignore[arg-type]


def accounting(status: int, *more: tuple[int, bytes], **how: object) -> bytes:
    return request((40, status.to_bytes(4)), (32, b"switch"), *more, code=ACCOUNTING_REQUEST, **how)  # type: ignore[arg-type]


def hidden(password: bytes, authenticator: bytes, secret: bytes = SECRET) -> bytes:
    """User-Password as RFC 2865 section 5.2 hides it."""
    clear = password + bytes(-len(password) % 16)
    out, last = b"", authenticator
    for at in range(0, len(clear), 16):
        pad = hashlib.md5(secret + last).digest()
        last = bytes(a ^ b for a, b in zip(clear[at : at + 16], pad, strict=True))
        out += last
    return out


def unsalted(value: bytes, authenticator: bytes, secret: bytes = SECRET) -> bytes:
    """What a salted value hides (RFC 2868 section 3.5): salt, then cipher."""
    salt, cipher = value[:2], value[2:]
    clear, last = b"", authenticator + salt
    for at in range(0, len(cipher), 16):
        pad = hashlib.md5(secret + last).digest()
        last = cipher[at : at + 16]
        clear += bytes(a ^ b for a, b in zip(last, pad, strict=True))
    return clear[1 : 1 + clear[0]]


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer taken apart; both its signatures were checked."""

    octets: bytes
    attributes: Attributes

    @property
    def code(self) -> int:
        return self.octets[0]

    @property
    def identifier(self) -> int:
        return self.octets[1]

    def all(self, number: int) -> list[bytes]:
        return [value for kind, value in self.attributes if kind == number]

    def first(self, number: int) -> bytes:
        return next(iter(self.all(number)), b"")


def answer(octets: bytes, asked: bytes, secret: bytes = SECRET) -> Answer:
    """Read and verify an answer to ``asked``: length, identifier, Response Authenticator, Message-Authenticator."""
    assert int.from_bytes(octets[2:4]) == len(octets)
    assert octets[1] == asked[1]
    assert octets[4:20] == hashlib.md5(octets[:4] + asked[4:20] + octets[20:] + secret).digest()
    found: list[tuple[int, bytes]] = []
    at = 20
    while at < len(octets):
        length = octets[at + 1]
        assert length >= 2
        assert at + length <= len(octets)
        found.append((octets[at], octets[at + 2 : at + length]))
        if octets[at] == 80:
            vector = bytes(16) if asked[0] == ACCOUNTING_REQUEST else asked[4:20]
            signed = octets[:4] + vector + octets[20 : at + 2] + bytes(16) + octets[at + 18 :]
            assert octets[at + 2 : at + 18] == hmac.digest(secret, signed, "md5")
        at += length
    return Answer(octets, tuple(found))
