"""EAP-TLS fragments, both ways (RFC 5216 section 2.1.5 and 3.1, RFC 9190 section 2.1.9).

Knows: the flags octet, the length field, and the caps that keep a stranger from filling memory.
Refuses to know: TLS, and whose turn it is.
"""

from __future__ import annotations

from dataclasses import dataclass

from nacd.errors import BadEap

LENGTH_INCLUDED = 0x80
MORE_FRAGMENTS = 0x40
START = 0x20

START_BODY = bytes((START,))
"""EAP-TLS Start; it carries no length, some peers refuse one (RFC 9190 section 2.1.9)."""
ACK_BODY = b"\x00"
"""No octets, no flags: "go on" in both directions."""

MAX_MESSAGE = 65_536
"""Octets of one TLS flight we are ready to collect; RFC 5216 asks for four times the largest usual chain."""
_OVERHEAD = 6
_LENGTH_FIELD = 4
MIN_PACKET = _OVERHEAD + _LENGTH_FIELD + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Fragment:
    """One EAP-TLS type-data field. has_length: the L bit; declared: the length it came with."""

    more: bool
    start: bool
    has_length: bool
    declared: int
    octets: bytes

    @property
    def is_ack(self) -> bool:
        """Nothing in it: the peer waits for us."""
        return not self.octets and not self.more and not self.start


def read(body: bytes) -> Fragment:
    """Read the type-data of an EAP-TLS packet. Raises BadEap when the flags or the length field are missing."""
    if not body:
        raise BadEap("EAP-TLS without a flags octet")
    flags = body[0]
    more, start = bool(flags & MORE_FRAGMENTS), bool(flags & START)
    if not flags & LENGTH_INCLUDED:
        return Fragment(more=more, start=start, has_length=False, declared=0, octets=body[1:])
    if len(body) < 1 + _LENGTH_FIELD:
        raise BadEap("EAP-TLS announces a length field that is not there")
    declared = int.from_bytes(body[1:5], "big")
    return Fragment(more=more, start=start, has_length=True, declared=declared, octets=body[5:])


class Assembler:
    """Joins the peer's fragments to one flight. ``limit``: octets it holds at most."""

    __slots__ = ("_declared", "_held", "_limit")

    def __init__(self, limit: int = MAX_MESSAGE) -> None:
        self._limit = limit
        self._declared = -1
        self._held = bytearray()

    def __len__(self) -> int:
        return len(self._held)

    def add(self, fragment: Fragment) -> None:
        """Take one fragment. Raises BadEap past the limit, past the declared length, and when nothing comes
        though more is promised (a peer could keep us busy that way for ever)."""
        if fragment.more and not fragment.octets:
            raise BadEap("an empty EAP-TLS fragment promises more")
        if fragment.has_length:
            if self._declared >= 0 and self._declared != fragment.declared:
                raise BadEap(f"EAP-TLS length changed from {self._declared} to {fragment.declared}")
            if fragment.declared > self._limit:
                raise BadEap(f"EAP-TLS message of {fragment.declared} octets is over the limit of {self._limit}")
            self._declared = fragment.declared
        total = len(self._held) + len(fragment.octets)
        if total > self._limit:
            raise BadEap(f"EAP-TLS fragments add up to more than the limit of {self._limit} octets")
        if 0 <= self._declared < total:
            raise BadEap(f"EAP-TLS fragments add up to {total} octets, {self._declared} were announced")
        self._held += fragment.octets

    def take(self) -> bytes:
        """The whole flight, leaving nothing behind. Raises BadEap when it is shorter than announced."""
        whole, declared = bytes(self._held), self._declared
        self._held = bytearray()
        self._declared = -1
        if declared >= 0 and declared != len(whole):
            raise BadEap(f"EAP-TLS message has {len(whole)} octets, {declared} were announced")
        return whole


class Fragmenter:
    """Cuts one flight of ours. ``packet_size``: octets of a whole EAP packet, at least ``MIN_PACKET``."""

    __slots__ = ("_flight", "_offset", "_packet_size")

    def __init__(self, flight: bytes, packet_size: int) -> None:
        if packet_size < MIN_PACKET:
            raise ValueError(f"an EAP packet of {packet_size} octets has no room for a fragment")
        self._flight = flight
        self._offset = 0
        self._packet_size = packet_size

    def __len__(self) -> int:
        return len(self._flight) - self._offset

    def next(self) -> bytes:
        """Type-data of the next fragment. The length goes with the first of several and with no other."""
        if self._offset == 0 and len(self._flight) <= self._packet_size - _OVERHEAD:
            self._offset = len(self._flight)
            return bytes((0,)) + self._flight
        first = self._offset == 0
        room = self._packet_size - _OVERHEAD - (_LENGTH_FIELD if first else 0)
        piece = self._flight[self._offset : self._offset + room]
        self._offset += len(piece)
        flags = (LENGTH_INCLUDED if first else 0) | (MORE_FRAGMENTS if len(self) else 0)
        length = len(self._flight).to_bytes(4, "big") if first else b""
        return bytes((flags,)) + length + piece
