"""UDP sockets that answer from the address that was asked.

Knows: binding, ancillary packet information (RFC 3542, ip(7)), one datagram in, one out.
Refuses to know: RADIUS.
"""

from __future__ import annotations

import ipaddress
import socket
import struct
from collections.abc import Callable
from functools import lru_cache
from typing import TypeAlias

# Linux numbers; Python's socket module names the IPv4 one only from 3.14 on.
_IP_PKTINFO = getattr(socket, "IP_PKTINFO", 8)
_RECEIVE_BUFFER = 4 * 1024 * 1024
# A packet has at most 4,096 octets; what follows in the datagram is padding (RFC 2865 section 3).
_DATAGRAM_MAX = 4_096
_ANCILLARY_MAX = 128
Peer: TypeAlias = tuple[str, int] | tuple[str, int, int, int]
Ancillary: TypeAlias = tuple[tuple[int, int, bytes], ...]

_PKTINFO4 = struct.Struct("=I4s4s")
_PKTINFO6 = struct.Struct("=16sI")


class ReturnPath:
    """Where a datagram came from and which of our addresses it was sent to.

    peer: the kernel's socket address of the sender, ready for ``sendmsg``. source: that address as text, without a
    scope. port: its UDP port. local: ancillary octets that make the answer leave from the address that was asked.
    """

    __slots__ = ("local", "peer", "port", "sock", "source")

    def __init__(self, sock: socket.socket, peer: Peer, local: Ancillary) -> None:
        self.sock = sock
        self.peer = peer
        self.local = local
        self.source = peer[0].partition("%")[0] if "%" in peer[0] else peer[0]
        self.port = peer[1]

    def send(self, octets: bytes) -> None:
        """Send one datagram back. Raises OSError (for instance EMSGSIZE, EPERM, ENOBUFS)."""
        if self.local:
            self.sock.sendmsg([octets], self.local, 0, self.peer)
        else:
            self.sock.sendto(octets, self.peer)


def bind(address: str, port: int) -> socket.socket:
    """A bound, non-blocking UDP socket that learns which local address each datagram was sent to.

    address: an IPv4 or IPv6 address, ``0.0.0.0`` and ``::`` included; port 0 lets the kernel choose.
    Raises OSError if the address cannot be bound; no second daemon can take the same port
    (SO_REUSEPORT is not set).
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        # The kernel caps what it gives; a power cut's worth of returning switches arrives in one burst.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if ipaddress.ip_address(address.partition("%")[0]).is_unspecified:
            _learn_local(sock, family)
        sock.bind((address, port))
    except OSError:
        sock.close()
        raise
    return sock


def _learn_local(sock: socket.socket, family: int) -> None:
    """Bound to no address in particular: each answer must be told where to leave from."""
    if family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
    else:
        sock.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)


Receive: TypeAlias = Callable[[socket.socket], tuple[bytes, ReturnPath]]


def receiver(sock: socket.socket) -> Receive:
    """What reads one datagram of this socket, with the way back. It raises BlockingIOError when there is none."""
    return receive if ipaddress.ip_address(sock.getsockname()[0]).is_unspecified else _receive_bound


def _receive_bound(sock: socket.socket) -> tuple[bytes, ReturnPath]:
    octets, peer = sock.recvfrom(_DATAGRAM_MAX)
    return octets, ReturnPath(sock, peer, ())


def receive(sock: socket.socket) -> tuple[bytes, ReturnPath]:
    """One datagram and the way back, from the address that was asked. Raises BlockingIOError when there is none."""
    octets, ancillary, _flags, peer = sock.recvmsg(_DATAGRAM_MAX, _ANCILLARY_MAX)
    for level, kind, told in ancillary:
        local = _local(level, kind, told)
        if local:
            return octets, ReturnPath(sock, peer, local)
    return octets, ReturnPath(sock, peer, ())


@lru_cache(maxsize=1_024)
def _local(level: int, kind: int, octets: bytes) -> Ancillary:
    """What makes an answer leave from the address that ``octets`` tell of; one of few, so it is kept."""
    if level == socket.IPPROTO_IP and kind == _IP_PKTINFO:
        # spec_dst is the local address to answer from, right for broadcasts too (ip(7)).
        _index, local, _destination = _PKTINFO4.unpack(octets)
        # Interface 0: the address is pinned, the route stays the kernel's choice.
        return ((socket.IPPROTO_IP, _IP_PKTINFO, _PKTINFO4.pack(0, local, bytes(4))),)
    if level == socket.IPPROTO_IPV6 and kind == socket.IPV6_PKTINFO:
        destination, index = _PKTINFO6.unpack(octets)
        # A link-local address means nothing without its interface (RFC 4007 section 6).
        index = index if destination[:2] == b"\xfe\x80" else 0
        return ((socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, _PKTINFO6.pack(destination, index)),)
    return ()
