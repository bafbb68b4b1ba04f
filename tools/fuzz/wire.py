"""RADIUS by hand, for the side that attacks and the side that judges.

Knows: headers, attributes, signatures, and what a NAS may believe, on ``hashlib`` alone. Refuses to know:
anything of nacd's own codec; a judge that shares code with the accused proves nothing.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from typing import NamedTuple

HEADER, LONGEST = 20, 4096
ACCESS_REQUEST, ACCOUNTING_REQUEST, STATUS_SERVER = 1, 4, 12
ACCEPT, REJECT, ACCOUNTING_RESPONSE, CHALLENGE = 2, 3, 5, 11
STATE, VENDOR_SPECIFIC, PROXY_STATE, EAP_MESSAGE, SIGNATURE = 24, 26, 33, 79, 80


class Finding(AssertionError):
    """Something that must not be, in words."""


def check(holds: bool, words: str) -> None:
    """Raises Finding with these words unless it holds."""
    if not holds:
        raise Finding(words)


class Piece(NamedTuple):
    """One attribute of a packet. at: offset of its type octet."""

    at: int
    number: int
    value: bytes


def walk(octets: bytes, at: int = HEADER) -> list[Piece] | None:
    """The attributes from ``at`` to the end; None when their lengths do not add up."""
    pieces: list[Piece] = []
    while at < len(octets):
        if at + 1 >= len(octets):
            return None
        size = octets[at + 1]
        if size < 2 or at + size > len(octets):
            return None
        pieces.append(Piece(at, octets[at], octets[at + 2 : at + size]))
        at += size
    return pieces


def packet(code: int, identifier: int, authenticator: bytes, pairs: Iterable[tuple[int, bytes]]) -> bytes:
    """An unsigned packet. Values over 253 octets are cut: this builds shapes, not messages."""
    body = b"".join(bytes((number, len(value[:253]) + 2)) + value[:253] for number, value in pairs)
    return bytes((code, identifier)) + (HEADER + len(body)).to_bytes(2) + authenticator + body


def trimmed(octets: bytes) -> bytes:
    """Length made right (4,096 at most), so that what is tried is the contents and not always the header."""
    octets = octets[:LONGEST].ljust(HEADER, b"\0")
    return octets[:2] + len(octets).to_bytes(2) + octets[4:]


def mended(octets: bytes) -> bytes:
    """The same packet with the length of each attribute made possible and Length made right."""
    body, at = b"", HEADER
    while at < len(octets):
        size = octets[at + 1] if at + 1 < len(octets) else 2
        value = octets[at + 2 : at + max(size, 2)]
        body += bytes((octets[at] or 1, len(value) + 2)) + value
        at += max(size, 2)
    return trimmed(octets[:HEADER].ljust(HEADER, b"\0") + body)


def signed(octets: bytes, secret: bytes) -> bytes:
    """The same packet with its signatures right, as far as it has a shape that can carry them.

    Every Message-Authenticator of 16 octets is filled in (the first counts), then the Request Authenticator
    of an Accounting-Request (RFC 2866 section 3). Other octets stay as they are.
    """
    if len(octets) < HEADER:
        return octets
    length = int.from_bytes(octets[2:4])
    tail = octets[length:] if length >= HEADER else b""
    octets = octets[: len(octets) - len(tail)]
    accounting = octets[0] == ACCOUNTING_REQUEST
    place = signature_place(octets)
    if place:
        vector = bytes(16) if accounting else octets[4:20]
        blank = octets[:4] + vector + octets[20:place] + bytes(16) + octets[place + 16 :]
        octets = octets[:place] + hmac.digest(secret, blank, "md5") + octets[place + 16 :]
    if accounting:
        octets = octets[:4] + _md5(octets[:4] + bytes(16) + octets[20:] + secret) + octets[20:]
    return octets + tail


def signature_place(octets: bytes) -> int:
    """Offset of the value of the first Message-Authenticator of 16 octets, 0 if the walk meets none."""
    at, end = HEADER, len(octets)
    while at + 1 < end:
        size = octets[at + 1]
        if size < 2:
            return 0
        if octets[at] == SIGNATURE and size == 18 and at + 18 <= end:
            return at + 2
        at += size
    return 0


class Judgement(NamedTuple):
    """What a careful reader makes of a request. verified: its signatures are right and alone."""

    well_formed: bool
    verified: bool
    pieces: list[Piece]
    octets: bytes


NOTHING = Judgement(False, False, [], b"")


def judge(datagram: bytes, secret: bytes) -> Judgement:
    """Whether a request may be believed: exact lengths, and every signature that is there right."""
    if len(datagram) < HEADER:
        return NOTHING
    length = int.from_bytes(datagram[2:4])
    if not HEADER <= length <= min(LONGEST, len(datagram)):
        return NOTHING
    octets = datagram[:length]
    pieces = walk(octets)
    if pieces is None or len(pieces) > 200 or any(not piece.number for piece in pieces):
        return NOTHING
    carried = [piece for piece in pieces if piece.number == SIGNATURE]
    right = len(carried) <= 1
    if carried and right:
        place = carried[0].at + 2
        vector = bytes(16) if octets[0] == ACCOUNTING_REQUEST else octets[4:20]
        blank = octets[:4] + vector + octets[20:place] + bytes(16) + octets[place + 16 :]
        right = len(carried[0].value) == 16 and hmac.digest(secret, blank, "md5") == carried[0].value
    if octets[0] == ACCOUNTING_REQUEST:
        right = right and _md5(octets[:4] + bytes(16) + octets[20:] + secret) == octets[4:20]
    else:
        right = right and bool(carried)
    return Judgement(True, right, pieces, octets)


def check_reply(reply: bytes, request: bytes, role: str, secret: bytes) -> list[Piece]:
    """Everything that holds of any reply to this request, whatever it says; its attributes. Raises Finding."""
    check(HEADER <= len(reply) <= LONGEST, f"a reply of {len(reply)} octets")
    check(int.from_bytes(reply[2:4]) == len(reply), "the Length of a reply is not its length")
    check(reply[1] == request[1], "a reply with another Identifier")
    wanted = _md5(reply[:4] + request[4:20] + reply[20:] + secret)
    check(wanted == reply[4:20], "a reply whose Response Authenticator is wrong")
    pieces = walk(reply)
    check(pieces is not None, "a reply whose attributes do not add up")
    pieces = pieces or []
    allowed = {
        ACCESS_REQUEST: {ACCEPT, REJECT, CHALLENGE},
        ACCOUNTING_REQUEST: {ACCOUNTING_RESPONSE},
        STATUS_SERVER: {ACCEPT if role == "auth" else ACCOUNTING_RESPONSE},
    }
    check(reply[0] in allowed.get(request[0], set()), f"code {reply[0]} answers code {request[0]} on the {role} port")
    if request[0] != ACCOUNTING_REQUEST:
        _check_signature(reply, request, pieces, secret)
    length = int.from_bytes(request[2:4])
    asked = walk(request[:length]) or []
    given = [piece.value for piece in pieces if piece.number == PROXY_STATE]
    check(given == [piece.value for piece in asked if piece.number == PROXY_STATE], "Proxy-State is not what was sent")
    return pieces


def _check_signature(reply: bytes, request: bytes, pieces: list[Piece], secret: bytes) -> None:
    check(bool(pieces) and pieces[0].number == SIGNATURE, "Message-Authenticator does not come first (CVE-2024-3596)")
    check(sum(piece.number == SIGNATURE for piece in pieces) == 1, "two Message-Authenticators in a reply")
    blank = reply[:4] + request[4:20] + reply[20:22] + bytes(16) + reply[38:]
    right = len(pieces[0].value) == 16 and hmac.digest(secret, blank, "md5") == pieces[0].value
    check(right, "a reply whose Message-Authenticator is wrong")


def eap_of(pieces: Iterable[Piece]) -> bytes:
    """The EAP packet that a packet's EAP-Message attributes make together."""
    return b"".join(piece.value for piece in pieces if piece.number == EAP_MESSAGE)


