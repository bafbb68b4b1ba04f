"""Captured packets out of a file: pcap, pcapng, the octets of one datagram, or those octets as hex text.

Knows: the containers, and the way from a frame to a UDP payload. Refuses to know: RADIUS. A capture may
come from anybody: every length is checked before it is used, and what does not fit ends that frame alone.
"""

from __future__ import annotations

import ipaddress
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

MAX_FILE_OCTETS: Final = 256 * 1024 * 1024
_MAX_FRAME_OCTETS: Final = 1024 * 1024
_PCAP_ORDERS: Final = {
    b"\xa1\xb2\xc3\xd4": ">",
    b"\xd4\xc3\xb2\xa1": "<",
    b"\xa1\xb2\x3c\x4d": ">",  # the same with nanoseconds
    b"\x4d\x3c\xb2\xa1": "<",
}
_SECTION: Final = b"\x0a\x0d\x0d\x0a"
_INTERFACE_BLOCK, _SIMPLE_PACKET, _ENHANCED_PACKET = 1, 3, 6
_HEX: Final = re.compile(rb"(?:0x)?[0-9A-Fa-f\s:]+")

_IPV4, _IPV6 = 0x0800, 0x86DD
_VLAN_TAGS: Final = frozenset({0x8100, 0x88A8, 0x9100})
_UDP: Final = 17
_HOP_BY_HOP, _ROUTING, _FRAGMENT, _DESTINATION = 0, 43, 44, 60


