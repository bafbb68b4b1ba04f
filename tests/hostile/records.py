"""TLS records by hand: what no library would send (RFC 5246 section 6, RFC 8446 sections 4, 5 and 7)."""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

CCS, ALERT, HANDSHAKE, APPLICATION, HEARTBEAT = 20, 21, 22, 23, 24
CLIENT_HELLO, CERTIFICATE, CERTIFICATE_VERIFY, FINISHED, KEY_UPDATE = 1, 11, 15, 20, 24
SENTINEL = b"DOWNGRD\x01"


def record(kind: int, octets: bytes, version: int = 0x0303) -> bytes:
    return struct.pack("!BHH", kind, version, len(octets)) + octets


def records(flight: bytes) -> list[tuple[int, bytes]]:
    """(type, octets) of every record in a flight."""
    found = []
    while flight:
        kind, _, size = struct.unpack("!BHH", flight[:5])
        found.append((kind, flight[5 : 5 + size]))
        flight = flight[5 + size :]
    return found


def message(kind: int, body: bytes) -> bytes:
    return bytes((kind,)) + len(body).to_bytes(3, "big") + body


def messages(octets: bytes) -> list[tuple[int, bytes]]:
    """(type, body) of every handshake message in a row."""
    found = []
    while octets:
        size = int.from_bytes(octets[1:4], "big")
        found.append((octets[0], octets[4 : 4 + size]))
        octets = octets[4 + size :]
    return found


def alert(description: int, level: int = 2) -> bytes:
    return record(ALERT, bytes((level, description)))


def alerts(flight: bytes) -> list[int]:
    """Descriptions of the alerts that are readable in a flight."""
    return [octets[1] for kind, octets in records(flight) if kind == ALERT and len(octets) == 2]


def extension(kind: int, body: bytes = b"") -> bytes:
    return struct.pack("!HH", kind, len(body)) + body


def listed(octets: bytes, size: int = 2) -> bytes:
    return len(octets).to_bytes(size, "big") + octets


SIGNATURES = extension(13, listed(b"".join(struct.pack("!H", n) for n in (0x0403, 0x0804, 0x0401))))
GROUPS = extension(10, listed(struct.pack("!HH", 23, 29)))
POINTS = extension(11, b"\x01\x00")
EMS = extension(23)


def offers(*versions: int) -> bytes:
    return extension(43, listed(b"".join(struct.pack("!H", one) for one in versions), 1))


def hello(
    *,
    legacy: int = 0x0303,
    suites: Sequence[int] = (0xC02B, 0xC02F, 0xC02C, 0xC030),
    compression: bytes = b"\x00",
    extensions: Sequence[bytes] = (SIGNATURES, GROUPS, POINTS, EMS),
) -> bytes:
    """A ClientHello message, without its record."""
    body = struct.pack("!H", legacy) + os.urandom(32) + b"\x00"
    body += listed(b"".join(struct.pack("!H", one) for one in suites)) + listed(compression, 1)
    if extensions:
        body += listed(b"".join(extensions))
    return message(CLIENT_HELLO, body)


def with_extensions(flight: bytes, *added: bytes) -> bytes:
    """A library's ClientHello flight with more extensions in front of its own."""
    body = messages(records(flight)[0][1])[0][1]
    at = 34
    at += 1 + body[at]
    at += 2 + int.from_bytes(body[at : at + 2], "big")
    at += 1 + body[at]
    longer = b"".join(added) + body[at + 2 :]
    return record(HANDSHAKE, message(CLIENT_HELLO, body[:at] + listed(longer)), 0x0301)


def other_certificates(flight: bytes, ders: Sequence[bytes], proof: bytes = b"") -> bytes:
    """A TLS 1.2 client's second flight with another Certificate message: until the CCS it is in the clear.

    proof: the body of another CertificateVerify, too.
    """
    made = b""
    for kind, octets in records(flight):
        if kind == HANDSHAKE and octets[0] == CERTIFICATE:
            whole = message(CERTIFICATE, listed(b"".join(listed(der, 3) for der in ders), 3))
            made += b"".join(record(HANDSHAKE, whole[at : at + 16_384]) for at in range(0, len(whole), 16_384))
        elif kind == HANDSHAKE and octets[0] == CERTIFICATE_VERIFY and proof:
            made += record(HANDSHAKE, message(CERTIFICATE_VERIFY, proof))
        else:
            made += record(kind, octets)
    return made


# -- TLS 1.3, encrypted ---------------------------------------------------------------------


class Forger:
    """Writes records of an established TLS 1.3 connection with its client's keys (AES-GCM suites only)."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._hash = hashes.SHA384() if len(secret) == 48 else hashes.SHA256()
        self._sequence = 0

    def record(self, kind: int, octets: bytes) -> bytes:
        """One record that says ``octets`` of type ``kind``."""
        key = self._expand(b"key", 32 if len(self._secret) == 48 else 16)
        nonce = int.from_bytes(self._expand(b"iv", 12), "big") ^ self._sequence
        head = struct.pack("!BHH", APPLICATION, 0x0303, len(octets) + 17)
        self._sequence += 1
        return head + AESGCM(key).encrypt(nonce.to_bytes(12, "big"), octets + bytes((kind,)), head)

    def key_update(self, *, ask: bool) -> bytes:
        """A KeyUpdate message; what follows is written with the next keys (RFC 8446 section 7.2)."""
        made = self.record(HANDSHAKE, message(KEY_UPDATE, bytes((int(ask),))))
        self._secret = self._expand(b"traffic upd", len(self._secret))
        self._sequence = 0
        return made

    def _expand(self, label: bytes, size: int) -> bytes:
        described = struct.pack("!H", size) + listed(b"tls13 " + label, 1) + b"\x00"
        return HKDFExpand(algorithm=self._hash, length=size, info=described).derive(self._secret)
