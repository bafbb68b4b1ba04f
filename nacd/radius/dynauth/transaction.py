"""One CoA-Request or Disconnect-Request and the answer to it, as octets (RFC 5176).

Knows: how the request is signed, which answers belong to it and what they say. Refuses to know: what the attributes
mean, who is asked, when a request is sent again (``schedule.py``). The octets are made once: a retransmission is
the same octets from the same port, its Event-Timestamp included (RFC 5176 sections 2.3 and 6.3).
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from nacd.errors import BadPacket, BadValue
from nacd.radius.authenticators import (
    ZERO_AUTHENTICATOR,
    MaVerdict,
    hmac_md5,
    response_authenticator,
    verify_message_authenticator,
)
from nacd.radius.dynauth import errors
from nacd.radius.packet import (
    HEADER_LENGTH,
    MAX_LENGTH,
    MESSAGE_AUTHENTICATOR,
    Code,
    Packet,
    attribute,
    decode,
)
from nacd.radius.reader import walk
from nacd.sessions import Outcome

EVENT_TIMESTAMP: Final = 55
ERROR_CAUSE: Final = 101

REPLAY_WINDOW_S: Final = 300
"""How far an Event-Timestamp may be from now, either way, and how long an Identifier stays used up: the value that
RFC 5176 section 6.3 recommends and that NASes have built in."""

_UNSIGNED: Final = attribute(MESSAGE_AUTHENTICATOR, ZERO_AUTHENTICATOR)
_TIMESTAMP_LENGTH: Final = 6

ANSWERS: Final = {
    Code.DISCONNECT_REQUEST: (Code.DISCONNECT_ACK, Code.DISCONNECT_NAK),
    Code.COA_REQUEST: (Code.COA_ACK, Code.COA_NAK),
}
"""Request -> its ACK and its NAK."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A signed request. octets: the whole packet, the same for every transmission."""

    code: Code
    identifier: int
    authenticator: bytes
    octets: bytes


class Ignored(StrEnum):
    """Why a datagram is no answer. Nothing becomes of it: the real answer may still come."""

    MALFORMED = "malformed"
    IDENTIFIER = "identifier"
    CODE = "code"
    RESPONSE_AUTHENTICATOR = "response_authenticator"
    MESSAGE_AUTHENTICATOR = "message_authenticator"
    EVENT_TIMESTAMP = "event_timestamp"


Answer: TypeAlias = Outcome | Ignored


def check(code: int, attributes: bytes) -> Code:
    """What ``sign`` will refuse, said before anything is queued; the code as a name.

    Raises BadValue: another code than 40 or 43, octets that are no attributes, Message-Authenticator or
    Event-Timestamp among them, more than a packet holds.
    """
    if code not in ANSWERS:
        raise BadValue(f"code {code} is neither a Disconnect-Request nor a CoA-Request")
    try:
        types = {type_code for type_code, _ in walk(attributes)}
    except BadPacket as error:
        raise BadValue(f"octets that are no attributes: {error.reason}") from error
    if types & {0, MESSAGE_AUTHENTICATOR, EVENT_TIMESTAMP}:
        raise BadValue("`Message-Authenticator` and `Event-Timestamp` are set by nacd itself")
    length = HEADER_LENGTH + len(_UNSIGNED) + _TIMESTAMP_LENGTH + len(attributes)
    if length > MAX_LENGTH:
        raise BadValue(f"a request of {length} octets does not fit, a packet holds {MAX_LENGTH}")
    return Code(code)


def sign(
    code: int,
    attributes: bytes,
    *,
    identifier: int,
    secret: bytes,
    event_timestamp: int | None,
    message_authenticator: bool = True,
) -> Request:
    """The signed request.

    attributes: encoded, they follow what is set here. event_timestamp: seconds since the epoch when it is sent first,
    None leaves it out. Message-Authenticator comes first and counts the Request Authenticator as zero (section 3.4);
    the Request Authenticator is a digest, as in accounting (section 2.3). Raises BadValue as ``check`` does.
    """
    named = check(code, attributes)
    body = b""
    if event_timestamp is not None:
        body += attribute(EVENT_TIMESTAMP, (event_timestamp & 0xFFFF_FFFF).to_bytes(4))
    body += attributes
    if message_authenticator:
        body = _UNSIGNED + body
    header = bytes((named, identifier)) + (HEADER_LENGTH + len(body)).to_bytes(2)
    if message_authenticator:
        body = body[:2] + hmac_md5(secret, header + ZERO_AUTHENTICATOR + body) + body[len(_UNSIGNED) :]
    authenticator = hashlib.md5(header + ZERO_AUTHENTICATOR + body + secret, usedforsecurity=False).digest()
    return Request(code=named, identifier=identifier, authenticator=authenticator, octets=header + authenticator + body)


def read(datagram: bytes, request: Request, secret: bytes, now_s: float) -> Answer:
    """What a datagram from the NAS says to ``request``, or why it says nothing.

    now_s: seconds since the epoch. An answer needs neither Message-Authenticator nor Error-Cause: 20 octets with a
    right Response Authenticator are one. What is there must be right. ``tries`` and ``took_s`` are the caller's.
    """
    try:
        packet = decode(datagram)
    except BadPacket:
        return Ignored.MALFORMED
    if packet.identifier != request.identifier:
        return Ignored.IDENTIFIER
    acknowledges, refuses = ANSWERS[request.code]
    if packet.code not in (acknowledges, refuses):
        return Ignored.CODE
    octets = packet.octets
    right = response_authenticator(octets[:4], request.authenticator, octets[HEADER_LENGTH:], secret)
    if not hmac.compare_digest(right, packet.authenticator):
        return Ignored.RESPONSE_AUTHENTICATOR
    if verify_message_authenticator(packet, secret, request.authenticator) not in (MaVerdict.VALID, MaVerdict.ABSENT):
        return Ignored.MESSAGE_AUTHENTICATOR
    if not all(_is_fresh(value, now_s) for value in packet.all(EVENT_TIMESTAMP)):
        return Ignored.EVENT_TIMESTAMP
    return _outcome(packet, acknowledges)


def _is_fresh(value: bytes, now_s: float) -> bool:
    """RFC 5176 section 6.3: an answer with an Event-Timestamp from outside the window is discarded."""
    return len(value) == 4 and abs(now_s - int.from_bytes(value)) <= REPLAY_WINDOW_S


def _outcome(packet: Packet, acknowledges: Code) -> Outcome:
    # Several are allowed (section 3.6); the first says what to do. One that is not four octets says nothing.
    numbers = [int.from_bytes(value) for value in packet.all(ERROR_CAUSE) if len(value) == 4]
    number = numbers[0] if numbers else errors.NONE
    if packet.code == acknowledges:
        cause = errors.acknowledged(number, disconnect=packet.code == Code.DISCONNECT_ACK)
    else:
        cause = errors.refused(number)
    return Outcome(meaning=cause.meaning, error_cause=number, detail=cause.name)
