"""Connections that end at a deadline, however slowly the other side drips.

Knows: sockets, and the pieces of urllib3 that make them. Refuses to know: requests and answers.
urllib3's timeout counts from each octet to the next, so a peer that sends one octet a second is
never late. Here the time left of the whole call is set before every read and write; name
resolution, which knows no timeout at all, runs in a flight of its own.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from nacd.errors import SourceError
from nacd.intune.flight import Flights

_RESOLVERS = Flights()


class _Limit(threading.local):
    """The deadline (monotonic seconds) of the call this thread is in."""

    until = 0.0

    def left_s(self) -> float:
        left_s = self.until - time.monotonic()
        if left_s <= 0:
            raise TimeoutError("the deadline has passed")
        return left_s


_LIMIT = _Limit()


@contextlib.contextmanager
def limit(until: float) -> Iterator[None]:
    """Every connection this thread uses in here ends at ``until`` (monotonic seconds) with TimeoutError."""
    before, _LIMIT.until = _LIMIT.until, until
    try:
        yield
    finally:
        _LIMIT.until = before


class _BoundedSocket(socket.socket):
    """The raw connection: what a proxy says before TLS begins, and plain http."""

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        self.settimeout(_LIMIT.left_s())
        return super().recv_into(*args, **kwargs)

    def sendall(self, *args: Any, **kwargs: Any) -> None:
        self.settimeout(_LIMIT.left_s())
        super().sendall(*args, **kwargs)


class _BoundedTlsSocket(ssl.SSLSocket):
    """The TLS connection. One call of these is bounded as a whole by the timeout (CPython's _ssl.c)."""

    def do_handshake(self, block: bool = False) -> None:
        self.settimeout(_LIMIT.left_s())
        super().do_handshake(block)

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        self.settimeout(_LIMIT.left_s())
        return super().recv_into(*args, **kwargs)

    def send(self, *args: Any, **kwargs: Any) -> int:  # sendall is a loop around this
        self.settimeout(_LIMIT.left_s())
        return super().send(*args, **kwargs)


def tls_context(ca_file: str) -> ssl.SSLContext:
    """TLS 1.2 and later, trusting ``ca_file`` alone, or the operating system's roots when it is ``""``.

    The environment has no say: SSL_CERT_FILE and REQUESTS_CA_BUNDLE are not read. Raises OSError
    when the file cannot be read (ssl.SSLError is one).
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.sslsocket_class = _BoundedTlsSocket
    if ca_file:
        context.load_verify_locations(cafile=ca_file)
        return context
    system = ssl.get_default_verify_paths()  # the openssl_* fields are those compiled in
    for place in ({"cafile": system.openssl_cafile}, {"capath": system.openssl_capath}):
        with contextlib.suppress(FileNotFoundError):
            context.load_verify_locations(**place)
    return context


def open_context() -> ssl.SSLContext:
    """TLS that believes anybody: to look at what a server presents, never to send anything through it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.sslsocket_class = _BoundedTlsSocket
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _resolve(host: str, port: int) -> list[Any]:
    """Addresses of a host; SourceError when there are none."""

    def work() -> list[Any]:
        try:
            return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as trouble:
            raise SourceError(f"`{host}` cannot be resolved: {trouble.strerror or trouble}") from trouble
        except UnicodeError as trouble:
            raise SourceError(f"`{host}` is no name of a host: a part of it is longer than 63 characters") from trouble

    return _RESOLVERS.run((host, port), work, _LIMIT.until, f"resolving `{host}`")


def connect(host: str, port: int) -> socket.socket:
    """The first address that answers, each given its share of the time left. Only within ``limit``.

    Raises OSError, and SourceError when the name has no address.
    """
    addresses = _resolve(host.strip("[]"), port)  # an IPv6 address stands in brackets, as it does in its URL
    failed: OSError = OSError(f"`{host}` has no address")
    for done, (family, kind, protocol, _name, address) in enumerate(addresses):
        connection = _BoundedSocket(family, kind, protocol)
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.settimeout(_LIMIT.left_s() / (len(addresses) - done))
            connection.connect(address)
        except OSError as trouble:
            connection.close()
            failed = trouble
        else:
            connection.settimeout(_LIMIT.left_s())
            return connection
    raise failed


class _PlainConnection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return connect(self.host, self.port or 80)


class _TlsConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return connect(self.host, self.port or 443)


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


POOLS = {"http": _PlainPool, "https": _TlsPool}
