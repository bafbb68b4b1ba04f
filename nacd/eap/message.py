"""One EAP packet: octets to a value and back (RFC 3748 section 4).

Knows: the header, the method numbers and their names, and how to make text out of what a peer
calls itself. Refuses to know: what any method means, RADIUS, and conversations.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from nacd.errors import BadEap

_HEADER = 4
_SHOWN_LIMIT = 253


class EapCode(IntEnum):
    """RFC 3748 section 4."""

    REQUEST = 1
    RESPONSE = 2
    SUCCESS = 3
    FAILURE = 4


class EapMethod(IntEnum):
    """The types nacd looks at (IANA, EAP Method Types). Others stay plain numbers."""

    IDENTITY = 1
    NOTIFICATION = 2
    NAK = 3
    MD5 = 4
    TLS = 13


_METHOD_NAMES = {
    1: "Identity",
    2: "Notification",
    3: "Nak",
    4: "EAP-MD5",
    5: "EAP-OTP",
    6: "EAP-GTC",
    13: "EAP-TLS",
    17: "LEAP",
    18: "EAP-SIM",
    21: "EAP-TTLS",
    23: "EAP-AKA",
    25: "PEAP",
    26: "EAP-MSCHAPv2",
    29: "EAP-MSCHAPv2",
    43: "EAP-FAST",
    50: "EAP-AKA'",
    52: "EAP-PWD",
    55: "TEAP",
    254: "an expanded EAP type",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class EapMessage:
    """One EAP packet. method is 0 and body empty for Success and Failure."""

    code: EapCode
    identifier: int
    method: int = 0
    body: bytes = b""


def method_name(number: int) -> str:
    """How people call this method: ``PEAP``, ``TEAP`` ... or ``EAP method 99``."""
    return _METHOD_NAMES.get(number, f"EAP method {number}")


def decode(octets: bytes) -> EapMessage:
    """Read one EAP packet; octets past its Length are padding (RFC 3748 section 4.1).

    Raises BadEap for a short header, an unknown Code, a Length that is too small or past the end,
    and a Request or Response without a type.
    """
    if len(octets) < _HEADER:
        raise BadEap(f"an EAP packet of {len(octets)} octets is shorter than its header")
    length = int.from_bytes(octets[2:4], "big")
    if length < _HEADER or length > len(octets):
        raise BadEap(f"EAP length {length} does not fit the {len(octets)} octets received")
    if not EapCode.REQUEST <= octets[0] <= EapCode.FAILURE:
        raise BadEap(f"EAP code {octets[0]} is unknown")
    code = EapCode(octets[0])
    if code in (EapCode.SUCCESS, EapCode.FAILURE):
        if length != _HEADER:
            raise BadEap(f"EAP {code.name.title()} with a body")
        return EapMessage(code=code, identifier=octets[1])
    if length == _HEADER:
        raise BadEap(f"EAP {code.name.title()} without a type")
    return EapMessage(code=code, identifier=octets[1], method=octets[4], body=bytes(octets[5:length]))


def names_its_peer(octets: bytes) -> bool:
    """Whether this is an EAP-Response/Identity, whatever is wrong with it: a beginning, also inside a conversation.

    Each has a handshake of its own behind it, and a conversation has as many rounds as fifty of them take.
    """
    return octets[:1] == bytes((EapCode.RESPONSE,)) and octets[4:5] == bytes((EapMethod.IDENTITY,))


def encode_request(identifier: int, method: int, body: bytes = b"") -> bytes:
    """An EAP-Request. identifier: 0..255. Length is two octets, so body must stay under 65,531."""
    length = _HEADER + 1 + len(body)
    return bytes((EapCode.REQUEST, identifier)) + length.to_bytes(2, "big") + bytes((method,)) + body


def encode_success(identifier: int) -> bytes:
    """An EAP-Success with the identifier of the response it answers (RFC 3748 section 4.2)."""
    return bytes((EapCode.SUCCESS, identifier, 0, _HEADER))


def encode_failure(identifier: int) -> bytes:
    """An EAP-Failure with the identifier of the response it answers (RFC 3748 section 4.2)."""
    return bytes((EapCode.FAILURE, identifier, 0, _HEADER))


def printable(text: str) -> str:
    """Text of a stranger made fit for a log line: nothing unprintable, no backticks, at most 253 characters."""
    cut = text[:_SHOWN_LIMIT]
    if not cut.isprintable() or "`" in cut:
        cut = "".join(c if c.isprintable() and c != "`" else f"\\x{ord(c):02x}" for c in cut)
    return cut[:_SHOWN_LIMIT]


def identity_text(body: bytes) -> str:
    """What the peer calls itself (RFC 3748 section 5.1): may be empty, anonymous, or a binary name."""
    return printable(body[:_SHOWN_LIMIT].decode("utf-8", "backslashreplace"))
