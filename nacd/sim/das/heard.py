"""One datagram as a Dynamic Authorization Server hears it, and what is wrong with it.

Knows: both signatures, the clock, the repetition. Refuses to know: sockets, and what is answered.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from dataclasses import dataclass
from typing import Literal, TypeAlias

from pyrad.packet import CoAPacket, PacketError

from nacd.sim.nas_reply import MESSAGE_AUTHENTICATOR, Value, dictionary, take_apart, walk

DISCONNECT_REQUEST, COA_REQUEST = 40, 43
EVENT_TIMESTAMP = 55

Demand: TypeAlias = Literal["message authenticator", "event timestamp"]
DEMANDS: frozenset[Demand] = frozenset({"message authenticator", "event timestamp"})
"""What a request must have, as the strictest NASes want it; what it has must be right in any case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A request. peer: who sent it. at: seconds of the monotonic clock. faults: why it is not believed, in words.

    transmission: 1 when it came first, 2 for its first repetition (the same octets from the same port) and so on.
    """

    octets: bytes
    peer: tuple[str, int]
    at: float
    faults: tuple[str, ...] = ()
    transmission: int = 1
    attributes: tuple[tuple[str, Value], ...] = ()

    @property
    def verb(self) -> str:
        """``coa``, ``disconnect`` or ``""``."""
        return {DISCONNECT_REQUEST: "disconnect", COA_REQUEST: "coa"}.get(self.octets[0] if self.octets else 0, "")

    def all(self, name: str) -> list[Value]:
        """Every value of an attribute."""
        return [value for key, value in self.attributes if key == name]

    def first(self, name: str) -> Value:
        """The first value, ``""`` when there is none."""
        return next(iter(self.all(name)), "")


def faults(octets: bytes, secret: bytes, demands: frozenset[Demand], now: float, window_s: float) -> list[str]:
    """Why a NAS must not believe this datagram, nothing when it may (RFC 5176 sections 2.3, 3.4 and 6.3).

    now: seconds since the epoch. window_s: how far an Event-Timestamp may be from it, either way.
    """
    if len(octets) < 20 or not 20 <= (length := struct.unpack("!H", octets[2:4])[0]) <= min(len(octets), 4096):
        return ["length"]
    octets = octets[:length]
    if octets[0] not in (DISCONNECT_REQUEST, COA_REQUEST):
        return ["code"]
    found = list(walk(octets))
    if not found and length > 20:
        return ["attributes"]
    try:
        packet = CoAPacket(packet=octets, secret=secret, dict=dictionary())
    except PacketError:
        return ["attributes"]
    wrong = [] if packet.VerifyCoARequest() else ["request authenticator"]
    signed = [number for _, number, _ in found].count(MESSAGE_AUTHENTICATOR)
    if not signed and "message authenticator" in demands:
        wrong.append("no message authenticator")
    if signed and (signed > 1 or not _is_signed(octets, secret)):
        wrong.append("message authenticator")
    times = [value for _, number, value in found if number == EVENT_TIMESTAMP]
    if not times and "event timestamp" in demands:
        wrong.append("no event timestamp")
    if any(len(value) != 4 or abs(int.from_bytes(value) - now) > window_s for value in times):
        wrong.append("event timestamp")
    return wrong


def _is_signed(octets: bytes, secret: bytes) -> bool:
    """Section 3.4 by hand: an HMAC with zeros where it stands itself, and where the Request Authenticator stands."""
    for at, number, value in walk(octets):
        if number == MESSAGE_AUTHENTICATOR:
            zeroed = octets[:4] + bytes(16) + octets[20 : at + 2] + bytes(16) + octets[at + 18 :]
            return len(value) == 16 and hmac.compare_digest(hmac.new(secret, zeroed, hashlib.md5).digest(), value)
    return False


def attributes(octets: bytes, secret: bytes) -> tuple[tuple[str, Value], ...]:
    """Name and value of each attribute of a request without ``faults``, in the order of the wire."""
    return take_apart(octets, CoAPacket(packet=octets, secret=secret, dict=dictionary())).attributes