class NotCapture(Exception):
    """This file holds no packets that can be read; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Datagram:
    """One UDP payload. frame: its place in the capture, from 1.

    source is ``""`` and both ports 0 where the file has the payload alone. cut: the capture kept less of it than
    was sent.
    """

    frame: int
    payload: bytes
    source: str = ""
    source_port: int = 0
    destination_port: int = 0
    cut: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """What a file holds. frames: how many in all. fragments: IP fragments, which are not put together."""

    datagrams: tuple[Datagram, ...]
    frames: int
    fragments: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    link: int
    octets: bytes


class _Fragment(Exception):
    """Part of an IP packet."""


def read(path: Path) -> Capture:
    """Every UDP datagram in the file, in order. Raises NotCapture, OSError."""
    if path.stat().st_size > MAX_FILE_OCTETS:
        raise NotCapture(f"it has more than {MAX_FILE_OCTETS >> 20} MiB; cut the capture down to the login in question")
    octets = path.read_bytes()
    if octets[:4] in _PCAP_ORDERS:
        return _capture(_pcap(octets))
    if octets[:4] == _SECTION:
        return _capture(_pcapng(octets))
    if octets[:1] == b"\x01" and len(octets) <= 0xFFFF:
        return Capture(datagrams=(Datagram(frame=1, payload=octets),), frames=1)
    if _HEX.fullmatch(octets):
        digits = re.sub(rb"[\s:]", b"", octets.strip().removeprefix(b"0x")).decode("ascii")
        if digits and len(digits) % 2 == 0:
            return Capture(datagrams=(Datagram(frame=1, payload=bytes.fromhex(digits)),), frames=1)
    raise NotCapture("it is neither pcap nor pcapng, nor the octets of one Access-Request, nor those octets in hex")


def _capture(frames: Iterator[_Frame]) -> Capture:
    datagrams: list[Datagram] = []
    count = fragments = 0
    for count, frame in enumerate(frames, 1):
        try:
            datagrams.extend(_datagram(frame, count))
        except _Fragment:
            fragments += 1
    return Capture(datagrams=tuple(datagrams), frames=count, fragments=fragments)


# -- containers -----------------------------------------------------------------------------


def _pcap(octets: bytes) -> Iterator[_Frame]:
    """Raises NotCapture for a header that is cut off; a record that is cut off ends the file."""
    order = _PCAP_ORDERS[octets[:4]]
    if len(octets) < 24:
        raise NotCapture("its pcap header is cut off")
    (link,) = struct.unpack_from(f"{order}I", octets, 20)
    place = 24
    while place + 16 <= len(octets):
        (kept,) = struct.unpack_from(f"{order}I", octets, place + 8)
        place += 16
        if kept > _MAX_FRAME_OCTETS or place + kept > len(octets):
            return
        # The upper bits of the link type tell of checksums at the end of a frame.
        yield _Frame(link=link & 0x0FFFFFFF, octets=octets[place : place + kept])
        place += kept


def _pcapng(octets: bytes) -> Iterator[_Frame]:
    """Raises NotCapture for a section whose byte order cannot be told; a block that is cut off ends the file."""
    place, order = 0, "<"
    links: list[int] = []
    while place + 12 <= len(octets):
        if octets[place : place + 4] == _SECTION:
            magic = octets[place + 8 : place + 12]
            if magic not in (b"\x1a\x2b\x3c\x4d", b"\x4d\x3c\x2b\x1a"):
                raise NotCapture("its pcapng header is damaged")
            order, links = (">" if magic[0] == 0x1A else "<"), []
        kind, length = struct.unpack_from(f"{order}II", octets, place)
        if length < 12 or length % 4 or place + length > len(octets):
            return
        body = octets[place + 8 : place + length - 4]
        place += length
        if kind == _INTERFACE_BLOCK and len(body) >= 8:
            links.append(struct.unpack_from(f"{order}H", body)[0])
        elif kind == _ENHANCED_PACKET and len(body) >= 20:
            interface, _, _, kept = struct.unpack_from(f"{order}IIII", body)
            if interface < len(links) and 20 + kept <= len(body):
                yield _Frame(link=links[interface], octets=body[20 : 20 + kept])
        elif kind == _SIMPLE_PACKET and len(body) >= 4 and links:
            (sent,) = struct.unpack_from(f"{order}I", body)
            yield _Frame(link=links[0], octets=body[4 : 4 + sent])


# -- layers ---------------------------------------------------------------------------------


def _datagram(frame: _Frame, number: int) -> Iterator[Datagram]:
    """The UDP datagram of a frame, if there is one. Raises _Fragment."""
    packet = _network(frame)
    version = packet[0] >> 4 if packet else 0
    if version == 4:
        source, udp = _ipv4(packet)
    elif version == 6:
        source, udp = _ipv6(packet)
    else:
        return
    if len(udp) < 8:
        return
    source_port, destination_port, length = struct.unpack_from("!HHH", udp)
    if length < 8:
        return
    yield Datagram(
        frame=number,
        payload=udp[8:length],
        source=source,
        source_port=source_port,
        destination_port=destination_port,
        cut=length > len(udp),
    )


def _network(frame: _Frame) -> bytes:
    """The IP packet of a frame, ``b""`` if it carries none (or the link type is a strange one)."""
    octets = frame.octets
    match frame.link:
        case 1:  # Ethernet
            return _behind_type(octets, 12)
        case 113:  # Linux cooked, version 1: 16 octets, the type last
            return _behind_type(octets, 14)
        case 276:  # Linux cooked, version 2: 20 octets, the type first
            return octets[20:] if octets[:2] in (b"\x08\x00", b"\x86\xdd") else b""
        case 0 | 108:  # loopback of the BSDs: 4 octets of address family, in one order or the other
            return octets[4:]
        case 12 | 14 | 101 | 228 | 229:  # bare IP
            return octets
        case _:
            return b""


def _behind_type(octets: bytes, place: int) -> bytes:
    """What follows the two octets of type at ``place``, past VLAN tags, if it is IP."""
    for _ in range(4):
        if place + 2 > len(octets):
            return b""
        kind = int.from_bytes(octets[place : place + 2])
        if kind not in _VLAN_TAGS:
            return octets[place + 2 :] if kind in (_IPV4, _IPV6) else b""
        place += 4
    return b""


def _ipv4(packet: bytes) -> tuple[str, bytes]:
    """Source address and UDP octets, ``b""`` if it is not UDP (RFC 791 section 3.1)."""
    header = (packet[0] & 0x0F) * 4
    if header < 20 or len(packet) < header or packet[9] != _UDP:
        return "", b""
    if int.from_bytes(packet[6:8]) & 0x3FFF:
        raise _Fragment
    # A total length of 0 is what segmentation offload leaves; Ethernet pads short packets, hence the cut otherwise.
    total = int.from_bytes(packet[2:4]) or len(packet)
    return str(ipaddress.IPv4Address(packet[12:16])), packet[header:total]


def _ipv6(packet: bytes) -> tuple[str, bytes]:
    """Source address and UDP octets behind the extension headers, ``b""`` if it is not UDP (RFC 8200)."""
    if len(packet) < 40:
        return "", b""
    source = str(ipaddress.IPv6Address(packet[8:24]))
    following, rest = packet[6], packet[40 : 40 + (int.from_bytes(packet[4:6]) or len(packet))]
    for _ in range(8):
        if following == _UDP:
            return source, rest
        if following not in (_HOP_BY_HOP, _ROUTING, _FRAGMENT, _DESTINATION) or len(rest) < 8:
            break
        length = 8 if following == _FRAGMENT else (rest[1] + 1) * 8
        if following == _FRAGMENT and int.from_bytes(rest[2:4]) & 0xFFF9:
            raise _Fragment
        following, rest = rest[0], rest[length:]
    return "", b""
