"""Devices by number, and what NASes say of them.

Knows: names, addresses and octets. Refuses to know: who is asked about them.
"""

from __future__ import annotations

import os
import uuid

from tools.bench import radius, site

CONCENTRATORS = 8
_CISCO = (9).to_bytes(4)


def guid(number: int) -> str:
    """The Intune device id of the n-th device: spread like real ones, the same each time."""
    mixed = (number + 1) * 0x9E3779B97F4A7C15F39CC0605CEDC835 & ((1 << 128) - 1)
    return str(uuid.UUID(int=mixed ^ mixed >> 61))


def listed_mac(number: int) -> str:
    """A MAC that is let in by a list, at a port of its own."""
    return f"00-11-85-01-{number >> 8 & 0xFF:02X}-{number & 0xFF:02X}"


def managed_mac(number: int) -> str:
    """A MAC that is let in by its verdict, at a port of its own."""
    return f"00-11-85-02-{number >> 8 & 0xFF:02X}-{number & 0xFF:02X}"


def concentrator(number: int) -> str:
    """Where the n-th VPN concentrator asks from."""
    return f"127.1.0.{number % CONCENTRATORS + 1}"


def vpn_request(identifier: int, number: int) -> bytes:
    """What a concentrator asks once it knows the user of the n-th device: authorize-only, with the device's id."""
    client = f"198.51.{number >> 8 & 0xFF}.{number & 0xFF}".encode()
    pair = f"mdm-tlv=device-uid=ID:Intune:DeviceID:{guid(number)}".encode()
    body = (
        radius.attribute(1, b"user-%d" % number)
        + radius.number(61, 5)
        + radius.attribute(31, client)
        + radius.attribute(32, b"bench-vpn")
        + radius.attribute(radius.VENDOR_SPECIFIC, _CISCO + radius.attribute(1, pair))
    )
    return radius.access_request(identifier, os.urandom(16), body, site.SECRET)


def mab_request(identifier: int, mac: str) -> bytes:
    """What a switch asks about that MAC."""
    return radius.mab_request(identifier, mac, site.SECRET)


def vlan(answer: bytes) -> str:
    """The VLAN an answer names, without its tag; ``""`` if none (RFC 2868 section 3.6)."""
    found = [value for code, value in radius.attributes(answer) if code == 81]
    return found[0].lstrip(bytes(range(0x20))).decode() if found else ""
