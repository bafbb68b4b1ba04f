"""An EAP-TLS supplicant over memory BIOs (RFC 5216, RFC 9190): quick, strict about what it is told.

Knows: EAP fragments and when a Success may be believed. Refuses to know: RADIUS, nacd's code, and keying
material (the standard library's ``ssl`` exports none; the real peers of the test suite compare keys).
"""

from __future__ import annotations

import ssl
from pathlib import Path

_REQUEST, _RESPONSE, _SUCCESS = 1, 2, 3
_IDENTITY, _TLS = 1, 13
_LENGTH, _MORE, _START = 0x80, 0x40, 0x20
FRAGMENT_OCTETS = 1_002
"""TLS octets in one response: what the usual supplicants send on Ethernet, roughly."""


def client_context(ca: Path, chain: Path, *, tls12: bool) -> ssl.SSLContext:
    """What one client certificate logs in with. chain: a PEM file with chain and key."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(ca)
    context.load_cert_chain(chain)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if tls12:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


def identity_response(identity: str, identifier: int = 1) -> bytes:
    """The EAP-Response/Identity that a NAS hands on first."""
    body = identity.encode()
    return bytes((_RESPONSE, identifier)) + (5 + len(body)).to_bytes(2, "big") + bytes((_IDENTITY,)) + body


def tls_response(identifier: int, flags: int, body: bytes, announced: int = -1) -> bytes:
    """One EAP-Response/EAP-TLS; announced: the whole length, which sets the L flag."""
    head = bytes((flags,)) if announced < 0 else bytes((flags | _LENGTH,)) + announced.to_bytes(4, "big")
    length = 5 + len(head) + len(body)
    return bytes((_RESPONSE, identifier)) + length.to_bytes(2, "big") + bytes((_TLS,)) + head + body


class Supplicant:
    """One login. ``answer`` gives the next EAP packet; ``problem`` says what went wrong."""

    __slots__ = ("_done", "_gathered", "_incoming", "_object", "_outgoing", "_sealed", "_to_send", "_total", "problem")

    def __init__(self, context: ssl.SSLContext) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._object = context.wrap_bio(self._incoming, self._outgoing)
        self._gathered: list[bytes] = []
        self._to_send = b""
        self._total = 0
        self._done = self._sealed = False
        self.problem = ""

    def answer(self, eap: bytes) -> bytes:
        """The response to one EAP-Request; ``b""`` when there is none, and then ``problem`` says why."""
        if len(eap) < 6 or eap[0] != _REQUEST or eap[4] != _TLS:
            self.problem = "no EAP-TLS request in an Access-Challenge"
            return b""
        identifier, flags = eap[1], eap[5]
        body = eap[10:] if flags & _LENGTH else eap[6:]
        if flags & _START:
            return self._flight(identifier)
        if self._to_send and not body:
            return self._fragment(identifier)
        self._gathered.append(body)
        if flags & _MORE:
            return tls_response(identifier, 0, b"")
        self._incoming.write(b"".join(self._gathered))
        self._gathered.clear()
        return self._flight(identifier)

    def believes(self, eap: bytes) -> bool:
        """Whether this ends the login well: a Success that was due (RFC 9190 section 2.5: after 0x00)."""
        if len(eap) != 4 or eap[0] != _SUCCESS:
            return False
        return self._done and (self._sealed or self._object.version() == "TLSv1.2")

    def _flight(self, identifier: int) -> bytes:
        try:
            if not self._done:
                self._object.do_handshake()
                self._done = True
            if self._object.read(16) == b"\0":
                self._sealed = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as error:
            self.problem = f"TLS: {error.reason or error}"
        self._to_send = self._outgoing.read()
        self._total = len(self._to_send)
        if self._total > FRAGMENT_OCTETS:
            part, self._to_send = self._to_send[:FRAGMENT_OCTETS], self._to_send[FRAGMENT_OCTETS:]
            return tls_response(identifier, _MORE, part, self._total)
        part, self._to_send = self._to_send, b""
        return tls_response(identifier, 0, part)

    def _fragment(self, identifier: int) -> bytes:
        part, self._to_send = self._to_send[:FRAGMENT_OCTETS], self._to_send[FRAGMENT_OCTETS:]
        return tls_response(identifier, _MORE if self._to_send else 0, part)
