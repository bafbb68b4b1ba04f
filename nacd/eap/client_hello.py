"""The first flight of a TLS client, read just far enough to know that it is one (RFC 8446 section 4.1.2).

Knows: record and handshake framing, and which TLS versions are offered. Refuses to know: everything else TLS.
It stands before OpenSSL so that garbage, and half a ClientHello, never cost a TLS connection.
"""

from __future__ import annotations

from dataclasses import dataclass

from nacd.errors import BadEap

_ALERT, _HANDSHAKE = 21, 22
_CLIENT_HELLO = 1
_SUPPORTED_VERSIONS = 43
_RECORD_HEADER = 5
_MAX_RECORD = 16_384
_VERSION_NAMES = {0x0300: "SSL 3.0", 0x0301: "TLS 1.0", 0x0302: "TLS 1.1", 0x0303: "TLS 1.2", 0x0304: "TLS 1.3"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientHello:
    """versions: names of what the client offers, oldest first (``TLS 1.2``); of an old client only its newest."""

    versions: tuple[str, ...]


def read(flight: bytes) -> ClientHello:
    """Read a flight that must hold one whole ClientHello. Raises BadEap otherwise."""
    body = _handshake_octets(flight)
    if body[0] != _CLIENT_HELLO:
        raise BadEap(f"TLS starts with handshake message {body[0]} instead of a ClientHello")
    end = 4 + int.from_bytes(body[1:4], "big")
    if len(body) < end:
        raise BadEap(f"the ClientHello is not whole: {len(body)} of {end} octets")
    return ClientHello(versions=_versions(body[4:end]))


def _handshake_octets(flight: bytes) -> bytes:
    joined = bytearray()
    offset = 0
    while offset < len(flight):
        header = flight[offset : offset + _RECORD_HEADER]
        if header[0] == _ALERT and not joined:
            raise BadEap("the peer began with a TLS alert")
        if len(header) < _RECORD_HEADER or header[0] != _HANDSHAKE or header[1] != 3:
            raise BadEap("these octets are no TLS handshake record")
        length = int.from_bytes(header[3:5], "big")
        offset += _RECORD_HEADER + length
        if length == 0 or length > _MAX_RECORD or offset > len(flight):
            raise BadEap(f"a TLS record of {length} octets does not fit the flight")
        joined += flight[offset - length : offset]
    if len(joined) < 4:
        raise BadEap("no ClientHello in the first flight")
    return bytes(joined)


def _versions(hello: bytes) -> tuple[str, ...]:
    """Only for words in a refusal, so whatever cannot be read counts as the legacy version."""
    legacy = int.from_bytes(hello[0:2], "big")
    offered = _supported_versions(hello) or (min(legacy, 0x0303),)
    return tuple(_VERSION_NAMES[number] for number in sorted(set(offered)) if number in _VERSION_NAMES)


def _supported_versions(hello: bytes) -> tuple[int, ...]:
    at = 2 + 32
    at += 1 + _number(hello, at, 1)  # session id
    at += 2 + _number(hello, at, 2)  # cipher suites
    at += 1 + _number(hello, at, 1)  # compression
    at += 2
    while at + 4 <= len(hello):
        kind, length = _number(hello, at, 2), _number(hello, at + 2, 2)
        if kind == _SUPPORTED_VERSIONS:
            listed = hello[at + 5 : at + 4 + length]
            return tuple(_number(listed, i, 2) for i in range(0, len(listed) - 1, 2))
        at += 4 + length
    return ()


def _number(octets: bytes, at: int, size: int) -> int:
    return int.from_bytes(octets[at : at + size], "big")
