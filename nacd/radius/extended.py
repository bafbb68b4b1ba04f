"""Attributes within attributes: the extended types 241 to 246 (RFC 6929).

Knows: how a value lies in them, cut into fragments, under a vendor or inside TLVs. Refuses to know: names and
data types (``dictionary``). A form that the RFC calls an invalid attribute yields nothing and harms nothing: its
octets stay with the packet, which is read on (RFC 6929 section 2.8).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final, TypeAlias

from nacd.errors import BadPacket, BadValue
from nacd.radius.packet import ATTRIBUTE_MAX, attribute
from nacd.radius.reader import Attributes, walk

Path: TypeAlias = tuple[int, ...]
"""Where a value lies: (241, 1); in a TLV (241, 5, 2); of a vendor (241, 26, vendor number, vendor type)."""

Values: TypeAlias = tuple[tuple[Path, bytes], ...]

FIRST: Final = 241
_FIRST_LONG: Final = 245
LAST: Final = 246
VENDOR: Final = 26
"""The extended type that holds a vendor's attributes (RFC 6929 section 2.4), in each of the six."""

_MORE: Final = 0x80
_WHOLE: Final = ATTRIBUTE_MAX
_VENDOR_HEADER: Final = 5


def parts(attributes: Attributes, tlvs: Collection[Path]) -> Iterator[tuple[Attributes, Values]]:
    """The packet's attributes in order, each (or all fragments of one value) with what lies in it.

    tlvs: the paths whose value is a list of TLVs. No values: not an extended attribute, or an invalid one.
    """
    at = 0
    while at < len(attributes):
        stop = at + 1
        values: Values = ()
        if FIRST <= attributes[at][0] <= LAST:
            stop = _stop(attributes, at)
            values = _values(attributes[at:stop], tlvs)
        yield attributes[at:stop], values
        at = stop


def wrap(name: str, path: Path, octets: bytes) -> bytes:
    """Whole attributes that carry this value at ``path``. name: for the error. Raises BadValue when it is too long."""
    outer, kind, *inner = path
    header = b""
    if kind == VENDOR:
        header = inner[0].to_bytes(4) + bytes((inner[1],))
        inner = inner[2:]
    for number in reversed(inner):
        if len(octets) > ATTRIBUTE_MAX:
            raise BadValue(f"`{name}` of {len(octets)} octets is too long, a TLV holds {ATTRIBUTE_MAX}")
        octets = attribute(number, octets)
    body = header + octets
    if outer >= _FIRST_LONG:
        return _fragments(outer, kind, body)
    limit = ATTRIBUTE_MAX - 1
    if len(body) > limit:
        raise BadValue(f"`{name}` of {len(body)} octets is too long, {limit} fit")
    return attribute(outer, bytes((kind,)) + body)


def _stop(attributes: Attributes, at: int) -> int:
    """Past the last fragment of the value that begins at ``at`` (RFC 6929 section 2.2)."""
    outer, first = attributes[at]
    stop = at + 1
    last = first
    while _goes_on(outer, last) and stop < len(attributes):
        number, following = attributes[stop]
        if number != outer or following[:1] != first[:1]:
            break
        last = following
        stop += 1
    return stop


def _goes_on(outer: int, value: bytes) -> bool:
    return outer >= _FIRST_LONG and len(value) > 1 and bool(value[1] & _MORE)


def _values(fragments: Attributes, tlvs: Collection[Path]) -> Values:
    outer, first = fragments[0]
    header = 2 if outer >= _FIRST_LONG else 1
    if any(len(value) <= header for _, value in fragments):
        return ()  # shorter than its header and one octet: invalid (sections 2.1 and 2.2)
    if _goes_on(outer, fragments[-1][1]) or any(len(value) != _WHOLE for _, value in fragments[:-1]):
        return ()  # a last fragment that promises more, or a short one in the middle (section 2.2)
    body = b"".join(value[header:] for _, value in fragments)
    try:
        return _opened((outer, first[0]), body, tlvs)
    except BadPacket:
        return ()


def _opened(path: Path, body: bytes, tlvs: Collection[Path]) -> Values:
    """Raises BadPacket for a vendor header or a TLV that does not add up."""
    if path[1] == VENDOR and len(path) == 2:
        if len(body) <= _VENDOR_HEADER:
            raise BadPacket("bad_attribute_length")
        path = (*path, int.from_bytes(body[:4]), body[4])
        body = body[_VENDOR_HEADER:]
    if path not in tlvs:
        return ((path, body),)
    found: Values = ()
    for number, octets in walk(body):
        if not octets:
            raise BadPacket("bad_attribute_length")  # a TLV has at least one octet (section 2.3)
        found += _opened((*path, number), octets, tlvs)
    return found


def _fragments(outer: int, kind: int, body: bytes) -> bytes:
    size = ATTRIBUTE_MAX - 2
    starts = range(0, len(body), size)
    return b"".join(
        attribute(outer, bytes((kind, _MORE if start != starts[-1] else 0)) + body[start : start + size])
        for start in starts
    )
