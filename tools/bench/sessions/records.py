"""Accounting as switches send it: sessions that begin, go on and end, many at a time.

Knows: octets (RFC 2866, 2869) and the order in which records of many sessions come. Refuses to know: sockets, servers.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from tools.bench import radius

START, STOP, INTERIM = 1, 2, 3
CLASS: Final = 25
KINDS: Final = (START, INTERIM, INTERIM, STOP)
"""What is accounted for one session, in order."""
_USER_REQUEST: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Station:
    """An endpoint that is logged in. classes: the values of Class in its Accept, which every record repeats."""

    number: int
    mac: str
    classes: tuple[bytes, ...] = ()


def mac(number: int) -> str:
    """Of the n-th endpoint, as a switch writes it; globally administered."""
    return f"00-11-85-{number >> 16 & 0xFF:02X}-{number >> 8 & 0xFF:02X}-{number & 0xFF:02X}"


def accounting(identifier: int, station: Station, kind: int, elapsed_s: int, secret: bytes) -> bytes:
    """One signed record."""
    body = (
        radius.attribute(1, station.mac.replace("-", "").lower().encode())
        + radius.number(40, kind)
        + radius.attribute(44, b"%016X" % station.number)
        + radius.attribute(4, bytes((127, 0, 0, 1)))
        + b"".join(radius.attribute(CLASS, value) for value in station.classes)
        + radius.at_a_port(station.mac)
        + radius.number(41, 0)
    )
    if kind != START:
        counted = ((42, 1_234_567), (43, 7_654_321), (46, 0), (47, 12_345), (48, 54_321))
        body += b"".join(radius.number(code, value + elapsed_s) for code, value in counted)
    if kind == STOP:
        body += radius.number(49, _USER_REQUEST)
    return _signed(identifier, body, secret)


def in_turn(stations: Sequence[Station], live: int) -> Iterator[tuple[Station, int, int]]:
    """(station, kind, seconds into its session): all records of all, so that about ``live`` sessions are under way."""
    step = max(1, live // (len(KINDS) - 1))
    for turn in range(len(stations) + step * (len(KINDS) - 1)):
        for place, kind in enumerate(KINDS):
            number = turn - place * step
            if 0 <= number < len(stations):
                yield stations[number], kind, place


def _signed(identifier: int, body: bytes, secret: bytes) -> bytes:
    """With a Message-Authenticator, for which the Request Authenticator counts as zero (as in RFC 5176 section 3.3,
    for requests whose own authenticator is a digest)."""
    head = bytes((radius.ACCOUNTING_REQUEST, identifier)) + (38 + len(body)).to_bytes(2)
    signature = hmac.digest(secret, head + bytes(16) + b"\x50\x12" + bytes(16) + body, "md5")
    signed = b"\x50\x12" + signature + body
    return head + hashlib.md5(head + bytes(16) + signed + secret).digest() + signed
