"""Bounds-checked reading of type-length-value octets.

Knows: how attributes lie in a packet and sub-attributes in a Vendor-Specific. Refuses to know: what
any attribute means. Every step is checked before it is taken, so no octet outside is ever read.
"""

from __future__ import annotations

from typing import Final, TypeAlias

from nacd.errors import BadPacket

Attributes: TypeAlias = tuple[tuple[int, bytes], ...]
"""(type, value octets) in the order of the wire."""


MAX_ATTRIBUTES: Final = 200
"""More attributes than this is an attack on the reader, not a request. FreeRADIUS draws the same line."""


def walk(octets: bytes, start: int = 0) -> Attributes:
    """The attributes from ``start`` to the end; their lengths must add up exactly.

    Raises BadPacket: ``bad_attribute_length`` for a length below 2 or past the end (RFC 2865 section 5),
    ``too_many_attributes``.
    """
    end = len(octets)
    found: list[tuple[int, bytes]] = []
    append = found.append
    while start < end:
        if start + 2 > end:
            raise BadPacket("bad_attribute_length")
        length = octets[start + 1]
        stop = start + length
        if length < 2 or stop > end:
            raise BadPacket("bad_attribute_length")
        append((octets[start], octets[start + 2 : stop]))
        start = stop
    if len(found) > MAX_ATTRIBUTES:
        raise BadPacket("too_many_attributes")
    return tuple(found)


def vendor_walk(value: bytes) -> tuple[int, Attributes]:
    """Vendor number and sub-attributes of a Vendor-Specific value (RFC 2865 section 5.26).

    Raises BadPacket (``bad_attribute_length``) when it is not in the recommended form.
    """
    if len(value) < 6:
        raise BadPacket("bad_attribute_length")
    return int.from_bytes(value[:4]), walk(value, 4)
