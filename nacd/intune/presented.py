"""What a server presents when its certificate is not trusted: who signed it, and which root is missing.

Knows: a second connection that verifies nothing, sends nothing after the handshake, and ends at once.
Refuses to know: requests, tokens, trust. Nothing it sees is ever believed: it is shown to people, who then need
no packet capture to see that a proxy opened the TLS, or that Microsoft changed its root.
"""

from __future__ import annotations

import ssl
import threading
import time
from base64 import b64encode
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes

from nacd.errors import SourceError
from nacd.intune.bounded import connect, limit, open_context
from nacd.intune.flight import Flights

_AGAIN_S = 600.0
_LOOK_S = 5.0
_HOSTS = 64
_NAME_LENGTH = 160
_CHAIN_LENGTH = 10
_PROXY_ANSWER = 16 * 1024
_DER = 2  # _ssl.ENCODING_DER
# OpenSSL's verify codes for a chain that leads to nobody we trust (x509_vfy.h): unknown issuer, self-signed, alone.
_NO_ROOT = frozenset({2, 18, 19, 20, 21})
_UNREADABLE = (ValueError, TypeError, KeyError, OverflowError, UnsupportedAlgorithm, x509.InvalidVersion)
"""What the parser raises for odd certificates; a version other than 1 and 3 is no ValueError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Presented:
    """The chain as it came, unverified, the server's own certificate first.

    subjects, issuers: RFC 4514 names, cut short, printable. fingerprints: SHA-256 over the DER, hex, lower case.
    problem: why nothing could be seen, ``""`` if something was.
    """

    subjects: tuple[str, ...] = ()
    issuers: tuple[str, ...] = ()
    fingerprints: tuple[str, ...] = ()
    problem: str = ""

    @property
    def root(self) -> str:
        """Who must be trusted for this chain to hold: the issuer of its last certificate; ``""`` without one."""
        return self.issuers[-1] if self.issuers else ""

    def words(self, *, root_missing: bool = True) -> str:
        """The chain in one clause; root_missing: also say which root the trust store lacks."""
        if not self.fingerprints:
            return f"what it presents cannot be seen: {self.problem or 'no certificate'}"
        said = (
            f"it presents `{self.subjects[0]}`, issued by `{self.issuers[0]}`; topmost of {len(self.subjects)}:"
            f" `{self.subjects[-1]}`, issued by `{self.issuers[-1]}`, sha-256 {self.fingerprints[-1]}"
        )
        return said + (f"; the missing root is `{self.root}`" if root_missing else "")


def root_is_missing(trouble: ssl.SSLCertVerificationError) -> bool:
    """Whether this failure is about who signed, and not about names or dates."""
    return trouble.verify_code in _NO_ROOT


def presented(host: str, port: int, until: float, proxy: str = "") -> Presented:
    """The chain that ``host:port`` presents, seen by ``until`` (monotonic seconds); never raises for trouble.

    proxy: ``http://[user:password@]host:port``, ``""`` = straight. Verifies nothing: for people to read only.
    """
    try:
        with limit(until), through(host, port, proxy) as raw:
            with open_context().wrap_socket(raw, server_hostname=host) as tls:
                chain = _chain(tls)
            return _named(chain[:_CHAIN_LENGTH])
    except SourceError as trouble:
        return Presented(problem=trouble.detail)
    except TimeoutError:
        return Presented(problem=f"`{host}` did not answer in time")
    except ssl.SSLError as trouble:
        reason = (trouble.reason or "protocol error").lower().replace("_", " ")
        return Presented(problem=f"tls with `{host}` failed: {reason}")
    except OSError as trouble:
        return Presented(problem=f"`{host}` cannot be reached: {trouble.strerror or type(trouble).__name__}")
    except _UNREADABLE:
        return Presented(problem=f"the certificates of `{host}` cannot be read")


class Onlooker:
    """Looks once at each host within ten minutes, and remembers what it saw. Thread-safe."""

    def __init__(self, proxy: str = "") -> None:
        self._proxy = proxy
        self._flights = Flights()
        self._lock = threading.Lock()
        self._seen: dict[tuple[str, int], tuple[float, Presented]] = {}

    def look(self, host: str, port: int, until: float) -> Presented:
        """What this host presented; waits for it until ``until`` (monotonic seconds) at most."""
        with self._lock:
            at, seen = self._seen.get((host, port), (0.0, Presented()))
        if at and time.monotonic() < at + _AGAIN_S:
            return seen
        try:
            return self._flights.run((host, port), lambda: self._look(host, port), until, f"looking at `{host}`")
        except SourceError as trouble:
            return Presented(problem=trouble.detail)

    def _look(self, host: str, port: int) -> Presented:
        started = time.monotonic()
        with self._lock:
            at, before = self._seen.get((host, port), (0.0, Presented()))
        if at and started < at + _AGAIN_S:
            return before  # somebody else's flight landed between our look and our start
        seen = presented(host, port, started + _LOOK_S, self._proxy)
        with self._lock:
            while len(self._seen) >= _HOSTS:
                del self._seen[next(iter(self._seen))]
            self._seen[(host, port)] = (started, seen)
        return seen


def through(host: str, port: int, proxy: str) -> Any:
    """A raw connection to the host, through the proxy where there is one (RFC 9110 section 9.3.6).

    Only within ``limit``. Raises OSError, and SourceError when a name has no address or the proxy does not lead there.
    """
    if not proxy:
        return connect(host, port)
    parts = urlsplit(proxy)
    try:
        raw = connect(parts.hostname or "", parts.port or 80)
    except OSError as trouble:  # said of the proxy: the host behind it may be in the best of health
        why = "it does not answer in time" if isinstance(trouble, TimeoutError) else (trouble.strerror or "error")
        raise SourceError(f"the proxy `{parts.hostname}` cannot be reached: {why.lower()}") from trouble
    try:
        login = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}".encode()
        proof = f"Proxy-Authorization: Basic {b64encode(login).decode()}\r\n" if parts.username else ""
        raw.sendall(f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n{proof}\r\n".encode("ascii"))
        if _said(raw).split(b" ", 2)[1:2] == [b"200"]:
            return raw
    except BaseException:
        raw.close()
        raise
    raw.close()
    raise SourceError(f"the proxy does not lead to `{host}`")


def _said(raw: Any) -> bytes:
    """The proxy's answer, up to its blank line, one octet at a time: what follows belongs to TLS."""
    answer, octet = bytearray(), bytearray(1)
    while not answer.endswith(b"\r\n\r\n"):
        if len(answer) > _PROXY_ANSWER or not raw.recv_into(octet):
            return b""
        answer += octet
    return bytes(answer)


def _chain(tls: ssl.SSLSocket) -> list[bytes]:
    """The chain as DER. Python 3.13 has a public name for it; before, only the object inside has (since 3.10)."""
    public = getattr(tls, "get_unverified_chain", None)
    if public is not None:
        return list(public())
    inner = getattr(getattr(tls, "_sslobj", None), "get_unverified_chain", None)
    if inner is not None:
        return [certificate.public_bytes(_DER) for certificate in inner() or ()]
    alone = tls.getpeercert(binary_form=True)
    return [alone] if alone else []


def _named(chain: list[bytes]) -> Presented:
    certificates = [x509.load_der_x509_certificate(der) for der in chain]
    return Presented(
        subjects=tuple(_shown(certificate.subject) for certificate in certificates),
        issuers=tuple(_shown(certificate.issuer) for certificate in certificates),
        fingerprints=tuple(certificate.fingerprint(hashes.SHA256()).hex() for certificate in certificates),
        problem="" if certificates else "it presents no certificate",
    )


def _shown(name: x509.Name) -> str:
    """The name for people: its text comes from a stranger."""
    text = "".join(char if char.isprintable() and char != "`" else "?" for char in name.rfc4514_string())
    return text[:_NAME_LENGTH] or "no name"
