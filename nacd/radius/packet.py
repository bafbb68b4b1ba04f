"""A RADIUS packet as it lies on the wire.

Knows: header, lengths and the exact walk over the attributes. Refuses to know: what attributes mean,
secrets, who sent it. A ``Packet`` has been checked by existing.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import Final, NamedTuple

from nacd.errors import BadPacket
from nacd.radius.reader import Attributes, walk

HEADER_LENGTH: Final = 20
MAX_LENGTH: Final = 4096
"""Longest packet, octets (RFC 2865 section 3)."""

AUTHENTICATOR_AT: Final = 4

ATTRIBUTE_MAX: Final = 253
"""Most value octets one attribute holds."""

USER_NAME: Final = 1
REPLY_MESSAGE: Final = 18
STATE: Final = 24
VENDOR_SPECIFIC: Final = 26
PROXY_STATE: Final = 33
EAP_MESSAGE: Final = 79
MESSAGE_AUTHENTICATOR: Final = 80
CHARGEABLE_USER_IDENTITY: Final = 89
EAP_KEY_NAME: Final = 102


class Code(IntEnum):
    """Packet codes (RFC 2865, 2866, 5176, 5997)."""

    ACCESS_REQUEST = 1
    ACCESS_ACCEPT = 2
    ACCESS_REJECT = 3
    ACCOUNTING_REQUEST = 4
    ACCOUNTING_RESPONSE = 5
    ACCESS_CHALLENGE = 11
    STATUS_SERVER = 12
    DISCONNECT_REQUEST = 40
    DISCONNECT_ACK = 41
    DISCONNECT_NAK = 42
    COA_REQUEST = 43
    COA_ACK = 44
    COA_NAK = 45


class Role(StrEnum):
    """Which of the two services a datagram was sent to."""

    AUTH = "auth"
    ACCT = "acct"


class Packet(NamedTuple):
    """One well-formed packet.

    code: any octet, compare with ``Code``. octets: the packet alone, without what followed its
    Length. attributes: (type, value) in the order of the wire; types: their types alone, to ask quickly what is there.
    """

    code: int
    identifier: int
    authenticator: bytes
    octets: bytes
    attributes: Attributes
    types: bytes

    def first(self, type_code: int) -> bytes:
        """Value of the first attribute of this type, ``b""`` if there is none."""
        return self.attributes[self.types.index(type_code)][1] if type_code in self.types else b""

    def all(self, type_code: int) -> tuple[bytes, ...]:
        """Values of all attributes of this type, in order."""
        if type_code not in self.types:
            return ()
        return tuple(value for found, value in self.attributes if found == type_code)

    def has(self, type_code: int) -> bool:
        """Whether an attribute of this type is there, be its value empty."""
        return type_code in self.types


def decode(datagram: bytes) -> Packet:
    """Read one packet; octets after its Length are padding and left out (RFC 2865 section 3).

    Raises BadPacket: ``too_short`` (no whole header), ``bad_length`` (Length below 20 or past the datagram's
    end), ``too_long`` (Length above 4,096), ``bad_attribute_length`` (lengths that do not add up to
    Length - 20), ``attribute_zero``, ``too_many_attributes``.
    """
    if len(datagram) < HEADER_LENGTH:
        raise BadPacket("too_short")
    length = (datagram[2] << 8) | datagram[3]
    if length < HEADER_LENGTH:
        raise BadPacket("bad_length")
    if length > MAX_LENGTH:
        raise BadPacket("too_long")
    if length > len(datagram):
        raise BadPacket("bad_length")
    octets = datagram[:length]
    attributes = walk(octets, HEADER_LENGTH)
    types = bytes([type_code for type_code, _ in attributes])
    if 0 in types:
        raise BadPacket("attribute_zero")
    return Packet(
        code=octets[0],
        identifier=octets[1],
        authenticator=octets[AUTHENTICATOR_AT:HEADER_LENGTH],
        octets=octets,
        attributes=attributes,
        types=types,
    )


def attribute(type_code: int, value: bytes) -> bytes:
    """One attribute, encoded. The caller keeps ``value`` within 253 octets."""
    return bytes((type_code, len(value) + 2)) + value