def check_eap_reply(code: int, eap: bytes) -> None:
    """The EAP packet in a reply fits the reply (RFC 3579 section 2.6.3), and its own length. Raises Finding."""
    if not eap:
        check(code != CHALLENGE, "a Challenge without EAP")
        return
    check(len(eap) >= 4 and int.from_bytes(eap[2:4]) == len(eap), "an EAP packet whose length is wrong")
    wanted = {ACCEPT: 3, REJECT: 4, CHALLENGE: 1}.get(code)
    check(eap[0] == wanted, f"EAP code {eap[0]} in RADIUS code {code}")
    check((len(eap) == 4) == (eap[0] != 1), "an EAP Success or Failure with a body, or a Request without")


def mppe_key(pieces: Iterable[Piece], number: int, authenticator: bytes, secret: bytes) -> bytes:
    """MS-MPPE-Send-Key (16) or MS-MPPE-Recv-Key (17) in clear, ``b""`` if absent (RFC 2548 section 2.4.2)."""
    head = (311).to_bytes(4) + bytes((number,))
    for piece in pieces:
        if piece.number == VENDOR_SPECIFIC and piece.value.startswith(head):
            salt, hidden = piece.value[6:8], piece.value[8:]
            clear, last = b"", authenticator + salt
            for at in range(0, len(hidden), 16):
                pad = _md5(secret + last)
                last = hidden[at : at + 16]
                clear += bytes(one ^ other for one, other in zip(last, pad, strict=False))
            return clear[1 : 1 + clear[0]]
    return b""


def hide(password: bytes, authenticator: bytes, secret: bytes) -> bytes:
    """User-Password (RFC 2865 section 5.2)."""
    padded = password.ljust(max(16, -(-len(password) // 16) * 16), b"\0")
    out, last = b"", authenticator
    for at in range(0, len(padded), 16):
        pad = _md5(secret + last)
        last = bytes(one ^ other for one, other in zip(padded[at : at + 16], pad, strict=True))
        out += last
    return out


def _md5(octets: bytes) -> bytes:
    return hashlib.md5(octets, usedforsecurity=False).digest()
